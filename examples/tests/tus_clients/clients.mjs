// What tus-js-client and Uppy do, in Node and in a browser alike: `node.mjs` and `browser.mjs` bring what differs.
//
// All goes through a proxy that cuts each connection after some MiB, so whatever is long had to go on; though not every cut is seen
// here: a browser sends a request again by itself whose connection was used before and ended without an answer.
// What was uploaded is then read back, straight from the server.

const MIB = 1 << 20

export function check(what, condition, seen) {
  if (!condition) throw new Error(`${what}: ${JSON.stringify(seen)}`)
}

function random(size) {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536))
  return bytes
}

/**
 * @param tus the module tus-js-client
 * @param source bytes and a name → what a client uploads
 * @param stream bytes → the same as a stream
 * @param storage options that make uploads be found again
 * @param uppy a function → an Uppy with its tus plugin
 */
export async function run({ tus, source, stream, storage, uppy, endpoint, api, key }) {
  const headers = { Authorization: `Bearer ${key}` }
  let wentOn = 0
  const direct = url => `${api}${new URL(url).pathname}`

  /** That the server has these bytes. */
  async function stored(name, url, bytes) {
    const sent = await crypto.subtle.digest("SHA-256", bytes)
    const state = await fetch(direct(url), { method: "HEAD", headers: { ...headers, "Tus-Resumable": "1.0.0" } })
    const told = Object.fromEntries(state.headers)
    check(`${name} is there`, state.status === 200, state.status)
    check(`${name} is complete`, told["upload-offset"] === `${bytes.length}` && told["upload-length"] === `${bytes.length}`, told)
    const digest = btoa(String.fromCharCode(...new Uint8Array(sent)))
    check(`the digest of ${name}`, told["repr-digest"]?.includes(`sha-256=:${digest}:`), [digest, told])
    const got = await fetch(direct(url), { headers })
    check(`${name} is read`, got.status === 200, got.status)
    const same = new Uint8Array(await crypto.subtle.digest("SHA-256", await got.arrayBuffer()))
    check(`${name} is what was sent`, same.every((byte, at) => byte === new Uint8Array(sent)[at]), told)
    return told
  }

  /** Uploads; `begin` does so in its own way. Gives where the upload is. */
  function upload(from, options = {}, begin = upload => upload.start()) {
    return new Promise((resolve, reject) => {
      const one = new tus.Upload(from, {
        endpoint, headers, retryDelays: Array(20).fill(0), storeFingerprintForResuming: false,
        onShouldRetry: error => {
          const status = error.originalResponse?.getStatus() ?? 0
          wentOn++
          return status < 400 || status >= 500 || status === 409 || status === 423
        },
        onSuccess: () => resolve({ url: one.url }),
        onError: reject,
        ...options,
      })
      begin(one)
    })
  }

  /** Uploads random bytes so. */
  async function tried(name, size, options, begin) {
    const bytes = random(size)
    const { url } = await upload(source(bytes, name), options, begin)
    return await stored(name, url, bytes)
  }

  const begun = {
    async "in one request"() {
      await tried("plain", 16 * MIB)
    },
    async "in chunks"() {
      await tried("chunked", 16 * MIB, { chunkSize: 2 * MIB })
    },
    async "of no bytes"() {
      await tried("empty", 0)
    },
    async "with its creation"() {
      await tried("at once", MIB, { uploadDataDuringCreation: true })
    },
    async "by POST"() {
      await tried("overridden", 8 * MIB, { overridePatchMethod: true, addRequestId: true })
    },
    async "in parallel"() {
      const told = await tried("parallel", 18 * MIB + 1, { parallelUploads: 3, metadata: { filename: "parallel.bin" } })
      check("it is composed", told["upload-concat"]?.startsWith("final;"), told)
    },
    async "of unknown length"() {
      const bytes = random(12 * MIB + 7)
      const { url } = await upload(stream(bytes), { uploadLengthDeferred: true, chunkSize: 3 * MIB })
      await stored("deferred", url, bytes)
    },
    async "with metadata"() {
      const told = await tried("described", 1000, { metadata: { empty: "", filename: "größe, 大小.txt", filetype: "text/plain" } })
      const pairs = Object.fromEntries(told["upload-metadata"].split(",").map(pair => pair.split(" ")))
      const name = new TextDecoder().decode(Uint8Array.from(atob(pairs.filename), c => c.charCodeAt(0)))
      check("its metadata", name === "größe, 大小.txt" && atob(pairs.filetype) === "text/plain" && pairs.empty === "", pairs)
    },
    async "found again after an abort"() {
      const bytes = random(16 * MIB)
      const found = await storage("found")
      const options = { ...found, storeFingerprintForResuming: true }
      const first = await new Promise((resolve, reject) => {
        upload(source(bytes, "found"), {
          ...options,
          onProgress(sent) {
            if (sent > 2 * MIB && !this.aborted) {
              this.aborted = true
              this.upload.abort().then(() => resolve(this.upload.url), reject)
            }
          },
        }, upload => {
          upload.options.upload = upload
          upload.start()
        }).then(() => reject(new Error("completed before it was aborted")), reject)
      })
      const second = await upload(source(bytes, "found"), options, async upload => {
        const [previous] = await upload.findPreviousUploads()
        check("the previous upload is found", previous?.uploadUrl === first, [previous, first])
        upload.resumeFromPreviousUpload(previous)
        upload.start()
      })
      check("it is the same upload", second.url === first, [first, second])
      await stored("found", first, bytes)
    },
    async "terminated"() {
      const url = await new Promise((resolve, reject) => {
        const one = new tus.Upload(source(random(8 * MIB), "terminated"), {
          endpoint, headers, retryDelays: [0, 0, 0, 0], onError: reject,
          onProgress: sent => sent > 0 && one.url && one.abort(true).then(() => resolve(one.url), reject),
        })
        one.start()
      })
      const state = await fetch(direct(url), { method: "HEAD", headers })
      check("it is gone", [404, 410].includes(state.status), state.status)
    },
    async "refused"() {
      const error = await upload(source(random(10), "refused"), { headers: { Authorization: "Bearer nobody" } }).then(
        () => check("an unknown key is refused"), error => error)
      check("its status is seen", error.originalResponse?.getStatus() === 401, `${error}`)
    },
    async "by Uppy"() {
      const files = [["one", 9 * MIB], ["two", 6 * MIB], ["größe three", 1]].map(([name, size]) => ({ name, bytes: random(size) }))
      const one = uppy({ endpoint, headers, retryDelays: Array(20).fill(0) })
      for (const { name, bytes } of files) one.addFile({ name, type: "application/x-test", data: source(bytes, name) })
      const { successful, failed } = await one.upload()
      check("all are uploaded", failed.length === 0 && successful.length === files.length, failed.map(file => file.error))
      for (const { name, bytes } of files) {
        const { uploadURL } = successful.find(file => file.name === name)
        const told = await stored(`Uppy's ${name}`, uploadURL, bytes)
        check("its name is kept", told["upload-metadata"].includes(`filename ${btoa(unescape(encodeURIComponent(name)))}`), told)
      }
      one.destroy()
    },
  }
  for (const [how, does] of Object.entries(begun)) {
    try {
      await does()
    } catch (error) {
      throw new Error(`an upload ${how}: ${error.stack ?? error}`)
    }
  }
  check("uploads went on", wentOn > 0, wentOn)
  return `${Object.keys(begun).length} ways to upload: in one request, ${Object.keys(begun).slice(1).join(", ")}`
}

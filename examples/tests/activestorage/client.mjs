// The client in Node: its browser is jsdom, which sends preflights and enforces CORS as browsers do.
//
//   node client.mjs SERVER CLIENT    the example's program, and the library's module

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { pathToFileURL } from "node:url"
import { JSDOM, VirtualConsole } from "jsdom"

const [server, client] = process.argv.slice(2)
const KEY = "a-key-of-the-tests"
const SIZES = [0, 1, 5 << 20, 60_000_000]

async function serve(...more) {
  const options = ["--client", client, "--key", KEY, "--listen", "127.0.0.1:0", ...more]
  const child = spawn(server, options, { stdio: ["ignore", "pipe", "inherit"] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const url = async before => {
    const { value } = await lines.next()
    assert.ok(value?.startsWith(before), `expected "${before}…", got "${value}"`)
    return value.slice(before.length)
  }
  return { child, form: await url("the form is on "), api: await url("uploads go to ") }
}

/** A page of this origin: what the library takes from a browser, and the library. */
async function page(origin) {
  // Errors are looked at where they are reported; jsdom would print them besides.
  const { window } = new JSDOM("<!doctype html>", { url: origin, virtualConsole: new VirtualConsole() })
  for (const name of ["window", "document", "XMLHttpRequest", "File", "FileReader", "Blob", "Event"]) {
    globalThis[name] = name === "window" ? window : window[name]
  }
  const library = await import(`${pathToFileURL(client)}?origin=${encodeURIComponent(origin)}`)
  return { window, library }
}

function upload({ library }, api, file, { blobRequest, storeRequest }) {
  return new Promise((resolve, reject) => {
    const delegate = {
      directUploadWillCreateBlobWithXHR: blobRequest,
      directUploadWillStoreFileWithXHR: storeRequest,
    }
    const url = `${api}/api/v1/upload/direct`
    new library.DirectUpload(file, url, delegate).create((error, blob) => error ? reject(error) : resolve(blob))
  })
}

const sha256 = bytes => createHash("sha256").update(bytes).digest("hex")

async function ok(answer) {
  assert.equal(answer.status, 200, `${answer.url}: ${answer.status}`)
  return answer
}

async function tryAll(name, { form, api }) {
  const here = await page(form)
  const authorized = xhr => xhr.setRequestHeader("Authorization", `Bearer ${KEY}`)
  assert.equal(new URL(form).origin === new URL(api).origin, name === "same origin")

  for (const size of SIZES) {
    const bytes = randomBytes(size)
    const file = new here.window.File([bytes], `größe ${size}.bin`, { type: "application/x-test" })
    const blob = await upload(here, api, file, { blobRequest: authorized })
    assert.equal(blob.filename, `größe ${size}.bin`)
    assert.equal(blob.byte_size, size)
    assert.equal(blob.content_type, "application/x-test")
    assert.equal(blob.checksum, createHash("md5").update(bytes).digest("base64"))
    assert.match(blob.key, /^[0-9a-z]{28}$/)
    assert.ok(Number.isSafeInteger(blob.id) && blob.id > 0)

    const state = await ok(await fetch(`${api}/api/v1/upload/direct/${blob.signed_id}`, { headers: { "X-API-Key": KEY } }))
    assert.equal((await state.json()).state, "stored")
    // What a form would send to the application, and the link that it answers with.
    const answer = await ok(await fetch(`${form}/files`, { method: "POST", body: `files=${blob.signed_id}` }))
    const [, link] = /href="([^"]+)"/.exec(await answer.text())
    const got = Buffer.from(await (await ok(await fetch(link))).arrayBuffer())
    assert.equal(got.length, size)
    assert.equal(sha256(got), sha256(bytes))
  }

  // What goes wrong has a status, also for pages of another origin: 0 would mean that they may not see it.
  const file = new here.window.File(["abc"], "a.txt", { type: "text/plain" })
  await assert.rejects(
    upload(here, api, file, { blobRequest: xhr => xhr.setRequestHeader("Authorization", "Bearer nobody") }),
    error => (assert.equal(error, 'Error creating Blob for "a.txt". Status: 401'), true),
  )
  await assert.rejects(
    upload(here, api, file, {
      blobRequest: authorized,
      storeRequest: xhr => xhr.setRequestHeader("Content-Type", "text/html"),
    }),
    error => (assert.equal(error, 'Error storing "a.txt". Status: 422'), true),
  )
  here.window.close()
  console.log(`node, ${name}: ${SIZES.length} files are what was sent, errors have their status`)
}

for (const [name, ...more] of [["same origin"], ["cross origin", "--api-listen", "127.0.0.1:0"]]) {
  const running = await serve(...more)
  try {
    await tryAll(name, running)
  } finally {
    running.child.kill("SIGINT")
  }
  const [code] = await once(running.child, "exit")
  assert.equal(code, 0, "the example's exit")
}

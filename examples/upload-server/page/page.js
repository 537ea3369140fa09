// The page at `/` of upload-server. `build.sh` bundles it with tus-js-client; what is served is `bundle.js`.

import { Upload } from "tus-js-client/lib/browser/index.js"

const endpoint = new URL("files", document.baseURI).href
// As long as a tab is open, an upload waits for its server.
const retryDelays = [0, 500, 1000, 2000, 4000, ...Array(100_000).fill(5000)]
// Larger files are not read a second time, to compare what the server has computed.
const COMPARED = 64 << 20

const at = id => document.getElementById(id)
const keyField = at("key")

// ---- the key

const KEPT = "upload-api-key"
keyField.value = sessionStorage.getItem(KEPT) ?? ""
keyField.addEventListener("input", () => sessionStorage.setItem(KEPT, keyField.value.trim()))
at("key-form").addEventListener("submit", event => {
  event.preventDefault()
  admitted()
})

const headers = () => {
  const key = keyField.value.trim()
  return key ? { Authorization: `Bearer ${key}` } : {}
}

/** Whether the server takes uploads from here: with the key that is given, or with none. Asks for an upload that is nobody's. */
async function admitted() {
  const answer = await fetch(`${endpoint}/none`, { method: "HEAD", headers: { ...headers(), "Tus-Resumable": "1.0.0" } })
    .catch(() => undefined)
  const refused = answer?.status === 401 || answer?.status === 403
  const given = keyField.value.trim() !== ""
  // Once shown it stays: whoever has given a good one sees what it is.
  at("key-form").hidden &&= !refused && !given
  keyField.setAttribute("aria-invalid", refused && given)
  at("key-said").classList.toggle("error", refused && given)
  at("key-said").textContent = !refused ? "Kept until this tab is closed."
    : given ? "The server does not know this key." : "The server asks for a key. It is kept until this tab is closed."
  if (refused) keyField.focus()
  return !refused
}

// ---- numbers for people

function size(bytes) {
  let unit = 0
  for (; bytes >= 1000 && unit < 4; unit++) bytes /= 1000
  return `${bytes.toFixed(unit && bytes < 100 ? 1 : 0)} ${[bytes === 1 ? "byte" : "bytes", "kB", "MB", "GB", "TB"][unit]}`
}

function time(seconds) {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  return seconds < 3600 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

/** Bytes a second over the last few seconds. */
class Speed {
  points = []

  at(sent, now = performance.now()) {
    this.points.push([now, sent])
    while (this.points.length > 2 && now - this.points[0][0] > 4000) this.points.shift()
    const [[since, before]] = this.points
    return now - since > 300 ? Math.max(0, sent - before) / (now - since) * 1000 : undefined
  }
}

// ---- one upload

class Row {
  constructor(file) {
    this.file = file
    this.element = at("upload").content.cloneNode(true).firstElementChild
    this.part = name => this.element.querySelector(name)
    this.part(".name").textContent = file.name
    this.part("progress").setAttribute("aria-label", file.name)
    this.part(".pause").addEventListener("click", () => this.running ? this.pause() : this.start())
    this.part(".remove").addEventListener("click", () => this.remove())
    this.part(".remove").setAttribute("aria-label", `Remove ${file.name}`)
    at("uploads").prepend(this.element)
    this.tus = new Upload(file, {
      endpoint,
      retryDelays,
      metadata: { filename: file.name, ...(file.type && { filetype: file.type }) },
      removeFingerprintOnSuccess: true,
      onBeforeRequest: request => {
        for (const [name, value] of Object.entries(headers())) request.setHeader(name, value)
      },
      onUploadUrlAvailable: () => this.say("Uploading"),
      onProgress: (sent, all) => this.progress(sent, all),
      onShouldRetry: error => this.retries(error),
      onSuccess: () => this.completed(),
      onError: error => this.failed(error),
    })
  }

  /** What is told to whoever listens, so not each percent. */
  say(text, kind = "") {
    this.element.className = kind
    if (this.part(".state").textContent !== text) this.part(".state").textContent = text
  }

  set running(on) {
    this.runs = on
    this.part(".pause").textContent = on ? "Pause" : "Resume"
    this.part(".pause").setAttribute("aria-label", `${on ? "Pause" : "Resume"} ${this.file.name}`)
  }

  get running() {
    return this.runs
  }

  async start() {
    this.running = true
    this.speed = new Speed()
    this.say("Starting")
    try {
      if (!await admitted()) throw new Error("The server asks for a key that it knows")
      if (!this.tus.url) {
        const [previous] = await this.tus.findPreviousUploads()
        if (previous) this.tus.resumeFromPreviousUpload(previous)
      }
      if (this.running) this.tus.start()
    } catch (error) {
      this.failed(error)
    }
  }

  async pause() {
    this.running = false
    await this.tus.abort()
    this.say("Paused")
  }

  /** Ends it at the server too; what is complete stays there. */
  async remove() {
    try {
      await this.tus.abort(!this.complete)
    } catch (error) {
      console.warn(error)
    }
    this.element.remove()
  }

  progress(sent, all) {
    this.say("Uploading")
    this.part("progress").value = all ? sent / all : 1
    const speed = this.speed.at(sent)
    const left = speed > 0 ? `, ${size(speed)}/s, ${time((all - sent) / speed)} left` : ""
    this.part(".figures").textContent = `${size(sent)} of ${size(all)}${sent < all ? left : ""}`
  }

  /** No answer, and answers that mean "later": again. A definite no ends it. */
  retries(error) {
    const status = error.originalResponse?.getStatus() ?? 0
    const later = status < 400 || status >= 500 || status === 409 || status === 423
    if (later) {
      this.speed = new Speed()
      this.say(status ? `${reason(error)}; trying again` : "No connection to the server; trying again")
    }
    return later
  }

  failed(error) {
    this.running = false
    this.say(reason(error), "failed")
  }

  async completed() {
    this.complete = true
    this.running = false
    this.part(".pause").hidden = true
    this.part(".remove").textContent = "Hide"
    this.part(".remove").setAttribute("aria-label", `Hide ${this.file.name}`)
    this.part("progress").value = 1
    this.part(".figures").textContent = size(this.file.size)
    this.say("Complete", "done")
    try {
      const answer = await fetch(this.tus.url, { method: "HEAD", headers: { ...headers(), "Tus-Resumable": "1.0.0" } })
      if (!answer.ok) throw new Error(`its link: ${answer.status} ${answer.statusText}`)
      await this.show(answer)
    } catch (error) {
      this.say(`Complete, but nothing more is known: ${reason(error)}`, "done")
    }
  }

  async show(answer) {
    const link = this.part(".link")
    link.href = new URL(answer.headers.get("Content-Location") ?? "", this.tus.url).href
    link.textContent = this.file.name
    const digest = /sha-256=:([^:]+):/.exec(answer.headers.get("Repr-Digest") ?? "")?.[1]
    this.part(".digest").textContent = digest ? hex(atob(digest), c => c.charCodeAt(0)) : "not known"
    this.part("dl").hidden = false
    // Browsers compute digests on pages of https:// and of this machine.
    if (digest && crypto.subtle && this.file.size <= COMPARED) {
      const own = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", await this.file.arrayBuffer())), byte => byte)
      const same = own === this.part(".digest").textContent
      this.part(".same").textContent = same ? "as the file here" : `but the file here has ${own}`
      this.part(".same").className = same ? "same quiet" : "same error"
    }
  }
}

const hex = (bytes, number) => Array.from(bytes, byte => number(byte).toString(16).padStart(2, "0")).join("")

/** What the server said, as it is; else what the browser did. */
function reason(error) {
  const response = error.originalResponse
  const body = response?.getBody()?.trim()
  if (response) return body ? `${response.getStatus()}: ${body}` : `The server answered ${response.getStatus()}`
  return error.message
}

// ---- files

function take(files) {
  for (const file of files) new Row(file).start()
}

const drop = at("drop")
at("files").addEventListener("change", ({ target }) => {
  take(target.files)
  // The same file may be chosen again.
  target.value = ""
})
for (const [name, over] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
  drop.addEventListener(name, event => {
    event.preventDefault()
    drop.classList.toggle("over", over)
    if (name === "drop") take(event.dataTransfer.files)
  })
}
// Beside the field, a file would be opened in place of the page.
for (const name of ["dragover", "drop"]) addEventListener(name, event => event.preventDefault())
addEventListener("beforeunload", event => {
  if (document.querySelector("#uploads li:not(.done, .failed) .pause:not([hidden])")) event.preventDefault()
})

admitted()

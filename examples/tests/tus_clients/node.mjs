// The npm clients in Node: `node node.mjs ENDPOINT API KEY`.

import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import Uppy from "@uppy/core"
import Tus from "@uppy/tus"
import * as tus from "tus-js-client"
import { run } from "./clients.mjs"

const [endpoint, api, key] = process.argv.slice(2)

function* pieces(bytes) {
  for (let at = 0; at < bytes.length; at += 100_000) yield Buffer.from(bytes.subarray(at, at + 100_000))
}

console.log("node:", await run({
  tus, endpoint, api, key,
  source: bytes => Buffer.from(bytes),
  stream: bytes => Readable.from(pieces(bytes), { objectMode: false }),
  storage: name => ({ urlStorage: new tus.FileUrlStorage(join(mkdtempSync(join(tmpdir(), "tus-clients-")), name)) }),
  uppy: options => new Uppy().use(Tus, options),
}))

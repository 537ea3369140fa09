// The npm clients in a browser: a bundle that sets `runClients`.

import Uppy from "@uppy/core"
import Tus from "@uppy/tus"
import * as tus from "tus-js-client"
import { run } from "./clients.mjs"

globalThis.runClients = (endpoint, api, key) => run({
  tus, endpoint, api, key,
  source: (bytes, name) => new File([bytes], name, { type: "application/x-test", lastModified: 1 }),
  stream: bytes => new Blob([bytes]).stream().getReader(),
  storage: () => ({}),
  uppy: options => new Uppy().use(Tus, options),
})

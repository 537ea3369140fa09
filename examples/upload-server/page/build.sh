#!/usr/bin/env bash
# Bundles the page's script with the tus client that it takes: writes bundle.js, and LICENSES with the notices of what is in it.
#
#   examples/upload-server/page/build.sh            writes both
#   examples/upload-server/page/build.sh --check    fails if they are not what the sources give
#
# Needs node (20 or later) and npm. What npm installs stays below target/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(cd "$here/../../.." && pwd)/target/upload_page

for program in node npm; do
    command -v "$program" >/dev/null || { echo "$program is needed to bundle the page" >&2; exit 1; }
done

mkdir -p "$folder"
cp "$here/package.json" "$here/page.js" "$folder/"
(cd "$folder" && npm install --no-package-lock --no-audit --no-fund --loglevel=error >/dev/null)

cd "$folder"
node_modules/.bin/esbuild page.js --bundle --minify --format=esm --target=es2022 --legal-comments=none --log-level=warning \
    --banner:js="/* Made by build.sh from page.js and what LICENSES names. */" --outfile=bundle.js --metafile=made.json

# Each package whose code is in the bundle, with its licence as it came.
node --input-type=module > LICENSES <<'EOF'
import { readFileSync, readdirSync } from "node:fs"

const { inputs } = JSON.parse(readFileSync("made.json", "utf8"))
const packages = new Set(Object.keys(inputs).map(path => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]).filter(Boolean))
console.log("The licences of what bundle.js contains beside page.js.")
for (const name of [...packages].sort()) {
  const folder = `node_modules/${name}`
  const { version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"))
  const licence = readdirSync(folder).find(file => /^licen[cs]e/i.test(file))
  if (!licence) throw new Error(`${name} has no licence`)
  console.log(`\n---- ${name} ${version}\n\n${readFileSync(`${folder}/${licence}`, "utf8").trim()}`)
}
EOF

for file in bundle.js LICENSES; do
    if [ "${1:-}" = --check ]; then
        cmp "$folder/$file" "$here/$file" || { echo "build it again with $here/build.sh" >&2; exit 1; }
    else
        cp "$folder/$file" "$here/$file"
    fi
done

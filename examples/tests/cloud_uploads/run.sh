#!/usr/bin/env bash
# PlaceOS uploads by the npm client @placeos/cloud-uploads as it was published, in headless Chromium, against the real server.
#
#   examples/tests/cloud_uploads/run.sh            builds the server, then tests it
#   SERVER=path/to/upload-server …/run.sh          tests that one
#   SOURCE=path/to/cloud-uploads …/run.sh          the client of a checkout of its repository too: the function API of 1.x,
#                                                  of which npm has no release
#
# Needs node (18 or later), npm, python3 and chromium. What npm installs stays below target/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
folder=$root/target/cloud_uploads

for program in node npm python3 "${CHROMIUM:=chromium}"; do
    command -v "$program" >/dev/null || { echo "$program is needed for the tests of PlaceOS uploads" >&2; exit 1; }
done

mkdir -p "$folder"
cp "$here/package.json" "$folder/"
(cd "$folder" && npm install --no-package-lock --no-audit --no-fund --loglevel=error >/dev/null)

# For a page without modules: the package, and what it imports, under one name.
bundle() {
    "$folder/node_modules/.bin/esbuild" "$1" --bundle --format=iife --global-name=cloudUploads --log-level=warning --outfile="$2"
}
bundle "$folder/node_modules/@placeos/cloud-uploads/dist/cloud-uploads.module.js" "$folder/class.js"
arguments=(--classes "$folder/class.js" --worker "$folder/node_modules/ts-md5/dist/md5_worker.js")
if [ -n "${SOURCE:-}" ]; then
    # Its own folder may have nothing installed.
    NODE_PATH=$folder/node_modules bundle "$SOURCE/src/new/index.ts" "$folder/function.js"
    arguments+=(--functions "$folder/function.js")
fi

if [ -z "${SERVER:-}" ]; then
    (cd "$root" && cargo build -q -p upload-examples --bin upload-server)
    SERVER=$root/target/debug/upload-server
fi

python3 "$here/run.py" --server "$SERVER" --chromium "$CHROMIUM" "${arguments[@]}"

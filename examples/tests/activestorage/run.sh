#!/usr/bin/env bash
# Direct uploads by the npm client @rails/activestorage: in Node, and in headless Chromium through the form of
# examples/direct_upload_form; from the origin of the API and from another one.
#
#   examples/tests/activestorage/run.sh            builds the example, then tests it
#   SERVER=path/to/direct_upload_form …/run.sh     tests that one
#
# Needs node (20 or later), npm, python3 and chromium. What npm installs stays below target/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
folder=$root/target/activestorage

for program in node npm python3 "${CHROMIUM:=chromium}"; do
    command -v "$program" >/dev/null || { echo "$program is needed for the tests of direct uploads" >&2; exit 1; }
done

mkdir -p "$folder"
cp "$here/package.json" "$here/client.mjs" "$folder/"
(cd "$folder" && npm install --no-package-lock --no-audit --no-fund --loglevel=error >/dev/null)
client=$folder/node_modules/@rails/activestorage/app/assets/javascripts/activestorage.esm.js
[ -f "$client" ] || { echo "npm installed no $client" >&2; exit 1; }

if [ -z "${SERVER:-}" ]; then
    (cd "$root" && cargo build -q -p upload-examples --bin direct_upload_form)
    SERVER=$root/target/debug/direct_upload_form
fi

node "$folder/client.mjs" "$SERVER" "$client"
python3 "$here/browser.py" --server "$SERVER" --client "$client" --chromium "$CHROMIUM"

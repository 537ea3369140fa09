#!/usr/bin/env bash
# tus by its real clients, against the real server, through a proxy that cuts connections: tus-js-client and Uppy in Node and in
# headless Chromium, tuspy and aiotus in Python. Then the server's own page.
#
#   examples/tests/tus_clients/run.sh            builds the server, then tests it
#   SERVER=path/to/upload-server …/run.sh        tests that one
#
# Needs node (20 or later), npm, python3 with venv, and chromium. What npm and pip install stays below target/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
folder=$root/target/tus_clients

for program in node npm python3 "${CHROMIUM:=chromium}"; do
    command -v "$program" >/dev/null || { echo "$program is needed for the tests of tus clients" >&2; exit 1; }
done

mkdir -p "$folder"
cp "$here/package.json" "$here"/*.mjs "$folder/"
(cd "$folder" && npm install --no-package-lock --no-audit --no-fund --loglevel=error >/dev/null)
"$folder/node_modules/.bin/esbuild" "$folder/browser.mjs" --bundle --format=iife --log-level=warning --outfile="$folder/bundle.js"

[ -x "$folder/venv/bin/pip" ] || python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"

if [ -z "${SERVER:-}" ]; then
    (cd "$root" && cargo build -q -p upload-examples --bin upload-server)
    SERVER=$root/target/debug/upload-server
fi

"$folder/venv/bin/python" "$here/run.py" --server "$SERVER" --node "$folder/node.mjs" --bundle "$folder/bundle.js" --chromium "$CHROMIUM"
"$root/examples/upload-server/page/build.sh" --check
python3 "$here/page.py" --server "$SERVER" --chromium "$CHROMIUM"

#!/usr/bin/env bash
# The Python programs of the API pages of PixLab STORE and Wickson, as they stand there, against the real server.
#
#   examples/tests/pages/run.sh                       builds the server, then tests it
#   SERVER=path/to/upload-server …/run.sh             tests that one
#
# Needs python3 with pip, which puts `requests` below target/.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)

python3 -m pip install --quiet --upgrade --target "$root/target/pages" requests
if [ -z "${SERVER:-}" ]; then
    (cd "$root" && cargo build -q -p upload-examples --bin upload-server)
    SERVER=$root/target/debug/upload-server
fi
PYTHONPATH=$root/target/pages python3 "$here/run.py" "$SERVER"

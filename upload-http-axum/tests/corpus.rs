//! What the fuzzer found worth keeping runs with every test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

use std::path::Path;

#[test]
fn the_corpus_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/multipart");
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        upload_http_axum::multipart::check(&std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 5, "expected the corpus in {}, got {files} files", folder.display());
}

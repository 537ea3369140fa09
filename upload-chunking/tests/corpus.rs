//! What the fuzzer found worth keeping runs with every test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

use std::path::Path;

use upload_chunking::model::{Op, check};

#[test]
fn the_corpus_agrees_with_the_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/assembly");
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let ops = Op::decode(&std::fs::read(&path).unwrap());
        assert!(!ops.is_empty(), "{} is no operations", path.display());
        if let Err(disagreement) = check(&ops) {
            panic!("{}: {disagreement}", path.display());
        }
        files += 1;
    }
    assert!(files >= 6, "expected the corpus in {}, got {files} files", folder.display());
}

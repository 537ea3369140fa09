//! What the fuzzer found worth keeping runs with every test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs, unreachable_pub)]

use std::path::Path;

fn each(corpus: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(corpus);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 5, "expected the corpus in {}, got {files} files", folder.display());
}

#[test]
fn the_corpus_of_the_sniffer_passes() {
    each("sniff", upload_media::check);
}

#[cfg(feature = "probe")]
#[test]
fn the_corpora_of_the_probe_pass() {
    for (family, _) in upload_media::probe::FAMILIES {
        each(family, |content| upload_media::probe::check_family(family, content));
    }
}

//! The stored form: what was written once is read for ever, and what is no record is said to be none.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub
)]

mod support;

use std::{error::Error as _, fmt::Debug};

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};
use support::{fixtures, samples};
use upload_core::{
    ErrorKind,
    ports::Ids,
    record::{
        DigestRecord, DueRecord, HandleRecord, Head, Nonce, NoteRecord, RowRecord, ShapeRecord, TenantRecord,
        VERSION, decode, encode, keys,
    },
};

#[derive(Debug)]
struct Ones;

impl Ids for Ones {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(11);
    }
}

/// Reads bytes as the kind of record that a fixture's name begins with, and writes them again.
fn reread(kind: &str, key: &str, bytes: &[u8]) -> upload_core::Result<(String, Vec<u8>)> {
    fn both<T: Serialize + DeserializeOwned + Debug>(
        key: &str,
        bytes: &[u8],
    ) -> upload_core::Result<(String, Vec<u8>)> {
        let (nonce, record) = decode::<T>(key, bytes)?;
        Ok((format!("{record:#?}"), encode(&nonce, &record)?.to_vec()))
    }
    match kind {
        "head" => both::<Head>(key, bytes),
        "row" => both::<RowRecord>(key, bytes),
        "shape" => both::<ShapeRecord>(key, bytes),
        "digest" => both::<DigestRecord>(key, bytes),
        "note" => both::<NoteRecord>(key, bytes),
        "due" => both::<DueRecord>(key, bytes),
        "tenant" => both::<TenantRecord>(key, bytes),
        "handle" => both::<HandleRecord>(key, bytes),
        other => panic!("no record is called {other}"),
    }
}

fn kind(name: &str) -> &str {
    name.split(['-', '.']).next().unwrap()
}

/// Every fixture of version 1 reads back as what it was, field by field, and is written the same way today.
#[test]
fn the_fixtures_of_version_1_read_back_for_ever() {
    let found = fixtures("v1");
    let expected = samples();
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    let wanted: Vec<_> = expected.iter().map(|(name, _, _)| name.as_str()).collect();
    assert_eq!(names, wanted, "one fixture for every kind of record and every phase");
    for ((name, bytes), (_, shown, written)) in found.iter().zip(&expected) {
        let (record, again) =
            reread(kind(name), name, bytes).unwrap_or_else(|e| panic!("{name}: {:?}", e.source()));
        // The state of a digest is its library's; another version of that may write another one.
        if kind(name) != "digest" {
            assert_eq!(&record, shown, "{name} has another meaning now");
            assert_eq!(again, *written, "{name} is written differently");
        }
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(bytes).trim_end(), "{name}");
    }
}

/// What a version 1 reader does not know yet is no error, as long as the version is the same.
#[test]
fn a_field_from_a_later_minor_form_is_passed_over() {
    let row = br#"{"v":1,"n":"x","d":{"start":3,"print":"9:ae8b14860a799888","later":true},"more":0}"#;
    assert_eq!(decode::<RowRecord>("u/1/x/0", row).unwrap().1.start, 3);
}

#[test]
fn another_version_and_garbage_are_corrupt_and_name_the_key() {
    let other = format!(r#"{{"v":{},"n":"x","d":{{}}}}"#, VERSION + 1);
    let bad: [&[u8]; 9] = [
        other.as_bytes(),
        br#"{"v":0,"n":"x","d":{}}"#,
        br#"{"v":-1,"n":"x","d":{}}"#,
        br#"{"v":1,"n":"x"}"#,
        br#"{"v":1,"d":{}}"#,
        br#"{"v":1,"n":"x","d":[]}"#,
        b"",
        b"null",
        b"\xff\xfe not json",
    ];
    for bytes in bad {
        let e = decode::<Head>("u/the-key", bytes).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Corrupt);
        assert!(!e.to_string().contains("the-key"), "the inside stays inside: {e}");
        assert!(e.source().unwrap().to_string().contains("u/the-key"), "{:?}", e.source());
    }
    let newer = decode::<Head>("u/the-key", other.as_bytes()).unwrap_err();
    assert!(newer.source().unwrap().to_string().contains("version 2; this library reads 1"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// A record with bytes changed, cut off or put in is the record it says, or corrupt; never a panic.
    #[test]
    fn damaged_records_are_corrupt_or_readable(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(),
        byte in any::<u8>(), how in 0..3u8, as_kind in any::<prop::sample::Index>()) {
        let all = fixtures("v1");
        let (name, bytes) = which.get(&all);
        let mut bytes = bytes.clone();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => bytes.truncate(at),
            _ => bytes.insert(at, byte),
        }
        // Also read as something it is not.
        for kind in [kind(name), kind(&as_kind.get(&all).0)] {
            if let Err(e) = reread(kind, "u/some-key", &bytes) {
                prop_assert_eq!(e.kind, ErrorKind::Corrupt);
                prop_assert!(e.source().unwrap().to_string().contains("u/some-key"));
            }
        }
    }

    /// Rows and shapes of any numbers come back as they were put.
    #[test]
    fn records_come_back_as_they_were_put(start in any::<u64>(), len in any::<u64>(), crc64 in any::<u64>(),
        total in any::<u32>(), uniform in any::<Option<u64>>()) {
        let nonce = Nonce::random(&Ones);
        let row = RowRecord::in_place(start, upload_checksum::Fingerprint { len, crc64 });
        let (n, back) = decode::<RowRecord>("k", &encode(&nonce, &row).unwrap()).unwrap();
        prop_assert_eq!((n, back), (nonce.clone(), row));
        let mut shape = ShapeRecord::from(upload_chunking::assembly::Shape { total, sizing: None });
        shape.uniform = uniform;
        prop_assert_eq!(decode::<ShapeRecord>("k", &encode(&nonce, &shape).unwrap()).unwrap().1, shape);
    }

    /// Keys of places sort as the places do, and read back.
    #[test]
    fn keys_of_rows_sort_as_their_places(a in any::<u32>(), b in any::<u32>(), x in any::<u64>(), y in any::<u64>()) {
        use upload_chunking::assembly::Key;
        let id = support::id();
        for (a, b) in [(Key::Slot(a), Key::Slot(b)), (Key::Offset(x), Key::Offset(y))] {
            prop_assert_eq!(keys::row(&id, a).cmp(&keys::row(&id, b)), a.cmp(&b));
            prop_assert_eq!(keys::place(&keys::row(&id, a)), Some(a));
        }
    }
}

/// How the fixtures of a version come to be: `cargo test -p upload-core --test records -- --ignored`, once.
#[test]
#[ignore = "writes files; only for a new version of the stored form"]
fn write_the_fixtures_of_this_version() {
    support::write_fixtures(&format!("v{VERSION}"));
}

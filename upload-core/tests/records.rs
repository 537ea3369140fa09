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
    ErrorKind, Timestamp,
    ports::Ids,
    record::{
        AttemptRecord, BalanceRecord, ClaimRecord, CopiedRecord, DigestRecord, DueRecord, FoldRecord,
        HandleRecord, Head, IndexRecord, LedgerRecord, Nonce, NoteRecord, NoticeRecord, OwnerRecord, Phase,
        RowRecord, SessionRecord, ShapeRecord, TenantRecord, ToldRecord, VERSION, decode, encode, keys,
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
        "index" => both::<IndexRecord>(key, bytes),
        "ledger" => both::<LedgerRecord>(key, bytes),
        "balance" => both::<BalanceRecord>(key, bytes),
        "notice" => both::<NoticeRecord>(key, bytes),
        "told" => both::<ToldRecord>(key, bytes),
        "claim" => both::<ClaimRecord>(key, bytes),
        "session" => both::<SessionRecord>(key, bytes),
        "attempt" => both::<AttemptRecord>(key, bytes),
        "fold" => both::<FoldRecord>(key, bytes),
        "copied" => both::<CopiedRecord>(key, bytes),
        "owner" => both::<OwnerRecord>(key, bytes),
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

    /// A listing is read from its beginning, and that is its newest upload.
    #[test]
    fn keys_of_a_listing_sort_the_newest_first_and_read_back(a in any::<u64>(), b in any::<u64>()) {
        let id = support::id();
        let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
        let (first, second) = (keys::index(&id, a).unwrap(), keys::index(&id, b).unwrap());
        prop_assert_eq!(first.cmp(&second), b.cmp(&a));
        prop_assert_eq!(keys::index_parts(&first), Some((a, id)));
    }
}

/// What a record does not say is what it was before there was such a thing.
#[test]
fn what_an_old_record_does_not_say_is_off() {
    let all = fixtures("v1");
    let old = |name: &str| all.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let (_, head) = decode::<Head>("k", &old("head-receiving-bare.json")).unwrap();
    assert!(!head.exclusive && !head.whole && !head.holder_commits && !head.listed && head.claim.is_none());
    assert!(head.parts_committed.is_none() && head.attached.is_none() && head.policy.attach_within.is_none());
    assert_eq!((head.visibility, head.visibility()), (None, head.policy.visibility));
    assert_eq!(decode::<RowRecord>("k", &old("row.json")).unwrap().1.digest, None);
    assert!(head.unique.is_none() && head.content_claim.is_none() && head.charges.is_empty());
    assert!(head.policy.refuse_unreadable && head.policy.keep_content);
    assert_eq!(head.policy.process_attempts, 5);
    let (_, verifying) = decode::<Head>("k", &old("head-verifying.json")).unwrap();
    assert!(matches!(verifying.phase, Phase::Verifying { attempts: 0, .. }));
    let (_, completed) = decode::<Head>("k", &old("head-completed.json")).unwrap();
    let outcome = completed.phase.outcome().unwrap();
    assert!(outcome.details.is_empty() && outcome.charges.is_empty() && !outcome.content_removed);
    assert_eq!(decode::<ClaimRecord>("k", &old("claim.json")).unwrap().1.replaces, None);
    let index = br#"{"v":1,"n":"x","d":{"label":"wire","owner":"key-1"}}"#;
    assert_eq!(decode::<IndexRecord>("k", index).unwrap().1, IndexRecord::new("wire", "key-1"));
}

/// Keys of a listing and of claims: nobody else's prefix holds them, and what is no such key reads as none.
#[test]
fn keys_of_listings_and_claims_belong_to_one_tenant() {
    let (id, handle) = (support::id(), support::handle());
    let now = Timestamp::from_millis(1_700_000_000_000);
    let key = keys::index(&id, now).unwrap();
    assert!(key.starts_with(&keys::index_of(&handle)) && key.starts_with(keys::INDEX));
    let claim = keys::claim(&handle, "wire", "0f");
    assert_eq!(claim, format!("c/{handle}/wire/0f"));
    assert!(claim.starts_with(keys::CLAIMS));
    let short = key.replace("/1", "/");
    for bad in ["", "i/", &key[2..], &key[..key.len() - 1], &short, &format!("i/{handle}/x/{id}"), &claim] {
        assert_eq!(keys::index_parts(bad), None, "{bad}");
    }
    // The ends of time.
    for at in [0, u64::MAX] {
        let at = Timestamp::from_millis(at);
        assert_eq!(keys::index_parts(&keys::index(&id, at).unwrap()), Some((at, id.clone())));
    }
}

/// A ledger is read in the order of its hours, and by its tenant alone.
#[test]
fn keys_of_a_ledger_sort_by_hour_and_belong_to_one_tenant() {
    let (id, handle) = (support::id(), support::handle());
    let key = |hour: u64| keys::ledger(&id, Timestamp::from_millis(hour * 3_600_000 + 5)).unwrap();
    for (a, b) in [(0, 1), (9, 10), (99_999, 100_000), (472_222, 472_223)] {
        assert!(key(a) < key(b), "{a} and {b}");
        assert_eq!(keys::ledger_hour(&key(b)), Some(upload_core::Hour::new(b)));
    }
    assert!(key(1).starts_with(&keys::ledger_of(&handle)) && key(1).starts_with(keys::LEDGER));
    for bad in ["", "l/", "l/x", "l/x/y/z", &key(1)[2..]] {
        assert_eq!(keys::ledger_hour(bad), None, "{bad}");
    }
    assert!(keys::notice(&id).starts_with(keys::OUTBOX) && keys::told(&id).starts_with(&keys::below(&id)));
}

/// How a fixture comes to be: `cargo test -p upload-core --test records -- --ignored`, once.
#[test]
#[ignore = "writes files; only for a new record or a new version of the stored form"]
fn write_the_fixtures_of_this_version() {
    support::write_fixtures(&format!("v{VERSION}"));
}

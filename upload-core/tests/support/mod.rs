//! One record of every kind, as the fixtures hold them.

use std::{
    fs,
    io::{ErrorKind, Write as _},
    path::Path,
    time::Duration,
};

use serde::Serialize;
use upload_checksum::{Algorithm, Digests, Fingerprint, HasherSet};
use upload_chunking::grid::Grid;
use upload_core::{
    Charge, Destinations, Extras, Fragment, Handle, Hour, ObjectKey, Outcome, Policy, StagingName,
    TenantName, Timestamp, TypeRule, UploadId, Visibility,
    lifecycle::{Begin, IndexEntry, Unique, begin},
    ports::{Capabilities, Ids, Part, PartRules, Session},
    record::{
        Addressing, AttemptRecord, BalanceRecord, ClaimRecord, CopiedRecord, DigestRecord, Direct, DueRecord,
        Failure, FailureKind, FoldRecord, HandleRecord, Head, IndexRecord, LedgerRecord, Lies, Nonce,
        NoteRecord, NoticeRecord, OwnerRecord, Phase, RowRecord, Segment, SessionRecord, ShapeRecord, Source,
        TenantRecord, ToldRecord, encode, keys,
    },
};

#[derive(Debug)]
struct Same(u8);

impl Ids for Same {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

pub fn handle() -> Handle {
    Handle::random(&Same(1))
}

pub fn id() -> UploadId {
    UploadId::random(&handle(), &Same(2))
}

fn hashers() -> HasherSet {
    let mut hashers = HasherSet::new([Algorithm::Sha256, Algorithm::Md5, Algorithm::Crc32c]);
    hashers.update(b"hello");
    hashers
}

fn digests() -> Digests {
    hashers().finish()
}

fn extras() -> Extras {
    [("wire".to_owned(), serde_json::json!({"album": 7, "tags": ["a", "ü"]}))].into()
}

fn key() -> ObjectKey {
    ObjectKey::random(Hour::new(472_222), &id(), &Same(4))
}

fn outcome() -> Box<Outcome> {
    let mut outcome = Outcome::new(id(), key(), "photos", 5, Timestamp::from_millis(1_700_000_001_000));
    outcome.digests = digests();
    outcome.content_type = Some("image/png".into());
    outcome.file_name = Some("holiday \"1\".png".into());
    outcome.visibility = Visibility::Public;
    outcome.extras = extras();
    Box::new(outcome)
}

fn head(phase: Phase) -> Head {
    let policy = Policy::new(1 << 30)
        .accept(TypeRule::only(["image/png", "image/jpeg"]))
        .prefix("/pictures")
        .visibility(Visibility::Public);
    let destinations = Destinations::new().with("photos", policy);
    let mut wanted = Begin::new("photos", Addressing::Slots, Some(5));
    wanted.expected = digests().iter().copied().collect();
    wanted.file_name = Some("holiday \"1\".png".into());
    wanted.declared_type = Some("image/jpeg".into());
    wanted.extras = extras();
    let now = Timestamp::from_millis(1_700_000_000_000);
    let staging = StagingName::random(Hour::new(472_222), &id(), &Same(3));
    let store = Capabilities::new("any");
    let mut head =
        begin(now, wanted, destinations.get("photos").unwrap(), &store, "key-1", id(), staging).unwrap();
    head.phase = phase;
    head
}

/// A head with nothing that may be left out.
fn bare() -> Head {
    // As it was by default when the first fixtures were written.
    let destinations = Destinations::new().with("files", Policy::new(10).prefix("/files"));
    let wanted = Begin::new("files", Addressing::Offsets, None);
    let staging = StagingName::random(Hour::new(472_222), &id(), &Same(3));
    let now = Timestamp::from_millis(1_700_000_000_000);
    let store = Capabilities::new("any");
    begin(now, wanted, destinations.get("files").unwrap(), &store, "", id(), staging).unwrap()
}

/// A head with everything that may be left out.
fn full(phase: Phase) -> Head {
    let mut policy = Policy::new(1 << 30).prefix("/files").visibility(Visibility::Admin);
    policy.attach_within = Some(Duration::from_secs(7200));
    let destinations = Destinations::new().with("files", policy);
    let mut wanted = Begin::new("files", Addressing::Slots, Some(5));
    wanted.visibility = Some(Visibility::Support);
    (wanted.exclusive, wanted.whole, wanted.holder_commits) = (true, true, true);
    wanted.listed = Some(IndexEntry::new("wire", serde_json::Value::Null));
    let now = Timestamp::from_millis(1_700_000_000_000);
    let staging = StagingName::random(Hour::new(472_222), &id(), &Same(3));
    let store = Capabilities::new("any");
    let mut head =
        begin(now, wanted, destinations.get("files").unwrap(), &store, "key-1", id(), staging).unwrap();
    head.claim = Some(keys::claim(&handle(), "wire", &"0f".repeat(32)));
    head.parts_committed = Some(Timestamp::from_millis(1_700_000_000_500));
    head.phase = phase;
    head
}

fn attached() -> Head {
    let at = Timestamp::from_millis(1_700_000_002_000);
    let mut head = full(Phase::Completed { outcome: outcome(), at });
    head.attached = Some(Timestamp::from_millis(1_700_000_003_000));
    head
}

fn charges() -> Vec<Charge> {
    vec![Charge::new("storing", 120), Charge::new("looking", u64::MAX)]
}

/// An outcome with everything that may be left out.
fn processed() -> Box<Outcome> {
    let mut outcome = outcome();
    outcome.details = [("probe".to_owned(), serde_json::json!({"width": 640, "ü": [null, 1.5]}))].into();
    (outcome.charges, outcome.content_removed) = (charges(), true);
    outcome
}

/// A head of content that is there once and costs something, under a policy with everything that may be left out.
fn priced(phase: Phase) -> Head {
    let mut head = full(phase);
    let mut unique = Unique::new("wire", "album 1");
    unique.replace = true;
    (head.unique, head.charges) = (Some(unique), charges());
    head.content_claim = Some(keys::claim(&handle(), "wire", &"1e".repeat(32)));
    (head.policy.refuse_unreadable, head.policy.process_attempts, head.policy.keep_content) =
        (false, 9, false);
    head
}

fn row_with_digest() -> RowRecord {
    let mut row = RowRecord::in_place(10, Fingerprint::of(b"123456789"));
    row.digest = digests().get(Algorithm::Md5).copied();
    row
}

/// A head of content that the store holds its sender to, with everything that may be left out.
fn direct() -> Head {
    let mut head = full(Phase::Receiving);
    let mut direct = Direct::new();
    (direct.bound, direct.copied) = (digests().get(Algorithm::Md5).copied(), true);
    (head.by_grant, head.direct) = (true, Some(direct));
    head
}

fn direct_bare() -> Head {
    let mut head = bare();
    (head.by_grant, head.direct) = (true, Some(Direct::new()));
    head
}

/// A head of an upload that nobody reads by itself.
fn partial() -> Head {
    let mut head = bare();
    (head.partial, head.length) = (true, Some(5));
    head
}

/// A head of an upload that is composed of two others, one of them twice.
fn composed(phase: Phase) -> Head {
    let mut head = bare();
    let other = UploadId::random(&handle(), &Same(6));
    head.parts = vec![id(), other.clone(), other];
    if matches!(phase, Phase::Verifying { .. }) {
        head.sources = [5, 0, 0].map(|length| Source::new(key(), length)).to_vec();
        head.length = Some(5);
    }
    head.phase = phase;
    head
}

fn part() -> Part {
    Part::new(17, 5 << 20, "\"an etag\"")
}

fn grid() -> Grid {
    Grid::of_bytes(PartRules::s3().grid(), 8 << 20, 1 << 30).unwrap()
}

fn row_of_segments() -> RowRecord {
    let name = Fragment::random(5 << 20, &Same(7));
    let segments = vec![Segment::Part(part()), Segment::Fragment { name, length: 9 }];
    RowRecord::new(0, Fingerprint::of(b"123456789"), Lies::Segments(segments))
}

fn index() -> IndexRecord {
    let mut index = IndexRecord::new("wire", "key-1");
    index.exclusive = true;
    index.file_name = Some("holiday \"1\".png".into());
    index.facts = serde_json::json!({"tags": ["a", "ü"], "public": false});
    index
}

/// Name, meaning and stored form of every fixture, sorted by name.
pub fn samples() -> Vec<(String, String, Vec<u8>)> {
    let at = Timestamp::from_millis(1_700_000_002_000);
    let mut all = Vec::new();
    let failed = |kind, why: &str| head(Phase::Failed { failure: Failure::new(kind, why), at });
    for (name, head) in [
        ("head-receiving", head(Phase::Receiving)),
        ("head-receiving-bare", bare()),
        ("head-verifying", head(Phase::Verifying { key: key(), attempts: 0 })),
        ("head-committing", head(Phase::Committing { outcome: outcome() })),
        ("head-completed", head(Phase::Completed { outcome: outcome(), at })),
        ("head-failed-digest", failed(FailureKind::DigestMismatch, "other bytes")),
        ("head-failed-type", failed(FailureKind::TypeRefused, "a page")),
        ("head-failed-storage", failed(FailureKind::Storage, "lost")),
        ("head-cancelled", head(Phase::Cancelled { at })),
        ("head-expired", head(Phase::Expired { at })),
        ("head-receiving-full", full(Phase::Receiving)),
        ("head-completed-attached", attached()),
        ("head-removed", full(Phase::Removed { key: key(), at })),
        ("head-receiving-priced", priced(Phase::Receiving)),
        ("head-verifying-deferred", priced(Phase::Verifying { key: key(), attempts: 3 })),
        ("head-completed-processed", priced(Phase::Completed { outcome: processed(), at })),
        ("head-failed-unreadable", failed(FailureKind::Unreadable, "damaged")),
        ("head-failed-processing", failed(FailureKind::Processing, "not in 5 attempts")),
        ("head-receiving-direct", direct()),
        ("head-receiving-direct-bare", direct_bare()),
        ("head-receiving-partial", partial()),
        ("head-receiving-composed", composed(Phase::Receiving)),
        ("head-verifying-composed", composed(Phase::Verifying { key: key(), attempts: 0 })),
        ("head-failed-part-gone", failed(FailureKind::PartGone, "a part was removed")),
        ("head-failed-too-large", failed(FailureKind::TooLarge, "too many bytes")),
        ("head-failed-duplicate", failed(FailureKind::Duplicate, "it is there")),
    ] {
        add(&mut all, name, &head);
    }
    add(&mut all, "row", &RowRecord::in_place(10, Fingerprint::of(b"123456789")));
    add(&mut all, "row-digest", &row_with_digest());
    add(&mut all, "row-segments", &row_of_segments());
    add(&mut all, "session", &SessionRecord::new(Session::new("the store's \"own\" name"), grid()));
    add(&mut all, "attempt", &AttemptRecord::default());
    add(&mut all, "fold", &FoldRecord::new(5 << 20, part()));
    add(&mut all, "copied", &CopiedRecord::new(1 << 29));
    add(&mut all, "owner", &OwnerRecord::new(id()));
    add(&mut all, "index", &index());
    add(&mut all, "index-bare", &IndexRecord::new("wire", ""));
    add(&mut all, "claim", &ClaimRecord::new(id(), Some("0f".repeat(32)), true));
    add(&mut all, "claim-bare", &ClaimRecord::new(id(), None, false));
    let mut replacing = ClaimRecord::new(id(), None, true);
    replacing.replaces = Some(UploadId::random(&handle(), &Same(6)));
    add(&mut all, "claim-replacing", &replacing);
    add(&mut all, "ledger", &LedgerRecord::new(charges()));
    add(&mut all, "balance", &BalanceRecord::new(Hour::new(472_222), u64::MAX));
    let mut notice = NoticeRecord::new(*processed(), at);
    add(&mut all, "notice-new", &notice);
    notice.attempts = 7;
    add(&mut all, "notice", &notice);
    add(&mut all, "told", &ToldRecord::default());
    for (name, shape) in [
        ("shape-unknown", r#"{"total":1}"#),
        ("shape-uniform", r#"{"total":7,"uniform":5242880}"#),
        ("shape-in-order", r#"{"total":7,"in_order":true}"#),
    ] {
        add(&mut all, name, &serde_json::from_str::<ShapeRecord>(shape).unwrap());
    }
    add(&mut all, "digest", &DigestRecord(hashers().save()));
    add(&mut all, "note", &NoteRecord(serde_json::json!({"part": 1, "etag": "\"abc\""})));
    add(&mut all, "due", &DueRecord::default());
    add(&mut all, "tenant", &TenantRecord::new(handle()));
    add(&mut all, "handle", &HandleRecord::new(TenantName::new("acme.org").unwrap()));
    all.sort();
    all
}

fn add<T: Serialize + std::fmt::Debug>(all: &mut Vec<(String, String, Vec<u8>)>, name: &str, record: &T) {
    let bytes = encode(&Nonce::random(&Same(5)), record).unwrap().to_vec();
    all.push((format!("{name}.json"), format!("{record:#?}"), bytes));
}

/// The files of one version, sorted by name.
pub fn fixtures(version: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version);
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut all: Vec<_> = files
        .map(|file| {
            let file = file.unwrap();
            (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())
        })
        .collect();
    all.sort();
    all
}

/// Writes those fixtures of the form that is current that are not there yet; what is there stays as it is for ever.
pub fn write_fixtures(version: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(version);
    fs::create_dir_all(&folder).unwrap();
    for (name, _, mut bytes) in samples() {
        bytes.push(b'\n');
        match fs::File::create_new(folder.join(name)) {
            Ok(mut file) => file.write_all(&bytes).unwrap(),
            Err(e) => assert_eq!(e.kind(), ErrorKind::AlreadyExists),
        }
    }
}

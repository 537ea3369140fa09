//! The invariants, looked up in the stores themselves.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use upload_checksum::{Fingerprint, HasherSet};
use upload_core::{
    Charge, ObjectKey, StagingName, UploadId,
    ports::{BlobStore, Clock as _, Listed, RecordStore},
    record::{
        ClaimRecord, FoldRecord, Head, IndexRecord, LedgerRecord, NoticeRecord, Phase, RowRecord, decode,
        keys,
    },
};

use super::{World, block_on};

/// Reads the bytes of a row.
type OfRow<'a> = Box<dyn Fn(&RowRecord) -> Option<Bytes> + 'a>;

/// What the stores hold.
#[derive(Debug, Default)]
pub struct Found {
    pub heads: BTreeMap<UploadId, Head>,
    pub rows: BTreeMap<UploadId, Vec<(String, RowRecord)>>,
    pub folds: BTreeMap<UploadId, Vec<FoldRecord>>,
    /// Keys of everything else below an upload, by upload.
    pub beside: BTreeMap<UploadId, Vec<String>>,
    pub due: Vec<String>,
    pub claims: Vec<(String, ClaimRecord)>,
    pub listed: Vec<(UploadId, IndexRecord)>,
    /// What each completed upload cost.
    pub ledger: BTreeMap<UploadId, Vec<Charge>>,
    pub outbox: Vec<NoticeRecord>,
    pub staged: BTreeSet<StagingName>,
    pub objects: BTreeSet<ObjectKey>,
}

/// Looks at everything, past any engine.
pub fn look(world: &World) -> Found {
    let mut found = Found::default();
    for (key, stored) in block_on(world.records.list("", None, usize::MAX)).unwrap() {
        let mut parts = key.splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("due"), ..) => found.due.push(key),
            (Some("c"), ..) => {
                let (_, claim) = decode::<ClaimRecord>(&key, &stored.value).unwrap();
                found.claims.push((key, claim));
            }
            (Some("i"), ..) => {
                let (_, record) = decode::<IndexRecord>(&key, &stored.value).unwrap();
                found.listed.push((keys::index_parts(&key).unwrap().1, record));
            }
            (Some("l"), _, Some(rest)) => {
                let (_, entry) = decode::<LedgerRecord>(&key, &stored.value).unwrap();
                let id = UploadId::parse(rest.split('/').next_back().unwrap()).unwrap();
                assert!(found.ledger.insert(id, entry.charges).is_none(), "{key}: entered twice");
            }
            (Some("n"), Some(_), None) => {
                found.outbox.push(decode::<NoticeRecord>(&key, &stored.value).unwrap().1);
            }
            (Some("u"), Some(id), None) => {
                let (_, head) = decode::<Head>(&key, &stored.value).unwrap();
                found.heads.insert(UploadId::parse(id).unwrap(), head);
            }
            (Some("u"), Some(id), Some(rest)) => {
                let id = UploadId::parse(id).unwrap();
                if rest.starts_with("x/") {
                    let (_, row) = decode::<RowRecord>(&key, &stored.value).unwrap();
                    found.rows.entry(id).or_default().push((key, row));
                } else {
                    if rest.starts_with("f/") {
                        let (_, fold) = decode::<FoldRecord>(&key, &stored.value).unwrap();
                        found.folds.entry(id.clone()).or_default().push(fold);
                    }
                    found.beside.entry(id).or_default().push(key);
                }
            }
            _ => {}
        }
    }
    let all = upload_core::Hour::new(u64::MAX / 4_000_000);
    for name in block_on(world.blobs.list(all, None, usize::MAX)).unwrap() {
        match name {
            Listed::Staged(staging) => drop(found.staged.insert(staging)),
            Listed::Object(key) => drop(found.objects.insert(key)),
            other => panic!("{other:?}"),
        }
    }
    found
}

/// The object that a completed head names.
pub fn object(world: &World, head: &Head) -> Bytes {
    let outcome = head.phase.outcome().expect("an outcome");
    block_on(world.blobs.read(&outcome.key, 0..outcome.length)).expect("the object that a record names")
}

/// I1, I2, I4, I5, I6, I9 as far as the stores alone can tell: every row is backed by its bytes, rows do not overlap,
/// every completed head names an object with its length and digests, and nobody was told twice.
pub fn sound(world: &World) -> Found {
    let found = look(world);
    for (id, head) in &found.heads {
        let rows = found.rows.get(id).map_or(&[][..], Vec::as_slice);
        let folds = found.folds.get(id).map_or(&[][..], Vec::as_slice);
        let bytes: OfRow<'_> = match &head.phase {
            Phase::Receiving | Phase::Verifying { .. } => {
                Box::new(|row| world.blobs.of_row(&head.staging, row, folds))
            }
            Phase::Completed { outcome, .. } if outcome.content_removed => {
                assert!(!found.objects.contains(&outcome.key), "{id}: its content is not to be kept");
                continue;
            }
            Phase::Completed { outcome, .. } => {
                let whole = object(world, head);
                let mut hashers = HasherSet::new(outcome.digests.iter().map(|d| d.algorithm()));
                hashers.update(&whole);
                assert_eq!(hashers.finish(), outcome.digests, "{id}: digests of what is stored");
                assert!(outcome.length <= head.policy.max_length, "{id}: over the limit");
                assert!(head.length.is_none_or(|l| l == outcome.length), "{id}: another length");
                head.policy.types.check(outcome.content_type.as_deref()).expect("an accepted type");
                Box::new(move |row| {
                    Some(whole.slice(row.start as usize..(row.start + row.print.len) as usize))
                })
            }
            _ => continue,
        };
        let mut ranges: Vec<_> = rows.iter().map(|(_, r)| (r.start, r.start + r.print.len)).collect();
        ranges.sort_unstable();
        assert!(ranges.windows(2).all(|w| w[0].1 <= w[1].0), "{id}: rows overlap: {ranges:?}");
        for (key, row) in rows {
            if row.print.len > 0 {
                let stored = bytes(row).unwrap_or_else(|| panic!("{key}: its bytes are gone"));
                assert_eq!(
                    Fingerprint::of(&stored),
                    row.print,
                    "{key}: other bytes lie where the row stands"
                );
            }
        }
    }
    let heard = world.heard.outcomes();
    let ids: BTreeSet<_> = heard.iter().map(|o| &o.id).collect();
    assert_eq!(ids.len(), heard.len(), "a completion was told twice");
    found
}

/// I7: nothing is left but what a live or completed upload has, and tombstones.
pub fn clean(world: &World) {
    let found = sound(world);
    let open = |head: &&Head| !head.phase.is_terminal();
    let staged: BTreeSet<_> = found.heads.values().filter(open).map(|h| h.staging.clone()).collect();
    let stray: Vec<_> = found.staged.difference(&staged).collect();
    assert!(stray.is_empty(), "staging objects of nobody: {stray:?}");
    let named: BTreeSet<_> = found
        .heads
        .values()
        .filter_map(|head| match &head.phase {
            // Those who read it have their time.
            Phase::Removed { key, at } => {
                (world.clock.now() < at.plus(world.settings.grace)).then(|| key.clone())
            }
            phase => phase.outcome().map(|outcome| outcome.key.clone()),
        })
        // What a signed request has made waits.
        .chain(
            found
                .heads
                .values()
                .filter(open)
                .filter(|h| h.direct.is_some())
                .map(|h| ObjectKey::of(&h.staging)),
        )
        .collect();
    let orphans: Vec<_> = found.objects.difference(&named).collect();
    assert!(orphans.is_empty(), "objects of nobody: {orphans:?}");
    let below = found.rows.values().flatten().map(|(key, _)| key).chain(found.beside.values().flatten());
    for key in below {
        let head = found.heads.iter().find(|(id, _)| key.starts_with(&keys::below(id)));
        let (_, head) = head.unwrap_or_else(|| panic!("{key} belongs to nobody"));
        assert!(
            open(&head) || matches!(head.phase, Phase::Completed { .. }),
            "{key} of an upload that was given up"
        );
    }
    for (key, claim) in &found.claims {
        let counts = found.heads.get(&claim.id).is_some_and(|head| match head.phase {
            Phase::Completed { .. } => claim.completed_counts,
            _ => open(&head),
        });
        assert!(counts, "{key} is the claim of {:?}, which does not count", claim.id);
    }
    for (id, record) in &found.listed {
        let stands = found.heads.get(id).is_some_and(|head| {
            head.listed && (open(&head) || matches!(head.phase, Phase::Completed { .. }))
        });
        assert!(stands, "{id} stands in the listing {}, and is not there", record.label);
    }
    for (id, head) in &found.heads {
        let attended = matches!(head.phase, Phase::Completed { .. })
            || found.due.iter().any(|key| keys::due_parts(key).is_some_and(|(_, due)| due == *id));
        assert!(attended, "{id} would stay for ever: {:?}", head.phase);
    }
}

/// I5 of what is derived: each completed upload is in the ledger with what its outcome says, once, and nothing else is.
pub fn accounts(world: &World) -> Found {
    let found = look(world);
    for (id, head) in &found.heads {
        let entry = found.ledger.get(id);
        match &head.phase {
            Phase::Completed { outcome, .. } if !outcome.charges.is_empty() => {
                assert_eq!(entry, Some(&outcome.charges), "{id} and its charge");
            }
            // It was complete, and cost what it costs.
            Phase::Removed { .. } if !head.charges.is_empty() => {
                assert_eq!(entry, Some(&head.charges), "{id}")
            }
            phase => assert_eq!(entry, None, "{id} cost something: {phase:?}"),
        }
    }
    found
}

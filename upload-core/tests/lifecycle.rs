//! The lifecycle machine: what it refuses changes nothing, and phases move only along the picture.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::{mem::discriminant, time::Duration};

use proptest::prelude::*;
use upload_checksum::{Algorithm, Digest, HasherSet};
use upload_chunking::assembly::{Row, Shape, Sizing};
use upload_core::{
    Charge, Destination, Destinations, ErrorKind, Handle, Hour, ObjectKey, Policy, StagingName, Timestamp,
    TypeRule, UploadId, Visibility,
    lifecycle::{Begin, Command, Event, Proof, Unique, View, apply, begin, decide, refusal},
    ports::{Capabilities, Ids},
    record::{Addressing, Direct, Failure, FailureKind, Head, Phase, Source},
};

#[derive(Debug)]
struct Fixed(u8);

impl Ids for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn id() -> UploadId {
    UploadId::random(&Handle::random(&Fixed(1)), &Fixed(2))
}

fn key(n: u8) -> ObjectKey {
    ObjectKey::random(Hour::new(1), &id(), &Fixed(n))
}

fn digest(bytes: &[u8]) -> Digest {
    let mut hashers = HasherSet::new([Algorithm::Sha256]);
    hashers.update(bytes);
    *hashers.finish().get(Algorithm::Sha256).unwrap()
}

const BEGUN: Timestamp = Timestamp::from_millis(1_000_000);
const LIFETIME: Duration = Duration::from_secs(3600);
const LENGTH: u64 = 12;

/// An upload of four chunks or extents of three bytes, with a digest and a type that must hold.
fn view(addressing: Addressing, known: bool) -> View {
    let mut policy = Policy::new(100).accept(TypeRule::only(["image/png"]));
    policy.lifetime = LIFETIME;
    let destinations = Destinations::new().with("photos", policy);
    let destination: &Destination = destinations.get("photos").unwrap();
    let mut wanted =
        Begin::new("photos", addressing, (known || addressing == Addressing::Slots).then_some(LENGTH));
    wanted.expected = vec![digest(b"right")];
    let staging = StagingName::random(Hour::new(1), &id(), &Fixed(3));
    let head =
        begin(BEGUN, wanted, destination, &Capabilities::new("test"), "somebody", id(), staging).unwrap();
    let mut view = View::new(head);
    if addressing == Addressing::Slots {
        view.rows.learn_shape(Shape { total: 4, sizing: Some(Sizing::Uniform(3)) }).unwrap();
    }
    view
}

fn proof(right: bool, kind: Option<&str>) -> Proof {
    let bytes: &[u8] = if right { b"right" } else { b"wrong" };
    Proof::new([digest(bytes)].into_iter().collect(), kind.map(str::to_owned))
}

fn command(addressing: Addressing) -> impl Strategy<Value = Command> {
    let row = move |n: u64| match addressing {
        Addressing::Slots => Row::slot(n as u32, n * 3, 3),
        _ => Row::extent(n * 3, 3),
    };
    prop_oneof![
        12 => (0..4u64).prop_map(move |n| Command::Record(row(n))),
        1 => Just(Command::Record(match addressing {
            Addressing::Slots => Row::slot(1, 3, 2),
            _ => Row::extent(3, 2),
        })),
        2 => prop_oneof![Just(LENGTH), Just(2), Just(101)].prop_map(Command::FixLength),
        2 => (1..4u8).prop_map(|n| Command::Close { key: key(n) }),
        3 => (1..4u8, prop::bool::weighted(0.8), prop_oneof![3 => Just(Some("image/png")), 1 => Just(None)])
            .prop_map(|(n, right, kind)| Command::Commit { key: key(n), proof: proof(right, kind) }),
        2 => Just(Command::Complete),
        3 => Just(Command::CommitParts),
        1 => Just(Command::Attach),
        1 => prop_oneof![Just(Command::Remove), Just(Command::RemoveUnattached)],
        1 => Just(Command::Cancel),
        2 => Just(Command::Defer),
        2 => prop_oneof![Just("c/1"), Just("c/2")].prop_map(|key| Command::Claim(key.to_owned())),
        1 => Just(Command::Fail(Failure::new(FailureKind::Storage, "lost"))),
        1 => Just(Command::Expire),
    ]
}

fn addressing() -> impl Strategy<Value = Addressing> {
    prop_oneof![Just(Addressing::Slots), Just(Addressing::Offsets)]
}

fn same(a: &View, b: &View) -> bool {
    a.head == b.head && a.rows == b.rows
}

/// The arrows of the picture.
fn arrow(from: &Phase, to: &Phase) -> bool {
    use Phase::{Cancelled, Committing, Completed, Expired, Failed, Receiving, Removed, Verifying};
    matches!(
        (from, to),
        (Receiving, Receiving | Verifying { .. } | Committing { .. } | Failed { .. })
            | (Receiving, Cancelled { .. } | Expired { .. })
            | (Verifying { .. }, Verifying { .. } | Committing { .. } | Failed { .. } | Cancelled { .. })
            | (Committing { .. }, Completed { .. })
            // Attached; removed.
            | (Completed { .. }, Completed { .. } | Removed { .. })
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn phases_move_along_the_picture_and_what_is_refused_changes_nothing(
        (addressing, commands) in addressing().prop_flat_map(|a| {
            (Just(a), prop::collection::vec((command(a), 0..900u64), 1..40))
        }),
        known in any::<bool>(), holder_commits in any::<bool>(),
    ) {
        let mut view = view(addressing, known);
        view.head.holder_commits = holder_commits;
        let mut now = BEGUN;
        for (command, seconds) in commands {
            // Mostly before the deadline, at times behind it.
            now = now.plus(Duration::from_secs(seconds / 8));
            let before = view.clone();
            // Rows come from the assembly machine, which gives none that it would not take.
            if let Command::Record(row) = &command
                && view.rows.clone().learn_row(*row).is_err()
                && view.rows.row(row.at).is_none()
            {
                continue;
            }
            let decided = decide(&view, now, command.clone());
            prop_assert!(same(&view, &before), "deciding changes nothing");
            let Ok(events) = decided else {
                let why = decided.unwrap_err();
                prop_assert!(!matches!(why.kind, ErrorKind::Internal | ErrorKind::Corrupt), "{why:?}");
                continue;
            };
            if before.head.phase.is_terminal() {
                let keeper = matches!(command, Command::Attach | Command::Remove | Command::RemoveUnattached);
                let completed = matches!(before.head.phase, Phase::Completed { .. });
                prop_assert!(events.is_empty() || (keeper && completed), "{command:?} after the end gave {events:?}");
            }
            for event in &events {
                let from = view.head.phase.clone();
                // What the driver stores and what it knows are the same.
                let mut head = view.head.clone();
                head.apply(event);
                apply(&mut view, event);
                prop_assert_eq!(&head, &view.head);
                prop_assert!(arrow(&from, &view.head.phase), "{from:?} to {:?} by {event:?}", view.head.phase);
            }
            // Replayed, it is so already; where it does not fit any more, it is refused.
            // Only what did not work may not work again.
            if let Ok(again) = decide(&view, now, command.clone())
                && (command != Command::Defer || !matches!(view.head.phase, Phase::Verifying { .. }))
            {
                prop_assert_eq!(again, Vec::<Event>::new(), "{:?} again", command);
            }
            check(&before, &view, now)?;
        }
    }
}

/// What holds of every view and every step.
fn check(before: &View, after: &View, now: Timestamp) -> Result<(), TestCaseError> {
    prop_assert!(
        after.rows.frontier() >= before.rows.frontier() && after.rows.received() >= before.rows.received()
    );
    prop_assert!(before.head.length.is_none_or(|l| after.head.length == Some(l)), "a length never changes");
    prop_assert_eq!(after.head.length, after.rows.length().or(after.head.length));
    prop_assert_eq!(refusal(&after.head.phase).is_none(), matches!(after.head.phase, Phase::Receiving));
    prop_assert!(after.head.parts_committed.is_none() || after.rows.is_complete(), "parts of a piece");
    for (was, is) in [
        (before.head.parts_committed, after.head.parts_committed),
        (before.head.attached, after.head.attached),
    ] {
        prop_assert!(was.is_none() || is == was, "what was said first stays");
    }
    if before.head.attached != after.head.attached {
        prop_assert!(matches!(after.head.phase, Phase::Completed { .. }), "attached before it was complete");
    }
    if before.head.content_claim != after.head.content_claim {
        prop_assert!(matches!(before.head.phase, Phase::Verifying { .. }), "content that is not known yet");
        prop_assert!(matches!(after.head.phase, Phase::Verifying { .. }), "and nothing else happens");
    }
    if let (Phase::Verifying { attempts: was, .. }, Phase::Verifying { attempts: is, .. }) =
        (&before.head.phase, &after.head.phase)
    {
        prop_assert!(is == was || *is == was + 1, "{was} attempts, then {is}");
        prop_assert!(*is < after.head.policy.process_attempts, "one more is too many");
    }
    let closed = matches!(
        after.head.phase,
        Phase::Verifying { .. } | Phase::Committing { .. } | Phase::Completed { .. }
    );
    if closed && after.head.holder_commits {
        prop_assert!(after.head.parts_committed.is_some(), "closed before its parts were committed");
    }
    match &after.head.phase {
        Phase::Removed { key, .. } => {
            if let Some(known) = before.head.phase.outcome() {
                prop_assert_eq!(&known.key, key, "the key of the outcome stays until the bytes are gone");
            }
        }
        Phase::Verifying { .. } => prop_assert!(after.rows.is_complete()),
        Phase::Committing { outcome } | Phase::Completed { outcome, .. } => {
            prop_assert!(after.rows.is_complete());
            prop_assert_eq!(outcome.length, LENGTH);
            prop_assert_eq!(outcome.content_type.as_deref(), Some("image/png"));
            prop_assert!(outcome.digests.verify(&digest(b"right")).is_match());
            if let Some(known) = before.head.phase.outcome() {
                prop_assert_eq!(known, &**outcome, "an outcome never changes");
            }
            if let Phase::Verifying { key, .. } = &before.head.phase {
                prop_assert_eq!(key, &outcome.key, "the key of the closing stays");
            }
        }
        Phase::Expired { .. } if discriminant(&before.head.phase) != discriminant(&after.head.phase) => {
            prop_assert!(now >= after.head.deadline);
        }
        _ => {}
    }
    Ok(())
}

/// Nothing is recorded at or after the deadline.
#[test]
fn writers_stop_at_the_deadline() {
    let view = view(Addressing::Slots, true);
    let record = || Command::Record(Row::slot(0, 0, 3));
    let end = BEGUN.plus(LIFETIME);
    assert_eq!(decide(&view, end.minus(Duration::from_millis(1)), record()).unwrap().len(), 1);
    assert_eq!(decide(&view, end, record()).unwrap_err().kind, ErrorKind::Gone);
    assert_eq!(
        decide(&view, end.minus(Duration::from_millis(1)), Command::Expire).unwrap_err().kind,
        ErrorKind::NotReady
    );
    assert_eq!(decide(&view, end, Command::Expire).unwrap().len(), 1);
}

/// Cancel, failure and expiry are refused once the outcome is fixed.
#[test]
fn a_committed_upload_can_only_complete() {
    let mut view = full_view();
    let commit = Command::Commit { key: key(1), proof: proof(true, Some("image/png")) };
    for event in decide(&view, BEGUN, commit).unwrap() {
        apply(&mut view, &event);
    }
    let late = BEGUN.plus(2 * LIFETIME);
    for command in [Command::Cancel, Command::Expire, Command::Fail(Failure::new(FailureKind::Storage, ""))] {
        assert_eq!(decide(&view, late, command).unwrap_err().kind, ErrorKind::Busy);
    }
    assert_eq!(decide(&view, late, Command::Complete).unwrap(), [Event::Completed(late)]);
    let head: &Head = &view.head;
    assert!(head.phase.outcome().is_some());
}

/// All rows are there.
fn full_view() -> View {
    let mut view = view(Addressing::Slots, true);
    for n in 0..4 {
        apply(&mut view, &Event::Recorded(Row::slot(n, u64::from(n) * 3, 3)));
    }
    view
}

fn does(view: &mut View, now: Timestamp, command: Command) -> Vec<Event> {
    let events = decide(view, now, command).unwrap();
    events.iter().for_each(|event| apply(view, event));
    events
}

fn completed_view() -> View {
    let mut view = full_view();
    does(&mut view, BEGUN, Command::Commit { key: key(1), proof: proof(true, Some("image/png")) });
    does(&mut view, BEGUN, Command::Complete);
    view
}

/// Each time that processing does not work counts, and the last time that the policy gives is the end.
#[test]
fn deferring_counts_and_fails_at_the_limit() {
    for limit in [0, 1, 2, 5] {
        let mut view = full_view();
        view.head.policy.process_attempts = limit;
        assert_eq!(decide(&view, BEGUN, Command::Defer).unwrap_err().kind, ErrorKind::NotReady);
        does(&mut view, BEGUN, Command::Close { key: key(1) });
        for n in 1..limit.max(1) {
            assert_eq!(does(&mut view, BEGUN, Command::Defer), [Event::Deferred(n)]);
            assert_eq!(view.head.phase, Phase::Verifying { key: key(1), attempts: n });
        }
        let events = does(&mut view, BEGUN, Command::Defer);
        assert!(
            matches!(&events[..], [Event::Failed(failure, _)] if failure.kind == FailureKind::Processing),
            "{events:?}"
        );
        assert_eq!(decide(&view, BEGUN, Command::Defer).unwrap_err().kind, ErrorKind::Gone);
    }
    let mut committed = full_view();
    does(&mut committed, BEGUN, Command::Commit { key: key(1), proof: proof(true, Some("image/png")) });
    assert_eq!(does(&mut committed, BEGUN, Command::Defer), [], "somebody else could");
}

/// Content makes its claim while it is verified: before, it is not known; after, it is as it was.
#[test]
fn content_is_claimed_while_it_is_verified() {
    let claim = |n: u8| Command::Claim(format!("c/{n}"));
    let mut view = full_view();
    assert_eq!(decide(&view, BEGUN, claim(1)).unwrap_err().kind, ErrorKind::NotReady);
    does(&mut view, BEGUN, Command::Close { key: key(1) });
    assert_eq!(does(&mut view, BEGUN, claim(1)), [Event::Claimed("c/1".into())]);
    assert_eq!(does(&mut view, BEGUN, claim(1)), []);
    does(&mut view, BEGUN, Command::Commit { key: key(2), proof: proof(true, Some("image/png")) });
    for kind in [ErrorKind::Busy, ErrorKind::Conflict] {
        assert_eq!(does(&mut view, BEGUN, claim(1)), [], "another process went on");
        assert_eq!(decide(&view, BEGUN, claim(2)).unwrap_err().kind, kind);
        does(&mut view, BEGUN, Command::Complete);
    }
}

/// A view that has not all rows of a closed set commits nothing, and fails nothing.
#[test]
fn what_is_known_in_part_is_not_committed() {
    let mut known_in_part = view(Addressing::Slots, true);
    known_in_part.head.phase = Phase::Verifying { key: key(1), attempts: 0 };
    for right in [true, false] {
        let commit = Command::Commit { key: key(1), proof: proof(right, Some("image/png")) };
        assert_eq!(decide(&known_in_part, BEGUN, commit).unwrap_err().kind, ErrorKind::NotReady);
    }
}

/// What an upload costs and what was found in it are in its outcome.
#[test]
fn an_outcome_has_charges_and_details() {
    let mut view = full_view();
    view.head.charges = vec![Charge::new("storing", 5), Charge::new("looking", u64::MAX)];
    view.head.policy.keep_content = false;
    let mut proof = proof(true, Some("image/png"));
    proof.details = [("probe".to_owned(), serde_json::json!(7))].into();
    does(&mut view, BEGUN, Command::Commit { key: key(1), proof: proof.clone() });
    let outcome = view.head.phase.outcome().unwrap();
    assert_eq!((&outcome.charges, &outcome.details), (&view.head.charges, &proof.details));
    assert!(outcome.content_removed);
    assert_eq!(Charge::sum(&outcome.charges), u64::MAX, "the most there is");
}

/// Unique content is refused at the beginning where no SHA-256 will be known, or in no such space.
#[test]
fn unique_content_needs_a_space_and_its_sha_256() {
    let try_begin = |space: &str, digests: Vec<Algorithm>, announced: bool| {
        let mut policy = Policy::new(100);
        policy.digests = digests;
        let destinations = Destinations::new().with("files", policy);
        let mut wanted = Begin::new("files", Addressing::Offsets, None);
        wanted.unique = Some(Unique::new(space, "any text / at all"));
        wanted.expected = announced.then(|| digest(b"right")).into_iter().collect();
        let staging = StagingName::random(Hour::new(1), &id(), &Fixed(3));
        let store = Capabilities::new("test");
        begin(BEGUN, wanted, destinations.get("files").unwrap(), &store, "", id(), staging)
            .map_err(|e| e.kind)
    };
    assert!(try_begin("wire", vec![Algorithm::Sha256], false).is_ok());
    assert!(try_begin("wire", vec![Algorithm::Md5], true).is_ok());
    assert_eq!(try_begin("wire", vec![Algorithm::Md5], false).unwrap_err(), ErrorKind::Unsupported);
    for space in ["", "Wire", "a/b", "seventeen-letters"] {
        assert_eq!(try_begin(space, vec![Algorithm::Sha256], false).unwrap_err(), ErrorKind::Internal);
    }
}

/// Whoever sends the parts says when they are all; before, nothing closes the set, and the saying is kept once.
#[test]
fn a_set_whose_holder_commits_closes_after_that_and_not_before() {
    let mut view = view(Addressing::Slots, true);
    view.head.holder_commits = true;
    assert_eq!(decide(&view, BEGUN, Command::CommitParts).unwrap_err().kind, ErrorKind::NotReady);
    for n in 0..4 {
        apply(&mut view, &Event::Recorded(Row::slot(n, u64::from(n) * 3, 3)));
    }
    let commit = Command::Commit { key: key(1), proof: proof(true, Some("image/png")) };
    for command in [Command::Close { key: key(1) }, commit.clone()] {
        let e = decide(&view, BEGUN, command).unwrap_err();
        assert_eq!(e.kind, ErrorKind::NotReady);
        assert!(e.detail.contains("committed"), "{e}");
    }
    assert_eq!(does(&mut view, BEGUN, Command::CommitParts), [Event::PartsCommitted(BEGUN)]);
    let later = BEGUN.plus(Duration::from_secs(9));
    assert_eq!(does(&mut view, later, Command::CommitParts), []);
    does(&mut view, later, commit);
    assert_eq!(does(&mut view, later, Command::CommitParts), []);
    does(&mut view, later, Command::Complete);
    assert_eq!(does(&mut view, later, Command::CommitParts), []);
    assert_eq!(view.head.parts_committed, Some(BEGUN));
    does(&mut view, later, Command::Remove);
    assert_eq!(decide(&view, later, Command::CommitParts).unwrap_err().kind, ErrorKind::Gone);
}

/// Attached first, it is not removed for want of use; removed first, nobody attaches it.
#[test]
fn of_attaching_and_removing_the_first_wins() {
    let unready = full_view();
    for command in [Command::Attach, Command::Remove, Command::RemoveUnattached] {
        assert_eq!(decide(&unready, BEGUN, command).unwrap_err().kind, ErrorKind::NotReady);
    }
    let later = BEGUN.plus(Duration::from_secs(9));
    let removed = [Event::Removed(key(1), later)];
    let mut view = completed_view();
    assert_eq!(does(&mut view, BEGUN, Command::Attach), [Event::Attached(BEGUN)]);
    assert_eq!(does(&mut view, later, Command::Attach), []);
    assert_eq!(decide(&view, later, Command::RemoveUnattached).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(does(&mut view, later, Command::Remove), removed, "whoever may remove it, may");
    for command in [Command::Remove, Command::RemoveUnattached] {
        let mut view = completed_view();
        assert_eq!(does(&mut view, later, command), removed);
        assert_eq!(does(&mut view, BEGUN, Command::Remove), []);
        assert_eq!(does(&mut view, BEGUN, Command::RemoveUnattached), []);
        for command in [Command::Attach, Command::Cancel, Command::Complete, Command::FixLength(LENGTH)] {
            assert_eq!(decide(&view, later, command).unwrap_err().kind, ErrorKind::Gone);
        }
        assert!(view.head.phase.is_terminal() && view.head.phase.outcome().is_none());
    }
}

/// The upload's own visibility stands in its outcome, in place of the destination's.
#[test]
fn an_outcome_has_the_visibility_of_its_upload() {
    for own in [None, Some(Visibility::Support), Some(Visibility::Public)] {
        let mut view = full_view();
        view.head.visibility = own;
        does(&mut view, BEGUN, Command::Commit { key: key(1), proof: proof(true, Some("image/png")) });
        assert_eq!(view.head.phase.outcome().unwrap().visibility, own.unwrap_or(Visibility::Tenant));
    }
}

/// Of an upload whose bytes go to the store directly, only an object of the announced length closes the set.
#[test]
fn what_arrives_directly_has_the_announced_length() {
    let arrived = |length| Command::Arrived { key: key(1), length };
    let mut direct = view(Addressing::Slots, true);
    direct.head.direct = Some(Direct::new());
    assert_eq!(direct.length(), LENGTH);
    for early in [Command::Close { key: key(1) }, Command::Commit { key: key(1), proof: proof(true, None) }] {
        assert_eq!(decide(&direct, BEGUN, early).unwrap_err().kind, ErrorKind::NotReady);
    }
    for (length, closed) in [(LENGTH, true), (LENGTH - 1, false), (LENGTH + 1, false), (0, false)] {
        let events = decide(&direct, BEGUN, arrived(length)).unwrap();
        assert_eq!(matches!(events.as_slice(), [Event::Closed(k)] if *k == key(1)), closed, "{length}");
        assert_eq!(matches!(events.as_slice(), [Event::Failed(..)]), !closed, "{length}");
    }
    apply(&mut direct, &Event::Closed(key(1)));
    assert_eq!(decide(&direct, BEGUN, arrived(LENGTH)).unwrap(), []);
    let commit = Command::Commit { key: key(2), proof: proof(true, Some("image/png")) };
    let events = decide(&direct, BEGUN, commit).unwrap();
    let [Event::Committed(outcome)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!((outcome.length, &outcome.key), (LENGTH, &key(1)));
    // Others have rows, and nothing arrives past them.
    let other = view(Addressing::Slots, true);
    assert_eq!(decide(&other, BEGUN, arrived(LENGTH)).unwrap_err().kind, ErrorKind::Misplaced);
}

/// What is composed of others takes neither bytes nor a length, and has the length that those have.
#[test]
fn a_composition_closes_with_the_length_of_its_parts() {
    let composed = |parts: usize| {
        let mut view = view(Addressing::Offsets, false);
        view.head.parts = vec![id(); parts];
        view
    };
    let sources = |lengths: &[u64]| lengths.iter().map(|n| Source::new(key(1), *n)).collect::<Vec<_>>();
    let compose = |lengths: &[u64]| Command::Compose { key: key(2), sources: sources(lengths) };
    let mut view = composed(3);
    for command in [
        Command::Record(Row::extent(0, 3)),
        Command::FixLength(3),
        Command::Close { key: key(2) },
        Command::Commit { key: key(2), proof: proof(true, Some("image/png")) },
        compose(&[1, 2]),
        compose(&[]),
    ] {
        assert!(decide(&view, BEGUN, command.clone()).is_err(), "{command:?}");
    }
    assert_eq!(does(&mut view, BEGUN, compose(&[5, 0, 7])).len(), 1);
    assert!(matches!(&view.head.phase, Phase::Verifying { key: at, .. } if *at == key(2)));
    assert_eq!((view.length(), view.head.length, view.head.sources.len()), (12, Some(12), 3));
    assert_eq!(does(&mut view, BEGUN, compose(&[5, 0, 7])), [], "it is closed");
    does(&mut view, BEGUN, Command::Commit { key: key(3), proof: proof(true, Some("image/png")) });
    let Phase::Committing { outcome } = &view.head.phase else { panic!("{:?}", view.head.phase) };
    assert_eq!((outcome.length, &outcome.key), (12, &key(2)));
    assert!(view.head.sources.is_empty(), "it has bytes of its own now");
    // Too long, or more than can be counted.
    for lengths in [[100, 0, 1], [u64::MAX, 1, 1]] {
        let mut view = composed(3);
        does(&mut view, BEGUN, compose(&lengths));
        assert!(
            matches!(&view.head.phase, Phase::Failed { failure, .. } if failure.kind == FailureKind::TooLarge)
        );
    }
    let mut ordinary = self::view(Addressing::Offsets, false);
    ordinary.head.parts.clear();
    assert_eq!(decide(&ordinary, BEGUN, compose(&[12])).unwrap_err().kind, ErrorKind::Misplaced);
}

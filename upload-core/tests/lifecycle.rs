//! The lifecycle machine: what it refuses changes nothing, and phases move only along the picture.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::{mem::discriminant, time::Duration};

use proptest::prelude::*;
use upload_checksum::{Algorithm, Digest, HasherSet};
use upload_chunking::assembly::{Row, Shape, Sizing};
use upload_core::{
    Destination, Destinations, ErrorKind, Handle, Hour, ObjectKey, Policy, StagingName, Timestamp, TypeRule,
    UploadId,
    lifecycle::{Begin, Command, Event, Proof, View, apply, begin, decide, refusal},
    ports::{Capabilities, Ids},
    record::{Addressing, Failure, FailureKind, Head, Phase},
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
        1 => Just(Command::Cancel),
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
    use Phase::{Cancelled, Committing, Completed, Expired, Failed, Receiving, Verifying};
    matches!(
        (from, to),
        (Receiving, Receiving | Verifying { .. } | Committing { .. } | Failed { .. })
            | (Receiving, Cancelled { .. } | Expired { .. })
            | (Verifying { .. }, Committing { .. } | Failed { .. } | Cancelled { .. })
            | (Committing { .. }, Completed { .. })
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn phases_move_along_the_picture_and_what_is_refused_changes_nothing(
        (addressing, commands) in addressing().prop_flat_map(|a| {
            (Just(a), prop::collection::vec((command(a), 0..900u64), 1..40))
        }),
        known in any::<bool>(),
    ) {
        let mut view = view(addressing, known);
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
                prop_assert!(events.is_empty(), "{command:?} after the end gave {events:?}");
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
            if let Ok(again) = decide(&view, now, command.clone()) {
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
    match &after.head.phase {
        Phase::Verifying { .. } => prop_assert!(after.rows.is_complete()),
        Phase::Committing { outcome } | Phase::Completed { outcome, .. } => {
            prop_assert!(after.rows.is_complete());
            prop_assert_eq!(outcome.length, LENGTH);
            prop_assert_eq!(outcome.content_type.as_deref(), Some("image/png"));
            prop_assert!(outcome.digests.verify(&digest(b"right")).is_match());
            if let Some(known) = before.head.phase.outcome() {
                prop_assert_eq!(known, &**outcome, "an outcome never changes");
            }
            if let Phase::Verifying { key } = &before.head.phase {
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
    let mut view = view(Addressing::Slots, true);
    for n in 0..4 {
        apply(&mut view, &Event::Recorded(Row::slot(n, u64::from(n) * 3, 3)));
    }
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

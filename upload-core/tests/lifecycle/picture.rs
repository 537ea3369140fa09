//! Any commands in any order, against the picture and what holds of every step.

use std::{mem::discriminant, time::Duration};

use proptest::prelude::*;
use upload_chunking::assembly::Row;
use upload_core::{
    ErrorKind, Timestamp,
    lifecycle::{Command, Event, View, apply, decide, refusal},
    record::{Addressing, Failure, FailureKind, Phase},
};

use crate::support::{BEGUN, LENGTH, digest, key, proof, view};

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

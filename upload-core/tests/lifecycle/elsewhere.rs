//! Uploads whose bytes come from elsewhere: sent to the store directly, or copied from other uploads.

use upload_chunking::assembly::Row;
use upload_core::{
    ErrorKind,
    lifecycle::{Command, Event, apply, decide},
    record::{Addressing, Direct, FailureKind, Phase, Source},
};

use crate::support::{BEGUN, LENGTH, does, id, key, proof, view};

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

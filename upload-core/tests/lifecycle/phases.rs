//! The rules of single phases: when they begin, what they refuse, and which end is the first.

use std::time::Duration;

use upload_chunking::assembly::Row;
use upload_core::{
    ErrorKind,
    lifecycle::{Command, Event, apply, decide},
    record::{Addressing, Failure, FailureKind, Head, Phase},
};

use crate::support::{BEGUN, LENGTH, LIFETIME, completed_view, does, full_view, key, proof, view};

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

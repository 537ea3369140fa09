//! Which commands are taken, and what follows from them.

use upload_checksum::Verdict;
use upload_chunking::assembly::Row;

use super::{Command, Event, Proof, View};
use crate::{
    error::{Error, ErrorKind, Result},
    ids::ObjectKey,
    outcome::Outcome,
    record::{Failure, FailureKind, Head, Phase, Source},
    time::Timestamp,
};

/// What follows from `command` at `now`; an empty list if it was so already. Changes nothing.
pub fn decide(view: &View, now: Timestamp, command: Command) -> Result<Vec<Event>> {
    let head = &view.head;
    match (&head.phase, command) {
        (Phase::Receiving, Command::Record(row)) => record(view, now, row),
        (Phase::Receiving, Command::FixLength(length)) => fix_length(view, now, length),
        (Phase::Receiving, Command::CommitParts) => {
            complete_set(view)?;
            let first = head.parts_committed.is_none();
            Ok(first.then_some(Event::PartsCommitted(now)).into_iter().collect())
        }
        (Phase::Receiving, Command::Arrived { key, length }) => arrived(head, now, key, length),
        (Phase::Receiving, Command::Compose { key, sources }) => compose(head, now, key, sources),
        (Phase::Receiving, Command::Close { key }) => {
            complete_set(view)?;
            committed_parts(head)?;
            Ok(vec![Event::Closed(key)])
        }
        (Phase::Receiving, Command::Commit { key, proof }) => {
            complete_set(view)?;
            committed_parts(head)?;
            Ok(vec![commit(head, view.length(), now, key, proof)])
        }
        (Phase::Verifying { key, .. }, Command::Commit { proof, .. }) => {
            // Whoever knows of fewer rows than there were has looked while they were removed.
            complete_set(view)?;
            Ok(vec![commit(head, view.length(), now, key.clone(), proof)])
        }
        (Phase::Verifying { .. }, Command::Claim(key)) => match &head.content_claim {
            Some(known) if *known == key => Ok(Vec::new()),
            _ => Ok(vec![Event::Claimed(key)]),
        },
        (Phase::Committing { .. } | Phase::Completed { .. }, Command::Claim(key))
            if head.content_claim.as_ref() == Some(&key) =>
        {
            Ok(Vec::new())
        }
        (Phase::Verifying { attempts, .. }, Command::Defer) => Ok(vec![defer(head, *attempts, now)]),
        (Phase::Committing { .. }, Command::Complete) => Ok(vec![Event::Completed(now)]),
        (Phase::Receiving | Phase::Verifying { .. }, Command::Cancel) => Ok(vec![Event::Cancelled(now)]),
        (Phase::Receiving | Phase::Verifying { .. }, Command::Fail(why)) => Ok(vec![Event::Failed(why, now)]),
        (Phase::Receiving, Command::Expire) if now >= head.deadline => Ok(vec![Event::Expired(now)]),
        (Phase::Receiving, Command::Expire) => {
            Err(Error::new(ErrorKind::NotReady, "the deadline of the upload has not passed"))
        }
        (Phase::Completed { .. }, Command::Attach) => {
            let first = head.attached.is_none();
            Ok(first.then_some(Event::Attached(now)).into_iter().collect())
        }
        (Phase::Completed { .. }, Command::RemoveUnattached) if head.attached.is_some() => {
            Err(Error::new(ErrorKind::Conflict, "an application has attached the upload"))
        }
        (Phase::Completed { outcome, .. }, Command::Remove | Command::RemoveUnattached) => {
            Ok(vec![Event::Removed(outcome.key.clone(), now)])
        }
        (
            Phase::Receiving | Phase::Verifying { .. } | Phase::Committing { .. },
            Command::Attach | Command::Remove | Command::RemoveUnattached,
        ) => Err(Error::new(ErrorKind::NotReady, "the upload is not complete")),
        // What was done before is not done again.
        (
            Phase::Verifying { .. } | Phase::Committing { .. } | Phase::Completed { .. },
            Command::CommitParts,
        )
        | (Phase::Removed { .. }, Command::Remove | Command::RemoveUnattached) => Ok(Vec::new()),
        (
            Phase::Verifying { .. } | Phase::Committing { .. } | Phase::Completed { .. },
            Command::FixLength(length),
        ) if head.length == Some(length) => Ok(Vec::new()),
        (
            Phase::Verifying { .. } | Phase::Committing { .. } | Phase::Completed { .. },
            Command::Close { .. } | Command::Arrived { .. } | Command::Compose { .. },
        )
        | (Phase::Committing { .. } | Phase::Completed { .. }, Command::Commit { .. } | Command::Defer)
        | (Phase::Completed { .. }, Command::Complete)
        | (Phase::Cancelled { .. }, Command::Cancel)
        | (Phase::Expired { .. }, Command::Expire)
        | (Phase::Failed { .. }, Command::Fail(_)) => Ok(Vec::new()),
        (phase, command) => Err(refusal(phase).unwrap_or_else(|| out_of_turn(&command))),
    }
}

/// Why an upload in this phase takes nothing more; `None` while it is receiving.
pub fn refusal(phase: &Phase) -> Option<Error> {
    let gone = |text: &str| Some(Error::new(ErrorKind::Gone, text));
    match phase {
        Phase::Receiving => None,
        Phase::Verifying { .. } | Phase::Committing { .. } => {
            Some(Error::new(ErrorKind::Busy, "the upload is being finished"))
        }
        Phase::Completed { .. } => Some(Error::new(ErrorKind::Conflict, "the upload is complete")),
        Phase::Failed { failure, .. } => gone(&format!("the upload has failed: {}", failure.detail)),
        Phase::Cancelled { .. } => gone("the upload was cancelled"),
        Phase::Expired { .. } => gone("the upload has expired"),
        Phase::Removed { .. } => gone("the upload was removed"),
    }
}

fn out_of_turn(command: &Command) -> Error {
    let what = match command {
        Command::Complete => "completed before it is committed",
        _ => "changed like this now",
    };
    Error::new(ErrorKind::NotReady, format!("the upload cannot be {what}"))
}

fn before_deadline(head: &Head, now: Timestamp) -> Result<()> {
    if now < head.deadline { Ok(()) } else { Err(Error::new(ErrorKind::Gone, "the upload has expired")) }
}

fn own_bytes(head: &Head) -> Result<()> {
    let text = "the upload is composed of others; it takes neither bytes nor a length";
    if head.is_composed() { Err(Error::new(ErrorKind::Misplaced, text)) } else { Ok(()) }
}

fn record(view: &View, now: Timestamp, row: Row) -> Result<Vec<Event>> {
    own_bytes(&view.head)?;
    before_deadline(&view.head, now)?;
    match view.rows.row(row.at) {
        Some(known) if known == row => Ok(Vec::new()),
        Some(_) => Err(Error::new(ErrorKind::Conflict, "other bytes are already stored at this place")),
        None => {
            view.head.policy.check_length(row.range().end())?;
            Ok(vec![Event::Recorded(row)])
        }
    }
}

fn fix_length(view: &View, now: Timestamp, length: u64) -> Result<Vec<Event>> {
    own_bytes(&view.head)?;
    before_deadline(&view.head, now)?;
    match view.head.length {
        Some(known) if known == length => Ok(Vec::new()),
        Some(known) => Err(Error::new(
            ErrorKind::Conflict,
            format!("the upload's length is {known} bytes; it cannot become {length}"),
        )
        .with_facts(length, known)),
        None => {
            view.head.policy.check_length(length)?;
            let frontier = view.rows.frontier();
            if length < frontier {
                return Err(Error::invalid(format!(
                    "the upload already has {frontier} bytes; its length cannot be {length}"
                ))
                .with_facts(length, frontier));
            }
            Ok(vec![Event::LengthFixed(length)])
        }
    }
}

/// Closed, if the object is as long as was announced. A shorter or longer one was sent by somebody who could have sent the right
/// one, and may never be replaced.
fn arrived(head: &Head, now: Timestamp, key: ObjectKey, length: u64) -> Result<Vec<Event>> {
    let announced = head.length.filter(|_| head.direct.is_some());
    let Some(announced) = announced else {
        return Err(Error::new(
            ErrorKind::Misplaced,
            "the bytes of this upload do not go to the store directly",
        ));
    };
    if length == announced {
        return Ok(vec![Event::Closed(key)]);
    }
    Ok(vec![Event::Failed(another_length(length, announced), now)])
}

/// Closed, with the length that its parts have. If that is over the limit it can never be complete.
fn compose(head: &Head, now: Timestamp, key: ObjectKey, sources: Vec<Source>) -> Result<Vec<Event>> {
    if sources.len() != head.parts.len() || sources.is_empty() {
        return Err(Error::new(ErrorKind::Misplaced, "the upload is not composed of so many others"));
    }
    let length = length_of(&sources);
    Ok(vec![match head.policy.check_length(length) {
        Ok(()) => Event::Composed(key, sources),
        Err(e) => Event::Failed(Failure::new(FailureKind::TooLarge, e.detail), now),
    }])
}

/// Bytes of all of them.
pub fn length_of(sources: &[Source]) -> u64 {
    sources.iter().fold(0, |sum, source| sum.saturating_add(source.length))
}

/// Why an object of so many bytes that was sent to the store directly is not the one that was announced.
pub fn another_length(length: u64, announced: u64) -> Failure {
    let text = format!("the object in the store has {length} bytes; {announced} were announced");
    Failure::new(FailureKind::DigestMismatch, text)
}

fn complete_set(view: &View) -> Result<()> {
    if !view.head.comes_in_rows() {
        // Closed when the object, or all parts, were there; until then there is nothing to know of it.
        let text = match view.head.direct {
            Some(_) => "the object of the upload is not in the store",
            None => "the uploads that it is composed of are not all complete",
        };
        let open = matches!(view.head.phase, Phase::Receiving);
        return if open { Err(Error::new(ErrorKind::NotReady, text)) } else { Ok(()) };
    }
    if view.rows.is_complete() {
        // Also of no bytes it must be said that they came.
        let sent = !view.head.whole || view.rows.rows_len() > 0;
        let text = "the content of the upload has not been sent";
        return if sent { Ok(()) } else { Err(Error::new(ErrorKind::NotReady, text)) };
    }
    let have = view.rows.received();
    let text = match view.head.length {
        Some(length) => format!("the upload has {have} of {length} bytes"),
        None => format!("the upload has {have} bytes and its length is not known"),
    };
    Err(Error::new(ErrorKind::NotReady, text))
}

fn committed_parts(head: &Head) -> Result<()> {
    if head.holder_commits && head.parts_committed.is_none() {
        return Err(Error::new(ErrorKind::NotReady, "the parts of the upload have not been committed"));
    }
    Ok(())
}

/// Tried again later, or failed if that was often enough.
fn defer(head: &Head, attempts: u32, now: Timestamp) -> Event {
    let attempts = attempts.saturating_add(1);
    if attempts < head.policy.process_attempts {
        return Event::Deferred(attempts);
    }
    let text = format!("the content could not be processed in {attempts} attempts");
    Event::Failed(Failure::new(FailureKind::Processing, text), now)
}

/// What was announced or demanded and does not hold.
pub fn objection(head: &Head, proof: &Proof) -> Option<Failure> {
    for expected in &head.expected {
        let got = match proof.digests.verify(expected) {
            Verdict::Match => continue,
            Verdict::Mismatch { got, .. } => got.to_hex(),
            _ => "unknown".to_owned(),
        };
        let text = format!(
            "the {} of the bytes is {got}; {} was announced",
            expected.algorithm(),
            expected.to_hex()
        );
        return Some(Failure::new(FailureKind::DigestMismatch, text));
    }
    let refused = head.policy.types.check(proof.content_type.as_deref()).err()?;
    Some(Failure::new(FailureKind::TypeRefused, refused.detail))
}

/// Committed, if everything announced and demanded holds; else Failed.
fn commit(head: &Head, length: u64, now: Timestamp, key: ObjectKey, proof: Proof) -> Event {
    if let Some(failure) = objection(head, &proof) {
        return Event::Failed(failure, now);
    }
    let mut outcome = Outcome::new(head.id.clone(), key, head.destination.clone(), length, now);
    outcome.digests = proof.digests;
    outcome.content_type = proof.content_type;
    outcome.file_name = head.file_name.clone();
    outcome.visibility = head.visibility();
    outcome.extras = head.extras.clone();
    outcome.details = proof.details;
    outcome.charges = head.charges.clone();
    outcome.content_removed = !head.policy.keep_content;
    Event::Committed(Box::new(outcome))
}

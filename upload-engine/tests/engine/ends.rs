//! What calls answer once an upload has ended.

use upload_core::{ErrorKind, Stage};
use upload_engine::{Engine, Written};

use crate::support::{
    Script, World, block_on,
    check::sound,
    client::{Client, completed, offset, slot, stored},
    content,
    world::HOUR,
};

/// The kinds of error that write, finish, cancel and fix_length answer.
fn answers(engine: &Engine, client: &Client, id: &upload_core::UploadId) -> [Option<ErrorKind>; 4] {
    let (write, bytes) = match client.chunks {
        Some(_) => client.slot(0),
        None => (offset(0), client.whole.clone()),
    };
    let kind = |e: upload_core::Error| e.kind;
    [
        block_on(engine.write(&client.who, id, write, &mut Script::of(&bytes))).err().map(kind),
        block_on(engine.finish(&client.who, id)).err().map(kind),
        block_on(engine.cancel(&client.who, id)).err().map(kind),
        block_on(engine.fix_length(&client.who, id, 7)).err().map(kind),
    ]
}

fn both() -> [Client; 2] {
    [Client::slots(&content(1, 2500), 1000), Client::offsets(&content(1, 2500))]
}

fn begun(engine: &Engine, client: &Client) -> upload_core::UploadId {
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    let (write, bytes) = match client.chunks {
        Some(_) => client.slot(0),
        None => (offset(0), client.whole.slice(..1000)),
    };
    assert_eq!(
        stored(block_on(engine.write(&client.who, &id, write, &mut Script::of(&bytes)))).frontier,
        1000
    );
    id
}

#[test]
fn a_cancelled_upload_is_gone_and_may_be_cancelled_again() {
    for client in both() {
        let world = World::new(1);
        let engine = world.engine();
        let id = begun(&engine, &client);
        block_on(engine.cancel(&client.who, &id)).unwrap();
        for engine in [engine, world.engine()] {
            let gone = Some(ErrorKind::Gone);
            assert_eq!(answers(&engine, &client, &id), [gone, gone, None, gone]);
            assert_eq!(block_on(engine.inspect(&client.who, &id)).unwrap().stage, Stage::Cancelled);
            assert_eq!(block_on(engine.read(Some(&client.who), &id)).unwrap_err().kind, ErrorKind::NotFound);
        }
        let found = sound(&world);
        assert!(found.staged.is_empty() && found.rows.is_empty() && found.beside.is_empty());
    }
}

#[test]
fn an_upload_past_its_deadline_takes_nothing_and_is_expired_after_the_grace() {
    for client in both() {
        let world = World::new(1);
        let engine = world.engine();
        let id = begun(&engine, &client);
        world.advance(24 * HOUR);
        let late = answers(&engine, &client, &id);
        assert_eq!(late[0], Some(ErrorKind::Gone), "writers stop at the deadline");
        assert_eq!(late[1], Some(ErrorKind::NotReady));
        world.advance(2 * HOUR);
        if late[2].is_none() {
            // It was cancelled above.
            continue;
        }
        assert_eq!(block_on(engine.sweep()).expired, 1);
    }
    for client in both() {
        let world = World::new(1);
        let engine = world.engine();
        let id = begun(&engine, &client);
        world.advance(24 * HOUR);
        assert_eq!(block_on(engine.sweep()).expired, 0, "the grace is not over");
        world.advance(2 * HOUR);
        assert_eq!(block_on(engine.sweep()).expired, 1);
        assert_eq!(block_on(engine.sweep()).expired, 0);
        for engine in [engine, world.engine()] {
            assert_eq!(answers(&engine, &client, &id), [Some(ErrorKind::Gone); 4]);
            assert_eq!(block_on(engine.inspect(&client.who, &id)).unwrap().stage, Stage::Expired);
        }
        assert!(sound(&world).staged.is_empty());
    }
}

/// A complete upload answers its chunks for the time of replay, and its reader for ever.
#[test]
fn a_completed_upload_replays_its_outcome_and_then_forgets_its_chunks() {
    for mut client in both() {
        let world = World::new(1);
        let engine = world.engine();
        let id = begun(&engine, &client);
        let outcome = block_on(client.complete(&engine, &id)).unwrap();
        world.advance(23 * HOUR);
        block_on(engine.sweep());
        for engine in [engine, world.engine()] {
            let (write, bytes) = match client.chunks {
                Some(_) => client.slot(2),
                None => (offset(0), client.whole.clone()),
            };
            let again = block_on(engine.write(&client.who, &id, write.clone(), &mut Script::of(&bytes)));
            assert_eq!(completed(again), outcome);
            let other = content(9, bytes.len());
            let other = block_on(engine.write(&client.who, &id, write, &mut Script::of(&other)));
            assert_eq!(other.unwrap_err().kind, ErrorKind::Conflict);
            assert_eq!(block_on(engine.finish(&client.who, &id)).unwrap(), outcome);
            assert_eq!(block_on(engine.cancel(&client.who, &id)).unwrap_err().kind, ErrorKind::Conflict);
            assert_eq!(block_on(engine.fix_length(&client.who, &id, 2500)).unwrap().frontier, 2500);
            assert_eq!(
                block_on(engine.fix_length(&client.who, &id, 7)).unwrap_err().kind,
                ErrorKind::Conflict
            );
        }
        world.advance(3 * HOUR);
        for engine in [world.engine(), world.engine()] {
            block_on(engine.sweep());
            let (write, bytes) = match client.chunks {
                Some(_) => client.slot(2),
                None => (offset(0), client.whole.clone()),
            };
            let again = block_on(engine.write(&client.who, &id, write, &mut Script::of(&bytes)));
            assert_eq!(again.unwrap_err().kind, ErrorKind::NotFound);
            assert_eq!(block_on(engine.finish(&client.who, &id)).unwrap(), outcome);
            assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        }
        let found = sound(&world);
        assert!(found.rows.is_empty() && found.due.is_empty());
    }
}

/// An announced digest that does not hold ends the upload; nothing of it stays or is readable.
#[test]
fn a_digest_that_does_not_hold_ends_the_upload() {
    for client in both() {
        for right in [true, false] {
            let world = World::new(1);
            let engine = world.engine();
            let mut hashers = upload_checksum::HasherSet::new([upload_checksum::Algorithm::Md5]);
            hashers.update(if right { &client.whole[..] } else { b"something else" });
            let mut begin = client.begin();
            begin.expected = hashers.finish().iter().copied().collect();
            let id = block_on(engine.begin(&client.who, begin)).unwrap().id;
            let end = block_on(client.clone().complete(&engine, &id));
            if right {
                assert_eq!(end.unwrap().length, 2500);
                continue;
            }
            assert_eq!(end.unwrap_err().kind, ErrorKind::DigestMismatch);
            let found = sound(&world);
            assert!(found.staged.is_empty() && found.rows.is_empty() && found.objects.is_empty());
            assert!(matches!(block_on(engine.inspect(&client.who, &id)).unwrap().stage, Stage::Failed(_)));
            assert_eq!(answers(&engine, &client, &id), [Some(ErrorKind::Gone); 4]);
        }
    }
}

/// I9: whatever is too long is refused as soon as that is certain, and what was there before stays.
#[test]
fn nothing_passes_a_limit() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::slots(&content(1, 2500), 1000);
    let mut long = client.begin();
    long.length = Some(crate::support::world::MAX_LENGTH + 1);
    assert_eq!(block_on(engine.begin(&client.who, long)).unwrap_err().kind, ErrorKind::TooLarge);
    let id = begun(&engine, &client);
    let write =
        |at, bytes: usize| block_on(engine.write(&client.who, &id, at, &mut Script::of(&content(3, bytes))));
    for (at, bytes) in
        [(slot(1, 3), 1501), (slot(2, 3), 501), (slot(2, 3), 499), (slot(3, 3), 1), (slot(1, 4), 1000)]
    {
        let e = write(at.clone(), bytes).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Misplaced, "{at:?} with {bytes} bytes: {e}");
    }
    let by_offset = Client::offsets(&content(1, 2500));
    let id = begun(&engine, &by_offset);
    let write =
        |at, bytes: usize| block_on(engine.write(&client.who, &id, at, &mut Script::of(&content(3, bytes))));
    assert_eq!(write(offset(1000), 1501).unwrap_err().kind, ErrorKind::Misplaced);
    assert_eq!(write(offset(999), 10).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(write(offset(1001), 10).unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(write(slot(0, 1), 2500).unwrap_err().kind, ErrorKind::Misplaced);
    assert!(matches!(block_on(engine.inspect(&client.who, &id)).unwrap().stage, Stage::Receiving));
    assert!(
        matches!(block_on(by_offset.clone().complete(&engine, &id)), Ok(outcome) if outcome.length == 2500)
    );
    sound(&world);
}

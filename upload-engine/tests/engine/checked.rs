//! Bodies by offset that must have a digest: all of their bytes count when they have it, or none.

use std::cell::RefCell;

use bytes::Bytes;
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::{ErrorKind, Stage, UploadId, lifecycle::Begin, record::Addressing};
use upload_engine::{Engine, Trailing, Write, Written};

use crate::support::{
    Gate, Script, Sim, World, block_on,
    check::{clean, sound},
    client::{Client, offset},
    content,
    signed::kind,
    world::HOUR,
};

fn digest(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

fn checked(at: u64, expected: Digest) -> Write {
    let mut write = offset(at);
    write.expected = Some(expected);
    write
}

fn trailing(at: u64, told: Option<Digest>) -> Write {
    let trailing = Trailing::new([Algorithm::Md5, Algorithm::Sha1]);
    told.into_iter().for_each(|digest| trailing.tell(digest));
    let mut write = offset(at);
    write.trailing = Some(trailing);
    write
}

fn begun(engine: &Engine, client: &Client) -> UploadId {
    let begin = Begin::new("files", Addressing::Offsets, Some(client.whole.len() as u64));
    block_on(engine.begin(&client.who, begin)).unwrap().id
}

fn frontier(engine: &Engine, client: &Client, id: &UploadId) -> u64 {
    block_on(engine.inspect(&client.who, id)).unwrap().frontier
}

#[test]
fn a_body_counts_when_it_has_its_digest() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Crc32c] {
        let world = World::new(1);
        let engine = world.engine();
        let client = Client::offsets(&content(1, 9000));
        let id = begun(&engine, &client);
        let send = |at: usize, to: usize, of: &[u8]| {
            let write = checked(at as u64, digest(algorithm, of));
            let mut body = Script::of(&client.whole.slice(at..to));
            block_on(engine.write(&client.who, &id, write, &mut body))
        };
        for (at, to) in [(0, 5000), (5000, 5001)] {
            let refused = send(at, to, &client.whole[at..to - 1]).unwrap_err();
            assert_eq!(refused.kind, ErrorKind::DigestMismatch);
            assert!(refused.detail.contains(&digest(algorithm, &client.whole[at..to]).to_hex()), "{refused}");
            assert_eq!(frontier(&engine, &client, &id), at as u64);
            send(at, to, &client.whole[at..to]).unwrap();
            assert_eq!(frontier(&engine, &client, &id), to as u64);
        }
        // A body that is refused leaves nothing behind that others could take for theirs.
        let other = content(2, 3999);
        let refused = block_on(engine.write(
            &client.who,
            &id,
            checked(5001, digest(algorithm, b"")),
            &mut Script::of(&other),
        ));
        assert_eq!(kind(refused), Some(ErrorKind::DigestMismatch));
        let done = send(5001, 9000, &client.whole[5001..]).unwrap();
        let Written::Completed(outcome) = done else { panic!("{done:?}") };
        assert_eq!(outcome.digests.get(Algorithm::Sha256), Some(&digest(Algorithm::Sha256, &client.whole)));
        assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
        // Again, as one who did not hear it; and another one in its place.
        assert!(matches!(send(5001, 9000, &client.whole[5001..]), Ok(Written::Completed(_))));
        assert_eq!(kind(send(5001, 9000, &client.whole)), Some(ErrorKind::DigestMismatch));
        world.advance(30 * HOUR);
        block_on(engine.sweep());
        block_on(engine.janitor());
        clean(&world);
    }
}

#[test]
fn a_digest_may_come_after_its_bytes() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::offsets(&content(1, 6000));
    let id = begun(&engine, &client);
    let send = |at: usize, told: Option<Digest>| {
        let mut body = Script::of(&client.whole.slice(at..at + 3000));
        block_on(engine.write(&client.who, &id, trailing(at as u64, told), &mut body))
    };
    let of = |algorithm, at: usize| Some(digest(algorithm, &client.whole[at..at + 3000]));
    assert_eq!(kind(send(0, None)), Some(ErrorKind::Invalid), "it never came");
    assert_eq!(kind(send(0, of(Algorithm::Md5, 1))), Some(ErrorKind::DigestMismatch));
    assert_eq!(kind(send(0, of(Algorithm::Sha256, 0))), Some(ErrorKind::DigestMismatch), "not computed");
    assert_eq!(frontier(&engine, &client, &id), 0);
    send(0, of(Algorithm::Sha1, 0)).unwrap();
    assert!(matches!(send(3000, of(Algorithm::Md5, 3000)), Ok(Written::Completed(_))));
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
    // Chunks say theirs first.
    let slots = Client::slots(&content(1, 2000), 1000);
    let id = block_on(engine.begin(&slots.who, slots.begin())).unwrap().id;
    let (mut write, chunk) = slots.slot(0);
    write.trailing = Some(Trailing::new([Algorithm::Md5]));
    let refused = block_on(engine.write(&slots.who, &id, write, &mut Script::of(&chunk)));
    assert_eq!(kind(refused), Some(ErrorKind::Unsupported));
}

/// Cut, halted, dropped, or pushed aside by a newer one: nothing of it counts, and the next begins where it began.
#[test]
fn nothing_of_a_body_counts_that_breaks_off() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::offsets(&content(1, 9000));
    let (who, whole) = (&client.who, &client.whole);
    let id = begun(&engine, &client);
    let write = || checked(0, digest(Algorithm::Md5, whole));
    let mut cut = Script::of(&whole.slice(..7000)).fail(ErrorKind::Interrupted);
    assert_eq!(kind(block_on(engine.write(who, &id, write(), &mut cut))), Some(ErrorKind::Interrupted));
    assert_eq!(frontier(&engine, &client, &id), 0);
    let done = RefCell::new(None);
    let mut sim = Sim::new(1);
    let stalled = || Script::of(&whole.slice(..7000)).stall();
    sim.spawn("stalled", async { drop(engine.write(who, &id, write(), &mut stalled()).await) });
    assert_eq!(sim.run(), ["stalled"]);
    sim.spawn("halt", async { assert_eq!(engine.halt(who, &id).await.unwrap().frontier, 0) });
    assert!(sim.run().is_empty());
    sim.spawn("dropped", async { drop(engine.write(who, &id, write(), &mut stalled()).await) });
    sim.run();
    sim.drop_tasks("dropped");
    assert_eq!(frontier(&engine, &client, &id), 0);
    sim.spawn("pushed aside", async { drop(engine.write(who, &id, write(), &mut stalled()).await) });
    sim.run();
    sim.spawn("newer", async {
        *done.borrow_mut() = Some(engine.write(who, &id, write(), &mut Script::of(whole)).await);
    });
    assert!(sim.run().is_empty());
    drop(sim);
    assert!(matches!(done.into_inner(), Some(Ok(Written::Completed(_)))));
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), *whole);
    sound(&world);
}

/// One that goes on where another one was is compared with what that has recorded, and still must have its digest as a whole.
#[test]
fn a_body_that_repeats_recorded_bytes_has_the_digest_of_all_its_bytes() {
    for good in [true, false] {
        let world = World::new(1);
        let engine = world.engine();
        let client = Client::offsets(&content(1, 9000));
        let (who, whole) = (&client.who, &client.whole);
        let id = begun(&engine, &client);
        let gate = Gate::default();
        let done = RefCell::new(None);
        let mut sim = Sim::new(1);
        sim.spawn("first", async {
            let mut body = Script::of(&whole.slice(..4000)).wait(&gate).fail(ErrorKind::Interrupted);
            drop(engine.write(who, &id, offset(0), &mut body).await);
        });
        sim.run();
        sim.spawn("second", async {
            let of = if good { whole.clone() } else { whole.slice(1..) };
            let write = checked(0, digest(Algorithm::Sha256, &of));
            *done.borrow_mut() = Some(engine.write(who, &id, write, &mut Script::of(whole)).await);
        });
        sim.run();
        gate.open();
        assert!(sim.run().is_empty());
        drop(sim);
        let ended = done.into_inner().unwrap();
        if good {
            assert!(matches!(ended, Ok(Written::Completed(_))), "{ended:?}");
            assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), *whole);
        } else {
            assert_eq!(kind(ended), Some(ErrorKind::DigestMismatch));
            assert_eq!(frontier(&engine, &client, &id), 4000, "what the first one recorded stays");
        }
        sound(&world);
    }
}

/// What is at risk until its end has a limit, whether its length was announced or not.
#[test]
fn a_body_that_is_checked_may_not_be_too_long() {
    let mut world = World::new(1);
    world.settings.max_checked = 3000;
    let engine = world.engine();
    let client = Client::offsets(&content(1, 6002));
    let id = begun(&engine, &client);
    for (declared, len) in [(Some(3001), 3001), (None, 3001), (None, 6002)] {
        let bytes = client.whole.slice(..len);
        let mut write = checked(0, digest(Algorithm::Md5, &bytes));
        write.declared = declared;
        let refused = block_on(engine.write(&client.who, &id, write, &mut Script::of(&bytes))).unwrap_err();
        assert_eq!((refused.kind, refused.facts.expected), (ErrorKind::TooLarge, Some(3000)));
        assert_eq!(frontier(&engine, &client, &id), 0);
    }
    let bytes = client.whole.slice(..3000);
    let write = checked(0, digest(Algorithm::Md5, &bytes));
    block_on(engine.write(&client.who, &id, write, &mut Script::of(&bytes))).unwrap();
    // One that is not checked has no such limit.
    let rest = client.whole.slice(3000..);
    block_on(engine.write(&client.who, &id, offset(3000), &mut Script::of(&rest))).unwrap();
    assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
}

/// Bytes that are not what they should be say nothing about the content: only those that are can end the upload.
#[test]
fn a_refused_type_ends_the_upload_when_the_digest_holds() {
    for good in [true, false] {
        let world = World::new(1);
        let engine = world.engine();
        let page = Bytes::from([b"HTML....".as_slice(), &content(1, 3000)].concat());
        let client = Client::offsets(&page);
        let begin = Begin::new("pictures", Addressing::Offsets, Some(page.len() as u64));
        let id = block_on(engine.begin(&client.who, begin)).unwrap().id;
        let of = if good { &page[..] } else { b"other" };
        let write = checked(0, digest(Algorithm::Md5, of));
        let refused = kind(block_on(engine.write(&client.who, &id, write, &mut Script::of(&page))));
        let stage = block_on(engine.inspect(&client.who, &id)).unwrap().stage;
        if good {
            assert_eq!(refused, Some(ErrorKind::TypeRefused));
            assert!(matches!(stage, Stage::Failed(_)), "{stage:?}");
        } else {
            assert_eq!(refused, Some(ErrorKind::DigestMismatch));
            assert!(matches!(stage, Stage::Receiving), "{stage:?}");
        }
    }
}

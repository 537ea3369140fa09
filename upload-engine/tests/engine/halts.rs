//! Bodies by offset that somebody ends from outside, and what an end costs at most.

use std::{cell::RefCell, time::Duration};

use upload_core::ErrorKind;

use crate::support::{
    Chaos, Course, Gate, Script, Sim, World, block_on,
    check::sound,
    client::{Client, offset},
    content,
};

/// Whoever asks how far the upload is ends what hangs, and also what queued up behind it.
#[test]
fn a_halt_ends_what_hangs_and_what_waits_behind_it() {
    let world = World::new(1);
    let chaos = Chaos::new(Course::slow(1, 2));
    let engine = world.troubled(&chaos);
    let client = Client::offsets(&content(1, 9000));
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    let seen = RefCell::new(None);
    let mut sim = Sim::new(3);
    for n in 0..3 {
        let (engine, client, id) = (&engine, &client, &id);
        sim.spawn(format!("stalled {n}"), async move {
            let mut body = Script::of(&client.whole.slice(..3000))
                .pause(5)
                .data(&client.whole.slice(3000..3100))
                .stall();
            drop(engine.write(&client.who, id, offset(0), &mut body).await);
        });
    }
    sim.spawn("halt", async {
        let got = engine.halt(&client.who, &id).await.unwrap();
        *seen.borrow_mut() = Some(got);
    });
    sim.run();
    assert!(seen.borrow().is_some(), "it waits for a client that stands still");
    sound(&world);
}

/// What a body had brought and its writer had not yet handed to the store counts when it is halted.
#[test]
fn a_halt_keeps_what_is_in_hand() {
    let world = World::new(1);
    let engine = world.engine();
    let client = Client::offsets(&content(1, 9000));
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    for (from, to) in [(0, 300), (300, 350), (350, 5000)] {
        let taken = Gate::default();
        let mut sim = Sim::new(3);
        sim.spawn("stalled", async {
            let bytes = client.whole.slice(from as usize..to as usize);
            let mut body = Script::of(&bytes).open(&taken).stall();
            let end = engine.write(&client.who, &id, offset(from), &mut body).await;
            assert_eq!(end.unwrap_err().kind, ErrorKind::Busy);
        });
        sim.spawn("halt", async {
            taken.pass().await;
            assert_eq!(engine.halt(&client.who, &id).await.unwrap().frontier, to);
        });
        sim.run();
    }
    sound(&world);
}

/// What had arrived comes from the socket in pieces: all of it counts, and who asked waits no longer than nothing comes.
#[test]
fn a_halt_takes_what_has_come_and_is_not_read() {
    let mut world = World::new(1);
    world.settings.halt_wait = Duration::from_millis(3);
    let engine = world.engine();
    let client = Client::offsets(&content(1, 9000));
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    let (taken, unread, seen) = (Gate::default(), Gate::default(), RefCell::new(None));
    let part = |range: std::ops::Range<usize>| client.whole.slice(range);
    let mut sim = Sim::new(3);
    sim.spawn("stalled", async {
        let body = Script::of(&part(0..300)).open(&taken).wait(&unread).data(&part(300..4000));
        let mut body = body.pause(9).data(&part(4000..5000)).stall();
        let end = engine.write(&client.who, &id, offset(0), &mut body).await;
        assert_eq!(end.unwrap_err().kind, ErrorKind::Busy);
    });
    sim.spawn("halt", async {
        taken.pass().await;
        *seen.borrow_mut() = Some(engine.halt(&client.who, &id).await.unwrap().frontier);
    });
    assert_eq!(sim.run(), ["stalled", "halt"]);
    world.clock.advance(Duration::from_millis(2));
    unread.open();
    assert_eq!(sim.run(), ["stalled", "halt"], "it was quiet for less than the time");
    world.clock.advance(Duration::from_millis(2));
    assert_eq!(sim.run(), ["stalled", "halt"], "bytes came meanwhile");
    world.clock.advance(Duration::from_millis(1));
    assert!(sim.run().is_empty());
    assert_eq!(seen.take(), Some(5000));
    sound(&world);
}

/// A body that never ends is not waited for.
#[test]
fn a_halt_ends_a_body_that_goes_on_coming() {
    let mut world = World::new(1);
    (world.settings.halt_wait, world.settings.halt_time) =
        (Duration::from_millis(3), Duration::from_millis(5));
    let engine = world.engine();
    let client = Client::offsets(&content(1, 9000));
    let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
    let gates: Vec<Gate> = (0..9).map(|_| Gate::default()).collect();
    let (taken, seen) = (Gate::default(), RefCell::new(None));
    let mut sim = Sim::new(3);
    sim.spawn("trickle", async {
        let mut body = Script::of(&client.whole.slice(..1)).open(&taken);
        for (n, gate) in gates.iter().enumerate() {
            body = body.wait(gate).data(&client.whole.slice(n + 1..n + 2));
        }
        let end = engine.write(&client.who, &id, offset(0), &mut body.stall()).await;
        assert_eq!(end.unwrap_err().kind, ErrorKind::Busy);
    });
    sim.spawn("halt", async {
        taken.pass().await;
        *seen.borrow_mut() = Some(engine.halt(&client.who, &id).await.unwrap().frontier);
    });
    sim.run();
    for gate in &gates {
        world.clock.advance(Duration::from_millis(2));
        gate.open();
        sim.run();
    }
    assert_eq!(seen.take(), Some(3), "the first byte, and those of the second and fourth millisecond");
    sound(&world);
}

/// What a process that ends takes along is never more than the window of a checkpoint, whatever the batches were.
#[test]
fn no_more_than_a_window_is_at_risk() {
    for first in [1, 600, 1000, 1500] {
        let world = World::new(1);
        let engine = world.engine();
        let client = Client::offsets(&content(1, 20_000));
        let id = block_on(engine.begin(&client.who, client.begin())).unwrap().id;
        let turns: Vec<(usize, Gate, Gate)> =
            (0..100).map(|n| (first + 128 * n, Gate::default(), Gate::default())).collect();
        let mut sim = Sim::new(3);
        sim.spawn("body", async {
            let mut body = Script::of(&client.whole.slice(..first));
            for (at, taken, more) in &turns {
                body = body.open(taken).wait(more).data(&client.whole.slice(*at..at + 128));
            }
            drop(engine.write(&client.who, &id, offset(0), &mut body.stall()).await);
        });
        for (at, taken, more) in &turns {
            sim.run();
            assert!(taken.is_open());
            let kept = block_on(engine.inspect(&client.who, &id)).unwrap().frontier;
            let (risk, window) = (*at as u64 - kept, world.settings.checkpoint);
            assert!(risk <= window, "{risk} of {window} after {at}");
            if *at == first {
                // What does not fill a batch is written after a while.
                world.clock.advance(world.settings.batch_wait);
                sim.run();
            }
            more.open();
        }
        drop(sim);
        sound(&world);
    }
}

//! Sweep and janitor among many uploads: they remove what has ended and never touch what lives.

use std::cell::RefCell;

use proptest::prelude::*;
use upload_core::{Stage, UploadId};

use crate::support::{
    Chaos, Course, Random, Script, Sim, World, block_on,
    check::{clean, sound},
    client::Client,
    content,
    exec::pause,
    world::HOUR,
};

/// What becomes of one upload.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Completed,
    Running,
    Cancelled,
    /// Complete, but never finished.
    Full,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![Just(Fate::Completed), Just(Fate::Running), Just(Fate::Cancelled), Just(Fate::Full)]
}

async fn live(engine: &upload_engine::Engine, client: &Client, fate: Fate) -> UploadId {
    let id = engine.begin(&client.who, client.begin()).await.unwrap().id;
    let all = client.chunks.as_ref().map_or(0, Vec::len);
    let some = if matches!(fate, Fate::Completed | Fate::Full) { all } else { all / 2 };
    for n in 0..some {
        let (mut write, chunk) = client.slot(n);
        write.finish_when_complete = false;
        engine.write(&client.who, &id, write, &mut Script::of(&chunk)).await.unwrap();
    }
    match fate {
        Fate::Completed => drop(engine.finish(&client.who, &id).await.unwrap()),
        Fate::Cancelled => engine.cancel(&client.who, &id).await.unwrap(),
        Fate::Running | Fate::Full => {}
    }
    id
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// Uploads come and go while sweeps and janitors run; whatever lives can go on, whatever is complete can be read.
    #[test]
    fn neither_sweep_nor_janitor_touches_live_or_completed_uploads(
        seed in any::<u64>(), fates in prop::collection::vec((fate(), 0..30u64), 5..40), restart in any::<bool>(),
    ) {
        let mut world = World::new(seed);
        world.settings.idle_uploads = 4;
        let chaos = Chaos::new(Course::slow(seed, 2));
        let engine = world.troubled(&chaos);
        let clients: Vec<_> =
            fates.iter().enumerate().map(|(n, _)| Client::slots(&content(seed ^ n as u64, 2000 + n), 600)).collect();
        let ids = RefCell::new(vec![None; fates.len()]);
        let mut sim = Sim::new(seed);
        for (n, (fate, late)) in fates.iter().enumerate() {
            let (engine, client, ids) = (&engine, &clients[n], &ids);
            sim.spawn(format!("upload {n}"), async move {
                pause(late * 5).await;
                let id = live(engine, client, *fate).await;
                ids.borrow_mut()[n] = Some(id);
            });
        }
        let (engine_ref, clock) = (&engine, &world);
        sim.spawn("keeper", async move {
            for _ in 0..5 {
                pause(20).await;
                assert_eq!(engine_ref.sweep().await.failed, 0);
                clock.advance(2 * HOUR);
                assert_eq!(engine_ref.janitor().await.failed, 0);
            }
        });
        prop_assert_eq!(sim.run(), Vec::<String>::new());
        chaos.heal();
        let engine = if restart { world.engine() } else { engine.clone() };
        block_on(engine.sweep());
        block_on(engine.janitor());
        clean(&world);
        for (n, (fate, _)) in fates.iter().enumerate() {
            let (mut client, id) = (clients[n].clone(), ids.borrow()[n].clone().unwrap());
            match fate {
                Fate::Cancelled => {
                    prop_assert_eq!(block_on(engine.inspect(&client.who, &id)).unwrap().stage, Stage::Cancelled);
                }
                Fate::Running | Fate::Full => drop(block_on(client.complete(&engine, &id)).unwrap()),
                Fate::Completed => {}
            }
            if !matches!(fate, Fate::Cancelled) {
                prop_assert_eq!(block_on(client.fetch(&engine, &id)).unwrap(), client.whole);
            }
        }
        for _ in 0..3 {
            world.advance(26 * HOUR);
            prop_assert_eq!(block_on(engine.sweep()).failed + block_on(engine.janitor()).failed, 0);
            clean(&world);
        }
        let found = sound(&world);
        let stay = fates.iter().filter(|(fate, _)| !matches!(fate, Fate::Cancelled)).count();
        prop_assert_eq!((found.heads.len(), found.objects.len(), found.due.len()), (stay, stay, 0));
    }
}

/// A body that is received without a record is nobody's orphan while it runs, and one after it was dropped.
#[test]
fn a_body_without_a_record_is_kept_while_it_runs_and_removed_when_it_was_dropped() {
    let world = World::new(1);
    let chaos = Chaos::new(Course::quiet());
    let engine = world.troubled(&chaos);
    let bytes = content(1, 3000);
    let limits = || upload_engine::Limits::new(4000);
    let mut sim = Sim::new(1);
    sim.spawn("slow", async {
        let mut body = Script::new().cut_up(&bytes, &mut Random(1)).stall();
        drop(engine.receive(limits(), &mut body).await);
    });
    sim.run();
    let received = block_on(engine.receive(limits(), &mut Script::of(&bytes))).unwrap();
    world.advance(3 * HOUR);
    block_on(engine.sweep());
    block_on(engine.janitor());
    assert_eq!(sound(&world).staged.len(), 2, "both are in use");
    sim.drop_tasks("slow");
    drop(received);
    block_on(engine.sweep());
    assert!(sound(&world).staged.is_empty());
}

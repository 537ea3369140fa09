//! Stores that fail before or after the effect, end unknown and take their time.

use std::cell::RefCell;

use upload_core::{ErrorKind, Outcome};

use crate::{
    stops::show,
    support::{Chaos, Course, Sim, World, block_on, check::sound, client::Client, content},
};

/// Three clients at once on bad stores: each finishes in a bounded number of requests, with exact bytes, told once.
#[test]
fn well_behaved_clients_finish_whatever_the_stores_do() {
    for seed in 0..300 {
        let world = World::new(seed);
        let chaos = Chaos::new(Course::slow(seed, 3).failing(20 + seed % 200));
        let engine = world.troubled(&chaos);
        let done = RefCell::new(Vec::new());
        let clients = [
            Client::slots(&content(seed, 6000 + seed as usize), 1100),
            Client::offsets(&content(seed + 1, 7000)),
            Client::slots(&content(seed + 2, 900), 900),
        ];
        let mut sim = Sim::new(seed);
        for (n, client) in clients.into_iter().enumerate() {
            let (engine, done) = (&engine, &done);
            sim.spawn(format!("client {n}"), async move {
                let mut client = client;
                let id = client.start(engine).await.expect("a begun upload");
                let outcome =
                    client.complete(engine, &id).await.unwrap_or_else(|e| panic!("client {n}: {e:?}"));
                done.borrow_mut().push((client, outcome));
            });
        }
        show(&format!("seed {seed}"), &chaos, || {
            assert_eq!(sim.run(), Vec::<String>::new(), "nobody waits for ever");
            chaos.heal();
            sound(&world);
            for (client, outcome) in done.borrow().iter() {
                let again = block_on(engine.finish(&client.who, &outcome.id)).unwrap();
                assert_eq!(again, *outcome);
                assert_eq!(block_on(client.fetch(&engine, &outcome.id)).unwrap(), client.whole);
            }
        });
    }
}

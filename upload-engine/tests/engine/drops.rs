//! Requests that are dropped at any await, as a runtime drops them when a connection ends.

use upload_core::ErrorKind;

use crate::{
    scenarios::ALL,
    stops::show,
    support::{Chaos, Course, Script, World, block_on, check::sound, content, polls, told::aftermath},
};

/// Every scenario, dropped after its n-th poll, for every n; the same process goes on.
#[test]
fn a_drop_at_every_await_loses_nothing_and_leaves_nothing() {
    for scenario in ALL {
        for seed in 0..4 {
            for n in 1.. {
                let world = World::new(seed);
                let chaos = Chaos::new(Course::slow(seed, 2));
                let told = scenario.told();
                let engine = world.troubled(&chaos);
                let ended = polls(scenario.run(&engine, &world, &told), n);
                chaos.heal();
                let case = format!("{:?} with seed {seed}, dropped at poll {n}", scenario.name);
                show(&case, &chaos, || aftermath(&world, &engine, &told));
                if let Some(end) = ended {
                    end.unwrap_or_else(|e| panic!("{case}: {e:?}"));
                    break;
                }
            }
        }
    }
}

/// The same, and then somebody sends other bytes to every place: they are refused where a row stands, and are the
/// upload's where none does.
#[test]
fn other_bytes_after_a_drop_never_harm_what_is_recorded() {
    for scenario in ALL.iter().filter(|s| s.told().client.chunks.is_some() && !s.ends()) {
        for seed in 0..4 {
            for n in 1.. {
                let world = World::new(seed);
                let chaos = Chaos::new(Course::slow(seed, 2));
                let mut told = scenario.told();
                let engine = world.troubled(&chaos);
                let ended = polls(scenario.run(&engine, &world, &told), n);
                chaos.heal();
                let case =
                    format!("{:?} with seed {seed}, dropped at poll {n}, then other bytes", scenario.name);
                show(&case, &chaos, || {
                    let Some(id) = told.id.borrow().clone() else { return };
                    let chunks = told.client.chunks.as_ref().unwrap().len();
                    for n in 0..chunks {
                        let (write, chunk) = told.client.slot(n);
                        let other = content(n as u64 + 77, chunk.len());
                        let answer =
                            block_on(engine.write(&told.client.who, &id, write, &mut Script::of(&other)));
                        match answer {
                            Ok(_) => told.client.replace(n, other),
                            Err(e) => {
                                assert!(matches!(e.kind, ErrorKind::Conflict | ErrorKind::Gone), "{e:?}")
                            }
                        }
                        sound(&world);
                    }
                    aftermath(&world, &engine, &told);
                });
                if ended.is_some() {
                    break;
                }
            }
        }
    }
}

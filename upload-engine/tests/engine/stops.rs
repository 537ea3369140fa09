//! The process ends after any port call; a new one takes up where it was.

use crate::{
    scenarios::ALL,
    support::{
        Chaos, Course, World, polls,
        told::{abandoned, aftermath},
    },
};

/// Every scenario, stopped after its k-th effect, for every k, with and without an answer to that call.
#[test]
fn a_stop_after_every_effect_loses_nothing_and_leaves_nothing() {
    for scenario in ALL {
        for answered in [true, false] {
            for k in 0.. {
                let world = World::new(k);
                let chaos = Chaos::new(Course::quiet().stop(k, answered));
                let told = scenario.told();
                let before = world.troubled(&chaos);
                let ended = polls(scenario.run(&before, &world, &told), usize::MAX);
                drop(before);
                let case = format!("{:?} stopped after effect {k} (answered: {answered})", scenario.name);
                show(&case, &chaos, || aftermath(&world, &world.engine(), &told));
                if let Some(end) = ended {
                    end.unwrap_or_else(|e| panic!("{case}: {e:?}"));
                    assert!(k > 2, "{case}: too short to say anything");
                    break;
                }
            }
        }
    }
}

/// The same, but nobody ever comes back: what was completed stays, all else goes by itself.
#[test]
fn a_stop_after_every_effect_leaves_nothing_though_nobody_comes_back() {
    for scenario in ALL {
        for answered in [true, false] {
            for k in 0.. {
                let world = World::new(k);
                let chaos = Chaos::new(Course::quiet().stop(k, answered));
                let told = scenario.told();
                let before = world.troubled(&chaos);
                let ended = polls(scenario.run(&before, &world, &told), usize::MAX);
                drop(before);
                let case = format!("{:?} stopped after effect {k} (answered: {answered})", scenario.name);
                show(&case, &chaos, || abandoned(&world, &world.engine(), &told));
                if ended.is_some() {
                    break;
                }
            }
        }
    }
}

/// Names the case and what had happened when a check fails.
pub fn show(case: &str, chaos: &Chaos, check: impl FnOnce()) {
    let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check));
    if let Err(why) = checked {
        eprintln!("in the case {case} after\n{}", chaos.trace().join("\n"));
        std::panic::resume_unwind(why);
    }
}

//! Unique content whose process stops, or whose request is dropped, anywhere: one holder is left, and its charge.

use upload_core::Outcome;
use upload_engine::Engine;

use crate::{
    stops::show,
    support::{
        Chaos, Course, World, block_on,
        check::{look, sound},
        content,
        goods::{Goods, WAYS, Way, one_holder, standing, tidy},
        polls,
        world::{HOUR, somebody},
    },
};

/// What comes after the stop or the drop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A sweep and a janitor pass.
    Tidy,
    /// First somebody replaces what is there.
    Replace,
    /// First somebody removes whatever is complete.
    Remove,
}

fn aftermath(world: &World, engine: &Engine, goods: &Goods, next: Next, told: Option<&Outcome>, old: bool) {
    let who = somebody("acme");
    sound(world);
    match next {
        Next::Tidy => {}
        Next::Replace => {
            for way in WAYS {
                drop(block_on(goods.clone().replacing().insist(engine, way)).expect("a replacement"));
            }
        }
        Next::Remove => {
            for id in standing(&look(world)) {
                block_on(engine.remove(&who, &id)).unwrap();
            }
        }
    }
    let found = tidy(world, engine);
    let holder = one_holder(world, engine, goods);
    match next {
        Next::Tidy => {
            if let Some(told) = told {
                assert_eq!(holder.as_ref(), Some(&told.id), "what was told complete stands");
            }
            assert!(holder.is_some() || !old, "the old one is gone and none is there");
        }
        Next::Replace => assert!(holder.is_some()),
        Next::Remove => {}
    }
    if let Some(told) = told {
        assert!(found.ledger.contains_key(&told.id), "what was told complete costs");
    }
    for hours in [26, 26] {
        world.advance(hours * HOUR);
        tidy(world, engine);
    }
    let found = sound(world);
    assert!(found.staged.is_empty() && found.rows.is_empty() && found.beside.is_empty(), "{found:?}");
    assert!(found.due.is_empty(), "{:?}", found.due);
}

/// The first of its content, or one that replaces another; stopped after every effect, also where another process is at hand
/// that has seen all of it.
#[test]
fn a_stop_after_every_effect_leaves_one_holder_and_its_charge() {
    for (way, replace, next) in WAYS.into_iter().flat_map(|way| {
        [false, true].into_iter().flat_map(move |replace| {
            [Next::Tidy, Next::Replace, Next::Remove].map(move |next| (way, replace, next))
        })
    }) {
        for (answered, elsewhere) in [(true, false), (false, false), (true, true)] {
            for k in 0.. {
                let mut world = World::new(k).with_probe();
                if elsewhere {
                    world = world.with_processes();
                }
                let goods = Goods::new(&content(1, 2500));
                let other = world.engine();
                if replace {
                    block_on(goods.bring(&other, Way::Whole)).unwrap();
                }
                let goods = Goods { replace, ..goods };
                let chaos = Chaos::new(Course::quiet().stop(k, answered));
                let engine = world.troubled(&chaos);
                let ended = polls(goods.bring(&engine, way), usize::MAX);
                drop(engine);
                let case = format!(
                    "{way:?}, replacing: {replace}, then {next:?}, stopped after {k} (answered: {answered}, elsewhere: {elsewhere})"
                );
                let engine = if elsewhere { other } else { world.engine() };
                let told = ended.as_ref().and_then(|end| end.as_ref().ok());
                show(&case, &chaos, || aftermath(&world, &engine, &goods, next, told, replace));
                if let Some(end) = ended {
                    end.unwrap_or_else(|e| panic!("{case}: {e:?}"));
                    assert!(k > 12, "{case}: too short to say anything");
                    break;
                }
            }
        }
    }
}

/// Dropped at every await; the same process goes on.
#[test]
fn a_drop_at_every_await_leaves_one_holder_and_its_charge() {
    for way in WAYS {
        for (replace, next) in
            [(false, Next::Tidy), (true, Next::Tidy), (true, Next::Replace), (true, Next::Remove)]
        {
            for seed in 0..2 {
                for n in 1.. {
                    let world = World::new(seed).with_probe();
                    let goods = Goods::new(&content(1, 2500));
                    let chaos = Chaos::new(Course::slow(seed, 2));
                    let engine = world.troubled(&chaos);
                    if replace {
                        block_on(goods.bring(&engine, Way::Slots)).unwrap();
                    }
                    let goods = Goods { replace, ..goods };
                    let ended = polls(goods.bring(&engine, way), n);
                    chaos.heal();
                    let case =
                        format!("{way:?}, replacing: {replace}, then {next:?}, seed {seed}, dropped at {n}");
                    let told = ended.as_ref().and_then(|end| end.as_ref().ok());
                    show(&case, &chaos, || aftermath(&world, &engine, &goods, next, told, replace));
                    if let Some(end) = ended {
                        end.unwrap_or_else(|e| panic!("{case}: {e:?}"));
                        break;
                    }
                }
            }
        }
    }
}

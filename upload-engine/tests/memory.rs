//! What an upload costs in memory while nobody uses it. A binary of its own: its allocator counts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    unreachable_pub,
    dead_code,
    unused_imports
)]

/// Which store the tests run over: one that is written in place.
const PARTS: bool = false;

mod support;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::{
    Script, World, block_on,
    client::{Client, offset},
    content,
    world::{HOUR, somebody},
};
use upload_core::{UploadId, lifecycle::Begin, record::Addressing};
use upload_engine::Engine;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn in_use() -> i64 {
    let stats = COUNTED.stats();
    stats.bytes_allocated as i64 - stats.bytes_deallocated as i64
}

/// Uploads under way: each has some rows, out of order, and an owner who is away.
fn begin(world: &World, uploads: usize) -> Vec<UploadId> {
    let engine = world.engine();
    let client = Client::slots(&content(1, 40 * 50), 50);
    let ids = (0..uploads).map(|n| {
        let mut begin = client.begin();
        begin.file_name = Some(format!("holiday {n}.jpeg"));
        begin.declared_type = Some("image/jpeg".into());
        let id = block_on(engine.begin(&client.who, begin)).unwrap().id;
        for chunk in [0, 1, 2, 7, 20] {
            let (write, bytes) = client.slot(chunk);
            block_on(engine.write(&client.who, &id, write, &mut Script::of(&bytes))).unwrap();
        }
        id
    });
    ids.collect()
}

/// Bytes that the engine itself holds after it was asked about these uploads, and let go of.
fn held_by(engine: &Engine, ids: &[UploadId]) -> i64 {
    let before = in_use();
    for id in ids {
        block_on(engine.inspect(&somebody("acme"), id)).unwrap();
    }
    in_use() - before
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn an_idle_upload_costs_at_most_8_kib_and_only_so_many_are_kept() {
    let mut world = World::new(1);
    world.settings.idle_uploads = 64;
    let ids = begin(&world, 1000);
    // Once, so that what leaves memory is in the store already and does not count below.
    let first = world.engine();
    held_by(&first, &ids);
    block_on(first.flush()).unwrap();
    drop(first);

    let engine = world.engine();
    held_by(&engine, &ids[..1]);
    let each = held_by(&engine, &ids[1..41]) / 40;
    assert!(each <= 8 << 10, "an idle upload costs {each} bytes");
    assert!(each > 200, "{each} bytes: nothing was counted");

    // A thousand uploads pass through; those that stay are bounded by the setting, not by their number.
    let engine = world.engine();
    let all = held_by(&engine, &ids);
    assert!(all <= 64 * (8 << 10), "1,000 uploads left {all} bytes, {each} each");
    let again = held_by(&engine, &ids);
    assert!(again.abs() <= 64 * (8 << 10), "a second round left {again} bytes more");

    // What is idle can be let go of altogether.
    let before = in_use();
    block_on(engine.flush()).unwrap();
    assert!(in_use() < before - 8 * each, "{} bytes before, {} after", before, in_use());
}

//! The record file: locks, foreign files, groups, and sudden ends.
#![cfg(feature = "redb")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, missing_docs)]

mod disk_support;

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    sync::Mutex,
};

use bytes::Bytes;
use disk_support::{Scratch, block_on};
use upload_core::ports::{Deleted, Expected, Put, RecordStore, StoreErrorKind, Version};
use upload_storage::{Durability, redb::RedbRecords};

const BOTH: [Durability; 2] = [Durability::Request, Durability::None];

fn won(put: Put) -> Version {
    let Put::Won(version) = put else { panic!("not won: {put:?}") };
    version
}

fn put(store: &RedbRecords, key: &str, value: &'static str, expected: Expected) -> Put {
    block_on(store.put(key, Bytes::from_static(value.as_bytes()), expected)).unwrap()
}

#[test]
fn records_and_the_order_of_versions_survive_reopening() {
    for durability in BOTH {
        let dir = Scratch::new("redb");
        let path = dir.path().join("records");
        let store = RedbRecords::open(&path, durability).unwrap();
        let first = won(put(&store, "u/a", "1", Expected::Absent));
        assert!(matches!(block_on(store.delete("u/a", &first)).unwrap(), Deleted::Done));
        block_on(store.flush()).unwrap();
        drop(store);
        let store = RedbRecords::open(&path, durability).unwrap();
        assert_eq!(block_on(store.get("u/a")).unwrap(), None);
        let second = won(put(&store, "u/a", "1", Expected::Absent));
        assert_ne!(first, second, "a version came twice");
        drop(store);
        let store = RedbRecords::open(&path, durability).unwrap();
        let found = block_on(store.get("u/a")).unwrap().unwrap();
        assert_eq!((found.value, found.version), (Bytes::from_static(b"1"), second));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "something was left beside the file");
    }
}

#[test]
fn the_file_has_one_owner() {
    let dir = Scratch::new("redb");
    let path = dir.path().join("records");
    for durability in BOTH {
        let store = RedbRecords::open(&path, durability).unwrap();
        let second = RedbRecords::open(&path, durability).unwrap_err();
        assert_eq!(second.kind, StoreErrorKind::Unavailable);
        assert!(second.detail.contains("records") && second.detail.contains("in use"), "{second}");
        won(put(&store, if durability == BOTH[0] { "a" } else { "b" }, "", Expected::Absent));
    }
}

#[test]
fn what_is_not_a_record_file_is_refused_by_name_and_left_as_it_is() {
    let dir = Scratch::new("redb");
    let path = dir.path().join("records");
    drop(RedbRecords::open(&path, Durability::None).unwrap());
    let whole = std::fs::read(&path).unwrap();
    let mut half = whole.clone();
    half.truncate(whole.len() / 2);
    let foreign = b"#!/bin/sh\necho this is not a database of any kind\n".repeat(1000);
    // A database of redb's, but another program's.
    let other = dir.path().join("other");
    let database = ::redb::Database::create(&other).unwrap();
    let table: ::redb::TableDefinition<'_, u64, u64> = ::redb::TableDefinition::new("theirs");
    let write = database.begin_write().unwrap();
    write.open_table(table).unwrap().insert(1, 1).unwrap();
    write.commit().unwrap();
    drop(database);
    let other = std::fs::read(other).unwrap();
    for bytes in [Vec::new(), foreign, half, other] {
        std::fs::write(&path, &bytes).unwrap();
        for durability in BOTH {
            let refused = RedbRecords::open(&path, durability).unwrap_err();
            assert_eq!(refused.kind, StoreErrorKind::Corrupt, "{refused}");
            assert!(refused.detail.contains(path.to_str().unwrap()), "{refused}");
        }
    }
    std::fs::write(&path, &whole).unwrap();
    RedbRecords::open(&path, Durability::Request).unwrap();
}

#[test]
fn of_many_puts_at_once_one_wins_and_the_others_see_it() {
    let dir = Scratch::new("redb");
    let store = RedbRecords::open(dir.path().join("records"), Durability::Request).unwrap();
    let versions = Mutex::new(BTreeSet::new());
    for round in 0..20 {
        let key = format!("race/{round}");
        let ends: Vec<_> = std::thread::scope(|scope| {
            let race = |i: u32| {
                let (store, key) = (&store, &key);
                scope.spawn(move || {
                    (i, block_on(store.put(key, Bytes::from(i.to_string()), Expected::Absent)).unwrap())
                })
            };
            (0..16).map(race).collect::<Vec<_>>().into_iter().map(|t| t.join().unwrap()).collect()
        });
        let winner =
            ends.iter().find(|(_, end)| matches!(end, Put::Won(_))).map(|(i, _)| i.to_string()).unwrap();
        for (i, end) in ends {
            match end {
                Put::Won(version) => {
                    assert_eq!(i.to_string(), winner);
                    assert!(
                        versions.lock().unwrap().insert(version.as_bytes().to_vec()),
                        "a version came twice"
                    );
                }
                Put::Lost(Some(current)) => assert_eq!(current.value, winner.as_bytes()),
                other => panic!("{other:?}"),
            }
        }
    }
}

const CHILD: &str = "UPLOAD_TEST_REDB_CHILD";

/// Not a test of its own: what the next one starts and kills.
#[test]
fn child_that_puts_until_it_is_killed() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let (durability, path) = path.split_once(':').unwrap();
    let durability = if durability == "request" { Durability::Request } else { Durability::None };
    let store = RedbRecords::open(path, durability).unwrap();
    let out = Mutex::new(std::io::stdout());
    let pid = std::process::id();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, out) = (&store, &out);
            scope.spawn(move || {
                for i in 0.. {
                    let key = format!("k/{pid}/{thread}/{i}");
                    won(block_on(store.put(&key, Bytes::from(vec![7u8; 300]), Expected::Absent)).unwrap());
                    let mut out = out.lock().unwrap();
                    writeln!(out, "ACK {key} END").unwrap();
                    out.flush().unwrap();
                }
            });
        }
    });
}

#[test]
fn every_acknowledged_put_survives_kill_9() {
    for (durability, name) in [(Durability::Request, "request"), (Durability::None, "none")] {
        let dir = Scratch::new("redb");
        let path = dir.path().join("records");
        let mut acknowledged = Vec::new();
        for round in 1..=3 {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["child_that_puts_until_it_is_killed", "--exact", "--nocapture"])
                .env(CHILD, format!("{name}:{}", path.display()))
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
            // Only whole lines: the last one may be cut.
            let mut keys =
                lines.filter_map(|l| Some(l.split_once("ACK ")?.1.strip_suffix(" END")?.to_owned()));
            let before = acknowledged.len();
            acknowledged.extend(keys.by_ref().take(300 * round));
            child.kill().unwrap();
            // What it had written before it died is acknowledged too.
            acknowledged.extend(keys);
            child.wait().unwrap();
            assert!(acknowledged.len() >= before + 300 * round, "{name}: the child ended by itself");
            let store = RedbRecords::open(&path, durability).unwrap();
            for key in &acknowledged {
                assert!(
                    block_on(store.get(key)).unwrap().is_some(),
                    "{name}: {key} was acknowledged and is lost"
                );
            }
        }
    }
}

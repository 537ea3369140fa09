//! What the disk store promises beyond the port: its directory, its files, its permits.
#![cfg(feature = "disk")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod disk_support;

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::fs::MetadataExt,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    task::{Context, Waker},
};

use bytes::Bytes;
use disk_support::{HOUR, Scratch, block_on, names, names_of, permit};
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{BlobStore, Listed, Permit, Publication, StoreErrorKind},
};
use upload_storage::{
    Durability,
    disk::{DiskBlobs, DiskSettings},
};

const BOTH: [Durability; 2] = [Durability::Request, Durability::None];

fn open(dir: &Scratch, durability: Durability) -> DiskBlobs {
    DiskBlobs::open(dir.path(), DiskSettings::new(durability)).unwrap()
}

fn write(store: &DiskBlobs, name: &StagingName, position: u64, bytes: &'static [u8]) {
    block_on(store.write(name, position, vec![Bytes::from_static(bytes)], permit())).unwrap();
}

fn list(store: &DiskBlobs, until: Hour, limit: usize) -> Vec<Listed> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = block_on(store.list(until, after.as_ref(), limit)).unwrap();
        assert!(page.len() <= limit);
        let Some(last) = page.last() else { return all };
        after = Some(last.clone());
        all.extend(page);
    }
}

#[test]
fn the_directory_has_one_owner() {
    let dir = Scratch::new("disk");
    for durability in BOTH {
        let _store = open(&dir, durability);
        let second = DiskBlobs::open(dir.path(), DiskSettings::default()).unwrap_err();
        assert_eq!(second.kind, StoreErrorKind::Unavailable);
        assert!(
            second.detail.contains(dir.path().to_str().unwrap()) && second.detail.contains("in use"),
            "{second}"
        );
    }
}

#[test]
fn a_directory_of_another_version_is_refused() {
    let dir = Scratch::new("disk");
    std::fs::write(dir.path().join("upload-store.lock"), "upload-storage disk 2\n").unwrap();
    let refused = DiskBlobs::open(dir.path(), DiskSettings::default()).unwrap_err();
    assert_eq!(refused.kind, StoreErrorKind::Corrupt);
    assert!(refused.detail.contains("disk 2") && refused.detail.contains("disk 1"), "{refused}");
}

#[test]
fn synced_and_published_bytes_are_there_after_reopening() {
    for (first, second) in [(BOTH[0], BOTH[0]), (BOTH[1], BOTH[0]), (BOTH[0], BOTH[1])] {
        let dir = Scratch::new("disk");
        let store = open(&dir, first);
        let ((staged, _), (published, key)) = (names(), names());
        write(&store, &staged, 5, b"later");
        block_on(store.sync(&staged)).unwrap();
        write(&store, &staged, 0, b"first");
        block_on(store.sync(&staged)).unwrap();
        write(&store, &published, 0, b"object and more");
        block_on(store.publish(&Publication::new(published, key.clone(), 6))).unwrap();
        block_on(store.flush()).unwrap();
        drop(store);
        let store = open(&dir, second);
        assert_eq!(block_on(store.read_staged(&staged, 0..10)).unwrap(), "firstlater");
        assert_eq!(block_on(store.read(&key, 0..6)).unwrap(), "object");
        assert_eq!(block_on(store.length(&key)).unwrap(), Some(6));
        assert_eq!(list(&store, HOUR, 10), [Listed::Object(key), Listed::Staged(staged)]);
        assert_eq!(dir.path().join("upload-store.unsynced").exists(), second == Durability::None);
    }
}

#[test]
fn publishing_again_succeeds_and_another_object_is_never_replaced() {
    for synced in [false, true] {
        let dir = Scratch::new("disk");
        let store = open(&dir, Durability::Request);
        let (staging, key) = names();
        let publication = Publication::new(staging.clone(), key.clone(), 5);
        assert_eq!(block_on(store.publish(&publication)).unwrap_err().kind, StoreErrorKind::NotFound);
        for _ in 0..2 {
            // The second time the bytes are staged anew, as by a late writer.
            write(&store, &staging, 0, b"bytes");
            if synced {
                block_on(store.sync(&staging)).unwrap();
            }
            for _ in 0..2 {
                block_on(store.publish(&publication)).unwrap();
                let gone = block_on(store.read_staged(&staging, 0..5)).unwrap_err();
                assert_eq!(gone.kind, StoreErrorKind::NotFound);
            }
        }
        write(&store, &staging, 0, b"other bytes");
        if synced {
            block_on(store.sync(&staging)).unwrap();
        }
        let other = block_on(store.publish(&Publication::new(staging, key.clone(), 11))).unwrap_err();
        assert_eq!(other.kind, StoreErrorKind::Corrupt, "{other}");
        assert_eq!(block_on(store.read(&key, 0..5)).unwrap(), "bytes");
    }
}

#[test]
fn an_object_is_never_made_of_fewer_bytes_than_it_should_have() {
    let dir = Scratch::new("disk");
    let store = open(&dir, Durability::Request);
    let (staging, key) = names();
    write(&store, &staging, 0, b"bytes");
    let short = block_on(store.publish(&Publication::new(staging.clone(), key.clone(), 6))).unwrap_err();
    assert_eq!(short.kind, StoreErrorKind::Corrupt);
    assert_eq!(block_on(store.length(&key)).unwrap(), None);
    block_on(store.publish(&Publication::new(staging, key, 5))).unwrap();
}

#[test]
fn places_far_apart_cost_only_their_bytes_and_publishing_gives_them_back() {
    let dir = Scratch::new("disk");
    let store = open(&dir, Durability::Request);
    let (staging, key) = names();
    let far = (1 << 40) + 123;
    block_on(store.stage(&staging, Some(3 << 20))).unwrap();
    write(&store, &staging, far, b"beyond");
    write(&store, &staging, 1 << 20, b"inside");
    block_on(store.mover().unwrap().move_within(&staging, far, (1 << 20) + 6, 6, permit())).unwrap();
    block_on(store.sync(&staging)).unwrap();
    let file = dir.path().join(staging.as_str());
    // One step of reservation, and no more than a few blocks.
    assert!(file.metadata().unwrap().blocks() * 512 <= (1 << 20) + 65536);
    block_on(store.publish(&Publication::new(staging, key.clone(), (1 << 20) + 12))).unwrap();
    assert!(!file.exists());
    let object = dir.path().join(key.as_str()).metadata().unwrap();
    assert_eq!(object.len(), (1 << 20) + 12);
    assert!(object.blocks() * 512 <= 65536, "reserved space was kept");
    let read = block_on(store.read(&key, (1 << 20) - 2..(1 << 20) + 12)).unwrap();
    assert_eq!(read, &b"\0\0insidebeyond"[..]);
}

#[test]
fn foreign_files_are_left_alone() {
    let dir = Scratch::new("disk");
    let mine = ["notes.txt", "s/notes.txt", "s/00490000/notes.txt", "o/00490000/.hidden", "o/old/00490000"];
    for name in mine {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, name).unwrap();
    }
    let store = open(&dir, Durability::Request);
    let (staging, key) = names();
    write(&store, &staging, 0, b"x");
    block_on(store.publish(&Publication::new(staging, key.clone(), 1))).unwrap();
    assert_eq!(list(&store, Hour::new(500_000), 1), [Listed::Object(key.clone())]);
    block_on(store.delete(&key)).unwrap();
    assert_eq!(list(&store, Hour::new(500_000), 1), []);
    for name in mine {
        assert_eq!(std::fs::read_to_string(dir.path().join(name)).unwrap(), name);
    }
}

#[test]
fn empty_hours_go_with_a_listing_and_come_back_with_a_name() {
    let dir = Scratch::new("disk");
    let store = open(&dir, Durability::Request);
    let (staging, key) = names();
    let hour = dir.path().join(key.as_str()).parent().unwrap().to_owned();
    for round in 0..3 {
        write(&store, &staging, 0, b"x");
        block_on(store.publish(&Publication::new(staging.clone(), key.clone(), 1))).unwrap();
        assert!(hour.exists(), "round {round}");
        block_on(store.delete(&key)).unwrap();
        // Not the hour itself, into which somebody may be writing.
        list(&store, HOUR, 10);
        assert!(hour.exists());
        list(&store, Hour::new(490_001), 10);
        assert!(!hour.exists());
    }
}

#[test]
fn listings_are_in_order_by_page_and_end_with_the_hour() {
    let dir = Scratch::new("disk");
    let store = open(&dir, Durability::Request);
    let (mut objects, mut staged) = (Vec::new(), Vec::new());
    for i in 0..40 {
        let (staging, key) = names_of(Hour::new(489_998 + i % 4));
        write(&store, &staging, 0, b"x");
        match i % 8 {
            0..4 => {
                block_on(store.publish(&Publication::new(staging, key.clone(), 1))).unwrap();
                objects.push(Listed::Object(key));
            }
            // Named on the disk, and without a name.
            4 | 5 => {
                block_on(store.sync(&staging)).unwrap();
                staged.push(Listed::Staged(staging));
            }
            _ => staged.push(Listed::Staged(staging)),
        }
    }
    let name = |listed: &Listed| match listed {
        Listed::Object(key) => (key.to_string(), key.hour()),
        Listed::Staged(name) => (name.to_string(), name.hour()),
        other => panic!("{other:?}"),
    };
    let mut all: Vec<_> = objects.into_iter().chain(staged).collect();
    all.sort_by_key(|listed| name(listed).0);
    for hour in 489_997..=490_002 {
        let until = Hour::new(hour);
        let expected: Vec<_> = all.iter().filter(|listed| name(listed).1 <= until).cloned().collect();
        for limit in [1, 3, 7, 1000] {
            assert_eq!(list(&store, until, limit), expected, "until {until}, pages of {limit}");
        }
    }
}

#[test]
fn files_are_closed_and_found_again() {
    let dir = Scratch::new("disk");
    let mut settings = DiskSettings::new(Durability::Request);
    settings.open_files = 4;
    let store = DiskBlobs::open(dir.path(), settings).unwrap();
    let open_files = || {
        let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        files.filter(|f| f.path().read_link().is_ok_and(|to| to.starts_with(dir.path().join("s")))).count()
    };
    let all: Vec<_> = (0..100).map(|_| names()).collect();
    for round in 0..3 {
        for (staging, _) in &all {
            write(&store, staging, round * 3, b"abc");
        }
        // The limit, the directories `s` and that of the hour.
        assert!(open_files() <= 4 + 2, "{} files are open", open_files());
    }
    for (staging, key) in all {
        block_on(store.publish(&Publication::new(staging, key.clone(), 9))).unwrap();
        assert_eq!(block_on(store.read(&key, 0..9)).unwrap(), "abcabcabc");
    }
}

/// The pool has one thread and a job of ours holds it: an earlier permit's end.
#[test]
fn a_permit_is_out_until_the_write_has_ended_also_when_its_future_was_dropped() {
    let dir = Scratch::new("disk");
    let mut settings = DiskSettings::new(Durability::Request);
    settings.writers = 1;
    let store = DiskBlobs::open(dir.path(), settings).unwrap();
    let ((first, _), (second, key)) = (names(), names());
    let (held, holds) = mpsc::channel::<()>();
    let (release, released) = mpsc::channel::<()>();
    let caller = std::thread::current().id();
    let blocking = Permit::new(move || {
        held.send(()).unwrap();
        // Dropped by the caller it must not hold up the test, which then sees the watched one dropped too.
        if std::thread::current().id() != caller {
            let _ = released.recv();
        }
    });
    let ended = Arc::new(AtomicBool::new(false));
    let (done, is_done) = mpsc::channel();
    let seen = Arc::clone(&ended);
    let watched = Permit::new(move || {
        seen.store(true, Ordering::SeqCst);
        done.send(()).unwrap();
    });
    let mut context = Context::from_waker(Waker::noop());
    let bytes = |b: &'static [u8]| vec![Bytes::from_static(b)];
    assert!(store.write(&first, 0, bytes(b"1"), blocking).as_mut().poll(&mut context).is_pending());
    holds.recv().unwrap();
    assert!(store.write(&second, 0, bytes(b"late"), watched).as_mut().poll(&mut context).is_pending());
    // Both futures are dropped by now.
    assert!(!ended.load(Ordering::SeqCst), "the permit was dropped while the write was still to come");
    let _ = release.send(());
    is_done.recv().unwrap();
    block_on(store.publish(&Publication::new(second, key.clone(), 4))).unwrap();
    assert_eq!(block_on(store.read(&key, 0..4)).unwrap(), "late");
}

#[test]
fn a_permit_is_out_until_the_bytes_are_in_the_file() {
    let dir = Scratch::new("disk");
    let store = open(&dir, Durability::Request);
    let (staging, _) = names();
    write(&store, &staging, 0, b"before");
    block_on(store.sync(&staging)).unwrap();
    let (seen, sees) = mpsc::channel();
    let file = dir.path().join(staging.as_str());
    let looks = || {
        let (seen, file) = (seen.clone(), file.clone());
        Permit::new(move || seen.send(std::fs::read(file).unwrap()).unwrap())
    };
    block_on(store.write(&staging, 0, vec![Bytes::from_static(b"after!")], looks())).unwrap();
    assert_eq!(sees.recv().unwrap(), b"after!");
    block_on(store.mover().unwrap().move_within(&staging, 0, 6, 6, looks())).unwrap();
    assert_eq!(sees.recv().unwrap()[6..], *b"after!");
}

const KILLED: &str = "UPLOAD_TEST_DISK_KILLED";

/// Not a test of its own: stages, syncs and publishes until the next test kills it.
#[test]
fn child_that_works_until_it_is_killed() {
    let Ok(path) = std::env::var(KILLED) else { return };
    let (durability, path) = path.split_once(':').unwrap();
    let durability = if durability == "request" { Durability::Request } else { Durability::None };
    let store = DiskBlobs::open(path, DiskSettings::new(durability)).unwrap();
    let mut out = std::io::stdout();
    loop {
        let ((staged, _), (published, key)) = (names(), names());
        write(&store, &staged, 3, b"staged");
        block_on(store.sync(&staged)).unwrap();
        writeln!(out, "ACK {staged} END").unwrap();
        write(&store, &published, 0, b"published");
        block_on(store.publish(&Publication::new(published, key.clone(), 9))).unwrap();
        writeln!(out, "ACK {key} END").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn what_was_synced_or_published_survives_kill_9() {
    for (durability, name) in [(Durability::Request, "request"), (Durability::None, "none")] {
        let dir = Scratch::new("disk");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child_that_works_until_it_is_killed", "--exact", "--nocapture"])
            .env(KILLED, format!("{name}:{}", dir.path().display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut names = lines.filter_map(|l| Some(l.split_once("ACK ")?.1.strip_suffix(" END")?.to_owned()));
        let mut acknowledged: Vec<_> = names.by_ref().take(200).collect();
        child.kill().unwrap();
        acknowledged.extend(names);
        child.wait().unwrap();
        assert!(acknowledged.len() >= 200, "{name}: the child ended by itself");
        let store = open(&dir, durability);
        for name in acknowledged {
            let bytes = match (StagingName::parse(&name), ObjectKey::parse(&name)) {
                (Some(staging), _) => block_on(store.read_staged(&staging, 3..9)).unwrap(),
                (_, Some(key)) => block_on(store.read(&key, 0..9)).unwrap(),
                _ => panic!("{name}"),
            };
            assert!(bytes == "staged" || bytes == "published");
        }
    }
}

const CHILD: &str = "UPLOAD_TEST_DISK_CHILD";

/// Not a test of its own: runs under a limit on the size of files, which stands for a full disk.
#[test]
fn child_with_a_limit() {
    let Ok(path) = std::env::var(CHILD) else { return };
    let store = DiskBlobs::open(path, DiskSettings::default()).unwrap();
    let (staging, key) = names();
    let mib = Bytes::from(vec![7u8; 1 << 20]);
    block_on(store.write(&staging, 0, vec![mib.clone()], permit())).unwrap();
    let full = block_on(store.write(&staging, 1 << 20, vec![mib; 2], permit())).unwrap_err();
    assert_eq!(full.kind, StoreErrorKind::Full, "{full}");
    block_on(store.publish(&Publication::new(staging, key.clone(), 1 << 20))).unwrap();
    assert_eq!(block_on(store.length(&key)).unwrap(), Some(1 << 20));
}

#[test]
fn a_full_disk_is_said_to_be_full_and_costs_only_that_write() {
    let dir = Scratch::new("disk");
    let script = r#"trap '' XFSZ; ulimit -f 4096; exec "$0" child_with_a_limit --exact"#;
    let mut child = Command::new("sh");
    child.args(["-c", script]).arg(std::env::current_exe().unwrap()).env(CHILD, dir.path());
    let output = child.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

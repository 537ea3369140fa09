//! tus over connections that break, with the real server: no acknowledged byte is lost, and next to nothing is sent twice.
//!
//! Seeded. 40 faults and 8 kills by default; more with
//! `CUTS=1000 KILLS=100 cargo test --release -p upload-examples --test live_tus`, another course of events with `SEED=…`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::fs::Metadata;
use std::sync::Barrier;
use std::thread;

use support::fault_proxy::{Fault, FaultProxy, Side};
use support::http::{Answer, request};
use support::server::Server;
use support::tus::{CONFIG, Tus, offset_of};
use support::{Chance, TempDir, from_env};

const MIB: usize = 1 << 20;
/// What the server may have read and not kept when a connection breaks.
const LOST: usize = 256 << 10;
/// The same when it is killed: a checkpoint's window, and what is read ahead.
const WINDOW: usize = 8 * MIB + LOST;
const SEED: u64 = 20_261_122;

fn serve(dir: &TempDir) -> Server {
    let config = dir.file("config.toml", CONFIG);
    Server::start(&dir.path().join("data"), &["--config", config.to_str().unwrap()])
}

/// An upload that meets with faults, and how far it is.
struct Trial<'a> {
    server: Tus,
    proxy: &'a FaultProxy,
    path: String,
    bytes: &'a [u8],
    offset: usize,
    /// Connections that went through the proxy.
    connections: usize,
    lost: usize,
}

impl Trial<'_> {
    /// Sends `count` more bytes of a request for all that is left, and the connection ends so; how much it has then.
    fn broken(&mut self, count: usize, fault: impl Fn(Side, u64) -> Fault) {
        let through = Tus::at(&self.proxy.address);
        let head = through.patch_head(&self.path, self.offset, self.bytes.len() - self.offset);
        self.proxy.next(fault(Side::Up, (head.len() + count) as u64));
        let mut connection = through.open();
        connection.send(head.as_bytes()).unwrap();
        // Some may not be taken any more.
        let _ = connection.send(&self.bytes[self.offset..self.offset + count]);
        let _ = connection.answer("PATCH");
        drop(connection);
        let n = self.connections;
        let passed = self.proxy.wait(n, |one| one.ended);
        assert_eq!(passed.up, (head.len() + count) as u64);
        let read = (self.offset + count).saturating_sub(usize::try_from(passed.undelivered).unwrap());
        self.look(read.saturating_sub(LOST), self.offset + count);
        self.lost += read.saturating_sub(self.offset);
    }

    /// Sends `count` more bytes in a request of their own, whose connection does this; its answer, if that came.
    fn whole(&mut self, count: usize, fault: Fault) -> Option<Answer> {
        self.proxy.next(fault);
        let end = self.offset + count;
        let answer =
            Tus::at(&self.proxy.address).patch(&self.path, self.offset, &self.bytes[self.offset..end]);
        if fault == Fault::Duplicate {
            // The one that is not heard may come second.
            self.proxy.wait(self.connections, |one| one.ended);
        }
        let stored = match (&answer, fault) {
            (Ok(answer), _) if answer.status == 204 => offset_of(answer),
            // Of two that came at once the other may have won.
            (Ok(answer), Fault::Duplicate) if answer.status == 409 => self.offset,
            (Ok(answer), _) => panic!("{fault:?}: {answer:?}"),
            // The answer had begun.
            (Err(_), _) => end,
        };
        self.look(stored, end);
        answer.ok()
    }

    /// Asks how far it is: no less than was acknowledged.
    fn look(&mut self, least: usize, most: usize) {
        let offset = self.server.offset(&self.path);
        assert!((least.max(self.offset)..=most).contains(&offset), "{offset} of {least}..={most}");
        self.offset = offset;
        self.connections += 1;
    }
}

#[test]
fn faults_lose_nothing_that_was_acknowledged_and_little_that_was_read() {
    let (cuts, mut chance) = (from_env("CUTS", 40), Chance::new(from_env("SEED", SEED)));
    let dir = TempDir::new();
    let server = serve(&dir);
    let proxy = FaultProxy::start(&server.address);
    let bytes = chance.bytes(64 * MIB);
    let tus = Tus::of(&server);
    let path = tus.create(bytes.len());
    let mut trial =
        Trial { server: tus, proxy: &proxy, path, bytes: &bytes, offset: 0, connections: 0, lost: 0 };
    for left in (1..=cuts).rev() {
        // So that faults and bytes come to their end together.
        let most = 2 * (bytes.len() - trial.offset) as u64 / (left + 1);
        let count = usize::try_from(chance.below(most.max(1))).unwrap();
        match chance.below(8) {
            0 | 1 => trial.broken(count, Fault::Cut),
            2 | 3 => trial.broken(count, Fault::Reset),
            4 => trial.broken(count, Fault::HalfClose),
            5 => {
                let at = 1 + chance.below(60);
                assert!(trial.whole(count, Fault::Cut(Side::Down, at)).is_none());
            }
            6 => assert!(trial.whole(count.min(64 << 10), Fault::Trickle(61)).is_some()),
            _ => assert!(trial.whole(count, Fault::Duplicate).is_some()),
        }
    }
    trial.server.append(&trial.path, trial.offset, &bytes[trial.offset..]);
    trial.server.expect(&trial.path, &bytes);
    println!("{cuts} faults; of what the server had read, {} bytes were sent again", trial.lost);
    server.stop();
}

/// Kills the server while it reads a body; the upload and what was acknowledged are there when it runs again.
#[test]
fn a_kill_costs_no_more_than_a_checkpoint() {
    let (kills, mut chance) = (from_env("KILLS", 8), Chance::new(from_env("SEED", SEED)));
    let dir = TempDir::new();
    let bytes = chance.bytes(48 * MIB);
    let mut server = serve(&dir);
    let (mut path, mut offset) = (Tus::of(&server).create(bytes.len()), 0);
    for _ in 0..kills {
        let tus = Tus::of(&server);
        if bytes.len() - offset < 2 * MIB {
            tus.append(&path, offset, &bytes[offset..]);
            tus.expect(&path, &bytes);
            (path, offset) = (tus.create(bytes.len()), 0);
        }
        let acknowledged = chance.below(MIB as u64) as usize;
        tus.append(&path, offset, &bytes[offset..offset + acknowledged]);
        offset += acknowledged;

        let left = bytes.len() - offset;
        let count = chance.below(left as u64) as usize;
        let mut connection = tus.open();
        connection.send(tus.patch_head(&path, offset, left).as_bytes()).unwrap();
        connection.send(&bytes[offset..offset + count]).unwrap();
        let undelivered = usize::try_from(connection.undelivered()).unwrap();
        server.kill();
        server = serve(&dir);
        let kept = Tus::of(&server).offset(&path);
        let least = (offset + count).saturating_sub(undelivered + WINDOW).max(offset);
        assert!((least..=offset + count).contains(&kept), "{kept} of {least}..={}", offset + count);
        offset = kept;
    }
    let tus = Tus::of(&server);
    tus.append(&path, offset, &bytes[offset..]);
    tus.expect(&path, &bytes);
    server.stop();
}

/// No clock is in it: a server that waited for the stalled connection would wait for ever.
#[test]
fn a_stalled_writer_is_overtaken_by_whoever_comes_back() {
    let dir = TempDir::new();
    let server = serve(&dir);
    let proxy = FaultProxy::start(&server.address);
    let bytes = Chance::new(1).bytes(8 * MIB);
    let tus = Tus::of(&server);
    let path = tus.create(bytes.len());
    let stalled_at = 3 * MIB + 17;
    let head = tus.patch_head(&path, 0, bytes.len());
    proxy.next(Fault::Stall(Side::Up, (head.len() + stalled_at) as u64));
    let mut stalled = Tus::at(&proxy.address).open();
    stalled.send(head.as_bytes()).unwrap();
    stalled.send(&bytes[..stalled_at]).unwrap();
    proxy.wait(0, |one| one.stalled);

    // What a proxy has passed on need not have begun: who asks before that is told 0, and is overtaken itself.
    let offset = loop {
        match tus.offset(&path) {
            0 => {}
            offset => break offset,
        }
    };
    assert!(offset <= stalled_at, "{offset}");
    tus.append(&path, offset, &bytes[offset..6 * MIB]);
    // Without asking first, too: another one stalls, and the same request comes again.
    let head = tus.patch_head(&path, 6 * MIB, 2 * MIB);
    proxy.next(Fault::Stall(Side::Up, (head.len() + MIB) as u64));
    let mut second = Tus::at(&proxy.address).open();
    second.send(head.as_bytes()).unwrap();
    second.send(&bytes[6 * MIB..7 * MIB]).unwrap();
    proxy.wait(1, |one| one.stalled);
    while tus.patch(&path, 6 * MIB, &bytes[6 * MIB..]).unwrap().status == 409 {}
    tus.expect(&path, &bytes);
    assert!(proxy.connections().iter().all(|one| one.stalled && !one.ended), "they hang all the while");

    // Who was overtaken is told so, should it ever send the rest.
    proxy.release();
    for (mut connection, rest) in [(stalled, &bytes[stalled_at..]), (second, &bytes[7 * MIB..])] {
        let _ = connection.send(rest);
        if let Ok(answer) = connection.answer("PATCH") {
            assert_eq!(answer.status, 409, "{}", answer.text());
        }
    }
    tus.expect(&path, &bytes);
    server.stop();
}

#[test]
fn of_sixteen_equal_patches_the_bytes_are_stored_once() {
    let dir = TempDir::new();
    let server = serve(&dir);
    let tus = Tus::of(&server);
    let bytes = Chance::new(2).bytes(12 * MIB);
    let path = tus.create(bytes.len());
    for part in bytes.chunks(4 * MIB) {
        let offset = tus.offset(&path);
        let together = Barrier::new(16);
        let statuses: Vec<_> = thread::scope(|scope| {
            let patch = || {
                together.wait();
                tus.patch(&path, offset, part).unwrap().status
            };
            let all: Vec<_> = (0..16).map(|_| scope.spawn(patch)).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(
            statuses.contains(&204) && statuses.iter().all(|one| matches!(one, 204 | 409)),
            "{statuses:?}"
        );
        assert_eq!(tus.offset(&path), offset + part.len());
    }
    tus.expect(&path, &bytes);
    assert_eq!(dir.stored("data/blobs/o", Metadata::len), bytes.len() as u64, "bytes on disk");
    server.stop();
}

#[test]
fn the_page_is_there_where_tus_is() {
    let get = |server: &Server, path| request(&server.address, "GET", path, &[], b"").unwrap();
    let dir = TempDir::new();
    let server = serve(&dir);
    for (path, kind) in [("/", "text/html; charset=utf-8"), ("/bundle.js", "text/javascript; charset=utf-8")]
    {
        let answer = get(&server, path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    server.stop();
    let config = dir.file("other.toml", "[destinations.other]\nmax_length = 1\n");
    let server = Server::start(&dir.path().join("data"), &["--config", config.to_str().unwrap()]);
    assert_eq!([get(&server, "/").status, get(&server, "/bundle.js").status], [404, 404]);
    server.stop();
}

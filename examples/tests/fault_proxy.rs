//! The proxy that does harm does exactly the harm that it is told to do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use support::Chance;
use support::fault_proxy::{Fault, FaultProxy, Side};

/// A guard: what never comes is a failure, not a test that never ends.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server without behaviour of its own, and the proxy before it.
struct World {
    server: TcpListener,
    proxy: FaultProxy,
}

impl World {
    fn new() -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = FaultProxy::start(&server.local_addr().unwrap().to_string());
        Self { server, proxy }
    }

    /// Both ends of a connection with this fault.
    fn connect(&self, fault: impl Into<Option<Fault>>) -> (TcpStream, TcpStream) {
        self.proxy.next(fault);
        let client = TcpStream::connect(&self.proxy.address).unwrap();
        let server = self.server.accept().unwrap().0;
        for end in [&client, &server] {
            end.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        (client, server)
    }
}

/// Exactly so many bytes that come.
fn take(from: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    from.read_exact(&mut bytes).unwrap();
    bytes
}

/// All that still comes before the end, which is one.
fn rest(from: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    from.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn without_a_plan_bytes_and_ends_pass_and_are_counted() {
    let world = World::new();
    let (mut client, mut server) = world.connect(None);
    let bytes = Chance::new(1).bytes(300_000);
    client.write_all(&bytes[..200_000]).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut server), bytes[..200_000]);
    server.write_all(&bytes[200_000..]).unwrap();
    drop(server);
    assert_eq!(rest(&mut client), bytes[200_000..]);
    let seen = world.proxy.wait(0, |one| one.ended);
    assert_eq!((seen.up, seen.down, seen.again, seen.stalled), (200_000, 100_000, 0, false));
}

#[test]
fn a_cut_is_at_its_byte_and_both_see_an_end() {
    let world = World::new();
    for at in [0, 1, 70_000] {
        let (mut client, mut server) = world.connect(Fault::Cut(Side::Up, at));
        client.write_all(&vec![7; usize::try_from(at).unwrap()]).unwrap();
        assert_eq!(rest(&mut server).len() as u64, at);
        assert!(rest(&mut client).is_empty());
    }
    let (mut client, mut server) = world.connect(Fault::Cut(Side::Down, 5));
    server.write_all(b"answer").unwrap();
    assert_eq!(rest(&mut client), b"answe");
    world.proxy.wait(3, |one| one.ended);
    let seen = world.proxy.connections();
    assert_eq!(
        seen.iter().map(|one| (one.up, one.down)).collect::<Vec<_>>(),
        [(0, 0), (1, 0), (70_000, 0), (0, 5)]
    );
}

#[test]
fn a_reset_is_one_for_both() {
    let world = World::new();
    let (mut client, mut server) = world.connect(Fault::Reset(Side::Up, 10));
    client.write_all(&[7; 10]).unwrap();
    for end in [&mut client, &mut server] {
        assert_eq!(end.read_to_end(&mut Vec::new()).unwrap_err().kind(), ErrorKind::ConnectionReset);
    }
}

#[test]
fn half_closed_the_other_direction_goes_on() {
    let world = World::new();
    let (mut client, mut server) = world.connect(Fault::HalfClose(Side::Up, 10));
    // More than any buffer takes: what is dropped is read all the same.
    client.write_all(&vec![7; 20 << 20]).unwrap();
    assert_eq!(rest(&mut server), [7; 10]);
    server.write_all(b"an answer all the same").unwrap();
    drop(server);
    assert_eq!(take(&mut client, 22), b"an answer all the same");
}

#[test]
fn what_is_stalled_stays_so_until_it_is_released() {
    let world = World::new();
    let (mut client, mut server) = world.connect(Fault::Stall(Side::Up, 10));
    client.write_all(b"before, and behind").unwrap();
    let seen = world.proxy.wait(0, |one| one.stalled);
    assert_eq!((seen.up, seen.ended), (10, false));
    // The other direction passes meanwhile.
    server.write_all(b"hello").unwrap();
    assert_eq!(take(&mut client, 5), b"hello");
    assert_eq!(world.proxy.connections()[0].up, 10);
    world.proxy.release();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut server), b"before, and behind");
    assert!(!world.proxy.connections()[0].stalled);
}

#[test]
fn a_trickle_comes_in_small_writes() {
    let world = World::new();
    let (mut client, mut server) = world.connect(Fault::Trickle(3));
    client.write_all(&[7; 1000]).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(&mut server), [7; 1000]);
    let seen = world.proxy.connections()[0];
    assert!(seen.writes >= 334, "{seen:?}");
}

#[test]
fn what_is_duplicated_comes_twice_and_one_is_heard() {
    let world = World::new();
    let (mut client, mut first) = world.connect(Fault::Duplicate);
    let mut second = world.server.accept().unwrap().0;
    client.write_all(b"a request").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!((rest(&mut first), rest(&mut second)), (b"a request".to_vec(), b"a request".to_vec()));
    second.write_all(b"unheard").unwrap();
    first.write_all(b"heard").unwrap();
    drop((first, second));
    assert_eq!(rest(&mut client), b"heard");
    let seen = world.proxy.wait(0, |one| one.ended);
    assert_eq!((seen.up, seen.again, seen.down), (9, 9, 5));
}

#[test]
fn what_the_server_has_not_read_is_told() {
    let world = World::new();
    let (mut client, server) = world.connect(Fault::Cut(Side::Up, 5000));
    client.write_all(&[7; 5000]).unwrap();
    let seen = world.proxy.wait(0, |one| one.ended);
    assert!(seen.undelivered >= 5000, "{seen:?}");
    drop(server);

    let (mut client, mut server) = world.connect(Fault::Cut(Side::Down, 4));
    client.write_all(&[7; 5000]).unwrap();
    take(&mut server, 5000);
    server.write_all(b"read").unwrap();
    let seen = world.proxy.wait(1, |one| one.ended);
    assert_eq!((seen.up, seen.undelivered), (5000, 0));
}

#[test]
fn a_server_that_was_started_again_is_found() {
    let world = World::new();
    let other = World::new();
    world.proxy.redirect(&other.server.local_addr().unwrap().to_string());
    let mut client = TcpStream::connect(&world.proxy.address).unwrap();
    client.write_all(b"x").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    // It passes the byte on, and not to the one that is gone.
    world.proxy.wait(0, |one| one.up == 1);
    world.server.set_nonblocking(true).unwrap();
    assert_eq!(world.server.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(rest(&mut other.server.accept().unwrap().0), b"x");
}

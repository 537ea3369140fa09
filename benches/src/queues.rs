//! What the kernel holds between two sockets of this machine: it is neither with the one who sent it nor with the one who is to
//! read it.
//!
//! ```text
//!   write() ──> queue to send ──> queue to read ──> read()
//!                  `unsent`          `unread`
//! ```
//! Both are in `/proc/net/tcp`. What was sent and not acknowledged yet counts as unsent, so on its way it may count twice.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
};

/// Bytes that are held, from one socket to another.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Held {
    /// Not known to have arrived.
    pub unsent: u64,
    /// Arrived and not read.
    pub unread: u64,
}

/// What is held of what `from` sends to `to`, both of IPv4.
pub fn held(from: SocketAddr, to: SocketAddr) -> Held {
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel's table of connections");
    of(&table, from, to)
}

fn of(table: &str, from: SocketAddr, to: SocketAddr) -> Held {
    let (from, to) = (written(from), written(to));
    let mut held = Held::default();
    for line in table.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, _, queues, ..] = words[..] else { continue };
        let Some((sends, reads)) = queues.split_once(':') else { continue };
        if local == from && remote == to {
            held.unsent = u64::from_str_radix(sends, 16).unwrap();
        } else if local == to && remote == from {
            held.unread = u64::from_str_radix(reads, 16).unwrap();
        }
    }
    held
}

/// As the table has it: the address as the machine keeps it, the port as it is read.
fn written(address: SocketAddr) -> String {
    let IpAddr::V4(ip) = address.ip() else { panic!("an address of IPv4, not {address}") };
    format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    #[test]
    fn a_connection_holds_what_nobody_has_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut reader = listener.accept().unwrap().0;
        let (from, to) = (sender.local_addr().unwrap(), sender.peer_addr().unwrap());
        assert_eq!(held(from, to), Held::default());
        sender.write_all(&[7; 1000]).unwrap();
        // Once one byte is here, all are.
        reader.read_exact(&mut [0; 1]).unwrap();
        assert_eq!(held(from, to).unread, 999);
        reader.read_exact(&mut [0; 999]).unwrap();
        assert_eq!((held(from, to).unread, held(to, from)), (0, Held::default()));
    }

    #[test]
    fn the_queues_are_those_of_the_two() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when\n\
                        0: 0100007F:1F90 0100007F:0050 01 00000005:00000010 00:00000000\n\
                        1: 0100007F:0050 0100007F:1F90 01 000000FF:00000003 00:00000000\n";
        let [from, to] = ["127.0.0.1:80", "127.0.0.1:8080"].map(|address| address.parse().unwrap());
        let ends = u32::from_ne_bytes([127, 0, 0, 1]) == 0x0100_007F;
        assert!(!ends || of(table, from, to) == Held { unsent: 255, unread: 16 });
    }
}

//! What the kernel holds of a connection on this machine.

use std::net::{IpAddr, SocketAddr};

/// Bytes that were written to `near` and have not been read at `far`, at most: those not yet acknowledged there, and those that
/// wait there to be read.
pub fn undelivered(near: SocketAddr, far: SocketAddr) -> u64 {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let (near, far) = (hex(near), hex(far));
    let rows = table.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let queues = rows.filter_map(|row| {
        let (sent, received) = row[4].split_once(':').unwrap();
        match (row[1], row[2]) {
            (local, remote) if local == near && remote == far => Some(sent.to_owned()),
            (local, remote) if local == far && remote == near => Some(received.to_owned()),
            _ => None,
        }
    });
    queues.map(|queue| u64::from_str_radix(&queue, 16).unwrap()).sum()
}

/// An address as the kernel's table has it.
fn hex(address: SocketAddr) -> String {
    let IpAddr::V4(ip) = address.ip() else { panic!("{address} is not in the table of IPv4") };
    format!("{:08X}:{:04X}", u32::from_ne_bytes(ip.octets()), address.port())
}

//! Starting a server.

use std::{path::Path, process::Command};

use upload_benches::server::{Server, upload_server};

use crate::rows::Peer;

/// Starts the peer in a fresh directory.
pub(crate) fn start(bin: &Path, peer: Peer) -> Server {
    Server::start(|folder| match peer {
        Peer::OursNone | Peer::OursRequest => {
            let mut command = upload_server(bin, folder, "");
            command.args(["--durability", if peer == Peer::OursNone { "none" } else { "request" }]);
            command
        }
        Peer::Bare | Peer::BareDurable => {
            let mut command = Command::new(bin.join("bare-server"));
            command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.join("d"));
            command.args((peer == Peer::BareDurable).then_some("--durable"));
            command
        }
    })
}

//! Who is measured, and starting them.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use upload_benches::{
    client::Client,
    content::Content,
    node::{Keeps, Node},
    resume::{self, Patient},
    server::{Server, upload_server},
};

pub(crate) const MIB: u64 = 1 << 20;
/// How long a server may neither listen nor end.
const PATIENCE: Duration = Duration::from_secs(10);
/// One PATCH.
pub(crate) const WHOLE: u64 = u64::MAX;

/// A server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    /// upload-server.
    Ours { durable: bool, digest: bool },
    /// `@tus/server`.
    Node,
}

pub(crate) const REQUEST: Peer = Peer::Ours { durable: true, digest: true };
pub(crate) const NONE: Peer = Peer::Ours { durable: false, digest: true };
/// It does what `@tus/server` does, and no more.
pub(crate) const PLAIN: Peer = Peer::Ours { durable: false, digest: false };

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            REQUEST => "upload-server, `request`",
            NONE => "upload-server, `none`",
            Self::Ours { durable: true, .. } => "upload-server, `request`, no SHA-256",
            Self::Ours { durable: false, .. } => "upload-server, `none`, no SHA-256",
            Self::Node => "@tus/server",
        }
    }
}

/// What all measurements use.
pub(crate) struct Bench {
    bin: PathBuf,
    /// Or why it is not here.
    pub(crate) node: Result<Node, String>,
    pub(crate) content: Content,
    pub(crate) quick: bool,
    /// Whether what is composed is large.
    pub(crate) large: bool,
}

impl Bench {
    pub(crate) fn new(quick: bool, large: bool) -> Self {
        let exe = std::env::current_exe().unwrap();
        let bin = exe.parent().unwrap().to_owned();
        let folder = bin.parent().unwrap_or(&bin).join("benches/tus");
        let node = Node::install(folder, Keeps::Files);
        Self { bin, node, content: Content::default(), quick, large }
    }

    /// Those of them that are here.
    pub(crate) fn here(&self, peers: &[Peer]) -> Vec<Peer> {
        peers.iter().copied().filter(|peer| self.node.is_ok() || *peer != Peer::Node).collect()
    }

    /// So many bytes, or an eighth of them.
    pub(crate) fn bytes(&self, bytes: u64) -> u64 {
        if self.quick { bytes / 8 } else { bytes }
    }

    /// How often each fault is met.
    pub(crate) fn times(&self) -> usize {
        if self.quick { 5 } else { 20 }
    }

    /// Starts it in a fresh directory. It has had an upload: the first one is like no other.
    pub(crate) fn start(&self, peer: Peer) -> Running<'_> {
        let server = Server::start(|folder| self.command(peer, folder));
        resume::upload(server.address, &self.content, 64 << 10, WHOLE);
        Running { bench: self, peer, server, ended: 0 }
    }

    fn command(&self, peer: Peer, folder: &Path) -> Command {
        let Peer::Ours { durable, digest } = peer else {
            return self.node.as_ref().expect("only where Node is").command(folder);
        };
        let digests = if digest { "[\"sha256\"]" } else { "[]" };
        let more = format!("\n[destinations.tus]\nmax_length = {}\ndigests = {digests}\n", 100u64 << 30);
        let mut command = upload_server(&self.bin, folder, &more);
        command.args(["--open-tus", "--durability", if durable { "request" } else { "none" }]);
        command
    }
}

/// A server that runs, and is started again if it has ended.
pub(crate) struct Running<'a> {
    bench: &'a Bench,
    peer: Peer,
    pub(crate) server: Server,
    /// How often it has ended by itself.
    pub(crate) ended: usize,
}

impl Running<'_> {
    /// Kills it and starts it again over what it has left.
    pub(crate) fn kill(&mut self) {
        self.server.restart(|folder| self.bench.command(self.peer, folder));
    }

    /// A client that outlives the server.
    pub(crate) fn client(&mut self) -> Patient<impl FnMut() -> Client> {
        Patient::new(|| self.connect())
    }

    fn connect(&mut self) -> Client {
        let start = Instant::now();
        loop {
            match Client::try_connect(self.server.address) {
                Ok(client) => return client,
                Err(_) if self.server.process.has_ended() => {
                    self.ended += 1;
                    self.kill();
                }
                // It is about to end.
                Err(e) => assert!(start.elapsed() < PATIENCE, "the server runs and does not listen: {e}"),
            }
        }
    }
}

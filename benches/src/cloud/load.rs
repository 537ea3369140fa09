//! One run: a peer, fresh, over a fresh bucket, and what it cost.

use std::{
    io::Write as _,
    net::SocketAddr,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use upload_benches::{
    client::{Client, at_once},
    content::Content,
    node::Node,
    process::Process,
    resume,
    server::{Server, upload_server},
};

use crate::{
    bare,
    proxy::{Counts, Proxy},
    store::{Bucket, Store},
};

/// Who uploads, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    /// upload-server: chunks of so many bytes, over so many connections for each upload.
    Ours { chunk: u64, connections: usize, unsigned: bool },
    /// upload-server: a whole file in one form, of at most [`PERIOD`](upload_benches::content::PERIOD) bytes.
    Form,
    /// @tus/server: PATCHes of at most so many bytes.
    Tus { patch: u64 },
    /// object_store by itself: so many parts of each upload in flight.
    Bare { in_flight: usize, unsigned: bool },
}

impl Peer {
    fn unsigned(self) -> bool {
        matches!(self, Self::Ours { unsigned: true, .. } | Self::Bare { unsigned: true, .. })
    }
}

/// So many uploads at once of so many bytes each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    pub(crate) uploads: usize,
    pub(crate) length: u64,
}

/// What one run gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) gb_per_s: f64,
    /// Of the server, or of the bare process.
    pub(crate) cpu_per_gb: f64,
    /// Of SeaweedFS.
    pub(crate) store_per_gb: f64,
    pub(crate) peak_mib: f64,
}

/// What all runs use.
pub(crate) struct Bench<'a> {
    pub(crate) bin: &'a Path,
    pub(crate) store: &'a Store,
    pub(crate) node: Option<&'a Node>,
    pub(crate) content: &'a Content,
}

impl Bench<'_> {
    /// Whether this peer is here.
    pub(crate) fn has(&self, peer: Peer) -> bool {
        self.node.is_some() || !matches!(peer, Peer::Tus { .. })
    }

    /// Straight to the store.
    pub(crate) fn run(&self, peer: Peer, load: Load) -> Figures {
        self.measured(peer, load, self.store.address, || ())
    }

    /// Through the proxy; with what it counted while the load ran, beginning and finishing included.
    pub(crate) fn counted(&self, peer: Peer, load: Load, proxy: &Proxy) -> (Figures, Counts) {
        let figures = self.measured(peer, load, proxy.address, || drop(proxy.take()));
        (figures, proxy.take())
    }

    fn measured(&self, peer: Peer, load: Load, through: SocketAddr, begins: impl FnOnce()) -> Figures {
        let bucket = self.store.bucket();
        match peer {
            Peer::Ours { .. } | Peer::Form => {
                let server = Server::start(|folder| {
                    let mut command = upload_server(self.bin, folder, "");
                    bucket.choose(&mut command, through, peer.unsigned());
                    command.args(["--store", &format!("s3://{}", bucket.name)]);
                    command
                });
                // A tenant's first upload is like no other.
                Client::connect(server.address).single(&self.content.chunk(0, 64 << 10));
                let sha = self.content.sha(load.length);
                begins();
                self.timed(&server.process, load, || {
                    at_once(load.uploads, || match peer {
                        Peer::Ours { chunk, connections, .. } => {
                            self.chunks(server.address, load.length, chunk, connections, &sha);
                        }
                        _ => {
                            let file = self.content.chunk(0, load.length);
                            assert!(Client::connect(server.address).single(&file)["path"].is_string());
                        }
                    });
                })
            }
            Peer::Tus { patch } => {
                let node = self.node.expect("only where Node is");
                let server = Server::start(|folder| {
                    let mut command = node.command(folder);
                    bucket.choose(&mut command, through, false);
                    command
                });
                let upload = |length| resume::upload(server.address, self.content, length, patch);
                upload(64 << 10);
                begins();
                self.timed(&server.process, load, || at_once(load.uploads, || upload(load.length)))
            }
            Peer::Bare { in_flight, .. } => self.bare(&bucket, through, load, in_flight, peer, begins),
        }
    }

    fn bare(
        &self,
        bucket: &Bucket,
        through: SocketAddr,
        load: Load,
        in_flight: usize,
        peer: Peer,
        begins: impl FnOnce(),
    ) -> Figures {
        let mut command = bare::command(load.uploads, load.length, in_flight);
        bucket.choose(&mut command, through, peer.unsigned());
        let mut process = Process::start(&mut command);
        let mut orders = process.child.stdin.take().unwrap();
        assert_eq!(process.line(), "ready");
        begins();
        let before = self.before(&process);
        orders.write_all(b"\n").unwrap();
        assert_eq!(process.line(), "done");
        self.after(&process, load, before)
    }

    fn timed(&self, process: &Process, load: Load, what: impl FnOnce()) -> Figures {
        let before = self.before(process);
        what();
        self.after(process, load, before)
    }

    fn before(&self, process: &Process) -> (f64, f64, Instant) {
        (process.cpu(), self.store.cpu(), Instant::now())
    }

    fn after(&self, process: &Process, load: Load, (cpu, store, start): (f64, f64, Instant)) -> Figures {
        let seconds = start.elapsed().as_secs_f64();
        let gb = load.uploads as f64 * load.length as f64 / 1e9;
        Figures {
            gb_per_s: gb / seconds,
            cpu_per_gb: (process.cpu() - cpu) / gb,
            store_per_gb: (self.store.cpu() - store) / gb,
            peak_mib: process.peak_mib(),
        }
    }

    /// One upload in chunks; its connections take the next chunk whenever they have sent one.
    fn chunks(&self, address: SocketAddr, length: u64, chunk: u64, connections: usize, sha: &str) {
        let id = Client::connect(address).create(length, sha);
        let (next, total) = (AtomicU64::new(0), length.div_ceil(chunk));
        let completed = AtomicU64::new(0);
        at_once(connections, || {
            let mut client = Client::connect(address);
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= total {
                    return;
                }
                let bytes = self.content.chunk(n * chunk, chunk.min(length - n * chunk));
                let answer = client.chunk(&id, n, total, &bytes, None);
                completed.fetch_add(u64::from(answer["path"].is_string()), Ordering::Relaxed);
            }
        });
        // The server compared the digest before it said so; chunks that come in at the end together all hear of it.
        assert_ne!(completed.into_inner(), 0, "a chunk that completes it answers with its path");
    }
}

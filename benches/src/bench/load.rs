//! The loads, and what is read off a run.

use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

use upload_benches::{client::Client, figures::noise, server::Server};

use crate::{
    images::{Api, Image},
    signed,
};

pub(crate) struct Plan {
    kind: Kind,
    streams: usize,
    /// Random bytes that every chunk sends (a prefix of).
    data: Vec<u8>,
    length: u64,
    sha: String,
}

enum Kind {
    Chunked,
    Singles {
        count: usize,
    },
    /// Images that differ, by one of the APIs that take a whole file in a form.
    Images {
        count: usize,
        image: Image,
        api: Api,
    },
    Slow {
        pace: u64,
    },
    /// Parts by signed requests, with or without an MD5 that the server checks.
    Parts {
        digest: bool,
    },
    /// Signed requests that are asked for, each for one part.
    Grants {
        count: usize,
    },
    /// Records with a signed request each.
    Records {
        count: usize,
    },
}

/// What one run gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Result {
    pub(crate) seconds: f64,
    pub(crate) cpu: f64,
    pub(crate) bytes: u64,
    pub(crate) requests: usize,
    pub(crate) p99: Duration,
    /// The longest reply to the request that finished a stream.
    pub(crate) last: Duration,
    pub(crate) peak_mib: f64,
}

impl Result {
    pub(crate) fn cpu_per_gb(&self) -> f64 {
        self.cpu / (self.bytes as f64 / 1e9)
    }
    pub(crate) fn gb_per_s(&self) -> f64 {
        self.bytes as f64 / 1e9 / self.seconds
    }
    pub(crate) fn requests_per_s(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
    pub(crate) fn cpu_us_per_request(&self) -> f64 {
        self.cpu * 1e6 / self.requests as f64
    }
    pub(crate) fn p99_ms(&self) -> f64 {
        self.p99.as_secs_f64() * 1e3
    }
    pub(crate) fn last_ms(&self) -> f64 {
        self.last.as_secs_f64() * 1e3
    }
}

impl fmt::Display for Result {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.2} CPU s/GB, {:.2} GB/s, {:.0} req/s, {:.0} µs CPU/req, p99 {:.1?}, last {:.1?}, peak {:.0} MiB",
            self.cpu_per_gb(),
            self.gb_per_s(),
            self.requests_per_s(),
            self.cpu_us_per_request(),
            self.p99,
            self.last,
            self.peak_mib
        )
    }
}

impl Plan {
    fn new(kind: Kind, streams: usize, length: u64, chunk: usize) -> Self {
        let data = noise(chunk);
        let mut hash = Sha256::new();
        let mut left = length;
        while left > 0 {
            let n = left.min(chunk as u64) as usize;
            hash.update(&data[..n]);
            left -= n as u64;
        }
        let sha = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Self { kind, streams, data, length, sha }
    }

    pub(crate) fn chunked(streams: usize, length: u64, chunk: usize) -> Self {
        Self::new(Kind::Chunked, streams, length, chunk)
    }

    pub(crate) fn singles(connections: usize, count: usize, size: usize) -> Self {
        Self::new(Kind::Singles { count }, connections, size as u64, size)
    }

    pub(crate) fn images(connections: usize, count: usize, size: usize, api: Api) -> Self {
        let kind = Kind::Images { count, image: Image::new(size), api };
        Self::new(kind, connections, size as u64, 64 << 10)
    }

    pub(crate) fn slow(streams: usize, length: u64, pace: u64) -> Self {
        Self::new(Kind::Slow { pace }, streams, length, length as usize)
    }

    pub(crate) fn parts(streams: usize, length: u64, part: usize, digest: bool) -> Self {
        Self::new(Kind::Parts { digest }, streams, length, part)
    }

    pub(crate) fn grants(connections: usize, count: usize) -> Self {
        Self::new(Kind::Grants { count }, connections, 64 << 20, 5 << 20)
    }

    pub(crate) fn records(connections: usize, count: usize) -> Self {
        Self::new(Kind::Records { count }, connections, 0, 1)
    }

    /// Where the parts of stream `n` go: asked for beforehand, so that only their bytes are measured.
    fn prepare(&self, server: &Server, n: usize) -> Vec<(String, Option<String>)> {
        let mut client = Client::connect(server.address);
        match self.kind {
            Kind::Parts { digest } => signed::paths(&mut client, n, &self.data, self.length, digest),
            Kind::Grants { .. } => {
                vec![(signed::create(&mut client, self.length, n), Some(signed::md5(b"")))]
            }
            _ => Vec::new(),
        }
    }

    /// What is done once before anything is measured, so that nothing is measured that happens once.
    fn warm_up(&self, server: &Server) {
        let mut client = Client::connect(server.address);
        client.single(&self.data[..self.data.len().min(64 << 10)]);
        if let Kind::Images { image, api, .. } = &self.kind {
            api.send(&mut client, image.clone().numbered(usize::MAX >> 16));
        }
    }

    /// The parts of one stream; gives the time of each.
    fn send_parts(&self, client: &mut Client, paths: &[(String, Option<String>)]) -> Vec<Duration> {
        let send = |(n, (path, md5)): (usize, &(String, Option<String>))| {
            let from = n as u64 * self.data.len() as u64;
            let len = (self.data.len() as u64).min(self.length - from) as usize;
            let before = Instant::now();
            client.put(path, md5.as_deref(), &self.data[..len]);
            before.elapsed()
        };
        paths.iter().enumerate().map(send).collect()
    }

    /// One stream from its creation to its path; gives the time of each chunk.
    fn stream(&self, client: &mut Client, pace: Option<u64>) -> Vec<Duration> {
        let id = client.create(self.length, &self.sha);
        let chunk = self.data.len() as u64;
        let total = self.length.div_ceil(chunk);
        (0..total)
            .map(|n| {
                let len = chunk.min(self.length - n * chunk) as usize;
                let before = Instant::now();
                let answer = client.chunk(&id, n, total, &self.data[..len], pace);
                assert_eq!(answer.get("path").is_some(), n + 1 == total, "{answer}");
                before.elapsed()
            })
            .collect()
    }
}

pub(crate) fn run(server: &Server, plan: &Plan) -> Result {
    let times = Mutex::new(Vec::new());
    let last = Mutex::new(Duration::ZERO);
    let next = AtomicUsize::new(0);
    plan.warm_up(server);
    let prepared: Vec<_> = (0..plan.streams).map(|n| plan.prepare(server, n)).collect();
    let cpu = server.process.cpu();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for paths in &prepared {
            scope.spawn(|| {
                let mut client = Client::connect(server.address);
                let seen = match &plan.kind {
                    Kind::Chunked => plan.stream(&mut client, None),
                    Kind::Slow { pace } => plan.stream(&mut client, Some(*pace)),
                    Kind::Parts { .. } => plan.send_parts(&mut client, paths),
                    Kind::Images { count, image, api } => {
                        let mut image = image.clone();
                        each(&next, *count, |n| api.send(&mut client, image.numbered(n)))
                    }
                    Kind::Singles { count } => {
                        each(&next, *count, |_| assert!(client.single(&plan.data).get("path").is_some()))
                    }
                    Kind::Grants { count } => each(&next, *count, |n| {
                        let (id, md5) = &paths[0];
                        let part = n as u64 % 10 + 1;
                        let answer = signed::ask(&mut client, id, part, md5.as_deref().unwrap_or_default());
                        assert!(answer["signature"]["url"].is_string());
                    }),
                    Kind::Records { count } => each(&next, *count, |n| signed::record(&mut client, n)),
                };
                let mut longest = last.lock().unwrap();
                *longest = longest.max(seen.last().copied().unwrap_or_default());
                times.lock().unwrap().extend(seen);
            });
        }
    });
    let seconds = start.elapsed().as_secs_f64();
    let cpu = server.process.cpu() - cpu;
    let mut times = times.into_inner().unwrap();
    times.sort();
    let requests = times.len();
    let bytes = match plan.kind {
        Kind::Singles { .. } | Kind::Images { .. } => plan.length * requests as u64,
        Kind::Grants { .. } | Kind::Records { .. } => 0,
        _ => plan.length * plan.streams as u64,
    };
    Result {
        seconds,
        cpu,
        bytes,
        requests,
        p99: times[(requests * 99 / 100).min(requests - 1)],
        last: last.into_inner().unwrap(),
        peak_mib: server.process.peak_mib(),
    }
}

/// Does `one` until all threads together did it `count` times; gives the time of each.
fn each(next: &AtomicUsize, count: usize, mut one: impl FnMut(usize)) -> Vec<Duration> {
    let mut seen = Vec::new();
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= count {
            return seen;
        }
        let before = Instant::now();
        one(n);
        seen.push(before.elapsed());
    }
}

//! Stores, time, names and listeners that outlive any engine over them.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use event_listener::Event;
use upload_core::{
    Destinations, Outcome, Policy, Principal, Role, Roles, TenantName, Timestamp, TypeRule,
    ports::{BlobStore, Clock, Events, Ids, Processor, RecordStore, Sniffed, Sniffer},
};
use upload_engine::{Engine, EngineBuilder, Secrets, Settings};
use upload_storage::memory::MemoryRecords;

use super::{
    Chaos, Random,
    outside::{Probe, Receiver},
    store::Blobs,
};

/// Time that only tests move.
#[derive(Debug)]
pub struct SimClock {
    now: AtomicU64,
    moved: Event,
}

impl SimClock {
    pub fn advance(&self, by: Duration) {
        self.now.fetch_add(by.as_millis() as u64, Ordering::SeqCst);
        self.moved.notify(usize::MAX);
    }
}

#[async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now().plus(duration);
        loop {
            let moved = self.moved.listen();
            if self.now() >= until {
                return;
            }
            moved.await;
        }
    }
}

/// Names from a seed.
#[derive(Debug)]
pub struct SimIds(Mutex<Random>);

impl Ids for SimIds {
    fn fill(&self, bytes: &mut [u8]) {
        let mut random = self.0.lock().unwrap();
        bytes.iter_mut().for_each(|b| *b = random.next() as u8);
    }
}

/// Whom the engine told of what.
#[derive(Debug, Default)]
pub struct Heard(Mutex<Vec<Outcome>>);

impl Heard {
    pub fn outcomes(&self) -> Vec<Outcome> {
        self.0.lock().unwrap().clone()
    }
}

#[async_trait]
impl Events for Heard {
    async fn completed(&self, outcome: &Outcome) {
        self.0.lock().unwrap().push(outcome.clone());
    }
}

/// Eight bytes tell: `PNG:....` is a picture, `HTML....` is a page.
#[derive(Debug)]
pub struct EightBytes;

impl Sniffer for EightBytes {
    fn sniff(&self, head: &[u8], end: bool) -> Sniffed {
        match head {
            _ if head.len() < 8 && !end => Sniffed::NeedMore,
            _ if head.len() < 8 => Sniffed::Unknown,
            [b'P', b'N', b'G', b':', ..] => Sniffed::Known("image/png".into()),
            [b'H', b'T', b'M', b'L', ..] => Sniffed::Known("text/html".into()),
            _ => Sniffed::Unknown,
        }
    }
}

/// What outlives an engine.
#[derive(Debug)]
pub struct World {
    pub blobs: Blobs,
    pub records: MemoryRecords,
    pub clock: Arc<SimClock>,
    pub heard: Arc<Heard>,
    pub settings: Settings,
    pub secrets: Secrets,
    /// Looks into every upload, if it is there.
    pub probe: Option<Arc<Probe>>,
    /// Is told in place of `heard`, if it is there.
    pub receiver: Option<Arc<Receiver>>,
    ids: Arc<SimIds>,
}

/// Most bytes of an upload to `files`, and of one chunk.
pub const MAX_LENGTH: u64 = 256 << 10;
pub const MAX_CHUNK: u64 = 32 << 10;

impl World {
    pub fn new(seed: u64) -> Self {
        let mut settings = Settings::default();
        // Small, so that small bodies have many batches, checkpoints and pages.
        (settings.min_batch, settings.max_batch) = (512, 1024);
        (settings.checkpoint, settings.digest_save, settings.page) = (2048, 4096, 7);
        (settings.copy_step, settings.copy_save) = (600, 1300);
        settings.min_part = 1000;
        // Who is halted ends as soon as nothing is there: time stands still unless a test moves it.
        settings.halt_wait = Duration::ZERO;
        (settings.part_size, settings.max_part, settings.min_fragment) = (1000, u64::MAX, 100);
        Self {
            blobs: Blobs::new(crate::PARTS),
            records: MemoryRecords::new(),
            clock: Arc::new(SimClock { now: AtomicU64::new(1_700_000_123_456), moved: Event::new() }),
            heard: Arc::default(),
            settings,
            secrets: Secrets::new(b"the secret of the test world").unwrap(),
            probe: None,
            receiver: None,
            ids: Arc::new(SimIds(Mutex::new(Random(seed ^ 0x5eed)))),
        }
    }

    /// Every process looks into uploads.
    pub fn with_probe(mut self) -> Self {
        self.probe = Some(Arc::default());
        self
    }

    /// Every process keeps notices for this receiver.
    pub fn with_receiver(mut self) -> Self {
        self.receiver = Some(Arc::default());
        self
    }

    /// Several processes at once.
    pub fn with_processes(mut self) -> Self {
        self.records = self.records.with_shared(true);
        self.blobs = self.blobs.with_shared(true);
        self
    }

    pub fn probe(&self) -> &Probe {
        self.probe.as_ref().expect("a world with a probe")
    }

    pub fn receiver(&self) -> &Receiver {
        self.receiver.as_ref().expect("a world with a receiver")
    }

    /// A new process over the same stores.
    pub fn engine(&self) -> Engine {
        self.over(Arc::new(self.blobs.clone()), Arc::new(self.records.clone()))
    }

    /// A new process with trouble between it and the stores.
    pub fn troubled(&self, chaos: &Chaos) -> Engine {
        self.over(chaos.over(&self.blobs), chaos.over(&self.records))
    }

    pub fn over(&self, blobs: Arc<dyn BlobStore>, records: Arc<dyn RecordStore>) -> Engine {
        self.builder(blobs, records).secrets(self.secrets.clone()).build()
    }

    /// Everything but the secrets.
    pub fn builder(&self, blobs: Arc<dyn BlobStore>, records: Arc<dyn RecordStore>) -> EngineBuilder {
        let mut files = Policy::new(MAX_LENGTH);
        files.max_chunk = MAX_CHUNK;
        files.max_single = MAX_LENGTH;
        let pictures = files.clone().accept(TypeRule::only(["image/png"]));
        let mut long = Policy::new(1 << 40);
        long.max_chunk = 1 << 20;
        let mut kept = files.clone();
        kept.attach_within = Some(ATTACH_WITHIN);
        let mut results = files.clone();
        results.keep_content = false;
        let mut lenient = files.clone();
        lenient.refuse_unreadable = false;
        let destinations = Destinations::new()
            .with("results", results)
            .with("lenient", lenient)
            .with("files", files)
            .with("pictures", pictures)
            .with("long", long)
            .with("kept", kept);
        let events: Arc<dyn Events> = match &self.receiver {
            Some(receiver) => Arc::clone(receiver) as Arc<dyn Events>,
            None => Arc::clone(&self.heard) as Arc<dyn Events>,
        };
        let mut builder = Engine::builder(blobs, records, Arc::clone(&self.clock) as Arc<dyn Clock>);
        if let Some(probe) = &self.probe {
            builder = builder.processor(Arc::clone(probe) as Arc<dyn Processor>);
        }
        builder
            .destinations(destinations)
            .settings(self.settings.clone())
            .ids(Arc::clone(&self.ids) as Arc<dyn Ids>)
            .sniffer(Arc::new(EightBytes))
            .events(events)
    }

    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// How long an upload to `kept` may wait to be attached.
pub const ATTACH_WITHIN: Duration = Duration::from_secs(6 * 3600);

pub const HOUR: Duration = Duration::from_secs(3600);

/// The tenant of most clients.
pub fn tenant() -> TenantName {
    TenantName::new("acme").unwrap()
}

/// Somebody of this tenant who may upload and read.
pub fn somebody(tenant: &str) -> Principal {
    Principal::new(TenantName::new(tenant).unwrap(), "key", Roles::default())
}

/// Another key of the tenant, with these roles.
pub fn other(tenant: &str, roles: impl IntoIterator<Item = Role>) -> Principal {
    Principal::new(TenantName::new(tenant).unwrap(), "other key", Roles::new(roles))
}

/// `len` bytes that differ by seed and by place.
pub fn content(seed: u64, len: usize) -> Bytes {
    let mut random = Random(seed);
    (0..len).map(|_| random.next() as u8).collect::<Vec<_>>().into()
}

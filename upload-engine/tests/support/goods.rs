//! Content of which there may be one: how it is brought, and who has it in the end.

use bytes::Bytes;
use upload_core::{
    Charge, Error, ErrorKind, Outcome, Remedy, Result, UploadId,
    lifecycle::{Begin, Unique},
    record::{Addressing, Phase},
};
use upload_engine::{Engine, Limits, Written};

use super::{
    Script, World, block_on,
    check::{Found, accounts, clean, look},
    client::{offset, slot},
    exec::pause,
    signed::kind,
    world::{HOUR, somebody},
};

/// How somebody brings content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Whole,
    Slots,
    Offsets,
}

pub const WAYS: [Way; 3] = [Way::Whole, Way::Slots, Way::Offsets];

/// What is brought.
#[derive(Debug, Clone)]
pub struct Goods {
    pub bytes: Bytes,
    pub replace: bool,
    pub amount: u64,
}

impl Goods {
    pub fn new(bytes: &Bytes) -> Self {
        Self { bytes: bytes.clone(), replace: false, amount: 7 }
    }

    pub fn replacing(mut self) -> Self {
        self.replace = true;
        self
    }

    pub fn begin(&self, way: Way) -> Begin {
        let addressing = if way == Way::Slots { Addressing::Slots } else { Addressing::Offsets };
        let mut begin = Begin::new("files", addressing, Some(self.bytes.len() as u64));
        let mut unique = Unique::new("wire", "album 1");
        unique.replace = self.replace;
        begin.unique = Some(unique);
        begin.charges = vec![Charge::new("storing", self.amount)];
        begin
    }

    /// From the first request to the outcome; once, without trying again.
    pub async fn bring(&self, engine: &Engine, way: Way) -> Result<Outcome> {
        let who = somebody("acme");
        if way == Way::Whole {
            let policy = &engine.destinations().get("files")?.policy;
            let received = engine.receive(Limits::single(policy), &mut Script::of(&self.bytes)).await?;
            return engine.settle(&who, received, self.begin(way)).await;
        }
        let id = engine.begin(&who, self.begin(way)).await?.id;
        let half = self.bytes.len().div_ceil(2);
        let writes = match way {
            Way::Slots => [slot(0, 2), slot(1, 2)],
            _ => [offset(0), offset(half as u64)],
        };
        let halves = [self.bytes.slice(..half), self.bytes.slice(half..)];
        let mut end = None;
        for (write, bytes) in writes.into_iter().zip(halves) {
            end = match engine.write(&who, &id, write, &mut Script::of(&bytes)).await {
                Ok(Written::Completed(outcome)) => Some(Ok(*outcome)),
                Ok(_) => None,
                Err(e) => Some(Err(e)),
            };
        }
        // Chunks are sent; whoever is told to try again finishes again.
        let mut end = end.unwrap_or_else(not_taken);
        for _ in 0..40 {
            match end {
                Err(e) if e.kind.remedy() == Remedy::Retry => {
                    pause(3).await;
                    end = engine.finish(&who, &id).await;
                }
                other => return other,
            }
        }
        end
    }

    /// The same, and whole bodies are sent again.
    pub async fn insist(&self, engine: &Engine, way: Way) -> Result<Outcome> {
        for _ in 0..40 {
            match self.bring(engine, way).await {
                Err(e) if way == Way::Whole && e.kind.remedy() == Remedy::Retry => pause(3).await,
                other => return other,
            }
        }
        panic!("it is told to try again for ever")
    }
}

fn not_taken() -> Result<Outcome> {
    Err(Error::new(ErrorKind::Busy, "a chunk was not taken"))
}

/// A sweep and a janitor pass two hours later, as after any trouble.
pub fn tidy(world: &World, engine: &Engine) -> Found {
    world.advance(2 * HOUR);
    assert_eq!(block_on(engine.sweep()).failed, 0);
    assert_eq!(block_on(engine.janitor()).failed, 0);
    clean(world);
    accounts(world)
}

/// The completed uploads that have content of which there may be one.
pub fn standing(found: &Found) -> Vec<UploadId> {
    let completed = found
        .heads
        .values()
        .filter(|head| matches!(head.phase, Phase::Completed { .. }) && head.unique.is_some());
    completed.map(|head| head.id.clone()).collect()
}

/// If any upload stands, it is one, it has the claim for good, and its content is a duplicate; if none does, nobody is told of
/// a duplicate.
pub fn one_holder(world: &World, engine: &Engine, goods: &Goods) -> Option<UploadId> {
    let found = look(world);
    let standing = standing(&found);
    assert!(standing.len() <= 1, "{} of one content stand", standing.len());
    for (key, claim) in &found.claims {
        assert_eq!(Some(&claim.id), standing.first(), "{key}");
        assert_eq!(claim.replaces, None, "{key}");
    }
    assert_eq!(found.claims.len(), standing.len());
    let again = Goods { replace: false, ..goods.clone() };
    for way in WAYS {
        let answer = block_on(again.insist(engine, way));
        match standing.first() {
            Some(id) => {
                assert_eq!(kind(answer), Some(ErrorKind::Duplicate), "{way:?}");
                let reading = block_on(engine.read(Some(&somebody("acme")), id)).unwrap();
                let length = reading.outcome().length;
                assert_eq!(block_on(reading.range(0..length)).unwrap(), goods.bytes);
            }
            None => {
                let outcome = answer.expect("a duplicate of nothing");
                block_on(engine.remove(&somebody("acme"), &outcome.id)).unwrap();
            }
        }
    }
    standing.into_iter().next()
}

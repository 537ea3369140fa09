//! What a client was told, and what must be so when it has ended.

use std::cell::{Cell, RefCell};

use upload_core::{ErrorKind, Outcome, Result, Stage, UploadId};
use upload_engine::{Engine, Written};

use super::{
    Script, World, block_on,
    check::{Found, clean, sound},
    client::Client,
    signed::pass,
    world::HOUR,
};

/// What the client of a scenario was told before it ended.
#[derive(Debug)]
pub struct Told {
    pub client: Client,
    pub id: RefCell<Option<UploadId>>,
    /// Bytes that were acknowledged.
    pub stored: Cell<u64>,
    pub outcome: RefCell<Option<Outcome>>,
    /// The client has asked for an end.
    pub gives_up: Cell<bool>,
    /// It asks by removing.
    pub removes: Cell<bool>,
}

impl Told {
    pub fn wrote(&self, written: Written) {
        match written {
            Written::Stored(seen) => self.stored.set(self.stored.get().max(seen.received)),
            Written::Completed(outcome) => *self.outcome.borrow_mut() = Some(*outcome),
            _ => {}
        }
    }

    pub async fn begin(&self, engine: &Engine) -> Result<UploadId> {
        let id = engine.begin(&self.client.who, self.client.begin()).await?.id;
        *self.id.borrow_mut() = Some(id.clone());
        Ok(id)
    }

    /// Sends a chunk by token, in two frames.
    pub async fn part(&self, engine: &Engine, id: &UploadId, n: usize) -> Result<()> {
        let chunk = &self.client.chunks.as_ref().unwrap()[n];
        let pass = pass(engine, &self.client.who, id, self.client.ask_for(n)).await?;
        let half = chunk.len() / 2;
        let mut body = Script::new().data(&chunk.slice(..half)).pause(1).data(&chunk.slice(half..));
        let written = pass.put(Some(chunk.len() as u64), &mut body).await?;
        // What waits to be attached may go again.
        if !self.client.attaches {
            self.wrote(written);
        }
        Ok(())
    }

    pub async fn slot(&self, engine: &Engine, id: &UploadId, n: usize, finish: bool) -> Result<()> {
        let (mut write, chunk) = self.client.slot(n);
        write.finish_when_complete = finish;
        let half = chunk.len() / 2;
        let mut body = Script::new().data(&chunk.slice(..half)).pause(1).data(&chunk.slice(half..));
        self.wrote(engine.write(&self.client.who, id, write, &mut body).await?);
        Ok(())
    }
}

/// After the end: what was acknowledged is there, the client goes on and has its bytes (or its end), and nothing
/// that belongs to nobody outlasts a sweep and a janitor pass.
pub fn aftermath(world: &World, engine: &Engine, told: &Told) {
    sound(world);
    let mut id = told.id.borrow().clone();
    if told.client.by_token && id.is_none() {
        // It has not heard of its upload, and asks for the one of its kind.
        id = Some(block_on(told.client.clone().start(engine)).unwrap());
    }
    if let Some(id) = &id {
        if told.gives_up.get() {
            give_up(engine, told, id);
        } else {
            go_on(engine, told, id);
        }
        // Asked again, the answer is the same.
        sound(world);
    }
    let found = days_pass(world, engine);
    if let Some(id) = id.filter(|_| !told.gives_up.get()) {
        assert_eq!(found.objects.len(), 1);
        assert_eq!(
            block_on(told.client.fetch(engine, &id)).unwrap(),
            told.client.whole,
            "completed data stays"
        );
    }
}

/// Nobody comes back: what was told complete stays, and of all else nothing.
pub fn abandoned(world: &World, engine: &Engine, told: &Told) {
    sound(world);
    days_pass(world, engine);
    if let Some(outcome) = &*told.outcome.borrow() {
        let read = block_on(engine.read(Some(&told.client.who), &outcome.id)).expect("completed data stays");
        assert_eq!(read.outcome(), outcome);
    }
}

/// A sweep and a janitor pass two hours later, then after the deadline, then after all that is remembered.
fn days_pass(world: &World, engine: &Engine) -> Found {
    for hours in [2, 26, 26] {
        world.advance(hours * HOUR);
        assert_eq!(block_on(engine.sweep()).failed, 0);
        assert_eq!(block_on(engine.janitor()).failed, 0);
        clean(world);
    }
    let found = sound(world);
    let left = (&found.staged, &found.rows, &found.beside, &found.due);
    assert!(
        found.staged.is_empty() && found.rows.is_empty() && found.beside.is_empty() && found.due.is_empty(),
        "{left:?}"
    );
    assert!(found.heads.values().all(|h| h.phase.outcome().is_some()), "tombstones end");
    assert!(found.claims.is_empty(), "a claim that nobody has: {:?}", found.claims);
    assert!(found.heads.values().filter(|h| h.listed).count() == found.listed.len(), "{:?}", found.listed);
    found
}

fn go_on(engine: &Engine, told: &Told, id: &UploadId) {
    let seen = block_on(engine.inspect(&told.client.who, id)).expect("an acknowledged upload");
    assert!(
        seen.received >= told.stored.get(),
        "acknowledged {} bytes, there are {}",
        told.stored.get(),
        seen.received
    );
    let outcome = block_on(told.client.clone().complete(engine, id)).expect("the client goes on");
    if let Some(before) = &*told.outcome.borrow() {
        assert_eq!(*before, outcome, "a replay is the same");
    }
    assert_eq!(block_on(told.client.fetch(engine, id)).unwrap(), told.client.whole);
}

fn give_up(engine: &Engine, told: &Told, id: &UploadId) {
    let end = if told.removes.get() {
        block_on(engine.remove(&told.client.who, id))
    } else {
        block_on(engine.cancel(&told.client.who, id))
    };
    match end {
        Ok(()) => {}
        Err(e) => assert!(matches!(e.kind, ErrorKind::Gone | ErrorKind::NotFound), "{e:?}"),
    }
    if let Ok(seen) = block_on(engine.inspect(&told.client.who, id)) {
        assert!(matches!(seen.stage, Stage::Cancelled | Stage::Expired | Stage::Removed), "{seen:?}");
    }
}

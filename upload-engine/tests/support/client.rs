//! A well-behaved client: it retries what may be retried, asks where to go on, and gives up never too late.

use bytes::Bytes;
use upload_chunking::assembly::At;
use upload_core::{
    Error, ErrorKind, Inspection, Outcome, Principal, Remedy, Result, Stage, UploadId,
    lifecycle::{Begin, Claim, IndexEntry},
    record::Addressing,
};
use upload_engine::{Engine, Write, Written};

use super::{Script, world::somebody};

/// One upload as its client sees it.
#[derive(Debug, Clone)]
pub struct Client {
    pub who: Principal,
    pub destination: String,
    /// Where each chunk ends (slots); one entry for the whole otherwise.
    pub chunks: Option<Vec<Bytes>>,
    pub whole: Bytes,
    /// Requests it may still make.
    pub budget: u32,
    /// It sends its bytes by token, claims that there is one such upload, and stands in the listing `wire`.
    pub by_token: bool,
    /// Once the upload is complete, the application attaches it.
    pub attaches: bool,
}

impl Client {
    /// Chunks of `size` bytes, by slot.
    pub fn slots(whole: &Bytes, size: usize) -> Self {
        let chunks = whole.chunks(size.max(1)).map(|c| whole.slice_ref(c)).collect();
        Self { chunks: Some(chunks), ..Self::offsets(whole) }
    }

    /// By offset.
    pub fn offsets(whole: &Bytes) -> Self {
        let who = somebody("acme");
        Self {
            who,
            destination: "files".into(),
            chunks: None,
            whole: whole.clone(),
            budget: 400,
            by_token: false,
            attaches: false,
        }
    }

    /// Parts of `size` bytes by token (one part: the whole), exclusive, listed, claimed.
    pub fn signed(whole: &Bytes, size: usize) -> Self {
        Self { by_token: true, ..Self::slots(whole, size) }
    }

    pub fn to(mut self, destination: &str) -> Self {
        self.destination = destination.into();
        self
    }

    pub fn begin(&self) -> Begin {
        let addressing = if self.chunks.is_some() { Addressing::Slots } else { Addressing::Offsets };
        let mut begin = Begin::new(self.destination.clone(), addressing, Some(self.whole.len() as u64));
        if self.by_token {
            begin.exclusive = true;
            begin.holder_commits = self.in_parts();
            begin.listed = Some(IndexEntry::new("wire", serde_json::json!({"tag": 1})));
            begin.claim = Some(Claim::new("wire", format!("{} of its kind", self.who.id)));
        }
        begin
    }

    /// Whether it is sent in parts, which have to be committed.
    pub fn in_parts(&self) -> bool {
        self.by_token && self.chunks.as_ref().is_some_and(|chunks| chunks.len() > 1)
    }

    /// The write of slot `n`.
    pub fn slot(&self, n: usize) -> (Write, Bytes) {
        let chunks = self.chunks.as_ref().expect("an upload by slot");
        (slot(n as u32, chunks.len() as u32), chunks[n].clone())
    }

    /// Chunk `n` has other bytes now.
    pub fn replace(&mut self, n: usize, bytes: Bytes) {
        let chunks = self.chunks.as_mut().expect("an upload by slot");
        chunks[n] = bytes;
        self.whole = chunks.concat().into();
    }

    fn spend(&mut self) {
        self.budget =
            self.budget.checked_sub(1).expect("a well-behaved client needs a bounded number of requests");
    }

    /// Makes a request again for as long as that is what to do.
    pub async fn retry<T>(&mut self, mut request: impl AsyncFnMut() -> Result<T>) -> Result<T> {
        loop {
            self.spend();
            match request().await {
                Err(e) if e.kind.remedy() == Remedy::Retry => {}
                other => return other,
            }
        }
    }

    pub async fn start(&mut self, engine: &Engine) -> Result<UploadId> {
        let (who, begin) = (self.who.clone(), self.begin());
        Ok(self.retry(async || engine.begin(&who, begin.clone()).await).await?.id)
    }

    /// Begins if there is no id yet and goes on until it has the outcome or an error that no retry mends.
    pub async fn complete(&mut self, engine: &Engine, id: &UploadId) -> Result<Outcome> {
        match self.chunks.clone() {
            Some(chunks) if self.by_token => self.send_by_token(engine, id, &chunks).await,
            Some(chunks) => self.send_slots(engine, id, &chunks).await,
            None => self.send_offsets(engine, id).await,
        }
    }

    async fn send_slots(&mut self, engine: &Engine, id: &UploadId, chunks: &[Bytes]) -> Result<Outcome> {
        let who = self.who.clone();
        for (n, chunk) in chunks.iter().enumerate() {
            let write = slot(n as u32, chunks.len() as u32);
            let written = self
                .retry(async || engine.write(&who, id, write.clone(), &mut Script::of(chunk)).await)
                .await?;
            if let Written::Completed(outcome) = written {
                return Ok(*outcome);
            }
        }
        self.retry(async || engine.finish(&who, id).await).await
    }

    async fn send_offsets(&mut self, engine: &Engine, id: &UploadId) -> Result<Outcome> {
        let who = self.who.clone();
        loop {
            let seen = self.retry(async || engine.inspect(&who, id).await).await?;
            match seen.stage {
                Stage::Completed(outcome) => return Ok(*outcome),
                Stage::Receiving if seen.frontier < self.whole.len() as u64 => {}
                _ => return self.retry(async || engine.finish(&who, id).await).await,
            }
            self.spend();
            let body = self.whole.slice(seen.frontier as usize..);
            match engine.write(&who, id, offset(seen.frontier), &mut Script::of(&body)).await {
                Ok(Written::Completed(outcome)) => return Ok(*outcome),
                Ok(_) => {}
                Err(e) if e.kind.remedy() == Remedy::Retry || e.kind == ErrorKind::Conflict => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// The object's bytes.
    pub async fn fetch(&self, engine: &Engine, id: &UploadId) -> Result<Bytes> {
        let reading = engine.read(Some(&self.who), id).await?;
        let length = reading.outcome().length;
        reading.range(0..length).await
    }
}

pub fn slot(n: u32, total: u32) -> Write {
    Write::new(At::Slot { n, total })
}

pub fn offset(at: u64) -> Write {
    Write::new(At::Offset(at))
}

/// What a request that stored its bytes said.
pub fn stored(written: Result<Written, Error>) -> Inspection {
    match written {
        Ok(Written::Stored(seen)) => *seen,
        other => panic!("expected stored bytes, got {other:?}"),
    }
}

/// What a request that completed its upload said.
pub fn completed(written: Result<Written, Error>) -> Outcome {
    match written {
        Ok(Written::Completed(outcome)) => *outcome,
        other => panic!("expected an outcome, got {other:?}"),
    }
}

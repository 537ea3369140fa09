//! Sending by token: what a holder of grants does.

use std::time::Duration;

use bytes::Bytes;
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::{Access, Ask, Error, ErrorKind, Grant, Outcome, Principal, Result, UploadId};
use upload_engine::{Engine, Pass, Written};

use super::{Script, block_on, client::Client};

/// How long grants are good for, if a test does not say.
pub const LIFETIME: Duration = Duration::from_secs(300);

pub fn md5(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Md5);
    hasher.update(bytes);
    hasher.finish()
}

/// Leave for five minutes.
pub fn ask(access: Access) -> Ask {
    Ask::new(access, LIFETIME)
}

/// Leave to put the whole, which must be these bytes, and to finish with them.
pub fn whole(bytes: &[u8]) -> Ask {
    let mut ask = ask(Access::Put);
    (ask.digest, ask.finish) = (Some(md5(bytes)), true);
    ask
}

/// Leave to put a part, which must be these bytes.
pub fn part(number: u32, bytes: &[u8]) -> Ask {
    let mut ask = ask(Access::Part(number));
    ask.digest = Some(md5(bytes));
    ask
}

/// The token of a grant of a store that signs nothing itself.
pub async fn token(engine: &Engine, who: &Principal, id: &UploadId, ask: Ask) -> Result<String> {
    match engine.grant(who, id, ask).await? {
        Grant::Sealed(token) => Ok(token),
        other => panic!("{other:?}"),
    }
}

/// Asked for and redeemed.
pub async fn pass(engine: &Engine, who: &Principal, id: &UploadId, ask: Ask) -> Result<Pass> {
    engine.redeem(&token(engine, who, id, ask).await?)
}

/// Sends these bytes with a token, their length announced.
pub async fn put(engine: &Engine, token: &str, bytes: &Bytes) -> Result<Written> {
    let pass = engine.redeem(token)?;
    pass.put(Some(bytes.len() as u64), &mut Script::of(bytes)).await
}

/// The parts of a whole as their sender lists them.
pub fn manifest(chunks: &[Bytes]) -> Vec<(u32, Option<String>)> {
    (1..).zip(chunks).map(|(number, chunk)| (number, Some(md5(chunk).to_hex()))).collect()
}

impl Client {
    /// Leave for chunk `n`: a part of several, or the whole.
    pub fn ask_for(&self, n: usize) -> Ask {
        let chunks = self.chunks.as_ref().expect("an upload by slot");
        if self.in_parts() { part(n as u32 + 1, &chunks[n]) } else { whole(&chunks[n]) }
    }

    /// Sends chunk `n` by token.
    pub async fn send_part(&self, engine: &Engine, id: &UploadId, n: usize) -> Result<Written> {
        let token = token(engine, &self.who, id, self.ask_for(n)).await?;
        put(engine, &token, &self.chunks.as_ref().expect("an upload by slot")[n]).await
    }

    pub async fn commit(&self, engine: &Engine, id: &UploadId) -> Result<()> {
        let pass = pass(engine, &self.who, id, ask(Access::CommitParts)).await?;
        pass.commit_parts(&manifest(self.chunks.as_ref().expect("an upload by slot"))).await
    }

    pub(super) async fn send_by_token(
        &mut self,
        engine: &Engine,
        id: &UploadId,
        chunks: &[Bytes],
    ) -> Result<Outcome> {
        let asker = self.clone();
        for n in 0..chunks.len() {
            drop(self.retry(async || asker.send_part(engine, id, n).await).await?);
        }
        if self.in_parts() {
            self.retry(async || asker.commit(engine, id).await).await?;
        }
        let outcome = self.retry(async || engine.finish(&asker.who, id).await).await?;
        if self.attaches {
            let signed_id = engine.signed_id(id)?;
            assert_eq!(
                self.retry(async || engine.attach(&asker.who.tenant, &signed_id).await).await?,
                outcome
            );
        }
        Ok(outcome)
    }
}

/// The kind of error, and nothing where there was none.
pub fn kind<T>(answer: Result<T, Error>) -> Option<ErrorKind> {
    answer.err().map(|e| e.kind)
}

/// Begins the client's upload.
pub fn begun(engine: &Engine, client: &Client) -> UploadId {
    block_on(engine.begin(&client.who, client.begin())).unwrap().id
}

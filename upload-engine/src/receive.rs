//! Bodies that come before their destination is known.

use std::sync::Arc;

use bytes::Bytes;
use upload_checksum::{Digests, Fingerprint, HasherSet};
use upload_core::{Error, Handle, Result, StagingName, UploadId, ports::Permit};

use crate::{
    engine::Engine,
    intake::{self, Filled, Intake, Told, Writing},
    look::{Look, Watch},
    segments::Stray,
    staged::{Hold, Kept, Received},
    types::{Body, Limits},
};

/// A body that has been taken in.
struct Taken {
    length: u64,
    memory: Option<Vec<Bytes>>,
    digests: Digests,
    hashers: Option<HasherSet>,
    print: Fingerprint,
    content_type: Option<String>,
}

impl Taken {
    fn received(self, hold: Arc<Hold>, stray: Option<Stray>) -> Received {
        let Self { length, memory, digests, hashers, print, content_type } = self;
        let kept = match (memory, stray) {
            (Some(bytes), _) => Kept::Memory(bytes),
            (None, Some(stray)) => Kept::Segments(stray),
            (None, None) => Kept::Staged,
        };
        Received { hold, kept, length, digests, hashers, print, content_type }
    }
}

impl Engine {
    /// Receives a body into staging, without any record. [`settle`](Self::settle), [`settle_chunk`](Self::settle_chunk) or
    /// [`discard`](Self::discard) follows.
    ///
    /// # Errors
    /// `TooLarge` as soon as the body is longer than the limits allow, `TypeRefused` as soon as its first bytes show a
    /// type that they do not, and what the body itself reports. Nothing is left then.
    pub async fn receive(&self, limits: Limits, body: &mut Body<'_>) -> Result<Received> {
        if let Some(declared) = limits.declared.filter(|d| *d > limits.max_length) {
            return Err(Error::too_large("the file", declared, limits.max_length));
        }
        // A name of its own: which upload it becomes is not known yet.
        let handle = match &limits.tenant {
            Some(tenant) => self.handle_or_new(tenant).await?,
            None => Handle::random(self.ids()),
        };
        let provisional = UploadId::random(&handle, self.ids());
        let staging = StagingName::random(self.clock().now().hour(), &provisional, self.ids());
        let hold = Hold::new(self, staging);
        let stray = Stray::new(self, limits.max_length)?;
        let mut writing = None;
        let taken = self.take_whole(&hold, stray.as_ref(), &limits, body, &mut writing).await;
        let ended = intake::finish(&mut writing).await;
        drop(writing);
        match taken.and_then(|taken| ended.map(|()| taken)) {
            Ok(taken) => Ok(taken.received(hold, stray)),
            Err(e) => {
                self.drop_staged(&hold).await;
                Err(e)
            }
        }
    }

    async fn take_whole<'a>(
        &'a self,
        hold: &'a Arc<Hold>,
        stray: Option<&'a Stray>,
        limits: &Limits,
        body: &mut Body<'_>,
        writing: &mut Option<Writing<'a>>,
    ) -> Result<Taken> {
        if stray.is_none() {
            self.blobs().stage(&hold.staging, limits.declared).await?;
        }
        let mut memory = None;
        let mut look = Look::new(Some(HasherSet::new(limits.digests.iter().copied())));
        let mut watch = Watch::new();
        let mut intake = Intake::new(self, body, None);
        let mut length = 0u64;
        loop {
            if let Some(stray) = stray {
                intake.part(stray.room(length));
            }
            let filled = intake.fill(writing, || Told::Nothing).await;
            if let Filled::Failed(e) | Filled::Cut(e) = filled {
                return Err(e);
            }
            let (batch, len) = intake.take(&filled);
            intake::finish(writing).await?;
            let position = length;
            length += len;
            if length > limits.max_length {
                return Err(Error::too_large("the file", length, limits.max_length));
            }
            watch.look(self.sniffer(), &limits.types, &batch)?;
            let end = matches!(filled, Filled::End);
            if let Some(stray) = stray.filter(|_| end) {
                stray.end(length);
            }
            if stray.is_some() && end && position == 0 {
                look.at(&batch).await;
                memory = Some(batch);
            } else if len > 0 || (end && length == 0) {
                *writing = intake::start(self.write_body(hold, stray, position, batch.clone())).await?;
                look.at(&batch).await;
            }
            if end {
                intake::finish(writing).await?;
                break;
            }
        }
        watch.end(self.sniffer(), &limits.types)?;
        let print = look.take_print();
        let hashers = look.digests.take();
        let digests = hashers.clone().map_or_else(Digests::new, HasherSet::finish);
        let content_type = watch.found.flatten();
        Ok(Taken { length, memory, digests, hashers, print, content_type })
    }

    /// Writes a batch of a body that has no upload yet.
    fn write_body<'a>(
        &'a self,
        hold: &'a Arc<Hold>,
        stray: Option<&'a Stray>,
        position: u64,
        batch: Vec<Bytes>,
    ) -> Writing<'a> {
        let keep = Arc::clone(hold);
        Box::pin(async move {
            match stray.and_then(|stray| Some((stray, self.depot_of_stray(stray, &hold.staging)?))) {
                Some((stray, depot)) => {
                    let segment = depot.keep(Some(position), None, batch).await?;
                    stray.push((position, segment));
                    drop(keep);
                    Ok(())
                }
                None => {
                    let permit = Permit::new(move || drop(keep));
                    Ok(self.blobs().write(&hold.staging, position, batch, permit).await?)
                }
            }
        })
    }

    /// Removes a received body.
    pub async fn discard(&self, received: Received) {
        match received.kept {
            Kept::Memory(_) => received.hold.release(),
            _ => self.drop_staged(&received.hold).await,
        }
    }

    async fn drop_staged(&self, hold: &Hold) {
        match self.blobs().discard(&hold.staging).await {
            Ok(()) => hold.release(),
            Err(e) => tracing::debug!(error = %e, "a received body is removed by the next sweep"),
        }
    }
}

//! Looking at bytes as they pass: fingerprint, digests, content type.

use bytes::Bytes;
use upload_checksum::{Fingerprint, Fingerprinter, HasherSet};
use upload_core::{
    Result, TypeRule,
    ports::{Sniffed, Sniffer},
};

use crate::digest::{SLICE, yield_now};

/// What is found out about the bytes of one body.
#[derive(Debug)]
pub(crate) struct Look {
    print: Fingerprinter,
    /// Digests of the whole upload, if this body goes on where they stand.
    pub(crate) digests: Option<HasherSet>,
}

impl Look {
    pub(crate) fn new(digests: Option<HasherSet>) -> Self {
        Self { print: Fingerprinter::new(), digests }
    }

    /// Looks at a batch, in slices, so that others get their turn.
    pub(crate) async fn at(&mut self, batch: &[Bytes]) {
        let mut since = 0;
        for slice in batch.iter().flat_map(|frame| frame.chunks(SLICE)) {
            self.print.update(slice);
            if let Some(digests) = &mut self.digests {
                digests.update(slice);
            }
            since += slice.len();
            if since >= SLICE {
                since = 0;
                yield_now().await;
            }
        }
    }

    /// Fingerprints without digests: for bytes that are not kept.
    pub(crate) fn print_only(&mut self, frame: &Bytes) {
        self.print.update(frame);
    }

    pub(crate) fn len(&self) -> u64 {
        self.print.len()
    }

    /// The fingerprint of all bytes since the last call, and a fresh start for those that follow.
    pub(crate) fn take_print(&mut self) -> Fingerprint {
        std::mem::take(&mut self.print).finish()
    }
}

/// Watches the first bytes of an upload for their content type.
#[derive(Debug)]
pub(crate) struct Watch {
    head: Vec<u8>,
    /// What was found; `Some(None)` is nothing that is recognised.
    pub(crate) found: Option<Option<String>>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self { head: Vec::new(), found: None }
    }

    /// Takes the next bytes; refuses as soon as it is certain that `rule` does.
    pub(crate) fn look(&mut self, sniffer: &dyn Sniffer, rule: &TypeRule, batch: &[Bytes]) -> Result<()> {
        if self.found.is_some() {
            return Ok(());
        }
        for frame in batch {
            let room = <dyn Sniffer>::HEAD.saturating_sub(self.head.len());
            self.head.extend(frame.iter().take(room));
        }
        self.ask(sniffer, self.head.len() >= <dyn Sniffer>::HEAD);
        self.check(rule)
    }

    /// There are no more bytes.
    pub(crate) fn end(&mut self, sniffer: &dyn Sniffer, rule: &TypeRule) -> Result<()> {
        if self.found.is_none() {
            self.ask(sniffer, true);
        }
        self.check(rule)
    }

    fn check(&self, rule: &TypeRule) -> Result<()> {
        self.found.as_ref().map_or(Ok(()), |found| rule.check(found.as_deref()))
    }

    fn ask(&mut self, sniffer: &dyn Sniffer, end: bool) {
        self.found = match sniffer.sniff(&self.head, end) {
            Sniffed::Known(found) => Some(Some(found)),
            Sniffed::Unknown => Some(None),
            Sniffed::NeedMore if end => Some(None),
            _ => None,
        };
        if self.found.is_some() {
            self.head = Vec::new();
        }
    }
}

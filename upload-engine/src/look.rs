//! Looking at bytes as they pass: fingerprint, digests, content type.

use bytes::Bytes;
use upload_checksum::{Digest, Fingerprint, Fingerprinter, Hasher, HasherSet};
use upload_core::{
    Error, ErrorKind, Result, TypeRule,
    ports::{Sniffed, Sniffer},
};

use crate::{
    digest::{SLICE, yield_now},
    types::{Trailing, Write},
};

/// What is found out about the bytes of one body.
#[derive(Debug)]
pub(crate) struct Look {
    print: Fingerprinter,
    /// Digests of the whole upload, if this body goes on where they stand.
    pub(crate) digests: Option<HasherSet>,
    /// What the body alone must come to.
    own: Option<Own>,
}

/// Where the digest of one body comes from.
#[derive(Debug)]
enum Own {
    /// It begins the whole, whose digests include it.
    OfTheWhole(Digest),
    Alone(Digest, Box<Hasher>),
    /// Which one it must be is told at the end of the body.
    Trailing(Trailing, HasherSet),
}

impl Own {
    /// Takes bytes of the body, unless the digests of the whole take them.
    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::OfTheWhole(_) => {}
            Self::Alone(_, hasher) => hasher.update(bytes),
            Self::Trailing(_, hashers) => hashers.update(bytes),
        }
    }
}

impl Look {
    pub(crate) fn new(digests: Option<HasherSet>) -> Self {
        Self { print: Fingerprinter::new(), digests, own: None }
    }

    /// Also checks the body's own digest; `begins` says that it stands at the beginning of the whole.
    pub(crate) fn expecting(mut self, write: &Write, begins: bool) -> Self {
        let whole = self.digests.as_ref().filter(|_| begins);
        let announced = write.expected.map(|expected| {
            let algorithm = expected.algorithm();
            let included = whole.is_some_and(|set| set.algorithms().any(|known| known == algorithm));
            if included {
                Own::OfTheWhole(expected)
            } else {
                Own::Alone(expected, Box::new(Hasher::new(algorithm)))
            }
        });
        let trailing = write.trailing.as_ref().map(|trailing| {
            Own::Trailing(trailing.clone(), HasherSet::new(trailing.algorithms().iter().copied()))
        });
        self.own = announced.or(trailing);
        self
    }

    /// Whether the body's own digest is checked.
    pub(crate) fn is_expecting(&self) -> bool {
        self.own.is_some()
    }

    /// What was expected of the body, if it came to it or nothing was; call it at its end.
    pub(crate) fn verify(&mut self) -> Result<Option<Digest>> {
        let in_set = |set: HasherSet, expected: &Digest| set.finish().get(expected.algorithm()).copied();
        let (expected, got) = match self.own.take() {
            None => return Ok(None),
            Some(Own::Alone(expected, hasher)) => (expected, Some(hasher.finish())),
            Some(Own::OfTheWhole(expected)) => {
                (expected, self.digests.clone().and_then(|set| in_set(set, &expected)))
            }
            Some(Own::Trailing(trailing, hashers)) => {
                let missing = || Error::invalid("the digest that was to follow the bytes has not come");
                let expected = trailing.told().ok_or_else(missing)?;
                (expected, in_set(hashers, &expected))
            }
        };
        match got {
            Some(got) if got == expected => Ok(Some(expected)),
            got => Err(Error::new(
                ErrorKind::DigestMismatch,
                format!(
                    "the {} of the bytes is {}; {} was announced; they were not stored",
                    expected.algorithm(),
                    got.map_or_else(|| "unknown".to_owned(), |got| got.to_hex()),
                    expected.to_hex()
                ),
            )),
        }
    }

    /// Looks at a batch, in slices, so that others get their turn.
    pub(crate) async fn at(&mut self, batch: &[Bytes]) {
        let mut since = 0;
        for slice in batch.iter().flat_map(|frame| frame.chunks(SLICE)) {
            self.print.update(slice);
            if let Some(digests) = &mut self.digests {
                digests.update(slice);
            }
            if let Some(own) = &mut self.own {
                own.update(slice);
            }
            since += slice.len();
            if since >= SLICE {
                since = 0;
                yield_now().await;
            }
        }
    }

    /// Looks at bytes that are not kept: they do not count for the digests of the whole.
    pub(crate) fn print_only(&mut self, frame: &Bytes) {
        self.print.update(frame);
        match (&mut self.own, &mut self.digests) {
            (Some(Own::OfTheWhole(_)), Some(digests)) => digests.update(frame),
            (Some(own), _) => own.update(frame),
            _ => {}
        }
    }

    /// Looks at bytes that were recorded before, of which only the body's own digest is to know.
    pub(crate) async fn compared(&mut self, batch: &[Bytes]) {
        let Some(own) = &mut self.own else { return };
        for slice in batch.iter().flat_map(|frame| frame.chunks(SLICE)) {
            own.update(slice);
            yield_now().await;
        }
    }

    /// The body is not kept: digests of the whole are of use only where they are the body's own.
    pub(crate) fn leave_the_whole(&mut self) {
        if !matches!(self.own, Some(Own::OfTheWhole(_))) {
            self.digests = None;
        }
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

//! `Read + Seek` over ranges, with a cache and a budget.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::time::Instant;

use bytes::Bytes;

use super::error::{ProbeError, Result, unreadable};
use super::{Limits, Source};

/// What is fetched at a new place; what follows in order is fetched in larger steps.
const SMALL: u64 = 4 << 10;
/// The largest fetch.
const LARGE: u64 = 64 << 10;
/// So many bytes looked at in memory cost one call.
const WORK: u64 = 256;
/// How many fetches are kept: 1 MiB at most.
const KEPT: usize = 16;

/// What a probe has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cost {
    /// Bytes fetched from the source.
    pub bytes: u64,
    /// Ranges fetched from the source.
    pub reads: u64,
    /// Times that a parser read or sought.
    pub calls: u64,
}

/// Reads a source within a budget. Once that is spent, every read fails, and [`Reader::stopped`] says why, whatever
/// a library in between has made of the error.
pub(crate) struct Reader<'a> {
    source: &'a mut dyn Source,
    length: u64,
    at: u64,
    /// Fetched ranges and where they begin, the last one fetched first.
    windows: VecDeque<(u64, Bytes)>,
    limits: &'a Limits,
    allowed: Cost,
    spent: Cost,
    /// Bytes that compressed parts have grown to.
    inflated: u64,
    began: Instant,
    stop: Option<ProbeError>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(source: &'a mut dyn Source, limits: &'a Limits) -> Self {
        Self {
            length: source.length(),
            source,
            at: 0,
            windows: VecDeque::with_capacity(KEPT),
            limits,
            allowed: Cost { bytes: limits.bytes, reads: limits.reads, calls: limits.calls },
            spent: Cost::default(),
            inflated: 0,
            began: Instant::now(),
            stop: None,
        }
    }

    /// How many bytes there are.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Where the next byte is read.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// How many bytes are left behind the position.
    pub(crate) fn left(&self) -> u64 {
        self.length.saturating_sub(self.at)
    }

    pub(crate) fn spent(&self) -> Cost {
        self.spent
    }

    /// Why every read fails now.
    pub(crate) fn stopped(&self) -> Option<&ProbeError> {
        self.stop.as_ref()
    }

    /// Whether all bytes could be read within the budget.
    pub(crate) fn affords_all(&self) -> bool {
        self.length <= self.allowed.bytes.saturating_sub(self.spent.bytes)
    }

    /// How much a compressed part may still grow to.
    pub(crate) fn may_inflate(&self) -> u64 {
        self.limits.inflated.saturating_sub(self.inflated)
    }

    /// A compressed part has grown to so many bytes.
    pub(crate) fn has_inflated(&mut self, bytes: u64) {
        self.inflated = self.inflated.saturating_add(bytes);
    }

    /// Work in memory on so many bytes costs calls, too.
    pub(crate) fn work(&mut self, bytes: u64) -> Result<()> {
        self.calls(1 + bytes / WORK).map_err(|error| self.why(error, "structure"))
    }

    /// Does `work` within a share of the budget. `None` if that share was spent: reading goes on behind it.
    pub(crate) fn within<T>(
        &mut self,
        share: Cost,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        let whole = self.allowed;
        self.allowed = Cost {
            bytes: whole.bytes.min(self.spent.bytes.saturating_add(share.bytes)),
            reads: whole.reads.min(self.spent.reads.saturating_add(share.reads)),
            calls: whole.calls.min(self.spent.calls.saturating_add(share.calls)),
        };
        let result = work(self);
        self.allowed = whole;
        if matches!(self.stop, Some(ProbeError::TooCostly(_))) {
            self.stop = None;
            return Ok(None);
        }
        result.map(Some)
    }

    /// Goes to an absolute position, which may be behind the end.
    pub(crate) fn go(&mut self, at: u64) {
        self.at = at;
    }

    /// Goes on by so many bytes.
    pub(crate) fn skip(&mut self, bytes: u64) {
        self.at = self.at.saturating_add(bytes);
    }

    /// The next `N` bytes, of `what`.
    pub(crate) fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.exact(&mut bytes, what)?;
        Ok(bytes)
    }

    /// The next `length` bytes, of `what`. The caller has bounded `length`.
    pub(crate) fn vec(&mut self, length: u64, what: &str) -> Result<Vec<u8>> {
        if length > self.left() {
            return unreadable(self.ends_inside(what));
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX)];
        self.exact(&mut bytes, what)?;
        Ok(bytes)
    }

    pub(crate) fn u8(&mut self, what: &str) -> Result<u8> {
        self.array(what).map(u8::from_be_bytes)
    }

    pub(crate) fn u16_be(&mut self, what: &str) -> Result<u16> {
        self.array(what).map(u16::from_be_bytes)
    }

    pub(crate) fn u32_be(&mut self, what: &str) -> Result<u32> {
        self.array(what).map(u32::from_be_bytes)
    }

    pub(crate) fn u64_be(&mut self, what: &str) -> Result<u64> {
        self.array(what).map(u64::from_be_bytes)
    }

    pub(crate) fn u16_le(&mut self, what: &str) -> Result<u16> {
        self.array(what).map(u16::from_le_bytes)
    }

    pub(crate) fn u32_le(&mut self, what: &str) -> Result<u32> {
        self.array(what).map(u32::from_le_bytes)
    }

    /// The next bytes, some but not all that there are; empty at the end.
    pub(crate) fn some(&mut self, what: &str) -> Result<&[u8]> {
        // Two steps, since the error needs `self` again.
        match self.window() {
            Ok(_) => {}
            Err(error) => return Err(self.why(error, what)),
        }
        Ok(self.cached())
    }

    fn exact(&mut self, bytes: &mut [u8], what: &str) -> Result<()> {
        self.read_exact(bytes).map_err(|error| self.why(error, what))
    }

    fn why(&self, error: io::Error, what: &str) -> ProbeError {
        match &self.stop {
            Some(stop) => stop.clone(),
            None if error.kind() == io::ErrorKind::UnexpectedEof => {
                ProbeError::Unreadable(self.ends_inside(what))
            }
            None => ProbeError::Failed(error.to_string()),
        }
    }

    fn ends_inside(&self, what: &str) -> String {
        format!("the file ends inside its {what}, after {} bytes", self.length)
    }

    /// So many more calls: is there time, is there budget? Where there is too little, all of it is spent.
    fn calls(&mut self, more: u64) -> io::Result<()> {
        let calls = self.spent.calls.saturating_add(more);
        self.spent.calls = calls.min(self.allowed.calls);
        if calls > self.allowed.calls {
            self.halt(ProbeError::TooCostly(format!(
                "its structure takes more than {} steps to read",
                self.allowed.calls
            )));
        } else if self.began.elapsed() > self.limits.time {
            self.halt(ProbeError::Failed(format!("probing took longer than {:?}", self.limits.time)));
        }
        self.go_on()
    }

    /// The first reason stays.
    fn halt(&mut self, reason: ProbeError) {
        self.stop.get_or_insert(reason);
    }

    fn go_on(&self) -> io::Result<()> {
        match &self.stop {
            None => Ok(()),
            Some(stop) => Err(io::Error::other(stop.clone())),
        }
    }

    /// What is at hand from the position on.
    fn cached(&self) -> &[u8] {
        let here = |(start, bytes): &'_ (u64, Bytes)| {
            let inside = usize::try_from(self.at.checked_sub(*start)?).ok()?;
            (inside < bytes.len()).then_some(inside)
        };
        let found = self.windows.iter().find_map(|window| here(window).map(|inside| window.1.get(inside..)));
        found.flatten().unwrap_or_default()
    }

    /// Makes sure that something is at hand, unless it is the end; says how much.
    fn window(&mut self) -> io::Result<usize> {
        self.calls(1)?;
        let at_hand = self.cached().len();
        if at_hand > 0 || self.at >= self.length {
            return Ok(at_hand);
        }
        self.fetch()?;
        Ok(self.cached().len())
    }

    fn fetch(&mut self) -> io::Result<()> {
        let start = self.at - self.at % SMALL;
        // Reading on where the last fetch ended makes larger steps, anything else begins with a small one.
        let last =
            self.windows.front().map(|(start, bytes)| (start + bytes.len() as u64, bytes.len() as u64));
        let size = match last {
            Some((end, size)) if end == start => (size * 4).clamp(SMALL, LARGE),
            _ => SMALL,
        };
        // Up to what is at hand already.
        let behind = self.windows.iter().map(|(next, _)| *next).filter(|next| *next > start).min();
        let end = start.saturating_add(size).min(behind.unwrap_or(self.length));
        let (bytes, reads) = (self.spent.bytes + (end - start), self.spent.reads + 1);
        if bytes > self.allowed.bytes {
            self.halt(ProbeError::TooCostly(format!(
                "its structure takes more than {} bytes to read",
                self.allowed.bytes
            )));
        } else if reads > self.allowed.reads {
            self.halt(ProbeError::TooCostly(format!(
                "its structure takes more than {} reads",
                self.allowed.reads
            )));
        }
        self.go_on()?;
        (self.spent.bytes, self.spent.reads) = (bytes, reads);
        match self.source.fetch(start..end) {
            Ok(bytes) if bytes.len() as u64 == end - start => {
                self.windows.truncate(KEPT - 1);
                self.windows.push_front((start, bytes));
            }
            Ok(bytes) => self.halt(ProbeError::Failed(format!(
                "expected {} bytes from {start} on, got {}",
                end - start,
                bytes.len()
            ))),
            Err(error) => {
                self.halt(ProbeError::Failed(format!("reading bytes {start} to {end}: {error}")));
            }
        }
        self.go_on()
    }
}

impl BufRead for Reader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.window()?;
        Ok(self.cached())
    }

    fn consume(&mut self, bytes: usize) {
        self.skip(bytes as u64);
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        self.window()?;
        let copied = {
            let from = self.cached();
            let length = from.len().min(into.len());
            match (into.get_mut(..length), from.get(..length)) {
                (Some(into), Some(from)) => into.copy_from_slice(from),
                _ => return Ok(0),
            }
            length
        };
        self.consume(copied);
        Ok(copied)
    }
}

impl Seek for Reader<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.calls(1)?;
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

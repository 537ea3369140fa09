//! Boxes one behind the other.

use super::super::error::{Result, unreadable};
use super::super::reader::Reader;

const BOXES: &str = "boxes";

/// Walks over the boxes of a range. Each step goes on by eight bytes at least, so it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Boxes {
    at: u64,
    end: u64,
}

/// A box: its content is from `start` to `end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    pub(super) kind: [u8; 4],
    pub(super) start: u64,
    pub(super) end: u64,
    /// Whether what it is in holds all of it.
    pub(super) fits: bool,
}

impl Boxes {
    pub(super) fn of_file(reader: &Reader<'_>) -> Self {
        Self { at: 0, end: reader.length() }
    }

    /// Those inside of a box, behind the first `fields` bytes.
    pub(super) fn inside(parent: &Child, fields: u64) -> Self {
        Self { at: parent.start.saturating_add(fields), end: parent.end }
    }

    /// The next one. Fewer than eight bytes at the end are none: QuickTime puts four zeros there.
    pub(super) fn next(&mut self, reader: &mut Reader<'_>) -> Result<Option<Child>> {
        if self.end.saturating_sub(self.at) < 8 {
            return Ok(None);
        }
        reader.go(self.at);
        let size = u64::from(reader.u32_be(BOXES)?);
        let kind: [u8; 4] = reader.array(BOXES)?;
        let (header, size) = match size {
            0 => (8, self.end - self.at), // up to the end
            1 => (16, reader.u64_be(BOXES)?),
            size => (8, size),
        };
        let Some(end) = self.at.checked_add(size).filter(|_| size >= header) else {
            return unreadable(format!(
                "the box {} at byte {} claims {size} bytes",
                kind.escape_ascii(),
                self.at
            ));
        };
        let child = Child { kind, start: self.at + header, end, fits: end <= self.end };
        self.at = end;
        Ok(Some(child))
    }

    /// The next one, which must fit.
    pub(super) fn next_fitting(&mut self, reader: &mut Reader<'_>) -> Result<Option<Child>> {
        self.next(reader)?.map(Child::fitting).transpose()
    }
}

impl Child {
    pub(super) fn name(&self) -> impl std::fmt::Display {
        self.kind.escape_ascii()
    }

    /// Itself, if what it is in holds all of it.
    pub(super) fn fitting(self) -> Result<Self> {
        if self.fits {
            return Ok(self);
        }
        unreadable(format!("the box {} ends at byte {}, outside of what holds it", self.name(), self.end))
    }

    /// Goes to its content and gives its version and flags.
    pub(super) fn open(&self, reader: &mut Reader<'_>) -> Result<(u8, u32)> {
        reader.go(self.start);
        let word = reader.u32_be(BOXES)?;
        let [version, ..] = word.to_be_bytes();
        Ok((version, word & 0x00ff_ffff))
    }

    /// Whether `count` entries of `size` bytes fit between the reader's position and its end.
    pub(super) fn holds(&self, reader: &Reader<'_>, count: u32, size: u64) -> Result<()> {
        if u64::from(count) * size <= self.end.saturating_sub(reader.at()) {
            return Ok(());
        }
        unreadable(format!("the box {} claims {count} entries, more than it holds", self.name()))
    }

    /// A time stamp or duration, which is longer from version 1 on.
    pub(super) fn time(reader: &mut Reader<'_>, version: u8) -> Result<u64> {
        if version == 0 { Ok(reader.u32_be(BOXES)?.into()) } else { reader.u64_be(BOXES) }
    }

    /// The time scale and duration of a header that begins with two time stamps. Unknown is 0.
    pub(super) fn scale_and_duration(&self, reader: &mut Reader<'_>) -> Result<(u32, u64)> {
        let (version, _) = self.open(reader)?;
        reader.skip(if version == 0 { 8 } else { 16 });
        let scale = reader.u32_be(BOXES)?;
        let duration = Self::time(reader, version)?;
        let unknown = if version == 0 { u64::from(u32::MAX) } else { u64::MAX };
        Ok((scale, if duration == unknown { 0 } else { duration }))
    }
}

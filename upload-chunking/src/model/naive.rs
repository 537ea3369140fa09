//! What the model remembers: every byte and who wrote it.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::assembly::{At, AttemptId, Key, Limits, Move, Row, Shape};
use crate::range::ByteRange;

/// An attempt, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Try {
    pub(super) at: At,
    /// Position of every byte it was granted; `None` for bytes it only compares.
    pub(super) bytes: Vec<Option<u64>>,
    /// How many of the last ones belong to a write that has not returned.
    pub(super) flying: Option<usize>,
    pub(super) stopped: bool,
    pub(super) left: bool,
    pub(super) closing: bool,
    pub(super) ready: Option<(Row, Option<Move>)>,
    /// The shape it asked for, and the stored one at that time.
    pub(super) asked: Option<(Option<Shape>, Shape)>,
    pub(super) extent: Option<Row>,
}

impl Try {
    pub(super) const fn new(at: At) -> Self {
        Self {
            at,
            bytes: Vec::new(),
            flying: None,
            stopped: false,
            left: false,
            closing: false,
            ready: None,
            asked: None,
            extent: None,
        }
    }

    pub(super) fn received(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether the place is still its own.
    pub(super) fn holds(&self) -> bool {
        match self.at {
            At::Slot { .. } => !self.stopped || self.flying.is_some() || self.ready.is_some(),
            At::Offset(_) => true,
        }
    }

    /// For offsets: where its next byte goes.
    pub(super) fn position(&self) -> u64 {
        match self.at {
            At::Offset(start) => start + self.received(),
            At::Slot { .. } => 0,
        }
    }

    fn flying_bytes(&self) -> impl Iterator<Item = u64> + '_ {
        let first = self.bytes.len() - self.flying.unwrap_or(0);
        self.bytes.iter().skip(first).flatten().copied()
    }

    /// Whether nobody else may write there.
    fn minds(&self, range: ByteRange) -> bool {
        let alive = !self.stopped && self.bytes.iter().flatten().any(|&at| range.contains(at));
        let moving = self.ready.is_some_and(|(row, moves)| {
            let source = moves.map(|m| ByteRange::span(m.from, m.len)).unwrap_or_default();
            row.range().intersects(range) || source.intersects(range)
        });
        alive || moving || self.flying_bytes().any(|at| range.contains(at))
    }
}

/// A request that was told to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Waiting {
    pub(super) id: AttemptId,
    pub(super) at: At,
    pub(super) declared: Option<u64>,
    pub(super) continues: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Naive {
    pub(super) slots: bool,
    pub(super) length: Option<u64>,
    pub(super) limits: Limits,
    pub(super) shape: Option<Shape>,
    /// What the record store has; the machine may not have heard of it yet.
    pub(super) stored: Option<Shape>,
    pub(super) rows: BTreeMap<Key, Row>,
    pub(super) tries: BTreeMap<AttemptId, Try>,
    pub(super) waiting: Vec<Waiting>,
    /// Which byte of which attempt was written last at a position.
    pub(super) file: BTreeMap<u64, (AttemptId, usize)>,
}

impl Naive {
    pub(super) const fn new(slots: bool, length: Option<u64>, limits: Limits) -> Self {
        Self {
            slots,
            length,
            limits,
            shape: None,
            stored: None,
            rows: BTreeMap::new(),
            tries: BTreeMap::new(),
            waiting: Vec::new(),
            file: BTreeMap::new(),
        }
    }

    /// Rows from 0 without a gap: how many, and where they end.
    pub(super) fn frontier(&self) -> (u32, u64) {
        let (mut n, mut end) = (0, 0);
        loop {
            let key = if self.slots { Key::Slot(n) } else { Key::Offset(end) };
            let Some(row) = self.rows.get(&key) else { return (n, end) };
            n += 1;
            end = row.start + row.len;
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        let (n, end) = self.frontier();
        let all = self.shape.is_some_and(|shape| shape.total == n);
        self.length == Some(end) && (!self.slots || all || (end == 0 && self.rows.is_empty()))
    }

    /// Nobody may write where a row stands or where somebody else is.
    pub(super) fn writable(&self, id: AttemptId, range: ByteRange) -> Result<(), String> {
        if range.is_empty() {
            return Ok(());
        }
        if let Some(row) = self.rows.values().find(|row| row.range().intersects(range)) {
            return Err(format!("{id} may write {range}, where {row:?} stands"));
        }
        match self.tries.iter().find(|(other, it)| **other != id && it.minds(range)) {
            Some((other, it)) => Err(format!("{id} may write {range}, where {other} is: {it:?}")),
            None => Ok(()),
        }
    }

    /// Notes a write of the bytes of `id` from number `first` on.
    pub(super) fn write(&mut self, id: AttemptId, first: usize, range: ByteRange) {
        for (index, at) in (first..).zip(range.start()..range.end()) {
            self.file.insert(at, (id, index));
        }
    }

    /// The bytes of a row must be those of its attempt, from number `first` on, and nobody else's writes may
    /// still be on their way there.
    pub(super) fn holds_bytes(&self, id: AttemptId, first: usize, row: Row) -> Result<(), String> {
        for (index, at) in (first..).zip(row.start..row.start + row.len) {
            if self.file.get(&at) != Some(&(id, index)) {
                let found = self.file.get(&at);
                return Err(format!("{row:?} of {id}: position {at} has {found:?}, not byte {index}"));
            }
        }
        self.writable(id, row.range())
    }

    /// The attempt is gone; what it wrote means nothing any more.
    pub(super) fn forget(&mut self, id: AttemptId) {
        self.tries.remove(&id);
        self.file.retain(|_, (owner, _)| *owner != id);
    }
}

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use memchr::{memchr, memrchr};

use super::boundary::Boundary;
use super::error::{MultipartError, Place};
use super::head::{self, PartHead};
use super::limits::Limits;

/// What the scanner found next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// All pushed frames are used up: push another one, or call [`Scanner::end_of_input`] if there is none.
    NeedMore,
    /// A part begins.
    Part(PartHead),
    /// The next bytes of the part's body, never empty: a slice of a pushed frame, or, where what looked like a
    /// delimiter across frames was none, a slice of the boundary's own text.
    Data(Bytes),
    /// The part's body is complete.
    PartEnd,
    /// The closing boundary came and all pushed frames are used up; what follows it is ignored. Said again after
    /// every frame that is pushed then.
    End,
}

/// The state, named by what has just been read.
#[derive(Debug)]
enum State {
    /// Nothing, or text before the first boundary.
    Preamble,
    /// A boundary.
    Boundary,
    /// A boundary and one hyphen.
    Hyphen,
    /// A boundary and at least one space or tab.
    Padding,
    /// A boundary and CR.
    CarriageReturn,
    /// A boundary's line.
    Head,
    /// A part's head.
    Body,
    /// The closing boundary.
    Epilogue,
    /// Something wrong.
    Failed(MultipartError),
}

/// What the search for the delimiter found in a frame.
enum Found {
    Data(Bytes),
    Delimiter,
    NeedMore,
}

/// The scanner: frames in, events out, no I/O.
///
/// Between frames it holds back no more than the beginning of a delimiter, and that as a number: the bytes are
/// those of the boundary, so no frame is kept. After an error it repeats the error.
#[derive(Debug)]
pub struct Scanner {
    boundary: Boundary,
    limits: Limits,
    frames: VecDeque<Bytes>,
    state: State,
    /// Length of the delimiter's beginning that stands at the end of what was read.
    matched: usize,
    /// How much of it was not body: at a body's start the CRLF before it counts as the delimiter's.
    matched_before: usize,
    /// Bytes counted against the limit of preamble, epilogue, or a boundary's padding.
    counted: usize,
    parts: usize,
    head: Vec<u8>,
    /// Where the head's last line begins.
    line: usize,
}

impl Scanner {
    /// A scanner at the start of a body.
    pub fn new(boundary: Boundary, limits: Limits) -> Self {
        Self {
            boundary,
            limits,
            frames: VecDeque::new(),
            state: State::Preamble,
            matched: 2,
            matched_before: 2,
            counted: 0,
            parts: 0,
            head: Vec::new(),
            line: 0,
        }
    }

    /// The limits that the scanner was made with.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Body bytes that were read and not given out, because they may begin a delimiter. Less than the boundary's
    /// length + 4.
    pub fn held_back(&self) -> usize {
        self.matched - self.matched_before
    }

    /// Takes the next frame of the body, of any length. Frames queue up until their events are taken.
    pub fn push(&mut self, frame: Bytes) {
        if !frame.is_empty() && !matches!(self.state, State::Failed(_)) {
            self.frames.push_back(frame);
        }
    }

    /// The next event; the caller goes on until [`Event::NeedMore`] or [`Event::End`].
    ///
    /// # Errors
    /// The form is malformed or over a limit; the same error comes again on every later call.
    pub fn next_event(&mut self) -> Result<Event, MultipartError> {
        let outcome = self.advance();
        if let Err(error) = &outcome {
            self.frames.clear();
            self.state = State::Failed(error.clone());
        }
        outcome
    }

    /// To be called when the body has ended and its last event was taken.
    ///
    /// # Errors
    /// The body ended before the closing boundary, or was already found faulty.
    pub fn end_of_input(&self) -> Result<(), MultipartError> {
        let place = match &self.state {
            State::Epilogue => return Ok(()),
            State::Failed(error) => return Err(error.clone()),
            State::Preamble => Place::Preamble,
            State::Boundary | State::Hyphen | State::Padding | State::CarriageReturn => Place::Boundary,
            State::Head => Place::Head,
            State::Body => Place::Body,
        };
        Err(MultipartError::Truncated { place })
    }

    fn advance(&mut self) -> Result<Event, MultipartError> {
        loop {
            if let State::Failed(error) = &self.state {
                return Err(error.clone());
            }
            let Some(mut frame) = self.frames.pop_front() else {
                return Ok(if matches!(self.state, State::Epilogue) { Event::End } else { Event::NeedMore });
            };
            let event = self.step(&mut frame)?;
            if !frame.is_empty() {
                self.frames.push_front(frame);
            }
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    /// Takes at least one byte off the frame, unless a delimiter began in an earlier frame.
    fn step(&mut self, frame: &mut Bytes) -> Result<Option<Event>, MultipartError> {
        match self.state {
            State::Preamble => match self.seek(frame) {
                Found::NeedMore => {}
                Found::Delimiter => self.boundary_read(),
                Found::Data(ignored) => {
                    let limit = self.limits.preamble_bytes;
                    self.count(ignored.len(), limit, MultipartError::PreambleTooLong { limit })?;
                }
            },
            State::Body => match self.seek(frame) {
                Found::NeedMore => {}
                Found::Data(data) => return Ok(Some(Event::Data(data))),
                Found::Delimiter => {
                    self.boundary_read();
                    return Ok(Some(Event::PartEnd));
                }
            },
            State::Head => return self.read_head(frame),
            State::Epilogue => {
                let limit = self.limits.epilogue_bytes;
                self.count(frame.len(), limit, MultipartError::EpilogueTooLong { limit })?;
                frame.clear();
            }
            _ => {
                let byte = frame.get_u8();
                self.read_boundary_line(byte)?;
            }
        }
        Ok(None)
    }

    /// Looks for the delimiter. CR stands only at its beginning, so where a match breaks off no other one has
    /// begun inside it, and only the frame's last CR can begin one that ends in a later frame.
    fn seek(&mut self, frame: &mut Bytes) -> Found {
        let delimiter = self.boundary.delimiter();
        if self.matched > 0 {
            let wanted = delimiter.get(self.matched..).unwrap_or_default();
            let same = frame.iter().zip(wanted).take_while(|(came, wanted)| came == wanted).count();
            if same == wanted.len() {
                frame.advance(same);
                return Found::Delimiter;
            }
            if same == frame.len() {
                frame.clear();
                self.matched += same;
                return Found::NeedMore;
            }
            let released = delimiter.slice(self.matched_before..self.matched);
            (self.matched, self.matched_before) = (0, 0);
            if !released.is_empty() {
                return Found::Data(released);
            }
        }
        match self.boundary.finder().find(frame) {
            Some(0) => {
                frame.advance(delimiter.len());
                Found::Delimiter
            }
            Some(at) => Found::Data(frame.split_to(at)),
            None => {
                let tail = frame.get(frame.len().saturating_sub(delimiter.len() - 1)..).unwrap_or_default();
                let begun = memrchr(b'\r', tail).and_then(|at| tail.get(at..));
                self.matched = begun.filter(|begun| delimiter.starts_with(begun)).map_or(0, <[u8]>::len);
                let data = frame.split_to(frame.len() - self.matched);
                frame.clear();
                if data.is_empty() { Found::NeedMore } else { Found::Data(data) }
            }
        }
    }

    fn boundary_read(&mut self) {
        self.state = State::Boundary;
        (self.matched, self.matched_before, self.counted) = (0, 0, 0);
    }

    /// Reads what stands between a boundary and its line's end.
    fn read_boundary_line(&mut self, byte: u8) -> Result<(), MultipartError> {
        self.state = match (&self.state, byte) {
            (State::Boundary, b'-') => State::Hyphen,
            (State::Hyphen, b'-') => {
                self.counted = 0;
                State::Epilogue
            }
            (State::Boundary | State::Padding, b' ' | b'\t') => {
                self.count(1, self.limits.head_bytes, self.head_too_long(self.parts + 1))?;
                State::Padding
            }
            (State::Boundary | State::Padding, b'\r') => State::CarriageReturn,
            (State::Boundary | State::Padding, b'\n') => return Err(MultipartError::BareLineFeed),
            (State::CarriageReturn, b'\n') => {
                if self.parts == self.limits.parts {
                    return Err(MultipartError::TooManyParts { limit: self.limits.parts });
                }
                self.parts += 1;
                self.head.clear();
                self.line = 0;
                State::Head
            }
            _ => return Err(MultipartError::AfterBoundary { found: byte }),
        };
        Ok(())
    }

    /// Collects a head line by line; a head is small and has to be whole to be read.
    fn read_head(&mut self, frame: &mut Bytes) -> Result<Option<Event>, MultipartError> {
        let end = memchr(b'\n', frame);
        let piece = frame.split_to(end.map_or(frame.len(), |at| at + 1));
        self.count(piece.len(), self.limits.head_bytes, self.head_too_long(self.parts))?;
        self.head.extend_from_slice(&piece);
        if end.is_none() {
            return Ok(None);
        }
        match self.head.get(self.line..).unwrap_or_default() {
            b"\r\n" => {
                let head = head::parse(self.parts, &self.head)?;
                self.state = State::Body;
                (self.matched, self.matched_before) = (2, 2);
                Ok(Some(Event::Part(head)))
            }
            [.., b'\r', b'\n'] => {
                self.line = self.head.len();
                Ok(None)
            }
            _ => Err(MultipartError::BareLineFeed),
        }
    }

    fn head_too_long(&self, part: usize) -> MultipartError {
        MultipartError::HeadTooLong { part, limit: self.limits.head_bytes }
    }

    /// Counts bytes that have a limit.
    fn count(&mut self, more: usize, limit: usize, error: MultipartError) -> Result<(), MultipartError> {
        self.counted = self.counted.saturating_add(more);
        if self.counted > limit { Err(error) } else { Ok(()) }
    }
}

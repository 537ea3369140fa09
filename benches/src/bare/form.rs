//! The least of a multipart scanner: fields first, one file, a client that keeps to it.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

pub(crate) struct Form {
    finder: Finder<'static>,
    mark: usize,
    state: State,
    held: BytesMut,
    fields: Fields,
}

enum State {
    Heads,
    File,
    Done,
}

#[derive(Default, Clone)]
pub(crate) struct Fields {
    values: Vec<(String, String)>,
    /// Bytes of the file.
    pub(crate) file: u64,
}

impl Fields {
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.values.iter().find(|(n, _)| n == name).unwrap().1.parse().unwrap()
    }
}

impl Form {
    pub(crate) fn new(boundary: &str) -> Self {
        let mark = format!("\r\n--{boundary}");
        let len = mark.len();
        // The first boundary has no line before it.
        let held = BytesMut::from(&b"\r\n"[..]);
        Self {
            finder: Finder::new(mark.as_bytes()).into_owned(),
            mark: len,
            state: State::Heads,
            held,
            fields: Fields::default(),
        }
    }

    pub(crate) fn fields(&self) -> Fields {
        self.fields.clone()
    }

    pub(crate) fn push(&mut self, frame: Bytes, mut data: impl FnMut(Bytes)) {
        match self.state {
            State::Done => {}
            State::File => self.file(frame, &mut data),
            State::Heads => {
                self.held.extend_from_slice(&frame);
                self.heads(&mut data);
            }
        }
    }

    /// Parts before the file are collected whole.
    fn heads(&mut self, data: &mut impl FnMut(Bytes)) {
        loop {
            let text = &self.held[..];
            let Some(end) = memchr::memmem::find(text, b"\r\n\r\n") else { return };
            let head = String::from_utf8_lossy(&text[..end]).into_owned();
            let name = head.split("name=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            let rest = end + 4;
            if name == "file" {
                self.state = State::File;
                let after = self.held.split_off(rest).freeze();
                self.held.clear();
                return self.file(after, data);
            }
            let Some(len) = self.finder.find(&text[rest..]) else { return };
            let value = String::from_utf8_lossy(&text[rest..rest + len]).into_owned();
            self.fields.values.push((name, value));
            let _ = self.held.split_to(rest + len);
        }
    }

    fn file(&mut self, frame: Bytes, data: &mut impl FnMut(Bytes)) {
        let frame = if self.held.is_empty() {
            frame
        } else {
            // The end may lie across two frames: they are joined at the seam.
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(&frame);
            joined.freeze()
        };
        if let Some(end) = self.finder.find(&frame) {
            self.fields.file += end as u64;
            data(frame.slice(..end));
            self.state = State::Done;
            return;
        }
        let tail = &frame[frame.len().saturating_sub(self.mark - 1)..];
        let keep = memchr::memrchr(b'\r', tail).map_or(0, |at| tail.len() - at);
        let cut = frame.len() - keep;
        self.held.extend_from_slice(&frame[cut..]);
        self.fields.file += cut as u64;
        if cut > 0 {
            data(frame.slice(..cut));
        }
    }
}

//! Forms that carry one file among a few small fields, in any order.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use upload_core::Error;

use crate::body::{Counter, Frames, Limit, PartFrames, fault};
use crate::multipart::{Form, Limits, PartHead, boundary};
use crate::request::content_type;

/// Text fields by name, as they came.
pub(crate) type Fields = BTreeMap<&'static str, String>;

/// Which part of a form is the file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FilePart {
    /// The one of this name.
    Named(&'static str),
    /// Whichever has a file name.
    Any,
}

impl FilePart {
    fn is(self, head: &PartHead) -> bool {
        match self {
            Self::Named(name) => head.name.as_deref().unwrap_or_default() == name,
            Self::Any => head.file_name.is_some(),
        }
    }

    /// Its name in messages.
    const fn shown(self) -> &'static str {
        match self {
            Self::Named(name) => name,
            Self::Any => "with a file",
        }
    }
}

/// Which parts of a form count; all others are skipped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// The file's part.
    pub(crate) file: FilePart,
    /// The names of the fields.
    pub(crate) fields: &'static [&'static str],
}

/// A form that is read step by step: fields are collected on the way, the file is handed out as a stream.
#[derive(Debug)]
pub(crate) struct FileForm {
    form: Form<Frames>,
    shape: Shape,
    fields: Fields,
    file: Option<PartHead>,
    announced: Option<u64>,
    received: Counter,
    /// Where in the body the file begins.
    file_start: Option<u64>,
    /// Bytes of the line that ends a form: CRLF, `--`, the boundary, `--`, CRLF.
    closing: u64,
}

impl FileForm {
    /// A form at its start.
    ///
    /// # Errors
    /// `Invalid` if the request is no form; the limit's own error if it announces more than the limit.
    pub(crate) fn new(headers: &HeaderMap, body: Body, shape: Shape, limit: Limit) -> Result<Self, Error> {
        let content_type = content_type(headers)?;
        let boundary = boundary(content_type).map_err(|e| Error::invalid(e.to_string()))?;
        let closing = boundary.as_bytes().len() as u64 + 8;
        let frames = Frames::new(body, limit)?;
        let (announced, received) = (frames.announced(), frames.received());
        let form = Form::new(frames, boundary, Limits::default());
        Ok(Self {
            form,
            shape,
            fields: Fields::new(),
            file: None,
            announced,
            received,
            file_start: None,
            closing,
        })
    }

    /// Reads on to the file, or to the form's end after it.
    ///
    /// # Errors
    /// The body's own faults; `Invalid` if a field, or the file, comes a second time.
    pub(crate) async fn advance(&mut self) -> Result<Option<PartHead>, Error> {
        while let Some(head) = self.form.next_part().await.map_err(fault)? {
            if self.shape.file.is(&head) {
                if self.file.replace(head.clone()).is_some() {
                    return Err(twice(self.shape.file.shown()));
                }
                return Ok(Some(head));
            }
            let name = head.name.as_deref().unwrap_or_default();
            if let Some(field) = self.shape.fields.iter().find(|field| **field == name) {
                let text = self.form.collect_text(usize::MAX).await.map_err(fault)?;
                if self.fields.insert(field, text).is_some() {
                    return Err(twice(field));
                }
            }
        }
        Ok(None)
    }

    /// The fields so far.
    pub(crate) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The bytes of the file, after [`advance`](Self::advance) has reached it.
    pub(crate) fn file(&mut self) -> FileBody<'_> {
        FileBody {
            part: PartFrames(self.form.part_body()),
            received: &self.received,
            start: &mut self.file_start,
        }
    }

    /// The length of the file in bytes if the announced body ends with it, as almost all do: for messages only.
    pub(crate) fn likely_file_length(&self) -> Option<u64> {
        self.announced?.checked_sub(self.file_start?)?.checked_sub(self.closing)
    }
}

fn twice(name: &str) -> Error {
    Error::invalid(format!("the form has more than one part {name}"))
}

/// The bytes of a form's file as they arrive.
#[derive(Debug)]
pub(crate) struct FileBody<'a> {
    part: PartFrames<'a>,
    received: &'a Counter,
    start: &'a mut Option<u64>,
}

impl Stream for FileBody<'_> {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(Pin::new(&mut self.part).poll_next(cx));
        if let Some(Ok(piece)) = &item
            && self.start.is_none()
        {
            // The form reads no frame ahead: the first piece is the end of what was received.
            *self.start = Some(self.received.get().saturating_sub(piece.len() as u64));
        }
        Poll::Ready(item)
    }
}

use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;

use super::boundary::Boundary;
use super::error::{BodyFault, MultipartError, shown};
use super::head::PartHead;
use super::limits::Limits;
use super::scanner::{Event, Scanner};

/// A form read from a stream of frames, part by part.
///
/// After [`next_part`](Self::next_part) the part's body is taken with [`collect_field`](Self::collect_field),
/// [`collect_text`](Self::collect_text) or [`part_body`](Self::part_body), or skipped by the next `next_part`.
///
/// ```
/// use bytes::Bytes;
/// use futures_util::{StreamExt, stream};
/// use upload_http_axum::multipart::{Form, Limits, boundary};
///
/// # async fn read() -> Result<(), Box<dyn std::error::Error>> {
/// let body = "--cut\r\nContent-Disposition: form-data; name=file; filename=a.bin\r\n\r\n0123456789\r\n\
///             --cut\r\nContent-Disposition: form-data; name=sha\r\n\r\n84d8\r\n--cut--\r\n";
/// let frames = stream::iter(body.as_bytes().chunks(7).map(Bytes::from_static).map(Ok::<_, std::io::Error>));
/// let mut form = Form::new(frames, boundary("multipart/form-data; boundary=cut")?, Limits::default());
///
/// let (mut length, mut sha) = (0, String::new());
/// while let Some(head) = form.next_part().await? {
///     if head.is_file() {
///         let mut file = form.part_body();
///         while let Some(slice) = file.next().await {
///             length += slice?.len();
///         }
///     } else if head.name.as_deref() == Some("sha") {
///         sha = form.collect_text(64).await?;
///     }
/// }
/// assert_eq!((length, sha.as_str()), (10, "84d8"));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(read()).unwrap();
/// ```
#[derive(Debug)]
pub struct Form<S> {
    frames: S,
    scanner: Scanner,
    at: At,
    /// The present part's name as error texts show it.
    name: Option<String>,
    field_bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before a part's head.
    Between,
    /// In a part's body.
    Body,
    /// After the closing boundary and all that follows it.
    End,
    /// The frames have ended or failed.
    Dry,
}

impl<S, E> Form<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    /// A form at the start of its body.
    pub fn new(frames: S, boundary: Boundary, limits: Limits) -> Self {
        let scanner = Scanner::new(boundary, limits);
        Self { frames, scanner, at: At::Between, name: None, field_bytes: 0 }
    }

    /// The next part's head, or `None` after the last part. What is left of the present part's body is skipped.
    ///
    /// Before `None` the frames are read to their end, so that the connection can be used again; whether they
    /// fail there is not asked, since the form is complete.
    ///
    /// # Errors
    /// The transport failed, the form is malformed, over a limit, or ended too early.
    pub async fn next_part(&mut self) -> Result<Option<PartHead>, BodyFault> {
        while self.at != At::End {
            match self.next_event().await? {
                Event::Part(head) => {
                    self.at = At::Body;
                    self.name = head.name.clone();
                    return Ok(Some(head));
                }
                Event::End => self.drain().await?,
                _ => {}
            }
        }
        Ok(None)
    }

    /// The present part's body as one piece, up to `limit` bytes and within the form's [`Limits`].
    /// Empty if there is no present part. Dropping the future loses what it had read.
    ///
    /// # Errors
    /// As [`next_part`](Self::next_part), and [`MultipartError::FieldTooLong`], [`MultipartError::FieldsTooLong`].
    pub async fn collect_field(&mut self, limit: usize) -> Result<Vec<u8>, BodyFault> {
        let limit = limit.min(self.scanner.limits().field_bytes);
        let total = self.scanner.limits().total_field_bytes;
        let mut field = Vec::new();
        while self.at == At::Body {
            if let Event::Data(data) = self.next_event().await? {
                if data.len() > limit - field.len() {
                    return Err(MultipartError::FieldTooLong { name: self.shown_name(), limit }.into());
                }
                if data.len() > total - self.field_bytes {
                    return Err(MultipartError::FieldsTooLong { limit: total }.into());
                }
                // A copy: a slice would keep the whole frame, file bytes and all, in memory.
                self.field_bytes += data.len();
                field.extend_from_slice(&data);
            }
        }
        Ok(field)
    }

    /// The present part's body as UTF-8 text, otherwise as [`collect_field`](Self::collect_field).
    ///
    /// # Errors
    /// As `collect_field`, and [`MultipartError::NotText`].
    pub async fn collect_text(&mut self, limit: usize) -> Result<String, BodyFault> {
        let field = self.collect_field(limit).await?;
        String::from_utf8(field).map_err(|_| MultipartError::NotText { name: self.shown_name() }.into())
    }

    /// The present part's body as a stream that ends with the part; the form goes on behind it.
    pub fn part_body(&mut self) -> PartBody<'_, S> {
        PartBody { form: self }
    }

    async fn next_event(&mut self) -> Result<Event, BodyFault> {
        poll_fn(|cx| self.poll_event(cx)).await
    }

    /// The next event but [`Event::NeedMore`], and the state that follows from it.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, BodyFault>> {
        loop {
            match self.scanner.next_event() {
                Ok(Event::NeedMore) => {}
                Ok(event) => {
                    if event == Event::PartEnd {
                        self.at = At::Between;
                    }
                    return Poll::Ready(Ok(event));
                }
                Err(error) => {
                    self.at = At::Dry;
                    return Poll::Ready(Err(error.into()));
                }
            }
            let frame = match self.at {
                At::Dry => None,
                _ => ready!(Pin::new(&mut self.frames).poll_next(cx)),
            };
            match frame {
                Some(Ok(frame)) => self.scanner.push(frame),
                Some(Err(error)) => {
                    self.at = At::Dry;
                    return Poll::Ready(Err(BodyFault::Cut(error.into())));
                }
                None => {
                    self.at = At::Dry;
                    self.scanner.end_of_input()?;
                }
            }
        }
    }

    /// Reads what follows the closing boundary, within its limit.
    async fn drain(&mut self) -> Result<(), BodyFault> {
        while let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut self.frames).poll_next(cx)).await {
            self.scanner.push(frame);
            self.next_event().await?;
        }
        self.at = At::End;
        Ok(())
    }

    fn shown_name(&self) -> String {
        self.name.as_deref().map_or_else(|| "without a name".to_owned(), shown)
    }
}

/// A part's body: a stream of slices that ends with the part, or after its first error.
#[derive(Debug)]
pub struct PartBody<'a, S> {
    form: &'a mut Form<S>,
}

impl<S, E> Stream for PartBody<'_, S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    type Item = Result<Bytes, BodyFault>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.form.at != At::Body {
            return Poll::Ready(None);
        }
        Poll::Ready(match ready!(self.form.poll_event(cx)) {
            Ok(Event::Data(data)) => Some(Ok(data)),
            Ok(_) => None,
            Err(fault) => Some(Err(fault)),
        })
    }
}

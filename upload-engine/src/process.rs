//! Processing: what looks into a complete set before it is committed, within a time, and what becomes of it if that fails.

use std::{ops::Range, panic::AssertUnwindSafe};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{
    FutureExt as _,
    future::{Either, select},
};
use upload_core::{
    Error, ErrorKind, Extras, Result,
    ports::{ProcessError, Processing, StoreError, StoreErrorKind, StoredBytes},
    record::{Failure, FailureKind, Head},
};

use crate::{content::Content, engine::Engine};

/// The bytes of a complete set.
#[derive(Debug)]
struct Whole<'a> {
    engine: &'a Engine,
    content: &'a Content,
    length: u64,
}

#[async_trait]
impl StoredBytes for Whole<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        if range.start >= range.end {
            return Ok(Bytes::new());
        }
        let wanted = range.end - range.start;
        let bytes = self.engine.read_content(self.content, range).await?;
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(StoreError::new(StoreErrorKind::Corrupt, "fewer bytes than are stored"))
        }
    }
}

/// How processing ended.
pub(crate) enum Processed {
    /// What was found, by processor.
    Details(Extras),
    /// The upload can never be what it should be.
    Refused(Failure),
    /// It did not work this time.
    Deferred(Error),
}

impl Engine {
    /// Whether anything is to look into such an upload.
    pub(crate) fn processes(&self, head: &Head, content_type: Option<&str>) -> bool {
        let subject = subject(head, content_type);
        !head.partial && self.processors().iter().any(|processor| processor.wants(&subject))
    }

    /// Lets every processor that wants to look into the bytes, one after the other.
    pub(crate) async fn process(
        &self,
        head: &Head,
        content: &Content,
        length: u64,
        content_type: Option<&str>,
    ) -> Processed {
        if !self.processes(head, content_type) {
            return Processed::Details(Extras::new());
        }
        let bytes = Whole { engine: self, content, length };
        let subject = subject(head, content_type);
        let (mut details, mut room) = (Extras::new(), self.settings().max_details);
        for processor in self.processors().iter().filter(|processor| processor.wants(&subject)) {
            let name = processor.name();
            let time = self.clock().sleep(self.settings().process_time);
            // Caught, so that it counts as an attempt, and so that a sweep goes on to the next upload.
            let work = AssertUnwindSafe(processor.process(&subject, &bytes)).catch_unwind();
            let ended = match select(work, time).await {
                Either::Left((ended, _)) => {
                    ended.unwrap_or_else(|_| Err(ProcessError::Failed("it panicked".to_owned())))
                }
                Either::Right(_) => Err(ProcessError::Failed(format!(
                    "it took longer than {:?}",
                    self.settings().process_time
                ))),
            };
            let ended = ended.and_then(|found| {
                let size = serde_json::to_vec(&found).map_or(usize::MAX, |json| json.len());
                room = room.checked_sub(size).ok_or_else(|| {
                    ProcessError::Failed(format!("its {size} bytes are more than a record may still take"))
                })?;
                Ok(found)
            });
            match ended {
                Ok(found) => drop(details.insert(name.to_owned(), found)),
                Err(ProcessError::Unreadable(why)) if head.policy.refuse_unreadable => {
                    return Processed::Refused(Failure::new(FailureKind::Unreadable, why));
                }
                Err(ProcessError::Unreadable(why)) => {
                    tracing::info!(processor = name, %why, "kept without its details");
                }
                Err(e) => {
                    metrics::counter!("upload_processing_failed_total").increment(1);
                    tracing::warn!(processor = name, error = %e, "processing failed");
                    let text = "the content could not be processed this time";
                    let error = Error::new(ErrorKind::ProcessingFailed, text);
                    return Processed::Deferred(error.with_source(format!("{name}: {e}")));
                }
            }
        }
        Processed::Details(details)
    }
}

fn subject<'a>(head: &'a Head, content_type: Option<&'a str>) -> Processing<'a> {
    let mut subject = Processing::new(&head.destination);
    (subject.content_type, subject.file_name) = (content_type, head.file_name.as_deref());
    subject
}

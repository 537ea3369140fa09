//! Resumable sessions: their address is their own credential.

use bytes::Bytes;

use super::{Answer, Ask, Bucket, error};

#[derive(Debug)]
pub struct Session {
    key: String,
    bytes: Vec<u8>,
    content_type: String,
}

impl Bucket {
    pub fn begin(&mut self, ask: &Ask) -> Answer {
        let id = format!("session-{}", self.next());
        let content_type = ask.header("content-type").unwrap_or("application/octet-stream").to_owned();
        self.resumable.insert(id.clone(), Session { key: ask.key.clone(), bytes: Vec::new(), content_type });
        let host = ask.header("host").unwrap_or_default();
        let path = ask.target.split('?').next().unwrap_or_default();
        (201, vec![("location", format!("http://{host}{path}?upload_id={id}"))], Bytes::new())
    }

    /// `bytes FIRST-LAST/TOTAL`, either of which may be `*`.
    pub fn resume(&mut self, ask: &Ask) -> Answer {
        let id = ask.get("upload_id").to_owned();
        let Some(mut session) = self.resumable.remove(&id) else { return error(404, "NoSuchUpload") };
        let said = ask.header("content-range").and_then(|range| range.strip_prefix("bytes "));
        let (range, total) = said.and_then(|range| range.split_once('/')).unwrap_or(("*", "*"));
        if let Some((first, last)) = range.split_once('-') {
            let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
            if first != session.bytes.len() || last + 1 - first != ask.body.len() {
                self.resumable.insert(id, session);
                return error(400, "InvalidArgument");
            }
        }
        session.bytes.extend_from_slice(&ask.body);
        if total.parse() == Ok(session.bytes.len()) {
            return self.store(&session.key, session.bytes.into(), &session.content_type);
        }
        let has = session.bytes.len().checked_sub(1).map(|last| ("range", format!("bytes=0-{last}")));
        self.resumable.insert(id, session);
        (308, has.into_iter().collect(), Bytes::new())
    }
}

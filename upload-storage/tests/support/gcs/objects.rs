//! Whole objects: put, get, delete.

use bytes::Bytes;
use upload_checksum::{Algorithm, Hasher};

use super::{Answer, Ask, Bucket, Object, error};

pub fn md5(bytes: &[u8]) -> upload_checksum::Digest {
    let mut hasher = Hasher::new(Algorithm::Md5);
    hasher.update(bytes);
    hasher.finish()
}

/// What the request says of its body, and what does not hold.
pub fn body_is_wrong(ask: &Ask) -> Option<Answer> {
    if ask.header("content-md5").is_some_and(|said| said != md5(&ask.body).to_base64()) {
        return Some(error(400, "BadDigest"));
    }
    let (least, most) = ask.header("x-goog-content-length-range")?.split_once(',')?;
    let (least, most) = (least.parse::<usize>().ok()?, most.parse::<usize>().ok()?);
    match ask.body.len() {
        length if length < least => Some(error(400, "EntityTooSmall")),
        length if length > most => Some(error(400, "EntityTooLarge")),
        _ => None,
    }
}

impl Bucket {
    /// Whether the request's conditions hold for what is there.
    fn refused(&self, ask: &Ask) -> Option<Answer> {
        let found = self.objects.get(&ask.key);
        let generation = found.map_or(0, |object| object.generation);
        let expected = ask.header("x-goog-if-generation-match").map(|text| text.parse::<u64>());
        let none_match = ask.header("if-none-match") == Some("*") && found.is_some();
        let tag = ask.header("if-match").is_some_and(|tag| found.is_none_or(|object| object.etag != tag));
        match expected {
            Some(Err(_)) => Some(error(400, "InvalidArgument")),
            Some(Ok(expected)) if expected != generation => Some(error(412, "PreconditionFailed")),
            _ if none_match || tag => Some(error(412, "PreconditionFailed")),
            _ => None,
        }
    }

    pub fn store(&mut self, key: &str, bytes: Bytes, content_type: &str) -> Answer {
        let generation = self.next();
        let etag = format!("\"{}\"", md5(&bytes).to_hex());
        let object = Object { bytes, generation, etag: etag.clone(), content_type: content_type.to_owned() };
        self.objects.insert(key.to_owned(), object);
        (200, vec![("etag", etag), ("x-goog-generation", generation.to_string())], Bytes::new())
    }

    pub fn put(&mut self, ask: &Ask) -> Answer {
        if let Some(refused) = body_is_wrong(ask).or_else(|| self.refused(ask)) {
            return refused;
        }
        self.store(
            &ask.key,
            ask.body.clone(),
            ask.header("content-type").unwrap_or("application/octet-stream"),
        )
    }

    pub fn get(&mut self, ask: &Ask) -> Answer {
        let Some(object) = self.objects.get(&ask.key) else { return error(404, "NoSuchKey") };
        let size = object.bytes.len();
        let mut headers = vec![
            ("etag", object.etag.clone()),
            ("x-goog-generation", object.generation.to_string()),
            ("content-type", object.content_type.clone()),
            ("last-modified", "Sat, 21 Nov 2026 10:00:00 GMT".to_owned()),
        ];
        if ask.has("response-content-type") {
            headers[2].1 = ask.get("response-content-type").to_owned();
        }
        if ask.has("response-content-disposition") {
            headers.push(("content-disposition", ask.get("response-content-disposition").to_owned()));
        }
        if let Some(range) = ask.header("range").and_then(|range| range.strip_prefix("bytes=")) {
            let (start, end) = range.split_once('-').unwrap();
            let (start, end) = match (start.parse::<usize>(), end.parse::<usize>()) {
                (Ok(start), Ok(end)) => (start, end.saturating_add(1).min(size)),
                (Ok(start), Err(_)) => (start, size),
                (_, Ok(last)) => (size.saturating_sub(last), size),
                _ => return error(400, "InvalidArgument"),
            };
            if start >= end {
                return error(416, "InvalidRange");
            }
            headers.push(("content-range", format!("bytes {start}-{}/{size}", end - 1)));
            return (206, headers, object.bytes.slice(start..end));
        }
        if ask.method == "HEAD" {
            headers.push(("content-length", size.to_string()));
        }
        (200, headers, object.bytes.clone())
    }

    pub fn delete(&mut self, ask: &Ask) -> Answer {
        if !self.objects.contains_key(&ask.key) {
            return error(404, "NoSuchKey");
        }
        if let Some(refused) = self.refused(ask) {
            return refused;
        }
        self.objects.remove(&ask.key);
        (204, Vec::new(), Bytes::new())
    }
}

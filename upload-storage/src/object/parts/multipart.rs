use std::{collections::BTreeSet, fmt::Write as _, ops::Range, sync::Arc};

use async_trait::async_trait;
use object_store::{PutPayload, path::Path, signer::Method};
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{Part, Session, StoreError},
};

use super::{
    Sessions, no_session, not_so,
    xml::{Element, escaped},
};
use crate::object::{Answer, Ask, Provider, failed::refused};

/// Multipart uploads as S3 has them, and Google's XML API.
///
/// The requests are our own: `object_store` numbers parts by their place in the list, has no listing of parts or uploads, and
/// its parts carry more than an ETag where a checksum is configured.
#[derive(Debug)]
pub(super) struct Multipart {
    provider: Arc<Provider>,
}

/// Codes of refusals that mean: what is listed is not what is stored.
const NOT_SO: [&str; 3] = ["InvalidPart", "InvalidPartOrder", "EntityTooSmall"];

/// Names and uploads that are asked for at once.
const PAGE: &str = "1000";

/// An upload that is under way.
struct Open {
    staging: StagingName,
    session: Session,
}

impl Multipart {
    pub(super) fn new(provider: Arc<Provider>) -> Self {
        Self { provider }
    }

    fn path(&self, key: &ObjectKey) -> Result<Path, StoreError> {
        self.provider.path(key.as_str())
    }

    /// One page of the uploads under way whose keys begin with `prefix`, after the markers; and the markers of the next.
    async fn uploads(
        &self,
        prefix: &str,
        markers: &(String, String),
    ) -> Result<(Vec<Open>, Option<(String, String)>), StoreError> {
        let what = "listing uploads in parts";
        let own = self.provider.prefix();
        let mut ask = Ask::new(Method::GET, None).query("uploads", "");
        ask = ask.query("prefix", format!("{own}{prefix}")).query("max-uploads", PAGE);
        if !markers.0.is_empty() {
            ask = ask.query("key-marker", markers.0.as_str());
        }
        if !markers.1.is_empty() {
            ask = ask.query("upload-id-marker", markers.1.as_str());
        }
        let answer = self.provider.ask_again(ask).await?;
        let listing = document(what, &answer, &["ListMultipartUploadsResult"])?;
        let open = |upload: &Element| {
            let key = ObjectKey::parse(upload.get("Key").strip_prefix(own)?)?;
            let session = Session::new(upload.get("UploadId"));
            Some(Open { staging: StagingName::of(&key), session })
        };
        let next = (listing.get("NextKeyMarker").to_owned(), listing.get("NextUploadIdMarker").to_owned());
        let goes_on = listing.get("IsTruncated") == "true" && next != *markers && !next.0.is_empty();
        Ok((listing.all("Upload").filter_map(open).collect(), goes_on.then_some(next)))
    }
}

/// The answer's document, whose root must have one of these names; a store may answer with an error under a good status.
fn document(what: &str, answer: &Answer, roots: &[&str]) -> Result<Element, StoreError> {
    if !answer.is_success() {
        return Err(refused(what, answer));
    }
    let document = Element::parse(what, &answer.body)?;
    if roots.contains(&document.name.as_str()) {
        return Ok(document);
    }
    let (code, message) = (document.get("Code"), document.get("Message"));
    Err(StoreError::unavailable(format!(
        "{what}: {roots:?} was expected, {} came: {code} {message}",
        document.name
    )))
}

/// The tag of a part that was stored.
fn tag_of(what: &str, tag: &str) -> Result<String, StoreError> {
    match unquoted(tag) {
        "" => Err(StoreError::unavailable(format!("{what}: no ETag came"))),
        tag => Ok(tag.to_owned()),
    }
}

/// An ETag without its quotes: not every store writes them everywhere.
fn unquoted(tag: &str) -> &str {
    tag.trim().trim_matches('"')
}

/// The code of a refusal.
fn code(answer: &Answer) -> String {
    Element::parse("", &answer.body).map(|error| error.get("Code").to_owned()).unwrap_or_default()
}

fn manifest(parts: &[Part]) -> String {
    let mut xml = String::from("<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for part in parts {
        let tag = escaped(&part.tag);
        let number = part.number;
        // Writing to a string cannot fail.
        let _ = write!(xml, "<Part><PartNumber>{number}</PartNumber><ETag>&quot;{tag}&quot;</ETag></Part>");
    }
    xml + "</CompleteMultipartUpload>"
}

#[async_trait]
impl Sessions for Multipart {
    async fn open(&self, key: &ObjectKey) -> Result<Session, StoreError> {
        let what = format!("opening an upload in parts of {key}");
        let path = self.path(key)?;
        let ask = Ask::new(Method::POST, Some(&path)).query("uploads", "").header("content-length", "0")?;
        // A second one that nobody knows is found by a listing of the key.
        let answer = self.provider.ask_again(ask).await?;
        let opened = document(&what, &answer, &["InitiateMultipartUploadResult"])?;
        match opened.get("UploadId") {
            "" => Err(StoreError::unavailable(format!("{what}: the store named none"))),
            id => Ok(Session::new(id)),
        }
    }

    async fn put(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        payload: PutPayload,
    ) -> Result<String, StoreError> {
        let what = format!("part {number} of {key}");
        let path = self.path(key)?;
        let ask = Ask::new(Method::PUT, Some(&path))
            .query("partNumber", number.to_string())
            .query("uploadId", session.as_str())
            .body(payload);
        let answer = self.provider.ask_again(ask).await?;
        if !answer.is_success() {
            return Err(refused(&what, &answer));
        }
        let tag = answer.headers.get("etag").and_then(|tag| tag.to_str().ok());
        tag_of(&what, tag.unwrap_or_default())
    }

    async fn copy(
        &self,
        key: &ObjectKey,
        session: &Session,
        number: u64,
        from: &ObjectKey,
        range: Range<u64>,
    ) -> Result<String, StoreError> {
        let what = format!("part {number} of {key}, of {from}");
        let (path, source) = (self.path(key)?, self.path(from)?);
        let last = range.end.saturating_sub(1);
        let ask = Ask::new(Method::PUT, Some(&path))
            .query("partNumber", number.to_string())
            .query("uploadId", session.as_str())
            .header("content-length", "0")?
            .header("x-amz-copy-source", &format!("/{}/{source}", self.provider.bucket()))?
            .header("x-amz-copy-source-range", &format!("bytes={}-{last}", range.start))?;
        let answer = self.provider.ask_again(ask).await?;
        let copied = document(&what, &answer, &["CopyPartResult"])?;
        tag_of(&what, copied.get("ETag"))
    }

    async fn list(&self, key: &ObjectKey, session: &Session) -> Result<Vec<Part>, StoreError> {
        let what = format!("listing the parts of {key}");
        let path = self.path(key)?;
        let (mut parts, mut marker): (Vec<Part>, u64) = (Vec::new(), 0);
        loop {
            let ask = Ask::new(Method::GET, Some(&path))
                .query("uploadId", session.as_str())
                .query("max-parts", PAGE)
                .query("part-number-marker", marker.to_string());
            let answer = self.provider.ask_again(ask).await?;
            if answer.status == 404 {
                return Err(no_session(key, session));
            }
            let listing = document(&what, &answer, &["ListPartsResult", "ListPartsResponse"])?;
            for part in listing.all("Part") {
                let tag = unquoted(part.get("ETag"));
                parts.push(Part::new(part.number("PartNumber")?, part.number("Size")?, tag));
            }
            if listing.get("IsTruncated") != "true" {
                break;
            }
            let next = listing.number("NextPartNumberMarker")?;
            if next <= marker {
                return Err(StoreError::unavailable(format!("{what}: after {marker} comes {next}")));
            }
            marker = next;
        }
        parts.sort_by_key(|part| part.number);
        Ok(parts)
    }

    async fn complete(&self, key: &ObjectKey, session: &Session, parts: &[Part]) -> Result<(), StoreError> {
        let what = format!("completing {key}");
        let path = self.path(key)?;
        let xml = manifest(parts);
        let ask = Ask::new(Method::POST, Some(&path))
            .query("uploadId", session.as_str())
            .header("content-type", "application/xml")?
            .body(xml);
        let answer = self.provider.ask_again(ask).await?;
        match answer.status {
            404 => Err(no_session(key, session)),
            400..500 if NOT_SO.contains(&code(&answer).as_str()) => Err(not_so(key, refused(&what, &answer))),
            _ => match document(&what, &answer, &["CompleteMultipartUploadResult"]) {
                Ok(_) => Ok(()),
                // Done all the same, it may be: then the session is gone.
                Err(error) => self.list(key, session).await.and(Err(error)),
            },
        }
    }

    async fn abort(&self, key: &ObjectKey, session: &Session) -> Result<(), StoreError> {
        let path = self.path(key)?;
        let ask = Ask::new(Method::DELETE, Some(&path)).query("uploadId", session.as_str());
        let answer = self.provider.ask_again(ask).await?;
        match answer.status {
            200..300 | 404 => Ok(()),
            _ => Err(refused(&format!("giving an upload of {key} up"), &answer)),
        }
    }

    async fn abort_all(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let staging = StagingName::of(key);
        let mut markers = Default::default();
        loop {
            let (open, next) = self.uploads(key.as_str(), &markers).await?;
            for open in open.iter().filter(|open| open.staging == staging) {
                self.abort(key, &open.session).await?;
            }
            match next {
                Some(next) => markers = next,
                None => return Ok(()),
            }
        }
    }

    async fn staged(
        &self,
        until: Hour,
        after: Option<&StagingName>,
        limit: usize,
    ) -> Result<Vec<StagingName>, StoreError> {
        let mut names = BTreeSet::new();
        let ordered = self.provider.profile().lists_uploads_in_order();
        let after_key = after.filter(|_| ordered).map(ObjectKey::of);
        let marker = after_key.map(|key| format!("{}{key}", self.provider.prefix()));
        let mut markers = (marker.unwrap_or_default(), String::new());
        loop {
            let (open, next) = self.uploads(ObjectKey::PREFIX, &markers).await?;
            let beyond = open.iter().any(|open| open.staging.hour() > until);
            let wanted = |name: &StagingName| name.hour() <= until && after.is_none_or(|after| name > after);
            names.extend(open.into_iter().map(|open| open.staging).filter(wanted));
            while names.len() > limit {
                names.pop_last();
            }
            match next {
                Some(next) if !ordered || (names.len() < limit && !beyond) => markers = next,
                _ => return Ok(names.into_iter().collect()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use upload_core::ports::StoreErrorKind;

    use super::*;

    #[test]
    fn a_manifest_has_the_numbers_and_tags_of_its_parts() {
        let parts = [Part::new(2, 9, "a&b"), Part::new(10_000, 1, "c")];
        assert_eq!(
            manifest(&parts),
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Part><PartNumber>2</PartNumber><ETag>&quot;a&amp;b&quot;</ETag></Part>\
             <Part><PartNumber>10000</PartNumber><ETag>&quot;c&quot;</ETag></Part></CompleteMultipartUpload>"
        );
    }

    #[test]
    fn tags_lose_their_quotes() {
        assert_eq!((unquoted("\"abc\""), unquoted("abc")), ("abc", "abc"));
    }

    #[test]
    fn an_error_under_a_good_status_is_no_success() {
        let answer = |body: &'static str| Answer {
            status: 200,
            headers: Default::default(),
            body: bytes::Bytes::from_static(body.as_bytes()),
        };
        let root = &["CompleteMultipartUploadResult"];
        assert!(document("it", &answer("<CompleteMultipartUploadResult/>"), root).is_ok());
        let hidden = answer("<Error><Code>InternalError</Code></Error>");
        let error = document("it", &hidden, root).unwrap_err();
        assert!(
            error.kind == StoreErrorKind::Unavailable && error.detail.contains("InternalError"),
            "{error}"
        );
        assert!(document("it", &answer("<CompleteMultipartUploadResult><Key>"), root).is_err());
    }
}

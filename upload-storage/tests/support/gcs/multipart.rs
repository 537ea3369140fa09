//! Multipart uploads.

use std::{collections::BTreeMap, ops::Bound};

use bytes::Bytes;

use super::{
    Answer, Ask, Bucket, error,
    objects::{body_is_wrong, md5},
    xml,
};

/// Least bytes of a part that is not the last.
const MIN: usize = 5 << 20;

/// Most parts or uploads of an answer: a store may give fewer than it is asked for.
const PAGE: usize = 25;

#[derive(Debug, Default)]
pub struct Upload {
    parts: BTreeMap<u64, (String, Bytes)>,
}

fn upload_of(ask: &Ask) -> (String, String) {
    (ask.key.clone(), ask.get("uploadId").to_owned())
}

/// Numbers and tags in the order in which the document lists them.
fn listed(document: &str) -> Option<Vec<(u64, String)>> {
    let between = |text: &str, start: &str, end: &str| -> Option<String> {
        let (_, rest) = text.split_once(start)?;
        Some(rest.split_once(end)?.0.to_owned())
    };
    document
        .split("<Part>")
        .skip(1)
        .map(|part| {
            let number = between(part, "<PartNumber>", "</PartNumber>")?.parse().ok()?;
            Some((number, between(part, "<ETag>", "</ETag>")?.replace("&quot;", "\"")))
        })
        .collect()
}

impl Bucket {
    pub fn initiate(&mut self, ask: &Ask) -> Answer {
        let id = format!("upload-{}+/=", self.next());
        self.uploads.insert((ask.key.clone(), id.clone()), Upload::default());
        let key = &ask.key;
        xml("InitiateMultipartUploadResult", format!("<Key>{key}</Key><UploadId>{id}</UploadId>"))
    }

    pub fn put_part(&mut self, ask: &Ask) -> Answer {
        let Ok(number @ 1..=10_000) = ask.get("partNumber").parse() else {
            return error(400, "InvalidArgument");
        };
        if let Some(wrong) = body_is_wrong(ask) {
            return wrong;
        }
        let Some(upload) = self.uploads.get_mut(&upload_of(ask)) else { return error(404, "NoSuchUpload") };
        let etag = format!("\"{}\"", md5(&ask.body).to_hex());
        upload.parts.insert(number, (etag.clone(), ask.body.clone()));
        (200, vec![("etag", etag)], Bytes::new())
    }

    pub fn list_parts(&mut self, ask: &Ask) -> Answer {
        let Some(upload) = self.uploads.get(&upload_of(ask)) else { return error(404, "NoSuchUpload") };
        let after: u64 = ask.get("part-number-marker").parse().unwrap_or(0);
        let most = ask.get("max-parts").parse().unwrap_or(PAGE).min(PAGE);
        let mut rest = upload.parts.range((Bound::Excluded(after), Bound::Unbounded));
        let page: Vec<_> = rest.by_ref().take(most).collect();
        let mut inside = format!("<IsTruncated>{}</IsTruncated>", rest.next().is_some());
        if let Some((last, _)) = page.last() {
            inside += &format!("<NextPartNumberMarker>{last}</NextPartNumberMarker>");
        }
        for (number, (etag, bytes)) in page {
            let (etag, size) = (etag.replace('"', "&quot;"), bytes.len());
            inside += &format!(
                "<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag><Size>{size}</Size></Part>"
            );
        }
        xml("ListPartsResult", inside)
    }

    pub fn list_uploads(&mut self, ask: &Ask) -> Answer {
        let after = (ask.get("key-marker").to_owned(), ask.get("upload-id-marker").to_owned());
        let most = ask.get("max-uploads").parse().unwrap_or(PAGE).min(PAGE);
        let follows = |(key, id): &(String, String)| match key.cmp(&after.0) {
            std::cmp::Ordering::Equal => !after.1.is_empty() && *id > after.1,
            order => order.is_gt(),
        };
        let named = |names: &&(String, String)| names.0.starts_with(ask.get("prefix")) && follows(names);
        let mut rest = self.uploads.keys().filter(named);
        let page: Vec<_> = rest.by_ref().take(most).collect();
        let mut inside = format!("<IsTruncated>{}</IsTruncated>", rest.next().is_some());
        if let Some((key, id)) = page.last() {
            inside +=
                &format!("<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>");
        }
        for (key, id) in page {
            inside += &format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId></Upload>");
        }
        xml("ListMultipartUploadsResult", inside)
    }

    pub fn complete(&mut self, ask: &Ask) -> Answer {
        let named = upload_of(ask);
        let Some(upload) = self.uploads.get(&named) else { return error(404, "NoSuchUpload") };
        let document = String::from_utf8_lossy(&ask.body);
        let Some(listed) = listed(&document).filter(|listed| !listed.is_empty()) else {
            return error(400, "MalformedXML");
        };
        if !listed.is_sorted_by(|a, b| a.0 < b.0) {
            return error(400, "InvalidPartOrder");
        }
        let mut whole = Vec::new();
        for (n, (number, tag)) in listed.iter().enumerate() {
            match upload.parts.get(number) {
                Some((etag, bytes)) if etag == tag => {
                    if bytes.len() < MIN && n + 1 < listed.len() {
                        return error(400, "EntityTooSmall");
                    }
                    whole.extend_from_slice(bytes);
                }
                _ => return error(400, "InvalidPart"),
            }
        }
        self.uploads.remove(&named);
        let (_, headers, _) = self.store(&ask.key, whole.into(), "application/octet-stream");
        let etag = headers[0].1.replace('"', "&quot;");
        let (status, mut all, body) = xml("CompleteMultipartUploadResult", format!("<ETag>{etag}</ETag>"));
        all.extend(headers);
        (status, all, body)
    }

    pub fn abort(&mut self, ask: &Ask) -> Answer {
        match self.uploads.remove(&upload_of(ask)) {
            Some(_) => (204, Vec::new(), Bytes::new()),
            None => error(404, "NoSuchUpload"),
        }
    }
}

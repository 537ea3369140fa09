use upload_checksum::{Algorithm, Digest};
use upload_core::{
    Access, Verb,
    ports::{SignFor, StoreError},
};

use super::{session, text::disposition};

/// What a request of S3's and Google's language is made of.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) method: &'static str,
    pub(super) query: Vec<(String, String)>,
    /// Headers that are signed and must be sent.
    pub(super) headers: Vec<(&'static str, String)>,
    /// Exact bytes of the body, where they are known.
    pub(super) length: Option<u64>,
}

/// How one of the two names things.
pub(super) struct Names {
    /// What keeps an object that is there: a header and its value.
    pub(super) write_once: (&'static str, &'static str),
    /// The header of a digest of the whole body, and its value, where the store verifies it.
    pub(super) digest: fn(&Digest) -> Option<(&'static str, String)>,
}

impl Shape {
    pub(super) fn of(ask: &SignFor<'_>, names: &Names) -> Result<Self, StoreError> {
        let method = match ask.access {
            Access::Put | Access::Part(_) => "PUT",
            Access::BeginParts | Access::CommitParts => "POST",
            Access::AbortParts => "DELETE",
            _ => "GET",
        };
        let mut shape = Self { method, query: Vec::new(), headers: Vec::new(), length: None };
        match ask.access {
            Access::Put => {
                let (name, value) = names.write_once;
                shape.headers.push((name, value.to_owned()));
                shape.headers.extend(ask.digest.and_then(names.digest));
                shape.length = ask.length;
            }
            Access::BeginParts => shape.add("uploads", ""),
            Access::Part(number) => {
                shape.add("partNumber", &number.to_string());
                // Other digests of a part need a session that was opened for them.
                let md5 = ask.digest.filter(|digest| digest.algorithm() == Algorithm::Md5);
                shape.headers.extend(md5.and_then(names.digest));
                shape.length = ask.part_length;
            }
            Access::Read => {
                if let Some(kind) = ask.content_type {
                    shape.add("response-content-type", kind);
                }
                if let Some(name) = ask.file_name {
                    shape.add("response-content-disposition", &disposition(name));
                }
            }
            _ => {}
        }
        if matches!(
            ask.access,
            Access::Part(_) | Access::ListParts | Access::CommitParts | Access::AbortParts
        ) {
            shape.add("uploadId", session(ask)?.as_str());
        }
        if let (Some(kind), "PUT" | "POST") = (ask.content_type, method) {
            shape.headers.push(("content-type", kind.to_owned()));
        }
        Ok(shape)
    }

    fn add(&mut self, name: &str, value: &str) {
        self.query.push((name.to_owned(), value.to_owned()));
    }

    /// The headers as they are told to the holder.
    pub(super) fn fields(&self) -> Vec<(String, String)> {
        self.headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }
}

/// What the request does.
pub(super) fn verb(access: Access) -> Verb {
    match access {
        Access::BeginParts | Access::CommitParts => Verb::Post,
        Access::Put | Access::Part(_) => Verb::Put,
        Access::AbortParts => Verb::Delete,
        _ => Verb::Get,
    }
}

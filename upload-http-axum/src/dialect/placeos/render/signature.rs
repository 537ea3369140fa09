//! Signatures: what a client sends to the store, as it is told for each residence.

use upload_checksum::Digest;
use upload_core::{Access, Ask, SignedRequest, Verb};

use super::super::wire::{AZURE, BINARY, Signature, XML};
use crate::signed;

/// What a signature was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    access: Access,
    content_type: Option<String>,
    digest: Option<Digest>,
}

impl Asked {
    pub(crate) fn of(ask: &Ask) -> Self {
        Self { access: ask.access, content_type: ask.content_type.clone(), digest: ask.digest }
    }

    /// The request to our own store.
    pub(crate) fn to_us(&self, url: String) -> Signature {
        let content_type =
            self.content_type.clone().map(|media_type| ("Content-Type".to_owned(), media_type));
        let digest = self.digest.map(|md5| ("Content-MD5".to_owned(), md5.to_base64()));
        let verb = match self.access {
            Access::Put | Access::Part(_) => "PUT",
            Access::BeginParts | Access::CommitParts => "POST",
            Access::AbortParts => "DELETE",
            _ => "GET",
        };
        Signature { verb, url, headers: content_type.into_iter().chain(digest).collect() }
    }

    /// The request that the store has signed. Azure's signatures are of no header, so what its page shows is added.
    pub(crate) fn to_store(&self, request: SignedRequest, residence: &str) -> Signature {
        let mut signature = Signature {
            verb: method(request.verb),
            headers: signed::headers(&request).collect(),
            url: request.url,
        };
        if residence == AZURE {
            match self.access {
                Access::Put => self.of_blob(&mut signature),
                Access::Part(_) | Access::CommitParts => {
                    signature.headers.insert("Content-Type".to_owned(), BINARY.to_owned());
                }
                _ => {}
            }
        }
        signature
    }

    /// The request that the store needs not, as Azure's clients are told it: they go on when the URL is empty.
    pub(crate) fn to_nowhere(&self, content_type: Option<&str>, file_id: &str) -> Signature {
        let mut signature = Signature { verb: "PUT", url: String::new(), headers: [].into() };
        let media_type = content_type.unwrap_or(BINARY);
        for (name, value) in [
            ("Content-Type", media_type),
            ("x-ms-blob-content-type", media_type),
            ("x-ms-blob-content-md5", file_id),
        ] {
            signature.headers.insert(name.to_owned(), value.to_owned());
        }
        signature
    }

    /// What stands with a blob in Azure.
    fn of_blob(&self, signature: &mut Signature) {
        let media_type = self.content_type.as_deref().unwrap_or(BINARY);
        signature.headers.insert("x-ms-blob-content-type".to_owned(), media_type.to_owned());
        if let Some(md5) = &self.digest {
            signature.headers.insert("x-ms-blob-content-md5".to_owned(), md5.to_base64());
        }
    }
}

/// The type that the bytes of a request must be sent as.
pub(crate) fn type_of(access: Access, declared: Option<&str>) -> Option<&str> {
    match access {
        Access::Put => Some(declared.unwrap_or(BINARY)),
        Access::Part(_) => Some(BINARY),
        Access::CommitParts => Some(XML),
        _ => None,
    }
}

/// The method of a request that the store has signed.
const fn method(verb: Verb) -> &'static str {
    match verb {
        Verb::Put => "PUT",
        Verb::Post => "POST",
        Verb::Delete => "DELETE",
        _ => "GET",
    }
}

//! Requests that object_store does not make, signed with its credentials.

use std::{fmt, time::Duration};

use bytes::Bytes;
use object_store::{
    PutPayload,
    client::{HttpClient, HttpErrorKind, HttpRequest, HttpRequestBody},
    path::Path,
    signer::{HeaderMap, HeaderName, HeaderValue, Method, Url},
};
use upload_checksum::Digest;
#[cfg(feature = "s3")]
use upload_checksum::{Algorithm, Hasher};
use upload_core::ports::{StoreError, StoreErrorKind};

use super::{Provider, url::wrong};

/// A request to the store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ask<'a> {
    /// Its method.
    pub method: Method,
    /// The object; `None` is the bucket itself.
    pub path: Option<&'a Path>,
    /// Names and values after the question mark.
    pub query: Vec<(&'a str, String)>,
    /// Headers beyond those of the signature.
    pub headers: HeaderMap,
    /// The body; in memory, and hashed for the signature where no TLS guards it.
    pub body: PutPayload,
}

impl<'a> Ask<'a> {
    /// A request for an object, or the bucket; the rest are public fields.
    pub fn new(method: Method, path: Option<&'a Path>) -> Self {
        Self { method, path, query: Vec::new(), headers: HeaderMap::new(), body: PutPayload::new() }
    }

    /// Adds a name and a value after the question mark.
    pub fn query(mut self, name: &'a str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a header; a value that no header can have is `Unsupported`.
    pub fn header(mut self, name: &'static str, value: &str) -> Result<Self, StoreError> {
        let value = HeaderValue::from_str(value)
            .map_err(|e| wrong(format!("{value:?} cannot stand in a header")).with_source(e))?;
        self.headers.insert(HeaderName::from_static(name), value);
        Ok(self)
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<PutPayload>) -> Self {
        self.body = body.into();
        self
    }
}

/// What the store answered, whatever it was.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its whole body.
    pub body: Bytes,
}

impl Answer {
    /// Whether it says that it was done.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// As an error for logs, if it was not what was expected.
    pub fn unexpected(&self, what: &str) -> StoreError {
        let text = String::from_utf8_lossy(self.body.get(..self.body.len().min(500)).unwrap_or_default());
        let kind = match self.status {
            404 => StoreErrorKind::NotFound,
            _ => StoreErrorKind::Unavailable,
        };
        StoreError::new(kind, format!("{what}: the store answered {}: {text}", self.status))
    }
}

/// What requests of our own take.
#[derive(Clone)]
pub(super) struct Own {
    /// The bucket's URL, without a slash at the end.
    pub(super) endpoint: String,
    pub(super) client: HttpClient,
    pub(super) sign: Sign,
    /// How long to wait before the first further try.
    pub(super) wait: Duration,
}

/// Who signs them.
#[derive(Clone)]
pub(super) enum Sign {
    /// Nobody: it was asked for.
    Nothing,
    #[cfg(feature = "s3")]
    S3(object_store::aws::AwsCredentialProvider, String),
    #[cfg(feature = "azure")]
    Azure(object_store::azure::AzureCredentialProvider, String),
    #[cfg(feature = "gcs")]
    Gcs(object_store::gcp::GcpCredentialProvider),
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Provider {
    /// Makes one request, signed, without a further try: who asks knows what a second one may do.
    ///
    /// # Errors
    /// `Unsupported` in memory; `Unavailable` when no answer came, which says nothing of what the store did. Any status is
    /// an answer.
    pub async fn ask(&self, ask: Ask<'_>) -> Result<Answer, StoreError> {
        self.try_ask(ask).await.map_err(|failed| failed.error)
    }

    /// As [`ask`](Self::ask); the error says whether the request may have reached the store.
    pub(super) async fn try_ask(&self, ask: Ask<'_>) -> Result<Answer, Failed> {
        let own = self.own.as_ref().ok_or_else(|| wrong("a store in memory takes no requests"))?;
        let what = format!("{} {}", ask.method, ask.path.map_or(self.bucket(), AsRef::as_ref));
        let url = own.url(&ask)?;
        let digest = own.digest(&ask.body);
        let length = ask.body.content_length();
        let body = if length == 0 { HttpRequestBody::empty() } else { ask.body.into() };
        let mut request = HttpRequest::new(body);
        *request.method_mut() = ask.method;
        *request.uri_mut() =
            url.as_str().parse().map_err(|e| wrong(format!("{url} is no address")).with_source(e))?;
        *request.headers_mut() = ask.headers;
        if length > 0 {
            // Without it a body of pieces goes in chunks of unknown number, which S3 does not take; Azure signs it.
            request.headers_mut().insert("content-length", HeaderValue::from(length));
        }
        own.sign(&mut request, digest).await?;
        let failed = |e: object_store::client::HttpError| {
            // `Request` too is said to be unsent; but it is what a connection ends with that was cut before the answer.
            let unsent = matches!(e.kind(), HttpErrorKind::Connect);
            Failed { unsent, error: StoreError::unavailable(format!("{what}: {e}")).with_source(e) }
        };
        let (head, body) = own.client.execute(request).await.map_err(failed)?.into_parts();
        let body = body.bytes().await.map_err(failed)?;
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
    }
}

/// No answer.
#[derive(Debug)]
pub(super) struct Failed {
    /// Certainly nothing was done.
    pub(super) unsent: bool,
    pub(super) error: StoreError,
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self { unsent: true, error }
    }
}

impl Own {
    fn url(&self, ask: &Ask<'_>) -> Result<Url, StoreError> {
        let text = match (ask.path, &self.sign) {
            (Some(path), _) => format!("{}/{path}", self.endpoint),
            #[cfg(feature = "azure")]
            (None, Sign::Azure(..)) => self.endpoint.clone(),
            (None, _) => format!("{}/", self.endpoint),
        };
        let mut url =
            Url::parse(&text).map_err(|e| wrong(format!("{text:?} is no address")).with_source(e))?;
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&ask.query);
        }
        Ok(url)
    }

    /// What S3's signature says of the body: its digest, or nothing where TLS guards it (hashing it once more costs a core per
    /// 1.7 GB/s).
    fn digest(&self, body: &PutPayload) -> Option<Digest> {
        #[cfg(feature = "s3")]
        if matches!(self.sign, Sign::S3(..)) && !self.endpoint.starts_with("https://") {
            let mut hasher = Hasher::new(Algorithm::Sha256);
            body.iter().for_each(|piece| hasher.update(piece));
            return Some(hasher.finish());
        }
        let _ = body;
        None
    }

    async fn sign(&self, request: &mut HttpRequest, digest: Option<Digest>) -> Result<(), StoreError> {
        let _ = &digest;
        let unsigned = |e: object_store::Error| {
            StoreError::unavailable(format!("a request could not be signed: {e}")).with_source(e)
        };
        match &self.sign {
            Sign::Nothing => Ok(()),
            #[cfg(feature = "s3")]
            Sign::S3(credentials, region) => {
                let credential = credentials.get_credential().await.map_err(unsigned)?;
                let authorizer = object_store::aws::AwsAuthorizer::new(&credential, "s3", region);
                let authorizer = authorizer.with_sign_payload(digest.is_some());
                authorizer.try_authorize(request, digest.as_ref().map(Digest::as_bytes)).map_err(unsigned)
            }
            #[cfg(feature = "azure")]
            Sign::Azure(credentials, account) => {
                let credential = credentials.get_credential().await.map_err(unsigned)?;
                let authorizer = object_store::azure::AzureAuthorizer::new(&credential, account);
                authorizer.try_authorize(request).map_err(unsigned)
            }
            #[cfg(feature = "gcs")]
            Sign::Gcs(credentials) => {
                let credential = credentials.get_credential().await.map_err(unsigned)?;
                if credential.bearer.is_empty() {
                    return Ok(());
                }
                let mut value = HeaderValue::from_str(&format!("Bearer {}", credential.bearer))
                    .map_err(|e| wrong("the bearer token cannot stand in a header").with_source(e))?;
                value.set_sensitive(true);
                request.headers_mut().insert("authorization", value);
                Ok(())
            }
        }
    }
}

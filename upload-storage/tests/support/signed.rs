//! What a signed request of S3's or Google's can do, and what it cannot.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::{
    Access, ObjectKey, SignedRequest, StagingName, Timestamp, Verb,
    ports::{BlobStore, Clock, Parts, Session, SignFor},
};
use upload_storage::object::ObjectBlobs;

use super::{
    client::{Answer, send},
    names,
};

pub const LIFETIME: Duration = Duration::from_secs(300);

/// The time of day.
#[derive(Debug)]
pub struct Now;

fn now() -> Timestamp {
    Timestamp::from_millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64)
}

#[async_trait::async_trait]
impl Clock for Now {
    fn now(&self) -> Timestamp {
        now()
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

/// A clock that is late: what it signs has ended.
#[derive(Debug)]
pub struct Late;

#[async_trait::async_trait]
impl Clock for Late {
    fn now(&self) -> Timestamp {
        now().minus(LIFETIME + Duration::from_secs(60))
    }

    async fn sleep(&self, _: Duration) {
        std::future::pending().await
    }
}

/// A store, and where its signed requests are sent.
#[derive(Debug)]
pub struct Peer {
    pub blobs: ObjectBlobs,
    address: String,
    /// The host that signatures name, where it is not the address.
    host: Option<&'static str>,
}

impl Peer {
    pub fn new(blobs: ObjectBlobs, address: &str) -> Self {
        let address = address.split("://").last().unwrap().split('/').next().unwrap().to_owned();
        Self { blobs, address, host: None }
    }

    pub fn behind(mut self, host: &'static str) -> Self {
        self.host = Some(host);
        self
    }

    pub async fn object(&self, number: u8, bytes: &'static [u8]) -> (StagingName, ObjectKey) {
        let (staging, key) = names(number);
        self.blobs.put_object(&key, vec![Bytes::from_static(bytes)]).await.unwrap();
        (staging, key)
    }

    pub fn read<'a>(&self, key: &'a ObjectKey) -> SignFor<'a> {
        // Reading asks for no staging name.
        let staging = Box::leak(Box::new(StagingName::of(key)));
        let mut ask = SignFor::new(Access::Read, staging, LIFETIME);
        ask.key = Some(key);
        ask
    }

    pub async fn sign(&self, ask: &SignFor<'_>) -> SignedRequest {
        self.blobs.signer().unwrap().sign(ask).await.unwrap()
    }

    pub async fn send(&self, request: &SignedRequest, body: &[u8]) -> Answer {
        let method = match request.verb {
            Verb::Get => "GET",
            Verb::Put => "PUT",
            Verb::Post => "POST",
            _ => "DELETE",
        };
        self.send_as(method, request, body).await
    }

    pub async fn send_as(&self, method: &str, request: &SignedRequest, body: &[u8]) -> Answer {
        let url = match self.host {
            Some(host) => request.url.replacen(&self.address, host, 1),
            None => request.url.clone(),
        };
        let fields = request.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        send(&self.address, method, &url, &fields.collect::<Vec<_>>(), body).await
    }
}

/// The same request with something else in its URL, which must have been there.
pub fn forged(request: &SignedRequest, from: &str, to: &str) -> SignedRequest {
    assert!(request.url.contains(from), "{from} is not in {}", request.url);
    let mut forged = request.clone();
    forged.url = request.url.replacen(from, to, 1);
    forged
}

/// Without that field.
fn without(request: &SignedRequest, field: &str) -> SignedRequest {
    assert!(request.fields.iter().any(|(name, _)| name == field), "{field} is not in {:?}", request.fields);
    let mut forged = request.clone();
    forged.fields.retain(|(name, _)| name != field);
    forged
}

/// With another value of that field.
fn with(request: &SignedRequest, field: &str, value: &str) -> SignedRequest {
    let mut forged = without(request, field);
    forged.fields.push((field.to_owned(), value.to_owned()));
    forged
}

pub fn md5(bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Md5);
    hasher.update(bytes);
    hasher.finish()
}

fn refused(what: &str, answer: &Answer) {
    assert!(
        (400..500).contains(&answer.status),
        "{what}: {} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
}

/// A key with another last character.
pub fn another(key: &ObjectKey) -> ObjectKey {
    let (start, last) = key.as_str().split_at(key.as_str().len() - 1);
    ObjectKey::parse(&format!("{start}{}", if last == "0" { "1" } else { "0" })).unwrap()
}

pub async fn a_put_is_of_these_bytes_once(peer: &Peer, number: u8) {
    let (staging, key) = names(number);
    let digest = md5(b"good");
    let mut ask = SignFor::new(Access::Put, &staging, LIFETIME);
    (ask.length, ask.digest, ask.content_type) = (Some(4), Some(&digest), Some("text/plain"));
    let put = peer.sign(&ask).await;
    for method in ["GET", "DELETE", "POST"] {
        refused(method, &peer.send_as(method, &put, b"good").await);
    }
    let other = another(&key);
    refused("another key", &peer.send(&forged(&put, key.as_str(), other.as_str()), b"good").await);
    // The size alone, where no digest is known.
    ask.digest = None;
    let sized = peer.sign(&ask).await;
    for body in ["goo", "good!", ""] {
        refused("another size", &peer.send(&sized, body.as_bytes()).await);
        let sum = md5(body.as_bytes()).to_base64();
        refused("another size", &peer.send(&put, body.as_bytes()).await);
        refused("another size", &peer.send(&with(&put, "content-md5", &sum), body.as_bytes()).await);
    }
    refused("other bytes", &peer.send(&put, b"evil").await);
    let sum = md5(b"evil").to_base64();
    refused("another digest", &peer.send(&with(&put, "content-md5", &sum), b"evil").await);
    refused("no digest", &peer.send(&without(&put, "content-md5"), b"evil").await);
    refused("another type", &peer.send(&with(&put, "content-type", "text/html"), b"good").await);
    let once = put.fields.iter().find(|(name, _)| name.contains("match")).unwrap().0.clone();
    refused("often", &peer.send(&without(&put, &once), b"good").await);
    refused("another time", &peer.send(&forged(&put, "Expires=300", "Expires=301"), b"good").await);
    assert_eq!(peer.blobs.length(&key).await.unwrap(), None);
    assert_eq!(peer.blobs.length(&other).await.unwrap(), None);

    let answer = peer.send(&put, b"good").await;
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    assert_eq!(peer.blobs.read(&key, 0..4).await.unwrap(), "good");
    // It outlives the upload, and does no harm.
    assert_eq!(peer.send(&put, b"good").await.status, 412);
}

pub async fn a_part_is_of_its_session_and_number(peer: &Peer, number: u8) {
    let (staging, key) = names(number);
    let asked = |access, session| {
        let mut ask = SignFor::new(access, &staging, LIFETIME);
        ask.session = session;
        ask
    };
    // The client begins, sends, lists and commits.
    let begun = peer.send(&peer.sign(&asked(Access::BeginParts, None)).await, b"").await;
    assert_eq!(begun.status, 200);
    let begun = String::from_utf8(begun.body).unwrap();
    let session = begun.split("<UploadId>").nth(1).unwrap().split('<').next().unwrap();
    let session = Session::new(session);
    let stranger = peer.blobs.open(&key).await.unwrap();

    let digest = md5(b"part");
    let mut ask = asked(Access::Part(2), Some(&session));
    (ask.part_length, ask.digest) = (Some(4), Some(&digest));
    let part = peer.sign(&ask).await;
    refused("another number", &peer.send(&forged(&part, "partNumber=2", "partNumber=3"), b"part").await);
    refused("no number", &peer.send(&forged(&part, "partNumber=2", ""), b"part").await);
    refused("other bytes", &peer.send(&part, b"evil").await);
    for method in ["GET", "DELETE", "POST"] {
        refused(method, &peer.send_as(method, &part, b"part").await);
    }
    let foreign = peer.sign(&asked(Access::Part(2), Some(&stranger))).await;
    let (own, theirs) = (query(&part, "uploadId"), query(&foreign, "uploadId"));
    refused("another session", &peer.send(&forged(&part, &own, &theirs), b"part").await);
    assert_eq!(peer.blobs.list_parts(&key, &session).await.unwrap(), []);
    assert_eq!(peer.send(&part, b"part").await.status, 200);
    let parts = peer.blobs.list_parts(&key, &session).await.unwrap();
    assert_eq!(parts.iter().map(|part| (part.number, part.length)).collect::<Vec<_>>(), [(2, 4)]);

    let list = peer.sign(&asked(Access::ListParts, Some(&session))).await;
    let listed = peer.send(&list, b"").await;
    assert!(listed.status == 200 && String::from_utf8_lossy(&listed.body).contains("<PartNumber>2<"));
    refused("to give up", &peer.send_as("DELETE", &list, b"").await);

    let commit = peer.sign(&asked(Access::CommitParts, Some(&session))).await;
    let tag = &parts[0].tag;
    let document = format!(
        "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>\"{tag}\"</ETag></Part></CompleteMultipartUpload>"
    );
    refused("of another", &peer.send(&forged(&commit, &own, &theirs), document.as_bytes()).await);
    assert_eq!(peer.send(&commit, document.as_bytes()).await.status, 200);
    assert_eq!(peer.blobs.read(&key, 0..4).await.unwrap(), "part");

    let abort = peer.sign(&asked(Access::AbortParts, Some(&stranger))).await;
    refused("to list", &peer.send_as("GET", &abort, b"").await);
    assert_eq!(peer.send(&abort, b"").await.status, 204);
    assert!(peer.blobs.list_parts(&key, &stranger).await.is_err());
}

/// `name=value` as it stands in the URL.
fn query(request: &SignedRequest, name: &str) -> String {
    let pairs = request.url.split_once('?').unwrap().1.split('&');
    pairs.rev().find(|pair| pair.starts_with(name)).unwrap().to_owned()
}

pub async fn a_read_is_of_one_object(peer: &Peer, number: u8) {
    let (_, key) = peer.object(number, b"content").await;
    let mut ask = peer.read(&key);
    (ask.file_name, ask.content_type) = (Some("Grüße.txt"), Some("text/plain"));
    let read = peer.sign(&ask).await;
    let answer = peer.send(&read, b"").await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"content".as_slice()));
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    let disposition = "attachment; filename=\"Gr__e.txt\"; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt";
    assert_eq!(answer.header("content-disposition"), Some(disposition));
    for method in ["PUT", "DELETE"] {
        refused(method, &peer.send_as(method, &read, b"evil").await);
    }
    let other = another(&key);
    peer.blobs.put_object(&other, vec![Bytes::from_static(b"secret")]).await.unwrap();
    refused("another key", &peer.send(&forged(&read, key.as_str(), other.as_str()), b"").await);
    assert_eq!(peer.blobs.read(&key, 0..7).await.unwrap(), "content");
}

//! PixLab STORE over a real socket: the page's request, keys wherever they stand, and what is refused leaves nothing.

use crate::support;
use std::sync::Arc;

use crate::signed::{OWNER, READER, STRANGER, Signed, bare};
use support::{Answer, MB, Part, Request, form, jpeg, mp4, noise};
use upload_core::Hour;
use upload_core::ports::BlobStore as _;
use upload_engine::Settings;
use upload_http_axum::dialect::pixlab::{self, PixlabSettings};
use upload_http_axum::{HttpSettings, RateLimit};
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

struct Pixlab {
    server: Signed,
    blobs: Arc<MemoryBlobs>,
}

impl Pixlab {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut PixlabSettings)) -> Self {
        let mut settings = PixlabSettings::default();
        change(&mut settings);
        let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
        let routes = |uploads: &upload_http_axum::UploadHttp| {
            pixlab::router(uploads, &settings).fallback(pixlab::not_found)
        };
        let server =
            Signed::over(blobs.clone(), records, Settings::default(), HttpSettings::default(), routes).await;
        Self { server, blobs }
    }

    async fn send(&self, parts: &[Part<'_>]) -> Answer {
        self.server.send(&to_store(parts)).await
    }

    /// Staging objects and objects.
    async fn left(&self) -> usize {
        self.blobs.list(Hour::new(u64::MAX >> 32), None, 1000).await.unwrap().len()
    }
}

fn to_store(parts: &[Part<'_>]) -> Request {
    bare("POST", "/store").body("multipart/form-data; boundary=cut", form("cut", parts))
}

fn key(key: &str) -> Part<'_> {
    Part::Field("key", key)
}

#[track_caller]
fn stored(answer: &Answer) -> String {
    let told = answer.json();
    assert_eq!((answer.status, &told["status"]), (200, &serde_json::json!(200)), "{told}");
    let link = told["link"].as_str().unwrap().to_owned();
    assert!(link.contains(told["id"].as_str().unwrap()), "{told}");
    link
}

#[track_caller]
fn refused(answer: &Answer, status: u16) -> String {
    let told = answer.json();
    assert_eq!((answer.status, &told["status"]), (status, &serde_json::json!(status)), "{told}");
    told["error"].as_str().unwrap().to_owned()
}

fn path(link: &str) -> &str {
    let rest = link.strip_prefix("http://").unwrap();
    &rest[rest.find('/').unwrap()..]
}

#[tokio::test]
async fn a_file_is_stored_and_its_link_gives_it_to_anybody() {
    let pixlab = Pixlab::start().await;
    for (name, content, ending) in [("a.bin", jpeg(30_000), ".jpg"), ("b", mp4(2 * MB), ".mp4")] {
        // In the order of the page's program: its fields first.
        let answer = pixlab
            .send(&[Part::Field("comment", "Super Secret Stuff"), key(OWNER), Part::File(name, &content)])
            .await;
        let link = stored(&answer);
        assert!(link.ends_with(ending), "{link}");
        let got = pixlab.server.send(&bare("GET", path(&link))).await;
        assert_eq!((got.status, &got.body), (200, &content));
        let part = pixlab.server.send(&bare("GET", path(&link)).header("Range", "bytes=5-9")).await;
        assert_eq!((part.status, &part.body[..]), (206, &content[5..10]));
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        let id = upload_core::UploadId::parse(&id).unwrap();
        let kept = pixlab.server.uploads.engine().read(None, &id).await.unwrap();
        assert_eq!(kept.outcome().extras["pixlab"]["comment"], "Super Secret Stuff");
        assert_eq!(kept.outcome().file_name.as_deref(), Some(name));
    }
    assert_eq!(
        refused(&pixlab.server.send(&bare("GET", "/pixlab/x.jpg")).await, 404),
        "there is nothing at this link"
    );
    assert_eq!(
        refused(&pixlab.server.send(&bare("GET", "/store")).await, 405),
        "this path does not take this method"
    );
    assert_eq!(
        refused(&pixlab.server.send(&bare("GET", "/else")).await, 404),
        "there is nothing at this path"
    );
}

#[tokio::test]
async fn the_key_stands_anywhere_and_nothing_is_left_where_it_is_not_good() {
    let pixlab = Pixlab::start().await;
    let content = jpeg(30_000);
    let other = Part::Raw("Content-Disposition: form-data; name=\"whatever\"; filename=\"a.jpg\"", &content);
    stored(&pixlab.send(&[Part::File("a.jpg", &content), key(OWNER)]).await);
    stored(&pixlab.send(&[key(OWNER), other]).await);
    for header in ["WWW-Authenticate", "Authorization"] {
        for value in [OWNER.to_owned(), format!("Bearer {OWNER}")] {
            let request = to_store(&[Part::File("a.jpg", &content)]).header(header, &value);
            stored(&pixlab.server.send(&request).await);
        }
    }
    let before = pixlab.left().await;
    for after in [false, true] {
        for (said, status) in [(None, 401), (Some(""), 401), (Some("no key"), 403), (Some(READER), 403)] {
            let mut parts = vec![Part::File("a.jpg", &content)];
            parts.extend(said.map(key));
            if !after {
                parts.reverse();
            }
            refused(&pixlab.send(&parts).await, status);
        }
    }
    let wrong = to_store(&[Part::File("a.jpg", &content)]).header("WWW-Authenticate", "no key");
    refused(&pixlab.server.send(&wrong).await, 403);
    assert_eq!(pixlab.left().await, before, "nothing published, nothing staged");
    // A tenant is as good as another.
    stored(&pixlab.send(&[Part::File("a.jpg", &content), key(STRANGER)]).await);
}

#[tokio::test]
async fn what_is_no_image_and_no_video_and_what_is_too_much_is_refused() {
    let pixlab = Pixlab::with(|settings| settings.spool = 50_000).await;
    let good = jpeg(60_000);
    let owner = || key(OWNER);
    for content in [&b"<!DOCTYPE html><script>"[..], b"%PDF-1.7\n", b"MZ\x90\0", b"plain text", b""] {
        refused(&pixlab.send(&[owner(), Part::File("a.jpg", content)]).await, 415);
        refused(&pixlab.send(&[Part::File("a.jpg", content), owner()]).await, 415);
    }
    let said = refused(&pixlab.send(&[Part::File("a.jpg", &good), owner()]).await, 413);
    assert!(said.starts_with("a file of more than 50000 bytes needs its API key before it"), "{said}");
    let comment = "x".repeat(1001);
    refused(
        &pixlab.send(&[owner(), Part::Field("comment", &comment), Part::File("a.jpg", &good)]).await,
        400,
    );
    refused(
        &pixlab.send(&[owner(), Part::File("a.jpg", &good), Part::Field("comment", &comment)]).await,
        400,
    );
    refused(&pixlab.send(&[owner(), Part::File("a.jpg", &good), Part::File("b.jpg", &good)]).await, 400);
    refused(&pixlab.send(&[owner()]).await, 400);
    refused(&pixlab.send(&[owner(), owner(), Part::File("a.jpg", &good)]).await, 400);
    let json = bare("POST", "/store").header("WWW-Authenticate", OWNER).body("application/json", "{}");
    refused(&pixlab.server.send(&json).await, 400);
    let mut large: Request = to_store(&[owner(), Part::File("a.jpg", &good)]);
    large.told = Some(200 << 20);
    refused(&support::raw(pixlab.server.address, &large.head()).await, 413);
    assert_eq!(pixlab.left().await, 0);
}

#[tokio::test]
async fn who_asks_too_often_waits() {
    let pixlab = Pixlab::with(|settings| settings.rate_limit = RateLimit::new(1, 2)).await;
    let content = jpeg(3000);
    for _ in 0..2 {
        stored(&pixlab.send(&[key(OWNER), Part::File("a.jpg", &content)]).await);
    }
    for parts in [[key(OWNER), Part::File("a.jpg", &content)], [Part::File("a.jpg", &content), key(OWNER)]] {
        let answer = pixlab.send(&parts).await;
        refused(&answer, 429);
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait));
    }
    stored(&pixlab.send(&[key(STRANGER), Part::File("a.jpg", &content)]).await);
    assert_eq!(pixlab.left().await, 3);
}

#[tokio::test]
async fn any_bytes_are_an_answer() {
    let pixlab = Pixlab::start().await;
    let noise = noise(1, 3000);
    for cut in (0..noise.len()).step_by(97) {
        let body = [
            &b"--b\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"[..],
            &noise[..cut],
        ]
        .concat();
        let request = bare("POST", "/store").header("WWW-Authenticate", OWNER);
        let answer = pixlab.server.send(&request.body("multipart/form-data; boundary=b", body)).await;
        assert!((400..500).contains(&answer.status), "{}", answer.status);
    }
    assert_eq!(pixlab.left().await, 0);
}

//! Every row of the protocol's page, as it goes over a socket.

use crate::signed;
use crate::support;
use crate::tus;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use signed::{OWNER, Signed, bare};
use support::{Answer, noise};
use tus::{
    BYTES, bytes, complete, create, deferred, error, has, head, offset, patch, path, post, request, start,
    with,
};
use upload_core::{Principal, Roles, TenantName};
use upload_engine::Settings;
use upload_http_axum::dialect::tus as dialect;
use upload_http_axum::{HttpSettings, store};
use upload_storage::memory::{MemoryBlobs, MemoryRecords};

/// The names and values of an answer's headers that are the dialect's.
fn told(answer: &Answer) -> Vec<String> {
    let ours = |name: &str| {
        name.starts_with("upload-")
            || name.starts_with("tus-")
            || matches!(name, "cache-control" | "location")
    };
    let mut told: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| ours(name))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    told.sort();
    told
}

/// The clock of the tests stands at 2023-11-14T22:15:23 GMT; unfinished uploads are kept for a day.
const EXPIRES: &str = "upload-expires: Wed, 15 Nov 2023 22:15:23 GMT";

#[tokio::test]
async fn options_say_what_can_be_done() {
    let server = start().await;
    for path in ["/files", "/files/", "/files/x"] {
        let answer = server.send(&bare("OPTIONS", path)).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        assert_eq!(
            told(&answer),
            [
                "cache-control: no-store",
                "tus-checksum-algorithm: sha1,sha256,md5,crc32c",
                "tus-extension: creation,creation-with-upload,creation-defer-length,expiration,checksum,checksum-trailer,\
                 termination,concatenation,concatenation-unfinished",
                "tus-max-size: 104857600",
                "tus-version: 1.0.0",
            ]
        );
    }
}

#[tokio::test]
async fn an_upload_from_its_beginning_to_its_end() {
    let server = start().await;
    let content = noise(1, 300_000);
    let metadata = "filename Z3LDtsOfZS5iaW4=, is_flag,filetype YXBwbGljYXRpb24vemlw";
    let created = server.send(&post(content.len()).header("Upload-Metadata", metadata)).await;
    let at = path(&created);
    assert_eq!((created.status, created.body.len()), (201, 0));
    let location = format!("location: http://test{at}");
    assert_eq!(
        told(&created),
        ["cache-control: no-store", location.as_str(), "tus-resumable: 1.0.0", EXPIRES]
    );
    let id = at.strip_prefix("/files/").unwrap();
    assert!(id.len() == 33 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");

    let state = |offset: usize| {
        [
            "cache-control: no-store".to_owned(),
            "tus-resumable: 1.0.0".to_owned(),
            EXPIRES.to_owned(),
            "upload-length: 300000".to_owned(),
            format!("upload-metadata: {metadata}"),
            format!("upload-offset: {offset}"),
        ]
    };
    let answer = head(&server, &at).await;
    assert_eq!((answer.status, told(&answer)), (200, state(0).to_vec()));
    let answer = server.send(&patch(&at, 0, &content[..100_000])).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(
        told(&answer),
        ["cache-control: no-store", "tus-resumable: 1.0.0", EXPIRES, "upload-offset: 100000"]
    );
    let answer = head(&server, &at).await;
    assert_eq!((answer.status, told(&answer)), (200, state(100_000).to_vec()));
    assert!(answer.header("content-location").is_none() && answer.header("repr-digest").is_none());
    assert_eq!(error(&server.send(&request("GET", &at)).await, 404), "the upload is not complete");

    let answer = server.send(&patch(&at, 100_000, &content[100_000..])).await;
    assert_eq!(answer.status, 204);
    // What is complete does not expire.
    assert_eq!(told(&answer), ["cache-control: no-store", "tus-resumable: 1.0.0", "upload-offset: 300000"]);
    server.clock.advance(Duration::from_secs(400 * 24 * 3600));
    server.uploads.engine().sweep().await;
    let answer = head(&server, &at).await;
    let complete: Vec<_> = state(300_000).into_iter().filter(|line| line != EXPIRES).collect();
    assert_eq!((answer.status, told(&answer)), (200, complete));
    assert_eq!(answer.header("repr-digest"), Some(digest(&content).as_str()));

    let answer = server.send(&request("GET", &at).header("Range", "bytes=5-9")).await;
    assert_eq!((answer.status, &answer.body[..]), (206, &content[5..10]));
    assert_eq!(answer.header("content-range"), Some("bytes 5-9/300000"));
    assert_eq!(answer.header("repr-digest"), Some(digest(&content).as_str()));
    assert_eq!(answer.header("content-type"), Some("application/zip"));
    assert_eq!(
        answer.header("content-disposition"),
        Some("attachment; filename=\"gr__e.bin\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.bin")
    );
    assert_eq!(bytes(&server, &at).await, content);

    assert_eq!(server.send(&request("DELETE", &at)).await.status, 204);
    for method in ["HEAD", "DELETE", "GET"] {
        let answer = server.send(&request(method, &at)).await;
        assert_eq!((answer.status, offset(&answer)), (410, None), "{method}");
    }
    assert_eq!(server.send(&patch(&at, 300_000, b"")).await.status, 410);
}

fn digest(content: &[u8]) -> String {
    let mut hasher = upload_checksum::Hasher::new(upload_checksum::Algorithm::Sha256);
    hasher.update(content);
    format!("sha-256=:{}:", hasher.finish().to_base64())
}

#[tokio::test]
async fn nothing_is_complete_at_once() {
    let server = start().await;
    let at = create(&server, 0).await;
    let answer = head(&server, &at).await;
    assert_eq!((answer.header("upload-offset"), answer.header("upload-length")), (Some("0"), Some("0")));
    assert_eq!(answer.header("upload-expires"), None);
    assert_eq!(bytes(&server, &at).await, b"");
    assert_eq!(server.send(&patch(&at, 0, b"")).await.status, 204);
    let created = server.send(&post(0).body(BYTES, b"")).await;
    assert_eq!((created.status, offset(&created)), (201, Some(0)));
    assert_eq!(bytes(&server, &path(&created)).await, b"");
}

#[tokio::test]
async fn the_first_bytes_may_come_with_the_beginning() {
    let server = start().await;
    let content = noise(2, 100_000);
    let created = server.send(&post(content.len()).body(BYTES, &content[..40_000])).await;
    assert_eq!(offset(&created), Some(40_000));
    assert!(told(&created).contains(&EXPIRES.to_owned()));
    let at = path(&created);
    assert_eq!(server.send(&patch(&at, 40_000, &content[40_000..])).await.status, 204);
    assert_eq!(bytes(&server, &at).await, content);

    let created = server.send(&post(content.len()).body(BYTES, &content[..])).await;
    assert_eq!((offset(&created), created.header("upload-expires")), (Some(content.len()), None));
    assert_eq!(bytes(&server, &path(&created)).await, content);
    // To the other path, of an unknown length, with a type of parameters.
    let mut other = deferred().body("Application/Offset+octet-stream; x=y", &content[..9]);
    other.path = "/files/".into();
    let created = server.raw_send(&other.chunked()).await;
    assert_eq!(offset(&created), Some(9));
    has(&server, &path(&created), 9).await;
    // Another type: the body is none of the upload's.
    let created = server.send(&post(5).body("application/octet-stream", b"hello")).await;
    assert_eq!(offset(&created), None);
    has(&server, &path(&created), 0).await;
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on_or_not() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let server = start().await;
    let request = post(5).body(BYTES, b"hello").header("Expect", "100-continue");
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&request.head()).await.unwrap();
    let mut first = [0; 25];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let created = Answer::read(&mut stream).await;
    assert_eq!((created.status, offset(&created)), (201, Some(5)));

    for refused in [
        request.clone().header("Upload-Length", "1000000000"),
        request.clone().header("Upload-Length", "4"),
        request.clone().header("Upload-Checksum", "x"),
        patch(&path(&created), 9, b"hello").header("Expect", "100-continue"),
    ] {
        let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&refused.head()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 4") && !answer.contains(" 100 "), "{answer}");
    }
}

#[tokio::test]
async fn a_length_may_come_later_once() {
    let server = start().await;
    let at = path(&server.send(&deferred()).await);
    let answer = head(&server, &at).await;
    assert_eq!((answer.header("upload-defer-length"), answer.header("upload-length")), (Some("1"), None));
    assert_eq!(server.send(&patch(&at, 0, b"hello")).await.status, 204);
    // In the wrong place it is not taken.
    let answer = server.send(&patch(&at, 3, b"").header("Upload-Length", "5")).await;
    assert_eq!(answer.status, 409);
    assert_eq!(head(&server, &at).await.header("upload-defer-length"), Some("1"));
    for (length, status) in [("4", 400), ("1000000000", 413), ("+9", 400), ("", 400)] {
        let answer = server.send(&patch(&at, 5, b"").header("Upload-Length", length)).await;
        assert_eq!(answer.status, status, "{length}: {}", tus::text(&answer));
    }
    let answer = server.send(&patch(&at, 5, b" ").header("Upload-Length", "9")).await;
    assert_eq!((answer.status, offset(&answer)), (204, Some(6)));
    let answer = head(&server, &at).await;
    assert_eq!((answer.header("upload-defer-length"), answer.header("upload-length")), (None, Some("9")));
    let said = error(&server.send(&patch(&at, 6, b"you").header("Upload-Length", "10")).await, 400);
    assert_eq!(said, "the upload's length is 9 bytes; it cannot become 10");
    assert_eq!(server.send(&patch(&at, 6, b"you").header("Upload-Length", "9")).await.status, 204);
    assert_eq!(bytes(&server, &at).await, b"hello you");

    // By an empty body, which completes it.
    let at = path(&server.send(&deferred()).await);
    assert_eq!(server.send(&patch(&at, 0, b"all")).await.status, 204);
    let answer = server.send(&patch(&at, 3, b"").header("Upload-Length", "3")).await;
    assert_eq!((answer.status, offset(&answer), answer.header("upload-expires")), (204, Some(3), None));
    assert_eq!(bytes(&server, &at).await, b"all");
}

#[tokio::test]
async fn what_expires_is_gone_for_a_day_and_then_unknown() {
    let server = start().await;
    let at = create(&server, 9).await;
    server.send(&patch(&at, 0, b"some")).await;
    // A refusal says it too.
    let refused = server.send(&patch(&at, 2, b"some")).await;
    assert_eq!(refused.status, 409);
    assert!(told(&refused).contains(&EXPIRES.to_owned()));
    let gone = async || {
        let head = head(&server, &at).await;
        assert_eq!((head.status, head.body.len(), offset(&head)), (410, 0, None));
        assert_eq!(error(&server.send(&patch(&at, 4, b"more")).await, 410), "the upload has expired");
        assert_eq!(server.send(&request("GET", &at)).await.status, 410);
        assert_eq!(server.send(&request("DELETE", &at)).await.status, 410);
    };
    server.clock.advance(Duration::from_secs(24 * 3600));
    gone().await;
    server.clock.advance(Duration::from_secs(3600));
    server.uploads.engine().sweep().await;
    gone().await;
    server.clock.advance(Duration::from_secs(26 * 3600));
    server.uploads.engine().sweep().await;
    let head = head(&server, &at).await;
    assert_eq!((head.status, offset(&head)), (404, None));
}

#[tokio::test]
async fn the_method_may_stand_in_a_header() {
    let server = start().await;
    let at = create(&server, 5).await;
    let over = |method: &str, mut request: support::Request| {
        let meant = std::mem::replace(&mut request.method, method.into());
        request.header("X-HTTP-Method-Override", &meant)
    };
    let answer = server.send(&over("POST", patch(&at, 0, b"hello"))).await;
    assert_eq!((answer.status, offset(&answer)), (204, Some(5)));
    let answer = server.send(&over("POST", request("HEAD", &at))).await;
    assert_eq!((answer.status, offset(&answer)), (200, Some(5)));
    assert_eq!(server.send(&over("POST", request("GET", &at))).await.body, b"hello");
    assert_eq!(server.send(&over("GET", request("DELETE", &at))).await.status, 204);
    assert_eq!(server.send(&over("PUT", post(7))).await.status, 201);
    let answer = server.send(&over("GET", request("POST", &at))).await;
    assert_eq!(error(&answer, 405), "this path takes the methods OPTIONS, HEAD, PATCH, DELETE, GET");
    error(&server.send(&request("GET", &at).header("X-HTTP-Method-Override", "a b")).await, 400);
}

#[tokio::test]
async fn pages_of_other_sites_may_use_it_all() {
    let server = start().await;
    let asked = bare("OPTIONS", "/files/x")
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "PATCH");
    let answer = server.send(&asked).await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, Some("*")));
    let list = |answer: &Answer, name: &str| -> Vec<String> {
        let list = answer.header(name).unwrap_or_else(|| panic!("no {name}"));
        list.split(',').map(|one| one.trim().to_ascii_lowercase()).collect()
    };
    let allowed = list(&answer, "access-control-allow-headers");
    for name in [
        "authorization",
        "content-type",
        "range",
        "tus-resumable",
        "upload-checksum",
        "upload-concat",
        "upload-defer-length",
        "upload-length",
        "upload-metadata",
        "upload-offset",
        "x-api-key",
        "x-http-method-override",
        "x-request-id",
    ] {
        assert!(allowed.iter().any(|known| known == name), "{name}");
    }
    let methods = list(&answer, "access-control-allow-methods");
    for method in ["get", "head", "post", "patch", "delete", "options"] {
        assert!(methods.iter().any(|known| known == method), "{method}");
    }
    for asked in [post(1), request("HEAD", "/files/x"), request("PUT", "/files"), bare("OPTIONS", "/files")] {
        let exposed = list(&server.send(&asked).await, "access-control-expose-headers");
        for name in [
            "upload-offset",
            "location",
            "upload-length",
            "upload-metadata",
            "upload-concat",
            "upload-defer-length",
            "upload-expires",
            "tus-version",
            "tus-resumable",
            "tus-extension",
            "tus-max-size",
            "tus-checksum-algorithm",
            "repr-digest",
            "content-location",
        ] {
            assert!(exposed.iter().any(|known| known == name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_location_is_where_the_client_came_from() {
    let server = start().await;
    let location = |answer: Answer| answer.header("location").unwrap().to_owned();
    let forwarded = post(1)
        .header("Host", "[::1]:8080")
        .header("X-Forwarded-Host", "evil.example")
        .header("X-Forwarded-Proto", "https")
        .header("Forwarded", "host=evil.example");
    assert!(location(server.send(&forwarded).await).starts_with("http://[::1]:8080/files/"));
    let mut absolute = post(1).header("Host", "ignored");
    absolute.path = "http://called.example:81/files".into();
    assert!(location(server.send(&absolute).await).starts_with("http://called.example:81/files/"));
    for bad in ["a/b", "evil.example/x?", "user@a", "a:99999", "a b"] {
        let said = error(&server.send(&post(1).header("Host", bad)).await, 400);
        assert!(said.starts_with("Host must be host[:port]; got"), "{said}");
    }
    // Without one, the address that is listened on.
    let old = b"POST /files HTTP/1.0\r\nTus-Resumable: 1.0.0\r\nX-API-Key: key-of-the-owner\r\nUpload-Length: 1\r\n\r\n";
    let bound = format!("http://{}/files/", server.address);
    assert!(location(server.raw_send(old).await).starts_with(&bound));
    // A public URL is the only one.
    server.uploads.set_public_url("https://up.example/base/");
    for host in ["a", "a/b"] {
        let at = location(server.send(&post(1).header("Host", host)).await);
        assert!(at.starts_with("https://up.example/base/files/"), "{at}");
    }
}

#[tokio::test]
async fn all_of_it_works_below_a_path() {
    let (blobs, records) = (Arc::new(MemoryBlobs::new()), Arc::new(MemoryRecords::new()));
    let server = Signed::over(blobs, records, Settings::default(), HttpSettings::default(), |uploads| {
        let inner = dialect::router(uploads, &dialect::TusSettings::default()).merge(store::router(uploads));
        Router::new().nest("/media/v2", inner)
    })
    .await;
    let below = |mut request: support::Request| {
        request.path = format!("/media/v2{}", request.path);
        request
    };
    let at = path(&server.send(&below(post(5).header("Upload-Concat", "partial"))).await);
    assert!(at.starts_with("/media/v2/files/"), "{at}");
    assert_eq!(server.send(&patch(&at, 0, b"hello")).await.status, 204);
    let whole = path(&server.send(&below(tus::composition(&[&at, &at]))).await);
    let told = head(&server, &whole).await;
    assert_eq!(offset(&told), Some(10), "{told:?}");
    assert_eq!(bytes(&server, &whole).await, b"hellohello");
    let link = server.path_of(told.header("content-location").unwrap());
    assert!(link.starts_with("/media/v2/store/"), "{link}");
    assert_eq!(server.send(&bare("GET", &link)).await.body, b"hellohello");
}

#[tokio::test]
async fn a_link_is_told_to_those_who_may_read() {
    let server = start().await;
    let created =
        server.send(&post(5).header("Upload-Metadata", "name YS50eHQ=,type dGV4dC9wbGFpbg==")).await;
    let at = path(&created);
    server.send(&patch(&at, 0, b"hello")).await;
    let told = head(&server, &at).await;
    let link = server.path_of(told.header("content-location").expect("a link"));
    assert!(link.ends_with("/a.txt"), "{link}");
    // Good for a while, for anybody.
    let read = server.send(&bare("GET", &link)).await;
    assert_eq!((read.status, &read.body[..]), (200, &b"hello"[..]));
    assert_eq!(read.header("content-type"), Some("text/plain"));
    server.clock.advance(Duration::from_secs(301));
    assert_eq!(server.send(&bare("GET", &link)).await.status, 403);
    // Who may only upload is told how far it is, and no link.
    let told = server.send(&request("HEAD", &at).header("X-API-Key", signed::WRITER)).await;
    assert_eq!((told.status, told.header("content-location")), (200, None));

    let server = with(|_, _, dialect| dialect.link_seconds = 0).await;
    let at = complete(&server, b"hello").await;
    assert_eq!(head(&server, &at).await.header("content-location"), None);
}

#[tokio::test]
async fn strangers_come_in_where_that_is_set() {
    let server = with(|_, _, dialect| {
        let tenant = TenantName::new("acme").unwrap();
        dialect.anonymous = Some(Principal::new(tenant, "anybody", Roles::default()));
    })
    .await;
    let bare = |request: support::Request| request.without("X-API-Key");
    let at = path(&server.send(&bare(post(5))).await);
    assert_eq!(server.send(&bare(patch(&at, 0, b"hello"))).await.status, 204);
    assert_eq!(server.send(&bare(request("GET", &at))).await.body, b"hello");
    // A key is still a key, and must be one.
    let keyed = request("HEAD", &at).without("X-API-Key").header("Authorization", &format!("Bearer {OWNER}"));
    assert_eq!(server.send(&keyed).await.status, 200);
    for wrong in [signed::STRANGER, "nobody's"] {
        let told = server.send(&request("HEAD", &at).header("X-API-Key", wrong)).await;
        assert_eq!(told.status, if wrong == signed::STRANGER { 404 } else { 401 });
    }
    assert_eq!(server.send(&bare(request("DELETE", &at))).await.status, 204);
}

//! The store of our own that takes the bytes: what it takes, what it refuses, and that nothing harms what is stored.

use crate::direct;
use std::time::Duration;

use crate::signed::{OWNER, bare};
use crate::support::{Answer, MB, Request, noise, raw};
use direct::{PATH, blob, create, is_pending, is_stored, put, put_of, put_well};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use upload_core::{Access, Ask, Grant, Principal, Roles, TenantName};

/// Nothing but the status.
fn nothing(answer: &Answer, status: u16) {
    assert_eq!((answer.status, answer.body.len()), (status, 0), "{answer:?}");
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}

#[tokio::test]
async fn good_bytes_are_taken_again_and_again_until_the_token_expires() {
    let server = direct::start().await;
    let content = noise(1, 100_000);
    let record = create(&server, OWNER, &blob("a", &content)).await;
    for _ in 0..3 {
        nothing(&put(&server, &record, &content).await, 204);
    }
    server.clock.advance(Duration::from_millis(299_999));
    nothing(&put(&server, &record, &content).await, 204);
    server.clock.advance(Duration::from_millis(1));
    nothing(&put(&server, &record, &content).await, 404);
    is_stored(&server, OWNER, &record, &content).await;
}

#[tokio::test]
async fn a_token_that_expires_while_its_body_arrives_was_good() {
    let server = direct::start().await;
    let content = noise(2, 200_000);
    let record = create(&server, OWNER, &blob("a", &content)).await;
    let request = put_of(&server, &record, &content).header("Expect", "100-continue");
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(&request.head()).await.unwrap();
    // The body is asked for, so its head was looked at.
    let mut go_on = [0; 25];
    stream.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    server.clock.advance(Duration::from_secs(301));
    stream.write_all(&content).await.unwrap();
    nothing(&Answer::read(&mut stream).await, 204);
    nothing(&put(&server, &record, &content).await, 404);
    is_stored(&server, OWNER, &record, &content).await;
}

#[tokio::test]
async fn what_is_no_token_for_this_is_not_there() {
    let server = direct::start().await;
    let content = noise(3, 1000);
    let record = create(&server, OWNER, &blob("a", &content)).await;
    let good = put_of(&server, &record, &content);
    let token = good.path.rsplit('/').next().unwrap().to_owned();
    let engine = server.uploads.engine();
    let signed_id = record["signed_id"].as_str().unwrap();
    let id = engine.identify(signed_id).unwrap();
    let owner = engine.inspect(&support_of("acme"), &id).await.unwrap().owner;
    let who = Principal::new(TenantName::new("acme").unwrap(), owner, Roles::default());
    let grant = async |access| match engine.grant(&who, &id, Ask::new(access, Duration::from_secs(300))).await
    {
        Ok(Grant::Sealed(token)) => token,
        other => panic!("{other:?}"),
    };
    let mut others = vec![signed_id.to_owned(), "x".into(), "%ff".into(), "..".into(), "x".repeat(5000)];
    for access in
        [Access::Part(1), Access::BeginParts, Access::ListParts, Access::CommitParts, Access::AbortParts]
    {
        others.push(grant(access).await);
    }
    for at in (0..token.len()).step_by(7) {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        others.push(String::from_utf8(changed).unwrap());
    }
    others.extend([format!("{token}A"), token[1..].to_owned(), token[..token.len() - 1].to_owned()]);
    let send = async |token: &str| {
        let request = Request { path: format!("{PATH}/disk/{token}"), ..good.clone() };
        server.send(&request).await
    };
    for other in &others {
        nothing(&send(other).await, 404);
    }
    is_pending(&server, OWNER, &record).await;
    put_well(&server, &record, &content).await;
    nothing(&send(&grant(Access::Read).await).await, 404);
    // Nor does the token of the bytes do anything else.
    for request in [
        bare("GET", &format!("{PATH}/{token}")).header("X-API-Key", OWNER),
        bare("GET", &format!("/store/{token}")),
        bare("DELETE", &format!("/store/{token}")),
        bare("POST", &format!("/store/{token}")),
    ] {
        assert!(matches!(server.send(&request).await.status, 403 | 404), "{request:?}");
    }
    assert!(
        engine.resolve(&direct::tenant(), &token).await.is_err()
            && engine.attach(&direct::tenant(), &token).await.is_err()
    );
}

fn support_of(tenant: &str) -> Principal {
    Principal::new(TenantName::new(tenant).unwrap(), "support", Roles::new([upload_core::Role::Support]))
}

#[tokio::test]
async fn the_type_must_be_the_one_that_was_announced() {
    let server = direct::start().await;
    let mut blob = blob("a", b"abc");
    blob["blob"]["content_type"] = json!("Text/Plain; charset=UTF-8");
    let record = create(&server, OWNER, &blob).await;
    let request = put_of(&server, &record, b"abc");
    assert_eq!(record["direct_upload"]["headers"]["Content-Type"], "Text/Plain; charset=UTF-8");
    for wrong in ["text/html", "text/plain2", "", "application/octet-stream", "text / plain"] {
        let answer = server.send(&request.clone().header("Content-Type", wrong)).await;
        direct::error(&answer, 422, "invalid");
    }
    direct::error(&server.send(&request.clone().without("Content-Type")).await, 422, "invalid");
    let other = request.clone().header("Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg==");
    direct::error(&server.send(&other).await, 422, "invalid");
    is_pending(&server, OWNER, &record).await;
    for right in ["text/plain", "TEXT/PLAIN;charset=ascii", " text/plain ;x=y"] {
        nothing(&server.send(&request.clone().header("Content-Type", right)).await, 204);
    }
}

#[tokio::test]
async fn wrong_bytes_are_refused_and_the_right_ones_still_taken() {
    let server = direct::start().await;
    let content = noise(4, 300_000);
    let mut flipped = content.clone();
    flipped[299_999] ^= 1;
    let shorter = &content[..299_999];
    let longer = [&content[..], b"x"].concat();
    let record = create(&server, OWNER, &blob("a", &content)).await;
    // Before anything is stored, and after.
    for stored in [false, true] {
        let request = |body: &[u8]| put_of(&server, &record, body);
        direct::error(
            &server.send(&request(&flipped)).await,
            422,
            if stored { "conflict" } else { "checksum_mismatch" },
        );
        for body in [shorter, &longer, b""] {
            for answer in
                [server.send(&request(body)).await, raw(server.address, &request(body).chunked()).await]
            {
                assert_eq!(answer.status, 422, "{} bytes: {answer:?}", body.len());
            }
        }
        match stored {
            false => {
                is_pending(&server, OWNER, &record).await;
                put_well(&server, &record, &content).await;
            }
            true => is_stored(&server, OWNER, &record, &content).await,
        }
    }
    put_well(&server, &record, &content).await;
    is_stored(&server, OWNER, &record, &content).await;
}

#[tokio::test]
async fn more_than_announced_is_refused_before_it_is_read() {
    let server = direct::start().await;
    let content = noise(5, 1000);
    let record = create(&server, OWNER, &blob("a", &content)).await;
    let mut request = put_of(&server, &record, &content);
    for told in [1001, 5 * MB, usize::MAX >> 1] {
        request.told = Some(told);
        // The body is never sent.
        let answer = raw(server.address, &request.head()).await;
        assert_eq!(direct::error(&answer, 422, "size_mismatch").matches("1000").count(), 1);
    }
    // An endless body ends with its first byte too many.
    let head = put_of(&server, &record, b"").header("Transfer-Encoding", "chunked").head();
    let answer = raw(server.address, &[&head[..], b"3e9\r\n", &noise(6, 1001), b"\r\n"].concat()).await;
    direct::error(&answer, 422, "size_mismatch");
    put_well(&server, &record, &content).await;
}

#[tokio::test]
async fn nothing_and_chunked_bodies_are_taken() {
    let server = direct::start().await;
    let empty = create(&server, OWNER, &blob("empty", b"")).await;
    is_pending(&server, OWNER, &empty).await;
    nothing(&raw(server.address, &put_of(&server, &empty, b"").chunked()).await, 204);
    nothing(&put(&server, &empty, b"").await, 204);
    is_stored(&server, OWNER, &empty, b"").await;
    assert_eq!(put(&server, &empty, b"x").await.status, 422);

    let content = noise(7, 450_000);
    let record = create(&server, OWNER, &blob("a", &content)).await;
    nothing(&raw(server.address, &put_of(&server, &record, &content).chunked()).await, 204);
    is_stored(&server, OWNER, &record, &content).await;
}

#[tokio::test]
async fn a_body_that_is_cut_leaves_nothing_and_may_come_again() {
    let server = direct::start().await;
    let content = noise(8, 300_000);
    let record = create(&server, OWNER, &blob("a", &content)).await;
    let request = put_of(&server, &record, &content).bytes();
    for cut in [request.len() - 1, request.len() - 200_000] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(&request[..cut]).await.unwrap();
        stream.shutdown().await.unwrap();
        direct::error(&Answer::read(&mut stream).await, 422, "interrupted");
        is_pending(&server, OWNER, &record).await;
    }
    put_well(&server, &record, &content).await;
    is_stored(&server, OWNER, &record, &content).await;
}

#[tokio::test]
async fn content_of_a_refused_type_is_never_shown_as_a_page() {
    let server = direct::start().await;
    for (kind, content) in [
        ("text/html", &b"<!DOCTYPE html><script>alert(1)</script>"[..]),
        ("image/svg+xml", b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ("image/png", b"<!DOCTYPE html><script>alert(1)</script>"),
    ] {
        let mut blob: Value = blob("a.html", content);
        blob["blob"]["content_type"] = json!(kind);
        let record = create(&server, OWNER, &blob).await;
        put_well(&server, &record, content).await;
        let got = direct::read(&server, OWNER, &record).await;
        assert_eq!((got.status, got.body.as_slice()), (200, content));
        let shown = got.header("content-disposition").unwrap();
        assert!(shown.starts_with("attachment"), "{kind}: {shown}");
        assert_eq!(got.header("content-type"), Some("application/octet-stream"), "{kind}");
        assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    }
}

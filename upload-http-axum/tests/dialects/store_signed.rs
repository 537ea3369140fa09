//! A signed request can do nothing but what it was made for.

use std::time::Duration;

use crate::signed::{Signed, bare, md5};
use crate::support::{Answer, Request, noise, raw};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use upload_core::lifecycle::Begin;
use upload_core::record::Addressing;
use upload_core::{Access, Ask, Grant, Principal, Role, Roles, Stage, TenantName, UploadId};

const MINUTES: Duration = Duration::from_secs(300);
const PART: usize = 10_000;

fn somebody(tenant: &str) -> Principal {
    Principal::new(TenantName::new(tenant).unwrap(), "test", Roles::new([Role::Admin]))
}

/// A server whose parts may be small.
async fn server() -> Signed {
    Signed::with(|engine, _, _| engine.min_part = PART as u64).await
}

async fn begin(server: &Signed, who: &Principal, length: usize) -> UploadId {
    let mut begin = Begin::new("other", Addressing::Slots, Some(length as u64));
    begin.holder_commits = true;
    begin.file_name = Some("a name.bin".into());
    server.uploads.engine().begin(who, begin).await.unwrap().id
}

async fn token(server: &Signed, who: &Principal, id: &UploadId, ask: Ask) -> String {
    match server.uploads.engine().grant(who, id, ask).await.unwrap() {
        Grant::Sealed(token) => token,
        other => panic!("{other:?}"),
    }
}

/// Leave for bytes with this digest, sent as `a/b`.
fn of(access: Access, bytes: &[u8]) -> Ask {
    let mut ask = Ask::new(access, MINUTES);
    (ask.digest, ask.content_type) = (Some(md5(bytes)), Some("a/b".into()));
    ask
}

fn put(token: &str, bytes: &[u8]) -> Request {
    bare("PUT", &format!("/store/{token}")).body("a/b", bytes)
}

fn plain(method: &str, token: &str) -> Request {
    bare(method, &format!("/store/{token}"))
}

fn manifest(parts: &[&[u8]]) -> Vec<u8> {
    let parts: String = parts
        .iter()
        .zip(1..)
        .map(|(part, n)| {
            format!("<Part><PartNumber>{n}</PartNumber><ETag>\"{}\"</ETag></Part>", md5(part).to_hex())
        })
        .collect();
    format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>").into_bytes()
}

/// The status and the code of an error in the store's form.
fn refused(answer: &Answer) -> (u16, String) {
    let text = String::from_utf8(answer.body.clone()).unwrap();
    let code = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
    let (code, _) = code.unwrap_or_else(|| panic!("{} {text}", answer.status));
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"), "{text}");
    assert_eq!(answer.header("content-type"), Some("application/xml"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    (answer.status, code.to_owned())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_part_is_this_part_with_these_bytes() {
    let server = server().await;
    let who = somebody("acme");
    let content = noise(1, 3 * PART);
    let (first, second) = (&content[..PART], &content[PART..2 * PART]);
    let id = begin(&server, &who, content.len()).await;
    let token = token(&server, &who, &id, of(Access::Part(1), first)).await;
    let send = async |request: Request| server.send(&request).await;

    let typed = |content_type: &str| put(&token, first).header("Content-Type", content_type);
    assert_eq!(refused(&send(typed("a/c")).await), is(403, "SignatureDoesNotMatch"));
    assert_eq!(
        refused(&send(put(&token, first).without("Content-Type")).await),
        is(403, "SignatureDoesNotMatch")
    );
    let summed = |bytes: &[u8]| put(&token, first).header("Content-MD5", &md5(bytes).to_base64());
    assert_eq!(refused(&send(summed(second)).await), is(403, "SignatureDoesNotMatch"));
    let hexed = put(&token, first).header("Content-MD5", &md5(first).to_hex());
    assert_eq!(refused(&send(hexed).await), is(403, "SignatureDoesNotMatch"));
    // Bytes of the right size that are others, of another size, and none.
    assert_eq!(refused(&send(put(&token, second)).await), is(400, "BadDigest"));
    assert_eq!(refused(&send(put(&token, &content)).await).0, 400);
    assert_eq!(refused(&send(put(&token, &first[1..])).await).0, 400);
    assert_eq!(refused(&send(put(&token, b"")).await).0, 400);
    assert_eq!(
        refused(&raw(server.address, &put(&token, first).chunked()).await),
        is(411, "MissingContentLength")
    );
    let mut long = put(&token, b"");
    long.told = Some(100 << 20);
    assert_eq!(
        refused(&raw(server.address, &long.head()).await),
        is(400, "EntityTooLarge"),
        "before it is sent"
    );
    // Nothing of all that is stored.
    assert!(server.uploads.engine().parts(&who, &id).await.unwrap().is_empty());

    let etag = format!("\"{}\"", md5(first).to_hex());
    for request in [typed("A/B; charset=x"), summed(first), put(&token, first)] {
        let answer = send(request).await;
        assert_eq!((answer.status, answer.header("etag"), answer.body.len()), (200, Some(etag.as_str()), 0));
    }
    assert_eq!(server.uploads.engine().parts(&who, &id).await.unwrap().len(), 1);
    // Stored now: others are another thing than those that it has.
    assert_eq!(refused(&send(put(&token, second)).await).0 / 100, 4);
    assert_eq!(server.uploads.engine().parts(&who, &id).await.unwrap()[0].digest, Some(md5(first)));
}

#[tokio::test]
async fn each_method_is_for_its_purpose() {
    let server = server().await;
    let who = somebody("acme");
    let content = noise(2, 2 * PART);
    let parts = [&content[..PART], &content[PART..]];
    let id = begin(&server, &who, content.len()).await;
    let complete = begin(&server, &who, 0).await;
    let commit = token(&server, &who, &complete, Ask::new(Access::CommitParts, MINUTES)).await;
    // Nothing to list: an empty upload's manifest cannot be, its application finishes it another way.
    assert_eq!(
        refused(&server.send(&plain("POST", &commit).body("a/b", manifest(&[]))).await),
        is(400, "MalformedXML")
    );

    let mut tokens = Vec::new();
    for access in [
        Access::Put,
        Access::Part(1),
        Access::BeginParts,
        Access::ListParts,
        Access::CommitParts,
        Access::AbortParts,
    ] {
        let bytes = if access == Access::Put { &content[..] } else { parts[0] };
        let ask = match access {
            Access::Put | Access::Part(_) => of(access, bytes),
            _ => Ask::new(access, MINUTES),
        };
        tokens.push((access, token(&server, &who, &id, ask).await));
    }
    for (access, token) in &tokens {
        let own: &[&str] = match access {
            Access::Put | Access::Part(_) => &["PUT"],
            Access::BeginParts | Access::CommitParts => &["POST"],
            Access::ListParts => &["GET"],
            _ => &["DELETE"],
        };
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
            if !own.contains(&method) {
                let request = plain(method, token).body("a/b", &b"x"[..]);
                let answer = server.send(&request).await;
                assert_eq!(answer.status, 403, "{access:?} {method}");
                assert!(
                    method == "HEAD" || refused(&answer) == is(403, "AccessDenied"),
                    "{access:?} {method}"
                );
            }
        }
        for method in ["PATCH", "OPTIONS", "TRACE"] {
            assert_eq!(refused(&server.send(&plain(method, token)).await), is(405, "MethodNotAllowed"));
        }
    }
    let seen = server.uploads.engine().inspect(&who, &id).await.unwrap();
    assert!(matches!(seen.stage, Stage::Receiving) && seen.received == 0, "nothing has happened: {seen:?}");
}

#[tokio::test]
async fn a_token_is_this_uploads_until_it_ends_and_nobody_can_make_one() {
    let server = server().await;
    let (who, stranger) = (somebody("acme"), somebody("strange"));
    let content = noise(3, PART);
    let id = begin(&server, &who, content.len()).await;
    let other = begin(&server, &stranger, content.len()).await;
    let own = token(&server, &who, &id, of(Access::Put, &content)).await;
    let theirs = token(&server, &stranger, &other, of(Access::Put, &content)).await;
    let denied = is(403, "AccessDenied");
    let mut bad: Vec<String> =
        vec!["x".into(), "..".into(), "a.b.c".into(), "%00".into(), "%FF".into(), own[1..].into()];
    bad.push(own.to_uppercase());
    bad.push(server.uploads.engine().signed_id(&id).unwrap());
    // One character of each piece changed, pieces of two tokens put together.
    for at in [0, own.find('.').unwrap() + 5, own.rfind('.').unwrap() + 3] {
        let mut changed = own.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        bad.push(String::from_utf8(changed).unwrap());
    }
    let pieces = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (mine, strange) = (pieces(&own), pieces(&theirs));
    bad.push([&mine[0], &strange[1], &mine[2]].map(String::as_str).join("."));
    bad.push([&strange[0], &mine[1], &strange[2]].map(String::as_str).join("."));
    for token in bad {
        for method in ["PUT", "GET", "POST", "DELETE"] {
            let request = bare(method, &format!("/store/{token}")).body("a/b", content.clone());
            assert_eq!(refused(&server.send(&request).await), denied, "{method} {token}");
        }
    }
    // Another tenant's token is for that tenant's upload only.
    assert_eq!(server.send(&put(&theirs, &content)).await.status, 200);
    assert_eq!(server.uploads.engine().inspect(&who, &id).await.unwrap().received, 0);

    server.clock.advance(MINUTES - Duration::from_millis(1));
    assert_eq!(server.send(&put(&own, &content)).await.status, 200);
    server.clock.advance(Duration::from_millis(1));
    assert_eq!(refused(&server.send(&put(&own, &content)).await), denied);
}

#[tokio::test]
async fn a_token_that_ends_while_the_body_comes_was_good() {
    let server = server().await;
    let who = somebody("acme");
    let content = noise(4, 1_000_000);
    let id = begin(&server, &who, content.len()).await;
    let token = token(&server, &who, &id, of(Access::Put, &content)).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // "100 Continue" shows that the body is being read.
    let head = put(&token, &content).header("Expect", "100-continue").head();
    stream.write_all(&head).await.unwrap();
    let mut first = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut first).await.unwrap();
    stream.write_all(&content[..1000]).await.unwrap();
    server.clock.advance(MINUTES);
    stream.write_all(&content[1000..]).await.unwrap();
    assert_eq!(Answer::read(&mut stream).await.status, 200);
    assert_eq!(refused(&server.send(&put(&token, &content)).await), is(403, "AccessDenied"));
}

#[tokio::test]
async fn what_is_stored_stays_also_after_completion() {
    let server = server().await;
    let who = somebody("acme");
    let content = noise(5, PART);
    let other = noise(6, PART);
    let mut begun = Begin::new("other", Addressing::Slots, Some(content.len() as u64));
    begun.file_name = Some("a".into());
    let id = server.uploads.engine().begin(&who, begun).await.unwrap().id;
    let good = token(&server, &who, &id, of(Access::Put, &content)).await;
    // Made before anything was stored, for other bytes, and for any.
    let evil = token(&server, &who, &id, of(Access::Put, &other)).await;
    let mut any = Ask::new(Access::Put, MINUTES);
    any.content_type = Some("a/b".into());
    let any = token(&server, &who, &id, any).await;
    let short = Request { told: Some(PART), ..put(&good, &content[..PART / 2]) };
    let mut cut = TcpStream::connect(server.address).await.unwrap();
    cut.write_all(&short.bytes()).await.unwrap();
    drop(cut);
    assert_eq!(refused(&server.send(&put(&good, &content[..PART - 1])).await), is(400, "IncompleteBody"));
    let longer = [&content[..], b"x"].concat();
    assert_eq!(refused(&server.send(&put(&good, &longer)).await), is(400, "EntityTooLarge"));
    assert_eq!(
        refused(&raw(server.address, &put(&good, &longer).chunked()).await),
        is(400, "EntityTooLarge")
    );
    let shorter = put(&good, &content[..PART - 1]).chunked();
    assert_eq!(refused(&raw(server.address, &shorter).await), is(400, "BadDigest"), "no length was told");

    let typed = put(&good, &content).header("Content-Type", "a/c");
    assert_eq!(refused(&server.send(&typed).await), is(403, "SignatureDoesNotMatch"));

    let first = server.send(&put(&good, &content)).await;
    assert_eq!(first.status, 200);
    for finished in [false, true] {
        if finished {
            server.uploads.engine().finish(&who, &id).await.unwrap();
        }
        assert_eq!(server.send(&put(&good, &content)).await.header("etag"), first.header("etag"));
        assert_eq!(
            raw(server.address, &put(&good, &content).chunked()).await.header("etag"),
            first.header("etag")
        );
        assert_eq!(
            refused(&server.send(&put(&evil, &other)).await),
            is(412, "PreconditionFailed"),
            "{finished}"
        );
        assert_eq!(
            refused(&server.send(&put(&any, &other)).await),
            is(412, "PreconditionFailed"),
            "{finished}"
        );
        assert_eq!(refused(&server.send(&put(&evil, &content)).await).0 / 100, 4, "{finished}");
        let same = server.send(&put(&any, &content)).await;
        assert_eq!((same.status, same.header("etag")), (200, Some(format!("\"{id}-0\"").as_str())));
    }
    let reading = server.uploads.engine().read(Some(&who), &id).await.unwrap();
    assert_eq!(reading.range(0..PART as u64).await.unwrap(), content);
    let abort = server.uploads.engine().grant(&who, &id, Ask::new(Access::AbortParts, MINUTES)).await;
    if let Ok(Grant::Sealed(token)) = abort {
        assert_eq!(refused(&server.send(&plain("DELETE", &token)).await), is(412, "PreconditionFailed"));
    }
    assert!(server.uploads.engine().read(Some(&who), &id).await.is_ok());
}

#[tokio::test]
async fn a_manifest_is_checked_against_what_is_stored() {
    let server = server().await;
    let who = somebody("acme");
    let content = noise(7, 3 * PART - 17);
    let parts: Vec<&[u8]> = content.chunks(PART).collect();
    let id = begin(&server, &who, content.len()).await;
    let commit = token(&server, &who, &id, Ask::new(Access::CommitParts, MINUTES)).await;
    let list = token(&server, &who, &id, Ask::new(Access::ListParts, MINUTES)).await;
    let session = token(&server, &who, &id, Ask::new(Access::BeginParts, MINUTES)).await;
    let post = async |body: Vec<u8>| server.send(&plain("POST", &commit).body("application/xml", body)).await;
    let begun = server.send(&plain("POST", &session)).await;
    assert!(String::from_utf8(begun.body).unwrap().contains(&format!("<UploadId>{id}</UploadId>")));

    assert_eq!(refused(&post(manifest(&parts)).await), is(400, "InvalidPart"), "nothing is stored");
    for (n, part) in [(1, parts[0]), (3, parts[2])] {
        let token = token(&server, &who, &id, of(Access::Part(n), part)).await;
        assert_eq!(server.send(&put(&token, part)).await.status, 200);
    }
    let listed = server.send(&plain("GET", &list)).await;
    let listed = String::from_utf8(listed.body).unwrap();
    for n in [1, 3] {
        let (part, size) = (parts[n - 1], parts[n - 1].len());
        let row = format!(
            "<Part><PartNumber>{n}</PartNumber><ETag>&quot;{}&quot;</ETag><Size>{size}</Size></Part>",
            md5(part).to_hex()
        );
        assert!(listed.contains(&row), "{listed}");
    }
    assert!(!listed.contains("<PartNumber>2<") && listed.contains("<IsTruncated>false</IsTruncated>"));
    assert_eq!(refused(&post(manifest(&parts)).await), is(400, "InvalidPart"), "the second is missing");
    let second = token(&server, &who, &id, of(Access::Part(2), parts[1])).await;
    assert_eq!(server.send(&put(&second, parts[1])).await.status, 200);
    assert_eq!(
        refused(&post(manifest(&parts[..2])).await),
        is(400, "InvalidPart"),
        "the third is not listed"
    );
    let swapped = [parts[1], parts[0], parts[2]];
    assert_eq!(refused(&post(manifest(&swapped)).await), is(400, "InvalidPart"), "other tags");
    let mut more = parts.clone();
    more.push(b"");
    assert_eq!(refused(&post(manifest(&more)).await), is(400, "InvalidPart"), "one too many");
    for (body, code) in [
        (&b"garbage"[..], "MalformedXML"),
        (b"", "MalformedXML"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><CompleteMultipartUpload/>", "MalformedXML"),
    ] {
        assert_eq!(refused(&post(body.to_vec()).await), is(400, code));
    }
    let huge = [manifest(&parts), vec![b' '; 3 << 20]].concat();
    assert_eq!(refused(&post(huge).await), is(400, "EntityTooLarge"));
    assert!(server.uploads.engine().finish(&who, &id).await.is_err(), "nothing has been committed");
    let committed = post(manifest(&parts)).await;
    assert_eq!(committed.status, 200);
    let again = post(manifest(&parts)).await;
    assert_eq!((again.status, again.body), (200, committed.body));
    server.uploads.engine().finish(&who, &id).await.unwrap();
    assert_eq!(post(manifest(&parts)).await.status, 200);

    let mut read = Ask::new(Access::Read, MINUTES);
    (read.file_name, read.content_type) = (Some("other/näme.txt".into()), Some("text/html".into()));
    let read = token(&server, &who, &id, read).await;
    for path in [format!("/store/{read}"), format!("/store/{read}/decoration")] {
        let got = server.send(&bare("GET", &path)).await;
        assert!(got.status == 200 && got.body == content);
        assert_eq!(got.header("content-type"), Some("application/octet-stream"), "never what a browser runs");
        assert!(got.header("content-disposition").unwrap().contains("filename*=UTF-8''other_n%C3%A4me.txt"));
        assert_eq!(server.send(&bare("HEAD", &path)).await.header("content-length"), Some("29983"));
        assert_eq!(refused(&server.send(&bare("DELETE", &path)).await), is(403, "AccessDenied"));
    }
    server.uploads.engine().remove(&who, &id).await.unwrap();
    assert_eq!(refused(&server.send(&plain("GET", &read)).await), is(404, "NoSuchKey"));
}

#[tokio::test]
async fn an_aborted_upload_takes_nothing_more() {
    let server = server().await;
    let who = somebody("acme");
    let content = noise(8, 2 * PART);
    let id = begin(&server, &who, content.len()).await;
    let part = token(&server, &who, &id, of(Access::Part(1), &content[..PART])).await;
    let abort = token(&server, &who, &id, Ask::new(Access::AbortParts, MINUTES)).await;
    let others = [Access::BeginParts, Access::ListParts, Access::CommitParts];
    let mut tokens = Vec::new();
    for access in others {
        tokens.push((access, token(&server, &who, &id, Ask::new(access, MINUTES)).await));
    }
    assert_eq!(server.send(&put(&part, &content[..PART])).await.status, 200);
    for _ in 0..2 {
        let answer = server.send(&plain("DELETE", &abort)).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
    }
    assert_eq!(refused(&server.send(&put(&part, &content[..PART])).await), is(404, "NoSuchUpload"));
    for (access, token) in tokens {
        let method = if access == Access::ListParts { "GET" } else { "POST" };
        let request = plain(method, &token).body("application/xml", manifest(&[&content[..PART]]));
        let answer = server.send(&request).await;
        // The parts are gone as well: there is nothing that could be listed.
        let expected = match access {
            Access::CommitParts => &[(404, "NoSuchUpload"), (400, "InvalidPart")][..],
            _ => &[(404, "NoSuchUpload")],
        };
        let got = refused(&answer);
        assert!(expected.iter().any(|(status, code)| got == is(*status, code)), "{access:?} {got:?}");
    }
}

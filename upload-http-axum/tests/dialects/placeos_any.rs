//! Whatever a client sends, it is never our fault: no 500 for any JSON, any query, any XML.

use std::sync::OnceLock;

use crate::any_json::any_json;
use crate::placeos::BASE;
use crate::signed::{OWNER, Signed, md5};
use axum::Router;
use axum::body::Body;
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::Service as _;
use upload_http_axum::dialect::placeos::{self as dialect, PlaceosSettings};
use upload_http_axum::store;

/// A router over a store that holds one upload in parts, and what was signed for it.
struct World {
    runtime: Runtime,
    router: Router,
    /// The path of the upload in parts, and that of a small one.
    paths: [String; 2],
    /// The paths of signed requests: begin, list, part, commit, whole.
    signed: Vec<String>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let (router, paths, signed) = runtime.block_on(async {
            let server = Signed::with(|engine, _, _| engine.min_part = 10).await;
            let large = json!({"file_name": "a", "file_size": 6_000_000, "file_id": "x"});
            let small = json!({"file_name": "b", "file_size": 3, "file_id": md5(b"abc").to_base64()});
            let mut paths = Vec::new();
            let mut signed = Vec::new();
            let mut keep = |answer: &Value| {
                signed.push(server.path_of(answer["signature"]["url"].as_str().unwrap()));
            };
            for body in [large.clone(), small] {
                let created = server.api(OWNER, "POST", BASE, Some(&body)).await.json();
                keep(&created);
                paths.push(format!("{BASE}/{}", created["upload_id"].as_str().unwrap()));
            }
            let told = json!({"resumable_id": "r", "part_list": [1], "part_update": true});
            server.api(OWNER, "PATCH", &paths[0], Some(&told)).await;
            keep(&server.api(OWNER, "POST", BASE, Some(&large)).await.json());
            let query = format!("?part=1&file_id={}", md5(b"abc").to_hex());
            keep(&server.api(OWNER, "PATCH", &format!("{}{query}", paths[0]), None).await.json());
            // A whole that is all there, so that its end can be signed.
            let content = vec![7; 5_000_001];
            let whole = json!({"file_name": "c", "file_size": content.len(), "file_id": "x"});
            let created = server.api(OWNER, "POST", BASE, Some(&whole)).await.json();
            let path = format!("{BASE}/{}", created["upload_id"].as_str().unwrap());
            server.api(OWNER, "PATCH", &path, Some(&told)).await;
            let query = format!("?part=1&file_id={}", md5(&content).to_hex());
            let part = server.api(OWNER, "PATCH", &format!("{path}{query}"), None).await.json();
            assert_eq!(server.signed(&part["signature"], &content).await.status, 200);
            keep(&server.api(OWNER, "GET", &format!("{path}/edit?part=finish"), None).await.json());
            let router = dialect::router(&server.uploads, &PlaceosSettings::default())
                .merge(store::router(&server.uploads));
            (router, paths.try_into().unwrap(), signed)
        });
        World { runtime, router, paths, signed }
    })
}

/// The status of the answer; `None` for what is no request at all.
fn status(method: &str, uri: &str, content_type: Option<&str>, body: Vec<u8>) -> Option<u16> {
    let world = world();
    let mut request = http::Request::builder().method(method).uri(uri).header("x-api-key", OWNER);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    let request = request.body(Body::from(body)).ok()?;
    let mut router = world.router.clone();
    Some(world.runtime.block_on(router.call(request)).unwrap().status().as_u16())
}

/// A body that begins an upload but for one value.
fn almost() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "file_name",
        "file_size",
        "file_id",
        "file_mime",
        "file_path",
        "tags",
        "public",
        "permissions",
        "expires",
        "cache_etag",
        "cache_modified",
    ]);
    (names, any_json(md5(b"abc").to_base64())).prop_map(|(name, value)| {
        let mut body = json!({"file_name": "a", "file_size": 3, "file_id": md5(b"abc").to_base64()});
        body[name] = value;
        body
    })
}

fn xml() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "<CompleteMultipartUpload>",
        "</CompleteMultipartUpload>",
        "<Part>",
        "</Part>",
        "<PartNumber>",
        "</PartNumber>",
        "<ETag>",
        "</ETag>",
        "1",
        "2",
        "&quot;",
        "&x;",
        "<!DOCTYPE a>",
        "<!--",
        "-->",
        "\u{0}",
    ]);
    let part = (0_u32..12_000, ".{0,40}")
        .prop_map(|(n, etag)| format!("<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>"));
    let parts = prop::collection::vec(part, 0..4)
        .prop_map(|parts| format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat()));
    prop_oneof![
        prop::collection::vec(piece, 0..25).prop_map(|pieces| pieces.concat().into_bytes()),
        parts.prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..100),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_json_at_all(value in prop_oneof![any_json(md5(b"abc").to_base64()), almost()], cut in any::<bool>()) {
        let mut body = value.to_string().into_bytes();
        if cut {
            body.pop();
        }
        let [large, small] = &world().paths;
        for (method, uri) in [
            ("POST", BASE), ("PATCH", large), ("PUT", large), ("PATCH", small), ("PUT", small),
            ("PATCH", &format!("{large}?part=2&file_id={}", md5(b"b").to_hex())),
        ] {
            let status = status(method, uri, Some("application/json"), body.clone()).unwrap();
            prop_assert!(status < 500 || status == 503, "{} {}: {}", method, uri, status);
        }
    }

    #[test]
    fn any_query_at_all(
        names in prop::collection::vec(prop::sample::select(vec![
            "part", "file_id", "limit", "offset", "tags", "file_search", "expiry", "file_name", "file_size", "file_mime", "x",
        ]), 0..4),
        values in prop::collection::vec(prop_oneof!["[0-9+%-]{0,25}", "[a-zA-Z0-9%=+/,.~ü]{0,30}"], 4),
    ) {
        let pairs: Vec<_> = names.iter().zip(values).map(|(name, value)| format!("{name}={value}")).collect();
        let query = pairs.join("&");
        let [large, small] = &world().paths;
        let uris = [
            ("GET", BASE.to_owned()), ("GET", format!("{BASE}/new")), ("GET", format!("{large}/edit")),
            ("GET", format!("{small}/edit")), ("GET", format!("{large}/url")), ("PATCH", large.clone()),
            ("GET", format!("{small}/download")), ("PUT", format!("{BASE}/{}", pairs.concat().replace(['?', '#'], ""))),
        ];
        for (method, uri) in uris {
            if let Some(status) = status(method, &format!("{uri}?{query}"), None, Vec::new()) {
                prop_assert!(status < 500 || status == 503, "{} {}?{}: {}", method, uri, query, status);
            }
        }
    }

    #[test]
    fn any_xml_at_all(body in xml(), content_type in prop::sample::select(vec!["application/xml", "binary/octet-stream"])) {
        for uri in &world().signed {
            for method in ["POST", "PUT", "GET"] {
                let status = status(method, uri, Some(content_type), body.clone()).unwrap();
                prop_assert!(status < 500 || status == 503, "{} {}: {}", method, uri, status);
            }
        }
    }

    #[test]
    fn any_token_at_all(token in prop_oneof!["[A-Za-z0-9._-]{1,200}", "[A-Za-z0-9_-]{0,8}\\.[A-Za-z0-9_-]{0,300}\\.[A-Za-z0-9_-]{0,60}"]) {
        for method in ["GET", "HEAD", "PUT", "POST", "DELETE"] {
            if let Some(status) = status(method, &format!("/store/{token}"), None, b"x".to_vec()) {
                prop_assert_eq!(status, 403);
            }
        }
    }
}

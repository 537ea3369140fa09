//! Whatever a client sends, it is never our fault: no 500 for any headers, any path, any method.

use crate::tus;
use std::sync::OnceLock;

use crate::signed::OWNER;
use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Response};
use proptest::prelude::*;
use tokio::runtime::Runtime;
use tower::Service as _;
use upload_http_axum::dialect::tus::{self as dialect, TusSettings};

/// A router over a store that holds uploads, each as far as it can be.
struct World {
    runtime: Runtime,
    router: Router,
    paths: Vec<String>,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let (router, paths) = runtime.block_on(async {
            let server = tus::start().await;
            let partial = tus::part(&server, b"part").await;
            let open = tus::post(1 << 20).header("Upload-Concat", "partial");
            let open = tus::path(&server.send(&open).await);
            let composed = server.send(&tus::composition(&[&partial, &partial])).await;
            let waiting = server.send(&tus::composition(&[&partial, &open])).await;
            let paths = vec![
                tus::create(&server, 1 << 20).await,
                tus::path(&server.send(&tus::deferred()).await),
                tus::complete(&server, b"hello").await,
                tus::path(&composed),
                tus::path(&waiting),
                partial,
                open,
            ];
            (dialect::router(&server.uploads, &TusSettings::default()), paths)
        });
        World { runtime, router, paths }
    })
}

/// The answer; `None` to what is no request at all.
fn answer(method: &str, uri: &str, headers: &[(&str, HeaderValue)], body: Vec<u8>) -> Option<Response<Body>> {
    let world = world();
    let mut request = http::Request::builder().method(method).uri(uri).header("x-api-key", OWNER);
    if !headers.iter().any(|(name, _)| *name == "tus-resumable") {
        request = request.header("tus-resumable", "1.0.0");
    }
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let request = request.body(Body::from(body)).ok()?;
    let mut router = world.router.clone();
    Some(world.runtime.block_on(router.call(request)).unwrap())
}

fn value() -> impl Strategy<Value = HeaderValue> {
    let paths = world().paths.clone();
    let near = prop_oneof![
        "[0-9]{1,3}|[0-9+-]{0,22}",
        prop::collection::vec(prop::sample::select(paths), 0..3)
            .prop_map(|urls| format!("final;{}", urls.join(" "))),
        "partial|PATCH|DELETE|HEAD|1|upload-checksum|application/offset\\+octet-stream",
        "(sha1|md5|sha256|crc32c) [A-Za-z0-9+/]{0,43}={0,2}",
        "([a-z]{0,8} ?([A-Za-z0-9+/]{4}){0,3},? ?){0,4}",
        "bytes=[0-9]{0,3}-[0-9]{0,3}",
    ];
    prop_oneof![
        4 => near.prop_map(|text| HeaderValue::from_str(&text).unwrap()),
        1 => prop::collection::vec(any::<u8>(), 0..40)
            .prop_filter_map("no value", |bytes| HeaderValue::from_bytes(&bytes).ok()),
    ]
}

fn any_headers() -> impl Strategy<Value = Vec<(&'static str, HeaderValue)>> {
    let name = prop::sample::select(vec![
        "upload-length",
        "upload-defer-length",
        "upload-offset",
        "upload-offset",
        "upload-metadata",
        "upload-concat",
        "upload-checksum",
        "trailer",
        "content-type",
        "content-type",
        "host",
        "range",
        "x-http-method-override",
        "tus-resumable",
    ]);
    prop::collection::vec((name, value()), 0..7)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_headers_at_all(
        headers in any_headers(),
        bytes in any::<bool>(),
        body in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let mut headers = headers;
        if bytes {
            headers.push(("content-type", HeaderValue::from_static(tus::BYTES)));
        }
        for method in ["OPTIONS", "POST", "HEAD", "PATCH", "GET"] {
            for uri in world().paths.iter().map(String::as_str).chain(["/files", "/files/"]) {
                let answer = answer(method, uri, &headers, body.clone()).unwrap();
                let status = answer.status().as_u16();
                prop_assert!(status < 500, "{} {} {:?}: {}", method, uri, headers, status);
                let told = answer.headers().contains_key("tus-resumable");
                prop_assert!(told || method == "OPTIONS", "{} {}", method, uri);
            }
        }
    }

    #[test]
    fn any_path_at_all(path in "[a-z0-9%./?#:-]{0,40}|(\\.\\./|%2e|%00|%2F|/|[a-z0-9]{33}){0,4}") {
        for method in ["HEAD", "PATCH", "DELETE", "GET"] {
            let headers = [("upload-offset", HeaderValue::from_static("0")), ("content-type", HeaderValue::from_static(tus::BYTES))];
            let uri = format!("/files/{path}");
            if let Some(answer) = answer(method, &uri, &headers, Vec::new()) {
                let known = matches!(uri.split(['?', '#']).next(), Some("/files" | "/files/"));
                prop_assert_eq!(answer.status().as_u16(), if known { 405 } else { 404 }, "{} {}", method, uri);
            }
        }
    }

    #[test]
    fn any_method_at_all(method in "[A-Z]{1,10}|[!-~]{1,5}") {
        for uri in ["/files", &world().paths[2]] {
            if let Some(answer) = answer(&method, uri, &[], Vec::new()) {
                prop_assert!(answer.status().as_u16() < 500, "{} {}", method, uri);
            }
        }
    }
}

//! What is read of a complete upload, by a key or by a link that ends.

use std::time::Duration;

use serde_json::json;

use crate::placeos::{body, complete};
use crate::signed::{OWNER, Signed, api, bare};
use crate::support::{self, noise};

#[tokio::test]
async fn downloads_and_links_are_whole_partial_or_unchanged() {
    let server = Signed::start().await;
    let content = support::mp4(3000);
    let mut described = body(&content);
    described["file_name"] = json!("größe 1.mp4");
    let path = complete(&server, OWNER, &described, &content).await;
    let download = format!("{path}/download");
    let got = server.api(OWNER, "GET", &download, None).await;
    assert_eq!(got.header("content-type"), Some("video/mp4"));
    assert!(got.header("content-disposition").unwrap().ends_with("filename*=UTF-8''gr%C3%B6%C3%9Fe_1.mp4"));
    assert_eq!(got.header("x-content-type-options"), Some("nosniff"));
    let etag = got.header("etag").unwrap().to_owned();
    let head = server.send(&api(OWNER, "HEAD", &download, None)).await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, Some("3000"), 0));
    let link = server.api(OWNER, "GET", &format!("{path}/url?expiry=5"), None).await;
    let url = server.path_of(link.header("location").unwrap());
    assert!(url.ends_with("/gr__e_1.mp4"), "{url}");
    for request in [bare("GET", &url), api(OWNER, "GET", &download, None)] {
        let part = server.send(&request.clone().header("Range", "bytes=10-19")).await;
        assert_eq!((part.status, &part.body[..]), (206, &content[10..20]));
        assert_eq!(part.header("content-range"), Some("bytes 10-19/3000"));
        for range in ["bytes=3000-", "bytes=0-1,5-6"] {
            assert_eq!(server.send(&request.clone().header("Range", range)).await.status, 416, "{range}");
        }
        assert_eq!(server.send(&request.clone().header("If-None-Match", &etag)).await.status, 304);
    }
    // A link ends; another may be had.
    server.clock.advance(Duration::from_secs(301));
    assert_eq!(server.send(&bare("GET", &url)).await.status, 403);
    let link = server.api(OWNER, "GET", &format!("{path}/url?expiry=99999"), None).await;
    let url = server.path_of(link.header("location").unwrap());
    server.clock.advance(Duration::from_secs(1439 * 60));
    assert_eq!(server.send(&bare("GET", &url)).await.status, 200);
    server.clock.advance(Duration::from_secs(61));
    assert_eq!(server.send(&bare("GET", &url)).await.status, 403);
    for expiry in ["0", "-1", "soon"] {
        let answer = server.api(OWNER, "GET", &format!("{path}/url?expiry={expiry}"), None).await;
        assert_eq!((answer.status, answer.json()["parameter"].as_str()), (400, Some("expiry")));
    }
    // What a client declares is shown where nothing is recognised, but never as what a browser would run.
    for (mime, shown) in
        [("application/x-thing", "application/x-thing"), ("text/html", "application/octet-stream")]
    {
        let bytes = noise(10, 100);
        let mut described = body(&bytes);
        described["file_mime"] = json!(mime);
        let path = complete(&server, OWNER, &described, &bytes).await;
        let got = server.api(OWNER, "GET", &format!("{path}/download"), None).await;
        assert_eq!(got.header("content-type"), Some(shown));
    }
}

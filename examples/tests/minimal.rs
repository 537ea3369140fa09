//! The application of the README, driven once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

#[path = "../minimal/app.rs"]
mod app;

use support::client::Client;
use support::http::request;
use support::{TempDir, media};
use tokio::sync::mpsc::unbounded_channel;

#[test]
fn it_serves_its_own_page_takes_an_upload_of_its_own_user_and_hears_of_it() {
    let dir = TempDir::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (done, mut completed) = unbounded_channel();
    let (app, _uploads) = app::app(dir.path(), done).unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    runtime.spawn(async move { axum::serve(listener, app).await });

    assert_eq!(request(&address, "GET", "/", &[], b"").unwrap().status, 200);
    let image = media("rgb.jpg");
    let upload = |user: &str, image: &[u8]| {
        let head = "--b\r\nContent-Disposition: form-data; name=destinationId\r\n\r\nphotos\r\n\
                    --b\r\nContent-Disposition: form-data; name=file; filename=a.jpg\r\n\r\n";
        let body = [head.as_bytes(), image, b"\r\n--b--\r\n"].concat();
        let headers = [("content-type", "multipart/form-data; boundary=b"), ("x-pico-api-org", user)];
        request(&address, "POST", "/media/uploads", &headers, &body).unwrap()
    };
    assert_eq!(upload("mallory", &image).status, 401);
    assert_eq!(upload("alice in-wonderland", b"no image").status, 400);
    let answer = upload("alice in-wonderland", &image);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let path = answer.json()["path"].as_str().unwrap().to_owned();
    assert!(path.starts_with("/media/photos/"), "{path}");
    assert!(Client::new(&address, "alice in-wonderland").get(&path).body == image);

    let outcome = completed.try_recv().unwrap();
    assert_eq!((outcome.length, outcome.content_type.as_deref()), (image.len() as u64, Some("image/jpeg")));
    assert!(completed.try_recv().is_err(), "once");
}

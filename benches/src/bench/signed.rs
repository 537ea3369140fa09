//! Parts that come by signed requests, and how many of those the server can hand out.

use serde_json::{Value, json};
use upload_checksum::{Algorithm, Hasher};
use upload_core::{Access, Timestamp, UploadId};
use upload_engine::token::{Secrets, Token};

use upload_benches::{client::Client, server::SECRET};

const API: &str = "/api/engine/v2/uploads";

/// An upload of `length` bytes that takes parts; gives its id on the wire. `n` tells it from others.
pub(crate) fn create(client: &mut Client, length: u64, n: usize) -> String {
    let body = json!({
        "file_name": format!("bench-{n}.bin"),
        "file_size": length,
        "file_id": md5(&n.to_le_bytes()),
    });
    let answer = client.json("POST", API, &body);
    answer["upload_id"].as_str().expect("an upload_id").to_owned()
}

/// Asks for the signed request of a part.
pub(crate) fn ask(client: &mut Client, id: &str, part: u64, md5: &str) -> Value {
    let query = md5.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F");
    client.json(
        "PATCH",
        &format!("{API}/{id}?part={part}&file_id={query}"),
        &json!({ "resumable_id": "bench" }),
    )
}

/// The paths that the parts go to, and the MD5 that goes with each; without one, sealed here.
pub(crate) fn paths(
    client: &mut Client,
    n: usize,
    data: &[u8],
    length: u64,
    digest: bool,
) -> Vec<(String, Option<String>)> {
    let id = create(client, length, n);
    let chunk = data.len() as u64;
    let (whole, secrets) = (md5(data), Secrets::new(SECRET.as_bytes()).unwrap());
    (0..length.div_ceil(chunk))
        .map(|n| {
            let len = chunk.min(length - n * chunk) as usize;
            if digest {
                let md5 = if len == data.len() { whole.clone() } else { md5(&data[..len]) };
                let answer = ask(client, &id, n + 1, &md5);
                let url = answer["signature"]["url"].as_str().expect("a URL");
                let path = url.splitn(4, '/').nth(3).expect("its path");
                return (format!("/{path}"), Some(md5));
            }
            let upload = UploadId::parse(id.trim_start_matches("uploads-")).unwrap();
            let mut token = Token::new(Some(Access::Part(n as u32 + 1)), upload);
            token.max_length = Some(chunk);
            token.content_type = Some("binary/octet-stream".into());
            token.expires = Some(Timestamp::from_millis(u64::MAX));
            (format!("/store/{}", secrets.seal(&token).unwrap()), None)
        })
        .collect()
}

/// A record of the other API, with the signed request for its bytes.
pub(crate) fn record(client: &mut Client, n: usize) {
    let body = json!({ "blob": {
        "filename": format!("bench-{n}.bin"),
        "content_type": "application/octet-stream",
        "byte_size": 1000,
        "checksum": md5(&n.to_le_bytes()),
    }});
    assert!(client.json("POST", "/api/v1/upload/direct", &body)["direct_upload"]["url"].is_string());
}

pub(crate) fn md5(bytes: &[u8]) -> String {
    let mut hasher = Hasher::new(Algorithm::Md5);
    hasher.update(bytes);
    hasher.finish().to_base64()
}

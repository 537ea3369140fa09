//! Whatever a client sends, it is never our fault: no 500 for any form, any query, any bytes; and nothing of it stays.

use crate::support;
use std::sync::OnceLock;

use crate::wickson::{KEY, PATH, Wickson, pdf};
use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use proptest::prelude::*;
use tokio::runtime::Runtime;
use tower::Service as _;

fn world() -> &'static (Runtime, Wickson) {
    static WORLD: OnceLock<(Runtime, Wickson)> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(Wickson::with(|numbers| numbers.policy.max_single = 20_000));
        (runtime, server)
    })
}

/// The status and the code of the answer to a body that comes in frames of this many bytes; `None` for what is no request.
fn answered(content_type: &str, query: &str, body: &[u8], frame: usize) -> Option<(u16, String)> {
    let (runtime, server) = world();
    let frames: Vec<_> =
        body.chunks(frame).map(|frame| Ok::<_, std::io::Error>(Bytes::copy_from_slice(frame))).collect();
    let request = http::Request::post(format!("{PATH}?{query}"))
        .header("x-api-key", KEY)
        .header("content-type", content_type)
        .body(Body::from_stream(stream::iter(frames)))
        .ok()?;
    let mut router = server.router.clone();
    Some(runtime.block_on(async {
        let answer = router.call(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(json["success"].as_bool(), Some(status == 200), "{json}");
        (status, json["error"]["code"].as_str().unwrap_or_default().to_owned())
    }))
}

/// That an answer is one of the table that is the client's matter.
fn is_the_clients((status, code): &(u16, String)) -> bool {
    match status {
        200 => code.is_empty(),
        400 => ["MISSING_FILE", "UNSUPPORTED_FILE_TYPE", "FILE_SIZE_EXCEEDED", "INVALID_PARAMETER"]
            .contains(&code.as_str()),
        409 => code == "DUPLICATE_FILE",
        _ => false,
    }
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["file", "force_overwrite", "collection_id", "include_vectors"])
            .prop_map(str::to_owned),
        1 => "[a-z_]{0,20}",
        1 => "\\PC{0,20}",
    ]
}

fn content() -> impl Strategy<Value = Vec<u8>> {
    let words = vec!["true", "FALSE", "1", "0", "", "yes", "a", "my_collection", "../x", "größe", "--cut"];
    prop_oneof![
        3 => prop::sample::select(words).prop_map(|text| text.as_bytes().to_vec()),
        2 => (0_u64..40).prop_map(pdf),
        1 => prop::collection::vec(any::<u8>(), 0..300),
        1 => Just(vec![b' '; 30_000]),
        1 => prop::sample::select(vec![
            &b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"[..], b"GIF89a", b"\x89PNG\r\n\x1a\n", b"v 1 2 3\nf 1 1 1\n", b"PK\x03\x04",
            b"<html>", b"#!/bin/sh\n", b"glTF\x02\x00\x00\x00", b"RIFF\x00\x00\x00\x00WAVE", b"\x00\x00\x00\x18ftypmp42",
        ]).prop_map(<[u8]>::to_vec),
    ]
}

/// A part with the line ends around it.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let file_name = prop_oneof![
        2 => Just(String::new()),
        3 => "[a-d./\\\\]{0,12}".prop_map(|name| format!("; filename=\"{name}\"")),
        1 => Just("; filename*=UTF-8''%C3%BC%FF".to_owned()),
    ];
    let odd = prop_oneof![
        8 => Just(""),
        1 => Just("Content-Type: text/html\r\n"),
        1 => Just("Content-Transfer-Encoding: base64\r\n"),
        1 => Just("broken\r\n"),
    ];
    (name(), file_name, odd, content()).prop_map(|(name, file_name, odd, content)| {
        let head =
            format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n{odd}\r\n");
        [head.as_bytes(), &content, b"\r\n"].concat()
    })
}

/// Parts of a form that is well made, in any order; some are left out, and at times an odd one is among them.
fn almost() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let field = |name: &str, value: &str| {
        format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").into_bytes()
    };
    let file = (content(), 0_u64..40, any::<bool>()).prop_map(|(odd, number, good)| {
        let head = b"--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n";
        [&head[..], &if good { pdf(number) } else { odd }, b"\r\n"].concat()
    });
    let booleans = || prop::sample::select(vec!["true", "0", "False", "1", "maybe"]);
    let collections = prop::sample::select(vec!["a", "b.c-d_E", "0", "", "a b"]);
    let overwrite = prop::option::of(booleans().prop_map(move |value| field("force_overwrite", value)));
    let vectors = prop::option::of(booleans().prop_map(move |value| field("include_vectors", value)));
    let collection = prop::option::of(collections.prop_map(move |value| field("collection_id", value)));
    let odd = prop::option::weighted(0.1, part());
    (file, overwrite, vectors, collection, odd)
        .prop_map(|(file, a, b, c, d)| [Some(file), a, b, c, d].into_iter().flatten().collect::<Vec<_>>())
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_form_at_all(
        parts in prop_oneof![3 => almost(), 1 => prop::collection::vec(part(), 0..6)],
        end in prop_oneof![5 => Just("--cut--\r\n"), 1 => prop::sample::select(vec!["--cut--", "--cut", "", "--cut--\r\nmore"])],
        query in prop_oneof![5 => Just(""), 1 => prop::sample::select(vec!["include_vectors=1", "include_vectors=x", "a=%ff&include_vectors=%zz"])],
        frame in 1_usize..5000,
    ) {
        let body = [parts.concat(), end.as_bytes().to_vec()].concat();
        let answer = answered("multipart/form-data; boundary=cut", query, &body, frame).unwrap();
        prop_assert!(is_the_clients(&answer), "{:?}", answer);
    }

    #[test]
    fn any_bytes_at_all(
        content_type in prop_oneof![
            Just("multipart/form-data; boundary=cut".to_owned()), "multipart/form-data; boundary=[ -~]{0,80}", "[ -~]{0,60}",
        ],
        body in prop::collection::vec(any::<u8>(), 0..600),
        query in "[a-z_=&%0-9]{0,40}",
        frame in 1_usize..200,
    ) {
        if let Some(answer) = answered(&content_type, &query, &body, frame) {
            prop_assert!(is_the_clients(&answer), "{:?}", answer);
        }
    }

    #[test]
    fn a_good_form_that_is_cut_is_refused(cut in 1_usize..400, frame in 1_usize..100, number in 1000_u64..1_000_000) {
        let body = support::form("cut", &[
            support::Part::Field("collection_id", "cut"), support::Part::File("a.pdf", &pdf(number)),
            support::Part::Field("force_overwrite", "1"),
        ]);
        // The last line end may be missing.
        let kept = body.len().saturating_sub(cut + 2);
        let answer = answered("multipart/form-data; boundary=cut", "", &body[..kept], frame).unwrap();
        prop_assert_eq!(answer.0, 400);
    }
}

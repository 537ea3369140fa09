//! Bodies as real clients send them.

use super::super::check::{Outcome, model, scan};
use super::super::{FaultKind, Limits, MultipartError, PartHead, Place};
use super::{cut, head};

/// Scans a body in one frame and byte by byte, which must agree with the model.
fn read(name: &str, body: impl AsRef<[u8]>) -> Outcome {
    let (body, limits) = (body.as_ref(), Limits::default());
    let outcome = scan([body], &cut(name), &limits);
    assert_eq!(scan(body.chunks(1), &cut(name), &limits), outcome, "byte by byte");
    assert_eq!(model(body, &cut(name), &limits), outcome, "the model");
    outcome
}

fn parts(name: &str, body: impl AsRef<[u8]>) -> Vec<(PartHead, Vec<u8>)> {
    let (parts, end) = read(name, body);
    end.unwrap();
    parts
}

fn fault(name: &str, body: impl AsRef<[u8]>) -> MultipartError {
    read(name, body).1.unwrap_err()
}

#[test]
fn curl() {
    let body = "--------------------------d74496d66958873e\r\n\
        Content-Disposition: form-data; name=\"destinationId\"\r\n\r\nstepImage\r\n\
        --------------------------d74496d66958873e\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"image.jpg\"\r\n\
        Content-Type: image/jpeg\r\n\r\n\u{fffd}\r\n--\r\n\r\n\
        --------------------------d74496d66958873e--\r\n";
    let expected = vec![
        (head("destinationId", None, None), b"stepImage".to_vec()),
        (head("file", Some("image.jpg"), Some("image/jpeg")), "\u{fffd}\r\n--\r\n".into()),
    ];
    assert_eq!(parts("------------------------d74496d66958873e", body), expected);
}

#[test]
fn browsers() {
    let body = "------WebKitFormBoundaryePkpFF7tjBAqx29L\r\n\
        Content-Disposition: form-data; name=\"file\"; filename=\"a%22b ü.png\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n\r\n\
        ------WebKitFormBoundaryePkpFF7tjBAqx29L\r\n\
        Content-Disposition: form-data; name=\"comment\"\r\n\r\n\r\n\
        ------WebKitFormBoundaryePkpFF7tjBAqx29L--\r\n";
    let expected = vec![
        (head("file", Some("a\"b ü.png"), Some("application/octet-stream")), vec![]),
        (head("comment", None, None), vec![]),
    ];
    assert_eq!(parts("----WebKitFormBoundaryePkpFF7tjBAqx29L", body), expected);
}

#[test]
fn python_urllib_joins_lines_and_ends_without_an_epilogue() {
    let body = [
        "------PythonChunkBoundary",
        "Content-Disposition: form-data; name=\"chunkIndex\"",
        "",
        "0",
        "------PythonChunkBoundary",
        "Content-Disposition: form-data; name=\"totalChunks\"",
        "",
        "5",
        "------PythonChunkBoundary",
        "Content-Disposition: form-data; name=\"file\"; filename=\"chunk.bin\"",
        "Content-Type: application/octet-stream",
        "",
        "binary",
        "------PythonChunkBoundary--",
        "",
    ];
    let expected = vec![
        (head("chunkIndex", None, None), b"0".to_vec()),
        (head("totalChunks", None, None), b"5".to_vec()),
        (head("file", Some("chunk.bin"), Some("application/octet-stream")), b"binary".to_vec()),
    ];
    assert_eq!(parts("----PythonChunkBoundary", body.join("\r\n")), expected);
}

#[test]
fn python_requests() {
    let body = "--0f9a3c\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
        --0f9a3c\r\nContent-Disposition: form-data; name=\"file\"; filename*=utf-8''%C3%A9.bin\r\n\r\nxy\r\n\
        --0f9a3c--\r\n";
    let expected =
        vec![(head("a", None, None), b"1".to_vec()), (head("file", Some("é.bin"), None), b"xy".to_vec())];
    assert_eq!(parts("0f9a3c", body), expected);
}

#[test]
fn preamble_padding_epilogue_and_a_missing_last_line_end() {
    let body =
        "mail readers\r\n--not ours\r\n--b \t\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--b--";
    assert_eq!(parts("b", body), [(head("a", None, None), b"1".to_vec())]);
    assert_eq!(parts("b", format!("{body} \r\nepilogue\r\n--b\r\nignored")).len(), 1);
    assert_eq!(parts("b", format!("\r\n{body}")).len(), 1);
}

#[test]
fn parts_without_head_or_body() {
    assert_eq!(parts("b", "--b--"), []);
    assert_eq!(parts("b", "--b\r\n\r\n\r\n--b--"), [(PartHead::default(), vec![])]);
    assert_eq!(parts("b", "--b\r\n\r\n--b--"), [(PartHead::default(), vec![])], "one CRLF for both");
    assert_eq!(parts("b", "--b\r\n\r\n--c\r\n--b--"), [(PartHead::default(), b"--c".to_vec())]);
    assert_eq!(parts("b", "--b\r\n\r\n\r\n\r\n--b--"), [(PartHead::default(), b"\r\n".to_vec())]);
}

#[test]
fn line_feeds_alone_are_refused_clearly() {
    let text = "a line of the form ends in LF, expected CRLF";
    assert_eq!(fault("b", "--b\nContent-Disposition: form-data; name=a\n\n1\n--b--\n").to_string(), text);
    assert_eq!(fault("b", "--b\r\nContent-Disposition: form-data; name=a\n\n1").to_string(), text);
    assert_eq!(fault("b", "--b \n"), MultipartError::BareLineFeed);
}

#[test]
fn a_longer_boundary_is_not_taken_for_ours() {
    let text = "expected CRLF or -- after the boundary, got byte 0x63";
    assert_eq!(fault("b", "--bc\r\n\r\n1\r\n--bc--").to_string(), text);
    assert_eq!(fault("b", "--b\r\n\r\n1\r\n--bc--").to_string(), text);
    assert_eq!(fault("b", "--b-c"), MultipartError::AfterBoundary { found: b'c' });
    assert_eq!(fault("b", "--b \rc"), MultipartError::AfterBoundary { found: b'c' });
    assert_eq!(fault("b", "--b --\r\n"), MultipartError::AfterBoundary { found: b'-' });
}

#[test]
fn everything_has_a_limit() {
    let long_name =
        format!("--b\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n", "n".repeat(1 << 20));
    let error = fault("b", long_name);
    assert_eq!(error.to_string(), "the head of part 1 of the form is longer than 8192 bytes");
    assert_eq!(error.kind(), FaultKind::Limit);

    let field = "--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\n1\r\n";
    let (parts, end) = read("b", field.repeat(10_000));
    assert_eq!((parts.len(), end), (64, Err(MultipartError::TooManyParts { limit: 64 })));
    assert_eq!(read("b", field.repeat(64) + "--b--").1, Ok(()));

    let limit = 8192;
    assert_eq!(read("b", "x".repeat(limit) + "\r\n--b--").1, Ok(()));
    assert_eq!(fault("b", "x".repeat(limit + 1)), MultipartError::PreambleTooLong { limit });
    assert_eq!(read("b", "--b--".to_owned() + &"x".repeat(limit)).1, Ok(()));
    assert_eq!(
        fault("b", "--b--".to_owned() + &"x".repeat(limit + 1)),
        MultipartError::EpilogueTooLong { limit }
    );
    assert_eq!(
        fault("b", "--b".to_owned() + &" ".repeat(limit + 1)),
        MultipartError::HeadTooLong { part: 1, limit }
    );
    assert_eq!(read("b", "--b".to_owned() + &" ".repeat(limit - 2) + "\r\n\r\n\r\n--b--").1, Ok(()));
}

#[test]
fn a_form_cut_anywhere_is_an_error() {
    let body = "pre\r\n--b \r\nContent-Disposition: form-data; name=a\r\n\r\none\r\n--b\r\n\r\n\r\n--b--";
    for length in 0..body.len() {
        let error = fault("b", &body[..length]);
        assert_eq!(error.kind(), FaultKind::Truncated, "cut after {length}: {error}");
    }
    assert_eq!(read("b", body).1, Ok(()));
    let text = fault("b", "").to_string();
    assert_eq!(text, "the form ends before its first boundary, expected the closing boundary");
    assert_eq!(fault("b", "--b\r\n\r\nabc"), MultipartError::Truncated { place: Place::Body });
}

//! However a body is cut into frames, its parts are the same and no byte of a file is copied.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::check::{Outcome, model, scan};
use super::super::{Event, Limits, Scanner, check};
use super::cut;

/// A boundary of the longest kind, with characters that repeat its own beginning.
const LONG: &str = "-----------------------------7d01ecf406a6--=_Part'5:1.2--------7d01ecf";

fn bodies(name: &str) -> Vec<Vec<u8>> {
    let file = [b"\r\n--", &name.as_bytes()[..name.len() - 1], b"\r\r\n-\r\n--\r\n\r\n--"].concat();
    let part = |head: &str, body: &[u8]| [b"--", name.as_bytes(), head.as_bytes(), body, b"\r\n"].concat();
    let form = [
        b"pre".to_vec(),
        b"\r\n".to_vec(),
        part(" \r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\nA: b\r\n\r\n", &file),
        part("\r\nContent-Disposition: form-data; name=n\r\n\r\n", b""),
        part("\r\n\r\n", b"\r\n--"),
        format!("--{name}--\r\nepilogue").into_bytes(),
    ]
    .concat();
    let truncated = form[..form.len() - 14].to_vec();
    let unknown = [&form[..form.len() - 12], b"?"].concat();
    vec![form, truncated, unknown, format!("--{name}--").into_bytes()]
}

fn whole(body: &[u8], name: &str) -> Outcome {
    let outcome = scan([body], &cut(name), &Limits::default());
    assert_eq!(outcome, model(body, &cut(name), &Limits::default()));
    outcome
}

#[test]
fn every_cut_into_two_and_three_frames() {
    let outcomes = bodies("b-b").iter().map(|body| whole(body, "b-b").1.is_ok()).collect::<Vec<_>>();
    assert_eq!(outcomes, [true, false, false, true]);
    for name in ["b-b", "b"] {
        for body in bodies(name) {
            let (expected, boundary) = (whole(&body, name), cut(name));
            for first in 0..=body.len() {
                for second in first..=body.len() {
                    let frames = [&body[..first], &body[first..second], &body[second..]];
                    let outcome = scan(frames, &boundary, &Limits::default());
                    assert_eq!(outcome, expected, "cut at {first} and {second}");
                }
            }
        }
    }
}

#[test]
fn frames_of_every_size_with_the_longest_boundary() {
    for body in bodies(LONG) {
        let expected = whole(&body, LONG);
        for size in 1..=body.len() {
            assert_eq!(scan(body.chunks(size), &cut(LONG), &Limits::default()), expected, "frames of {size}");
        }
    }
}

#[test]
fn data_are_slices_of_the_frames_or_of_the_boundary() {
    let head = b"--b0undary\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n";
    let file: Vec<u8> = [b"0123456789".repeat(500), b"\r\n--b0undarx".to_vec()].concat().repeat(20);
    let body = [head, file.as_slice(), b"\r\n--b0undary--\r\n"].concat();
    for size in [1, 2, 3, 7, 64, 4096, 5003, body.len()] {
        let mut scanner = Scanner::new(cut("b0undary"), Limits::default());
        let (mut copied, mut read) = (0, Vec::new());
        for chunk in body.chunks(size) {
            let frame = Bytes::copy_from_slice(chunk);
            scanner.push(frame.clone());
            loop {
                match scanner.next_event().unwrap() {
                    Event::Data(data) => {
                        if !frame.as_ptr_range().contains(&data.as_ptr()) {
                            copied += 1;
                            assert!(data.len() < "\r\n--b0undary".len(), "{data:?}");
                        }
                        read.extend_from_slice(&data);
                    }
                    Event::NeedMore | Event::End => break,
                    _ => {}
                }
            }
            assert!(frame.is_unique(), "the scanner keeps a frame");
        }
        assert_eq!(read, file);
        // Only what looked like a delimiter at the end of a frame may come from elsewhere.
        assert!(copied <= body.len() / size, "{copied} copies in frames of {size}");
        assert!(size < body.len() || copied == 0);
    }
}

#[test]
fn frames_may_queue_up_and_an_end_is_repeated() {
    let mut scanner = Scanner::new(cut("b"), Limits::default());
    for frame in ["--b\r", "", "\n\r\n", "x\r\n-", "-b--", "tail"] {
        scanner.push(Bytes::from_static(frame.as_bytes()));
    }
    let mut seen = String::new();
    while scanner.end_of_input().is_err() {
        match scanner.next_event().unwrap() {
            Event::Part(_) => seen.push('<'),
            Event::Data(data) => seen.push_str(std::str::from_utf8(&data).unwrap()),
            Event::PartEnd => seen.push('>'),
            Event::End => seen.push('.'),
            Event::NeedMore => seen.push('?'),
        }
    }
    assert_eq!(seen, "<x>.");
    assert_eq!(scanner.next_event(), Ok(Event::End));
    scanner.push(Bytes::from(vec![b'x'; 9000]));
    assert!(scanner.next_event().is_err());
    scanner.push(Bytes::from_static(b"x"));
    assert!(scanner.next_event().is_err(), "an error lasts");
}

/// Pieces that make forms, nearly forms and nonsense.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let fixed = prop::sample::select(vec![
        "\r\n--b",
        "--b",
        "\r\n",
        "\r",
        "\n",
        "-",
        "--",
        " ",
        "\r\n--",
        "\r\n--b--",
        "b-'b",
        "\r\n--b-'",
        "\r\n\r\n",
        "Content-Disposition: form-data; name=\"a\"\r\n",
        "Content-Type: a/b\r\n",
        "; filename*=UTF-8''%41",
        "\r\n--b\r\n\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n",
    ]);
    prop_oneof![
        4 => fixed.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..6),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn pieces_of_forms_read_as_the_model_does(seed: u8, pieces in prop::collection::vec(piece(), 0..16)) {
        check(&[vec![seed], pieces.concat()].concat());
    }

    #[test]
    fn files_full_of_near_boundaries_survive_any_frames(
        files in prop::collection::vec(prop::collection::vec(
prop::sample::select(vec!["\r\n--bounda", "\r\n--boundarz", "\r", "\n", "\0\u{ff}"]),
            0..20,
        ), 0..4),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let mut body = Vec::new();
        for file in &files {
            body.extend_from_slice(b"--boundary\r\nContent-Disposition: form-data; name=f\r\n\r\n");
            body.extend_from_slice(file.concat().as_bytes());
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--boundary--");
        let mut cuts: Vec<usize> = cuts.iter().map(|at| at.index(body.len() + 1)).collect();
        cuts.extend([0, body.len()]);
        cuts.sort_unstable();
        let frames = cuts.windows(2).map(|pair| &body[pair[0]..pair[1]]);
        let (parts, end) = scan(frames, &cut("boundary"), &Limits::default());
        prop_assert_eq!(end, Ok(()));
        prop_assert_eq!(parts.into_iter().map(|part| part.1).collect::<Vec<_>>(),
            files.iter().map(|file| file.concat().into_bytes()).collect::<Vec<_>>());
    }
}

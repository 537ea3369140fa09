//! The asynchronous reader.

use std::io;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use super::super::{BodyFault, FaultKind, Form, Limits, MultipartError, Place};
use super::cut;

type Frame = Result<Bytes, io::Error>;

const BODY: &str = "--b\r\nContent-Disposition: form-data; name=file; filename=f\r\n\r\n0123456789\r\n\
    --b\r\nContent-Disposition: form-data; name=sha\r\n\r\nabc\r\n\
    --b\r\nContent-Disposition: form-data; name=index\r\n\r\n7\r\n--b--\r\n";

fn frames(body: &str, size: usize) -> impl Stream<Item = Frame> + Unpin + use<> {
    let list: Vec<Frame> =
        body.as_bytes().chunks(size).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    stream::iter(list)
}

fn form(body: &str, size: usize) -> Form<impl Stream<Item = Frame> + Unpin + use<>> {
    Form::new(frames(body, size), cut("b"), Limits::default())
}

fn is(fault: &BodyFault, expected: &MultipartError) -> bool {
    matches!(fault, BodyFault::Form(error) if error == expected)
}

#[tokio::test]
async fn a_file_is_streamed_and_the_form_goes_on_behind_it() {
    for size in 1..=BODY.len() {
        let mut form = form(BODY, size);
        let head = form.next_part().await.unwrap().unwrap();
        assert!(head.is_file());
        let mut file = form.part_body();
        let mut bytes = Vec::new();
        while let Some(slice) = file.next().await {
            bytes.extend_from_slice(&slice.unwrap());
        }
        assert!(file.next().await.is_none(), "ended for good");
        assert_eq!(bytes, b"0123456789");
        assert_eq!(form.next_part().await.unwrap().unwrap().name.as_deref(), Some("sha"));
        assert_eq!(form.collect_text(3).await.unwrap(), "abc");
        assert_eq!(form.collect_field(3).await.unwrap(), b"", "already collected");
        assert_eq!(form.next_part().await.unwrap().unwrap().name.as_deref(), Some("index"));
        assert_eq!(form.collect_field(64).await.unwrap(), b"7");
        assert_eq!(form.next_part().await.unwrap(), None);
        assert_eq!(form.next_part().await.unwrap(), None);
    }
}

#[tokio::test]
async fn what_is_not_read_is_skipped() {
    let mut form = form(BODY, 5);
    form.next_part().await.unwrap();
    assert_eq!(form.part_body().next().await.unwrap().unwrap(), "01234"[..3]);
    assert_eq!(form.next_part().await.unwrap().unwrap().name.as_deref(), Some("sha"));
    assert_eq!(form.next_part().await.unwrap().unwrap().name.as_deref(), Some("index"));
    assert_eq!(form.next_part().await.unwrap(), None);
}

#[tokio::test]
async fn fields_have_limits() {
    let mut form1 = form(BODY, 4);
    form1.next_part().await.unwrap();
    let fault = form1.collect_field(9).await.unwrap_err();
    assert_eq!(fault.to_string(), "the form field \"file\" is longer than 9 bytes");
    assert_eq!(fault.kind(), FaultKind::Limit);

    let mut limits = Limits { field_bytes: 9, ..Limits::default() };
    let mut form2 = Form::new(frames(BODY, 4), cut("b"), limits.clone());
    form2.next_part().await.unwrap();
    let fault = form2.collect_field(usize::MAX).await.unwrap_err();
    assert!(is(&fault, &MultipartError::FieldTooLong { name: "\"file\"".into(), limit: 9 }));

    (limits.field_bytes, limits.total_field_bytes) = (10, 12);
    let mut form3 = Form::new(frames(BODY, 4), cut("b"), limits);
    form3.next_part().await.unwrap();
    assert_eq!(form3.collect_field(10).await.unwrap(), b"0123456789");
    form3.next_part().await.unwrap();
    let fault = form3.collect_field(10).await.unwrap_err();
    assert!(is(&fault, &MultipartError::FieldsTooLong { limit: 12 }));
}

#[tokio::test]
async fn text_has_to_be_utf_8() {
    let body = [&b"--b\r\nContent-Disposition: form-data; name=t\r\n\r\n\xff\r\n--b--"[..]];
    let body = stream::iter(body.map(|frame| Ok::<_, io::Error>(Bytes::from_static(frame))));
    let mut form = Form::new(body, cut("b"), Limits::default());
    form.next_part().await.unwrap();
    assert_eq!(form.collect_text(9).await.unwrap_err().to_string(), "the form field \"t\" is not UTF-8 text");
}

#[tokio::test]
async fn a_cut_a_truncated_and_a_malformed_form_differ() {
    let broken = || stream::iter([Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    let start = &BODY[..70];

    let mut cut_off = Form::new(frames(start, 9).chain(broken()), cut("b"), Limits::default());
    cut_off.next_part().await.unwrap();
    let mut file = cut_off.part_body();
    let slices: Vec<_> = file.by_ref().collect().await;
    let (fault, data) = slices.split_last().unwrap();
    assert_eq!(fault.as_ref().unwrap_err().kind(), FaultKind::Cut);
    assert_eq!(
        data.iter().map(|slice| slice.as_ref().unwrap().len()).sum::<usize>(),
        70 - BODY.find("0123").unwrap()
    );
    assert!(file.next().await.is_none(), "nothing follows an error");
    let again = cut_off.next_part().await.unwrap_err();
    assert!(is(&again, &MultipartError::Truncated { place: Place::Body }), "{again}");

    let mut cut_off = Form::new(frames(start, 9).chain(broken()), cut("b"), Limits::default());
    cut_off.next_part().await.unwrap();
    let fault = cut_off.collect_field(99).await.unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Cut, "{fault}");

    let mut truncated = form(start, 9);
    truncated.next_part().await.unwrap();
    assert_eq!(truncated.collect_field(99).await.unwrap_err().kind(), FaultKind::Truncated);

    let mut malformed = form("--b?", 9);
    assert_eq!(malformed.next_part().await.unwrap_err().kind(), FaultKind::Malformed);
    assert_eq!(malformed.next_part().await.unwrap_err().kind(), FaultKind::Malformed);
}

#[tokio::test]
async fn after_the_last_boundary_the_frames_are_used_up_and_their_faults_ignored() {
    let broken = stream::iter([Err(io::Error::from(io::ErrorKind::ConnectionReset))]);
    let mut form = Form::new(frames("--b--\r\n", 2).chain(broken), cut("b"), Limits::default());
    assert_eq!(form.next_part().await.unwrap(), None);

    let mut counted = 0;
    let source = frames("--b--\r\nxyz", 2).inspect(|_| counted += 1);
    assert_eq!(Form::new(source, cut("b"), Limits::default()).next_part().await.unwrap(), None);
    assert_eq!(counted, 5);

    let mut endless =
        Form::new(frames(&format!("--b--{}", "x".repeat(9000)), 64), cut("b"), Limits::default());
    let fault = endless.next_part().await.unwrap_err();
    assert!(is(&fault, &MultipartError::EpilogueTooLong { limit: 8192 }));
}

mod answers;
mod any;
#[path = "../../../tests/dialects/any_json.rs"]
mod any_json;
mod create;
mod failures;
mod list;
mod steps;

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::{Map, Value, json};

use super::parse;
use super::render::{self, Failure};
use super::settings::PlaceosSettings;

const ID: &str = "tenant00abcdefghijklmnopqrstuvwxy";
const HEX: &str = "e7298923133b1952df4db312e9823507";
const BASE64: &str = "5ymJIxM7GVLfTbMS6YI1Bw==";

fn text(answer: Response) -> String {
    let frames: Vec<_> = Body::into_data_stream(answer.into_body()).collect().now_or_never().unwrap();
    frames.into_iter().map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap()).collect()
}

fn object(value: Value) -> Map<String, Value> {
    parse::object(value.to_string().as_bytes()).unwrap()
}

/// Status and body of a failure.
fn said(failure: &Failure) -> (u16, String) {
    let answer = render::failure(failure, "uploads-x", Duration::ZERO);
    (answer.status().as_u16(), text(answer))
}

fn of<T: std::fmt::Debug>(result: Result<T, Failure>) -> (u16, String) {
    said(&result.unwrap_err())
}

fn bad(parameter: &str, restriction: &str) -> (u16, String) {
    let error = format!("invalid value for parameter '{parameter}'");
    (
        400,
        format!("{{\"error\":\"{error}\",\"parameter\":\"{parameter}\",\"restriction\":\"{restriction}\"}}"),
    )
}

fn missing(parameter: &str, restriction: &str) -> (u16, String) {
    let error = format!("missing required parameter '{parameter}'");
    (
        422,
        format!("{{\"error\":\"{error}\",\"parameter\":\"{parameter}\",\"restriction\":\"{restriction}\"}}"),
    )
}

#[test]
fn settings_are_data() {
    let read = |value: Value| serde_json::from_value::<PlaceosSettings>(value);
    assert_eq!(read(json!({})).unwrap(), PlaceosSettings::default());
    assert!(read(json!({"destinations": "x"})).is_err());
    let settings = read(json!({"destination": "x", "part_data_as_array": true})).unwrap();
    assert!(settings.part_data_as_array && settings.residence == "AmazonS3");
}

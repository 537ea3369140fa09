mod any;
mod bodies;
mod failures;
mod fields;
mod keys;
mod records;

use axum::body::Body;
use axum::response::Response;
use futures_util::{FutureExt as _, StreamExt as _};
use http::HeaderMap;
use serde_json::json;
use upload_core::Policy;

use super::DirectUploadSettings;
use super::parse::{self, Blob, Refusal};
use super::wire::Faults;

const MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";
const SHA256: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn text(answer: Response) -> String {
    let frames: Vec<_> = Body::into_data_stream(answer.into_body()).collect().now_or_never().unwrap();
    frames.into_iter().map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap()).collect()
}

fn headers(list: &[(&'static str, &str)]) -> HeaderMap {
    list.iter().map(|(name, value)| ((*name).parse().unwrap(), value.parse().unwrap())).collect()
}

fn read_for(body: &[u8], policy: &Policy) -> Result<Blob, Refusal> {
    parse::blob(&headers(&[("content-type", "application/json")]), body, policy)
}

fn read(body: &str) -> Result<Blob, Refusal> {
    read_for(body.as_bytes(), &Policy::new(u64::MAX))
}

/// The faults of a body, as JSON.
fn faults(read: Result<Blob, Refusal>) -> String {
    match read {
        Err(Refusal::Faults(faults)) => serde_json::to_string(&Faults { detail: &faults }).unwrap(),
        other => panic!("{other:?} has no faults"),
    }
}

/// A good body with one field of another value.
fn with(name: &str, value: serde_json::Value) -> String {
    let mut blob = json!({"filename": "a", "content_type": "text/plain", "byte_size": 1, "checksum": MD5});
    blob[name] = value;
    json!({"blob": blob}).to_string()
}

/// The one sentence of a rule of ours about this field.
fn ours(name: &str, read: Result<Blob, Refusal>) -> String {
    let said = faults(read);
    let before = format!(r#"{{"detail":[{{"loc":["body","blob","{name}"],"msg":"Value error, "#);
    let rest = said.strip_prefix(&before).unwrap_or_else(|| panic!("{said}"));
    rest.strip_suffix(r#"","type":"value_error"}]}"#).unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn settings_have_their_defaults_and_nothing_else() {
    let settings: DirectUploadSettings = serde_json::from_str("{}").unwrap();
    assert_eq!(settings, DirectUploadSettings::default());
    let told = (settings.destination.as_str(), settings.service_name.as_str(), settings.signature_seconds);
    assert_eq!(told, ("direct", "local", 300));
    assert!(serde_json::from_str::<DirectUploadSettings>(r#"{"seconds":1}"#).is_err());
}

//! Whatever comes is a file, or an error that is the client's.

use std::time::Duration;

use proptest::prelude::*;
use upload_checksum::Digest;
use upload_core::Policy;

use super::super::render::{self, Failure};
use super::{MD5, read_for, text};

/// Any JSON, and what is nearly JSON.
fn any_body() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|yes| yes.to_string()),
        any::<i128>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        prop_oneof![Just("NaN"), Just("-Infinity"), Just("1e999"), Just("\"\\ud800\""), Just("\"1_0.0\"")]
            .prop_map(str::to_owned),
        ".{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
        Just(format!("{MD5:?}")),
    ];
    let name = prop_oneof![
        prop_oneof![
            Just("filename"),
            Just("content_type"),
            Just("byte_size"),
            Just("checksum"),
            Just("metadata")
        ]
        .prop_map(str::to_owned),
        "[a-z]{0,3}",
    ];
    let value = leaf.prop_recursive(4, 40, 6, move |inner| {
        let member = (name.clone(), inner.clone()).prop_map(|(name, value)| format!("{name:?}:{value}"));
        prop_oneof![
            proptest::collection::vec(inner, 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..60),
        value.clone().prop_map(String::into_bytes),
        value.clone().prop_map(|value| format!("{{\"blob\":{value}}}").into_bytes()),
        (value, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(value, at, byte)| {
            let mut body = format!("{{\"blob\":{value}}}").into_bytes();
            let at = at.index(body.len());
            body[at] = byte;
            body
        }),
    ]
}

proptest! {
    #[test]
    fn any_body_is_a_file_or_a_clear_error(body in any_body()) {
        match read_for(&body, &Policy::new(1 << 40)) {
            Ok(blob) => {
                prop_assert!(blob.byte_size <= 1 << 40);
                let base64 = blob.checksum.rsplit(':').next().unwrap();
                prop_assert_eq!(Digest::from_base64(blob.digest.algorithm(), base64).unwrap(), blob.digest);
            }
            Err(refusal) => {
                let answer = render::failure(&Failure::from(refusal), Duration::ZERO);
                prop_assert!(matches!(answer.status().as_u16(), 400 | 422));
                let said: serde_json::Value = serde_json::from_str(&text(answer)).unwrap();
                prop_assert!(said["detail"].is_string() || !said["detail"].as_array().unwrap().is_empty());
            }
        }
    }
}

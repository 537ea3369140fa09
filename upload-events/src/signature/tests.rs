use super::*;

/// The standard's example.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const TIMESTAMP: &str = "1614265330";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
/// Computed with another implementation of HMAC.
const RAW: [&str; 5] = [
    "a raw secret of thirty-two bytes",
    "0123456789abcdef",
    "1800000000",
    r#"{"name":"ä.jpg"}"#,
    "v1,cKvPmtR8ZO1sT8IAopyzNGvGK0EaV7qeYJQrUHxF70g=",
];

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn check(secret: &str, id: &str, timestamp: &str, body: &[u8], signature: &str) -> Result<(), VerifyError> {
    let signed = Signed::new(id, timestamp, signature);
    verify(&Secret::new(secret).unwrap(), &signed, body, at(1_614_265_330), Duration::from_secs(300))
}

#[test]
fn the_vectors_are_met() {
    assert_eq!(sign(&Secret::new(SECRET).unwrap(), ID, TIMESTAMP, BODY), SIGNATURE);
    let [secret, id, timestamp, body, signature] = RAW;
    assert_eq!(sign(&Secret::new(secret).unwrap(), id, timestamp, body.as_bytes()), signature);
}

#[test]
fn what_was_signed_is_believed_and_nothing_else() {
    assert_eq!(check(SECRET, ID, TIMESTAMP, BODY, SIGNATURE), Ok(()));
    let others = format!("v1a,{} v2,AAAA v1,AAAA v1,!! {SIGNATURE} v1,", "A".repeat(86));
    assert_eq!(check(SECRET, ID, TIMESTAMP, BODY, &others), Ok(()), "one of several");

    let other = RAW[0];
    let cut = SIGNATURE.trim_end_matches("1OE=");
    for (secret, id, timestamp, body, signature) in [
        (other, ID, TIMESTAMP, BODY, SIGNATURE),
        (SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJel", TIMESTAMP, BODY, SIGNATURE),
        (SECRET, ID, "1614265331", BODY, SIGNATURE),
        (SECRET, ID, "+1614265330", BODY, SIGNATURE),
        (SECRET, ID, TIMESTAMP, b"", SIGNATURE),
        (SECRET, ID, TIMESTAMP, BODY, ""),
        (SECRET, ID, TIMESTAMP, BODY, "v1,"),
        (SECRET, ID, TIMESTAMP, BODY, &SIGNATURE[3..]),
        (SECRET, ID, TIMESTAMP, BODY, &SIGNATURE.replace("v1", "v2")),
        (SECRET, ID, TIMESTAMP, BODY, cut),
        (SECRET, ID, TIMESTAMP, BODY, &SIGNATURE.replace("v1,g", "v1,h")),
    ] {
        let said = check(secret, id, timestamp, body, signature);
        assert_eq!(said, Err(VerifyError::Mismatch), "{id} {timestamp} {signature}");
    }
}

#[test]
fn a_recorded_request_is_no_good_later_nor_one_of_the_future() {
    let secret = Secret::new(SECRET).unwrap();
    let signed = Signed::new(ID, TIMESTAMP, SIGNATURE);
    let said = [1_614_265_030, 1_614_265_630, 1_614_265_029, 1_614_265_631, 0]
        .map(|now| verify(&secret, &signed, BODY, at(now), Duration::from_secs(300)));
    let stale = |seconds| Err(VerifyError::Stale(seconds));
    assert_eq!(said, [Ok(()), Ok(()), stale(301), stale(301), stale(1_614_265_330)]);

    let signature = sign(&secret, ID, "soon", BODY);
    let said = verify(&secret, &Signed::new(ID, "soon", &signature), BODY, at(0), Duration::MAX);
    assert_eq!(said, Err(VerifyError::Malformed));
}

#[test]
fn what_cannot_be_a_secret_is_refused_and_none_is_shown() {
    assert_eq!(Secret::new("short").err(), Some(SecretError::Short(5)));
    assert_eq!(Secret::new("whsec_c2hvcnQ=").err(), Some(SecretError::Short(5)), "five bytes in base64");
    assert_eq!(Secret::new("whsec_not base64 at all, but long").err(), Some(SecretError::Base64));
    assert_eq!(format!("{:?}", Secret::new(SECRET).unwrap()), "Secret(…)");
    let said = SecretError::Short(5).to_string();
    assert!(said.contains("24") && said.contains('5'), "{said}");
}

#[test]
fn the_headers_are_found_whatever_their_case_and_a_missing_one_is_named() {
    let mut headers = HeaderMap::new();
    assert_eq!(Signed::of(&headers).err(), Some(VerifyError::Missing("webhook-id")));
    for (name, value) in [("Webhook-Id", ID), ("WEBHOOK-TIMESTAMP", TIMESTAMP)] {
        headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    assert_eq!(Signed::of(&headers).err(), Some(VerifyError::Missing("webhook-signature")));
    headers.insert(names::SIGNATURE, SIGNATURE.parse().unwrap());
    let signed = Signed::of(&headers).unwrap();
    assert_eq!((signed.id, signed.timestamp, signed.signature), (ID, TIMESTAMP, SIGNATURE));
}

//! Who asks: a signature in the query, or a token that the service account signed for itself.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use num_bigint::BigUint;
use upload_checksum::{Algorithm, Hasher};

use super::{Answer, Ask, error};

pub const EMAIL: &str = "tests@example.com";

/// Made for these tests; it opens nothing else.
pub const KEY: &str = include_str!("key.pem");

/// The modulus of that key.
const MODULUS: [&str; 6] = [
    "c26a0f5ff6014876b8275bfab22979ce3dce13a473e163192d11e7fc7cc3442bdf0a84e04e95549f564785dd47ae5855",
    "91fdeb362e3f82df1153a84b1f33502a476f4a413072b58a7ce1914ed2adbac7ae86ceded051cb93f5991fbb6ca1425f",
    "caf0890c781d39519b34cd62f7943392bc82b1dd8af4d17ca19fcd8e28a41e98efc22af3146209a307b6196f2455c1be",
    "8fc03258acf9b23dd604eba88b5852f4d3ade5309c5316997eda119a15d63321fbe534aeee45febec986f45ae6052576",
    "e5a2cc01a8e0f2ade3f14dcb84dbc7bb4cc73d5e054cbff4d17052cbba8abf07857346e29c139979d5b72ddff3888c86",
    "35dd5effcf347c7bf5e9c3eabb70234f",
];

fn sha256(bytes: &[u8]) -> upload_checksum::Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    hasher.finish()
}

/// RSASSA-PKCS1-v1_5 with SHA-256, of the test key (RFC 8017, 8.2.2).
fn verifies(message: &[u8], signature: &[u8]) -> bool {
    const DIGEST_INFO: [u8; 19] =
        [0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20];
    let modulus = BigUint::parse_bytes(MODULUS.concat().as_bytes(), 16).unwrap();
    let signed = BigUint::from_bytes_be(signature).modpow(&BigUint::from(65_537_u32), &modulus);
    let mut expected = vec![0xff; 256];
    (expected[0], expected[1]) = (0, 1);
    let digest = sha256(message);
    let tail = [&[0], DIGEST_INFO.as_slice(), digest.as_bytes()].concat();
    expected.splice(256 - tail.len().., tail);
    signature.len() == 256 && signed == BigUint::from_bytes_be(&expected)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Seconds since 1970 of `YYYYMMDDTHHMMSSZ`.
fn seconds(date: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| date.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
    let (hour, minute, second) = (number(9..11)?, number(11..13)?, number(13..15)?);
    // Years begin in March here, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1;
    Some((days - 719_468) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect()
}

pub fn check(ask: &Ask, ahead: u64) -> Result<(), Answer> {
    if ask.has("upload_id") {
        return Ok(());
    }
    if ask.has("X-Goog-Signature") {
        return in_query(ask, now() + ahead);
    }
    match ask.header("authorization").and_then(|value| value.strip_prefix("Bearer ")) {
        Some(token) if token_is_good(token) => Ok(()),
        _ => Err(error(401, "AuthenticationRequired")),
    }
}

fn token_is_good(token: &str) -> bool {
    let Some((message, signature)) = token.rsplit_once('.') else { return false };
    let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let claims = decoded(message.split_once('.').map_or("", |(_, claims)| claims));
    let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap_or_default();
    let lives = claims["exp"].as_u64().is_some_and(|end| end > now());
    claims["iss"] == EMAIL && lives && verifies(message.as_bytes(), &decoded(signature))
}

/// "V4 signing process with your own program" of Google Cloud Storage.
fn in_query(ask: &Ask, now: u64) -> Result<(), Answer> {
    let wrong = || error(403, "SignatureDoesNotMatch");
    let date = ask.get("X-Goog-Date");
    let (begin, lifetime) = (seconds(date), ask.get("X-Goog-Expires").parse::<u64>());
    let (Some(begin), Ok(lifetime)) = (begin, lifetime) else { return Err(error(400, "InvalidArgument")) };
    if lifetime > 604_800 || now > begin + lifetime || begin > now + 900 {
        return Err(error(400, "ExpiredToken"));
    }
    let day = date.get(..8).unwrap_or_default();
    let (who, scope) = ask.get("X-Goog-Credential").split_once('/').unwrap_or_default();
    let algorithm = ask.get("X-Goog-Algorithm");
    if who != EMAIL || !scope.starts_with(day) || algorithm != "GOOG4-RSA-SHA256" {
        return Err(wrong());
    }
    let signed = ask.get("X-Goog-SignedHeaders");
    let mut headers = String::new();
    for name in signed.split(';') {
        let value = ask.header(name).ok_or_else(wrong)?;
        headers += &format!("{name}:{}\n", value.trim());
    }
    // Headers that change what is done must be signed.
    let unsigned = |name: &str| name.starts_with("x-goog-") && !signed.split(';').any(|s| s == name);
    if !signed.split(';').any(|s| s == "host") || ask.headers.keys().any(|name| unsigned(name.as_str())) {
        return Err(error(403, "AccessDenied"));
    }
    let (path, query) = ask.target.split_once('?').unwrap_or_default();
    let mut pairs: Vec<_> = query.split('&').filter(|pair| !pair.starts_with("X-Goog-Signature=")).collect();
    pairs.sort_unstable();
    let payload = ask.header("x-goog-content-sha256").unwrap_or("UNSIGNED-PAYLOAD");
    let request = format!("{}\n{path}\n{}\n{headers}\n{signed}\n{payload}", ask.method, pairs.join("&"));
    let text = format!("GOOG4-RSA-SHA256\n{date}\n{scope}\n{}", sha256(request.as_bytes()).to_hex());
    let signature = hex(ask.get("X-Goog-Signature")).ok_or_else(wrong)?;
    if verifies(text.as_bytes(), &signature) { Ok(()) } else { Err(wrong()) }
}

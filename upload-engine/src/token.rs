//! Sealed tokens: what a grant is good for, in a text that only a holder of the secret can make.
//!
//! `<key id>.<payload>.<code>`: the payload is JSON in base64url, the code an HMAC-SHA-256 over a fixed context, the key id and
//! the payload (RFC 2104), compared in constant time. A token says everything about itself; nothing is stored for it.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use upload_checksum::Digest;
use upload_core::{Access, Error, ErrorKind, Result, Timestamp, UploadId};

type Code = Hmac<Sha256>;

/// What the code is made for, so that it is no other code by the same secret.
const CONTEXT: &[u8] = b"upload token 1\n";
/// Most bytes of a token that is looked at.
const MAX_TOKEN: usize = 12 << 10;

/// The secrets that tokens are sealed with: one that seals, and older ones that still open.
#[derive(Clone)]
pub struct Secrets(Vec<(String, Code)>);

impl Secrets {
    /// Least bytes of a secret.
    pub const MIN: usize = 16;

    /// Seals with this secret.
    ///
    /// # Errors
    /// `Invalid` for one that is too short to be secret.
    pub fn new(current: &[u8]) -> Result<Self> {
        Self(Vec::new()).and_old(current)
    }

    /// Opens also what was sealed with this one.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn and_old(mut self, old: &[u8]) -> Result<Self> {
        if old.len() < Self::MIN {
            return Err(Error::invalid(format!(
                "a secret has at least {} bytes; this one has {}",
                Self::MIN,
                old.len()
            )));
        }
        let code = Code::new_from_slice(old).map_err(|_| Error::internal("a secret of no usable length"))?;
        // From the secret, so that all who have it agree; through the code, so that it tells nothing.
        let name = code.clone().chain_update(b"key id").finalize().into_bytes();
        let name = BASE64.encode(name.get(..6).unwrap_or_default());
        self.0.push((name, code));
        Ok(self)
    }

    /// The token as a text of `[A-Za-z0-9._-]`.
    ///
    /// # Errors
    /// `TooLarge` for what no token has room for.
    pub fn seal(&self, token: &Token) -> Result<String> {
        let json = serde_json::to_vec(token).map_err(|e| Error::internal(format!("a token: {e}")))?;
        let (name, code) = self.0.first().ok_or_else(|| Error::internal("no secret"))?;
        let payload = BASE64.encode(json);
        let sum = code.clone().chain_update(CONTEXT).chain_update(name).chain_update(".");
        let sum = BASE64.encode(sum.chain_update(&payload).finalize().into_bytes());
        let text = format!("{name}.{payload}.{sum}");
        if text.len() > MAX_TOKEN {
            return Err(Error::too_large("the token", text.len() as u64, MAX_TOKEN as u64));
        }
        Ok(text)
    }

    /// What a text was sealed for.
    ///
    /// # Errors
    /// `Forbidden`, with one sentence for all reasons: it is no token, was changed, its secret is not known, it has expired.
    pub fn open(&self, text: &str, now: Timestamp) -> Result<Token> {
        self.opened(text)
            .filter(|token| token.expires.is_none_or(|expires| now < expires))
            .ok_or_else(|| Error::new(ErrorKind::Forbidden, "the token is not valid, or not any more"))
    }

    fn opened(&self, text: &str) -> Option<Token> {
        if text.len() > MAX_TOKEN {
            return None;
        }
        let (name, rest) = text.split_once('.')?;
        let (payload, sum) = rest.split_once('.')?;
        let sum = BASE64.decode(sum).ok()?;
        let (_, code) = self.0.iter().find(|(known, _)| known == name)?;
        let made = code.clone().chain_update(CONTEXT).chain_update(name).chain_update(".");
        made.chain_update(payload).verify_slice(&sum).ok()?;
        serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// What a token is for. The upload's id begins with its tenant's handle, so no token serves two tenants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Token {
    /// What its holder may do; `None`: nothing but name the upload to the application.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub access: Option<Access>,
    /// The upload.
    #[serde(rename = "i")]
    pub id: UploadId,
    /// Bytes that are sent, exactly.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u64>,
    /// Bytes that are sent, at most.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// Media type that is sent or shown.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Digest of the bytes that are sent.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What is sent finishes the upload.
    #[serde(rename = "f", default, skip_serializing_if = "std::ops::Not::not")]
    pub finish: bool,
    /// Name for what is read.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<String>,
    /// When it is good no more.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

impl Token {
    /// A token for this upload; the rest are public fields.
    pub fn new(access: Option<Access>, id: UploadId) -> Self {
        Self {
            access,
            id,
            length: None,
            max_length: None,
            content_type: None,
            digest: None,
            finish: false,
            file_name: None,
            expires: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        let id = UploadId::parse(&"a1".repeat(17)[..UploadId::LEN]).unwrap();
        let mut token = Token::new(Some(Access::Part(7)), id);
        token.max_length = Some(5 << 20);
        token.digest = Some(Digest::from_hex(upload_checksum::Algorithm::Md5, &"0f".repeat(16)).unwrap());
        token.expires = Some(Timestamp::from_millis(1000));
        token
    }

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn a_token_opens_as_what_was_sealed_until_it_expires() {
        let secrets = Secrets::new(b"0123456789abcdef").unwrap();
        let text = secrets.seal(&token()).unwrap();
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{text}");
        assert_eq!(secrets.open(&text, at(999)).unwrap(), token());
        assert_eq!(secrets.open(&text, at(1000)).unwrap_err().kind, ErrorKind::Forbidden);
    }

    #[test]
    fn no_character_of_a_token_can_be_changed() {
        let secrets = Secrets::new(b"0123456789abcdef").unwrap();
        let text = secrets.seal(&token()).unwrap();
        for at_byte in 0..text.len() {
            for with in [b'A', b'B', b'.', b'0'] {
                let mut changed = text.clone().into_bytes();
                changed[at_byte] = with;
                let changed = String::from_utf8(changed).unwrap();
                assert!(changed == text || secrets.open(&changed, at(0)).is_err(), "byte {at_byte}");
            }
        }
        for bad in ["", ".", "..", "a.b.c", &text[1..], &format!("{text}A"), &"x".repeat(100_000)] {
            assert!(secrets.open(bad, at(0)).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_old_secret_still_opens_and_a_strangers_does_not() {
        let old = Secrets::new(b"an old secret, long").unwrap();
        let text = old.seal(&token()).unwrap();
        let rotated = Secrets::new(b"a new secret, longer").unwrap();
        assert!(rotated.open(&text, at(0)).is_err());
        let rotated = rotated.and_old(b"an old secret, long").unwrap();
        assert_eq!(rotated.open(&text, at(0)).unwrap(), token());
        assert_ne!(rotated.seal(&token()).unwrap(), text);
        assert!(Secrets::new(b"short").is_err());
        assert!(!format!("{rotated:?}").contains("secret"));
    }
}

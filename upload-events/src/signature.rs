//! Signatures as [Standard Webhooks](https://www.standardwebhooks.com) has them: HMAC-SHA-256 of `id.timestamp.body`.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use sha2::Sha256;

/// The names of the headers.
pub mod names {
    /// The notice's id: the same whenever it comes again.
    pub const ID: &str = "webhook-id";
    /// When it was sent, in whole seconds since the Unix epoch: another one each time.
    pub const TIMESTAMP: &str = "webhook-timestamp";
    /// One or more signatures with a blank between them; ours begin with `v1,`.
    pub const SIGNATURE: &str = "webhook-signature";
}

/// What a secret in base64 begins with.
const IN_BASE64: &str = "whsec_";
/// What a signature by HMAC-SHA-256 begins with.
const V1: &str = "v1,";

/// What sender and receiver share. Never shown.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

impl Secret {
    /// Least bytes of a secret.
    pub const MIN: usize = 24;

    /// A secret of at least 24 bytes: `whsec_` and base64 (with padding) of them, as libraries of receivers expect it, or else
    /// the text itself.
    ///
    /// # Errors
    /// For one that is too short to be secret, or that is no base64 behind `whsec_`.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let bytes = match text.strip_prefix(IN_BASE64) {
            Some(rest) => BASE64.decode(rest).map_err(|_| SecretError::Base64)?,
            None => text.as_bytes().to_vec(),
        };
        if bytes.len() < Self::MIN {
            return Err(SecretError::Short(bytes.len()));
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| SecretError::Short(bytes.len()))
    }

    fn over(&self, id: &str, timestamp: &str, body: &[u8]) -> Hmac<Sha256> {
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        parts.into_iter().fold(self.0.clone(), |code, part| code.chain_update(part))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It has so many bytes.
    #[error("a webhook's secret has at least {min} bytes; this one has {0}", min = Secret::MIN)]
    Short(usize),
    /// It begins with `whsec_`, and no base64 follows.
    #[error("behind whsec_ a webhook's secret is base64 with padding; this one is not")]
    Base64,
}

/// The signature of a notice, as the header has it. `timestamp` is in whole seconds since the Unix epoch.
#[must_use]
pub fn sign(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> String {
    format!("{V1}{}", BASE64.encode(secret.over(id, timestamp, body).finalize().into_bytes()))
}

/// What the three headers of a request say.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Signed<'a> {
    /// The notice's id.
    pub id: &'a str,
    /// When it was sent.
    pub timestamp: &'a str,
    /// The signatures.
    pub signature: &'a str,
}

impl<'a> Signed<'a> {
    /// These, as they came.
    pub fn new(id: &'a str, timestamp: &'a str, signature: &'a str) -> Self {
        Self { id, timestamp, signature }
    }

    /// Those of a request.
    ///
    /// # Errors
    /// `Missing` if one is not there, or is not text.
    pub fn of(headers: &'a HeaderMap) -> Result<Self, VerifyError> {
        let text = |name| {
            let value = headers.get(name).and_then(|value| value.to_str().ok());
            value.ok_or(VerifyError::Missing(name))
        };
        Ok(Self::new(text(names::ID)?, text(names::TIMESTAMP)?, text(names::SIGNATURE)?))
    }
}

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// This header is not there, or is not text.
    #[error("expected a header {0}")]
    Missing(&'static str),
    /// None of the signatures is the secret's over this id, timestamp and body.
    #[error("no signature {V1}… is by this secret over this id, timestamp and body")]
    Mismatch,
    /// The signature is right, and the timestamp is no number.
    #[error("expected a timestamp in seconds")]
    Malformed,
    /// The signature is right, and was made by so many seconds too long ago, or too far ahead.
    #[error("it was signed {0} s from now, which is too far")]
    Stale(u64),
}

/// Whether a request was made by who has the secret, and at most `tolerance` from `now` (five minutes are usual: a recorded
/// request is no good later). `body` is to be the bytes as they came. Signatures are compared in constant time.
///
/// # Errors
/// Why it is not to be believed. The notice's id is what tells one that comes again.
pub fn verify(
    secret: &Secret,
    signed: &Signed<'_>,
    body: &[u8],
    now: SystemTime,
    tolerance: Duration,
) -> Result<(), VerifyError> {
    let code = secret.over(signed.id, signed.timestamp, body);
    let given = signed.signature.split(' ').filter_map(|one| BASE64.decode(one.strip_prefix(V1)?).ok());
    if !given.into_iter().any(|one| code.clone().verify_slice(&one).is_ok()) {
        return Err(VerifyError::Mismatch);
    }
    let then: u64 = signed.timestamp.parse().map_err(|_| VerifyError::Malformed)?;
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let between = now.abs_diff(then);
    if between > tolerance.as_secs() { Err(VerifyError::Stale(between)) } else { Ok(()) }
}

#[cfg(test)]
#[path = "signature/tests.rs"]
mod tests;

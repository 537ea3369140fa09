//! The envelope around every stored record.

use bytes::Bytes;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{Error, ErrorKind, Result},
    ids::random_text,
    ports::Ids,
};

/// The version of the stored form that this library writes.
pub const VERSION: u16 = 1;

/// Fresh for every put, so that a put whose end is unknown can be recognised when it is read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(String);

impl Nonce {
    /// A fresh one.
    pub fn random(ids: &dyn Ids) -> Self {
        Self(random_text(ids, 16))
    }
}

#[derive(Serialize)]
struct Write<'a, T> {
    v: u16,
    n: &'a Nonce,
    d: &'a T,
}

#[derive(Deserialize)]
struct Version {
    v: u16,
}

#[derive(Deserialize)]
struct Read<T> {
    n: Nonce,
    d: T,
}

/// A record in its envelope.
pub fn encode<T: Serialize>(nonce: &Nonce, record: &T) -> Result<Bytes> {
    serde_json::to_vec(&Write { v: VERSION, n: nonce, d: record })
        .map(Bytes::from)
        .map_err(|e| Error::internal("a record does not encode").with_source(e))
}

/// Reads a record back. `key` names it in the error, which is `Corrupt`: a version this library does not know, or
/// bytes that are no record.
pub fn decode<T: DeserializeOwned>(key: &str, value: &[u8]) -> Result<(Nonce, T)> {
    let corrupt =
        |what: String| Error::new(ErrorKind::Corrupt, "a stored record cannot be read").with_source(what);
    let Version { v } =
        serde_json::from_slice(value).map_err(|e| corrupt(format!("{key}: no record: {e}")))?;
    if v != VERSION {
        return Err(corrupt(format!("{key}: version {v}; this library reads {VERSION}")));
    }
    let Read { n, d } = serde_json::from_slice(value).map_err(|e| corrupt(format!("{key}: {e}")))?;
    Ok((n, d))
}

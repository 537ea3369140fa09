use http::{HeaderMap, header};
use upload_checksum::Digest;
use upload_core::{Error, Result};

use super::single;
use crate::dialect::tus::wire::{ALGORITHMS, CHECKSUM};
use crate::request::shown;

/// What is told of a body's checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dialect::tus) enum Check {
    /// Nothing.
    None,
    /// The checksum.
    Told(Digest),
    /// That it comes behind the body.
    Follows,
}

/// What a request tells of its body's checksum.
pub(in crate::dialect::tus) fn check(headers: &HeaderMap) -> Result<Check> {
    let told = single(headers, CHECKSUM)?.map(digest).transpose()?;
    match (told, is_announced(headers)) {
        (Some(_), true) => {
            Err(Error::invalid("expected Upload-Checksum as a header or as a trailer; got both"))
        }
        (Some(digest), false) => Ok(Check::Told(digest)),
        (None, true) => Ok(Check::Follows),
        (None, false) => Ok(Check::None),
    }
}

/// The checksum behind a body that announced one.
pub(in crate::dialect::tus) fn trailer(trailers: &HeaderMap) -> Result<Digest> {
    let told = single(trailers, CHECKSUM)?;
    digest(told.ok_or_else(|| Error::invalid("the trailer Upload-Checksum was announced and did not come"))?)
}

/// Whether `Trailer` names it.
fn is_announced(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::TRAILER).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case(CHECKSUM.as_str()))
}

/// `sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=`.
fn digest(text: &str) -> Result<Digest> {
    let (name, value) = text.split_once(' ').unwrap_or((text, ""));
    let Some((_, algorithm)) = ALGORITHMS.into_iter().find(|(known, _)| *known == name) else {
        let known = ALGORITHMS.map(|(known, _)| known).join(", ");
        return Err(Error::invalid(format!(
            "Upload-Checksum must be by one of {known}; got {}",
            shown(name)
        )));
    };
    Digest::from_base64(algorithm, value).map_err(|_| {
        let bytes = algorithm.output_len();
        Error::invalid(format!(
            "Upload-Checksum by {name} must be {bytes} bytes in base64 after one space; got {}",
            shown(value)
        ))
    })
}

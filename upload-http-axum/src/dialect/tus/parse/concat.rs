use upload_core::{Error, Result, UploadId};

use crate::dialect::tus::PATH;
use crate::request::shown;

/// What an upload has to do with others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dialect::tus) enum Concat {
    /// Nothing.
    Whole,
    /// It is a part of them.
    Partial,
    /// It is composed of these.
    Final(Vec<UploadId>),
}

/// `partial`, or `final;` and the URLs of the parts with spaces between them.
pub(super) fn concat(text: &str) -> Result<Concat> {
    if text == "partial" {
        return Ok(Concat::Partial);
    }
    let Some(urls) = text.strip_prefix("final;") else {
        let text = format!("Upload-Concat must be partial, or final; and URLs; got {}", shown(text));
        return Err(Error::invalid(text));
    };
    let parts = urls.split(' ').filter(|url| !url.is_empty()).map(part).collect::<Result<Vec<_>>>()?;
    if parts.is_empty() {
        return Err(Error::invalid("Upload-Concat names no part of the final upload"));
    }
    Ok(Concat::Final(parts))
}

/// The upload at a URL. Of one that is absolute only the path counts: nobody knows all names that this server is reached by, and
/// who may use the part is asked all the same.
fn part(url: &str) -> Result<UploadId> {
    let at = url.split(['?', '#']).next().unwrap_or_default();
    let path = match at.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or_default(),
        None => at,
    };
    let (place, id) = path.rsplit_once('/').unwrap_or_default();
    if !place.ends_with(PATH) {
        let text = format!("Upload-Concat names no upload below {PATH} but {}", shown(url));
        return Err(Error::invalid(text));
    }
    UploadId::parse(id)
}

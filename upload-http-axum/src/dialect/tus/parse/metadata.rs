use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upload_core::{Error, Result};

use crate::request::shown;

/// Most bytes of a media type.
const MAX_TYPE: usize = 255;

/// What is understood of an `Upload-Metadata`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::dialect::tus) struct Metadata {
    /// The file's name (`filename`, `name`), raw.
    pub(in crate::dialect::tus) file_name: Option<String>,
    /// The file's media type as the client sees it (`filetype`, `type`).
    pub(in crate::dialect::tus) media_type: Option<String>,
}

/// `key base64,key2 base64,flag`: unique keys that are not empty; values may be, and are any bytes. Nothing at all is fine.
pub(in crate::dialect::tus) fn metadata(text: &str) -> Result<Metadata> {
    let mut values = BTreeMap::new();
    let pairs = text.split(',').filter(|_| !text.trim().is_empty());
    for pair in pairs.map(str::trim) {
        let (key, value) = pair.split_once(' ').unwrap_or((pair, ""));
        if key.is_empty() {
            return Err(Error::invalid("Upload-Metadata has an empty key; expected key base64,key base64"));
        }
        let value = STANDARD.decode(value).map_err(|_| {
            let (key, value) = (shown(key), shown(value));
            Error::invalid(format!("the value of {key} in Upload-Metadata must be base64; got {value}"))
        })?;
        if values.insert(key, value).is_some() {
            return Err(Error::invalid(format!("Upload-Metadata has the key {} twice", shown(key))));
        }
    }
    let first = |names: [&str; 2]| {
        let value = names.into_iter().find_map(|name| values.get(name).filter(|value| !value.is_empty()));
        // What is not UTF-8 is a name all the same, though not all of it can be shown.
        value.map(|value| String::from_utf8_lossy(value).into_owned())
    };
    let (file_name, media_type) = (first(["filename", "name"]), first(["filetype", "type"]));
    let media_type = media_type.filter(|text| text.len() <= MAX_TYPE && text.is_ascii());
    Ok(Metadata { file_name, media_type })
}

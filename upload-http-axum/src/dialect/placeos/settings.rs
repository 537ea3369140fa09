use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What this dialect tells clients and what it takes.
///
/// ```
/// use upload_http_axum::dialect::placeos::PlaceosSettings;
///
/// let mut settings = PlaceosSettings::default();
/// assert_eq!((settings.residence.as_str(), settings.signature_seconds), ("AmazonS3", 300));
/// settings.extensions = vec!["png".into(), "mp4".into()];
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PlaceosSettings {
    /// The engine's destination that all uploads go to (default `placeos`).
    pub destination: String,
    /// The store's name, by which clients choose what they send to it (default `AmazonS3`, whose requests the
    /// [store endpoints](crate::store) take).
    pub residence: String,
    /// Whether `part_data` goes out as an array, as the API page shows it, and not as an object by part number, as the
    /// oldest clients need it (default no).
    pub part_data_as_array: bool,
    /// File extensions that are taken, without dots and in any case; empty means all (default empty). A name without an
    /// extension is taken.
    pub extensions: Vec<String>,
    /// Media types that may be declared, in any case; empty means all (default empty). Declaring none is taken.
    pub types: Vec<String>,
    /// What names may not contain, in any case (default empty).
    pub refused_names: Vec<String>,
    /// How long a signed request is good, in seconds (default 300).
    pub signature_seconds: u32,
}

impl Default for PlaceosSettings {
    fn default() -> Self {
        Self {
            destination: "placeos".to_owned(),
            residence: "AmazonS3".to_owned(),
            part_data_as_array: false,
            extensions: Vec::new(),
            types: Vec::new(),
            refused_names: Vec::new(),
            signature_seconds: 300,
        }
    }
}

impl PlaceosSettings {
    /// How long a signed request is good.
    pub(super) fn signature(&self) -> Duration {
        Duration::from_secs(self.signature_seconds.into())
    }
}

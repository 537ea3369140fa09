use std::time::Duration;

use serde::{Deserialize, Serialize};
use upload_core::Principal;

/// Where uploads of this dialect go, and what its clients are told. How large a file may be, and how long an unfinished one is
/// kept, is its destination's policy.
///
/// ```
/// use upload_http_axum::dialect::tus::TusSettings;
///
/// let settings = TusSettings::default();
/// assert_eq!((settings.destination.as_str(), settings.max_metadata), ("tus", 16_384));
/// assert_eq!(settings.anonymous, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TusSettings {
    /// The engine's destination that all uploads go to (default `tus`).
    pub destination: String,
    /// Most bytes of an `Upload-Metadata` (default 16 KiB).
    pub max_metadata: usize,
    /// How long the link is good that the owner of a completed upload is told (`Content-Location` of a HEAD), in seconds; 0: none is
    /// told (default 300). It leads to the [store endpoints](crate::store), so it is told only in builds with the feature
    /// `signed`, by an engine with secrets, where the application has set its URL; mount those endpoints at the same place.
    pub link_seconds: u32,
    /// Whom requests without any key come from; `None`: they are refused (default). Not part of the serialised form: who lets
    /// strangers in decides it in code.
    #[serde(skip)]
    pub anonymous: Option<Principal>,
}

impl Default for TusSettings {
    fn default() -> Self {
        Self { destination: "tus".to_owned(), max_metadata: 16 << 10, link_seconds: 300, anonymous: None }
    }
}

impl TusSettings {
    /// How long a link is good, if one is told.
    pub(super) fn link(&self) -> Option<Duration> {
        (self.link_seconds > 0).then(|| Duration::from_secs(self.link_seconds.into()))
    }
}

use serde::{Deserialize, Serialize};
use upload_core::{Policy, TypeRule, Visibility};

use crate::rate::RateLimit;

/// Most bytes of a file.
const MAX_FILE: u64 = 100 << 20;

/// Images and videos, by content.
const TYPES: [&str; 6] =
    ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/quicktime"];

/// Where uploads of this dialect go. How large a file may be and what it may contain is its destination's policy.
///
/// ```
/// use upload_http_axum::dialect::pixlab::PixlabSettings;
///
/// let settings = PixlabSettings::default();
/// assert_eq!((settings.destination.as_str(), settings.spool), ("pixlab", 26_214_400));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PixlabSettings {
    /// The engine's destination that all uploads go to (default `pixlab`).
    pub destination: String,
    /// What the paths of links begin with; no other routes may (default `/pixlab`).
    pub links: String,
    /// Most bytes of a file that arrives before its key; none of them are kept unless the key is good (default 25 MiB).
    pub spool: u64,
    /// How often one key may upload (default: no limit).
    pub rate_limit: RateLimit,
}

impl Default for PixlabSettings {
    fn default() -> Self {
        Self {
            destination: "pixlab".to_owned(),
            links: "/pixlab".to_owned(),
            spool: 25 << 20,
            rate_limit: RateLimit::default(),
        }
    }
}

/// The policy for the destination of these uploads: 100 MB (104,857,600 bytes), images and videos, which whoever has the link
/// may see.
///
/// ```
/// use upload_http_axum::dialect::pixlab;
///
/// let policy = pixlab::policy();
/// assert!(policy.types.accepts(Some("image/webp")) && !policy.types.accepts(Some("application/pdf")));
/// assert_eq!(policy.max_single, 104_857_600);
/// ```
pub fn policy() -> Policy {
    let policy = Policy::new(MAX_FILE).accept(TypeRule::only(TYPES));
    let mut policy = policy.visibility(Visibility::Public);
    policy.max_single = MAX_FILE;
    policy
}

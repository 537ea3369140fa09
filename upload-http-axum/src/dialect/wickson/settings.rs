use serde::{Deserialize, Serialize};
use upload_core::{Charge, Policy, TypeRule};

use crate::rate::RateLimit;

/// Most bytes of a file, as the API has it.
const MAX_FILE: u64 = 500 << 20;

/// What the API accepts, by content: PDF, DOCX, TXT, JPG, PNG, GIF, MP3, WAV, MP4, MOV, GLB, OBJ.
const TYPES: [&str; 12] = [
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "text/plain",
    "image/jpeg",
    "image/png",
    "image/gif",
    "audio/mpeg",
    "audio/wav",
    "video/mp4",
    "video/quicktime",
    "model/gltf-binary",
    "model/obj",
];

/// Where uploads of this dialect go and what they cost. How large a file may be and what it may contain is its
/// destination's policy.
///
/// ```
/// use upload_http_axum::{RateLimit, dialect::wickson::WicksonSettings};
///
/// let mut settings = WicksonSettings::default();
/// assert_eq!((settings.processing_cost, settings.operation_cost, settings.balance), (3, 1, 100_000_000));
/// settings.rate_limit = RateLimit::new(60, 10);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WicksonSettings {
    /// The engine's destination that all uploads go to (default `wickson`).
    pub destination: String,
    /// What processing a file costs, in cents (default 3).
    pub processing_cost: u64,
    /// What the database operation that stores a file costs, in cents (default 1).
    pub operation_cost: u64,
    /// What each tenant can spend in all, in cents (default 100,000,000, which is 1,000,000.00).
    pub balance: u64,
    /// How often one key may upload (default: no limit).
    pub rate_limit: RateLimit,
}

impl Default for WicksonSettings {
    fn default() -> Self {
        Self {
            destination: "wickson".to_owned(),
            processing_cost: 3,
            operation_cost: 1,
            balance: 100_000_000,
            rate_limit: RateLimit::default(),
        }
    }
}

impl WicksonSettings {
    /// What an upload is charged.
    pub(super) fn charges(&self) -> Vec<Charge> {
        let charges = [("processing", self.processing_cost), ("database operation", self.operation_cost)];
        let charged = charges.into_iter().filter(|(_, amount)| *amount > 0);
        charged.map(|(what, amount)| Charge::new(what, amount)).collect()
    }
}

/// The policy of the API's page for the destination of its uploads: 500 MB (524,288,000 bytes), the types that it lists, and
/// nothing kept of a file once it is processed.
///
/// ```
/// use upload_http_axum::dialect::wickson;
///
/// let policy = wickson::policy();
/// assert!(policy.types.accepts(Some("model/obj")) && !policy.types.accepts(Some("image/webp")));
/// assert_eq!((policy.max_single, policy.keep_content), (524_288_000, false));
/// ```
pub fn policy() -> Policy {
    let mut policy = Policy::new(MAX_FILE).accept(TypeRule::only(TYPES));
    policy.max_single = MAX_FILE;
    policy.keep_content = false;
    policy
}

//! Destinations in the configuration, and those that are there without one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use upload_checksum::Algorithm;
use upload_core::{Policy, TypeRule, Visibility};
use upload_media::types;

/// One `[destinations.NAME]`. Only `max_length` has no default.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DestinationConfig {
    /// Most bytes of a whole upload.
    max_length: u64,
    /// Most bytes of one chunk.
    #[serde(default = "max_chunk")]
    max_chunk: u64,
    /// Most bytes of an upload in one request.
    #[serde(default = "max_single")]
    max_single: u64,
    /// Most chunks of one upload.
    #[serde(default = "max_chunks")]
    max_chunks: u32,
    /// Accepted content types, found in the content; empty accepts anything.
    #[serde(default)]
    types: Vec<String>,
    /// Whether anybody who knows its path may read a result.
    #[serde(default)]
    public: bool,
    /// What the path of a result begins with.
    #[serde(default = "prefix")]
    prefix: String,
    /// How long an unfinished upload is kept, in seconds.
    #[serde(default = "lifetime")]
    lifetime: u64,
    /// Digests computed for every upload.
    #[serde(default = "digests")]
    digests: Vec<Algorithm>,
    /// How long a completed upload may wait to be attached before it is removed, in seconds; 0: for ever.
    #[serde(default)]
    attach_within: u64,
}

fn max_chunk() -> u64 {
    Policy::MAX_CHUNK
}

fn max_single() -> u64 {
    Policy::MAX_SINGLE
}

fn max_chunks() -> u32 {
    Policy::MAX_CHUNKS
}

fn prefix() -> String {
    Policy::new(0).prefix
}

fn lifetime() -> u64 {
    Policy::LIFETIME.as_secs()
}

fn digests() -> Vec<Algorithm> {
    Policy::new(0).digests
}

/// The destinations that are there when the configuration names none.
pub(crate) fn defaults() -> BTreeMap<String, DestinationConfig> {
    let destination = |mb: u64, types: &[&str], prefix: &str| DestinationConfig {
        max_length: mb << 20,
        max_chunk: max_chunk(),
        max_single: max_single(),
        max_chunks: max_chunks(),
        types: types.iter().map(|t| (*t).to_owned()).collect(),
        public: false,
        prefix: prefix.to_owned(),
        lifetime: lifetime(),
        digests: digests(),
        attach_within: 0,
    };
    BTreeMap::from([
        ("direct".to_owned(), destination(5 << 10, &[], "/files")),
        ("placeos".to_owned(), destination(48 << 10, &[], "/files")),
        ("stepImage".to_owned(), destination(8, &[types::JPEG, types::PNG], "/api/v1/images")),
        ("stepVideo".to_owned(), destination(500, &[types::MP4], "/api/v1/videos")),
        ("stepVideoGif".to_owned(), destination(150, &[types::GIF], "/api/v1/videos")),
    ])
}

impl DestinationConfig {
    /// Refuses what could not work.
    pub(crate) fn check(&self, name: &str) -> Result<(), String> {
        let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '~');
        if name.is_empty() || name.len() > 64 || !name.chars().all(simple) {
            return Err("a name is 1 to 64 of [A-Za-z0-9._~-]".to_owned());
        }
        let zero = [
            ("max_length", self.max_length),
            ("max_chunk", self.max_chunk),
            ("max_single", self.max_single),
            ("max_chunks", u64::from(self.max_chunks)),
            ("lifetime", self.lifetime),
        ];
        if let Some((key, _)) = zero.into_iter().find(|(_, value)| *value == 0) {
            return Err(format!("{key} must be more than 0"));
        }
        let mut parts = self.prefix.split('/');
        let leads = parts.next() == Some("");
        if !leads || !parts.all(|part| !matches!(part, "" | "." | "..") && part.chars().all(simple)) {
            let got = &self.prefix;
            return Err(format!(
                "prefix must be a path like /api/v1/images, without / at its end; got {got:?}"
            ));
        }
        if let Some(bad) = self.types.iter().find(|t| t.split('/').filter(|p| !p.is_empty()).count() != 2) {
            return Err(format!("types must be media types like image/png; got {bad:?}"));
        }
        Ok(())
    }

    /// As the engine takes it.
    pub(crate) fn policy(&self) -> Policy {
        let mut policy = Policy::new(self.max_length).prefix(&self.prefix);
        policy.max_chunk = self.max_chunk;
        policy.max_single = self.max_single;
        policy.max_chunks = self.max_chunks;
        policy.lifetime = Duration::from_secs(self.lifetime);
        policy.digests.clone_from(&self.digests);
        policy.attach_within = (self.attach_within > 0).then(|| Duration::from_secs(self.attach_within));
        if self.public {
            policy.visibility = Visibility::Public;
        }
        if !self.types.is_empty() {
            policy.types = TypeRule::only(self.types.iter().cloned());
        }
        policy
    }
}

//! Destinations in the configuration, and those that are there without one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use upload_checksum::Algorithm;
use upload_core::{Policy, TypeRule, Visibility};
use upload_http_axum::dialect::{pixlab, wickson};
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
    /// What is found out about its content before it is complete: `file_details`, `content_summary`, `vectors`.
    #[serde(default)]
    process: Vec<Finding>,
    /// Whether content that cannot be read so is refused, or kept without those details.
    #[serde(default = "yes")]
    refuse_unreadable: bool,
    /// Whether content is kept once it was processed; its record is.
    #[serde(default = "yes")]
    keep_content: bool,
}

/// What can be found out about content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finding {
    /// Technical details, measured.
    FileDetails,
    /// What the text of a document says.
    ContentSummary,
    /// Vectors of the text of a document; in builds with the feature `minilm`, with a model.
    Vectors,
}

fn yes() -> bool {
    true
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
    let policy = |mb: u64, types: &[&str], prefix: &str| {
        Policy::new(mb << 20).prefix(prefix).accept(TypeRule::only(types.iter().copied()))
    };
    let mut wickson = DestinationConfig::of(&wickson::policy());
    wickson.process = vec![Finding::FileDetails, Finding::ContentSummary];
    let plain = [
        ("direct", Policy::new(5 << 30)),
        ("pixlab", pixlab::policy()),
        ("placeos", Policy::new(48 << 30)),
        ("stepImage", policy(8, &[types::JPEG, types::PNG], "/api/v1/images")),
        ("stepVideo", policy(500, &[types::MP4], "/api/v1/videos")),
        ("stepVideoGif", policy(150, &[types::GIF], "/api/v1/videos")),
        ("tus", Policy::new(100 << 30)),
    ];
    let mut all: BTreeMap<_, _> =
        plain.iter().map(|(name, policy)| ((*name).to_owned(), DestinationConfig::of(policy))).collect();
    all.insert("wickson".to_owned(), wickson);
    all
}

impl DestinationConfig {
    /// A destination with this policy.
    fn of(policy: &Policy) -> Self {
        let types = match &policy.types {
            TypeRule::Only(types) => types.clone(),
            _ => Vec::new(),
        };
        Self {
            max_length: policy.max_length,
            max_chunk: policy.max_chunk,
            max_single: policy.max_single,
            max_chunks: policy.max_chunks,
            types,
            public: policy.visibility == Visibility::Public,
            prefix: policy.prefix.clone(),
            lifetime: policy.lifetime.as_secs(),
            digests: policy.digests.clone(),
            attach_within: policy.attach_within.map_or(0, |within| within.as_secs()),
            process: Vec::new(),
            refuse_unreadable: policy.refuse_unreadable,
            keep_content: policy.keep_content,
        }
    }

    /// What the path of a result begins with.
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether this is found out about its content.
    pub(crate) fn finds(&self, finding: Finding) -> bool {
        self.process.contains(&finding)
    }

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
        policy.refuse_unreadable = self.refuse_unreadable;
        policy.keep_content = self.keep_content;
        if self.public {
            policy.visibility = Visibility::Public;
        }
        if !self.types.is_empty() {
            policy.types = TypeRule::only(self.types.iter().cloned());
        }
        policy
    }
}

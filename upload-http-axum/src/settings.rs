//! Limits and time-outs of what all dialects share. Destinations and the engine have their own.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The numbers of one [`UploadHttp`](crate::UploadHttp). In serde, times are whole seconds.
///
/// ```
/// use std::time::Duration;
/// use upload_http_axum::HttpSettings;
///
/// let mut settings = HttpSettings::default();
/// assert_eq!(settings.idle_timeout, Duration::from_secs(30));
/// settings.max_request = 32 << 20;
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct HttpSettings {
    /// How long a body may send nothing while it is waited for (default 30 s).
    #[serde(with = "seconds")]
    pub idle_timeout: Duration,
    /// How long a body may take in all, from the arrival of its request (default 1 h).
    #[serde(with = "seconds")]
    pub total_timeout: Duration,
    /// Most bytes of a whole form that begins and finishes an upload in one request (default 10 MiB).
    pub max_request: u64,
    /// Bytes that a form may have besides the one chunk it carries (default 1 MiB).
    pub form_overhead: u64,
    /// Most bytes of a JSON body (default 64 KiB).
    pub max_json: usize,
    /// Most bytes of a list of parts, as a manifest or as JSON: 10,000 parts fit (default 2 MiB).
    pub max_manifest: usize,
    /// Most bytes of all bodies together that are collected before they are read: JSON and lists of parts (default 64 MiB).
    pub collected: usize,
    /// After an answer that came before the end of its request's body: how many bytes of the rest are read and
    /// dropped, so that the client can see the answer, before the connection is closed (default 1 GiB).
    pub linger_bytes: u64,
    /// The same: for how long (default 30 s).
    #[serde(with = "seconds")]
    pub linger_time: Duration,
    /// When clients are told to try again after "busy" or "storage unavailable" (default 2 s).
    #[serde(with = "seconds")]
    pub retry_after: Duration,
    /// Which pages of other sites may use the API.
    pub cors: CorsSettings,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            idle_timeout: Duration::from_secs(30),
            total_timeout: Duration::from_secs(3600),
            max_request: 10 << 20,
            form_overhead: 1 << 20,
            max_json: 64 << 10,
            max_manifest: 2 << 20,
            collected: 64 << 20,
            linger_bytes: 1 << 30,
            linger_time: Duration::from_secs(30),
            retry_after: Duration::from_secs(2),
            cors: CorsSettings::default(),
        }
    }
}

/// Which pages of other sites may use the API from a browser. Credentials (cookies) are never allowed: API keys
/// travel in headers of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CorsSettings {
    /// Whether any may (default yes).
    pub enabled: bool,
    /// The origins that may, such as `https://app.example`; empty means every origin (default empty).
    pub origins: Vec<String>,
    /// How long browsers may remember a preflight's answer (default 2 h, the most that browsers keep).
    #[serde(with = "seconds")]
    pub max_age: Duration,
}

impl Default for CorsSettings {
    fn default() -> Self {
        Self { enabled: true, origins: Vec::new(), max_age: Duration::from_secs(7200) }
    }
}

/// Times as whole seconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(time.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_secs)
    }
}

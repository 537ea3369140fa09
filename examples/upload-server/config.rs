//! The configuration: a TOML file, its defaults, and what is wrong with it. Sizes are in bytes, times in seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::net::ToSocketAddrs as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use upload_core::{Destinations, TenantName};
use upload_http_axum::HttpSettings;
use upload_http_axum::dialect::direct_upload::DirectUploadSettings;
use upload_http_axum::dialect::pixlab::PixlabSettings;
use upload_http_axum::dialect::placeos::PlaceosSettings;
use upload_http_axum::dialect::tus::{self, TusSettings};
use upload_http_axum::dialect::wickson::WicksonSettings;
use upload_storage::Durability;

use crate::destination::{self, DestinationConfig, Finding};
use crate::keys::Key;
use crate::numbers::{EngineNumbers, ServerNumbers};
use crate::stores::{RecordsAt, SigningBy, StoreAt};
use crate::webhooks::{self, WebhookConfig};

/// Everything that can be configured.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Address to listen on.
    pub(crate) listen: String,
    /// Directory of the uploads and their records.
    pub(crate) data: PathBuf,
    /// Where the bytes go.
    pub(crate) store: String,
    /// Where records are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) records: Option<RecordsAt>,
    /// Who signs the requests that bytes come by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signing: Option<SigningBy>,
    /// What links begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    /// File of the secrets that signed requests are sealed with; the first line seals, all open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret_file: Option<PathBuf>,
    /// Whether tus 1.0 is served to those without a key, on this machine alone.
    pub(crate) open_tus: bool,
    /// What an acknowledgement makes sure of.
    pub(crate) durability: Durable,
    /// What is logged.
    pub(crate) log: String,
    /// Numbers of the process.
    pub(crate) server: ServerNumbers,
    /// Numbers of the wire.
    pub(crate) http: HttpSettings,
    /// Numbers of the engine.
    pub(crate) engine: EngineNumbers,
    /// The PlaceOS uploads API.
    pub(crate) placeos: PlaceosSettings,
    /// The Direct Upload API.
    pub(crate) direct_upload: DirectUploadSettings,
    /// PixLab STORE.
    pub(crate) pixlab: PixlabSettings,
    /// tus 1.0.
    pub(crate) tus: TusSettings,
    /// The Wickson media API.
    pub(crate) wickson: WicksonSettings,
    /// The model that vectors are made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) minilm: Option<ModelConfig>,
    /// Who may come.
    #[serde(skip_serializing)]
    pub(crate) keys: Vec<Key>,
    /// Tenants with stores of their own.
    pub(crate) tenants: BTreeMap<String, TenantConfig>,
    /// Who is told of completed uploads.
    #[serde(skip_serializing)]
    pub(crate) webhooks: Vec<WebhookConfig>,
    /// Where uploads may go.
    pub(crate) destinations: BTreeMap<String, DestinationConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            data: PathBuf::from("./data"),
            store: "file:".to_owned(),
            records: None,
            signing: None,
            public_url: None,
            secret_file: None,
            open_tus: false,
            durability: Durable::Request,
            log: "info".to_owned(),
            server: ServerNumbers::default(),
            http: HttpSettings::default(),
            engine: EngineNumbers::default(),
            placeos: PlaceosSettings::default(),
            direct_upload: DirectUploadSettings::default(),
            pixlab: PixlabSettings::default(),
            tus: TusSettings::default(),
            wickson: WicksonSettings::default(),
            minilm: None,
            keys: Vec::new(),
            tenants: BTreeMap::new(),
            webhooks: Vec::new(),
            destinations: destination::defaults(),
        }
    }
}

/// `[tenants.NAME]`: a store of the tenant's own, of the kind of all others'.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TenantConfig {
    /// Where its bytes go.
    pub(crate) store: String,
    /// What opens it, in place of the environment's variables of these names.
    #[serde(default, skip_serializing)]
    pub(crate) variables: BTreeMap<String, String>,
}

/// `[minilm]`: a directory with all-MiniLM-L6-v2, and what its files must be (SHA-256 in hex).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelConfig {
    /// The directory with `config.json`, `tokenizer.json` and `model.safetensors`.
    pub(crate) directory: PathBuf,
    /// Of `config.json`.
    pub(crate) config: String,
    /// Of `tokenizer.json`.
    pub(crate) tokenizer: String,
    /// Of `model.safetensors`.
    pub(crate) weights: String,
}

/// What an acknowledgement makes sure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durable {
    /// What was acknowledged survives loss of power.
    Request,
    /// What was acknowledged survives the end of the process.
    None,
}

impl From<Durable> for Durability {
    fn from(durable: Durable) -> Self {
        match durable {
            Durable::Request => Self::Request,
            Durable::None => Self::None,
        }
    }
}

/// Why there is no usable configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {0} cannot be read: {1}")]
    Unreadable(PathBuf, std::io::Error),
    /// The file is no TOML, or has a key or a value that is not known; the text has line and column.
    #[error("the configuration {0} cannot be used: {1}")]
    Malformed(PathBuf, String),
    /// A value that is well formed and makes no sense.
    #[error("{0}: {1}")]
    Value(&'static str, String),
    /// The same, within a tenant.
    #[error("tenants.{0}: {1}")]
    Tenant(String, String),
    /// The same, within a destination.
    #[error("destinations.{0}: {1}")]
    Destination(String, String),
}

impl Config {
    /// The file's configuration, or the default one.
    pub(crate) fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(file).map_err(|e| ConfigError::Unreadable(file.to_owned(), e))?;
        toml::from_str(&text)
            .map_err(|e| ConfigError::Malformed(file.to_owned(), e.to_string().trim_end().to_owned()))
    }

    /// Where the bytes go.
    pub(crate) fn store_at(&self) -> Result<StoreAt, ConfigError> {
        StoreAt::parse(&self.store).map_err(|why| ConfigError::Value("store", why))
    }

    /// Where records are kept.
    pub(crate) fn records_at(&self) -> Result<RecordsAt, ConfigError> {
        self.store_at()?.records(self.records).map_err(|why| ConfigError::Value("records", why))
    }

    /// Whether other processes may use the same store.
    pub(crate) fn shared(&self) -> Result<bool, ConfigError> {
        Ok(matches!(self.store_at()?, StoreAt::Object(_)) && self.records_at()? == RecordsAt::Store)
    }

    /// Refuses what could not work.
    pub(crate) fn check(&mut self) -> Result<(), ConfigError> {
        if let Some(url) = &mut self.public_url {
            let rest =
                url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
            let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '"' | '<' | '>');
            if rest.trim_matches('/').is_empty() || !rest.chars().all(plain) {
                let why = format!("expected http(s)://host[:port][/path], got {url:?}");
                return Err(ConfigError::Value("public_url", why));
            }
            url.truncate(url.trim_end_matches('/').len());
        }
        self.records_at()?;
        self.store_at()?.check_signing(self.signing).map_err(|why| ConfigError::Value("signing", why))?;
        self.check_tenants()?;
        self.check_tus()?;
        if self.shared()? && self.secret_file.is_none() {
            let why = "several processes may share this store and must open what another has sealed: expected a file that all \
                       of them have, got none";
            return Err(ConfigError::Value("--secret-file", why.to_owned()));
        }
        self.server.check().map_err(|why| ConfigError::Value("server", why))?;
        self.engine.check().map_err(|why| ConfigError::Value("engine", why))?;
        webhooks::events(&self.webhooks).map_err(|why| ConfigError::Value("webhooks", why))?;
        if self.destinations.is_empty() {
            return Err(ConfigError::Value(
                "destinations",
                "there is none, so nothing could be uploaded".to_owned(),
            ));
        }
        let model = self.minilm.is_some() && cfg!(feature = "minilm");
        if !model && !self.finding(Finding::Vectors).is_empty() {
            let why = "vectors need [minilm] with a model, and a build with the feature minilm".to_owned();
            return Err(ConfigError::Value("destinations", why));
        }
        for (name, destination) in &self.destinations {
            destination.check(name).map_err(|why| ConfigError::Destination(name.clone(), why))?;
        }
        Ok(())
    }

    /// Refuses a tus without keys that others than this machine could reach, and prefixes that are its paths.
    fn check_tus(&self) -> Result<(), ConfigError> {
        let below = |path: &str| {
            path.strip_prefix(tus::PATH).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let taken = self.destinations.iter().find(|(_, to)| self.has_tus() && below(to.prefix()));
        if let Some((name, to)) = taken {
            let why = format!("prefix {:?} is where tus uploads are; expected another one", to.prefix());
            return Err(ConfigError::Destination(name.clone(), why));
        }
        let wrong = |why: String| Err(ConfigError::Value("--open-tus", why));
        if self.open_tus && !self.has_tus() {
            let name = &self.tus.destination;
            return wrong(format!("there is no destination {name:?}, so tus is not served"));
        }
        let local = || {
            let mut found = self.listen.to_socket_addrs().ok()?.peekable();
            Some(found.peek().is_some() && found.all(|address| address.ip().is_loopback()))
        };
        if self.open_tus && local() != Some(true) {
            let listen = &self.listen;
            return wrong(format!(
                "uploads without a key are for this machine alone: expected a loopback address to listen on, as 127.0.0.1:8080, got {listen:?}"
            ));
        }
        Ok(())
    }

    /// Refuses stores of tenants that are of another kind than that of all others: bytes are kept in another way there.
    fn check_tenants(&self) -> Result<(), ConfigError> {
        let common = self.store_at()?;
        for (tenant, own) in &self.tenants {
            let wrong = |why: String| ConfigError::Tenant(tenant.clone(), why);
            TenantName::new(tenant).map_err(|e| wrong(e.to_string()))?;
            let at = StoreAt::parse(&own.store).map_err(wrong)?;
            if at == StoreAt::File(None) || !at.is_kind_of(&common) {
                let why = format!(
                    "expected a store of its own, of the kind of {:?}, got {:?}",
                    self.store, own.store
                );
                return Err(wrong(why));
            }
        }
        Ok(())
    }

    /// Tells PlaceOS and Direct Upload whose the store is that takes their requests, unless that is configured.
    pub(crate) fn name_after_store(&mut self) -> Result<(), ConfigError> {
        let Some((residence, service)) = self.store_at()?.names() else { return Ok(()) };
        if self.placeos.residence == PlaceosSettings::default().residence {
            residence.clone_into(&mut self.placeos.residence);
        }
        if self.direct_upload.service_name == DirectUploadSettings::default().service_name {
            service.clone_into(&mut self.direct_upload.service_name);
        }
        Ok(())
    }

    /// Whether there is a destination for the PlaceOS uploads API.
    pub(crate) fn has_placeos(&self) -> bool {
        self.destinations.contains_key(&self.placeos.destination)
    }

    /// Whether there is a destination for the Direct Upload API.
    pub(crate) fn has_direct_upload(&self) -> bool {
        self.destinations.contains_key(&self.direct_upload.destination)
    }

    /// Whether there is a destination for PixLab STORE.
    pub(crate) fn has_pixlab(&self) -> bool {
        self.destinations.contains_key(&self.pixlab.destination)
    }

    /// Whether there is a destination for tus 1.0.
    pub(crate) fn has_tus(&self) -> bool {
        self.destinations.contains_key(&self.tus.destination)
    }

    /// Whether there is a destination for the Wickson media API.
    pub(crate) fn has_wickson(&self) -> bool {
        self.destinations.contains_key(&self.wickson.destination)
    }

    /// The names of the destinations about whose content this is found out.
    pub(crate) fn finding(&self, finding: Finding) -> BTreeSet<String> {
        let which = self.destinations.iter().filter(|(_, one)| one.finds(finding));
        which.map(|(name, _)| name.clone()).collect()
    }

    /// The destinations as the engine takes them.
    pub(crate) fn destinations(&self) -> Destinations {
        self.destinations.iter().fold(Destinations::new(), |all, (name, one)| all.with(name, one.policy()))
    }
}

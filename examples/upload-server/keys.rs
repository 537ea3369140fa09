//! API keys: those that are configured, and the one that is generated where none is.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use upload_core::ports::Ids as _;
use upload_core::{Error, Role, Roles, TenantName};
use upload_engine::OsIds;
use upload_http_axum::auth::ApiKeys;

/// The file of the generated key in the data directory.
pub(crate) const FILE: &str = "api-key";
/// The tenant of a key that names none.
const TENANT: &str = "default";
/// Random bytes of a generated key.
const BYTES: usize = 24;

/// A key, whose it is and what it may do. Never shown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Key {
    key: String,
    #[serde(default = "tenant")]
    tenant: String,
    #[serde(default)]
    roles: Vec<Role>,
}

fn tenant() -> String {
    TENANT.to_owned()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("tenant", &self.tenant)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

/// Reads `KEY[:TENANT[:ROLE,…]]`.
impl FromStr for Key {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut parts = text.splitn(3, ':');
        let key = parts.next().unwrap_or_default().to_owned();
        let tenant = parts.next().map_or_else(tenant, str::to_owned);
        let roles = parts.next().into_iter().flat_map(|roles| roles.split(',')).map(str::parse);
        Ok(Self { key, tenant, roles: roles.collect::<Result<_, _>>()? })
    }
}

/// Who may come in.
pub(crate) struct Keys {
    /// The keys.
    pub(crate) known: ApiKeys,
    /// The generated key, where none is configured.
    pub(crate) generated: Option<String>,
}

/// The configured keys, or else the generated one of this directory, made if it is not there.
pub(crate) fn keys(configured: &[Key], data: &Path) -> Result<Keys, KeyError> {
    let mut known = ApiKeys::new();
    for key in configured {
        known =
            known.with(&key.key, TenantName::new(&*key.tenant)?, Roles::new(key.roles.iter().copied()))?;
    }
    let generated = if known.is_empty() { Some(generated(&data.join(FILE))?) } else { None };
    if let Some(key) = &generated {
        known = known.with(key, TenantName::new(TENANT)?, Roles::default())?;
    }
    Ok(Keys { known, generated })
}

/// Why there is no usable key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// A configured key cannot be used.
    #[error(transparent)]
    Unusable(#[from] Error),
    /// The file cannot be read or made.
    #[error("the API key {0} cannot be {1}: {2}")]
    File(PathBuf, &'static str, io::Error),
    /// Others may read the file.
    #[error(
        "the API key {0} has mode {1:03o}, so others may know it; expected 600: remove it to get a new one"
    )]
    Exposed(PathBuf, u32),
    /// The file holds no key.
    #[error("the API key {0} holds no key of one line; remove it to get a new one")]
    Empty(PathBuf),
}

fn generated(path: &Path) -> Result<String, KeyError> {
    let failed = |doing| move |e| KeyError::File(path.to_owned(), doing, e);
    match File::open(path) {
        Ok(file) => {
            let mode = file.metadata().map_err(failed("examined"))?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(KeyError::Exposed(path.to_owned(), mode));
            }
            let key = io::read_to_string(file).map_err(failed("read"))?.trim().to_owned();
            let usable = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_graphic());
            if usable { Ok(key) } else { Err(KeyError::Empty(path.to_owned())) }
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => generate(path).map_err(failed("made")),
        Err(e) => Err(failed("opened")(e)),
    }
}

/// Makes a new key beside its place and puts it there when it is complete: a sudden end leaves none or a whole one.
fn generate(path: &Path) -> io::Result<String> {
    let key = random_hex(BYTES);
    let new = path.with_file_name(format!(".{FILE}-{}", random_hex(8)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(format!("{key}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(key)
}

fn random_hex(bytes: usize) -> String {
    let mut random = vec![0; bytes];
    OsIds::default().fill(&mut random);
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}

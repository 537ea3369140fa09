//! API keys: those that are configured, and the one that is generated where none is.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use serde::Deserialize;
use upload_core::{Error, Principal, Role, Roles, TenantName};
use upload_http_axum::auth::ApiKeys;

use crate::private::{PrivateError, private_line};

/// The file of the generated key in the data directory.
pub(crate) const FILE: &str = "api-key";
/// The tenant of a key that names none, and of those without a key.
const TENANT: &str = "default";

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
        let roles =
            if key.roles.is_empty() { Roles::default() } else { Roles::new(key.roles.iter().copied()) };
        known = known.with(&key.key, TenantName::new(&*key.tenant)?, roles)?;
    }
    let generated =
        if known.is_empty() { Some(private_line("the API key", &data.join(FILE))?) } else { None };
    if let Some(key) = &generated {
        known = known.with(key, TenantName::new(TENANT)?, Roles::default())?;
    }
    Ok(Keys { known, generated })
}

/// Those who come without a key, where they may.
pub(crate) fn anybody() -> Result<Principal, KeyError> {
    Ok(Principal::new(TenantName::new(TENANT)?, "anybody", Roles::default()))
}

/// Why there is no usable key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// A configured key cannot be used.
    #[error(transparent)]
    Unusable(#[from] Error),
    /// The generated key cannot be used.
    #[error(transparent)]
    File(#[from] PrivateError),
}

//! Who sends a request: from what it presents to a [`Principal`].
//!
//! Each dialect takes the credential from its own places; [`Authenticate`] says whose it is. What that principal may do is
//! the engine's authorizer's matter.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;

use async_trait::async_trait;
use upload_checksum::{Algorithm, Digest, Hasher};
use upload_core::{Error, Principal, Roles, TenantName};

/// Says who presented a credential.
#[async_trait]
pub trait Authenticate: Send + Sync + fmt::Debug {
    /// The principal of the presented credential; `None` if the request carried none.
    ///
    /// # Errors
    /// [`AuthError::Missing`] if there is none, [`AuthError::Unknown`] if it is nobody's,
    /// [`AuthError::Unavailable`] if that cannot be found out now.
    async fn authenticate(&self, presented: Option<&str>) -> Result<Principal, AuthError>;
}

/// Why nobody is known to have sent a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The request carries no credential.
    #[error("an API key is required")]
    Missing,
    /// The credential is nobody's.
    #[error("the API key is not known")]
    Unknown,
    /// What knows the credentials does not answer. The cause is for the log.
    #[error("API keys cannot be checked now")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}

/// A fixed set of API keys.
///
/// A key is found by its SHA-256, so a lookup's time says nothing about how much of a key was right, and the keys
/// themselves are not kept. A principal's id is the first 16 hex digits of that digest.
///
/// ```
/// use upload_core::{Role, Roles, TenantName};
/// use upload_http_axum::auth::{ApiKeys, Authenticate};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let keys = ApiKeys::new().with("s3cret-and-long", TenantName::new("acme")?, Roles::new([Role::Upload]))?;
/// assert_eq!(keys.authenticate(Some("s3cret-and-long")).await?.tenant.as_str(), "acme");
/// assert!(keys.authenticate(Some("guess")).await.is_err());
/// assert!(!format!("{keys:?}").contains("s3cret"));
/// # Ok(())
/// # }
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(run()).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct ApiKeys(HashMap<Vec<u8>, Principal>);

impl ApiKeys {
    /// No keys: everybody is unknown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key of a tenant.
    ///
    /// # Errors
    /// `Invalid` for a key that is empty, that is not made of visible ASCII (it could not be sent), or that is given
    /// twice. The message never shows it.
    pub fn with(mut self, key: &str, tenant: TenantName, roles: Roles) -> Result<Self, Error> {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::invalid(format!(
                "an API key of tenant {tenant} is not made of visible ASCII"
            )));
        }
        let digest = digest(key);
        let id: String = digest.to_hex().chars().take(16).collect();
        let principal = Principal::new(tenant, id, roles);
        match self.0.insert(digest.as_bytes().to_vec(), principal) {
            None => Ok(self),
            Some(before) => {
                Err(Error::invalid(format!("an API key of tenant {} is given twice", before.tenant)))
            }
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn digest(key: &str) -> Digest {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(key.as_bytes());
    hasher.finish()
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.values().map(|who| (&who.tenant, &who.id))).finish()
    }
}

#[async_trait]
impl Authenticate for ApiKeys {
    async fn authenticate(&self, presented: Option<&str>) -> Result<Principal, AuthError> {
        let key = presented.filter(|key| !key.is_empty()).ok_or(AuthError::Missing)?;
        self.0.get(digest(key).as_bytes()).cloned().ok_or(AuthError::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_is_its_tenants_and_shows_nowhere() {
        let tenant = || TenantName::new("acme").unwrap();
        let keys = ApiKeys::new().with("topsecret", tenant(), Roles::default()).unwrap();
        let who = keys.authenticate(Some("topsecret")).await.unwrap();
        assert_eq!(who.tenant, tenant());
        assert_eq!(who.id.len(), 16);
        assert!(!format!("{keys:?} {who:?}").contains("topsecret"));
        assert!(matches!(keys.authenticate(None).await, Err(AuthError::Missing)));
        assert!(matches!(keys.authenticate(Some("")).await, Err(AuthError::Missing)));
        assert!(matches!(keys.authenticate(Some("topsecreT")).await, Err(AuthError::Unknown)));
    }

    #[test]
    fn bad_keys_are_refused_without_being_shown() {
        let tenant = || TenantName::new("acme").unwrap();
        for bad in ["", "with space", "ümlaut", "line\nbreak"] {
            let e = ApiKeys::new().with(bad, tenant(), Roles::default()).unwrap_err();
            assert!(bad.is_empty() || !e.to_string().contains(bad), "{e}");
        }
        let one = ApiKeys::new().with("twice-given", tenant(), Roles::default()).unwrap();
        let e = one.with("twice-given", tenant(), Roles::default()).unwrap_err();
        assert!(e.to_string().contains("acme") && !e.to_string().contains("twice-given"), "{e}");
    }
}

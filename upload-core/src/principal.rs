//! Who acts, and what they may do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorKind, Result},
    ids::TenantName,
};

/// A right that a key carries. Support and admin include upload and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Role {
    /// May begin and write uploads.
    Upload,
    /// May read completed uploads.
    Read,
    /// May act on the tenant's other principals' uploads; includes upload and read.
    Support,
    /// May do everything within the tenant; includes upload and read.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Upload => "upload",
            Self::Read => "read",
            Self::Support => "support",
            Self::Admin => "admin",
        })
    }
}

impl std::str::FromStr for Role {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        Ok(match text {
            "upload" => Self::Upload,
            "read" => Self::Read,
            "support" => Self::Support,
            "admin" => Self::Admin,
            other => {
                return Err(Error::invalid(format!(
                    "a role is upload, read, support or admin, not {other:?}"
                )));
            }
        })
    }
}

/// A set of roles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(Vec<Role>);

impl Roles {
    /// These roles.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Self {
        let mut roles: Vec<_> = roles.into_iter().collect();
        roles.sort();
        roles.dedup();
        Self(roles)
    }

    /// Whether the set grants the role, itself or through support or admin.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
            || self.0.contains(&Role::Admin)
            || (self.0.contains(&Role::Support) && matches!(role, Role::Upload | Role::Read))
    }
}

/// Upload and read.
impl Default for Roles {
    fn default() -> Self {
        Self::new([Role::Upload, Role::Read])
    }
}

/// Who acts: a key of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Principal {
    /// The tenant; nothing of another tenant can be seen or told from nothing.
    pub tenant: TenantName,
    /// The key's own name or fingerprint, never the key; uploads remember it as their owner.
    pub id: String,
    /// What the key may do.
    pub roles: Roles,
}

impl Principal {
    /// A principal of the tenant.
    pub fn new(tenant: TenantName, id: impl Into<String>, roles: Roles) -> Self {
        Self { tenant, id: id.into(), roles }
    }

    /// Refuses (`Forbidden`) one without this role.
    pub fn need(&self, role: Role) -> Result<()> {
        if self.roles.has(role) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Forbidden, format!("this key lacks the role {role}")))
    }
}

/// What a principal wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Begin an upload.
    Begin,
    /// Write to, finish or look at an unfinished upload.
    Write,
    /// Cancel an unfinished upload.
    Cancel,
    /// Read a completed upload.
    Read,
    /// List the tenant's uploads.
    List,
    /// Remove a completed upload.
    Remove,
}

impl Action {
    /// The role it needs.
    pub const fn role(self) -> Role {
        match self {
            Self::Begin | Self::Write | Self::Cancel | Self::Remove => Role::Upload,
            Self::Read | Self::List => Role::Read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_and_admin_include_upload_and_read_but_not_each_other_downwards() {
        for r in [Role::Support, Role::Admin] {
            let set = Roles::new([r]);
            assert!(set.has(Role::Upload) && set.has(Role::Read) && set.has(r));
        }
        assert!(!Roles::new([Role::Support]).has(Role::Admin));
        assert!(!Roles::new([Role::Read]).has(Role::Upload));
        assert!(Roles::default().has(Role::Upload) && Roles::default().has(Role::Read));
        assert!("root".parse::<Role>().is_err());
    }
}

//! The ports to everything that is neither bytes nor records: time, randomness, rights, content types, listeners.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{
    error::{Error, ErrorKind, Result},
    outcome::Outcome,
    principal::{Action, Principal, Role},
    time::Timestamp,
};

/// Time.
#[async_trait]
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time of day, UTC.
    fn now(&self) -> Timestamp;

    /// Returns after at least `duration`.
    async fn sleep(&self, duration: Duration);
}

/// Randomness fit for secrets.
pub trait Ids: Send + Sync + fmt::Debug {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// What is acted on.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Subject<'a> {
    /// The destination's name.
    pub destination: &'a str,
    /// The principal id that began the upload; `None` when it is about to begin.
    pub owner: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// A subject.
    pub fn new(destination: &'a str, owner: Option<&'a str>) -> Self {
        Self { destination, owner }
    }
}

/// Decides whether a principal may act. The engine has already checked the tenant: another tenant's uploads are
/// never asked about.
#[async_trait]
pub trait Authorizer: Send + Sync + fmt::Debug {
    /// `Ok` if it may; `Forbidden` otherwise.
    async fn authorize(&self, principal: &Principal, action: Action, subject: Subject<'_>) -> Result<()>;
}

/// The default [`Authorizer`]: the role that the action needs is enough.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct AllowByRole;

#[async_trait]
impl Authorizer for AllowByRole {
    async fn authorize(&self, principal: &Principal, action: Action, _: Subject<'_>) -> Result<()> {
        let role = action.role();
        if principal.roles.has(role) {
            return Ok(());
        }
        let role = match role {
            Role::Read => "read",
            Role::Support => "support",
            Role::Admin => "admin",
            Role::Upload => "upload",
        };
        Err(Error::new(ErrorKind::Forbidden, format!("this key lacks the role {role}")))
    }
}

/// Hears of completed uploads.
#[async_trait]
pub trait Events: Send + Sync + fmt::Debug {
    /// An upload was completed. Called after the commit by whoever committed, at most once per upload; the
    /// finishing request waits for it.
    async fn completed(&self, outcome: &Outcome);
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct NoEvents;

#[async_trait]
impl Events for NoEvents {
    async fn completed(&self, _: &Outcome) {}
}

/// What the first bytes say.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sniffed {
    /// Content of this media type.
    Known(String),
    /// Nothing that is recognised.
    Unknown,
    /// More of the first bytes are needed.
    NeedMore,
}

/// Finds the content type from the first bytes. Pure: the same bytes always give the same answer.
pub trait Sniffer: Send + Sync + fmt::Debug {
    /// `head` are the first bytes of the content; `end` says that there are no more. Never `NeedMore` at the end
    /// nor for 8,192 bytes and more.
    fn sniff(&self, head: &[u8], end: bool) -> Sniffed;
}

impl dyn Sniffer {
    /// Most bytes a sniffer may ask for.
    pub const HEAD: usize = 8192;
}

/// Recognises nothing.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct NoSniffer;

impl Sniffer for NoSniffer {
    fn sniff(&self, _: &[u8], _: bool) -> Sniffed {
        Sniffed::Unknown
    }
}

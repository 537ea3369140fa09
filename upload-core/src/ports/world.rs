//! The ports to everything that is neither bytes nor records: time, randomness, rights, content types, listeners.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{
    error::{Error, ErrorKind, Result},
    outcome::Outcome,
    policy::Visibility,
    principal::{Action, Principal, Role},
    record::Head,
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
    /// The upload is its owner's alone, and support's.
    pub exclusive: bool,
    /// Who may read it.
    pub visibility: Visibility,
}

impl<'a> Subject<'a> {
    /// A subject.
    pub fn new(destination: &'a str, owner: Option<&'a str>) -> Self {
        Self { destination, owner, exclusive: false, visibility: Visibility::Tenant }
    }

    /// The upload with this head.
    pub fn of(head: &'a Head) -> Self {
        Self {
            destination: &head.destination,
            owner: Some(&head.owner),
            exclusive: head.exclusive,
            visibility: head.visibility(),
        }
    }
}

/// Decides whether a principal may act. The engine has already checked the tenant: another tenant's uploads are
/// never asked about.
#[async_trait]
pub trait Authorizer: Send + Sync + fmt::Debug {
    /// `Ok` if it may; `Forbidden` otherwise.
    async fn authorize(&self, principal: &Principal, action: Action, subject: Subject<'_>) -> Result<()>;
}

/// The default [`Authorizer`]: the role that the action needs; for an exclusive upload also to be its owner or support;
/// for reading also what the upload's visibility demands.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct AllowByRole;

#[async_trait]
impl Authorizer for AllowByRole {
    async fn authorize(&self, principal: &Principal, action: Action, subject: Subject<'_>) -> Result<()> {
        principal.need(action.role())?;
        if action == Action::Read {
            return match subject.visibility {
                Visibility::Support => principal.need(Role::Support),
                Visibility::Admin => principal.need(Role::Admin),
                Visibility::Tenant | Visibility::Public => Ok(()),
            };
        }
        let others = subject.exclusive && subject.owner.is_some_and(|owner| owner != principal.id);
        if others && !principal.roles.has(Role::Support) {
            return Err(Error::new(ErrorKind::Forbidden, "this upload is another key's"));
        }
        Ok(())
    }
}

/// Hears of completed uploads.
#[async_trait]
pub trait Events: Send + Sync + fmt::Debug {
    /// An upload was completed. Called after the commit by whoever committed, at most once per upload (not at all if
    /// the process ends in between); the finishing request waits for it.
    async fn completed(&self, outcome: &Outcome) {
        let _ = outcome;
    }

    /// Whether completions are kept until [`deliver`](Self::deliver) has taken them.
    fn keeps(&self) -> bool {
        false
    }

    /// Takes the notice of a completed upload, whose id is the notice's too: at least once for each upload, in no order
    /// among uploads. After an error it comes again, later and later.
    ///
    /// # Errors
    /// A sentence for the log: why it was not taken.
    async fn deliver(&self, outcome: &Outcome) -> Result<(), String> {
        let _ = outcome;
        Ok(())
    }
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

//! One forwarder for every wrapper: a store, and a hook that is asked before each call and told after it.
//!
//! [`Faulty`](crate::Faulty), [`Counted`](crate::Counted) and [`Limited`](crate::Limited) are this type with three
//! hooks; a hook of your own (metrics, traces, access logs) makes a fourth.

use std::{fmt, future::Future, sync::Arc};

use upload_core::ports::{Permit, StoreError};

mod blobs;
mod call;
mod parts;
mod records;
mod signer;

pub use call::{Call, End, Operation};

/// Why a hook keeps a call from the store.
#[derive(Debug)]
#[non_exhaustive]
pub enum Refused {
    /// The call ends with this error.
    Error(StoreError),
    /// A put or delete ends *unknown* (other calls: with the error).
    Unknown(StoreError),
}

impl Refused {
    fn into_error(self) -> StoreError {
        match self {
            Self::Error(error) | Self::Unknown(error) => error,
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

/// Asked before each call, told after it. A dropped future drops the ticket and tells nothing.
pub trait Hook: Send + Sync + fmt::Debug {
    /// Kept while the call is under way.
    type Ticket: Send + Sync;

    /// May wait, and may refuse; a refused call does not reach the store.
    fn before(&self, call: &Call<'_>) -> impl Future<Output = Result<Self::Ticket, Refused>> + Send;

    /// May tie something to the permit of a write or move, which outlives a dropped future.
    fn hold(&self, _ticket: &Self::Ticket, permit: Permit) -> Permit {
        permit
    }

    /// May wait, and may turn success into an error: the effect stays, a put or delete ends *unknown*.
    fn after(
        &self,
        call: &Call<'_>,
        ticket: Self::Ticket,
        end: End,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A store behind a hook. Cheap to clone; clones share both.
pub struct Wrapped<S: ?Sized, H> {
    inner: Arc<S>,
    hook: Arc<H>,
}

impl<S: ?Sized, H: Hook> Wrapped<S, H> {
    /// `inner` behind `hook`.
    pub fn with_hook(inner: Arc<S>, hook: H) -> Self {
        Self { inner, hook: Arc::new(hook) }
    }

    /// The store itself, past the hook.
    pub fn inner(&self) -> &Arc<S> {
        &self.inner
    }

    /// The hook.
    pub fn hook(&self) -> &H {
        &self.hook
    }

    async fn around<T, F>(
        &self,
        call: Call<'_>,
        inner: impl FnOnce(&H::Ticket) -> F + Send,
        size: impl Fn(&T) -> u64 + Send,
    ) -> Result<T, StoreError>
    where
        T: Send,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let ticket = self.hook.before(&call).await.map_err(Refused::into_error)?;
        let inner = inner(&ticket);
        let result = inner.await;
        let end = result.as_ref().map_or(End::Failed, |value| End::Done { bytes: size(value) });
        let after = self.hook.after(&call, ticket, end).await;
        let value = result?;
        after.map(|()| value)
    }
}

impl<S: ?Sized, H> Clone for Wrapped<S, H> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), hook: Arc::clone(&self.hook) }
    }
}

impl<S: fmt::Debug + ?Sized, H: fmt::Debug> fmt::Debug for Wrapped<S, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wrapped").field("hook", &self.hook).field("inner", &&*self.inner).finish()
    }
}

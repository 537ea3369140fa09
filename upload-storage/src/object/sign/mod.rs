//! Requests that the bucket takes from anybody who has them.

use std::sync::Arc;

#[cfg(any(feature = "s3", feature = "gcs"))]
use upload_core::ports::{Part, Session};
use upload_core::{
    Access, ObjectKey,
    ports::{Clock, SignFor, Signer, StoreError},
};

#[cfg(any(feature = "s3", feature = "gcs"))]
use super::parts::sessions_of;
use super::{Kind, Provider, wrong};

#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(any(feature = "s3", feature = "azure"))]
mod moment;
#[cfg(feature = "s3")]
mod s3;
mod text;
#[cfg(any(feature = "s3", feature = "gcs"))]
mod xml_api;

/// The signer of this provider.
pub(super) fn signer_of(
    provider: &Arc<Provider>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Signer>, StoreError> {
    let provider = Arc::clone(provider);
    match provider.kind() {
        #[cfg(feature = "s3")]
        Kind::S3 => Ok(Arc::new(s3::S3Signer { provider, clock })),
        #[cfg(feature = "azure")]
        Kind::Azure => azure::AzureSigner::new(provider, clock).map(|signer| Arc::new(signer) as _),
        // Its signatures are object_store's, by the system's clock.
        #[cfg(feature = "gcs")]
        Kind::Gcs => {
            drop(clock);
            Ok(Arc::new(gcs::GcsSigner { provider }))
        }
        other => Err(wrong(format!("a store of the kind {other:?} signs no requests"))),
    }
}

/// Longest life of a signed request, in seconds: a week, in every store.
const LONGEST: u64 = 604_800;

/// Its life in seconds.
fn lifetime(ask: &SignFor<'_>) -> Result<u64, StoreError> {
    match ask.lifetime.as_secs() {
        seconds @ 1..=LONGEST => Ok(seconds),
        seconds => Err(wrong(format!("a signed request is good for 1 to {LONGEST} seconds, not {seconds}"))),
    }
}

/// The object that it is about.
fn key(ask: &SignFor<'_>) -> Result<ObjectKey, StoreError> {
    match (ask.access, ask.key) {
        (_, Some(key)) => Ok(key.clone()),
        (Access::Read, None) => Err(wrong("a request to read is for a published object; no key was given")),
        (_, None) => Ok(ObjectKey::of(ask.staging)),
    }
}

/// The parts that were sent to a session by signed requests.
#[cfg(any(feature = "s3", feature = "gcs"))]
async fn sent(
    provider: &Arc<Provider>,
    key: &ObjectKey,
    session: Option<&Session>,
) -> Result<Vec<Part>, StoreError> {
    let session = session.ok_or_else(|| wrong("parts are listed by session; none was given"))?;
    sessions_of(provider).list(key, session).await
}

/// The session that it is about.
#[cfg(any(feature = "s3", feature = "gcs"))]
fn session<'a>(ask: &SignFor<'a>) -> Result<&'a Session, StoreError> {
    ask.session.ok_or_else(|| wrong(format!("{:?} is about a session; none was given", ask.access)))
}

//! One conditional request, and what can be said of it afterwards.

use bytes::Bytes;
use object_store::{Error, PutMode, PutPayload, UpdateVersion, path::Path};
use upload_core::ports::StoreError;

use super::value::Tag;
use crate::object::{Provider, failed::failed};

/// How one request ended.
#[derive(Debug)]
pub(super) enum Wrote {
    /// It was done; the object has this tag now (after a delete the one that it had).
    Done(Tag),
    /// Its condition did not hold, or somebody else was at it. Certainly not done.
    Refused,
    /// Certainly not done; a later one may be.
    #[cfg_attr(not(feature = "cloud"), allow(dead_code, reason = "memory is never busy"))]
    NotNow(StoreError),
    /// Certainly not done, nor will a later one be.
    Never(StoreError),
    /// Done or not, or done later.
    Unknown(StoreError),
}

/// Puts an object if there is none (`None`), or if the one that is there has this tag.
pub(super) async fn put(provider: &Provider, path: &Path, body: Bytes, over: Option<&Tag>) -> Wrote {
    #[cfg(feature = "cloud")]
    if provider.own.is_some() {
        return own::put(provider, path, body, over).await;
    }
    let mode = match over {
        None => PutMode::Create,
        Some(tag) => PutMode::Update(UpdateVersion { e_tag: Some(tag.as_str().to_owned()), version: None }),
    };
    match provider.store().put_opts(path, PutPayload::from(body), mode.into()).await {
        Ok(put) => match Tag::of(provider.kind(), put.e_tag.as_deref(), put.version.as_deref()) {
            Ok(tag) => Wrote::Done(tag),
            Err(e) => Wrote::Unknown(e),
        },
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. }) => {
            Wrote::Refused
        }
        Err(e @ (Error::NotSupported { .. } | Error::NotImplemented { .. })) => {
            Wrote::Never(failed(path.as_ref(), e))
        }
        Err(e) => Wrote::Unknown(failed(path.as_ref(), e)),
    }
}

/// Deletes an object if it has this tag; only for stores that [`heed`](heeds) the condition.
pub(super) async fn delete(provider: &Provider, path: &Path, tag: &Tag) -> Wrote {
    #[cfg(feature = "cloud")]
    if provider.own.is_some() {
        return own::delete(provider, path, tag).await;
    }
    let _ = (path, tag);
    Wrote::Never(StoreError::unsupported("delete one version", &provider.name()))
}

/// Whether the store heeds the condition of a delete.
pub(super) async fn heeds(provider: &Provider) -> Result<bool, StoreError> {
    #[cfg(feature = "cloud")]
    if provider.own.is_some() {
        return own::heeds(provider).await;
    }
    // The one in memory has no such call.
    let _ = provider;
    Ok(false)
}

/// Waits before the next try, longer each time.
pub(super) async fn pause(provider: &Provider, tries: usize) {
    #[cfg(feature = "cloud")]
    if let Some(own) = &provider.own {
        let doubled = own.wait * 2u32.saturating_pow(u32::try_from(tries.min(5)).unwrap_or(5));
        tokio::time::sleep(doubled).await;
    }
    let _ = (provider, tries);
}

#[cfg(feature = "cloud")]
mod own {
    use object_store::signer::Method;
    use upload_core::ports::StoreErrorKind;

    use super::*;
    use crate::object::{Answer, Ask, Kind, Profile, failed::refused};

    fn condition<'a>(kind: Kind, ask: Ask<'a>, over: Option<&Tag>) -> Result<Ask<'a>, StoreError> {
        match (kind, over) {
            (Kind::Gcs, None) => ask.header("x-goog-if-generation-match", "0"),
            (Kind::Gcs, Some(tag)) => ask.header("x-goog-if-generation-match", tag.as_str()),
            (_, None) => ask.header("if-none-match", "*"),
            (_, Some(tag)) => ask.header("if-match", tag.as_str()),
        }
    }

    pub(super) async fn put(provider: &Provider, path: &Path, body: Bytes, over: Option<&Tag>) -> Wrote {
        let ask = Ask::new(Method::PUT, Some(path)).body(body);
        let ask = match provider.kind() {
            Kind::Azure => ask.header("x-ms-blob-type", "BlockBlob"),
            _ => Ok(ask),
        };
        let done = |answer: &Answer| {
            let header = |name| answer.headers.get(name).and_then(|value| value.to_str().ok());
            Tag::of(provider.kind(), header("etag"), header("x-goog-generation"))
        };
        match ask.and_then(|ask| condition(provider.kind(), ask, over)) {
            Ok(ask) => wrote(provider, ask, over, done).await,
            Err(e) => Wrote::Never(e),
        }
    }

    pub(super) async fn delete(provider: &Provider, path: &Path, tag: &Tag) -> Wrote {
        match condition(provider.kind(), Ask::new(Method::DELETE, Some(path)), Some(tag)) {
            Ok(ask) => wrote(provider, ask, Some(tag), |_| Ok(tag.clone())).await,
            Err(e) => Wrote::Never(e),
        }
    }

    /// By what the stores document of their answers.
    async fn wrote(
        provider: &Provider,
        ask: Ask<'_>,
        over: Option<&Tag>,
        done: impl Fn(&Answer) -> Result<Tag, StoreError>,
    ) -> Wrote {
        let what = format!("{} {}", ask.method, ask.path.map_or("", AsRef::as_ref));
        let answer = match provider.try_ask(ask).await {
            Ok(answer) => answer,
            Err(failed) if failed.error.kind == StoreErrorKind::Unsupported => {
                return Wrote::Never(failed.error);
            }
            Err(failed) if failed.unsent => return Wrote::NotNow(failed.error),
            Err(failed) => return Wrote::Unknown(failed.error),
        };
        if answer.is_success() {
            return done(&answer).map_or_else(Wrote::Unknown, Wrote::Done);
        }
        let says = |code: &str| String::from_utf8_lossy(&answer.body).contains(code);
        let error = || refused(&what, &answer);
        match answer.status {
            // 409: Azure's word for an object that is there, S3's for another request that is at it.
            412 | 409 => Wrote::Refused,
            // Or the bucket is missing, which the read that follows will see.
            404 if over.is_some() => Wrote::Refused,
            429 => Wrote::NotNow(error()),
            // Turned away before anything was done, of S3 and of Azure.
            503 if says("SlowDown") || says("ServerBusy") => Wrote::NotNow(error()),
            // No room.
            507 => Wrote::Never(error()),
            408 | 500.. => Wrote::Unknown(error()),
            _ => Wrote::Never(error()),
        }
    }

    /// Amazon, Azure and Google document it; others are asked: a delete under a condition that cannot hold, of an object that
    /// exists for nothing else. It stays, so that the next process finds it, and any two may ask at once: only a store
    /// that heeds the condition ever refuses.
    pub(super) async fn heeds(provider: &Provider) -> Result<bool, StoreError> {
        if matches!(provider.profile(), Profile::Aws | Profile::Azure | Profile::Gcs) {
            return Ok(true);
        }
        let path = provider.path("conditional-delete")?;
        match put(provider, &path, Bytes::from_static(b"whether deletes heed conditions"), None).await {
            Wrote::Done(_) | Wrote::Refused => {}
            Wrote::NotNow(e) | Wrote::Never(e) | Wrote::Unknown(e) => return Err(e),
        }
        let never = Ask::new(Method::DELETE, Some(&path))
            .header("if-match", "\"00000000000000000000000000000000\"")?;
        Ok(provider.ask(never).await?.status == 412)
    }
}

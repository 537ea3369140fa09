//! What a check works with: the store, fresh names, data, and ways to say what was expected.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    ops::Range,
    sync::Mutex,
};

use bytes::Bytes;
use futures_util::future::{BoxFuture, LocalBoxFuture};
use upload_core::{
    Fragment, Handle, Hour, ObjectKey, StagingName, UploadId,
    ports::{BlobStore, Ids, Publication, StoreError, StoreErrorKind},
};

use super::{
    drive::{Watch, together},
    profile::{Profile, Stage},
};
use crate::{faulty::Random, shared::lock};

/// Why a check failed.
#[derive(Debug)]
pub(super) struct Fail(pub(super) String);

pub(super) type Outcome = Result<(), Fail>;

impl From<StoreError> for Fail {
    fn from(error: StoreError) -> Self {
        Self(format!("a call failed, {:?}: {error}", error.kind))
    }
}

/// Fails the check unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err($crate::conformance::bench::Fail(format!($($text)+)));
        }
    };
}
pub(super) use ensure;

/// What a check cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    Nothing,
    Reopen,
    Copier,
    CopierAndReopen,
    Mover,
    MoverAndReopen,
    EmptySessions,
}

impl Needs {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Reopen => "the store cannot be opened again",
            Self::Copier => "the store cannot copy its objects' bytes",
            Self::CopierAndReopen => "it takes a store that copies bytes and can be opened again",
            Self::Mover => "the store cannot move bytes",
            Self::MoverAndReopen => "it takes a store that moves bytes and can be opened again",
            Self::EmptySessions => "a session is nothing before its first part",
        }
    }
}

/// One obligation.
pub(super) struct Check<S: ?Sized + 'static> {
    pub(super) name: &'static str,
    pub(super) needs: Needs,
    pub(super) run: for<'a> fn(Bench<'a, S>) -> LocalBoxFuture<'a, Outcome>,
}

/// Lists the check functions of a file: `checks!(dyn BlobStore, "write", Nothing: a, b; Reopen: c)`.
macro_rules! checks {
    ($store:ty, $group:literal, $($needs:ident: $($check:ident),+);+ $(;)?) => {
        pub(super) const CHECKS: &[$crate::conformance::bench::Check<$store>] = &[$($(
            $crate::conformance::bench::Check {
                name: concat!($group, "/", stringify!($check)),
                needs: $crate::conformance::bench::Needs::$needs,
                run: |bench| Box::pin($check(bench)),
            },
        )+)+];
    };
}
pub(super) use checks;

pub(super) type Open<'a, S> = &'a (dyn Fn(Stage) -> LocalBoxFuture<'a, Result<Box<S>, String>> + Sync + 'a);

/// The store under test and what surrounds it.
pub(super) struct Bench<'a, S: ?Sized> {
    pub(super) store: Box<S>,
    pub(super) profile: &'a Profile,
    pub(super) names: &'a Names,
    open: Open<'a, S>,
}

impl<'a, S: ?Sized> Bench<'a, S> {
    pub(super) async fn open(
        open: Open<'a, S>,
        profile: &'a Profile,
        names: &'a Names,
    ) -> Result<Self, Fail> {
        let store = open(Stage::Fresh).await.map_err(|why| Fail(format!("it does not open: {why}")))?;
        Ok(Self { store, profile, names, open })
    }

    /// The same store after it was dropped and opened again.
    pub(super) async fn reopen(self) -> Result<Self, Fail> {
        let Self { store, profile, names, open } = self;
        drop(store);
        let again =
            open(Stage::Reopen).await.map_err(|why| Fail(format!("it does not open again: {why}")))?;
        Ok(Self { store: again, profile, names, open })
    }

    /// Text that no other check uses.
    pub(super) fn fresh(&self) -> String {
        self.upload().as_str().to_owned()
    }

    /// An upload that no other check uses.
    pub(super) fn upload(&self) -> UploadId {
        let mut any = [0u8; 8];
        self.names.fill(&mut any);
        let tenants = &self.profile.tenants;
        let tenant =
            (u64::from_le_bytes(any) as usize).checked_rem(tenants.len()).and_then(|n| tenants.get(n));
        let handle = tenant.cloned().unwrap_or_else(|| Handle::random(self.names));
        UploadId::random(&handle, self.names)
    }

    /// Runs all of them at once, in parallel where the profile allows it.
    pub(super) async fn together<T: Send>(&self, futures: Vec<BoxFuture<'_, T>>) -> Vec<T> {
        together(self.profile.threads, futures).await
    }
}

/// Names of uploads; different in each run, so that a store may keep what an earlier run left.
#[derive(Debug)]
pub(super) struct Names(Mutex<Random>);

impl Names {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Random::new(RandomState::new().build_hasher().finish())))
    }
}

impl Ids for Names {
    fn fill(&self, bytes: &mut [u8]) {
        let mut random = lock(&self.0);
        bytes.iter_mut().for_each(|byte| *byte = random.next().to_le_bytes()[0]);
    }
}

/// The hour of most names here.
pub(super) const HOUR: u64 = 480_000;

/// `len` bytes that repeat in no small block, different for each seed.
pub(super) fn data(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Random::new(seed.wrapping_mul(0x1000_0001).wrapping_add(1));
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Fails with the first difference, if there is one.
pub(super) fn same(what: &str, got: &[u8], expected: &[u8]) -> Outcome {
    ensure!(
        got.len() == expected.len(),
        "{what}: {} bytes came, {} were expected",
        got.len(),
        expected.len()
    );
    if let Some((at, (got, expected))) = got.iter().zip(expected).enumerate().find(|(_, (g, e))| g != e) {
        return Err(Fail(format!("{what}: byte {at} is {got:#04x}, not {expected:#04x}")));
    }
    Ok(())
}

impl Bench<'_, dyn BlobStore> {
    /// A staging name and an object key of one fresh upload.
    pub(super) fn names(&self) -> (StagingName, ObjectKey) {
        self.names_of(&self.upload(), HOUR)
    }

    /// A staging name and an object key of this upload and hour.
    pub(super) fn names_of(&self, upload: &UploadId, hour: u64) -> (StagingName, ObjectKey) {
        let hour = Hour::new(hour);
        (StagingName::random(hour, upload, self.names), ObjectKey::random(hour, upload, self.names))
    }

    /// A staging object that was staged and holds these bytes from 0 on.
    pub(super) async fn staged(&self, bytes: &[u8]) -> Result<(StagingName, ObjectKey), Fail> {
        let (staging, key) = self.names();
        self.stage(&staging, bytes).await?;
        Ok((staging, key))
    }

    /// Stages these bytes from 0 on: in place, or as the first fragment of a store that keeps parts.
    pub(super) async fn stage(&self, staging: &StagingName, bytes: &[u8]) -> Outcome {
        if let Some(parts) = self.store.parts() {
            let bytes = vec![Bytes::copy_from_slice(bytes)];
            return Ok(parts.put_fragment(staging, &first_fragment()?, bytes).await?);
        }
        self.store.stage(staging, Some(bytes.len() as u64)).await?;
        self.write(staging, 0, bytes).await
    }

    /// Makes durable what was staged.
    pub(super) async fn sync(&self, staging: &StagingName) -> Outcome {
        if self.store.parts().is_none() {
            self.store.sync(staging).await?;
        }
        Ok(())
    }

    /// Reads what was staged.
    pub(super) async fn read_staged(
        &self,
        staging: &StagingName,
        range: Range<u64>,
    ) -> Result<Bytes, StoreError> {
        match (self.store.parts(), first_fragment()) {
            (Some(parts), Ok(fragment)) => parts.read_fragment(staging, &fragment, range).await,
            _ => self.store.read_staged(staging, range).await,
        }
    }

    /// An object of these bytes, and the staging name it had.
    pub(super) async fn object(&self, bytes: &[u8]) -> Result<(StagingName, ObjectKey), Fail> {
        let (staging, key) = self.names();
        self.object_at(&staging, &key, bytes).await?;
        Ok((staging, key))
    }

    /// Makes an object of these bytes, of what is staged under this name or, in a store that keeps parts, at once.
    pub(super) async fn object_at(&self, staging: &StagingName, key: &ObjectKey, bytes: &[u8]) -> Outcome {
        if let Some(parts) = self.store.parts() {
            return Ok(parts.put_object(key, vec![Bytes::copy_from_slice(bytes)]).await?);
        }
        self.stage(staging, bytes).await?;
        self.publish(staging, key, bytes.len()).await
    }

    /// Writes, and waits for the permit too.
    pub(super) async fn write(&self, staging: &StagingName, position: u64, bytes: &[u8]) -> Outcome {
        let (permit, watch) = Watch::permit();
        self.store.write(staging, position, vec![Bytes::copy_from_slice(bytes)], permit).await?;
        watch.ended(self.profile.patience).await
    }

    pub(super) async fn publish(&self, staging: &StagingName, key: &ObjectKey, length: usize) -> Outcome {
        Ok(self.store.publish(&Publication::new(staging.clone(), key.clone(), length as u64)).await?)
    }

    /// Fails unless the staging object holds exactly these bytes from `position` on.
    pub(super) async fn staged_is(&self, staging: &StagingName, position: u64, expected: &[u8]) -> Outcome {
        let range = position..position + expected.len() as u64;
        same("the staged bytes", &self.read_staged(staging, range).await?, expected)
    }

    /// Fails unless the object exists and is exactly these bytes.
    pub(super) async fn object_is(&self, key: &ObjectKey, expected: &[u8]) -> Outcome {
        let length = self.store.length(key).await?;
        ensure!(
            length == Some(expected.len() as u64),
            "the object's length is {length:?}, not {}",
            expected.len()
        );
        same("the object's bytes", &self.store.read(key, 0..expected.len() as u64).await?, expected)
    }

    /// Fails unless there is no such object.
    pub(super) async fn no_object(&self, key: &ObjectKey) -> Outcome {
        let length = self.store.length(key).await?;
        ensure!(length.is_none(), "an object of {length:?} bytes is there, none was expected");
        not_found(self.store.read(key, 0..1).await)
    }

    /// Fails if a byte of the staging object can be read.
    pub(super) async fn nothing_staged(&self, staging: &StagingName, range: Range<u64>) -> Outcome {
        let read = self.read_staged(staging, range).await;
        ensure!(
            read.is_err(),
            "the staging object should be gone; {:?} bytes came",
            read.map(|b| b.len()).ok()
        );
        Ok(())
    }
}

/// The fragment that stands at 0 in what is staged here.
fn first_fragment() -> Result<Fragment, Fail> {
    let name = format!("{:020}-{}", 0, "f".repeat(25));
    Fragment::parse(&name).ok_or_else(|| Fail(format!("{name} is no fragment's name")))
}

/// Fails unless it is a `NotFound`.
pub(super) fn not_found<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Outcome {
    match result {
        Err(error) if error.kind == StoreErrorKind::NotFound => Ok(()),
        other => Err(Fail(format!("NotFound was expected, {other:?} came"))),
    }
}

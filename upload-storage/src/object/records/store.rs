use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{Error, ObjectStoreExt, path::Path};
use upload_core::ports::{Deleted, Expected, Put, RecordStore, StoreError, Stored, Version};

use super::{
    name,
    value::{Object, Tag, wrap},
    write::{self, Wrote, pause},
};
use crate::{
    object::{Provider, failed::failed},
    shared::check_record,
};

/// The folder of records in the bucket.
const FOLDER: &str = "r/";
/// Values that one listing reads at once.
const READS: usize = 16;
/// How often a call is tried that the store turns away as busy.
const TRIES: usize = 8;
/// How often a call is tried that is refused by something that is gone when it is looked at. Each time somebody else has got
/// on.
const RACES: usize = 64;

/// A [`RecordStore`] in an object store: any number of processes may share it. See the [module](crate::object).
#[derive(Debug)]
pub struct ObjectRecords {
    provider: Arc<Provider>,
    name: String,
    /// Whether the store heeds the condition of a delete.
    heeds: OnceLock<bool>,
}

impl ObjectRecords {
    /// The records of this bucket, below its prefix. Makes no request.
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { name: provider.name(), provider, heeds: OnceLock::new() }
    }

    fn path(&self, key: &str) -> Result<Path, StoreError> {
        self.provider.path(&format!("{FOLDER}{}", name::name(key)))
    }

    /// The object as it is now.
    async fn read(&self, path: &Path) -> Result<Option<Object>, StoreError> {
        let found = match self.provider.store().get(path).await {
            Ok(found) => found,
            // A bucket that is gone is no bucket without records.
            Err(e @ Error::NotFound { .. }) if names_no_bucket(&e) => {
                return Err(failed(path.as_ref(), e));
            }
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(e) => return Err(failed(path.as_ref(), e)),
        };
        let meta = &found.meta;
        let tag = Tag::of(self.provider.kind(), meta.e_tag.as_deref(), meta.version.as_deref())?;
        let body = found.bytes().await.map_err(|e| failed(path.as_ref(), e))?;
        Ok(Some(Object { body, tag }))
    }

    /// Whether the store heeds the condition of a delete; found out once.
    async fn heeds(&self) -> Result<bool, StoreError> {
        if let Some(heeds) = self.heeds.get() {
            return Ok(*heeds);
        }
        let heeds = write::heeds(&self.provider).await?;
        Ok(*self.heeds.get_or_init(|| heeds))
    }

    /// Puts `body` where nothing is, or only what is left of a deleted record.
    async fn create(&self, key: &str, path: &Path, body: &Bytes) -> Result<Put, StoreError> {
        let mut over = None;
        let mut away = 0;
        for race in 0..RACES {
            match write::put(&self.provider, path, body.clone(), over.as_ref()).await {
                Wrote::Done(tag) => return Ok(Put::Won(tag.version())),
                Wrote::Never(e) => return Err(e),
                Wrote::NotNow(e) if away + 1 == TRIES => return Err(e),
                Wrote::NotNow(_) => {
                    pause(&self.provider, away).await;
                    away += 1;
                    continue;
                }
                // It may be done later, so only the sight of our own bytes says more.
                Wrote::Unknown(e) => {
                    return Ok(match self.read(path).await {
                        Ok(Some(object)) if object.body == *body => Put::Won(object.tag.version()),
                        _ => Put::Unknown(e),
                    });
                }
                Wrote::Refused => {}
            }
            match self.read(path).await? {
                // Of a transport that tries again by itself: its first try was done, its second refused.
                Some(object) if object.body == *body => return Ok(Put::Won(object.tag.version())),
                Some(object) if !object.body.is_empty() => return Ok(Put::Lost(object.record(key)?)),
                // Gone since; or S3 is not done with another's put, and says only that this one has to wait.
                left => over = left.map(|object| object.tag),
            }
            if race > 0 || over.is_none() {
                pause(&self.provider, race.min(3)).await;
            }
        }
        Err(crowded(key))
    }

    /// Makes a conditional request until it is done or the version is no longer there. It is done at most once: versions
    /// never repeat.
    async fn swap(&self, key: &str, path: &Path, tag: &Tag, act: Act<'_>) -> Result<Swapped, StoreError> {
        // An earlier try may have been done.
        let mut doubt: Option<StoreError> = None;
        let unless = |doubt: Option<StoreError>, e| doubt.map_or(Err(e), |doubt| Ok(Swapped::Unknown(doubt)));
        for tries in 0..TRIES {
            let wrote = match act {
                Act::Put(body) => write::put(&self.provider, path, body.clone(), Some(tag)).await,
                Act::Delete => write::delete(&self.provider, path, tag).await,
            };
            match wrote {
                Wrote::Done(now) => return Ok(Swapped::Done(now)),
                Wrote::Never(e) => return unless(doubt, e),
                Wrote::NotNow(e) if tries + 1 == TRIES => return unless(doubt, e),
                Wrote::NotNow(_) => {
                    pause(&self.provider, tries).await;
                    continue;
                }
                Wrote::Refused => {}
                Wrote::Unknown(e) => doubt = Some(doubt.unwrap_or(e)),
            }
            let found = match self.read(path).await {
                Ok(found) => found,
                Err(e) => return unless(doubt, e),
            };
            match (found, &act, doubt.is_some()) {
                (Some(object), Act::Put(body), _) if object.body == **body => {
                    return Ok(Swapped::Done(object.tag));
                }
                // The store was busy, or has not done it yet.
                (Some(object), ..) if object.tag == *tag => pause(&self.provider, tries).await,
                (None, Act::Delete, _) => return Ok(Swapped::Lost(None)),
                (found, _, false) => {
                    let record = found.map(|object| object.record(key)).transpose()?.flatten();
                    return Ok(Swapped::Lost(record));
                }
                // Ours may have been there before what is there now.
                (_, _, true) => break,
            }
        }
        unless(doubt, crowded(key))
    }
}

/// What a swap does to the version.
#[derive(Debug, Clone, Copy)]
enum Act<'a> {
    Put(&'a Bytes),
    Delete,
}

/// How a swap ended.
#[derive(Debug)]
enum Swapped {
    Done(Tag),
    Lost(Option<Stored>),
    Unknown(StoreError),
}

/// Whether it says that not the object but the whole bucket is missing.
fn names_no_bucket(error: &Error) -> bool {
    let text = error.to_string();
    ["NoSuchBucket", "ContainerNotFound"].iter().any(|code| text.contains(code))
}

fn crowded(key: &str) -> StoreError {
    StoreError::unavailable(format!("the record {key:?} changed all the time while it was put"))
}

#[async_trait]
impl RecordStore for ObjectRecords {
    fn name(&self) -> &str {
        &self.name
    }

    fn shared(&self) -> bool {
        true
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        self.read(&self.path(key)?).await?.map(|object| object.record(key)).transpose().map(Option::flatten)
    }

    async fn put(&self, key: &str, value: Bytes, expected: Expected) -> Result<Put, StoreError> {
        check_record(key, &value)?;
        let (path, body) = (self.path(key)?, wrap(&value)?);
        let version = match expected {
            Expected::Absent => return self.create(key, &path, &body).await,
            Expected::Version(version) => version,
            other => return Err(StoreError::unsupported(&format!("put expecting {other:?}"), &self.name)),
        };
        let Some(tag) = Tag::from_version(&version) else {
            return Ok(Put::Lost(self.get(key).await?));
        };
        Ok(match self.swap(key, &path, &tag, Act::Put(&body)).await? {
            Swapped::Done(now) => Put::Won(now.version()),
            Swapped::Lost(current) => Put::Lost(current),
            Swapped::Unknown(e) => Put::Unknown(e),
        })
    }

    async fn delete(&self, key: &str, expected: &Version) -> Result<Deleted, StoreError> {
        let gone = |current: Option<Stored>| current.map_or(Deleted::Done, Deleted::Lost);
        let Some(tag) = Tag::from_version(expected) else {
            return Ok(gone(self.get(key).await?));
        };
        let path = self.path(key)?;
        let nothing = Bytes::new();
        let act = if self.heeds().await? { Act::Delete } else { Act::Put(&nothing) };
        Ok(match self.swap(key, &path, &tag, act).await? {
            Swapped::Done(_) => Deleted::Done,
            Swapped::Lost(current) => gone(current),
            Swapped::Unknown(e) => Deleted::Unknown(e),
        })
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, StoreError> {
        let mut page = Vec::new();
        let mut after = after.map(str::to_owned);
        while page.len() < limit {
            let wanted = limit - page.len();
            let keys = self.keys(prefix, after.as_deref(), wanted).await?;
            let (whole, last) = (keys.len() == wanted, keys.last().cloned());
            let values = stream::iter(keys.into_iter().map(|key| async {
                let stored = self.get(&key).await?;
                Ok::<_, StoreError>(stored.map(|stored| (key, stored)))
            }));
            let values: Vec<_> = values.buffered(READS).try_collect().await?;
            // Those that have vanished since are made up for.
            page.extend(values.into_iter().flatten());
            if !whole {
                break;
            }
            after = last;
        }
        Ok(page)
    }

    /// From the listing alone: what is left of a deleted record has no bytes.
    async fn keys(&self, prefix: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, StoreError> {
        let prefix = format!("{FOLDER}{}", name::name(prefix));
        let mut after = after.map(|after| format!("{FOLDER}{}", name::name(after)));
        let mut keys = Vec::new();
        while keys.len() < limit {
            let wanted = limit - keys.len();
            let listed = self.provider.list(&prefix, after.as_deref(), wanted).await?;
            let (whole, last) = (listed.len() == wanted, listed.last().map(|(name, _)| name.clone()));
            let live = listed.iter().filter(|(_, meta)| meta.size > 0);
            // What is spelt as no key is not ours.
            keys.extend(live.filter_map(|(name, _)| name::key(name.strip_prefix(FOLDER)?)));
            if !whole {
                break;
            }
            after = last;
        }
        Ok(keys)
    }
}

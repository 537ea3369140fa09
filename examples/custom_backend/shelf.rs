//! The back end: everything in maps under one lock. What a restart would lose is somebody else's chapter.

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{
        BlobStore, Capabilities, Deleted, Expected, Listed, Permit, Publication, Put, RecordStore,
        StoreError, StoreErrorKind, Stored, Version,
    },
};

/// Highest position that may be written: the bytes of a staging object lie in one vector.
pub(crate) const FAR: u64 = 1 << 28;

#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<Maps>);

#[derive(Debug, Default)]
struct Maps {
    staged: BTreeMap<StagingName, Vec<u8>>,
    objects: BTreeMap<ObjectKey, Bytes>,
    records: BTreeMap<String, Stored>,
    versions: u64,
}

impl Shelf {
    fn maps(&self) -> MutexGuard<'_, Maps> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Exactly the range, or an error: never fewer bytes.
fn exactly(bytes: Option<&[u8]>, range: Range<u64>) -> Result<Bytes, StoreError> {
    let bytes = bytes.ok_or_else(|| StoreError::not_found("no such object"))?;
    let part = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
    let part = part.and_then(|(from, to)| bytes.get(from..to));
    part.map(Bytes::copy_from_slice).ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt, "beyond the end"))
}

#[async_trait]
impl BlobStore for Shelf {
    fn capabilities(&self) -> Capabilities {
        let mut able = Capabilities::new("shelf");
        (able.max_object, able.max_position) = (FAR, FAR);
        able
    }

    async fn stage(&self, staging: &StagingName, _: Option<u64>) -> Result<(), StoreError> {
        self.maps().staged.entry(staging.clone()).or_default();
        Ok(())
    }

    async fn write(
        &self,
        staging: &StagingName,
        at: u64,
        bytes: Vec<Bytes>,
        _held: Permit,
    ) -> Result<(), StoreError> {
        let bytes = bytes.concat();
        let end = at.checked_add(bytes.len() as u64).filter(|end| *end <= FAR);
        let end = end.ok_or_else(|| StoreError::unsupported("write that far", "a shelf"))? as usize;
        let mut maps = self.maps();
        let file = maps.staged.entry(staging.clone()).or_default();
        file.resize(file.len().max(end), 0);
        file[end - bytes.len()..end].copy_from_slice(&bytes);
        Ok(())
    }

    async fn sync(&self, staging: &StagingName) -> Result<(), StoreError> {
        self.maps().staged.get(staging).map(drop).ok_or_else(|| StoreError::not_found("nothing is staged"))
    }

    async fn read_staged(&self, staging: &StagingName, range: Range<u64>) -> Result<Bytes, StoreError> {
        exactly(self.maps().staged.get(staging).map(Vec::as_slice), range)
    }

    async fn publish(&self, publication: &Publication) -> Result<(), StoreError> {
        let maps = &mut *self.maps();
        let Publication { staging, key, length, .. } = publication;
        if maps.objects.get(key).is_none_or(|o| o.len() as u64 != *length) {
            let bytes = exactly(maps.staged.get(staging).map(Vec::as_slice), 0..*length)?;
            if maps.objects.contains_key(key) {
                return Err(StoreError::new(StoreErrorKind::Corrupt, "the key holds another object"));
            }
            maps.objects.insert(key.clone(), bytes);
        }
        maps.staged.remove(staging);
        Ok(())
    }

    async fn read(&self, key: &ObjectKey, range: Range<u64>) -> Result<Bytes, StoreError> {
        exactly(self.maps().objects.get(key).map(|o| &o[..]), range)
    }

    async fn length(&self, key: &ObjectKey) -> Result<Option<u64>, StoreError> {
        Ok(self.maps().objects.get(key).map(|o| o.len() as u64))
    }

    async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.maps().objects.remove(key);
        Ok(())
    }

    async fn discard(&self, staging: &StagingName) -> Result<(), StoreError> {
        self.maps().staged.remove(staging);
        Ok(())
    }

    async fn list(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let maps = self.maps();
        let objects = maps.objects.keys().filter(|k| k.hour() <= until).cloned().map(Listed::Object);
        let staged = maps.staged.keys().filter(|s| s.hour() <= until).cloned().map(Listed::Staged);
        let name = |l: &Listed| match l {
            Listed::Object(key) => key.to_string(),
            Listed::Staged(staging) => staging.to_string(),
            _ => String::new(),
        };
        let all = objects.chain(staged).filter(|l| after.is_none_or(|a| name(l) > name(a)));
        Ok(all.take(limit).collect())
    }
}

#[async_trait]
impl RecordStore for Shelf {
    fn name(&self) -> &str {
        "shelf"
    }

    async fn get(&self, key: &str) -> Result<Option<Stored>, StoreError> {
        Ok(self.maps().records.get(key).cloned())
    }

    async fn put(&self, key: &str, value: Bytes, expected: Expected) -> Result<Put, StoreError> {
        let maps = &mut *self.maps();
        let current = maps.records.get(key);
        let as_expected = match &expected {
            Expected::Version(version) => current.is_some_and(|c| c.version == *version),
            _ => current.is_none(),
        };
        if !as_expected {
            return Ok(Put::Lost(current.cloned()));
        }
        maps.versions += 1;
        let version = Version::new(maps.versions.to_be_bytes().to_vec());
        maps.records.insert(key.to_owned(), Stored::new(value, version.clone()));
        Ok(Put::Won(version))
    }

    async fn delete(&self, key: &str, expected: &Version) -> Result<Deleted, StoreError> {
        let maps = &mut *self.maps();
        match maps.records.get(key) {
            Some(current) if current.version != *expected => return Ok(Deleted::Lost(current.clone())),
            _ => maps.records.remove(key),
        };
        Ok(Deleted::Done)
    }

    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Stored)>, StoreError> {
        let maps = self.maps();
        let from = after.unwrap_or("").max(prefix).to_owned();
        let found = maps.records.range(from..).skip_while(|(key, _)| Some(key.as_str()) == after);
        let found = found.take_while(|(key, _)| key.starts_with(prefix)).take(limit);
        Ok(found.map(|(key, stored)| (key.clone(), stored.clone())).collect())
    }
}

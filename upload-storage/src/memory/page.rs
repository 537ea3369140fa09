use std::ops::Bound;

use upload_core::{
    Hour, ObjectKey, StagingName,
    ports::{Listed, StoreError},
};

/// What a listing asks for: objects first, then staging objects, each in the order of their names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page<'a> {
    until: Hour,
    limit: usize,
    /// Where the objects go on; `None` when they have all been listed.
    objects: Option<Bound<&'a ObjectKey>>,
    staged: Bound<&'a StagingName>,
}

impl<'a> Page<'a> {
    /// What follows `after`, up to this hour; `store` names the store in errors.
    pub(super) fn new(
        until: Hour,
        after: Option<&'a Listed>,
        limit: usize,
        store: &str,
    ) -> Result<Self, StoreError> {
        let (objects, staged) = match after {
            None => (Some(Bound::Unbounded), Bound::Unbounded),
            Some(Listed::Object(key)) => (Some(Bound::Excluded(key)), Bound::Unbounded),
            Some(Listed::Staged(name)) => (None, Bound::Excluded(name)),
            Some(other) => return Err(StoreError::unsupported(&format!("list after {other:?}"), store)),
        };
        Ok(Self { until, limit, objects, staged })
    }

    /// The page, where these give the names from a bound on, in order.
    pub(super) fn of<'n, O, S>(
        self,
        objects: impl FnOnce(Bound<&'a ObjectKey>) -> O,
        staged: impl FnOnce(Bound<&'a StagingName>) -> S,
    ) -> Vec<Listed>
    where
        O: Iterator<Item = &'n ObjectKey>,
        S: Iterator<Item = &'n StagingName>,
    {
        let objects = self.objects.map(objects).into_iter().flatten();
        let objects = objects.take_while(|key| key.hour() <= self.until).cloned().map(Listed::Object);
        let staged =
            staged(self.staged).take_while(|name| name.hour() <= self.until).cloned().map(Listed::Staged);
        objects.chain(staged).take(self.limit).collect()
    }
}

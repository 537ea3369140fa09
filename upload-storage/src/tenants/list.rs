//! Listing: the stores' own listings, merged by name.

use std::collections::VecDeque;

use upload_core::{
    Handle, Hour,
    ports::{BlobStore, Listed, StoreError},
};

use super::TenantBlobs;
use crate::shared::text;

impl TenantBlobs {
    /// One page over all stores. A name is listed only from the store that calls about it go to: what lies elsewhere would be
    /// removed from a store where it is not, or be taken for another tenant's.
    pub(super) async fn merged(
        &self,
        until: Hour,
        after: Option<&Listed>,
        limit: usize,
    ) -> Result<Vec<Listed>, StoreError> {
        let own = self.own.iter().map(|(handle, store)| (Some(handle), store));
        let walks = std::iter::once((None, &self.common)).chain(own);
        let mut walks: Vec<_> = walks
            .map(|(tenant, store)| Walk {
                store: &**store,
                tenant,
                found: VecDeque::new(),
                after: after.cloned(),
                ended: false,
            })
            .collect();
        let mut page = Vec::new();
        while page.len() < limit {
            for walk in &mut walks {
                walk.fill(self, until, limit).await?;
            }
            let going_on = walks.iter_mut().filter(|walk| !walk.ended);
            let first = going_on.min_by(|a, b| a.first().cmp(&b.first()));
            let Some(name) = first.and_then(|walk| walk.found.pop_front()) else { break };
            page.push(name);
        }
        Ok(page)
    }

    /// The tenant with a store of its own whose this name is.
    fn tenant_of(&self, name: &Listed) -> Result<Option<&Handle>, StoreError> {
        let upload = match name {
            Listed::Staged(staging) => staging.upload(),
            Listed::Object(key) => key.upload(),
            other => return Err(self.cannot(&format!("list {other:?}"))),
        };
        Ok(self.tenant(upload).map(|(handle, _)| handle))
    }
}

/// A listing of one store, under way.
struct Walk<'a> {
    store: &'a dyn BlobStore,
    /// Whose names it is for; `None`: those of all who have no store of their own.
    tenant: Option<&'a Handle>,
    found: VecDeque<Listed>,
    after: Option<Listed>,
    ended: bool,
}

impl Walk<'_> {
    /// Goes on until the next name is known, or that there is none: a page may hold nothing but names of others, and a
    /// short one is not the last.
    async fn fill(&mut self, all: &TenantBlobs, until: Hour, limit: usize) -> Result<(), StoreError> {
        while self.found.is_empty() && !self.ended {
            let page = self.store.list(until, self.after.as_ref(), limit).await?;
            let Some(last) = page.last() else {
                self.ended = true;
                break;
            };
            self.after = Some(last.clone());
            for name in page {
                if all.tenant_of(&name)? == self.tenant {
                    self.found.push_back(name);
                }
            }
        }
        Ok(())
    }

    fn first(&self) -> Option<&str> {
        self.found.front().map(text)
    }
}

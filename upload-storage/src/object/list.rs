use std::pin::pin;

use futures_util::TryStreamExt;
use object_store::{Error, ObjectMeta, ObjectStoreExt, list::PaginatedListOptions, path::Path};
use upload_core::ports::StoreError;

use super::{Kind, Provider, failed::failed};

/// Most names that a store gives in one answer.
const PAGE: usize = 1000;

impl Provider {
    /// At most `limit` objects whose name begins with `prefix`, in the order of bytes, after the name `after`. Names are
    /// without the provider's own prefix; they are taken literally, segments mean nothing.
    ///
    /// # Errors
    /// `Unavailable`; the listing is whole or not at all.
    pub async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, ObjectMeta)>, StoreError> {
        let own = self.prefix();
        let full = format!("{own}{prefix}");
        let after = after.map(|after| format!("{own}{after}"));
        let mut found = match (&self.pages, limit) {
            (_, 0) => Vec::new(),
            (Some(_), _) => self.listed(&full, after.as_deref(), limit).await?,
            (None, _) => self.walked(&full, after.as_deref(), limit).await?,
        };
        // A store that does list the prefix itself has given it twice.
        found.dedup_by(|a, b| a.location == b.location);
        found.truncate(limit);
        let named = found.into_iter().map(|meta| {
            let name = meta.location.as_ref();
            (name.strip_prefix(own).unwrap_or(name).to_owned(), meta)
        });
        Ok(named.collect())
    }

    /// Page after page. What a store gives before `after` is dropped: Azurite and Azure's older versions begin at the
    /// beginning.
    async fn listed(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        let pages = self.pages.as_ref().ok_or_else(|| StoreError::unsupported("list pages", "memory"))?;
        // One that lies before the prefix leaves everything; some stores do not take it.
        let after = after.filter(|after| *after >= prefix);
        let mut found: Vec<ObjectMeta> = Vec::new();
        if self.kind() == Kind::Azure && after.is_none() {
            found.extend(self.itself(prefix).await?);
        }
        let mut token = None;
        while found.len() < limit {
            let options = PaginatedListOptions {
                offset: after.map(str::to_owned),
                max_keys: Some((limit - found.len()).clamp(1, PAGE)),
                page_token: token,
                ..PaginatedListOptions::default()
            };
            let page = pages
                .list_paginated(Some(prefix), options)
                .await
                .map_err(|e| failed(&format!("listing {prefix}"), e))?;
            let wanted = |meta: &ObjectMeta| {
                let name = meta.location.as_ref();
                name.starts_with(prefix) && after.is_none_or(|after| name > after)
            };
            found.extend(page.result.objects.into_iter().filter(wanted));
            match page.page_token {
                Some(next) => token = Some(next),
                None => break,
            }
        }
        Ok(found)
    }

    /// The object whose name is the prefix: object_store leaves it out of Azure's listings.
    async fn itself(&self, prefix: &str) -> Result<Option<ObjectMeta>, StoreError> {
        let Some(path) = Path::parse(prefix).ok().filter(|path| path.as_ref() == prefix) else {
            return Ok(None);
        };
        match self.store.head(&path).await {
            Ok(meta) => Ok(Some(meta)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(failed(&format!("listing {prefix}"), e)),
        }
    }

    /// Over a store that lists only below whole segments: below the last slash of the prefix.
    async fn walked(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ObjectMeta>, StoreError> {
        let parse =
            |name: &str| Path::parse(name).map_err(|e| failed(&format!("listing {prefix}"), e.into()));
        let above = prefix.rsplit_once('/').map(|(above, _)| parse(above)).transpose()?;
        let listed = match after {
            Some(after) if after >= prefix => self.store.list_with_offset(above.as_ref(), &parse(after)?),
            _ => self.store.list(above.as_ref()),
        };
        let wanted = listed.try_filter(|meta| std::future::ready(meta.location.as_ref().starts_with(prefix)));
        let mut wanted = pin!(wanted);
        let mut found = Vec::new();
        while let Some(meta) = wanted.try_next().await.map_err(|e| failed(&format!("listing {prefix}"), e))? {
            found.push(meta);
        }
        found.sort_by(|a, b| a.location.as_ref().cmp(b.location.as_ref()));
        found.truncate(limit);
        Ok(found)
    }
}

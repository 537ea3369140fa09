//! The janitor: only a listing finds what a crash left between two calls.

use std::collections::HashSet;

use upload_core::{
    ErrorKind, ObjectKey, Result, StagingName, Timestamp, UploadId,
    ports::Listed,
    record::{ClaimRecord, DueRecord, Head, OwnerRecord, Phase, decode, keys},
};

use crate::{change::given_up, engine::Engine, types::Swept};

impl Engine {
    /// Lists staging objects, objects and rows, and removes what is older than the grace and belongs to nobody: whose
    /// head is absent, or ended, or names something else. Never touches what this engine holds, nor what a live or
    /// completed upload has. Call it every few hours.
    pub async fn janitor(&self) -> Swept {
        let mut done = Swept::default();
        // Records first: only they tell whose some of the names are.
        match self.clean_rows(&mut done).await {
            Ok(taken) => {
                if let Err(e) = self.clean_names(&taken, &mut done).await {
                    tracing::warn!(error = %e, "the janitor could not list the blob store to its end");
                    done.failed += 1;
                }
            }
            Err(e) => {
                tracing::warn!(error = %e, "the janitor could not list the records to their end");
                done.failed += 1;
            }
        }
        if let Err(e) = self.clean_names_of_uploads(&mut done).await {
            tracing::warn!(error = %e, "the janitor could not list claims and listings to their end");
            done.failed += 1;
        }
        if let Err(e) = self.save_sums().await {
            tracing::warn!(error = %e, "the sums of ledgers could not be saved");
            done.failed += 1;
        }
        done
    }

    async fn clean_names(&self, taken: &HashSet<StagingName>, done: &mut Swept) -> Result<()> {
        let old = self.clock().now().minus(self.settings().grace);
        let mut after: Option<Listed> = None;
        loop {
            let page = self.blobs().list(old.hour(), after.as_ref(), self.settings().page).await?;
            for name in &page {
                let hour = match name {
                    Listed::Staged(staging) => staging.hour(),
                    Listed::Object(key) => key.hour(),
                    _ => continue,
                };
                // The name says the hour only: the whole of it must be old.
                if hour.end() > old {
                    continue;
                }
                done.seen += 1;
                let cleaned = match name {
                    Listed::Staged(staging) if taken.contains(staging) => Ok(false),
                    Listed::Staged(staging) => self.clean_staging(staging).await,
                    Listed::Object(key) => self.clean_object(key).await,
                    _ => Ok(false),
                };
                match cleaned {
                    Ok(false) => {}
                    Ok(true) => {
                        tracing::info!(?name, "removed: it belongs to no upload");
                        done.removed += 1;
                    }
                    Err(e) => {
                        tracing::warn!(?name, error = %e, "the janitor could not look at this");
                        done.failed += 1;
                    }
                }
            }
            match page.into_iter().last() {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }

    async fn owner(&self, id: Option<UploadId>) -> Result<Option<Head>> {
        let Some(id) = id else { return Ok(None) };
        match self.head(&id).await {
            Ok(head) => Ok(Some(head)),
            Err(e) if e.kind == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Whose object it is: the name of one that was received before its upload had an id does not say.
    async fn owner_of(&self, key: &ObjectKey) -> Result<Option<Head>> {
        let Some(id) = key.upload() else { return Ok(None) };
        if let Some(head) = self.owner(Some(id.clone())).await? {
            return Ok(Some(head));
        }
        match self.records().get::<OwnerRecord>(&keys::owner(key.hour(), &id)).await? {
            Some((record, _)) => self.owner(Some(record.id)).await,
            None => Ok(None),
        }
    }

    async fn clean_staging(&self, staging: &StagingName) -> Result<bool> {
        let live = staging.upload().is_some_and(|id| self.table().in_use(&id));
        if self.holds(staging) || live {
            return Ok(false);
        }
        let wanted = self.owner(staging.upload()).await?.is_some_and(|head| {
            head.staging == *staging
                && matches!(head.phase, Phase::Receiving | Phase::Verifying { .. } | Phase::Committing { .. })
        });
        if wanted {
            return Ok(false);
        }
        self.blobs().discard(staging).await?;
        Ok(true)
    }

    async fn clean_object(&self, key: &ObjectKey) -> Result<bool> {
        if key.upload().is_some_and(|id| self.table().in_use(&id)) {
            return Ok(false);
        }
        let named = self.owner_of(key).await?.is_some_and(|head| match &head.phase {
            // Those who read it have their time; then the sweep removes it.
            Phase::Removed { key: k, at } => k == key && self.clock().now() < at.plus(self.settings().grace),
            // What a signed request has made waits for whoever finishes.
            phase
                if !phase.is_terminal() && head.direct.is_some() && *key == ObjectKey::of(&head.staging) =>
            {
                true
            }
            Phase::Verifying { key: k, .. } => k == key,
            phase => phase.outcome().is_some_and(|o| o.key == *key),
        });
        if named {
            return Ok(false);
        }
        self.blobs().delete(key).await?;
        Ok(true)
    }

    /// Claims of uploads that are gone, or have them no more; places in listings of uploads that are gone; owners of objects.
    async fn clean_names_of_uploads(&self, done: &mut Swept) -> Result<()> {
        self.clean_claims(done).await?;
        // Places and owners are put before their heads.
        let old = self.clock().now().minus(self.settings().grace);
        self.clean_places(old, done).await?;
        self.clean_owners(old, done).await
    }

    async fn clean_claims(&self, done: &mut Swept) -> Result<()> {
        let mut after = None;
        loop {
            let claims = self.records().next_page(keys::CLAIMS, &mut after, self.settings().page).await?;
            if claims.is_empty() {
                return Ok(());
            }
            for (key, stored) in &claims {
                done.seen += 1;
                let (_, record) = decode::<ClaimRecord>(key, &stored.value)?;
                done.removed += u64::from(self.clean_claim(key, &record, &stored.version).await?);
            }
        }
    }

    async fn clean_places(&self, old: Timestamp, done: &mut Swept) -> Result<()> {
        let mut after = None;
        loop {
            let places = self.records().next_page(keys::INDEX, &mut after, self.settings().page).await?;
            if places.is_empty() {
                return Ok(());
            }
            for (key, stored) in &places {
                let Some((_, id)) = keys::index_parts(key).filter(|(created, _)| *created < old) else {
                    continue;
                };
                done.seen += 1;
                if self.owner(Some(id)).await?.is_none_or(|head| given_up(&head.phase)) {
                    self.records().remove(key, stored.version.clone()).await?;
                    done.removed += 1;
                }
            }
        }
    }

    async fn clean_owners(&self, old: Timestamp, done: &mut Swept) -> Result<()> {
        let mut after = None;
        loop {
            let owners = self.records().next_page(keys::OWNERS, &mut after, self.settings().page).await?;
            if owners.is_empty() {
                return Ok(());
            }
            for (key, stored) in &owners {
                if keys::owner_hour(key).is_none_or(|hour| hour.end() > old) {
                    continue;
                }
                done.seen += 1;
                let (_, record) = decode::<OwnerRecord>(key, &stored.value)?;
                if self.owner(Some(record.id)).await?.is_none() {
                    self.records().remove(key, stored.version.clone()).await?;
                    done.removed += 1;
                }
            }
        }
    }

    /// Rows and what else is below a head that is gone or was given up: put by a request that a cancel or an expiry
    /// overtook, or left by one that ended before it had removed them.
    ///
    /// Gives the staging objects of open uploads whose names do not say whose they are: bodies that came before their upload.
    async fn clean_rows(&self, done: &mut Swept) -> Result<HashSet<StagingName>> {
        let mut after = None;
        let mut taken = HashSet::new();
        // The upload whose head was passed last, if what it has is still wanted.
        let mut wanted: Option<UploadId> = None;
        loop {
            let page = self.records().next_page(keys::UPLOADS, &mut after, self.settings().page).await?;
            if page.is_empty() {
                return Ok(taken);
            }
            for (key, stored) in &page {
                let mut parts = key.trim_start_matches(keys::UPLOADS).splitn(2, '/');
                let Some(id) = parts.next().and_then(|id| UploadId::parse(id).ok()) else { continue };
                if parts.next().is_none() {
                    // A head sorts before everything below it. One that cannot be read keeps what it has.
                    let head = decode::<Head>(key, &stored.value).map(|(_, head)| head);
                    wanted = head.as_ref().map_or(true, |head| !given_up(&head.phase)).then_some(id);
                    let open = head.ok().filter(|head| !head.phase.is_terminal());
                    taken.extend(open.map(|head| head.staging).filter(|s| s.upload() != wanted));
                    continue;
                }
                done.seen += 1;
                if wanted.as_ref() == Some(&id) || self.table().in_use(&id) {
                    continue;
                }
                let wanted = match self.owner(Some(id.clone())).await? {
                    Some(head) => !given_up(&head.phase),
                    None => self.is_beginning(&id).await?,
                };
                if !wanted {
                    self.records().remove(key, stored.version.clone()).await?;
                    done.removed += 1;
                }
            }
        }
    }

    /// Whether a head may be about to be put: of a whole body whose content makes a claim the row comes first, and before that
    /// a due key of that hour.
    async fn is_beginning(&self, id: &UploadId) -> Result<bool> {
        let now = self.clock().now();
        for hour in [now.minus(self.settings().grace).hour(), now.hour()] {
            if self.records().get::<DueRecord>(&keys::due(hour, id)).await?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

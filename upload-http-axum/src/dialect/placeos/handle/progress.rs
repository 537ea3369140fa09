//! What clients tell of their uploads in parts, as it is kept and given back. It proves nothing.

use std::collections::btree_map::Entry;

use serde_json::Value;
use upload_core::{Error, ErrorKind, Principal, UploadId};

use super::super::Api;
use super::super::wire::{ANNOUNCED, NAME, PART_DATA, PART_LIST, Progress, RESUMABLE_ID};

impl Api {
    /// What was told of an upload in parts.
    pub(in crate::dialect::placeos) async fn known(
        &self,
        who: &Principal,
        id: &UploadId,
    ) -> Result<Progress, Error> {
        let mut known = self.session(who, id).await?;
        for (n, part) in self.uploads.engine().notes(who, id, PART_DATA).await? {
            known.part_data.extend(serde_json::from_value(part).ok().map(|part| (n, part)));
        }
        if known.has_parts() {
            for (n, part) in self.uploads.engine().notes(who, id, ANNOUNCED).await? {
                if let (Entry::Vacant(place), Ok(part)) =
                    (known.part_data.entry(n), serde_json::from_value(part))
                {
                    place.insert(part);
                }
            }
        }
        Ok(known)
    }

    /// [`known`](Self::known) without the data of parts.
    pub(in crate::dialect::placeos) async fn session(
        &self,
        who: &Principal,
        id: &UploadId,
    ) -> Result<Progress, Error> {
        let mut known = Progress::default();
        for (n, value) in self.uploads.engine().notes(who, id, NAME).await? {
            match n {
                RESUMABLE_ID => known.resumable_id = serde_json::from_value(value).ok(),
                PART_LIST => known.part_list = serde_json::from_value(value).ok(),
                _ => {}
            }
        }
        Ok(known)
    }

    /// [`known`](Self::known), or nothing where there is nothing that this key may see.
    pub(in crate::dialect::placeos) async fn known_if_any(
        &self,
        who: &Principal,
        id: &UploadId,
    ) -> Result<Progress, Error> {
        match self.known(who, id).await {
            Err(e) if matches!(e.kind, ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Gone) => {
                Ok(Progress::default())
            }
            other => other,
        }
    }

    /// Keeps what a client tells. Requests race: each part has a note of its own, and the store's id stays the first.
    pub(in crate::dialect::placeos) async fn keep(
        &self,
        who: &Principal,
        id: &UploadId,
        told: Progress,
    ) -> Result<(), Error> {
        let engine = self.uploads.engine();
        let mut part_data = told.part_data;
        if part_data.len() > 1 {
            // Clients tell of all their parts each time.
            let known = self.known(who, id).await?.part_data;
            part_data.retain(|n, part| known.get(n) != Some(part));
        }
        for (n, part) in part_data {
            engine.note(who, id, PART_DATA, n, serde_json::json!(part)).await?;
        }
        if let Some(part) = told.announced {
            engine.note(who, id, ANNOUNCED, part.part, serde_json::json!(part)).await?;
        }
        if let Some(list) = told.part_list {
            engine.note(who, id, NAME, PART_LIST, serde_json::json!(list)).await?;
        }
        if let Some(resumable_id) = told.resumable_id {
            engine.note_once(who, id, NAME, RESUMABLE_ID, Value::String(resumable_id)).await?;
        }
        Ok(())
    }
}

//! The parts of an upload as the store holds them, and their commit by whoever sent them.

use upload_checksum::{Algorithm, Digest};
use upload_chunking::assembly::{Key, Refused};
use upload_core::{
    Action, Error, ErrorKind, Principal, Result, UploadId,
    lifecycle::Command,
    record::{Addressing, RowRecord, decode, keys},
};

use crate::{engine::Engine, enter::corrupt, live::Live, write::refused};

/// A part that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartInfo {
    /// Its number, from 1.
    pub number: u32,
    /// Its bytes.
    pub length: u64,
    /// The digest that its bytes were checked against.
    pub digest: Option<Digest>,
}

impl Engine {
    /// The parts that are stored, by number. Of a completed upload they are known for the time of replay.
    ///
    /// # Errors
    /// As [`inspect`](Self::inspect), and `Misplaced` for an upload by offset, which has none.
    pub async fn parts(&self, who: &Principal, id: &UploadId) -> Result<Vec<PartInfo>> {
        let live = self.enter(who, id, Action::Write).await?;
        self.parts_of(&live).await
    }

    pub(crate) async fn parts_of(&self, live: &Live) -> Result<Vec<PartInfo>> {
        let addressing = live.state().view.head.addressing;
        if addressing != Addressing::Slots {
            return Err(refused(Refused::OtherKind));
        }
        let mut parts = Vec::new();
        self.records()
            .each(&keys::rows(&live.id), self.settings().page, |key, stored| {
                let Some(Key::Slot(n)) = keys::place(key) else {
                    return Err(corrupt(format!("{key} is no part's key")));
                };
                let (_, row) = decode::<RowRecord>(key, &stored.value)?;
                parts.push(PartInfo {
                    number: n.saturating_add(1),
                    length: row.print.len,
                    digest: row.digest,
                });
                Ok(())
            })
            .await?;
        Ok(parts)
    }

    /// Checks what is said to be all the parts against those that are stored, and keeps that they are.
    pub(crate) async fn commit_parts(&self, live: &Live, manifest: &[(u32, Option<String>)]) -> Result<()> {
        let not_so = |text: String| Err(Error::new(ErrorKind::NotReady, text));
        let stored = self.parts_of(live).await?;
        for (number, tag) in manifest {
            let Ok(part) = stored.binary_search_by_key(number, |part| part.number) else {
                return not_so(format!("part {number} is not stored"));
            };
            let digest = stored.get(part).and_then(|part| part.digest);
            let known = digest.filter(|digest| digest.algorithm() == Algorithm::Md5).map(|md5| md5.to_hex());
            if let (Some(known), Some(tag)) = (known, tag)
                && !known.eq_ignore_ascii_case(tag)
            {
                return not_so(format!("part {number} is {known}, not {:.64}", tag.escape_default()));
            }
        }
        let mut listed: Vec<_> = manifest.iter().map(|(number, _)| *number).collect();
        listed.sort_unstable();
        if let Some(part) = stored.iter().find(|part| listed.binary_search(&part.number).is_err()) {
            return not_so(format!("part {} is stored but not listed", part.number));
        }
        // A part that is stored from now on was not listed.
        let have: u64 = stored.iter().map(|part| part.length).sum();
        let length = live.state().view.head.length;
        if let Some(length) = length.filter(|length| have < *length) {
            return not_so(format!("the upload has {have} of {length} bytes"));
        }
        self.change(live, Command::CommitParts).await.map(drop)
    }
}

//! What signed requests have made of an Azure blob.

use std::{collections::BTreeMap, time::Duration};

use object_store::signer::Method;
use upload_core::{
    ObjectKey,
    ports::{Part, StoreError},
};

use super::blocks::{Blocks, sent_part};
use crate::object::{Ask, failed::refused};

/// How long a copy is waited for: so often, each time a bit longer.
const LOOKS: u32 = 40;
const WAIT: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// How far a copy is ("Copy Blob").
enum Copied {
    Done,
    UnderWay,
    Failed,
    Nothing,
}

impl Blocks {
    /// The blocks that a commit of the latest would take, by number.
    pub(in crate::object) async fn sent(&self, key: &ObjectKey) -> Result<Vec<Part>, StoreError> {
        let listing = self.blocks(key).await?;
        let latest = listing.committed.iter().chain(&listing.uncommitted).filter_map(sent_part);
        let parts: BTreeMap<u64, Part> = latest.map(|part| (part.number, part)).collect();
        Ok(parts.into_values().collect())
    }

    /// "Copy Blob" within the account, of which only the first makes the blob; then nobody can change it who has only been
    /// given leave for the other.
    pub(in crate::object) async fn copy_once(
        &self,
        from: &ObjectKey,
        to: &ObjectKey,
    ) -> Result<(), StoreError> {
        let what = format!("copying {from} to {to}");
        let (source, target) = (self.path(from)?, self.path(to)?);
        let endpoint = self.provider.endpoint().unwrap_or_default();
        let ask = Ask::new(Method::PUT, Some(&target))
            .header("x-ms-copy-source", &format!("{endpoint}/{source}"))?
            .header("if-none-match", "*")?;
        let answer = self.provider.ask_again(ask).await?;
        // It is there, or is being made.
        if !answer.is_success() && !matches!(answer.status, 409 | 412) {
            return Err(refused(&what, &answer));
        }
        for look in 0..LOOKS {
            match self.copied(&what, to).await? {
                Copied::Done => return Ok(()),
                Copied::UnderWay => tokio::time::sleep((WAIT * (look + 1)).min(LONGEST)).await,
                Copied::Failed => {
                    self.provider.remove(to.as_str()).await?;
                    return Err(StoreError::unavailable(format!("{what}: it failed in the store")));
                }
                Copied::Nothing => return Err(refused(&what, &answer)),
            }
        }
        Err(StoreError::unavailable(format!("{what}: it takes longer than was waited for")))
    }

    async fn copied(&self, what: &str, to: &ObjectKey) -> Result<Copied, StoreError> {
        let path = self.path(to)?;
        let answer = self.provider.ask_again(Ask::new(Method::HEAD, Some(&path))).await?;
        if answer.status == 404 {
            return Ok(Copied::Nothing);
        }
        if !answer.is_success() {
            return Err(refused(what, &answer));
        }
        let status = answer.headers.get("x-ms-copy-status").and_then(|status| status.to_str().ok());
        Ok(match status {
            Some("pending") => Copied::UnderWay,
            Some("failed" | "aborted") => Copied::Failed,
            _ => Copied::Done,
        })
    }
}

//! Beginning an upload, and giving one up.

use std::sync::Arc;

use futures_util::future::try_join;
use upload_core::{
    Action, Error, ErrorKind, Inspection, Principal, Result, StagingName, UploadId,
    lifecycle::{self, Begin, Command, View, decide, refusal},
    ports::{Expected, Sniffed, Subject},
    record::{Head, Phase, keys},
};

use crate::{
    claim::{Claimed, Claiming},
    engine::Engine,
    live::Live,
    records::{PutEnd, not_begun},
    write::refused,
};

impl Engine {
    /// Begins an upload. Nothing is reserved or staged; its bytes have until its deadline to arrive.
    ///
    /// # Errors
    /// `UnknownDestination`, `Forbidden`, `TooLarge` for a declared length over the limit, `TypeRefused` for an empty upload
    /// where only certain types are accepted, `Unsupported` for what the storage could never finish.
    ///
    /// With a [claim](Begin::claim) it gives the upload that has the claim, whatever its stage, if there is one that counts.
    pub async fn begin(&self, who: &Principal, mut begin: Begin) -> Result<Inspection> {
        let (claim, listed) = (begin.claim.take(), begin.listed.clone());
        let mut head = self.new_head(who, begin).await?;
        let claim = claim.map(|claim| Claiming::new(&head.id, claim)).transpose()?;
        let mut free = Expected::Absent;
        if let Some(claim) = &claim {
            match self.claimed(who, claim).await? {
                Claimed::By(live) => return Ok(self.inspect_live(&live).await),
                Claimed::Free(expected) => free = expected,
            }
            head.claim = Some(claim.key.clone());
        }
        if head.length == Some(0) {
            let found = match self.sniffer().sniff(&[], true) {
                Sniffed::Known(found) => Some(found),
                _ => None,
            };
            head.policy.types.check(found.as_deref())?;
        }
        // Before the head: an upload without a due key would stay for ever if nobody came again.
        let attended = match head.is_composed() {
            true => head.created,
            false => head.deadline.plus(self.settings().grace),
        };
        let due = self.due(&head.id, attended.hour());
        try_join(due, self.list_it(&head, listed)).await?;
        match self.records().put(&keys::head(&head.id), &head, Expected::Absent).await? {
            PutEnd::Won(_) => {}
            PutEnd::Lost(found) => return Err(not_begun(found)),
        }
        if let Some(claim) = &claim
            && let Some(live) = self.claim(who, claim, &head, free).await?
        {
            return Ok(self.inspect_live(&live).await);
        }
        metrics::counter!("upload_begun_total").increment(1);
        tracing::debug!(id = %head.id, destination = %head.destination, length = ?head.length, "begun");
        Ok(self.inspection(&View::new(head)))
    }

    /// The head of a new upload of the principal's.
    pub(crate) async fn new_head(&self, who: &Principal, begin: Begin) -> Result<Head> {
        let destination = self.destinations().get(&begin.destination)?;
        self.authorizer().authorize(who, Action::Begin, Subject::new(&destination.name, None)).await?;
        self.check_parts(who, &begin).await?;
        let handle = self.handle_or_new(&who.tenant).await?;
        let now = self.clock().now();
        let id = UploadId::random(&handle, self.ids());
        let staging = StagingName::random(now.hour(), &id, self.ids());
        let mut head =
            lifecycle::begin(now, begin, destination, &self.blobs().capabilities(), &who.id, id, staging)?;
        head.direct = self.direct(&head)?;
        if head.direct.is_none()
            && let Some((parts, length)) = self.blobs().parts().zip(head.length)
        {
            let cell = self.grid_of_bytes(parts, length)?.cell_size();
            if cell > self.settings().max_part {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "an upload of {length} bytes needs parts of {cell} bytes; at most {} are allowed",
                        self.settings().max_part
                    ),
                ));
            }
        }
        Ok(head)
    }

    /// Fixes the whole length of an upload that began without one.
    ///
    /// # Errors
    /// `Conflict` if another length is known, `Invalid` if more has arrived, `TooLarge` over the limit.
    pub async fn fix_length(&self, who: &Principal, id: &UploadId, length: u64) -> Result<Inspection> {
        let live = self.enter(who, id, Action::Write).await?;
        {
            let mut state = live.state();
            decide(&state.view, self.clock().now(), Command::FixLength(length))?;
            // Before it is stored: bytes that arrive meanwhile must not pass it. Should storing it fail, this process
            // still holds the client to its word.
            state.view.rows.set_length(length).map_err(refused)?;
        }
        self.change(&live, Command::FixLength(length)).await?;
        Ok(self.inspection(&live.state().view))
    }

    /// Gives an upload up and removes what it has. Again is fine.
    ///
    /// # Errors
    /// `Conflict` once it is complete, `Busy` while its finishing is committed, `Gone` if it failed or expired.
    pub async fn cancel(&self, who: &Principal, id: &UploadId) -> Result<()> {
        let live = self.enter(who, id, Action::Cancel).await?;
        self.cancel_live(&live).await
    }

    pub(crate) async fn cancel_live(&self, live: &Arc<Live>) -> Result<()> {
        match self.end(live, Command::Cancel).await {
            Err(e) if e.kind == ErrorKind::NotReady => {
                let phase = live.state().view.head.phase.clone();
                Err(refusal(&phase).unwrap_or(e))
            }
            other => other,
        }
    }

    /// Removes an upload: gives it up if it is not complete, else takes it from all who could read it. Its bytes go when
    /// those who are reading it have had their time (the grace). Again is fine.
    ///
    /// # Errors
    /// `Busy` while its finishing is committed, `Gone` if it failed or expired.
    pub async fn remove(&self, who: &Principal, id: &UploadId) -> Result<()> {
        let live = self.enter(who, id, Action::Remove).await?;
        let phase = live.state().view.head.phase.clone();
        match phase {
            Phase::Completed { .. } | Phase::Removed { .. } => self.end(&live, Command::Remove).await,
            _ => match self.cancel_live(&live).await {
                // It was completed under our eyes.
                Err(e) if e.kind == ErrorKind::Conflict => self.end(&live, Command::Remove).await,
                other => other,
            },
        }
    }
}

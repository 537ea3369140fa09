//! What uploads cost: entries derived from outcomes, one an upload, and their sum.
//!
//! A sum is a fold over the entries since the last saved sum. It is kept in memory for a time, during which this process adds
//! what it enters itself; what other processes enter is seen after that time. While a tenant's sum is folded nothing is
//! entered for it here, and the other way round: so no entry is missed or counted twice.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_lock::RwLock;
use upload_core::{
    Charge, Handle, Hour, Outcome, Principal, Result, Timestamp,
    ports::Expected,
    record::{BalanceRecord, LedgerRecord, decode, keys},
};

use crate::{engine::Engine, live::locked, records::PutEnd};

const HOUR: Duration = Duration::from_secs(3600);

/// Sums that are known, by tenant.
#[derive(Debug, Default)]
pub(crate) struct Sums(Mutex<HashMap<Handle, Arc<Sum>>>);

#[derive(Debug, Default)]
struct Sum {
    known: Mutex<Option<(u64, Timestamp)>>,
    /// Shared by those who enter something; one who folds has it alone.
    entering: RwLock<()>,
}

impl Sums {
    fn of(&self, handle: &Handle) -> Arc<Sum> {
        Arc::clone(locked(&self.0).entry(handle.clone()).or_default())
    }
}

impl Engine {
    /// What the completed uploads of the principal's tenant have cost, in the smallest unit.
    ///
    /// # Errors
    /// `StorageUnavailable`.
    pub async fn spent(&self, who: &Principal) -> Result<u64> {
        let Some(handle) = self.handle(&who.tenant).await? else { return Ok(0) };
        let sum = self.sums().of(&handle);
        if let Some(known) = self.known(&sum) {
            return Ok(known);
        }
        let _alone = sum.entering.write().await;
        // Another one may have folded it meanwhile.
        if let Some(known) = self.known(&sum) {
            return Ok(known);
        }
        let now = self.clock().now();
        let folded = self.fold(&handle, None).await?;
        *locked(&sum.known) = Some((folded, now));
        Ok(folded)
    }

    fn known(&self, sum: &Sum) -> Option<u64> {
        let known =
            locked(&sum.known).filter(|(_, at)| self.clock().now() < at.plus(self.settings().sum_time));
        known.map(|(known, _)| known)
    }

    /// Enters what a completed upload costs; once, however often it is called.
    pub(crate) async fn enter_charges(&self, outcome: &Outcome) -> Result<()> {
        let key = keys::ledger(&outcome.id, outcome.committed).zip(outcome.id.handle());
        let Some((key, handle)) = key.filter(|_| !outcome.charges.is_empty()) else { return Ok(()) };
        let entry = LedgerRecord::new(outcome.charges.clone());
        let sum = self.sums().of(&handle);
        let _shared = sum.entering.read().await;
        let entering = Entering(&sum);
        let end = self.records().put(&key, &entry, Expected::Absent).await?;
        entering.known();
        if let PutEnd::Won(_) = end
            && let Some((known, _)) = &mut *locked(&sum.known)
        {
            *known = known.saturating_add(Charge::sum(&outcome.charges));
        }
        Ok(())
    }

    /// The sum of a tenant's entries, of hours before `until` if that is given; beginning with the sum that is saved.
    async fn fold(&self, handle: &Handle, until: Option<Hour>) -> Result<u64> {
        let saved = self.records().get::<BalanceRecord>(&keys::balance(handle)).await?;
        let prefix = keys::ledger_of(handle);
        let mut after = saved.as_ref().map(|(saved, _)| format!("{prefix}{}/", saved.before));
        let mut sum = saved.map_or(0, |(saved, _)| saved.sum);
        loop {
            let page = self.records().next_page(&prefix, &mut after, self.settings().page).await?;
            if page.is_empty() {
                return Ok(sum);
            }
            for (key, stored) in page {
                if until.is_some_and(|until| keys::ledger_hour(&key).is_none_or(|hour| hour >= until)) {
                    return Ok(sum);
                }
                let (_, entry) = decode::<LedgerRecord>(&key, &stored.value)?;
                sum = sum.saturating_add(Charge::sum(&entry.charges));
            }
        }
    }

    /// Saves the sums of entries of hours of which none can come any more.
    pub(crate) async fn save_sums(&self) -> Result<()> {
        // Whatever is not entered yet is due since the hour in which it was committed, or before.
        let first_due = self.records().store().list(keys::DUE, None, 1).await?;
        let grace = self.settings().grace;
        let first_due = first_due.first().and_then(|(key, _)| keys::due_parts(key));
        // By the clock of another process it may have been committed a little before that.
        let first_due = first_due.map(|(hour, _)| hour.end().minus(HOUR + grace).hour());
        let quiet = self.clock().now().minus(grace).hour();
        let until = first_due.map_or(quiet, |due| due.min(quiet));
        let mut after = None;
        loop {
            // One entry of each tenant, then the next tenant's.
            let page = self.records().store().list(keys::LEDGER, after.as_deref(), 1).await?;
            let Some((key, _)) = page.into_iter().next() else { return Ok(()) };
            let handle = key.trim_start_matches(keys::LEDGER).split('/').next().unwrap_or_default();
            // All keys of a handle sort before the handle and what follows '/'.
            after = Some(format!("{}{handle}0", keys::LEDGER));
            if let Some(handle) = Handle::parse(handle) {
                self.save_sum(&handle, until).await?;
            }
        }
    }

    async fn save_sum(&self, handle: &Handle, until: Hour) -> Result<()> {
        let key = keys::balance(handle);
        let saved = self.records().get::<BalanceRecord>(&key).await?;
        if saved.as_ref().is_some_and(|(saved, _)| saved.before >= until) {
            return Ok(());
        }
        let sum = self.fold(handle, Some(until)).await?;
        let expected = saved.map_or(Expected::Absent, |(_, version)| Expected::Version(version));
        // Lost: another process saved one.
        self.records().put(&key, &BalanceRecord::new(until, sum), expected).await.map(drop)
    }
}

/// An entry that is being put. Dropped before its end is known, it leaves no known sum.
struct Entering<'a>(&'a Sum);

impl Entering<'_> {
    fn known(self) {
        std::mem::forget(self);
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        *locked(&self.0.known) = None;
    }
}

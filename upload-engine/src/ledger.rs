//! What uploads cost: entries derived from outcomes, one an upload, and their sum.
//!
//! A sum is a fold over the entries since the last saved sum. It is kept in memory for a time, during which this process adds
//! what it enters itself; what other processes enter is seen after that time.

use std::{
    collections::{HashMap, HashSet},
    sync::Mutex,
};

use upload_core::{
    Charge, Handle, Hour, Outcome, Principal, Result, Timestamp,
    ports::Expected,
    record::{BalanceRecord, LedgerRecord, decode, keys},
};

use crate::{engine::Engine, live::locked, records::PutEnd};

/// Sums that are known.
#[derive(Debug, Default)]
pub(crate) struct Sums(Mutex<HashMap<Handle, Sum>>);

#[derive(Debug, Default)]
struct Sum {
    known: Option<(u64, Timestamp)>,
    /// What was entered while sums are being folded, so that nothing is missed nor counted twice.
    entered: Vec<(String, u64)>,
    folding: usize,
}

impl Engine {
    /// What the completed uploads of the principal's tenant have cost, in the smallest unit.
    ///
    /// # Errors
    /// `StorageUnavailable`.
    pub async fn spent(&self, who: &Principal) -> Result<u64> {
        let Some(handle) = self.handle(&who.tenant).await? else { return Ok(0) };
        let now = self.clock().now();
        {
            let mut sums = locked(&self.sums().0);
            let sum = sums.entry(handle.clone()).or_default();
            if let Some((known, _)) = sum.known.filter(|(_, at)| now < at.plus(self.settings().sum_time)) {
                return Ok(known);
            }
            sum.folding += 1;
        }
        let _folding = Folding { engine: self, handle: &handle };
        let mut seen = HashSet::new();
        let folded = self.fold(&handle, None, Some(&mut seen)).await?;
        let mut sums = locked(&self.sums().0);
        let sum = sums.entry(handle.clone()).or_default();
        let missed = sum.entered.iter().filter(|(key, _)| !seen.contains(key));
        let folded = missed.fold(folded, |all, (_, amount)| all.saturating_add(*amount));
        sum.known = Some((folded, now));
        Ok(folded)
    }

    /// Enters what a completed upload costs; once, however often it is called.
    pub(crate) async fn enter_charges(&self, outcome: &Outcome) -> Result<()> {
        let Some(key) = keys::ledger(&outcome.id, outcome.committed).filter(|_| !outcome.charges.is_empty())
        else {
            return Ok(());
        };
        let entry = LedgerRecord::new(outcome.charges.clone());
        if let PutEnd::Won(_) = self.records().put(&key, &entry, Expected::Absent).await?
            && let Some(handle) = outcome.id.handle()
        {
            let amount = Charge::sum(&outcome.charges);
            let mut sums = locked(&self.sums().0);
            let sum = sums.entry(handle).or_default();
            if let Some((known, _)) = &mut sum.known {
                *known = known.saturating_add(amount);
            }
            if sum.folding > 0 {
                sum.entered.push((key, amount));
            }
        }
        Ok(())
    }

    /// The sum of a tenant's entries, of hours before `until` if that is given; beginning with the sum that is saved.
    async fn fold(
        &self,
        handle: &Handle,
        until: Option<Hour>,
        mut seen: Option<&mut HashSet<String>>,
    ) -> Result<u64> {
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
                if let Some(seen) = &mut seen {
                    seen.insert(key);
                }
            }
        }
    }

    /// Saves the sums of entries of hours of which none can come any more.
    pub(crate) async fn save_sums(&self) -> Result<()> {
        // Whatever is not entered yet is due since the hour in which it was committed, or before.
        let first_due = self.records().store().list(keys::DUE, None, 1).await?;
        let first_due = first_due.first().and_then(|(key, _)| keys::due_parts(key)).map(|(hour, _)| hour);
        let quiet = self.clock().now().minus(self.settings().grace).hour();
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
        let sum = self.fold(handle, Some(until), None).await?;
        let expected = saved.map_or(Expected::Absent, |(_, version)| Expected::Version(version));
        // Lost: another process saved one.
        self.records().put(&key, &BalanceRecord::new(until, sum), expected).await.map(drop)
    }

    fn unfold(&self, handle: &Handle) {
        let mut sums = locked(&self.sums().0);
        if let Some(sum) = sums.get_mut(handle) {
            sum.folding = sum.folding.saturating_sub(1);
            if sum.folding == 0 {
                sum.entered.clear();
            }
        }
    }
}

/// A fold that is under way, or was dropped.
struct Folding<'a> {
    engine: &'a Engine,
    handle: &'a Handle,
}

impl Drop for Folding<'_> {
    fn drop(&mut self) {
        self.engine.unfold(self.handle);
    }
}

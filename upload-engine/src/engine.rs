//! The engine's parts, and how they are put together.

use std::sync::{Arc, Mutex};

use upload_core::{
    Destinations, Result, StagingName,
    ports::{
        AllowByRole, Authorizer, BlobStore, Clock, Events, Ids, NoEvents, NoSniffer, Processor, RecordStore,
        Sniffer,
    },
};

use crate::{
    budget::Budget, ledger::Sums, live::Table, outbox::Notices, random::OsIds, records::Records,
    settings::Settings, staged::Strays, tenants::Tenants, token::Secrets,
};

/// The upload engine: takes the commands of [`upload_core`] to its ports. Cheap to clone; all clones are one engine.
///
/// It spawns nothing and owns no timer: every call runs in its caller's task, and [`sweep`](Engine::sweep) and
/// [`janitor`](Engine::janitor) run when they are called. Any future may be dropped at any await; whoever comes next goes
/// on from what is stored.
#[derive(Debug, Clone)]
pub struct Engine(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    blobs: Arc<dyn BlobStore>,
    records: Records,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    sniffer: Arc<dyn Sniffer>,
    processors: Vec<Arc<dyn Processor>>,
    authorizer: Arc<dyn Authorizer>,
    events: Arc<dyn Events>,
    notices: Notices,
    sums: Sums,
    destinations: Destinations,
    settings: Settings,
    secrets: Option<Secrets>,
    table: Table,
    tenants: Tenants,
    budget: Budget,
    strays: Arc<Mutex<Strays>>,
}

/// Puts an engine together; made by [`Engine::builder`].
#[derive(Debug)]
pub struct EngineBuilder {
    blobs: Arc<dyn BlobStore>,
    records: Arc<dyn RecordStore>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    sniffer: Arc<dyn Sniffer>,
    processors: Vec<Arc<dyn Processor>>,
    authorizer: Arc<dyn Authorizer>,
    events: Arc<dyn Events>,
    destinations: Destinations,
    settings: Settings,
    secrets: Option<Secrets>,
}

impl EngineBuilder {
    /// Where uploads may go (default: nowhere).
    pub fn destinations(mut self, destinations: Destinations) -> Self {
        self.destinations = destinations;
        self
    }

    /// The engine's numbers (default: [`Settings::default`]).
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Randomness (default: the operating system's).
    pub fn ids(mut self, ids: Arc<dyn Ids>) -> Self {
        self.ids = ids;
        self
    }

    /// What recognises content types (default: nothing is recognised).
    pub fn sniffer(mut self, sniffer: Arc<dyn Sniffer>) -> Self {
        self.sniffer = sniffer;
        self
    }

    /// Adds one that looks into complete uploads before they are committed; they come in the order in which they were added.
    pub fn processor(mut self, processor: Arc<dyn Processor>) -> Self {
        self.processors.push(processor);
        self
    }

    /// Who may do what within a tenant (default: the role that the action needs).
    pub fn authorizer(mut self, authorizer: Arc<dyn Authorizer>) -> Self {
        self.authorizer = authorizer;
        self
    }

    /// Who hears of completed uploads (default: nobody).
    pub fn events(mut self, events: Arc<dyn Events>) -> Self {
        self.events = events;
        self
    }

    /// What tokens are sealed with (default: nothing; no grants are given then).
    pub fn secrets(mut self, secrets: Secrets) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// The engine.
    pub fn build(self) -> Engine {
        Engine(Arc::new(Parts {
            records: Records::new(self.records, Arc::clone(&self.ids)),
            blobs: self.blobs,
            clock: self.clock,
            ids: self.ids,
            sniffer: self.sniffer,
            processors: self.processors,
            notices: Notices::default(),
            sums: Sums::default(),
            authorizer: self.authorizer,
            events: self.events,
            destinations: self.destinations,
            table: Table::new(self.settings.idle_uploads),
            tenants: Tenants::default(),
            budget: Budget::new(&self.settings),
            strays: Arc::default(),
            settings: self.settings,
            secrets: self.secrets,
        }))
    }
}

impl Engine {
    /// Begins to put an engine together over these stores.
    pub fn builder(
        blobs: Arc<dyn BlobStore>,
        records: Arc<dyn RecordStore>,
        clock: Arc<dyn Clock>,
    ) -> EngineBuilder {
        EngineBuilder {
            blobs,
            records,
            clock,
            ids: Arc::new(OsIds),
            sniffer: Arc::new(NoSniffer::default()),
            processors: Vec::new(),
            authorizer: Arc::new(AllowByRole::default()),
            events: Arc::new(NoEvents::default()),
            destinations: Destinations::new(),
            settings: Settings::default(),
            secrets: None,
        }
    }

    /// Where uploads may go.
    pub fn destinations(&self) -> &Destinations {
        &self.0.destinations
    }

    /// The engine's numbers.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Where the bytes lie.
    pub fn blobs(&self) -> &dyn BlobStore {
        &*self.0.blobs
    }

    /// Time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Whether the stores can still take uploads; `Err` says why only a restart helps.
    pub async fn health(&self) -> Result<()> {
        Ok(self.records().store().health().await?)
    }

    /// Saves what is cached and makes everything durable that was acknowledged; for a clean stop.
    pub async fn flush(&self) -> Result<()> {
        for live in self.table().shed() {
            self.leave(&live).await?;
        }
        self.blobs().flush().await?;
        Ok(self.records().store().flush().await?)
    }

    pub(crate) fn records(&self) -> &Records {
        &self.0.records
    }

    pub(crate) fn secrets_if_any(&self) -> Option<&Secrets> {
        self.0.secrets.as_ref()
    }

    pub(crate) fn ids(&self) -> &dyn Ids {
        &*self.0.ids
    }

    pub(crate) fn sniffer(&self) -> &dyn Sniffer {
        &*self.0.sniffer
    }

    pub(crate) fn processors(&self) -> &[Arc<dyn Processor>] {
        &self.0.processors
    }

    pub(crate) fn notices(&self) -> &Notices {
        &self.0.notices
    }

    pub(crate) fn sums(&self) -> &Sums {
        &self.0.sums
    }

    pub(crate) fn authorizer(&self) -> &dyn Authorizer {
        &*self.0.authorizer
    }

    pub(crate) fn events(&self) -> &dyn Events {
        &*self.0.events
    }

    pub(crate) fn table(&self) -> &Table {
        &self.0.table
    }

    pub(crate) fn tenants(&self) -> &Tenants {
        &self.0.tenants
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    pub(crate) fn strays(&self) -> &Arc<Mutex<Strays>> {
        &self.0.strays
    }

    /// Whether this engine holds the staging object for a body that has no record yet.
    pub(crate) fn holds(&self, staging: &StagingName) -> bool {
        crate::live::locked(&self.0.strays).holds(staging)
    }
}

//! The application: it takes images, and each of them is heard of until its thumbnail is made.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use upload_core::{Destinations, Policy, Principal, Role, Roles, TenantName, TypeRule};
use upload_engine::Engine;
use upload_events::EventStream;
use upload_http_axum::auth::ApiKeys;
use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, dialect::picomes};
use upload_media::ContentSniffer;
use upload_storage::{Durability, disk::DiskBlobs, disk::DiskSettings, redb::RedbRecords};

/// Most bytes of an image.
const LARGEST: u64 = 20 << 20;
/// Notices that wait in memory; more stay in the outbox.
const WAITING: usize = 16;
/// How often notices that were not taken are looked after.
const LATER: Duration = Duration::from_secs(5);

/// What is served, by which engine, and the notices for the worker.
pub(crate) struct App {
    pub(crate) routes: Router,
    pub(crate) uploads: UploadHttp,
    pub(crate) notices: EventStream,
    /// In whose name the worker reads what was uploaded.
    pub(crate) reader: Principal,
}

impl App {
    /// The application over this directory, for those who have this key.
    pub(crate) fn new(data: &Path, key: &str) -> Result<Self, Box<dyn Error>> {
        let blobs = DiskBlobs::open(data.join("blobs"), DiskSettings::default())?;
        let records = RedbRecords::open(data.join("records.redb"), Durability::Request)?;
        let types = TypeRule::only(["image/gif", "image/jpeg", "image/png", "image/webp"]);
        let (sink, notices) = EventStream::bounded(WAITING);
        let engine = Engine::builder(Arc::new(blobs), Arc::new(records), Arc::new(TokioClock::new()))
            .destinations(Destinations::new().with("images", Policy::new(LARGEST).accept(types)))
            .sniffer(Arc::new(ContentSniffer))
            .events(Arc::new(sink))
            .build();
        let tenant = TenantName::new("images")?;
        let keys = ApiKeys::new().with(key, tenant.clone(), Roles::default())?;
        let uploads = UploadHttp::new(engine, Arc::new(keys), HttpSettings::default());
        let reader = Principal::new(tenant, "thumbnails", Roles::new([Role::Read]));
        Ok(Self { routes: picomes::router(&uploads), uploads, notices, reader })
    }
}

/// Gives the worker what the outbox has: what an earlier process left in it, what is new, and what was not taken.
pub(crate) async fn deliver(engine: Engine) {
    loop {
        // What fails stays there.
        let _ = engine.deliver().await;
        tokio::select! {
            () = engine.undelivered() => {}
            () = tokio::time::sleep(LATER) => {}
        }
    }
}

//! Uploads mounted in an application of one's own: its routes, its users, its code when an upload is complete.

use std::{error::Error, path::Path, sync::Arc};

use async_trait::async_trait;
use axum::{Router, routing::get};
use tokio::sync::mpsc::UnboundedSender;
use upload_core::{Destinations, Outcome, Policy, Principal, Roles, TenantName, TypeRule, ports::Events};
use upload_engine::Engine;
use upload_http_axum::auth::{AuthError, Authenticate};
use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, dialect::picomes};
use upload_media::ContentSniffer;
use upload_storage::{Durability, disk::DiskBlobs, disk::DiskSettings, redb::RedbRecords};

/// The application's routes with uploads below `/media`, and the uploads for whoever runs it.
pub(crate) fn app(
    data: &Path,
    done: UnboundedSender<Outcome>,
) -> Result<(Router, UploadHttp), Box<dyn Error>> {
    let blobs = DiskBlobs::open(data.join("blobs"), DiskSettings::default())?;
    let records = RedbRecords::open(data.join("records.redb"), Durability::Request)?;
    let photos = Policy::new(20 << 20).accept(TypeRule::only(["image/jpeg", "image/png"])).prefix("/photos");
    let engine = Engine::builder(Arc::new(blobs), Arc::new(records), Arc::new(TokioClock::new()))
        .destinations(Destinations::new().with("photos", photos))
        .sniffer(Arc::new(ContentSniffer))
        .events(Arc::new(Completed(done)))
        .build();
    let uploads = UploadHttp::new(engine, Arc::new(Users), HttpSettings::default());
    let home = get(async || "an application of one's own");
    Ok((Router::new().route("/", home).nest("/media", picomes::router(&uploads)), uploads))
}

/// The application's users; a real one asks its database.
#[derive(Debug)]
struct Users;

#[async_trait]
impl Authenticate for Users {
    async fn authenticate(&self, presented: Option<&str>) -> Result<Principal, AuthError> {
        match presented.ok_or(AuthError::Missing)?.split_once(' ') {
            Some(("alice", "in-wonderland")) => {
                let tenant = TenantName::new("wonderland").map_err(|e| AuthError::Unavailable(e.into()))?;
                Ok(Principal::new(tenant, "alice", Roles::default()))
            }
            _ => Err(AuthError::Unknown),
        }
    }
}

/// The application's code, called once for every completed upload before its client is answered.
#[derive(Debug)]
struct Completed(UnboundedSender<Outcome>);

#[async_trait]
impl Events for Completed {
    async fn completed(&self, outcome: &Outcome) {
        // Nobody listening any more is no reason to fail an upload.
        let _ = self.0.send(outcome.clone());
    }
}

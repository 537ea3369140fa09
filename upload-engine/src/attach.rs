//! Signed ids: how an application comes to an upload that a client only names to it.

use std::sync::Arc;

use upload_core::{Error, Inspection, Outcome, Result, TenantName, UploadId, lifecycle::Command};

use crate::{engine::Engine, live::Live, token::Token};

impl Engine {
    /// A text that names the upload to the application, and that nobody else can make. It never expires and gives leave to
    /// nothing: no grant can be made of it.
    ///
    /// # Errors
    /// `Unsupported` without [secrets](crate::EngineBuilder::secrets).
    pub fn signed_id(&self, id: &UploadId) -> Result<String> {
        self.secrets()?.seal(&Token::new(None, id.clone()))
    }

    /// The upload that a signed id names, whichever tenant's it is: ask whether it may be used.
    ///
    /// # Errors
    /// `NotFound` for anything else.
    pub fn identify(&self, signed_id: &str) -> Result<UploadId> {
        let token = self.secrets()?.open(signed_id, self.clock().now()).map_err(|_| Error::not_found())?;
        if token.access.is_some() { Err(Error::not_found()) } else { Ok(token.id) }
    }

    /// How far the tenant's upload is that a signed id names, whichever key began it: for the application.
    ///
    /// # Errors
    /// `NotFound`, also for another tenant's.
    pub async fn resolve(&self, tenant: &TenantName, signed_id: &str) -> Result<Inspection> {
        let live = self.named(tenant, signed_id).await?;
        Ok(self.inspect_live(&live).await)
    }

    async fn named(&self, tenant: &TenantName, signed_id: &str) -> Result<Arc<Live>> {
        let id = self.identify(signed_id)?;
        match self.handle(tenant).await? {
            Some(handle) if id.belongs_to(&handle) => self.live(&id).await,
            _ => Err(Error::not_found()),
        }
    }

    /// Keeps the tenant's completed upload that a signed id names: it is not removed for want of use. Again is fine.
    ///
    /// # Errors
    /// `NotReady` while it is not complete, `Gone` once it was given up or removed, `NotFound`, also for another tenant's.
    pub async fn attach(&self, tenant: &TenantName, signed_id: &str) -> Result<Outcome> {
        let live = self.named(tenant, signed_id).await?;
        self.inspect_live(&live).await;
        self.change(&live, Command::Attach).await?;
        outcome(&live)
    }
}

fn outcome(live: &Arc<Live>) -> Result<Outcome> {
    let outcome = live.state().view.head.phase.outcome().cloned();
    outcome.ok_or_else(|| Error::internal("an attached upload without an outcome"))
}

//! Signed ids: how an application comes to an upload that a client only names to it.

use std::sync::Arc;

use upload_core::{Error, Inspection, Outcome, Result, UploadId, lifecycle::Command};

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

    /// The upload that a signed id names.
    ///
    /// # Errors
    /// `NotFound` for anything else.
    pub fn identify(&self, signed_id: &str) -> Result<UploadId> {
        let token = self.secrets()?.open(signed_id, self.clock().now()).map_err(|_| Error::not_found())?;
        if token.access.is_some() { Err(Error::not_found()) } else { Ok(token.id) }
    }

    /// How far the upload is that a signed id names, whoever's it is: for the application.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn resolve(&self, signed_id: &str) -> Result<Inspection> {
        let live = self.live(&self.identify(signed_id)?).await?;
        Ok(self.inspect_live(&live).await)
    }

    /// Keeps the completed upload that a signed id names: it is not removed for want of use. Again is fine.
    ///
    /// # Errors
    /// `NotReady` while it is not complete, `Gone` once it was given up or removed, `NotFound`.
    pub async fn attach(&self, signed_id: &str) -> Result<Outcome> {
        let live = self.live(&self.identify(signed_id)?).await?;
        self.inspect_live(&live).await;
        self.change(&live, Command::Attach).await?;
        outcome(&live)
    }
}

fn outcome(live: &Arc<Live>) -> Result<Outcome> {
    let outcome = live.state().view.head.phase.outcome().cloned();
    outcome.ok_or_else(|| Error::internal("an attached upload without an outcome"))
}

//! Tenants' handles: made at a tenant's first upload, never changed, remembered.

use std::{collections::HashMap, sync::Mutex};

use upload_core::{
    Error, Handle, Result, TenantName,
    ports::Expected,
    record::{HandleRecord, TenantRecord, keys},
};

use crate::{engine::Engine, live::locked, records::PutEnd};

/// Handles that are known already.
#[derive(Debug, Default)]
pub(crate) struct Tenants(Mutex<HashMap<TenantName, Handle>>);

impl Engine {
    /// What the names of all that the tenant uploads begin with; made now if it never had an upload. For stores that are
    /// [by tenant](upload_core::ports::Capabilities::by_tenant).
    ///
    /// # Errors
    /// `StorageUnavailable` if the records cannot be asked.
    pub async fn tenant_handle(&self, tenant: &TenantName) -> Result<Handle> {
        self.handle_or_new(tenant).await
    }

    /// The tenant's handle, if it ever had an upload.
    pub(crate) async fn handle(&self, tenant: &TenantName) -> Result<Option<Handle>> {
        if let Some(handle) = locked(&self.tenants().0).get(tenant) {
            return Ok(Some(handle.clone()));
        }
        let found = self.records().get::<TenantRecord>(&keys::tenant(tenant)).await?;
        Ok(found.map(|(record, _)| self.remember(tenant, record.handle)))
    }

    /// The tenant's handle, made now if it has none.
    pub(crate) async fn handle_or_new(&self, tenant: &TenantName) -> Result<Handle> {
        if let Some(handle) = self.handle(tenant).await? {
            return Ok(handle);
        }
        for _ in 0..16 {
            let handle = Handle::random(self.ids());
            let claim = HandleRecord::new(tenant.clone());
            let PutEnd::Won(_) = self.records().put(&keys::handle(&handle), &claim, Expected::Absent).await?
            else {
                continue;
            };
            let record = TenantRecord::new(handle.clone());
            let handle = match self.records().put(&keys::tenant(tenant), &record, Expected::Absent).await? {
                PutEnd::Won(_) => handle,
                PutEnd::Lost(Some((first, _))) => first.handle,
                PutEnd::Lost(None) => continue,
            };
            return Ok(self.remember(tenant, handle));
        }
        Err(Error::internal("sixteen random handles in a row were taken"))
    }

    fn remember(&self, tenant: &TenantName, handle: Handle) -> Handle {
        locked(&self.tenants().0).insert(tenant.clone(), handle.clone());
        handle
    }
}

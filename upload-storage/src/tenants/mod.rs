//! Tenants whose blobs lie in stores of their own.

use std::{collections::BTreeMap, fmt, sync::Arc};

use upload_core::{
    Handle, ObjectKey, StagingName, UploadId,
    ports::{BlobStore, Capabilities, Parts, Signer, StoreError, StoreErrorKind},
};

mod blobs;
mod list;
mod parts;
mod signer;

/// A [`BlobStore`] that keeps the blobs of some tenants in stores of their own, and those of all others in one.
///
/// Every name carries its tenant's handle, and each call goes to the store of the handle in its name: nothing is looked
/// up, and no call reaches the store of another tenant.
///
/// ```text
///                     o/<hour>/acme0001…   o/<hour>/zeta0001…   any other
///                            |                    |                 |
///     TenantBlobs  ------- acme0001 ----------- zeta0001 -------- common
///                            |                    |                 |
///                      bucket of acme       bucket of zeta    one for the rest
/// ```
///
/// All of them keep unfinished uploads in the same way: what the engine asks before it knows a name (rules of parts,
/// bindings, block) is answered for all by the common store. Limits are the least of all.
///
/// Blobs are not moved. What a tenant has in the common store is not found any more once it has a store of its own, and the
/// other way round.
///
/// ```
/// use std::sync::Arc;
/// use upload_core::{Handle, Hour, StagingName, ports::BlobStore};
/// use upload_storage::{TenantBlobs, memory::MemoryBlobs};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (common, acmes) = (MemoryBlobs::new(), MemoryBlobs::new());
/// let acme = Handle::parse("acme0001").unwrap();
/// let blobs = TenantBlobs::new(Arc::new(common.clone())).with(acme, Arc::new(acmes.clone())).unwrap();
///
/// let (hour, random) = (Hour::new(490_000), "0".repeat(25));
/// let name = |handle| StagingName::parse(&format!("s/{hour}/{handle}{random}-{random}")).unwrap();
/// blobs.stage(&name("acme0001"), None).await.unwrap();
/// blobs.stage(&name("zeta0001"), None).await.unwrap();
/// assert_eq!(acmes.list(hour, None, 10).await.unwrap().len(), 1);
/// assert_eq!(common.list(hour, None, 10).await.unwrap().len(), 1);
/// assert_eq!(blobs.list(hour, None, 10).await.unwrap().len(), 2);
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct TenantBlobs {
    common: Arc<dyn BlobStore>,
    own: BTreeMap<Handle, Arc<dyn BlobStore>>,
    capabilities: Capabilities,
}

impl TenantBlobs {
    /// All tenants in the `common` store, until some get one of their own.
    pub fn new(common: Arc<dyn BlobStore>) -> Self {
        let mut capabilities = common.capabilities();
        capabilities.name = format!("tenants: {}", capabilities.name);
        Self { common, own: BTreeMap::new(), capabilities }
    }

    /// Keeps the blobs of the tenant with this handle in its `own` store.
    ///
    /// # Errors
    /// `Unsupported` if that store keeps unfinished uploads in another way than the common one (parts and their rules, moving
    /// bytes, signing and what it binds, block, whether it is shared), or if the tenant has a store already.
    pub fn with(mut self, handle: Handle, own: Arc<dyn BlobStore>) -> Result<Self, StoreError> {
        if self.own.contains_key(&handle) {
            return Err(refused(format!("the tenant {handle} has a store of its own already")));
        }
        let (found, common) = (own.capabilities(), &*self.common);
        let same = Same { handle: &handle, store: &found.name };
        same.check("parts", common.parts().map(Parts::rules), own.parts().map(Parts::rules))?;
        same.check("moving bytes", common.mover().is_some(), own.mover().is_some())?;
        same.check("signing", common.signer().map(Signer::binding), own.signer().map(Signer::binding))?;
        same.check("block", self.capabilities.block, found.block)?;
        same.check("shared", self.capabilities.shared, found.shared)?;
        let least = &mut self.capabilities;
        least.max_object = least.max_object.min(found.max_object);
        least.max_position = least.max_position.min(found.max_position);
        least.by_tenant = true;
        self.own.insert(handle, own);
        Ok(self)
    }

    /// The common store, and all others.
    fn stores(&self) -> impl Iterator<Item = &Arc<dyn BlobStore>> {
        std::iter::once(&self.common).chain(self.own.values())
    }

    /// The tenant with a store of its own that this upload belongs to.
    fn tenant(&self, upload: Option<UploadId>) -> Option<(&Handle, &Arc<dyn BlobStore>)> {
        self.own.get_key_value(&upload?.handle()?)
    }

    fn of_upload(&self, upload: Option<UploadId>) -> &Arc<dyn BlobStore> {
        self.tenant(upload).map_or(&self.common, |(_, own)| own)
    }

    fn of_staging(&self, staging: &StagingName) -> &Arc<dyn BlobStore> {
        self.of_upload(staging.upload())
    }

    fn of_key(&self, key: &ObjectKey) -> &Arc<dyn BlobStore> {
        self.of_upload(key.upload())
    }

    /// Both, if they are the same store: `call` takes bytes from one name to the other.
    fn one<'a>(
        &self,
        call: &str,
        from: &'a Arc<dyn BlobStore>,
        to: &Arc<dyn BlobStore>,
    ) -> Result<&'a dyn BlobStore, StoreError> {
        if Arc::ptr_eq(from, to) {
            return Ok(&**from);
        }
        Err(self.cannot(&format!("{call}: names of one store are expected, these are of two")))
    }

    fn cannot(&self, operation: &str) -> StoreError {
        StoreError::unsupported(operation, &self.capabilities.name)
    }
}

/// What a tenant's own store has in common with the common one.
struct Same<'a> {
    handle: &'a Handle,
    store: &'a str,
}

impl Same<'_> {
    fn check<T: PartialEq + fmt::Debug>(&self, what: &str, expected: T, came: T) -> Result<(), StoreError> {
        if expected == came {
            return Ok(());
        }
        let Self { handle, store } = self;
        Err(refused(format!(
            "{store}, the tenant {handle}'s own store, differs from the common one in {what}: {expected:?} was expected, \
             {came:?} came"
        )))
    }
}

fn refused(why: String) -> StoreError {
    StoreError::new(StoreErrorKind::Unsupported, why)
}

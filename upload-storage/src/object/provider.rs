use std::{fmt, sync::Arc};

use object_store::{
    ObjectStore, list::PaginatedListStore, memory::InMemory, multipart::MultipartStore, path::Path,
    signer::Signer,
};
use upload_core::ports::{StoreError, StoreErrorKind};

use super::{Kind, Profile, ProviderSettings, open, url::StoreUrl};

/// An opened bucket and how to talk to it. Clones share it.
#[derive(Clone)]
pub struct Provider {
    pub(super) url: Arc<StoreUrl>,
    pub(super) profile: Profile,
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) multipart: Arc<dyn MultipartStore>,
    pub(super) signer: Option<Arc<dyn Signer>>,
    pub(super) pages: Option<Arc<dyn PaginatedListStore>>,
    #[cfg_attr(not(feature = "cloud"), allow(dead_code, reason = "only real stores have more to say"))]
    pub(super) native: Native,
    #[cfg(feature = "cloud")]
    pub(super) own: Option<super::request::Own>,
}

/// The store as its own type, for what the common traits lack.
#[derive(Clone)]
pub(super) enum Native {
    Memory,
    #[cfg(feature = "s3")]
    S3(open::S3),
    #[cfg(feature = "azure")]
    Azure(open::Azure),
    #[cfg(feature = "gcs")]
    Gcs(object_store::gcp::GoogleCloudStorage),
}

impl Provider {
    /// Opens what the URL names: `s3://BUCKET/PREFIX`, `az://CONTAINER/PREFIX`, `gs://BUCKET/PREFIX`, or `memory:`. Makes no
    /// request.
    ///
    /// `env` are variables such as `std::env::vars()` gives them; those that count begin with `AWS_`, `AZURE_` or `GOOGLE_`,
    /// as object_store names them: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT`, `AWS_ALLOW_HTTP`;
    /// `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_ENDPOINT`, `AZURE_STORAGE_USE_EMULATOR`,
    /// `AZURE_ALLOW_HTTP`; `GOOGLE_SERVICE_ACCOUNT`, `GOOGLE_SERVICE_ACCOUNT_KEY`, `GOOGLE_APPLICATION_CREDENTIALS`,
    /// `GOOGLE_BASE_URL`, and so on. Others are ignored.
    ///
    /// # Errors
    /// `Unsupported`, with what was expected and what came.
    pub fn open(
        url: &str,
        env: impl IntoIterator<Item = (String, String)>,
        settings: &ProviderSettings,
    ) -> Result<Self, StoreError> {
        let url = StoreUrl::parse(url)?;
        match url.kind {
            Kind::Memory => Ok(Self::memory()),
            kind => open::open(kind, url, env.into_iter().collect(), settings),
        }
    }

    /// A new, empty store in memory.
    pub fn memory() -> Self {
        let memory = Arc::new(InMemory::new());
        let url = StoreUrl { kind: Kind::Memory, bucket: String::new(), prefix: String::new() };
        Self {
            url: Arc::new(url),
            profile: Profile::Memory,
            store: Arc::clone(&memory) as _,
            multipart: memory,
            signer: None,
            pages: None,
            native: Native::Memory,
            #[cfg(feature = "cloud")]
            own: None,
        }
    }

    /// The same bucket behind another transport of the common calls, such as one that fails; for tests.
    pub fn with_store(mut self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        self.store = wrap(self.store);
        self
    }

    /// The interface that it speaks.
    pub fn kind(&self) -> Kind {
        self.url.kind
    }

    /// Whose store it is.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// The bucket, or the container; empty in memory.
    pub fn bucket(&self) -> &str {
        &self.url.bucket
    }

    /// What all keys begin with: empty, or ends with a slash.
    pub fn prefix(&self) -> &str {
        &self.url.prefix
    }

    /// Its address for logs and start-up tables, as `s3://bucket/prefix/`.
    pub fn name(&self) -> String {
        let scheme = match self.url.kind {
            Kind::S3 => "s3",
            Kind::Azure => "az",
            Kind::Gcs => "gs",
            Kind::Memory => return "memory:".to_owned(),
        };
        let slash = if self.url.prefix.is_empty() { "" } else { "/" };
        format!("{scheme}://{}{slash}{}", self.url.bucket, self.url.prefix)
    }

    /// The object of this name within the prefix. `name` is of `[A-Za-z0-9._/-]`, which every store and signature takes as it is.
    ///
    /// # Errors
    /// `Unsupported` for a name that object stores do not take: empty segments, `.` and `..`.
    pub fn path(&self, name: &str) -> Result<Path, StoreError> {
        let full = format!("{}{name}", self.url.prefix);
        match Path::parse(&full) {
            Ok(path) if path.as_ref() == full => Ok(path),
            Ok(_) => {
                Err(StoreError::new(StoreErrorKind::Unsupported, format!("{full:?} is no object's name")))
            }
            Err(e) => {
                let why = format!("{full:?} is no object's name");
                Err(StoreError::new(StoreErrorKind::Unsupported, why).with_source(e))
            }
        }
    }

    /// Put, get, delete.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Uploads in parts.
    pub fn multipart(&self) -> &Arc<dyn MultipartStore> {
        &self.multipart
    }

    /// Signed URLs; not in memory.
    pub fn signer(&self) -> Option<&Arc<dyn Signer>> {
        self.signer.as_ref()
    }

    /// Listings page by page; not in memory.
    pub fn pages(&self) -> Option<&Arc<dyn PaginatedListStore>> {
        self.pages.as_ref()
    }

    /// The store, if it is S3.
    #[cfg(feature = "s3")]
    pub fn s3(&self) -> Option<&object_store::aws::AmazonS3> {
        match &self.native {
            Native::S3(s3) => Some(&s3.store),
            _ => None,
        }
    }

    /// The region that S3's signatures name.
    #[cfg(feature = "s3")]
    pub fn region(&self) -> Option<&str> {
        match &self.native {
            Native::S3(s3) => Some(&s3.region),
            _ => None,
        }
    }

    /// The store, if it is Azure.
    #[cfg(feature = "azure")]
    pub fn azure(&self) -> Option<&object_store::azure::MicrosoftAzure> {
        match &self.native {
            Native::Azure(azure) => Some(&azure.store),
            _ => None,
        }
    }

    /// Azure's account and, if it was given by a variable, its key in base64: object_store keeps that to itself, and a
    /// signature of our own needs it.
    #[cfg(feature = "azure")]
    pub fn azure_account(&self) -> Option<(&str, Option<&str>)> {
        match &self.native {
            Native::Azure(azure) => Some((&azure.account, azure.key.as_deref())),
            _ => None,
        }
    }

    /// The store, if it is Google's.
    #[cfg(feature = "gcs")]
    pub fn gcs(&self) -> Option<&object_store::gcp::GoogleCloudStorage> {
        match &self.native {
            Native::Gcs(gcs) => Some(gcs),
            _ => None,
        }
    }

    /// The bucket's own URL, without a slash at the end; a key follows after one. `None` in memory.
    #[cfg(feature = "cloud")]
    pub fn endpoint(&self) -> Option<&str> {
        self.own.as_ref().map(|own| own.endpoint.as_str())
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No credentials.
        f.debug_struct("Provider")
            .field("name", &self.name())
            .field("profile", &self.profile)
            .finish_non_exhaustive()
    }
}

//! Where bytes and records are: what `--store` and `--records` name, and opening it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use upload_core::TenantName;
use upload_core::ports::{BlobStore, RecordStore};
use upload_engine::Engine;
use upload_http_axum::TokioClock;
use upload_storage::disk::{DiskBlobs, DiskSettings};
use upload_storage::memory::{MemoryBlobs, MemoryRecords};
#[cfg(feature = "cloud")]
use upload_storage::object::{ObjectBlobs, ObjectRecords, Provider, ProviderSettings};
use upload_storage::redb::RedbRecords;
use upload_storage::{Durability, TenantBlobs};

use crate::config::Config;
use crate::explain;

/// Where the bytes lie, in the data directory.
pub(crate) const BLOBS: &str = "blobs";
/// The file of the records, in the data directory.
pub(crate) const RECORDS: &str = "records.redb";

/// Where records are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecordsAt {
    /// Beside the bytes, in the store.
    Store,
    /// In one file in the data directory.
    Local,
}

/// Who signs the requests that bytes come by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SigningBy {
    /// The store: they come to it.
    Store,
    /// This server: they come here.
    Server,
}

/// Where bytes lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoreAt {
    /// In this directory; `None` is the one in the data directory.
    File(Option<PathBuf>),
    /// In this process's memory.
    Memory,
    /// In the bucket with this URL.
    Object(String),
}

impl StoreAt {
    /// Reads `file:`, `file:DIR`, `memory:`, `s3://…`, `az://…`, `gs://…`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let object = ["s3://", "az://", "gs://"].iter().any(|scheme| text.starts_with(scheme));
        match text.strip_prefix("file:") {
            Some("") => Ok(Self::File(None)),
            Some(directory) => Ok(Self::File(Some(directory.into()))),
            None if text == "memory:" => Ok(Self::Memory),
            None if object && !cfg!(feature = "cloud") => Err(format!(
                "{text:?} is an object store, which a build with the feature cloud opens: cargo … --features cloud"
            )),
            None if object => Ok(Self::Object(text.to_owned())),
            None => Err(format!(
                "expected file:DIR, memory:, s3://BUCKET, az://CONTAINER or gs://BUCKET, got {text:?}"
            )),
        }
    }

    /// The directory of the bytes, if they lie in one.
    pub(crate) fn directory(&self, data: &Path) -> Option<PathBuf> {
        match self {
            Self::File(directory) => Some(directory.clone().unwrap_or_else(|| data.join(BLOBS))),
            _ => None,
        }
    }

    /// Whether it can sign requests that come to it, as far as its kind tells.
    pub(crate) fn check_signing(&self, wanted: Option<SigningBy>) -> Result<(), String> {
        match (self, wanted) {
            (Self::File(_) | Self::Memory, Some(SigningBy::Store)) => {
                Err("only a bucket takes requests itself: expected server with file: or memory:".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// The names by which PlaceOS and Direct Upload know a store of this kind that takes requests itself.
    pub(crate) fn names(&self) -> Option<(&'static str, &'static str)> {
        let Self::Object(url) = self else { return None };
        match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("s3") => Some(("AmazonS3", "amazon")),
            Some("az") => Some(("AzureStorage", "azure")),
            Some("gs") => Some(("GoogleCloudStorage", "google")),
            _ => None,
        }
    }

    /// Whether uploads are kept in the same way there.
    pub(crate) fn is_kind_of(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.names() == other.names()
    }

    /// Where records are, unless `wanted` elsewhere.
    pub(crate) fn records(&self, wanted: Option<RecordsAt>) -> Result<RecordsAt, String> {
        match (self, wanted) {
            (Self::File(_), Some(RecordsAt::Store)) => {
                Err("a directory keeps no records beside the bytes: expected local with file:".to_owned())
            }
            (Self::Memory, Some(RecordsAt::Local)) => {
                Err("records in a file would outlive bytes in memory: expected store with memory:".to_owned())
            }
            (_, Some(wanted)) => Ok(wanted),
            (Self::File(_), None) => Ok(RecordsAt::Local),
            (Self::Memory | Self::Object(_), None) => Ok(RecordsAt::Store),
        }
    }
}

/// Bytes and records, opened.
pub(crate) struct Stores {
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) records: Arc<dyn RecordStore>,
}

/// Opens both, and the stores of tenants that have their own. Whoever holds the lock of a directory of bytes, or of the record
/// file, owns the data directory.
pub(crate) async fn open(config: &Config) -> Result<Stores, Box<dyn Error>> {
    let (data, durability) = (&config.data, config.durability.into());
    let store = config.store_at()?;
    let variables = BTreeMap::new();
    let blobs = blobs(&store, &variables, config)?;
    let records = match (&store, config.records_at()?) {
        (StoreAt::Memory, _) => Arc::new(MemoryRecords::new()),
        (StoreAt::Object(url), RecordsAt::Store) => records_of(url)?,
        _ => local(data, durability)?,
    };
    if config.tenants.is_empty() {
        return Ok(Stores { blobs, records });
    }
    // Names begin with what stands for a tenant, which only the records tell.
    let clock = Arc::new(TokioClock::new());
    let engine = Engine::builder(Arc::clone(&blobs), Arc::clone(&records), clock).build();
    let mut all = TenantBlobs::new(blobs);
    for (tenant, own) in &config.tenants {
        let handle = engine.tenant_handle(&TenantName::new(tenant)?).await?;
        let at = StoreAt::parse(&own.store)?;
        let opened = self::blobs(&at, &own.variables, config);
        let blobs = opened.map_err(|e| format!("tenants.{tenant}: {e}"))?;
        all = all.with(handle, blobs).map_err(|e| explain(&format!("tenants.{tenant}"), &e))?;
    }
    Ok(Stores { blobs: Arc::new(all), records })
}

/// Opens a store of bytes; these variables stand before the environment's.
fn blobs(
    store: &StoreAt,
    variables: &BTreeMap<String, String>,
    config: &Config,
) -> Result<Arc<dyn BlobStore>, Box<dyn Error>> {
    let data = &config.data;
    match store {
        StoreAt::File(_) => {
            let directory = store.directory(data).unwrap_or_else(|| data.join(BLOBS));
            let blobs = DiskBlobs::open(&directory, DiskSettings::new(config.durability.into()))
                .map_err(|e| explain(&format!("the directory {} cannot be used", directory.display()), &e))?;
            same_age(&directory, data)?;
            Ok(Arc::new(blobs))
        }
        StoreAt::Memory => Ok(Arc::new(MemoryBlobs::new())),
        StoreAt::Object(url) => object(url, variables, config),
    }
}

/// The record file in the data directory.
fn local(data: &Path, durability: Durability) -> Result<Arc<dyn RecordStore>, String> {
    let records = RedbRecords::open(data.join(RECORDS), durability);
    let records =
        records.map_err(|e| explain(&format!("the data directory {} cannot be used", data.display()), &e))?;
    Ok(Arc::new(records))
}

#[cfg(feature = "cloud")]
fn provider(
    url: &str,
    variables: &BTreeMap<String, String>,
    settings: &ProviderSettings,
) -> Result<Arc<Provider>, String> {
    // What is no text is none of the variables that count.
    let environment =
        std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let mut all: BTreeMap<String, String> = environment.collect();
    all.extend(variables.clone());
    Provider::open(url, all, settings).map(Arc::new).map_err(|e| explain("store", &e))
}

#[cfg(feature = "cloud")]
fn records_of(url: &str) -> Result<Arc<dyn RecordStore>, Box<dyn Error>> {
    let provider = provider(url, &BTreeMap::new(), &ProviderSettings::records())?;
    Ok(Arc::new(ObjectRecords::new(provider)))
}

#[cfg(feature = "cloud")]
fn object(
    url: &str,
    variables: &BTreeMap<String, String>,
    config: &Config,
) -> Result<Arc<dyn BlobStore>, Box<dyn Error>> {
    let blobs = ObjectBlobs::new(provider(url, variables, &ProviderSettings::default())?);
    let signing = match config.signing {
        Some(SigningBy::Server) => None,
        wanted => match blobs.clone().with_signing(Arc::new(TokioClock::new())) {
            Ok(signing) => Some(signing),
            Err(e) if wanted.is_some() => return Err(explain("the store signs no requests", &e).into()),
            Err(_) => None,
        },
    };
    Ok(Arc::new(signing.unwrap_or(blobs)))
}

// Refused as such before.
#[cfg(not(feature = "cloud"))]
fn records_of(url: &str) -> Result<Arc<dyn RecordStore>, Box<dyn Error>> {
    Err(StoreAt::parse(url).err().unwrap_or_default().into())
}

#[cfg(not(feature = "cloud"))]
fn object(url: &str, _: &BTreeMap<String, String>, _: &Config) -> Result<Arc<dyn BlobStore>, Box<dyn Error>> {
    Err(StoreAt::parse(url).err().unwrap_or_default().into())
}

/// Refuses blobs whose records are gone: a new, empty record file would make all of them nobody's, to be removed.
fn same_age(blobs: &Path, data: &Path) -> Result<(), String> {
    let has_any = |kind: &str| {
        let hours = std::fs::read_dir(blobs.join(kind)).into_iter().flatten().flatten();
        hours.flat_map(|hour| std::fs::read_dir(hour.path())).any(|mut names| names.next().is_some())
    };
    if data.join(RECORDS).exists() || !(has_any("o") || has_any("s")) {
        return Ok(());
    }
    let (blobs, data) = (blobs.display(), data.display());
    Err(format!(
        "{blobs} has uploads but {data} no {RECORDS}: put the record file back, or move {blobs} away"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_a_directory_memory_or_a_bucket() {
        assert_eq!(StoreAt::parse("file:").unwrap(), StoreAt::File(None));
        assert_eq!(
            StoreAt::parse("file:/mnt/x").unwrap().directory(Path::new("d")).unwrap(),
            Path::new("/mnt/x")
        );
        assert_eq!(StoreAt::parse("file:").unwrap().directory(Path::new("d")).unwrap(), Path::new("d/blobs"));
        assert_eq!(StoreAt::parse("memory:").unwrap(), StoreAt::Memory);
        for wrong in ["", "memory", "memory:x", "http://x", "s3:x"] {
            assert!(StoreAt::parse(wrong).unwrap_err().contains("s3://BUCKET"), "{wrong}");
        }
        match StoreAt::parse("s3://bucket/prefix") {
            Ok(store) => assert_eq!(store, StoreAt::Object("s3://bucket/prefix".into())),
            Err(e) => assert!(!cfg!(feature = "cloud") && e.contains("--features cloud"), "{e}"),
        }
    }

    #[test]
    fn stores_of_one_kind_keep_uploads_in_one_way() {
        let at = |text: &str| match StoreAt::parse(text) {
            Ok(at) => at,
            Err(_) => StoreAt::Object(text.to_owned()),
        };
        let all = ["file:/a", "memory:", "s3://a", "az://a", "gs://a"];
        for (n, one) in all.iter().enumerate() {
            for (m, other) in ["file:/b", "memory:", "s3://b/p", "az://b", "gs://b"].iter().enumerate() {
                assert_eq!(at(one).is_kind_of(&at(other)), n == m, "{one} {other}");
            }
        }
    }

    #[test]
    fn a_bucket_signs_and_has_names() {
        let bucket = |scheme: &str| StoreAt::Object(format!("{scheme}://b/p"));
        assert_eq!(bucket("s3").names(), Some(("AmazonS3", "amazon")));
        assert_eq!(bucket("az").names(), Some(("AzureStorage", "azure")));
        assert_eq!(bucket("gs").names(), Some(("GoogleCloudStorage", "google")));
        assert_eq!(StoreAt::Memory.names(), None);
        assert!(bucket("s3").check_signing(Some(SigningBy::Store)).is_ok());
        for here in [StoreAt::Memory, StoreAt::File(None)] {
            assert!(here.check_signing(Some(SigningBy::Store)).is_err());
            assert!(here.check_signing(Some(SigningBy::Server)).is_ok() && here.check_signing(None).is_ok());
        }
    }

    #[test]
    fn records_are_where_they_can_be() {
        let bucket = StoreAt::Object("s3://b".into());
        assert_eq!(bucket.records(None), Ok(RecordsAt::Store));
        assert_eq!(bucket.records(Some(RecordsAt::Local)), Ok(RecordsAt::Local));
        assert_eq!(StoreAt::File(None).records(None), Ok(RecordsAt::Local));
        assert!(StoreAt::File(None).records(Some(RecordsAt::Store)).is_err());
        assert_eq!(StoreAt::Memory.records(None), Ok(RecordsAt::Store));
        assert!(StoreAt::Memory.records(Some(RecordsAt::Local)).is_err());
    }
}

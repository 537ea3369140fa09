//! Opening a record file: made whole or not at all, and refused unless it is one of ours.

use std::{
    fs::{self, File},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use ::redb::{Database, ReadableDatabase, StorageBackend, TableDefinition};
use upload_core::ports::{StoreError, StoreErrorKind};

use super::{backend::Backend, settings::RedbSettings};
use crate::durability::Durability;

/// The records: version and value by key.
pub(super) const RECORDS: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("records");
/// Numbers about the file itself.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// The version of the stored form.
const FORMAT: (&str, u64) = ("format", 1);
/// All versions below this number may have been given.
pub(super) const VERSIONS: &str = "versions";

/// An open database, the first version that it has not given, and its file for syncing it.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) versions: u64,
    pub(super) file: File,
}

/// Opens the file, made if it is not there.
pub(super) fn open(path: &Path, settings: &RedbSettings) -> Result<Opened, StoreError> {
    let failed = |doing: &str, e: io::Error| {
        StoreError::unavailable(format!("{doing} the record file {}: {e}", path.display())).with_source(e)
    };
    if !path.try_exists().map_err(|e| failed("looking for", e))? {
        create(path, settings)?;
    }
    let file = File::options().read(true).write(true).open(path).map_err(|e| failed("opening", e))?;
    if file.metadata().map_err(|e| failed("examining", e))?.len() == 0 {
        return Err(refused(path, "it is empty"));
    }
    if settings.durability == Durability::Request {
        // An earlier run may not have waited for the disk.
        file.sync_all().map_err(|e| failed("syncing", e))?;
    }
    let own = file.try_clone().map_err(|e| failed("opening", e))?;
    let backend = Backend::new(file, settings.durability == Durability::Request);
    let database =
        backend.map_err(|e| explain(path, e)).and_then(|backend| database(path, backend, settings))?;
    let versions = versions(path, &database)?;
    Ok(Opened { database, versions, file: own })
}

/// Opens a database over a back end.
pub(super) fn database(
    path: &Path,
    backend: impl StorageBackend,
    settings: &RedbSettings,
) -> Result<Database, StoreError> {
    let mut builder = Database::builder();
    builder.set_cache_size(settings.cache);
    // A damaged file must end in a message, whatever it does to its reader.
    match catch_unwind(AssertUnwindSafe(|| builder.create_with_backend(backend))) {
        Ok(database) => database.map_err(|e| explain(path, e)),
        Err(_) => Err(refused(path, "reading it failed")),
    }
}

/// Makes a new file beside its place and puts it there when it is complete, so that a sudden end in between leaves
/// none or a whole one.
fn create(path: &Path, settings: &RedbSettings) -> Result<(), StoreError> {
    let failed = |e: io::Error| {
        StoreError::unavailable(format!("making the record file {}: {e}", path.display())).with_source(e)
    };
    let mut new = path.as_os_str().to_owned();
    new.push(format!(".new-{}", std::process::id()));
    let new = PathBuf::from(new);
    let file =
        File::options().read(true).write(true).create(true).truncate(true).open(&new).map_err(failed)?;
    let backend = Backend::new(file, true).map_err(|e| explain(&new, e))?;
    initialize(&database(&new, backend, settings)?).map_err(|e| explain(&new, e))?;
    // Another process may have made it in the meantime; its file is as good.
    let linked = fs::hard_link(&new, path).or_else(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => Ok(()),
        _ => Err(e),
    });
    fs::remove_file(&new).and(linked).map_err(failed)?;
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|dir| dir.sync_all()).map_err(failed)
}

/// Writes what every record file has.
pub(super) fn initialize(database: &Database) -> Result<(), ::redb::Error> {
    let transaction = database.begin_write()?;
    {
        transaction.open_table(RECORDS)?;
        let mut meta = transaction.open_table(META)?;
        meta.insert(FORMAT.0, FORMAT.1)?;
        meta.insert(VERSIONS, 1)?;
    }
    Ok(transaction.commit()?)
}

/// Checks the form and gives the first version that was never given.
pub(super) fn versions(path: &Path, database: &Database) -> Result<u64, StoreError> {
    let read = || -> Result<_, ::redb::Error> {
        let meta = database.begin_read()?.open_table(META)?;
        Ok((meta.get(FORMAT.0)?.map(|v| v.value()), meta.get(VERSIONS)?.map(|v| v.value())))
    };
    match read() {
        Ok((Some(format), Some(versions))) if format == FORMAT.1 => Ok(versions),
        Ok((format, _)) => {
            let found = format.map_or("none".into(), |format| format.to_string());
            Err(refused(path, &format!("its form should be {} and is {found}", FORMAT.1)))
        }
        Err(e) => Err(explain(path, e)),
    }
}

fn refused(path: &Path, why: &str) -> StoreError {
    let text = format!("{} is not a record file of this store: {why}; nothing was changed", path.display());
    StoreError::new(StoreErrorKind::Corrupt, text)
}

/// Says in the store's words why a file could not be used.
fn explain(path: &Path, error: impl Into<::redb::Error>) -> StoreError {
    use ::redb::Error as E;
    match error.into() {
        E::DatabaseAlreadyOpen => StoreError::unavailable(format!(
            "the record file {} is in use: another store has it open",
            path.display()
        )),
        E::Io(e) if !matches!(e.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) => {
            StoreError::unavailable(format!("opening the record file {}: {e}", path.display())).with_source(e)
        }
        e => refused(path, &e.to_string()).with_source(e),
    }
}

//! The worker: of each notice it makes a thumbnail, and only then the notice is taken.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures_util::StreamExt as _;
use tokio::sync::mpsc::UnboundedSender;
use upload_core::{ErrorKind, Principal, UploadId};
use upload_engine::Engine;
use upload_events::EventStream;

use crate::thumbnail::thumbnail;

/// Most bytes that are read at once.
const READ: u64 = 1 << 20;

/// What became of an image.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) id: UploadId,
    /// The thumbnail's file.
    pub(crate) made: Result<PathBuf, Trouble>,
}

/// Why there is no thumbnail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// There will never be one: asking again would be in vain.
    #[error("it will have none: {0}")]
    Never(String),
    /// There is none yet.
    #[error("it has none yet: {0}")]
    NotYet(String),
}

/// Makes thumbnails, one after the other, until there are no more notices. A notice that comes again (this process, or its
/// disk, may fail at any time) has its thumbnail made again, under the same name: no harm is done.
pub(crate) async fn run(
    engine: Engine,
    reader: Principal,
    mut notices: EventStream,
    folder: PathBuf,
    done: UnboundedSender<Done>,
) {
    while let Some(notice) = notices.next().await {
        let id = notice.outcome().id.clone();
        let made = make(&engine, &reader, &id, &folder).await;
        // Dropped, it comes again.
        if !matches!(made, Err(Trouble::NotYet(_))) {
            let _ = notice.taken();
        }
        let _ = done.send(Done { id, made });
    }
}

async fn make(engine: &Engine, reader: &Principal, id: &UploadId, folder: &Path) -> Result<PathBuf, Trouble> {
    let bytes = read(engine, reader, id).await.map_err(|e| match e.kind {
        ErrorKind::NotFound | ErrorKind::Gone => Trouble::Never("it was removed".to_owned()),
        _ => Trouble::NotYet(e.to_string()),
    })?;
    let (folder, name) = (folder.to_owned(), format!("{id}.png"));
    // Decoding takes long, and is the one place where somebody else's bytes meet much code.
    let work = tokio::task::spawn_blocking(move || {
        let png = thumbnail(&bytes).map_err(|e| Trouble::Never(e.to_string()))?;
        write(&folder, &name, &png).map_err(|e| Trouble::NotYet(e.to_string()))
    });
    work.await.unwrap_or_else(|e| Err(Trouble::Never(format!("its decoder failed: {e}"))))
}

async fn read(engine: &Engine, reader: &Principal, id: &UploadId) -> upload_core::Result<Vec<u8>> {
    let reading = engine.read(Some(reader), id).await?;
    let length = reading.outcome().length;
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < length {
        let end = length.min(at + READ);
        bytes.extend_from_slice(&reading.range(at..end).await?);
        at = end;
    }
    Ok(bytes)
}

/// Whole or not at all, and durable: when the notice is taken nobody makes it again.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let (path, new) = (folder.join(name), folder.join(format!("{name}.new")));
    let mut file = std::fs::File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, &path)?;
    std::fs::File::open(folder)?.sync_all()?;
    Ok(path)
}

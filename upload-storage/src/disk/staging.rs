//! One staging object: a file that has a name, has none yet, or is not there yet.

use std::{
    os::fd::OwnedFd,
    sync::{Arc, Mutex},
};

use rustix::{fs::OFlags, io::Errno};
use upload_core::{StagingName, ports::StoreError};

use super::{
    group::Group,
    layout::{Layout, give_name},
    pool::Answer,
    reserve::Reserved,
};
use crate::shared::lock;

/// Whether the file has a name in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    /// It is not known: an earlier run may have left one.
    Maybe,
    /// It has none: it goes with its descriptor.
    No,
    Yes,
}

/// A staging object of this process.
#[derive(Debug)]
pub(super) struct Staging {
    pub(super) name: StagingName,
    pub(super) state: Mutex<State>,
    /// Callers who wait for a sync of the file.
    pub(super) syncs: Group<Answer<()>>,
}

/// What is known of its file.
#[derive(Debug)]
pub(super) struct State {
    file: Option<Arc<OwnedFd>>,
    /// The same file for direct writing, if it was opened for that.
    direct: Option<Arc<OwnedFd>>,
    named: Named,
    /// Whether this process was told that it shall exist.
    pub(super) staged: bool,
    /// Most bytes it will have, as far as declared.
    pub(super) declared: Option<u64>,
    pub(super) reserved: Reserved,
    /// Writes and moves that have ended.
    pub(super) writes: u64,
    /// How many of them the last good sync covered; `None` if there was none in this process.
    pub(super) synced: Option<u64>,
    /// Whether its name is durable.
    pub(super) name_synced: bool,
    /// Published or discarded: this entry stands for nothing any more.
    pub(super) gone: bool,
}

impl Staging {
    pub(super) fn new(name: StagingName) -> Self {
        let state = State {
            file: None,
            direct: None,
            named: Named::Maybe,
            staged: false,
            declared: None,
            reserved: Reserved::default(),
            writes: 0,
            synced: None,
            name_synced: false,
            gone: false,
        };
        Self { name, state: Mutex::new(state), syncs: Group::default() }
    }

    /// Closes the file, if that loses nothing; a writer that has it keeps it. `false`: not now.
    pub(super) fn close(&self, layout: &Layout) -> bool {
        // Whoever holds the state may be busy for long (a publish); it will not be the oldest again.
        let Ok(mut state) = self.state.try_lock() else { return false };
        let named = state.name(layout, &self.name);
        if named.is_ok() {
            (state.file, state.direct) = (None, None);
        }
        named.is_ok()
    }
}

impl State {
    /// The file, opened or made; `None` if it is not there and `make` is false.
    pub(super) fn file(
        &mut self,
        layout: &Layout,
        name: &StagingName,
        make: bool,
    ) -> Result<Option<Arc<OwnedFd>>, Errno> {
        if let Some(file) = &self.file {
            return Ok(Some(Arc::clone(file)));
        }
        let (file, named) = match layout.open_file(name.as_str(), OFlags::RDWR) {
            Ok(file) => (file, true),
            Err(Errno::NOENT) if make => layout.create(name.as_str())?,
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(e),
        };
        self.named = if named { Named::Yes } else { Named::No };
        let file = Arc::new(file);
        self.file = Some(Arc::clone(&file));
        Ok(Some(file))
    }

    /// The same file as `file` for direct writing.
    pub(super) fn direct(&mut self, file: &OwnedFd) -> Result<Arc<OwnedFd>, Errno> {
        if let Some(direct) = &self.direct {
            return Ok(Arc::clone(direct));
        }
        let direct = Arc::new(super::direct::open(file)?);
        self.direct = Some(Arc::clone(&direct));
        Ok(direct)
    }

    /// Gives the open file its staging name, if it has none.
    pub(super) fn name(&mut self, layout: &Layout, name: &StagingName) -> Result<(), Errno> {
        if let (Named::No, Some(file)) = (self.named, &self.file) {
            layout.at(name.as_str(), true, |dir, leaf| give_name(file, dir, leaf))?;
            self.named = Named::Yes;
        }
        Ok(())
    }

    /// Whether the open file has no name.
    pub(super) fn nameless(&self) -> bool {
        self.named == Named::No
    }

    /// Marks the entry as standing for nothing.
    pub(super) fn leave(&mut self) {
        (self.gone, self.file, self.direct) = (true, None, None);
    }
}

/// Runs `work` on the state; `None` if the object went in the meantime.
pub(super) fn with<T>(staging: &Staging, work: impl FnOnce(&mut State) -> T) -> Option<T> {
    let mut state = lock(&staging.state);
    (!state.gone).then(|| work(&mut state))
}

/// No such staging object.
pub(super) fn not_there(name: &StagingName) -> StoreError {
    StoreError::not_found(format!("no staging object {name}"))
}

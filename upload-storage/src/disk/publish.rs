//! Syncing staging files and making objects of them.

use std::{os::fd::OwnedFd, sync::Arc};

use rustix::{
    fs::{AtFlags, RenameFlags},
    io::Errno,
};
use upload_core::{
    StagingName,
    ports::{Publication, StoreError, StoreErrorKind},
};

use super::{
    io::{failed, sync_data},
    layout::{Dir, give_name},
    pool::Answer,
    staging::{Staging, State, not_there, with},
    store::Inner,
    write::open,
};
use crate::{
    durability::Durability,
    shared::{lock, same_object},
};

/// Makes the staging object durable, with all who ask for the same at the same time.
pub(super) fn sync(inner: &Arc<Inner>, name: &StagingName, answer: Answer<()>) {
    let opened = inner.table.check(name).and_then(|()| open(inner, name, false, |_, _| ()));
    let (staging, ()) = match opened {
        Ok(opened) => opened,
        Err(e) => return drop(answer.send(Err(e))),
    };
    if staging.syncs.join(answer) {
        while let Some(callers) = staging.syncs.take() {
            match sync_file(inner, &staging) {
                Ok(dirs) => {
                    let staging = Arc::clone(&staging);
                    inner.names.sync(dirs, move |result| {
                        if result.is_ok() {
                            with(&staging, |state| state.name_synced = true);
                        }
                        tell(callers, result);
                    });
                }
                Err(e) => tell(callers, Err(e)),
            }
        }
    }
}

/// Gives every caller the same result.
fn tell(callers: Vec<Answer<()>>, result: Result<(), StoreError>) {
    for caller in callers {
        let same = result.as_ref().copied().map_err(|e| StoreError::new(e.kind, e.detail.as_str()));
        let _ = caller.send(same);
    }
}

/// Names and syncs the file; gives the directories that must be synced for its name.
fn sync_file(inner: &Inner, staging: &Staging) -> Result<Vec<Arc<Dir>>, StoreError> {
    let name = &staging.name;
    let ready = with(staging, |state| {
        let file = state.file(&inner.layout, name, state.staged).map_err(|e| failed("opening", name, e))?;
        let file = file.ok_or_else(|| not_there(name))?;
        state.name(&inner.layout, name).map_err(|e| failed("naming", name, e))?;
        Ok((file, state.writes, state.name_synced))
    });
    let (file, writes, name_synced) = ready.ok_or_else(|| not_there(name))??;
    if inner.settings.durability == Durability::Request {
        inner.sync_data(name, &file)?;
    }
    with(staging, |state| state.synced = Some(writes));
    if name_synced {
        return Ok(Vec::new());
    }
    let dir = inner.layout.at(name.as_str(), false, |_, _| Ok(())).map_err(|e| failed("opening", name, e))?.1;
    Ok(vec![dir])
}

/// Makes an object of the staged bytes.
pub(super) fn publish(inner: &Arc<Inner>, publication: &Publication, answer: Answer<()>) {
    match place(inner, publication) {
        Ok(dirs) => inner.names.sync(dirs, move |result| drop(answer.send(result))),
        Err(e) => drop(answer.send(Err(e))),
    }
}

/// Does all but making the names durable; gives the directories that must be synced for that.
fn place(inner: &Inner, publication: &Publication) -> Result<Vec<Arc<Dir>>, StoreError> {
    let Publication { staging: name, length, .. } = publication;
    inner.table.check(name)?;
    let staging = inner.table.entry(name);
    let mut state = lock(&staging.state);
    let opened = if state.gone {
        Ok(None)
    } else {
        let make = state.staged;
        state.file(&inner.layout, name, make).map_err(|e| failed("opening", name, e))
    };
    let placed = match opened? {
        Some(file) => fit(inner, name, &mut state, &file, *length).and_then(|()| {
            name_object(inner, publication, &state, &file).map_err(|e| failed("publishing", name, e))
        }),
        None => Err(not_there(name)),
    };
    let dirs = match placed {
        Ok(dirs) => dirs,
        // Published before, by a call whose end nobody saw; what was staged since is nothing.
        Err(e) => match published_before(inner, publication)? {
            Some(dir) => vec![dir],
            None => {
                if e.kind == StoreErrorKind::NotFound {
                    inner.table.remove(&staging);
                }
                return Err(e);
            }
        },
    };
    state.leave();
    inner.table.remove(&staging);
    Ok(dirs)
}

/// Gives the file its final length and makes its bytes durable.
fn fit(
    inner: &Inner,
    name: &StagingName,
    state: &mut State,
    file: &OwnedFd,
    length: u64,
) -> Result<(), StoreError> {
    let stat = rustix::fs::fstat(file).map_err(|e| failed("examining", name, e))?;
    let size = stat.st_size.unsigned_abs();
    if size < length {
        let why = format!("{name} has {size} bytes; an object of {length} was to be made of it");
        return Err(StoreError::new(StoreErrorKind::Corrupt, why));
    }
    // Also gives back what was reserved beyond the end, by this process or (seen in the blocks) an earlier one.
    let blocks = stat.st_blocks.unsigned_abs().saturating_mul(512);
    if size > length || state.reserved.end() > length || blocks > length.saturating_add(1 << 20) {
        rustix::io::retry_on_intr(|| rustix::fs::ftruncate(file, length))
            .map_err(|e| failed("truncating", name, e))?;
    }
    let clean = size == length && state.synced == Some(state.writes);
    if inner.settings.durability == Durability::Request && !clean {
        inner.sync_data(name, file)?;
        state.synced = Some(state.writes);
    }
    Ok(())
}

/// The directory of the object, if it is there: its name may still have to be synced. Removes the staging file.
fn published_before(inner: &Inner, publication: &Publication) -> Result<Option<Arc<Dir>>, StoreError> {
    let Publication { staging: name, key, length, .. } = publication;
    let layout = &inner.layout;
    let Some(found) = layout.size(key.as_str()).map_err(|e| failed("looking for", key, e))? else {
        return Ok(None);
    };
    same_object(key, found, *length)?;
    layout.remove(name.as_str()).map_err(|e| failed("removing", name, e))?;
    layout
        .at(key.as_str(), false, |_, _| Ok(()))
        .map(|((), dir)| Some(dir))
        .map_err(|e| failed("opening", key, e))
}

/// Names the file as an object, never over one that is there.
fn name_object(
    inner: &Inner,
    publication: &Publication,
    state: &State,
    file: &OwnedFd,
) -> Result<Vec<Arc<Dir>>, Errno> {
    let Publication { staging: name, key, .. } = publication;
    if state.nameless() {
        let (_, dir) = inner.layout.at(key.as_str(), true, |dir, leaf| give_name(file, dir, leaf))?;
        return Ok(vec![dir]);
    }
    let (_, old) = inner.layout.at(name.as_str(), false, |_, _| Ok(()))?;
    let old_leaf = name.as_str().rsplit_once('/').map_or("", |(_, leaf)| leaf);
    let (_, new) = inner.layout.at(key.as_str(), true, |dir, leaf| rename(&old, old_leaf, dir, leaf))?;
    Ok(vec![new, old])
}

/// Renames unless the new name is taken.
fn rename(old: &Dir, old_leaf: &str, new: &Dir, new_leaf: &str) -> Result<(), Errno> {
    match rustix::fs::renameat_with(old, old_leaf, new, new_leaf, RenameFlags::NOREPLACE) {
        // File systems without that flag: a second name, which never replaces, then the first one goes.
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::linkat(old, old_leaf, new, new_leaf, AtFlags::empty())?;
            rustix::fs::unlinkat(old, old_leaf, AtFlags::empty())
        }
        done => done,
    }
}

impl Inner {
    /// Syncs a staging file; a failure is remembered and final.
    fn sync_data(&self, name: &StagingName, file: &OwnedFd) -> Result<(), StoreError> {
        sync_data(file).map_err(|e| {
            let error = failed("syncing", name, e);
            self.table.fail(name, &error);
            error
        })
    }
}

//! The directory: its lock, its hour directories, what its file system can do.

use std::{
    collections::HashMap,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use rustix::{
    fs::{AtFlags, FlockOperation, IFlags, Mode, OFlags, SeekFrom},
    io::Errno,
};
use upload_core::ports::StoreError;

use super::io::{failed, sync_all};
use crate::{durability::Durability, shared::lock};

const LOCK: &str = "upload-store.lock";
const FORMAT: &[u8] = b"upload-storage disk 1\n";
/// There while the directory may hold acknowledged bytes that were never synced.
const UNSYNCED: &str = "upload-store.unsynced";
const PROBE: &str = "upload-store.probe";
const FILE: Mode = Mode::RUSR.union(Mode::WUSR);
const DIRECTORY: Mode = Mode::RWXU;
/// Directories kept open: more than the hours of a week, staged and published.
const MAX_OPEN_HOURS: usize = 400;

/// An open directory.
#[derive(Debug)]
pub(super) struct Dir {
    fd: OwnedFd,
    /// Its path below the store's directory.
    pub(super) name: String,
    parent: Option<Arc<Dir>>,
    /// Whether its own name in `parent` is known to be durable.
    name_synced: AtomicBool,
}

impl Dir {
    fn open(parent: &Arc<Dir>, name: String, create: bool) -> Result<Arc<Self>, Errno> {
        let leaf = name.rsplit_once('/').map_or(name.as_str(), |(_, leaf)| leaf);
        if create {
            match rustix::fs::mkdirat(parent, leaf, DIRECTORY) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(e) => return Err(e),
            }
        }
        let fd = open_dir(parent, leaf)?;
        Ok(Arc::new(Self { fd, name, parent: Some(Arc::clone(parent)), name_synced: AtomicBool::new(false) }))
    }

    /// Makes the names in it durable, and its own.
    pub(super) fn sync(&self) -> Result<(), Errno> {
        sync_all(&self.fd)?;
        if let Some(parent) = &self.parent
            && !self.name_synced.load(Ordering::Acquire)
        {
            parent.sync()?;
            self.name_synced.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Whether it was removed while it was open.
    fn removed(&self) -> bool {
        rustix::fs::fstat(&self.fd).is_ok_and(|stat| stat.st_nlink == 0)
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn open_dir(at: impl AsFd, path: impl rustix::path::Arg) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(at, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// The store's directory, locked.
#[derive(Debug)]
pub(super) struct Layout {
    root: Arc<Dir>,
    /// Staging objects.
    pub(super) staged: Arc<Dir>,
    /// Objects.
    pub(super) objects: Arc<Dir>,
    hours: Mutex<HashMap<String, Arc<Dir>>>,
    /// Whether files may be made without a name and named later.
    pub(super) unnamed: bool,
    /// Most bytes of one file.
    pub(super) max_file: u64,
    /// Locked as long as it is open, also when the process ends suddenly.
    lock: OwnedFd,
}

impl Layout {
    /// Opens and locks the directory; makes what is missing.
    pub(super) fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        let shown = path.display();
        std::fs::create_dir_all(path)
            .map_err(|e| StoreError::unavailable(format!("making {shown}: {e}")).with_source(e))?;
        let path: PathBuf = path
            .canonicalize()
            .map_err(|e| StoreError::unavailable(format!("finding {shown}: {e}")).with_source(e))?;
        let fd = open_dir(rustix::fs::CWD, path.as_path()).map_err(|e| failed("opening", &shown, e))?;
        let lock = lock_directory(&fd, &path)?;
        let root =
            Arc::new(Dir { fd, name: String::new(), parent: None, name_synced: AtomicBool::new(true) });
        let make = |name: &str| Dir::open(&root, name.into(), true).map_err(|e| failed("making", name, e));
        let (staged, objects) = (make("s")?, make("o")?);
        spread_hours(&staged);
        spread_hours(&objects);
        let (unnamed, max_file) = probe(&staged).map_err(|e| failed("trying out", &shown, e))?;
        let hours = Mutex::default();
        let layout = Self { root, staged, objects, hours, unnamed, max_file, lock };
        layout.catch_up(durability).map_err(|e| failed("syncing", &shown, e))?;
        if durability == Durability::Request {
            // Its own name too, if we have just made it.
            let parent = path.parent().unwrap_or(&path);
            open_dir(rustix::fs::CWD, parent)
                .and_then(sync_all)
                .map_err(|e| failed("syncing", parent.display(), e))?;
            for dir in [&layout.staged, &layout.objects] {
                dir.sync().map_err(|e| failed("syncing", &dir.name, e))?;
            }
        }
        Ok(layout)
    }

    /// Notes that bytes may be unsynced from now on, or syncs what an earlier run has left so.
    fn catch_up(&self, durability: Durability) -> Result<(), Errno> {
        if durability == Durability::None {
            let flags = OFlags::CREATE | OFlags::WRONLY | OFlags::CLOEXEC;
            rustix::fs::openat(&self.root, UNSYNCED, flags, FILE)?;
            return self.root.sync();
        }
        match rustix::fs::statat(&self.root, UNSYNCED, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(e),
            Ok(_) => {
                self.sync_everything()?;
                rustix::fs::unlinkat(&self.root, UNSYNCED, AtFlags::empty())
            }
        }
    }

    /// Syncs the whole file system.
    pub(super) fn sync_everything(&self) -> Result<(), Errno> {
        rustix::io::retry_on_intr(|| rustix::fs::syncfs(&self.root))
    }

    /// Makes a file for a staging object, without a name if the file system can; tells whether it has one.
    pub(super) fn create(&self, name: &str) -> Result<(OwnedFd, bool), Errno> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC;
        let (file, _) = self.at(name, true, |dir, leaf| match self.unnamed {
            true => rustix::fs::openat(dir, ".", flags | OFlags::TMPFILE, FILE),
            false => rustix::fs::openat(dir, leaf, flags | OFlags::CREATE | OFlags::EXCL, FILE),
        })?;
        Ok((file, !self.unnamed))
    }

    /// Does `what` with the directory of `name` (made if `create`) and the name in it.
    pub(super) fn at<T>(
        &self,
        name: &str,
        create: bool,
        what: impl Fn(&Dir, &str) -> Result<T, Errno>,
    ) -> Result<(T, Arc<Dir>), Errno> {
        let (dir_name, leaf) = name.rsplit_once('/').ok_or(Errno::INVAL)?;
        loop {
            let dir = self.hour(dir_name, create)?;
            match what(&dir, leaf) {
                // An empty directory of an old hour may have been removed since it was opened.
                Err(Errno::NOENT) if dir.removed() => {
                    let mut hours = lock(&self.hours);
                    if hours.get(dir_name).is_some_and(|cached| Arc::ptr_eq(cached, &dir)) {
                        hours.remove(dir_name);
                    }
                }
                done => return done.map(|value| (value, dir)),
            }
        }
    }

    fn hour(&self, name: &str, create: bool) -> Result<Arc<Dir>, Errno> {
        let mut hours = lock(&self.hours);
        if let Some(dir) = hours.get(name) {
            return Ok(Arc::clone(dir));
        }
        let parent = if name.starts_with("s/") { &self.staged } else { &self.objects };
        let dir = Dir::open(parent, name.to_owned(), create)?;
        if hours.len() >= MAX_OPEN_HOURS {
            hours.clear();
        }
        hours.insert(name.to_owned(), Arc::clone(&dir));
        Ok(dir)
    }

    /// Opens a directory for reading its names, from its beginning.
    pub(super) fn scan(&self, name: &str) -> Result<rustix::fs::Dir, Errno> {
        rustix::fs::Dir::new(open_dir(&self.root, name)?)
    }

    /// Removes the directory of an hour if it is empty.
    pub(super) fn remove_hour(&self, name: &str) {
        let _ = rustix::fs::unlinkat(&self.root, name, AtFlags::REMOVEDIR);
    }

    /// The size of a file, `None` if there is none.
    pub(super) fn size(&self, name: &str) -> Result<Option<u64>, Errno> {
        match self.at(name, false, |dir, leaf| rustix::fs::statat(dir, leaf, AtFlags::SYMLINK_NOFOLLOW)) {
            Ok((stat, _)) => Ok(Some(stat.st_size.unsigned_abs())),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// Removes a file if it is there.
    pub(super) fn remove(&self, name: &str) -> Result<(), Errno> {
        match self.at(name, false, |dir, leaf| rustix::fs::unlinkat(dir, leaf, AtFlags::empty())) {
            Ok(_) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// Opens a file that is there.
    pub(super) fn open_file(&self, name: &str, access: OFlags) -> Result<OwnedFd, Errno> {
        let flags = access | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        self.at(name, false, |dir, leaf| rustix::fs::openat(dir, leaf, flags, Mode::empty()))
            .map(|(file, _)| file)
    }
}

impl Drop for Layout {
    /// Unlocks at once: a child process that is just being started may hold a copy of the descriptor.
    fn drop(&mut self) {
        let _ = rustix::fs::flock(&self.lock, FlockOperation::Unlock);
    }
}

fn lock_directory(root: &OwnedFd, path: &Path) -> Result<OwnedFd, StoreError> {
    let at = path.join(LOCK);
    let shown = at.display();
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = rustix::fs::openat(root, LOCK, flags, FILE).map_err(|e| failed("opening", &shown, e))?;
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|e| match e {
        Errno::WOULDBLOCK => StoreError::unavailable(format!(
            "the directory {} is in use: another store holds the lock on {LOCK} in it",
            path.display()
        )),
        e => failed("locking", &shown, e),
    })?;
    let found =
        super::io::read_up_to(file.as_fd(), 0, FORMAT.len() + 1).map_err(|e| failed("reading", &shown, e))?;
    if found.is_empty() {
        let written = super::io::write_all(file.as_fd(), 0, &[bytes::Bytes::from_static(FORMAT)]);
        written.and_then(|()| sync_all(&file)).map_err(|e| failed("writing", &shown, e))?;
    } else if found != FORMAT {
        let (found, expected) = (String::from_utf8_lossy(&found), String::from_utf8_lossy(FORMAT));
        let why =
            format!("{shown} should say {expected:?} but says {found:?}: not a directory of this version");
        return Err(StoreError::new(upload_core::ports::StoreErrorKind::Corrupt, why));
    }
    Ok(file)
}

/// Asks the file system (ext4) to lay each hour's files elsewhere: where many files were removed lately, making new
/// ones is slow.
fn spread_hours(dir: &Dir) {
    if let Ok(flags) = rustix::fs::ioctl_getflags(dir) {
        let _ = rustix::fs::ioctl_setflags(dir, flags | IFlags::TOPDIR);
    }
}

/// Names an open file that has no name; fails if the name is taken.
pub(super) fn give_name(file: &OwnedFd, dir: &Dir, leaf: &str) -> Result<(), Errno> {
    use std::os::fd::AsRawFd;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(rustix::fs::CWD, path, dir, leaf, AtFlags::SYMLINK_FOLLOW)
}

/// Whether a nameless file can be made and named here, and the most bytes of one file.
fn probe(dir: &Dir) -> Result<(bool, u64), Errno> {
    let _ = rustix::fs::unlinkat(dir, PROBE, AtFlags::empty());
    let flags = OFlags::RDWR | OFlags::CLOEXEC;
    let nameless = rustix::fs::openat(dir, ".", flags | OFlags::TMPFILE, FILE)
        .and_then(|file| give_name(&file, dir, PROBE).map(|()| file));
    let unnamed = nameless.is_ok();
    let file = match nameless {
        Ok(file) => file,
        Err(_) => rustix::fs::openat(dir, PROBE, flags | OFlags::CREATE | OFlags::EXCL, FILE)?,
    };
    rustix::fs::unlinkat(dir, PROBE, AtFlags::empty())?;
    // Seeking beyond the largest file is refused, and costs nothing where it is not.
    let mut max = 0u64;
    for bit in (0..63).rev() {
        if rustix::fs::seek(&file, SeekFrom::Start(max | 1 << bit)).is_ok() {
            max |= 1 << bit;
        }
    }
    Ok((unnamed, max))
}

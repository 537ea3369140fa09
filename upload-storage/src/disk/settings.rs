use crate::durability::Durability;

/// How a directory is used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiskSettings {
    /// What an acknowledgement makes sure of.
    pub durability: Durability,
    /// Threads that write; 4.
    pub writers: usize,
    /// Threads that sync and publish, apart from the writers so that a slow disk cannot hold them up; 8.
    pub syncers: usize,
    /// Threads that read, list and remove; 4.
    pub readers: usize,
    /// Most staging files kept open between calls; 512. Files in use are never closed for it.
    pub open_files: usize,
    /// Whether writes of 128 KiB and more go past the page cache (`O_DIRECT`) where the file system can; on under
    /// `request`, where it saves half of the work, off under `none`, where the cache takes bytes faster than the disk.
    pub direct: bool,
}

impl DiskSettings {
    /// The defaults, with this durability.
    pub fn new(durability: Durability) -> Self {
        let direct = durability == Durability::Request;
        Self { durability, writers: 4, syncers: 8, readers: 4, open_files: 512, direct }
    }
}

impl Default for DiskSettings {
    fn default() -> Self {
        Self::new(Durability::default())
    }
}

//! What the live tests share: a real server, a plain client, directories that go away, and seeded chance.
#![allow(dead_code)] // each test binary uses its part

#[cfg(feature = "cloud")]
pub mod bucket;
pub mod client;
pub mod fault_proxy;
#[cfg(feature = "cloud")]
pub mod faults;
pub mod http;
pub mod kill;
pub mod listen;
#[cfg(feature = "cloud")]
pub mod message;
pub mod patient;
pub mod server;
pub mod sockets;
pub mod store;
pub mod tus;
pub mod xml;

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of its own, removed with its content when dropped.
pub struct TempDir(PathBuf);

impl TempDir {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("live-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it with this content.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The sum of this over all files below this folder of it.
    pub fn stored(&self, folder: &str, of: impl Fn(&Metadata) -> u64) -> u64 {
        let (mut folders, mut sum) = (vec![self.0.join(folder)], 0);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let metadata = entry.metadata().unwrap();
                if metadata.is_dir() { folders.push(entry.path()) } else { sum += of(&metadata) }
            }
        }
        sum
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A number of the environment's, for a test that may do more of the same.
pub fn from_env(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap_or_else(|e| panic!("{name}: {e}")))
}

/// Seeded chance (SplitMix64): the same seed gives the same test.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    pub fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.next().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

/// A file of the media that upload-media is tested with.
pub fn media(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../upload-media/tests/media/ok").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A real MP4 made `length` bytes long by a `free` box behind it, which every player skips.
pub fn mp4_of(length: usize) -> Vec<u8> {
    let mut mp4 = media("faststart.mp4");
    let free = length.checked_sub(mp4.len()).filter(|free| *free >= 8).expect("room for a free box");
    mp4.extend_from_slice(&u32::try_from(free).unwrap().to_be_bytes());
    mp4.extend_from_slice(b"free");
    let mut filling = Chance::new(7);
    mp4.extend_from_slice(&filling.bytes(free - 8));
    mp4
}

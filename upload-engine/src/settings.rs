//! The engine's numbers. Every limit is here and has a default; destinations have their own in `Policy`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Numbers of one engine.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Settings {
    /// Bytes that all running bodies together aim to hold in memory (default 16 MiB). A batch is this divided by
    /// the number of running bodies, within the two bounds below.
    pub memory: usize,
    /// Least bytes of a batch (default 32 KiB).
    pub min_batch: usize,
    /// Most bytes of a batch (default 1 MiB).
    pub max_batch: usize,
    /// How long a batch that is not full waits for more (default 100 ms).
    pub batch_wait: Duration,
    /// How much of a body written by offset is at risk until it is recorded (default 8 MiB).
    pub checkpoint: u64,
    /// How often the state of the digests is saved (default every 64 MiB).
    pub digest_save: u64,
    /// Uploads that are kept in memory while nobody uses them (default 1,024).
    pub idle_uploads: usize,
    /// How long chunks of a completed upload are answered with its outcome (default 24 h).
    pub replay: Duration,
    /// How long failed, cancelled and expired uploads are remembered (default 24 h).
    pub tombstone: Duration,
    /// How long after its deadline an upload is given up: longer than the longest request and the clocks'
    /// disagreement (default 10 min).
    pub grace: Duration,
    /// Least bytes of a part that is not the last (default 5 MiB, as S3 has it).
    pub min_part: u64,
    /// How long a part waits, before its bytes are taken, for another one to tell how many there are (default 5 s).
    pub part_wait: Duration,
    /// Records or names that one page of a listing asks for (default 1,000).
    pub page: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory: 16 << 20,
            min_batch: 32 << 10,
            max_batch: 1 << 20,
            batch_wait: Duration::from_millis(100),
            checkpoint: 8 << 20,
            digest_save: 64 << 20,
            idle_uploads: 1024,
            replay: Duration::from_secs(24 * 3600),
            tombstone: Duration::from_secs(24 * 3600),
            grace: Duration::from_secs(600),
            min_part: 5 << 20,
            part_wait: Duration::from_secs(5),
            page: 1000,
        }
    }
}

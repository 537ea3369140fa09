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
    /// How long nothing comes of a body that is ended by whoever asks how far it is, until what came is all that had arrived
    /// (default 3 ms).
    pub halt_wait: Duration,
    /// How long such a body is taken in at most, if bytes go on coming (default 100 ms).
    pub halt_time: Duration,
    /// Most bytes of a body written by offset that has a digest of its own (default 256 MiB): all of it is at risk until it has
    /// arrived and the digest holds.
    pub max_checked: u64,
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
    /// How long one processor may look into one upload (default 60 s).
    pub process_time: Duration,
    /// Most bytes, as JSON, of what all processors found in one upload (default 512 KiB; a record has at most 1 MiB, and all
    /// else that is known of an upload is in it too).
    pub max_details: usize,
    /// How long the sum of a tenant's ledger is kept in memory, during which what other processes enter is not seen
    /// (default 60 s).
    pub sum_time: Duration,
    /// How long one delivery of a notice may take (default 30 s).
    pub notice_time: Duration,
    /// How long a notice is tried again, from its upload's commit on, before it is given up (default 7 days).
    pub notice_lifetime: Duration,
    /// Bytes of a part, on stores that keep unfinished uploads as parts (default 8 MiB): a whole that comes in no chunks of one
    /// size is cut into these, and chunks that are longer are cut into about these.
    pub part_size: u64,
    /// Most bytes of a part (default 64 MiB): an upload that would need longer ones, since there are only so many, is refused.
    pub max_part: u64,
    /// Bytes that all running bodies together aim to hold in memory on stores of parts (default 128 MiB). When there are more,
    /// bodies are stored in fragments.
    pub part_memory: usize,
    /// Least bytes of a fragment that is stored because memory is short (default 256 KiB).
    pub min_fragment: usize,
    /// How long bytes that are not yet a part wait while nothing comes, before they are stored as a fragment (default 2 s).
    pub fragment_wait: Duration,
    /// Bytes that are read at once, in pieces of 4 MiB, where what came out of order is hashed in a store of parts, for each upload
    /// that is being finished (default 16 MiB).
    pub read_ahead: usize,
    /// Bytes of a composition that the store copies with one call (default 64 MiB).
    pub copy_step: u64,
    /// How often it is recorded how far the copies of a composition are (default every 512 MiB).
    pub copy_save: u64,
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
            halt_wait: Duration::from_millis(3),
            halt_time: Duration::from_millis(100),
            max_checked: 256 << 20,
            digest_save: 64 << 20,
            idle_uploads: 1024,
            replay: Duration::from_secs(24 * 3600),
            tombstone: Duration::from_secs(24 * 3600),
            grace: Duration::from_secs(600),
            min_part: 5 << 20,
            part_wait: Duration::from_secs(5),
            process_time: Duration::from_secs(60),
            max_details: 512 << 10,
            sum_time: Duration::from_secs(60),
            notice_time: Duration::from_secs(30),
            notice_lifetime: Duration::from_secs(7 * 24 * 3600),
            part_size: 8 << 20,
            max_part: 64 << 20,
            part_memory: 128 << 20,
            min_fragment: 256 << 10,
            fragment_wait: Duration::from_secs(2),
            read_ahead: 16 << 20,
            copy_step: 64 << 20,
            copy_save: 512 << 20,
            page: 1000,
        }
    }
}

//! Numbers of the process and of the engine, with their defaults. Those of the wire are `HttpSettings`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use upload_engine::Settings;

/// `[server]`: numbers of the process. Times in seconds, sizes in bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerNumbers {
    /// Most connections at once; more wait until one ends.
    pub(crate) max_connections: usize,
    /// How long a connection may take to send the head of a request, and may be idle between two.
    pub(crate) header_timeout: u64,
    /// How long a connection may take none of the bytes that are sent to it.
    pub(crate) write_timeout: u64,
    /// Most bytes that are read from a connection before they are taken.
    pub(crate) read_buffer: usize,
    /// Most requests at once on one HTTP/2 connection.
    pub(crate) max_streams: u32,
    /// How long running requests may take when the process is told to stop.
    pub(crate) drain_timeout: u64,
    /// How often uploads that are due are looked after; the first time at the start.
    pub(crate) sweep_every: u64,
    /// How often what sudden ends have left behind is searched for.
    pub(crate) janitor_every: u64,
    /// Whether `/metrics` is served.
    pub(crate) metrics: bool,
}

impl Default for ServerNumbers {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            header_timeout: 30,
            write_timeout: 30,
            read_buffer: 64 << 10,
            max_streams: 128,
            drain_timeout: 30,
            sweep_every: 5 * 60,
            janitor_every: 6 * 3600,
            metrics: true,
        }
    }
}

impl ServerNumbers {
    /// Least bytes of a read buffer: the head of a request must fit.
    const MIN_READ_BUFFER: usize = 16 << 10;

    /// Refuses what could not work.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.read_buffer < Self::MIN_READ_BUFFER {
            let (got, least) = (self.read_buffer, Self::MIN_READ_BUFFER);
            return Err(format!("read_buffer must be at least {least} bytes; got {got}"));
        }
        let zero = [
            ("max_connections", self.max_connections == 0),
            ("header_timeout", self.header_timeout == 0),
            ("write_timeout", self.write_timeout == 0),
            ("max_streams", self.max_streams == 0),
            ("sweep_every", self.sweep_every == 0),
            ("janitor_every", self.janitor_every == 0),
        ];
        more_than_zero(&zero)
    }
}

fn more_than_zero(zero: &[(&str, bool)]) -> Result<(), String> {
    match zero.iter().find(|(_, zero)| *zero) {
        Some((key, _)) => Err(format!("{key} must be more than 0")),
        None => Ok(()),
    }
}

/// `[engine]`: the engine's [`Settings`]. Times in seconds but for `batch_wait_ms`, sizes in bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct EngineNumbers {
    memory: usize,
    min_batch: usize,
    max_batch: usize,
    batch_wait_ms: u64,
    halt_wait_ms: u64,
    halt_time_ms: u64,
    checkpoint: u64,
    max_checked: u64,
    digest_save: u64,
    idle_uploads: usize,
    replay: u64,
    tombstone: u64,
    grace: u64,
    min_part: u64,
    part_wait: u64,
    process_time: u64,
    max_details: usize,
    sum_time: u64,
    notice_time: u64,
    notice_lifetime: u64,
    part_size: u64,
    max_part: u64,
    part_memory: usize,
    min_fragment: usize,
    read_ahead: usize,
    copy_step: u64,
    copy_save: u64,
    fragment_wait: u64,
    page: usize,
}

impl Default for EngineNumbers {
    fn default() -> Self {
        let Settings {
            memory,
            min_batch,
            max_batch,
            checkpoint,
            max_checked,
            digest_save,
            idle_uploads,
            min_part,
            max_details,
            part_size,
            max_part,
            part_memory,
            min_fragment,
            read_ahead,
            copy_step,
            copy_save,
            page,
            ..
        } = Settings::default();
        let times = Settings::default();
        Self {
            memory,
            min_batch,
            max_batch,
            batch_wait_ms: millis(times.batch_wait),
            halt_wait_ms: millis(times.halt_wait),
            halt_time_ms: millis(times.halt_time),
            checkpoint,
            max_checked,
            digest_save,
            idle_uploads,
            replay: times.replay.as_secs(),
            tombstone: times.tombstone.as_secs(),
            grace: times.grace.as_secs(),
            min_part,
            part_wait: times.part_wait.as_secs(),
            process_time: times.process_time.as_secs(),
            max_details,
            sum_time: times.sum_time.as_secs(),
            notice_time: times.notice_time.as_secs(),
            notice_lifetime: times.notice_lifetime.as_secs(),
            part_size,
            max_part,
            part_memory,
            min_fragment,
            read_ahead,
            copy_step,
            copy_save,
            fragment_wait: times.fragment_wait.as_secs(),
            page,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl EngineNumbers {
    /// Refuses what could not work.
    pub(crate) fn check(&self) -> Result<(), String> {
        let zero = [
            ("memory", self.memory == 0),
            ("min_batch", self.min_batch == 0),
            ("checkpoint", self.checkpoint == 0),
            ("digest_save", self.digest_save == 0),
            ("max_checked", self.max_checked == 0),
            ("copy_step", self.copy_step == 0),
            ("copy_save", self.copy_save == 0),
            ("part_size", self.part_size == 0),
            ("min_fragment", self.min_fragment == 0),
            ("page", self.page == 0),
        ];
        more_than_zero(&zero)?;
        if self.min_batch > self.max_batch {
            let (least, most) = (self.min_batch, self.max_batch);
            return Err(format!("min_batch ({least}) must not be more than max_batch ({most})"));
        }
        Ok(())
    }

    /// As the engine takes them.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.memory = self.memory;
        settings.min_batch = self.min_batch;
        settings.max_batch = self.max_batch;
        settings.batch_wait = Duration::from_millis(self.batch_wait_ms);
        settings.halt_wait = Duration::from_millis(self.halt_wait_ms);
        settings.halt_time = Duration::from_millis(self.halt_time_ms);
        settings.checkpoint = self.checkpoint;
        settings.max_checked = self.max_checked;
        settings.digest_save = self.digest_save;
        settings.idle_uploads = self.idle_uploads;
        settings.replay = Duration::from_secs(self.replay);
        settings.tombstone = Duration::from_secs(self.tombstone);
        settings.grace = Duration::from_secs(self.grace);
        settings.min_part = self.min_part;
        settings.part_wait = Duration::from_secs(self.part_wait);
        settings.process_time = Duration::from_secs(self.process_time);
        settings.max_details = self.max_details;
        settings.sum_time = Duration::from_secs(self.sum_time);
        settings.notice_time = Duration::from_secs(self.notice_time);
        settings.notice_lifetime = Duration::from_secs(self.notice_lifetime);
        settings.part_size = self.part_size;
        settings.max_part = self.max_part;
        settings.part_memory = self.part_memory;
        settings.min_fragment = self.min_fragment;
        settings.read_ahead = self.read_ahead;
        settings.copy_step = self.copy_step;
        settings.copy_save = self.copy_save;
        settings.fragment_wait = Duration::from_secs(self.fragment_wait);
        settings.page = self.page;
        settings
    }
}

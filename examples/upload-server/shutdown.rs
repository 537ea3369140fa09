//! Being told to stop, and stopping without losing anything.

use std::io;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::signal::unix::{Signal, SignalKind, signal};
use upload_http_axum::UploadHttp;

/// What tells the process to stop: SIGTERM, and Ctrl-C.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Catches them from now on.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for one and tells its name.
    pub(crate) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// After the last accept: ends bodies at their next frame (the engine keeps what arrived), lets requests be answered
/// and connections end, for at most `limit` seconds or until a second signal.
pub(crate) async fn drain(
    connections: GracefulShutdown,
    uploads: &UploadHttp,
    limit: u64,
    mut signals: Signals,
) {
    let limit = Duration::from_secs(limit);
    let ended = async {
        let (tasks, _) =
            tokio::join!(uploads.drain(limit), tokio::time::timeout(limit, connections.shutdown()));
        if let Err(e) = tasks {
            tracing::warn!("{e}; what they were told is kept, what they were not told may be sent again");
        }
    };
    tokio::select! {
        () = ended => {}
        signal = signals.next() => tracing::warn!("{signal} again: not waiting for running requests"),
    }
}

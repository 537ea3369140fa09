//! The accept loop: HTTP/1.1 and HTTP/2 with prior knowledge on one port, with limits on who may wait for how long.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;

use crate::numbers::ServerNumbers;

/// Bytes that one HTTP/2 request may send ahead, and one HTTP/2 connection for all its requests.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// How often a quiet HTTP/2 client is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// A pause after an accept that failed for want of memory or files, so as not to spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How connections are accepted and served.
#[derive(Clone)]
pub(crate) struct Connections {
    builder: Builder<TokioExecutor>,
    header_timeout: Duration,
    write_timeout: Duration,
    room: Arc<Semaphore>,
}

impl Connections {
    /// As the numbers say.
    pub(crate) fn new(numbers: &ServerNumbers) -> Self {
        let header_timeout = Duration::from_secs(numbers.header_timeout);
        let mut builder = Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(header_timeout)
            .max_buf_size(numbers.read_buffer)
            // A client that closes its sending side after its request still gets its answer.
            .half_close(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(numbers.max_streams)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(PING_EVERY);
        let room = Arc::new(Semaphore::new(numbers.max_connections.min(Semaphore::MAX_PERMITS)));
        let write_timeout = Duration::from_secs(numbers.write_timeout);
        Self { builder, header_timeout, write_timeout, room }
    }

    /// Accepts connections until `stop`, then closes the listener and gives what ends the connections that are left:
    /// requests are answered first, idle connections are closed.
    pub(crate) async fn accept(
        self,
        listener: TcpListener,
        app: Router,
        stop: CancellationToken,
    ) -> GracefulShutdown {
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return graceful,
                accepted = self.next(&listener) => accepted,
            };
            let (stream, permit) = match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    if !gone_already(&e) {
                        tracing::error!("a connection cannot be accepted: {e}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                    continue;
                }
            };
            let (connections, watcher, app) = (self.clone(), graceful.watcher(), app.clone());
            tokio::spawn(async move {
                let open = Open::count();
                connections.serve(stream, app, watcher).await;
                drop((open, permit));
            });
        }
    }

    async fn next(
        &self,
        listener: &TcpListener,
    ) -> io::Result<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.room).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        Ok((stream, permit))
    }

    async fn serve(&self, stream: TcpStream, app: Router, watcher: Watcher) {
        let app = TowerToHyperService::new(app);
        let begun = Arc::new(AtomicBool::new(false));
        let service = {
            let begun = Arc::clone(&begun);
            service_fn(move |request: Request<Incoming>| {
                begun.store(true, Ordering::Relaxed);
                app.call(request)
            })
        };
        // Who takes nothing of an answer would have its connection for ever.
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.write_timeout));
        let connection = self.builder.serve_connection(TokioIo::new(Box::pin(stream)), service).into_owned();
        // Hyper's own time-out begins when it knows the version; until then a silent client would stay for ever.
        let silent = async {
            tokio::time::sleep(self.header_timeout).await;
            if begun.load(Ordering::Relaxed) {
                pending().await
            }
        };
        tokio::select! {
            ended = watcher.watch(connection) => {
                if let Err(e) = ended {
                    tracing::debug!("a connection ended badly: {e}");
                }
            }
            () = silent => tracing::debug!("a connection sent no request in time"),
        }
    }
}

/// Allows this process as many open files as its operator lets it: each connection and each open upload is one.
pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(e) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!("the limit of open files stays at {:?}: {e}", limit.current);
    }
}

/// The client went away before it was accepted: nothing of ours.
fn gone_already(e: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted, InvalidInput};
    matches!(e.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted | InvalidInput)
}

/// Counts a connection while it is open.
struct Open;

impl Open {
    fn count() -> Self {
        metrics::counter!("upload_server_connections_total").increment(1);
        metrics::gauge!("upload_server_connections_open").increment(1);
        Self
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        metrics::gauge!("upload_server_connections_open").decrement(1);
    }
}

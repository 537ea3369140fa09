//! `upload-server`: takes uploads into a local directory, or as one of several processes into a bucket.
//!
//! ```text
//!   args, config ──> assemble (stores, engine, router) ──> table ──> listen ──> shutdown
//!                                   │
//!                                upkeep (sweep, janitor, webhooks)
//! ```

mod args;
mod assemble;
mod config;
mod destination;
mod findings;
mod keys;
mod links;
mod listen;
mod numbers;
mod ops;
mod page;
mod private;
mod secrets;
mod shutdown;
mod stores;
mod table;
mod upkeep;
mod webhooks;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::args::Args;
use crate::config::Config;

/// Exit code for what the command line or the configuration has wrong.
const MISCONFIGURED: u8 = 2;

fn main() -> ExitCode {
    let args = Args::parse();
    let mut config = match args.config() {
        Ok(config) => config,
        Err(e) => return failed(&e, MISCONFIGURED),
    };
    if args.print_config {
        return match print(&config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(e) => failed(&*e, 1),
        };
    }
    let filter = match EnvFilter::builder().parse(&config.log) {
        Ok(filter) => filter,
        Err(e) => return failed(&format!("log: {:?} is no filter: {e}", config.log), MISCONFIGURED),
    };
    // A log that cannot be written (a full disk, a reader that is gone) must not end requests.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    log.log_internal_errors(false).init();
    listen::raise_file_limit();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(e) => return failed(&format!("the runtime cannot be started: {e}"), 1),
    };
    let ended = runtime.block_on(run(&mut config));
    // A request that outlasted the drain holds nothing up; the stores are closed with the last that uses them.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => failed(&*e, 1),
    }
}

/// From open to closed.
async fn run(config: &mut Config) -> Result<(), Box<dyn Error>> {
    let metrics = ops::Metrics::install(config.server.metrics)?;
    let assembled = assemble::assemble(config, metrics.clone()).await?;
    let mut signals = shutdown::Signals::new()?;
    let listener = TcpListener::bind(&config.listen)
        .await
        .map_err(|e| format!("{} cannot be listened on: {e}", config.listen))?;
    let address = listener.local_addr()?;
    if let Some(url) = &config.public_url {
        assembled.uploads.set_public_url(url);
    }
    assembled.uploads.set_bound_url(&links::bound_url(address));
    say(&table::table(config, address, assembled.generated_key.as_deref(), assembled.signs))?;

    let stop = CancellationToken::new();
    let upkeep = tokio::spawn(upkeep::run(
        assembled.uploads.engine().clone(),
        metrics,
        config.server.clone(),
        !config.webhooks.is_empty(),
        stop.clone(),
    ));
    let connections = listen::Connections::new(&config.server);
    let accepting = tokio::spawn(connections.accept(listener, assembled.app, stop.clone()));
    let signal = signals.next().await;
    tracing::info!("{signal}: stopping");
    stop.cancel();
    upkeep.await?;
    let connections = accepting.await?;
    shutdown::drain(connections, &assembled.uploads, config.server.drain_timeout, signals).await;
    assembled.uploads.engine().flush().await.map_err(|e| explain("the last sync failed", &e))?;
    tracing::info!("stopped");
    Ok(())
}

/// An error with all its causes: they are the operator's business.
fn explain(what: &str, error: &dyn Error) -> String {
    let mut text = format!("{what}: {error}");
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

fn print(config: &Config) -> Result<(), Box<dyn Error>> {
    Ok(say(&toml::to_string(config)?)?)
}

/// Writes to standard output; nobody reading there is no reason to stop.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        said => said,
    }
}

fn failed(error: &(impl std::fmt::Display + ?Sized), code: u8) -> ExitCode {
    // Standard error closed: the exit code remains.
    let _ = writeln!(io::stderr(), "upload-server: {error}");
    ExitCode::from(code)
}

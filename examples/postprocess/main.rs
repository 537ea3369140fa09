//! Work that follows an upload, in the same process: a thumbnail of each image.
//!
//! ```text
//!   upload ──► engine ──► outbox ──► EventStream ──► worker: read, decode, make small, write ──► taken
//!                            ▲                           │
//!                            └──── not taken, or killed ─┘
//! ```
//! The upload's client does not wait for it. A notice stays in the outbox until its thumbnail is on the disk, so a process
//! that is killed in between makes it after its next start. (What must be known *before* an upload counts as complete is a
//! `Processor`'s work instead.)
//!
//! ```text
//!   postprocess --data ./postprocess-data --key some-long-secret
//!   curl -H 'x-pico-api-org: some-long-secret' -F destinationId=images -F file=@photo.jpg http://127.0.0.1:8083/uploads
//! ```

mod app;
mod thumbnail;
mod worker;

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use tokio::sync::mpsc::unbounded_channel;

/// Takes images and makes a thumbnail of each.
#[derive(Debug, Parser)]
#[command(name = "postprocess")]
struct Args {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8083", value_name = "ADDR")]
    listen: SocketAddr,

    /// Directory of the uploads; their thumbnails are below it, in `thumbnails`
    #[arg(long, default_value = "./postprocess-data", value_name = "DIR")]
    data: PathBuf,

    /// The key to upload with
    #[arg(long, env = "POSTPROCESS_KEY", value_name = "KEY")]
    key: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let app::App { routes, uploads, notices, reader } = app::App::new(&args.data, &args.key)?;
    let listener = tokio::net::TcpListener::bind(args.listen).await?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;

    let engine = uploads.engine().clone();
    let (done, mut news) = unbounded_channel();
    let folder = args.data.join("thumbnails");
    tokio::spawn(worker::run(engine.clone(), reader, notices, folder, done));
    tokio::spawn(async move {
        while let Some(worker::Done { id, made }) = news.recv().await {
            // Nobody reading there is no reason to stop.
            let _ = match made {
                Ok(path) => writeln!(std::io::stdout(), "thumbnail: {id} {}", path.display()),
                Err(trouble) => writeln!(std::io::stdout(), "no thumbnail: {id} {trouble}"),
            };
        }
    });
    tokio::spawn(app::deliver(engine.clone()));
    tokio::spawn(async move {
        loop {
            // What fails stays due.
            let _ = (engine.sweep().await, engine.janitor().await);
            tokio::time::sleep(Duration::from_secs(300)).await;
        }
    });
    let stopping = uploads.clone();
    let stop = async move {
        let _ = tokio::signal::ctrl_c().await;
        stopping.tasks().stop();
    };
    axum::serve(listener, routes).with_graceful_shutdown(stop).await?;
    uploads.drain(Duration::from_secs(30)).await?;
    Ok(uploads.engine().flush().await?)
}

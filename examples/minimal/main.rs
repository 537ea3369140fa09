//! Runs the application of `app.rs` on 127.0.0.1:8081: it serves, looks after uploads that are due, and stops cleanly.

mod app;

use std::error::Error;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (done, mut completed) = unbounded_channel();
    let (app, uploads) = app::app(Path::new("./minimal-data"), done)?;
    tokio::spawn(async move {
        while let Some(outcome) = completed.recv().await {
            let _ = writeln!(std::io::stdout(), "completed: {} ({} bytes)", outcome.id, outcome.length);
        }
    });
    let engine = uploads.engine().clone();
    tokio::spawn(async move {
        loop {
            // What fails stays due.
            let _ = (engine.sweep().await, engine.janitor().await);
            tokio::time::sleep(Duration::from_secs(300)).await;
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8081").await?;
    let stopping = uploads.clone();
    let stop = async move {
        let _ = tokio::signal::ctrl_c().await;
        stopping.tasks().stop();
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    uploads.drain(Duration::from_secs(30)).await?;
    Ok(uploads.engine().flush().await?)
}

//! An HTML form whose files go straight to the store while its other fields go to the application, with the browser library
//! of Rails' Active Storage and nothing else of it.
//!
//! ```text
//!   npm install @rails/activestorage
//!   direct_upload_form --client node_modules/@rails/activestorage/app/assets/javascripts/activestorage.esm.js
//! ```
//! The form is on <http://127.0.0.1:8082>; with `--api-listen` uploads go to another address, so to another origin.

mod app;

use std::error::Error;
use std::future::IntoFuture as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use tokio::net::TcpListener;
use upload_http_axum::UploadHttp;

/// A form whose files are uploaded directly. They are kept in memory.
#[derive(Debug, Parser)]
#[command(name = "direct_upload_form")]
struct Args {
    /// The library's module, activestorage.esm.js of the npm package @rails/activestorage
    #[arg(long, env = "ACTIVESTORAGE_JS", value_name = "FILE")]
    client: PathBuf,

    /// Address of the form; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8082", value_name = "ADDR")]
    listen: SocketAddr,

    /// Address that uploads go to, if not to that of the form
    #[arg(long, value_name = "ADDR")]
    api_listen: Option<SocketAddr>,

    /// The key that the form uploads with [default: a random one]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let client =
        std::fs::read_to_string(&args.client).map_err(|e| format!("{}: {e}", args.client.display()))?;
    let form_at = TcpListener::bind(args.listen).await?;
    let api_at = match args.api_listen {
        Some(address) => Some(TcpListener::bind(address).await?),
        None => None,
    };
    let form_url = format!("http://{}", form_at.local_addr()?);
    let api_url = match &api_at {
        Some(listener) => format!("http://{}", listener.local_addr()?),
        None => form_url.clone(),
    };
    let app = app::App::new(&form_url, &api_url, args.key, client)?;
    writeln!(std::io::stdout(), "the form is on {form_url}\nuploads go to {api_url}")?;

    let engine = app.uploads().engine().clone();
    tokio::spawn(async move {
        loop {
            // What fails stays due.
            let _ = (engine.sweep().await, engine.janitor().await);
            tokio::time::sleep(Duration::from_secs(300)).await;
        }
    });
    let (form, api) = (app.form(), app.api());
    let stop = || stopped(app.uploads().clone());
    match api_at {
        None => axum::serve(form_at, form.merge(api)).with_graceful_shutdown(stop()).await?,
        Some(api_at) => {
            let form = axum::serve(form_at, form).with_graceful_shutdown(stop()).into_future();
            let api = axum::serve(api_at, api).with_graceful_shutdown(stop()).into_future();
            tokio::try_join!(form, api)?;
        }
    }
    Ok(app.uploads().drain(Duration::from_secs(30)).await?)
}

/// Ends when the process is told to, and ends running uploads with it.
async fn stopped(uploads: UploadHttp) {
    let _ = tokio::signal::ctrl_c().await;
    uploads.tasks().stop();
}

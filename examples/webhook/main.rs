//! A receiver of webhooks: it believes nothing that is not signed, and tells of each upload once.
//!
//! ```text
//!   webhook --secret some-secret-of-24-bytes-or-more
//! ```
//! and in the configuration of `upload-server`:
//!
//! ```text
//!   [[webhooks]]
//!   url = "http://127.0.0.1:9000/hook"
//!   secret = "some-secret-of-24-bytes-or-more"
//! ```
//! Each upload that is complete is told with its id in `Webhook-Id`, again and again (after 1 s, 2 s, 4 s, up to an hour,
//! for a week) until the answer is 2xx: *at least* once. So a receiver
//! 1. checks the signature over the bytes as they came, before it reads anything in them: anybody can send requests;
//! 2. refuses what was signed long ago: a request may have been recorded;
//! 3. writes down what it was told *before* it answers: after a 2xx it is not told again;
//! 4. knows the ids it was told, and does nothing for one that comes again;
//! 5. answers soon, and does what takes long afterwards: a slow answer is a refusal.

use std::collections::HashSet;
use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use clap::Parser;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use upload_events::{Secret, Signed, verify};

/// How far the sender's clock may be from this one, and how long a recorded request is good for.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Receives webhooks and prints what was uploaded.
#[derive(Debug, Parser)]
#[command(name = "webhook")]
struct Args {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:9000", value_name = "ADDR")]
    listen: SocketAddr,

    /// The secret that is shared with the sender
    #[arg(long, env = "WEBHOOK_SECRET", hide_env_values = true, value_name = "SECRET")]
    secret: String,
}

/// What the receiver knows.
#[derive(Debug)]
struct Receiver {
    secret: Secret,
    /// The ids it was told. A real one has them in its database, beside what it did for them.
    told: Mutex<HashSet<String>>,
}

/// What it wants to know of a notice; there is more in it.
#[derive(Debug, Deserialize)]
struct Notice {
    id: String,
    kind: String,
    upload: Upload,
}

#[derive(Debug, Deserialize)]
struct Upload {
    destination: String,
    length: u64,
    content_type: Option<String>,
    file_name: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let receiver = Receiver { secret: Secret::new(&args.secret)?, told: Mutex::default() };
    let listener = tokio::net::TcpListener::bind(args.listen).await?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    let app = Router::new().route("/hook", post(hook)).with_state(Arc::new(receiver));
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    Ok(axum::serve(listener, app).with_graceful_shutdown(stop).await?)
}

async fn hook(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, (StatusCode, String)> {
    let signed = Signed::of(&headers)
        .and_then(|signed| verify(&receiver.secret, &signed, &body, SystemTime::now(), TOLERANCE));
    signed.map_err(|e| (StatusCode::UNAUTHORIZED, e.to_string()))?;
    let Notice { id, kind, upload } =
        serde_json::from_slice(&body).map_err(|e| (StatusCode::BAD_REQUEST, e.to_string()))?;
    let Upload { destination, length, content_type, file_name } = upload;
    let of_type = content_type.as_deref().unwrap_or("of no known type");
    // The name is the client's: quoted, it cannot play tricks on who reads this.
    let name = file_name.unwrap_or_default();
    let mut told = receiver.told.lock().unwrap_or_else(PoisonError::into_inner);
    let news = if told.contains(&id) { "again: " } else { "" };
    let line = format!("{news}{kind} {id}: {name:?} in {destination}, {length} bytes, {of_type}");
    // What cannot be written down was not told.
    writeln!(std::io::stdout(), "{line}").map_err(|e| (StatusCode::SERVICE_UNAVAILABLE, e.to_string()))?;
    told.insert(id);
    Ok(StatusCode::NO_CONTENT)
}

//! Files go from the browser, or curl, straight into a bucket: the application signs, and never sees a byte.
//!
//! ```text
//!   export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… AWS_REGION=eu-west-1
//!   cargo run --bin signed_s3 --features cloud -- s3://BUCKET
//! ```
//! `az://CONTAINER` and `gs://BUCKET` work the same. The page is on <http://127.0.0.1:8083>; for it the bucket's CORS must allow PUT
//! from there with the headers content-disposition, content-type, if-none-match, x-amz-checksum-sha256 and, in Azure, x-ms-*. With curl:
//!
//! ```text
//!   curl -s http://127.0.0.1:8083/api/v1/upload/direct -H "X-API-Key: $KEY" -H 'Content-Type: application/json' \
//!     -d '{"blob":{"filename":"a.txt","content_type":"text/plain","byte_size":6,"checksum":"sQqNsWTgdUEFt6mb5y4/5Q=="}}'
//!   printf 'hello\n' | curl -T - "$URL" -H … (each header of direct_upload)
//!   curl -s http://127.0.0.1:8083/api/v1/upload/direct/$SIGNED_ID -H "X-API-Key: $KEY"      (stored, and where to read it)
//! ```

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use clap::Parser;
use upload_core::ports::Ids;
use upload_core::{Destinations, Policy, Roles, TenantName};
use upload_engine::{Engine, OsIds, Secrets};
use upload_http_axum::auth::ApiKeys;
use upload_http_axum::dialect::direct_upload::{self, DirectUploadSettings};
use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, store};
use upload_storage::object::{ObjectBlobs, ObjectRecords, Provider, ProviderSettings};

/// A page whose files go straight into a bucket.
#[derive(Debug, Parser)]
#[command(name = "signed_s3")]
struct Args {
    /// s3://BUCKET, az://CONTAINER or gs://BUCKET, and a prefix; its keys are in the environment
    store: String,

    /// Address of the page; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8083", value_name = "ADDR")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let open = |settings| Provider::open(&args.store, std::env::vars(), &settings).map(Arc::new);
    let clock = Arc::new(TokioClock::new());
    let blobs = ObjectBlobs::new(open(ProviderSettings::default())?).with_signing(clock.clone())?;
    let records = ObjectRecords::new(open(ProviderSettings::records())?);
    // They are asked for by the page. An application has its own way of knowing its users, and keeps its secret.
    let (key, secret) = (random()?, random()?);
    let engine = Engine::builder(Arc::new(blobs), Arc::new(records), clock)
        .destinations(Destinations::new().with("direct", Policy::new(5 << 30)))
        .secrets(Secrets::new(secret.as_bytes())?)
        .build();
    let keys = ApiKeys::new().with(&key, TenantName::new("page")?, Roles::default())?;
    let uploads = UploadHttp::new(engine, Arc::new(keys), HttpSettings::default());

    let listener = tokio::net::TcpListener::bind(args.listen).await?;
    let address = listener.local_addr()?;
    uploads.set_public_url(&format!("http://{address}"));
    let mut settings = DirectUploadSettings::default();
    settings.service_name = match args.store.split_once("://").map(|(scheme, _)| scheme) {
        Some("az") => "azure".to_owned(),
        Some("gs") => "google".to_owned(),
        _ => "amazon".to_owned(),
    };
    let page = Html(include_str!("page.html").replace("{key}", &key));
    let app = Router::new()
        .route("/", get(move || std::future::ready(page.clone())))
        .merge(direct_upload::router(&uploads, &settings))
        .merge(store::router(&uploads));
    writeln!(std::io::stdout(), "the page is on http://{address}\nthe key is {key}")?;

    let engine = uploads.engine().clone();
    tokio::spawn(async move {
        loop {
            // What fails stays due. The sweep also finds what is in the bucket and nobody told of.
            let _ = (engine.sweep().await, engine.janitor().await);
            tokio::time::sleep(Duration::from_secs(300)).await;
        }
    });
    let stop = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stop).await?;
    Ok(uploads.drain(Duration::from_secs(30)).await?)
}

/// 128 bits that nobody guesses.
fn random() -> Result<String, Box<dyn Error>> {
    let mut bytes = [0; 16];
    OsIds::default().fill(&mut bytes);
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

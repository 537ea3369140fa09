//! What the operator asks: is it well, and how much has it done.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use upload_http_axum::UploadHttp;

/// How often the exporter tidies what it holds.
pub(crate) const METRICS_UPKEEP: Duration = Duration::from_secs(5);

/// The numbers that this process counts.
#[derive(Clone)]
pub(crate) struct Metrics(PrometheusHandle);

impl Metrics {
    /// Counts from now on, if that is wanted.
    pub(crate) fn install(wanted: bool) -> Result<Option<Self>, BuildError> {
        if !wanted {
            return Ok(None);
        }
        let handle = PrometheusBuilder::new().install_recorder()?;
        metrics::describe_counter!("upload_begun_total", "Uploads begun");
        metrics::describe_counter!("upload_completed_total", "Uploads completed");
        metrics::describe_counter!("upload_completed_bytes_total", "Bytes of completed uploads");
        metrics::describe_counter!("upload_received_bytes_total", "Bytes received and kept");
        metrics::describe_counter!("upload_failed_total", "Uploads that failed for good");
        metrics::describe_counter!("upload_expired_total", "Uploads given up at their deadline");
        metrics::describe_counter!("upload_server_connections_total", "Connections accepted");
        metrics::describe_gauge!("upload_server_connections_open", "Connections open now");
        Ok(Some(Self(handle)))
    }

    /// Tidies what the exporter holds; to be called now and then.
    pub(crate) fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// `GET /healthz`, and `GET /metrics` if there are metrics.
pub(crate) fn routes(uploads: UploadHttp, metrics: Option<Metrics>) -> Router {
    let routes = Router::new().route("/healthz", get(health)).with_state(uploads);
    match metrics {
        Some(metrics) => routes.merge(Router::new().route("/metrics", get(render)).with_state(metrics)),
        None => routes,
    }
}

async fn health(State(uploads): State<UploadHttp>) -> Response {
    if uploads.tasks().is_stopping() {
        return unwell("stopping");
    }
    match uploads.engine().health().await {
        Ok(()) => (StatusCode::OK, [(header::CACHE_CONTROL, "no-store")], "ok\n").into_response(),
        Err(e) => {
            tracing::error!("unwell: {}", crate::explain("health", &e));
            unwell("the storage is not available; restart the server")
        }
    }
}

fn unwell(why: &str) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::RETRY_AFTER, "5")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, format!("{why}\n")).into_response()
}

async fn render(State(metrics): State<Metrics>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.0.render()).into_response()
}

//! Notices as signed requests.

mod connect;
mod exchange;
mod notice;
mod url;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use http::{Request, header};
use tokio::time::timeout;
use upload_core::{Outcome, ports::Events};

pub use self::{
    connect::{Connect, Connection, Endpoint, Tcp},
    url::UrlError,
};
use self::{exchange::exchange, url::Url};
use crate::signature::{Secret, names, sign};

/// What is sent as `user-agent`.
const AGENT: &str = concat!("upload-events/", env!("CARGO_PKG_VERSION"));

/// How long a webhook waits. Both together are to be less than the engine's `notice_time` (30 s): when that has passed, the
/// delivery is broken off.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct WebhookSettings {
    /// For a connection, with the look-up of its host (default 5 s).
    pub connect_timeout: Duration,
    /// For the answer, from the first byte of the request on (default 15 s).
    pub answer_timeout: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(5), answer_timeout: Duration::from_secs(15) }
    }
}

/// Sends each notice to one address, in a request like this on a connection of its own:
///
/// ```text
/// POST /hook HTTP/1.1
/// content-type: application/json
/// webhook-id: <the upload's id>
/// webhook-timestamp: <now, in seconds since the Unix epoch>
/// webhook-signature: v1,<base64 of HMAC-SHA-256 over id.timestamp.body>
///
/// {"id": "<the upload's id>", "kind": "upload.completed", "upload": {
///   "id": …, "destination": "photos", "length": 3141, "digests": {"sha-256": "<hex>"},
///   "content_type": "image/jpeg" or null, "file_name": "as the client has it" or null,
///   "committed": "2026-11-21T18:00:00.000Z", "content_removed": false,
///   "charges": [{"what": …, "amount": …}], "extras": {…}, "details": {…}}}
/// ```
///
/// The form of id, timestamp and signature is that of Standard Webhooks, so receivers can use its libraries, or
/// [`verify`](crate::verify). The id is the same whenever the notice comes again; the timestamp and with it the signature
/// are not. `file_name` is the client's: clean it before use. Where the bytes lie in the store is not told; whoever
/// may read the upload reads it by its id.
///
/// The notice is taken when the answer's status is 2xx. Everything else (another status, a redirect: none is followed; no
/// answer in time, no connection) means that it comes again. Of the answer's body a little is read, so that the receiver sees a
/// clean end, and thrown away.
///
/// The address is the operator's, never a client's: it is not checked where it leads.
pub struct Webhook {
    url: Url,
    secret: Secret,
    connector: Arc<dyn Connect>,
    settings: WebhookSettings,
}

impl Webhook {
    /// To an `http://` address.
    ///
    /// # Errors
    /// For what is no such address; for `https://` as well, which takes [`connecting`](Self::connecting).
    pub fn new(url: &str, secret: Secret) -> Result<Self, UrlError> {
        let webhook = Self::connecting(url, secret, Arc::new(Tcp))?;
        if webhook.url.endpoint.secure { Err(UrlError::Secure) } else { Ok(webhook) }
    }

    /// To an `http://` or `https://` address, by connections of the application's own.
    ///
    /// # Errors
    /// For what is no such address.
    pub fn connecting(url: &str, secret: Secret, connector: Arc<dyn Connect>) -> Result<Self, UrlError> {
        Ok(Self { url: url.parse()?, secret, connector, settings: WebhookSettings::default() })
    }

    /// The same with these time-outs.
    #[must_use]
    pub fn settings(mut self, settings: WebhookSettings) -> Self {
        self.settings = settings;
        self
    }

    fn request(&self, outcome: &Outcome) -> Result<Request<String>, String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (id, timestamp) = (outcome.id.as_str(), now.as_secs().to_string());
        let body = notice::body(outcome)?;
        let signature = sign(&self.secret, id, &timestamp, body.as_bytes());
        Request::post(&*self.url.path)
            .header(header::HOST, &*self.url.host)
            .header(header::USER_AGENT, AGENT)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONNECTION, "close")
            .header(names::ID, id)
            .header(names::TIMESTAMP, timestamp)
            .header(names::SIGNATURE, signature)
            .body(body)
            .map_err(|e| format!("the notice is no request: {e}"))
    }
}

/// Neither the secret nor the path, which may hold one.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("to", &self.url.endpoint)
            .field("connector", &self.connector)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Events for Webhook {
    fn keeps(&self) -> bool {
        true
    }

    async fn deliver(&self, outcome: &Outcome) -> Result<(), String> {
        let (to, settings) = (&self.url.endpoint, &self.settings);
        let request = self.request(outcome)?;
        let connecting = timeout(settings.connect_timeout, self.connector.connect(to));
        let connection = match connecting.await {
            Ok(connected) => connected.map_err(|e| format!("no connection to {to}: {e}"))?,
            Err(_) => return Err(format!("no connection to {to} within {:?}", settings.connect_timeout)),
        };
        match timeout(settings.answer_timeout, exchange(connection, request)).await {
            Ok(Ok(status)) if status.is_success() => Ok(()),
            Ok(Ok(status)) if status.is_redirection() => {
                Err(format!("{to} answered {}: redirects are not followed", status.as_u16()))
            }
            Ok(Ok(status)) => Err(format!("{to} answered {}", status.as_u16())),
            Ok(Err(e)) => Err(format!("no answer from {to}: {e}")),
            Err(_) => Err(format!("no answer from {to} within {:?}", settings.answer_timeout)),
        }
    }
}

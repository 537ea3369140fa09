//! Where notices of completed uploads go: webhooks, a stream in the process, several of them.
//!
//! **What it is.** Implementations of [`upload_core::ports::Events`]. The engine keeps the notice of every completed upload in
//! its outbox until [`deliver`](upload_core::ports::Events::deliver) has taken it, so each of them hears of each upload *at
//! least once*, across crashes of either side, always under the same id: the upload's. Who hears twice knows it by the id.
//!
//! **What it is not.** No queue and no retries of its own: the outbox has both. It keeps no order among uploads, starts no
//! task, and brings no TLS: an application gives its own connections (`Connect`), or puts a proxy in between.
//!
//! ```text
//!   Engine::deliver ──► Events::deliver ──┬── Webhook ── signed POST ──► receiver: verify(…), 2xx
//!     (the outbox)         (Fanout)       └── EventSink ──► EventStream ──► Notice::taken
//! ```
//!
//! A worker in the process, and a receiver's check of what a webhook sent it:
//!
//! ```
//! # #[cfg(feature = "webhook")] {
//! use std::{sync::Arc, time::{Duration, SystemTime}};
//! use upload_events::{EventStream, Fanout, Secret, Signed, Webhook, sign, verify};
//!
//! let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")?;
//! let (sink, notices) = EventStream::bounded(16);
//! let webhook = Webhook::new("http://127.0.0.1:9000/hook", secret.clone())?;
//! let events = Fanout::new([Arc::new(sink) as _, Arc::new(webhook) as _]);
//! // Engine::builder(…).events(Arc::new(events)).build(), and a task of the application's that reads `notices`.
//! # let _ = (events, notices);
//!
//! let now = SystemTime::now();
//! let timestamp = now.duration_since(SystemTime::UNIX_EPOCH)?.as_secs().to_string();
//! let signature = sign(&secret, "an-upload", &timestamp, b"{}");
//! let signed = Signed::new("an-upload", &timestamp, &signature);
//! assert!(verify(&secret, &signed, b"{}", now, Duration::from_secs(300)).is_ok());
//! assert!(verify(&secret, &signed, b"{ }", now, Duration::from_secs(300)).is_err());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | feature | default | what it brings |
//! |---|---|---|
//! | `webhook` | yes | `Webhook`, over hyper and tokio; and `signature` |
//! | `signature` | yes | `sign`, `verify`: all that a receiver needs |
//!
//! [`EventStream`] and [`Fanout`] are always there and name no runtime.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod fanout;
#[cfg(feature = "signature")]
mod signature;
mod stream;
#[cfg(feature = "webhook")]
mod webhook;

pub use fanout::Fanout;
#[cfg(feature = "signature")]
pub use signature::{Secret, SecretError, Signed, VerifyError, names, sign, verify};
pub use stream::{EventSink, EventStream, Notice};
#[cfg(feature = "webhook")]
pub use webhook::{Connect, Connection, Endpoint, Tcp, UrlError, Webhook, WebhookSettings};

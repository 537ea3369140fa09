//! Upload APIs as axum routers over the engine, one module a dialect, and what several dialects share.
//!
//! *What it is*: a translation. A dialect reads a request, makes one call of the engine, and writes the answer.
//! [`auth`] says who asks, [`multipart`] reads forms without keeping a file, [`download`] plans safe answers,
//! [`tasks`] keeps an upload going when its client has gone.
//!
//! *What it is not*: it decides nothing about uploads, knows no store, opens no port and starts no server. The
//! application builds the engine with its stores, and serves the router.
//!
//! ```text
//!             axum::Router
//!                  │  cors ─ guard (time-outs, stop, linger)
//!       ┌──────────┴─────────┐
//!   dialect::picomes    (others)      parse ─> one engine call ─> render
//!       └──────────┬─────────┘
//!      auth · form · multipart · download · serve · tasks · names
//!                  │
//!            upload_engine::Engine
//! ```
//!
//! ```
//! use std::sync::Arc;
//! use upload_core::{Destinations, Policy, Roles, TenantName};
//! use upload_engine::Engine;
//! use upload_http_axum::{HttpSettings, TokioClock, UploadHttp, auth::ApiKeys, dialect::picomes};
//! use upload_storage::memory::{MemoryBlobs, MemoryRecords};
//!
//! let images = Policy::new(8 << 20).prefix("/api/v1/images");
//! let engine = Engine::builder(
//!     Arc::new(MemoryBlobs::new()),
//!     Arc::new(MemoryRecords::new()),
//!     Arc::new(TokioClock::new()),
//! )
//! .destinations(Destinations::new().with("stepImage", images))
//! .build();
//! let keys = ApiKeys::new().with("a-long-random-key", TenantName::new("acme")?, Roles::default())?;
//! let uploads = UploadHttp::new(engine, Arc::new(keys), HttpSettings::default());
//! let app: axum::Router = picomes::router(&uploads);
//! // axum::serve(listener, app).await, and uploads.drain(limit).await when told to stop.
//! # Ok::<(), upload_core::Error>(())
//! ```
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `direct-upload` | yes | [`dialect::direct_upload`] |
//! | `picomes` | yes | [`dialect::picomes`] |
//! | `placeos` | yes | [`dialect::placeos`] |
//! | `pixlab` | yes | [`dialect::pixlab`], [`RateLimit`] |
//! | `tus` | yes | [`dialect::tus`] |
//! | `wickson` | yes | [`dialect::wickson`], [`RateLimit`] |
//! | `signed` | with `direct-upload`, `placeos` | [`store`]: the endpoints that signed requests go to |
#![forbid(unsafe_code)]
#![warn(missing_docs)]
// What dialects share is dead code where none is built.
#![cfg_attr(
    not(all(
        feature = "direct-upload",
        feature = "picomes",
        feature = "pixlab",
        feature = "placeos",
        feature = "tus",
        feature = "wickson"
    )),
    allow(dead_code, unused_imports)
)]

mod answer;
pub mod auth;
mod body;
mod clock;
mod cors;
#[cfg(any(feature = "direct-upload", feature = "tus", feature = "wickson"))]
mod date;
pub mod dialect;
pub mod download;
mod form;
mod limits;
mod log;
pub mod multipart;
pub mod names;
#[cfg(any(feature = "pixlab", feature = "wickson"))]
mod rate;
mod request;
mod serve;
mod settings;
#[cfg(feature = "signed")]
mod signed;
mod state;
#[cfg(feature = "signed")]
pub mod store;
pub mod tasks;
#[cfg(feature = "wickson")]
mod uuid;

pub use clock::TokioClock;
#[cfg(any(feature = "pixlab", feature = "wickson"))]
pub use rate::RateLimit;
pub use settings::{CorsSettings, HttpSettings};
pub use state::UploadHttp;

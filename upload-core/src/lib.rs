//! The nouns of the upload engine: destinations and policy, the lifecycle machine, stored records,
//! outcomes, errors and the ports that back ends implement.
//!
//! *What it is*: plain data and pure functions. [`lifecycle::decide`] takes a view, the time and a command and
//! gives events or a refusal; [`lifecycle::apply`] folds an event into the view. Time, randomness and storage
//! are values or [`ports`].
//!
//! *What it is not*: it runs nothing, opens nothing, knows no clock and no wire format.
//!
//! ```text
//!   Command ──> decide(&view, now) ──> [Event] ──> apply(&mut view)      Receiving ─> Verifying ─> Committing ─> Completed
//!                    │                    │                                  │            │
//!                 Refusal          records (CAS put)                    Cancelled,     Failed
//!                                                                       Expired
//! ```
//!
//! ```
//! use upload_core::{Policy, TypeRule};
//!
//! let policy = Policy::new(8 * 1024 * 1024).accept(TypeRule::only(["image/jpeg", "image/png"]));
//! assert!(policy.check_length(9 * 1024 * 1024).is_err());
//! assert!(policy.types.accepts(Some("image/png")));
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod error;
pub mod grant;
pub mod ids;
pub mod lifecycle;
pub mod outcome;
pub mod policy;
pub mod ports;
pub mod principal;
pub mod record;
pub mod time;

pub use error::{Error, ErrorKind, Fault, Remedy, Result};
pub use grant::{Access, Ask, Grant, SignedRequest, Verb};
pub use ids::{Fragment, Handle, ObjectKey, StagingName, TenantName, UploadId};
pub use outcome::{Charge, Extras, Inspection, Outcome, Stage};
pub use policy::{Destination, Destinations, Policy, TypeRule, Visibility};
pub use principal::{Action, Principal, Role, Roles};
pub use time::{Hour, Timestamp};

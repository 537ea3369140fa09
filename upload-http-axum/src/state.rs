use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use upload_core::{Error, ErrorKind, Principal};
use upload_engine::Engine;

use crate::auth::{AuthError, Authenticate};
use crate::body::Room;
use crate::settings::HttpSettings;
use crate::tasks::{StillRunning, Tasks};

/// What the routers of all dialects share. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct UploadHttp(Arc<Parts>);

struct Parts {
    engine: Engine,
    authenticate: Arc<dyn Authenticate>,
    settings: HttpSettings,
    tasks: Tasks,
    public_url: OnceLock<String>,
    bound_url: OnceLock<String>,
    room: Room,
}

impl UploadHttp {
    /// Uploads into this engine by those whom `authenticate` knows.
    pub fn new(engine: Engine, authenticate: Arc<dyn Authenticate>, settings: HttpSettings) -> Self {
        Self(Arc::new(Parts {
            engine,
            authenticate,
            room: Room::new(settings.collected),
            settings,
            tasks: Tasks::new(),
            public_url: OnceLock::new(),
            bound_url: OnceLock::new(),
        }))
    }

    /// Sets what URLs begin with: `scheme://host[:port][/path]` under which clients reach the application's root. Once, before
    /// serving; later calls change nothing.
    pub fn set_public_url(&self, url: &str) {
        let _ = self.0.public_url.set(url.trim_end_matches('/').to_owned());
    }

    /// Sets what signed URLs begin with while no [public URL](Self::set_public_url) is set: the address that the server listens
    /// on. A request's own Host is never used for them. Once, before serving; later calls change nothing.
    pub fn set_bound_url(&self, url: &str) {
        let _ = self.0.bound_url.set(url.trim_end_matches('/').to_owned());
    }

    /// What signed URLs begin with, without a slash at its end: the public URL, else that of the bound address.
    ///
    /// # Errors
    /// `Unsupported` if neither was set.
    pub fn public_url(&self) -> Result<&str, Error> {
        let unset = || Error::new(ErrorKind::Unsupported, "the server has no public URL for signed requests");
        self.configured_url().or_else(|| self.0.bound_url.get().map(String::as_str)).ok_or_else(unset)
    }

    /// The public URL, if one was set.
    pub(crate) fn configured_url(&self) -> Option<&str> {
        self.0.public_url.get().map(String::as_str)
    }

    /// The request with the body's limits of time, and with an end that lets an early answer be seen: what every route of a
    /// dialect has, for routes beside them (a fallback, say) that may be sent bodies too.
    pub fn guard(&self, request: axum::extract::Request) -> axum::extract::Request {
        crate::body::guard(request, self.settings(), self.tasks())
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Limits and time-outs.
    pub fn settings(&self) -> &HttpSettings {
        &self.0.settings
    }

    /// Where bodies are collected.
    pub(crate) fn room(&self) -> &Room {
        &self.0.room
    }

    /// The tasks of running requests.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Who presented this credential.
    ///
    /// # Errors
    /// As [`Authenticate::authenticate`].
    pub async fn authenticate(&self, presented: Option<&str>) -> Result<Principal, AuthError> {
        self.0.authenticate.authenticate(presented).await
    }

    /// Takes no more uploads, ends running bodies (the engine keeps what arrived), and waits at most `limit` for
    /// requests to be answered. Call it when the process is told to stop, beside the server's own graceful shutdown.
    ///
    /// # Errors
    /// [`StillRunning`] if some were not.
    pub async fn drain(&self, limit: Duration) -> Result<(), StillRunning> {
        self.0.tasks.drain(limit).await
    }
}

impl fmt::Debug for UploadHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { authenticate, settings, .. } = &*self.0;
        f.debug_struct("UploadHttp")
            .field("authenticate", authenticate)
            .field("settings", settings)
            .finish_non_exhaustive()
    }
}

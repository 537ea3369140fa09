//! What all requests have in common.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{OriginalUri, Request};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use upload_core::{Error, Inspection, Principal, UploadId};

use super::super::parse;
use super::super::render::{self, Failure};
use super::super::settings::TusSettings;
use super::super::wire::{self, Kept};
use crate::auth::AuthError;
use crate::state::UploadHttp;
use crate::{log, request};

/// What the routes share.
#[derive(Clone)]
pub(in crate::dialect::tus) struct App {
    pub(in crate::dialect::tus) uploads: UploadHttp,
    pub(in crate::dialect::tus) settings: Arc<TusSettings>,
}

/// A request whose version is ours.
pub(in crate::dialect::tus) struct Call {
    /// The upload's id as the path has it, where it has one.
    id: Option<String>,
    pub(in crate::dialect::tus) original: OriginalUri,
    parts: Parts,
}

impl Call {
    pub(in crate::dialect::tus) fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Where the router is nested.
    pub(in crate::dialect::tus) fn nested(&self) -> String {
        request::nested_at(&self.original, &self.parts.uri)
    }

    /// # Errors
    /// `NotFound` for what is no id.
    pub(in crate::dialect::tus) fn id(&self) -> Result<UploadId, Error> {
        UploadId::parse(self.id.as_deref().unwrap_or_default())
    }
}

impl App {
    /// The method that counts, and the request, if what all requests have in common is as it should be.
    pub(in crate::dialect::tus) fn admit(
        original: OriginalUri,
        id: Option<String>,
        request: Request,
    ) -> (Method, Result<(Call, Body), Failure>) {
        let (parts, body) = request.into_parts();
        let method = match parse::method(&parts.method, &parts.headers) {
            Ok(method) => method,
            Err(error) => return (parts.method, Err(error.into())),
        };
        let speaks = parse::speaks(&method, &parts.headers);
        let admitted = if speaks { Ok((Call { id, original, parts }, body)) } else { Err(Failure::Version) };
        (method, admitted)
    }

    /// Runs the work of a request in a task that outlives its connection.
    pub(in crate::dialect::tus) async fn detached<W>(
        &self,
        work: impl FnOnce(Self) -> W,
    ) -> Result<Response, Failure>
    where
        W: Future<Output = Result<Response, Failure>> + Send + 'static,
    {
        self.uploads.tasks().run(work(self.clone())).await.unwrap_or_else(|error| Err(error.into()))
    }

    /// The answer to a method with what all answers have.
    pub(in crate::dialect::tus) fn answer(
        &self,
        method: &Method,
        ended: Result<Response, Failure>,
    ) -> Response {
        let mut answer = ended.unwrap_or_else(|failure| self.failed(&failure));
        let headers = answer.headers_mut();
        if *method != Method::OPTIONS {
            headers.insert(wire::RESUMABLE, HeaderValue::from_static(wire::VERSION));
        }
        let no_store = || HeaderValue::from_static("no-store");
        headers.entry(header::CACHE_CONTROL).or_insert_with(no_store);
        if *method == Method::HEAD && answer.status() != StatusCode::OK {
            answer.headers_mut().remove(header::CONTENT_TYPE);
            *answer.body_mut() = Body::empty();
        }
        answer
    }

    pub(in crate::dialect::tus) fn failed(&self, failure: &Failure) -> Response {
        if let Failure::Upload(error) = failure {
            log::failed(error);
        }
        render::failure(failure, self.uploads.settings().retry_after)
    }

    pub(in crate::dialect::tus) async fn authenticate(&self, call: &Call) -> Result<Principal, AuthError> {
        match (request::api_key(&call.parts.headers), &self.settings.anonymous) {
            (None, Some(anybody)) => Ok(anybody.clone()),
            (presented, _) => self.uploads.authenticate(presented).await,
        }
    }

    /// An upload of this dialect's that there is something to be had of.
    pub(in crate::dialect::tus) async fn find(
        &self,
        who: &Principal,
        id: &UploadId,
    ) -> Result<(Inspection, Kept), Error> {
        self.known(self.uploads.engine().inspect(who, id).await?)
    }

    pub(in crate::dialect::tus) fn known(&self, seen: Inspection) -> Result<(Inspection, Kept), Error> {
        let kept = render::kept(&seen.extras)?;
        match render::gone(&seen, self.uploads.engine().clock().now()) {
            Some(gone) => Err(gone),
            None => Ok((seen, kept)),
        }
    }
}

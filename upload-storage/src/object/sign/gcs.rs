use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use object_store::signer::{HeaderName, HeaderValue, Method, SignedUrlOptions, Signer as _};
use upload_checksum::{Algorithm, Digest};
use upload_core::{
    Access, ObjectKey, SignedRequest,
    ports::{Binding, Part, Session, SignFor, Signer, StoreError},
};

use super::{
    key, lifetime, sent,
    xml_api::{Names, Shape, verb},
};
use crate::object::{Provider, failed::failed, wrong};

/// V4 signatures by `object_store`, whose clock is the system's.
#[derive(Debug)]
pub(super) struct GcsSigner {
    pub(super) provider: Arc<Provider>,
}

const NAMES: Names = Names { write_once: ("x-goog-if-generation-match", "0"), digest };

fn digest(digest: &Digest) -> Option<(&'static str, String)> {
    match digest.algorithm() {
        Algorithm::Md5 => Some(("content-md5", digest.to_base64())),
        Algorithm::Crc32c => Some(("x-goog-hash", format!("crc32c={}", digest.to_base64()))),
        _ => None,
    }
}

#[async_trait]
impl Signer for GcsSigner {
    fn binding(&self) -> Binding {
        let mut binding = Binding::nothing();
        binding.digests = &[Algorithm::Md5, Algorithm::Crc32c];
        (binding.keeps_put, binding.keeps_parts) = (true, true);
        binding.max_put = self.provider.profile().max_object();
        binding
    }

    async fn sign(&self, ask: &SignFor<'_>) -> Result<SignedRequest, StoreError> {
        let store = self.provider.gcs();
        let store = store.ok_or_else(|| StoreError::unsupported("sign as Google", &self.provider.name()))?;
        let path = self.provider.path(key(ask)?.as_str())?;
        let mut shape = Shape::of(ask, &NAMES)?;
        // Of whole objects only: Google's page names no other request that takes it.
        if let (Access::Put, Some(length)) = (ask.access, shape.length) {
            shape.headers.push(("x-goog-content-length-range", format!("{length},{length}")));
        }
        let mut options = SignedUrlOptions::new().with_query(shape.query.clone());
        for (name, value) in &shape.headers {
            let header = HeaderValue::from_str(value)
                .map_err(|e| wrong(format!("{value:?} cannot stand in a header")).with_source(e))?;
            options = options.with_signed_header(HeaderName::from_static(name), header);
        }
        let method = Method::from_bytes(shape.method.as_bytes())
            .map_err(|e| wrong(format!("{} is no method", shape.method)).with_source(e))?;
        let lifetime = Duration::from_secs(lifetime(ask)?);
        let signed = store.signed_url_opts(method, &path, lifetime, &options).await;
        let url = signed.map_err(|e| failed("signing", e))?;
        let mut request = SignedRequest::new(verb(ask.access), url);
        request.fields = shape.fields();
        Ok(request)
    }

    async fn sent(&self, key: &ObjectKey, session: Option<&Session>) -> Result<Vec<Part>, StoreError> {
        sent(&self.provider, key, session).await
    }
}

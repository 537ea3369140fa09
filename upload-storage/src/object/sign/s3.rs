use std::sync::Arc;

use async_trait::async_trait;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use upload_checksum::{Algorithm, Digest};
use upload_core::{
    ObjectKey, SignedRequest,
    ports::{Binding, Clock, Part, Session, SignFor, Signer, StoreError},
};

use super::{
    key, lifetime,
    moment::Moment,
    sent,
    text::{encoded, joined},
    xml_api::{Names, Shape, verb},
};
use crate::object::{Profile, Provider, failed::failed, wrong};

/// "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", written here because `object_store` does not
/// sign `content-length`, which is what binds a body's size.
#[derive(Debug)]
pub(super) struct S3Signer {
    pub(super) provider: Arc<Provider>,
    pub(super) clock: Arc<dyn Clock>,
}

const NAMES: Names = Names { write_once: ("if-none-match", "*"), digest };

/// What Amazon checks of a PUT ("Checking object integrity").
const AWS: [Algorithm; 5] =
    [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Crc32c, Algorithm::Crc64Nvme];

fn digest(digest: &Digest) -> Option<(&'static str, String)> {
    let name = match digest.algorithm() {
        Algorithm::Md5 => "content-md5",
        Algorithm::Sha1 => "x-amz-checksum-sha1",
        Algorithm::Sha256 => "x-amz-checksum-sha256",
        Algorithm::Crc32c => "x-amz-checksum-crc32c",
        Algorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
        _ => return None,
    };
    Some((name, digest.to_base64()))
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length, so there is always one.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(text).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Who signs, and where.
#[derive(Debug)]
struct Scope<'a> {
    key_id: &'a str,
    secret: &'a str,
    token: Option<&'a str>,
    region: &'a str,
    now: Moment,
}

/// The whole URL of this request to `endpoint/path`.
fn signed(
    scope: &Scope<'_>,
    endpoint: &str,
    path: &str,
    shape: &Shape,
    seconds: u64,
) -> Result<String, StoreError> {
    let bad = || wrong(format!("{endpoint:?} is no address"));
    let (scheme, rest) = endpoint.split_once("://").ok_or_else(bad)?;
    let (host, base) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let path = encoded(&format!("{base}/{path}"), "/");
    let (day, date) = (scope.now.day(), scope.now.basic());
    let within = format!("{day}/{}/s3/aws4_request", scope.region);

    let mut headers: Vec<(&str, String)> = shape.headers.clone();
    headers.push(("host", host.to_owned()));
    headers.extend(shape.length.map(|length| ("content-length", length.to_string())));
    headers.sort_unstable();
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();

    let mut query = shape.query.clone();
    let mut add = |name: &str, value: &str| query.push((name.to_owned(), value.to_owned()));
    add("X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    add("X-Amz-Credential", &format!("{}/{within}", scope.key_id));
    add("X-Amz-Date", &date);
    add("X-Amz-Expires", &seconds.to_string());
    add("X-Amz-SignedHeaders", &names);
    scope.token.into_iter().for_each(|token| add("X-Amz-Security-Token", token));
    query.sort_unstable();
    let query = joined(&query);

    let request = format!("{}\n{path}\n{query}\n{lines}\n{names}\nUNSIGNED-PAYLOAD", shape.method);
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{within}\n{}", hex(&Sha256::digest(&request)));
    let mut signing = mac(format!("AWS4{}", scope.secret).as_bytes(), &day);
    for step in [scope.region, "s3", "aws4_request"] {
        signing = mac(&signing, step);
    }
    let signature = hex(&mac(&signing, &text));
    Ok(format!("{scheme}://{host}{path}?{query}&X-Amz-Signature={signature}"))
}

#[async_trait]
impl Signer for S3Signer {
    fn binding(&self) -> Binding {
        let mut binding = Binding::nothing();
        // Others speak the language and may not know all of its words: then a digest that they leave unread is no proof.
        binding.digests = match self.provider.profile() {
            Profile::Aws => &AWS,
            _ => &[Algorithm::Md5],
        };
        (binding.keeps_put, binding.keeps_parts) = (true, true);
        // "Amazon S3 multipart upload limits": of a single PUT.
        binding.max_put = 5 << 30;
        binding
    }

    async fn sign(&self, ask: &SignFor<'_>) -> Result<SignedRequest, StoreError> {
        let (Some(store), Some(region), Some(endpoint)) =
            (self.provider.s3(), self.provider.region(), self.provider.endpoint())
        else {
            return Err(StoreError::unsupported("sign as S3", &self.provider.name()));
        };
        let path = self.provider.path(key(ask)?.as_str())?;
        let shape = Shape::of(ask, &NAMES)?;
        let credential = store.credentials().get_credential().await;
        let credential = credential.map_err(|e| failed("asking for S3's credentials", e))?;
        let scope = Scope {
            key_id: &credential.key_id,
            secret: &credential.secret_key,
            token: credential.token.as_deref(),
            region,
            now: Moment::of(self.clock.now()),
        };
        let url = signed(&scope, endpoint, path.as_ref(), &shape, lifetime(ask)?)?;
        let mut request = SignedRequest::new(verb(ask.access), url);
        request.fields = shape.fields();
        Ok(request)
    }

    async fn sent(&self, key: &ObjectKey, session: Option<&Session>) -> Result<Vec<Part>, StoreError> {
        sent(&self.provider, key, session).await
    }
}

#[cfg(test)]
mod tests {
    use upload_core::Timestamp;

    use super::*;

    /// The example of the page "Authenticating Requests: Using Query Parameters".
    #[test]
    fn the_signature_is_that_of_the_documentation() {
        let scope = Scope {
            key_id: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            token: None,
            region: "us-east-1",
            now: Moment::of(Timestamp::from_millis(1_369_353_600_000)),
        };
        let shape = Shape { method: "GET", query: Vec::new(), headers: Vec::new(), length: None };
        let url =
            signed(&scope, "https://examplebucket.s3.amazonaws.com", "test.txt", &shape, 86_400).unwrap();
        let signature = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        assert!(url.ends_with(&format!("&X-Amz-Signature={signature}")), "{url}");
        assert!(url.starts_with("https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm="), "{url}");
    }
}

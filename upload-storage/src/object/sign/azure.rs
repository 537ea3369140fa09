use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use upload_checksum::Algorithm;
use upload_core::{
    Access, ObjectKey, SignedRequest, Verb,
    ports::{Binding, Clock, Part, Session, SignFor, Signer, StoreError},
};

use super::{
    key, lifetime,
    moment::Moment,
    text::{disposition, encoded, joined},
};
use crate::object::{
    Provider,
    parts::{Blocks, sent_name},
    wrong,
};

/// Service shared access signatures of Azure ("Create a service SAS"), by the account's key: `object_store` signs the path in
/// its encoded form, and no headers of the answer.
///
/// A signature binds a blob, a permission and a time; not the size, the digest, the type or the block. *Create* keeps an
/// object that is there; *write*, which blocks need, does not: its holder can also commit blocks, and put another object in
/// place of one.
pub(super) struct AzureSigner {
    provider: Arc<Provider>,
    clock: Arc<dyn Clock>,
    account: String,
    key: Vec<u8>,
}

const VERSION: &str = "2023-11-03";

/// Its life begins so much earlier: clocks differ.
const SKEW: Duration = Duration::from_secs(300);

impl AzureSigner {
    pub(super) fn new(provider: Arc<Provider>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let Some((account, Some(key))) = provider.azure_account() else {
            return Err(wrong(
                "signing requests to Azure takes the account's key: expected AZURE_STORAGE_ACCOUNT_KEY, got none",
            ));
        };
        let account = account.to_owned();
        let key = STANDARD.decode(key).map_err(|e| wrong("the account's key is no base64").with_source(e))?;
        Ok(Self { provider, clock, account, key })
    }

    /// The signature's names and values: what `permission` allows on `blob` for so many seconds.
    fn sas(&self, blob: &str, permission: &str, seconds: u64, shown: [&str; 2]) -> Vec<(String, String)> {
        let now = self.clock.now();
        let start = Moment::of(now.minus(SKEW)).extended();
        let end = Moment::of(now.plus(Duration::from_secs(seconds))).extended();
        let name = format!("/blob/{}/{}/{blob}", self.account, self.provider.bucket());
        let [disposition, kind] = shown;
        let text = [
            permission,
            &start,
            &end,
            &name,
            "",
            "",
            "",
            VERSION,
            "b",
            "",
            "",
            "",
            disposition,
            "",
            "",
            kind,
        ]
        .join("\n");
        // HMAC takes keys of any length, so there is always one.
        let signature = Hmac::<Sha256>::new_from_slice(&self.key)
            .map(|mac| STANDARD.encode(mac.chain_update(text).finalize().into_bytes()))
            .unwrap_or_default();
        let pairs = [
            ("sv", VERSION),
            ("sp", permission),
            ("st", &start),
            ("se", &end),
            ("sr", "b"),
            ("rscd", disposition),
            ("rsct", kind),
            ("sig", &signature),
        ];
        let given = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        given.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl fmt::Debug for AzureSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureSigner").field("provider", &self.provider).finish_non_exhaustive()
    }
}

#[async_trait]
impl Signer for AzureSigner {
    fn binding(&self) -> Binding {
        let mut binding = Binding::nothing();
        binding.keeps_put = true;
        binding.sessions = false;
        // "Scalability and performance targets for Blob storage": of a blob by one Put Blob.
        binding.max_put = 5000 << 20;
        binding
    }

    async fn sign(&self, ask: &SignFor<'_>) -> Result<SignedRequest, StoreError> {
        let seconds = lifetime(ask)?;
        let path = self.provider.path(key(ask)?.as_str())?;
        let endpoint = self.provider.endpoint().unwrap_or_default();
        let mut fields = Vec::new();
        let mut query = Vec::new();
        let mut add = |name: &str, value: &str| query.push((name.to_owned(), value.to_owned()));
        let mut shown = [String::new(), String::new()];
        let (verb, permission) = match ask.access {
            Access::Put => {
                fields.push(("x-ms-blob-type".to_owned(), "BlockBlob".to_owned()));
                (Verb::Put, "c")
            }
            Access::Part(number) => {
                add("comp", "block");
                add("blockid", &STANDARD.encode(sent_name(number)));
                (Verb::Put, "w")
            }
            Access::ListParts => {
                add("comp", "blocklist");
                add("blocklisttype", "all");
                (Verb::Get, "r")
            }
            Access::CommitParts => {
                add("comp", "blocklist");
                (Verb::Put, "w")
            }
            Access::Read => {
                shown[0] = ask.file_name.map(disposition).unwrap_or_default();
                shown[1] = ask.content_type.unwrap_or_default().to_owned();
                (Verb::Get, "r")
            }
            other => return Err(StoreError::unsupported(&format!("sign {other:?}"), &self.provider.name())),
        };
        if matches!(ask.access, Access::Put | Access::Part(_)) {
            let md5 = ask.digest.filter(|digest| digest.algorithm() == Algorithm::Md5);
            fields.extend(md5.map(|digest| ("content-md5".to_owned(), digest.to_base64())));
        }
        if let (Access::Put, Some(kind)) = (ask.access, ask.content_type) {
            fields.push(("content-type".to_owned(), kind.to_owned()));
        }
        let [disposition, kind] = &shown;
        query.extend(self.sas(path.as_ref(), permission, seconds, [disposition, kind]));
        let body = (ask.access == Access::CommitParts).then(|| block_list(ask.parts));
        let url = format!("{endpoint}/{}?{}", encoded(path.as_ref(), "/"), joined(&query));
        let mut request = SignedRequest::new(verb, url);
        request.fields = fields;
        request.body = body;
        Ok(request)
    }

    async fn sent(&self, key: &ObjectKey, _session: Option<&Session>) -> Result<Vec<Part>, StoreError> {
        Blocks::new(Arc::clone(&self.provider)).sent(key).await
    }

    async fn copy_once(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), StoreError> {
        Blocks::new(Arc::clone(&self.provider)).copy_once(from, to).await
    }
}

/// What commits these blocks, in this order ("Put Block List"), as a client expects it.
fn block_list(parts: &[Part]) -> String {
    // Base64 has nothing that XML would have to escape.
    let latest = |part: &Part| format!("<Latest>{}</Latest>", STANDARD.encode(&part.tag));
    let blocks: String = parts.iter().map(latest).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BlockList>{blocks}</BlockList>\n")
}

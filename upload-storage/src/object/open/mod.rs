//! Opening a bucket: variables to a store of its own type, one file per kind.

use upload_core::ports::StoreError;

use super::{
    Kind, Provider, ProviderSettings,
    url::{StoreUrl, wrong},
};

#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(feature = "s3")]
mod s3;

#[cfg(feature = "azure")]
pub(super) use azure::Azure;
#[cfg(feature = "s3")]
pub(super) use s3::S3;

/// Opens a store of this kind, if this build has it.
pub(super) fn open(
    kind: Kind,
    url: StoreUrl,
    env: Vec<(String, String)>,
    settings: &ProviderSettings,
) -> Result<Provider, StoreError> {
    #[cfg(feature = "cloud")]
    install_crypto();
    let _ = (&url, &env, settings);
    match kind {
        #[cfg(feature = "s3")]
        Kind::S3 => s3::open(url, &env, settings),
        #[cfg(feature = "azure")]
        Kind::Azure => azure::open(url, &env, settings),
        #[cfg(feature = "gcs")]
        Kind::Gcs => gcs::open(url, &env, settings),
        #[allow(unreachable_patterns, reason = "with all features nothing is left")]
        other => {
            Err(wrong(format!("this build cannot open stores of the kind {other:?}: its feature is off")))
        }
    }
}

/// TLS by ring, unless the application has chosen another provider before.
#[cfg(feature = "cloud")]
fn install_crypto() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(feature = "cloud")]
pub(super) use shared::*;

#[cfg(feature = "cloud")]
mod shared {
    use std::{str::FromStr, sync::Arc};

    use object_store::{
        ClientConfigKey, ClientOptions, ObjectStore,
        client::{HttpConnector as _, ReqwestConnector},
        list::PaginatedListStore,
        multipart::MultipartStore,
        signer::Signer,
    };
    use upload_core::ports::StoreError;

    use crate::object::{
        Profile, Provider, ProviderSettings,
        provider::Native,
        request::{Own, Sign},
        url::{StoreUrl, wrong},
    };

    /// The variables that count, as the store's builder knows them, and those for the client that every store shares.
    pub(in crate::object) struct Variables<K> {
        pub(in crate::object) store: Vec<(K, String)>,
        pub(in crate::object) client: ClientOptions,
        allow_http: bool,
        /// What their names begin with, such as `AWS_`.
        family: &'static str,
    }

    impl<K: FromStr> Variables<K> {
        /// Those of `env` whose names begin with `family` and that object_store knows; `client` finds the shared ones.
        pub(in crate::object) fn of(
            family: &'static str,
            env: &[(String, String)],
            settings: &ProviderSettings,
            client: impl Fn(&K) -> Option<ClientConfigKey>,
        ) -> Self {
            let mut found = Self { store: Vec::new(), client: settings.client(), allow_http: false, family };
            for (name, value) in env.iter().filter(|(name, _)| name.starts_with(family)) {
                let Ok(key) = name.to_ascii_lowercase().parse::<K>() else { continue };
                match client(&key) {
                    Some(ClientConfigKey::AllowHttp) => found.allow_http = is_true(value),
                    Some(key) => found.client = found.client.with_config(key, value),
                    None => found.store.push((key, value.clone())),
                }
            }
            found
        }

        /// Allows plain HTTP.
        #[cfg(feature = "azure")]
        pub(in crate::object) fn allow_http(&mut self) {
            self.allow_http = true;
        }

        /// The client's options, for requests to this address.
        pub(in crate::object) fn client(&self, address: &str) -> Result<ClientOptions, StoreError> {
            if address.starts_with("http://") && !self.allow_http {
                let family = self.family;
                return Err(wrong(format!(
                    "{address} is not encrypted; expected https://, or {family}ALLOW_HTTP=true where that is meant"
                )));
            }
            if !address.starts_with("http://") && !address.starts_with("https://") {
                return Err(wrong(format!("an endpoint begins with https:// or http://, got {address:?}")));
            }
            Ok(self.client.clone().with_allow_http(self.allow_http))
        }
    }

    /// As object_store reads switches.
    pub(in crate::object) fn is_true(value: &str) -> bool {
        matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y")
    }

    /// The error of a builder.
    pub(in crate::object) fn refused(url: &StoreUrl, error: object_store::Error) -> StoreError {
        wrong(format!("the store {:?} cannot be opened: {error}", url.bucket)).with_source(error)
    }

    /// A provider over one store that is all of these.
    pub(in crate::object) fn provider<S>(
        url: StoreUrl,
        profile: Profile,
        store: S,
        native: impl FnOnce(S) -> Native,
        sign: impl FnOnce(S) -> Sign,
        (endpoint, client, settings): (String, &ClientOptions, &ProviderSettings),
    ) -> Result<Provider, StoreError>
    where
        S: ObjectStore + MultipartStore + Signer + PaginatedListStore + Clone,
    {
        let client = ReqwestConnector::default().connect(client).map_err(|e| refused(&url, e))?;
        Ok(Provider {
            profile,
            url: Arc::new(url),
            store: Arc::new(store.clone()),
            multipart: Arc::new(store.clone()),
            signer: Some(Arc::new(store.clone())),
            pages: Some(Arc::new(store.clone())),
            native: native(store.clone()),
            own: Some(Own { endpoint, client, sign: sign(store), wait: settings.retry_wait }),
        })
    }
}

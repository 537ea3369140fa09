use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder, GoogleConfigKey as Key};
use upload_core::ports::StoreError;

use super::{Variables, is_true, provider, refused};
use crate::object::{
    Kind, Profile, Provider, ProviderSettings, provider::Native, request::Sign, url::StoreUrl,
};

const SERVICE: &str = "https://storage.googleapis.com";

pub(super) fn open(
    url: StoreUrl,
    env: &[(String, String)],
    settings: &ProviderSettings,
) -> Result<Provider, StoreError> {
    let variables = Variables::<Key>::of("GOOGLE_", env, settings, |key| match key {
        Key::Client(key) => Some(*key),
        _ => None,
    });
    let mut builder = GoogleCloudStorageBuilder::new().with_retry(settings.retry());
    for (key, value) in &variables.store {
        builder = builder.with_config(*key, value);
    }
    let of = |key: Key| builder.get_config_value(&key).filter(|value| !value.is_empty());
    let service = of(Key::BaseUrl).unwrap_or_else(|| SERVICE.to_owned());
    let service = service.trim_end_matches('/').to_owned();
    let endpoint = format!("{service}/{}", url.bucket);
    let client = variables.client(&endpoint)?;
    let skip = of(Key::SkipSignature).is_some_and(|value| is_true(&value));
    let store = builder
        .with_client_options(client.clone())
        .with_bucket_name(&url.bucket)
        .with_base_url(&service)
        .build()
        .map_err(|e| refused(&url, e))?;
    let profile = settings.profile.unwrap_or_else(|| Profile::guess(Kind::Gcs, None));
    let sign = |store: GoogleCloudStorage| {
        if skip { Sign::Nothing } else { Sign::Gcs(store.credentials().clone()) }
    };
    provider(url, profile, store, Native::Gcs, sign, (endpoint, &client, settings))
}

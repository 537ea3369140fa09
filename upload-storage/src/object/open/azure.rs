use object_store::azure::{AzureConfigKey as Key, MicrosoftAzure, MicrosoftAzureBuilder};
use upload_core::ports::StoreError;

use super::{Variables, is_true, provider, refused};
use crate::object::{
    Kind, Profile, Provider, ProviderSettings,
    provider::Native,
    request::Sign,
    url::{StoreUrl, wrong},
};

/// The account of the emulator Azurite, and its key; both are printed in its documentation.
const EMULATOR: (&str, &str) = (
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
);

/// An Azure container as its own type.
#[derive(Clone)]
pub(in crate::object) struct Azure {
    pub(in crate::object) store: MicrosoftAzure,
    pub(in crate::object) account: String,
    pub(in crate::object) key: Option<String>,
}

pub(super) fn open(
    url: StoreUrl,
    env: &[(String, String)],
    settings: &ProviderSettings,
) -> Result<Provider, StoreError> {
    let mut variables = Variables::<Key>::of("AZURE_", env, settings, |key| match key {
        Key::Client(key) => Some(*key),
        _ => None,
    });
    // The emulator is an account with an address like any other; object_store's own switch for it reads its address from
    // the process's environment, and lists whole containers for every page.
    let emulator = variables.store.iter().any(|(key, value)| *key == Key::UseEmulator && is_true(value));
    variables.store.retain(|(key, _)| *key != Key::UseEmulator);
    let mut builder = MicrosoftAzureBuilder::new().with_retry(settings.retry());
    for (key, value) in &variables.store {
        builder = builder.with_config(*key, value);
    }
    // The variable of Azure's managed identities, which has no name of the family.
    if let Some((_, address)) = env.iter().find(|(name, _)| name == "IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(address);
    }
    let of = |builder: &MicrosoftAzureBuilder, key: Key| {
        builder.get_config_value(&key).filter(|value| !value.is_empty())
    };
    let mut account = of(&builder, Key::AccountName);
    let mut key = of(&builder, Key::AccessKey);
    let mut service = of(&builder, Key::Endpoint);
    if emulator {
        variables.allow_http();
        account.get_or_insert_with(|| EMULATOR.0.to_owned());
        if of(&builder, Key::SasKey).is_none() && of(&builder, Key::Token).is_none() {
            key.get_or_insert_with(|| EMULATOR.1.to_owned());
        }
        let local = || format!("http://127.0.0.1:10000/{}", account.as_deref().unwrap_or(EMULATOR.0));
        service.get_or_insert_with(local);
    }
    let Some(account) = account else {
        return Err(wrong(
            "a container lies in an account: expected AZURE_STORAGE_ACCOUNT_NAME, got nothing",
        ));
    };
    let service = service.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
    let service = service.trim_end_matches('/');
    let endpoint = format!("{service}/{}", url.bucket);
    let client = variables.client(&endpoint)?;
    if let Some(key) = &key {
        builder = builder.with_access_key(key);
    }
    let skip = of(&builder, Key::SkipSignature).is_some_and(|value| is_true(&value));
    let store = builder
        .with_client_options(client.clone())
        .with_account(&account)
        .with_container_name(&url.bucket)
        .with_endpoint(service.to_owned())
        .build()
        .map_err(|e| refused(&url, e))?;
    let profile = settings.profile.unwrap_or_else(|| Profile::guess(Kind::Azure, None));
    let native = |store| Native::Azure(Azure { store, account: account.clone(), key });
    let sign = |store: MicrosoftAzure| {
        if skip { Sign::Nothing } else { Sign::Azure(store.credentials().clone(), account.clone()) }
    };
    provider(url, profile, store, native, sign, (endpoint, &client, settings))
}

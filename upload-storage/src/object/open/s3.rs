use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey as Key};
use upload_core::ports::StoreError;

use super::{Variables, is_true, provider, refused};
use crate::object::{
    Kind, Profile, Provider, ProviderSettings,
    provider::Native,
    request::Sign,
    url::{StoreUrl, wrong},
};

/// An S3 bucket as its own type.
#[derive(Clone)]
pub(in crate::object) struct S3 {
    pub(in crate::object) store: AmazonS3,
    pub(in crate::object) region: String,
}

pub(super) fn open(
    url: StoreUrl,
    env: &[(String, String)],
    settings: &ProviderSettings,
) -> Result<Provider, StoreError> {
    if url.bucket.ends_with("--x-s3") {
        let why = "a directory bucket (S3 Express) lists in no order, which records need";
        return Err(wrong(format!("{:?} is {why}; expected a general purpose bucket", url.bucket)));
    }
    let variables = Variables::<Key>::of("AWS_", env, settings, |key| match key {
        Key::Client(key) => Some(*key),
        _ => None,
    });
    let mut builder = AmazonS3Builder::new().with_retry(settings.retry());
    for (key, value) in &variables.store {
        builder = builder.with_config(*key, value);
    }
    let of = |builder: &AmazonS3Builder, key: Key| builder.get_config_value(&key).filter(|v| !v.is_empty());
    let on = |builder: &AmazonS3Builder, key: Key| of(builder, key).is_some_and(|value| is_true(&value));
    let given = of(&builder, Key::S3Endpoint).or_else(|| of(&builder, Key::Endpoint));
    let profile = settings.profile.unwrap_or_else(|| Profile::guess(Kind::S3, given.as_deref()));
    let auto = || if profile == Profile::R2 { "auto" } else { "us-east-1" }.to_owned();
    let region = of(&builder, Key::Region).or_else(|| of(&builder, Key::DefaultRegion)).unwrap_or_else(auto);
    let virtual_hosted = on(&builder, Key::VirtualHostedStyleRequest);
    let bucket = &url.bucket;
    // As object_store does it: the endpoint of a virtual host has the bucket in it already.
    let endpoint = match (given, virtual_hosted) {
        (Some(given), true) => given.trim_end_matches('/').to_owned(),
        (Some(given), false) => format!("{}/{bucket}", given.trim_end_matches('/')),
        (None, true) => format!("https://{bucket}.s3.{region}.amazonaws.com"),
        (None, false) => format!("https://s3.{region}.amazonaws.com/{bucket}"),
    };
    let client = variables.client(&endpoint)?;
    if of(&builder, Key::UnsignedPayload).is_none() && endpoint.starts_with("https://") {
        // TLS guards the bytes; hashing them once more costs a core per 1.7 GB/s.
        builder = builder.with_unsigned_payload(true);
    }
    let skip = on(&builder, Key::SkipSignature);
    let store = builder
        .with_client_options(client.clone())
        .with_bucket_name(bucket)
        .with_region(&region)
        .build()
        .map_err(|e| refused(&url, e))?;
    let native = |store| Native::S3(S3 { store, region: region.clone() });
    let sign = |store: AmazonS3| {
        if skip { Sign::Nothing } else { Sign::S3(store.credentials().clone(), region.clone()) }
    };
    provider(url, profile, store, native, sign, (endpoint, &client, settings))
}

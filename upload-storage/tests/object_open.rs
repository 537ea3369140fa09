//! What a URL and the environment open, and what is said where they cannot.
#![cfg(all(feature = "s3", feature = "azure", feature = "gcs"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

use upload_core::ports::{StoreError, StoreErrorKind};
use upload_storage::object::{Kind, Profile, Provider, ProviderSettings};

fn open(url: &str, env: &[(&str, &str)]) -> Result<Provider, StoreError> {
    let env = env.iter().map(|(name, value)| (name.to_string(), value.to_string()));
    Provider::open(url, env, &ProviderSettings::default())
}

/// The error says all of these.
fn refused(url: &str, env: &[(&str, &str)], says: &[&str]) {
    let error = open(url, env).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Unsupported);
    for text in says {
        assert!(error.detail.contains(text), "{url} {env:?}: {text:?} is not in {error}");
    }
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "hush")];

fn with<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    KEYS.iter().chain(more).copied().collect()
}

#[test]
fn s3_by_its_variables() {
    let aws =
        open("s3://bucket/a/b", &with(&[("AWS_REGION", "eu-west-1"), ("HOME", "/"), ("AWS_NONSENSE", "x")]))
            .unwrap();
    assert_eq!((aws.kind(), aws.profile(), aws.region()), (Kind::S3, Profile::Aws, Some("eu-west-1")));
    assert_eq!(aws.endpoint(), Some("https://s3.eu-west-1.amazonaws.com/bucket"));
    assert_eq!((aws.bucket(), aws.prefix(), aws.name().as_str()), ("bucket", "a/b/", "s3://bucket/a/b/"));
    assert_eq!(aws.path("o/1").unwrap().as_ref(), "a/b/o/1");

    let r2 = open("s3://b", &with(&[("AWS_ENDPOINT_URL", "https://0.r2.cloudflarestorage.com/")])).unwrap();
    assert_eq!((r2.profile(), r2.region()), (Profile::R2, Some("auto")));
    assert_eq!(r2.endpoint(), Some("https://0.r2.cloudflarestorage.com/b"));
    assert!(r2.profile().part_rules().equal);

    let local = [("AWS_ENDPOINT", "http://127.0.0.1:9000"), ("AWS_ALLOW_HTTP", "true")];
    let local = open("s3://b", &with(&local)).unwrap();
    assert_eq!((local.profile(), local.endpoint()), (Profile::Compatible, Some("http://127.0.0.1:9000/b")));
    assert_eq!(local.name(), "s3://b");

    let hosted = [("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true"), ("AWS_DEFAULT_REGION", "us-west-2")];
    let hosted = open("s3://b", &with(&hosted)).unwrap();
    assert_eq!(hosted.endpoint(), Some("https://b.s3.us-west-2.amazonaws.com"));
}

#[test]
fn azure_by_its_variables() {
    let account = ("AZURE_STORAGE_ACCOUNT_NAME", "acme");
    let azure = open("az://box", &[account, ("AZURE_STORAGE_ACCESS_KEY", "aHVzaA==")]).unwrap();
    assert_eq!((azure.kind(), azure.profile()), (Kind::Azure, Profile::Azure));
    assert_eq!(azure.endpoint(), Some("https://acme.blob.core.windows.net/box"));
    assert_eq!(azure.azure_account(), Some(("acme", Some("aHVzaA=="))));

    let emulator = open("az://box", &[("AZURE_STORAGE_USE_EMULATOR", "true")]).unwrap();
    assert_eq!(emulator.endpoint(), Some("http://127.0.0.1:10000/devstoreaccount1/box"));
    assert_eq!(emulator.azure_account().unwrap().0, "devstoreaccount1");
}

#[test]
fn gcs_by_its_variables() {
    let token = ("GOOGLE_BEARER_TOKEN", "hush");
    let gcs = open("gs://bucket", &[token]).unwrap();
    assert_eq!((gcs.kind(), gcs.endpoint()), (Kind::Gcs, Some("https://storage.googleapis.com/bucket")));
    let local = [token, ("GOOGLE_BASE_URL", "http://127.0.0.1:4443"), ("GOOGLE_ALLOW_HTTP", "1")];
    assert_eq!(open("gs://bucket", &local).unwrap().endpoint(), Some("http://127.0.0.1:4443/bucket"));
}

#[test]
fn what_cannot_work_is_refused_and_says_what_was_expected() {
    refused("ftp://x", &[], &["s3://BUCKET", "\"ftp\""]);
    refused(
        "s3://b",
        &with(&[("AWS_ENDPOINT", "http://127.0.0.1:1")]),
        &["not encrypted", "AWS_ALLOW_HTTP=true"],
    );
    refused(
        "s3://b",
        &with(&[("AWS_ENDPOINT", "127.0.0.1:1")]),
        &["begins with https://", "\"127.0.0.1:1/b\""],
    );
    refused("s3://b", &KEYS[..1], &["cannot be opened", "SecretAccessKey"]);
    refused("s3://b--use1-az1--x-s3", &KEYS, &["directory bucket", "general purpose"]);
    refused("s3://b", &with(&[("AWS_CHECKSUM_ALGORITHM", "crc")]), &["cannot be opened", "crc"]);
    refused("az://b", &[], &["AZURE_STORAGE_ACCOUNT_NAME"]);
    refused(
        "az://b",
        &[("AZURE_STORAGE_ACCOUNT_NAME", "a"), ("AZURE_STORAGE_ENDPOINT", "http://a")],
        &["AZURE_ALLOW_HTTP"],
    );
    refused("gs://b", &[("GOOGLE_BASE_URL", "http://a")], &["GOOGLE_ALLOW_HTTP"]);
    refused("gs://b", &[("GOOGLE_SERVICE_ACCOUNT_KEY", "{}")], &["cannot be opened"]);
}

#[test]
fn credentials_are_not_shown() {
    let provider = open("s3://b", &KEYS).unwrap();
    assert!(!format!("{provider:?}").contains("hush"));
}

#[test]
fn a_profile_may_be_given() {
    let settings = ProviderSettings::default().profile(Profile::R2);
    let env = with(&[("AWS_ENDPOINT", "https://files.example.com")]);
    let env = env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(Provider::open("s3://b", env, &settings).unwrap().profile(), Profile::R2);
}

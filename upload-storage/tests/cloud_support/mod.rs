//! The stores that `.ci/cloud` starts: their addresses are in the environment, and without them tests fail.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::{env, time::Duration};

use object_store::signer::Method;
use tokio::runtime::{Builder, Runtime};
use upload_storage::object::{Ask, Kind, Provider, ProviderSettings};

/// A store of another process.
#[derive(Debug, Clone, Copy)]
pub enum Emulator {
    /// S3 that verifies signatures and digests: `CLOUD_SEAWEEDFS` is its address.
    SeaweedFs,
    /// S3 that replaces parts: `CLOUD_MOTO` is its address.
    Moto,
    /// Azure: `CLOUD_AZURITE` is its address with the account.
    Azurite,
}

impl Emulator {
    fn variable(self) -> &'static str {
        match self {
            Self::SeaweedFs => "CLOUD_SEAWEEDFS",
            Self::Moto => "CLOUD_MOTO",
            Self::Azurite => "CLOUD_AZURITE",
        }
    }

    /// Its address.
    pub fn address(self) -> String {
        let name = self.variable();
        env::var(name).unwrap_or_else(|_| panic!("{name} is not set: these tests are run by .ci/cloud"))
    }

    /// The variables that open a bucket there.
    pub fn env(self) -> Vec<(String, String)> {
        let s3 = [
            ("AWS_ACCESS_KEY_ID", "testkey"),
            ("AWS_SECRET_ACCESS_KEY", "testsecret12"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ALLOW_HTTP", "true"),
        ];
        let (fixed, endpoint) = match self {
            Self::SeaweedFs | Self::Moto => (&s3[..], "AWS_ENDPOINT"),
            Self::Azurite => (&[("AZURE_STORAGE_USE_EMULATOR", "true")][..], "AZURE_STORAGE_ENDPOINT"),
        };
        let fixed = fixed.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        fixed.chain([(endpoint.to_owned(), self.address())]).collect()
    }

    /// The URL of a bucket there.
    pub fn url(self, bucket: &str) -> String {
        match self {
            Self::Azurite => format!("az://{bucket}"),
            _ => format!("s3://{bucket}"),
        }
    }

    /// A bucket of this name, made if it is not there, with a prefix of its own.
    pub async fn bucket(self, bucket: &str, prefix: &str, settings: &ProviderSettings) -> Provider {
        let url = format!("{}/{prefix}", self.url(bucket));
        let provider = Provider::open(&url, self.env(), settings).unwrap();
        make_bucket(&provider).await;
        provider
    }
}

/// Makes the bucket. A store that has just been started may need some tries.
pub async fn make_bucket(provider: &Provider) {
    let mut last = String::new();
    for _ in 0..100 {
        let ask = Ask::new(Method::PUT, None);
        let ask = if provider.kind() == Kind::Azure { ask.query("restype", "container") } else { ask };
        match provider.ask(ask).await {
            // 409: it is there.
            Ok(answer) if answer.is_success() || answer.status == 409 => return,
            Ok(answer) => last = answer.unexpected("making the bucket").to_string(),
            Err(e) => last = e.to_string(),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{provider:?}: {last}");
}

/// What the futures of real stores want.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

//! Where the servers of tests keep their bytes: in their data directory, or in the object store that `CLOUD_STORE` names
//! (`seaweedfs`, `moto` or `azurite`, which `.ci/cloud` starts; or `gcs`, a server of the test's own process).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::client::sha;

/// The bucket that `.ci/cloud` makes in each store.
const BUCKET: &str = "live";

/// The object store, if the tests are to run over one.
pub fn named() -> Option<String> {
    std::env::var("CLOUD_STORE").ok().filter(|name| !name.is_empty())
}

/// An object store, and the way there.
#[derive(Clone)]
pub struct Store {
    scheme: &'static str,
    /// The variable with its address, and the address: `http://HOST:PORT`, and perhaps a path.
    endpoint: (&'static str, String),
    /// What else opens it.
    variables: Vec<(String, String)>,
}

impl Store {
    /// The one that is named.
    pub fn named() -> Option<Self> {
        named().map(|name| Self::of(&name))
    }

    /// The one that is named, for a test that runs over one only.
    pub fn wanted() -> Self {
        Self::named().expect("CLOUD_STORE is not set: this test is run by .ci/cloud")
    }

    fn of(name: &str) -> Self {
        let s3 = [
            ("AWS_ACCESS_KEY_ID", "testkey"),
            ("AWS_SECRET_ACCESS_KEY", "testsecret12"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ALLOW_HTTP", "true"),
        ];
        let azure = [("AZURE_STORAGE_USE_EMULATOR", "true")];
        let (scheme, endpoint, started_at, fixed) = match name {
            "seaweedfs" => ("s3", "AWS_ENDPOINT", "CLOUD_SEAWEEDFS", &s3[..]),
            "moto" => ("s3", "AWS_ENDPOINT", "CLOUD_MOTO", &s3[..]),
            "azurite" => ("az", "AZURE_STORAGE_ENDPOINT", "CLOUD_AZURITE", &azure[..]),
            "gcs" => {
                let (address, variables) = gcs();
                return Self { scheme: "gs", endpoint: ("GOOGLE_BASE_URL", address), variables };
            }
            other => panic!("CLOUD_STORE is seaweedfs, moto, azurite or gcs, not {other:?}"),
        };
        let address = std::env::var(started_at)
            .unwrap_or_else(|_| panic!("{started_at} is not set: these tests are run by .ci/cloud"));
        let variables = fixed.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Self { scheme, endpoint: (endpoint, address), variables }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        let rest = self.endpoint.1.strip_prefix("http://").unwrap();
        rest.split('/').next().unwrap()
    }

    pub fn is_azure(&self) -> bool {
        self.scheme == "az"
    }

    /// The host that signatures name, where it is not that of the address.
    pub fn signed_host(&self) -> Option<&'static str> {
        (self.scheme == "gs").then_some("storage.googleapis.com")
    }

    /// The same, by way of what listens at this `HOST:PORT`.
    pub fn through(&self, address: &str) -> Self {
        let mut there = self.clone();
        there.endpoint.1 = self.endpoint.1.replacen(self.address(), address, 1);
        there
    }

    /// The variables that open it.
    pub fn variables(&self) -> Vec<(String, String)> {
        let endpoint = (self.endpoint.0.to_owned(), self.endpoint.1.clone());
        self.variables.iter().cloned().chain([endpoint]).collect()
    }

    /// The bucket, and a prefix for the servers over this directory.
    pub fn url(&self, data: &Path) -> String {
        let prefix = &sha([data.to_str().unwrap().as_bytes()])[..16];
        format!("{}://{BUCKET}/{prefix}", self.scheme)
    }
}

/// Makes the server keep everything in the object store, below a prefix of its data directory's own.
pub fn choose(command: &mut Command, data: &Path, args: &[&str]) {
    let Some(store) = Store::named() else { return };
    fs::create_dir_all(data).unwrap();
    let secret = data.join("shared-secret");
    if !secret.exists() {
        fs::write(&secret, "the secret that all servers of a live test share").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    }
    command.envs(store.variables()).args(["--store", &store.url(data)]);
    // Most tests know the answers of our own endpoints.
    if !args.contains(&"--signing") {
        command.args(["--signing", "server"]);
    }
    if !args.contains(&"--secret-file") {
        command.arg("--secret-file").arg(secret);
    }
}

/// That the bucket of the servers over this directory holds objects with these digests and nothing else, if they had one: once
/// those who clean up have been there. None of the servers may be running.
pub fn check_remains(data: &Path, contents: &[String]) {
    #[cfg(feature = "cloud")]
    if let Some(store) = Store::named() {
        let bucket = super::bucket::Bucket::of(&store, data);
        bucket.clean();
        bucket.holds_only(contents);
    }
    #[cfg(not(feature = "cloud"))]
    let _ = (data, contents);
}

/// The server that upload-storage is tested with.
#[cfg(feature = "cloud")]
#[path = "../../../upload-storage/tests/support/gcs/mod.rs"]
mod gcs_server;

/// The address of the Google Cloud Storage of this process, which all its upload-servers share, and what opens it.
#[cfg(feature = "cloud")]
fn gcs() -> (String, Vec<(String, String)>) {
    use std::sync::OnceLock;

    use tokio::runtime::Runtime;

    static RUNNING: OnceLock<(Runtime, gcs_server::Gcs)> = OnceLock::new();
    let start = || {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(gcs_server::Gcs::start());
        (runtime, server)
    };
    let (_, server) = RUNNING.get_or_init(start);
    (format!("http://{}", server.address()), server.variables())
}

#[cfg(not(feature = "cloud"))]
fn gcs() -> (String, Vec<(String, String)>) {
    panic!("CLOUD_STORE=gcs takes a build with the feature cloud")
}

//! Where the servers of tests keep their bytes: in their data directory, or in the object store that `CLOUD_STORE` names
//! (`seaweedfs`, `moto` or `azurite`, which `.ci/cloud` starts).

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

/// Makes the server keep everything in the object store, below a prefix of its data directory's own.
pub fn choose(command: &mut Command, data: &Path, args: &[&str]) {
    let Some(name) = named() else { return };
    let address = |variable: &str| {
        std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} is not set: these tests are run by .ci/cloud"))
    };
    let s3 = |command: &mut Command, variable| {
        command.envs([
            ("AWS_ACCESS_KEY_ID", "testkey"),
            ("AWS_SECRET_ACCESS_KEY", "testsecret12"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ALLOW_HTTP", "true"),
        ]);
        command.env("AWS_ENDPOINT", address(variable));
    };
    let scheme = match name.as_str() {
        "seaweedfs" => {
            s3(command, "CLOUD_SEAWEEDFS");
            "s3"
        }
        "moto" => {
            s3(command, "CLOUD_MOTO");
            "s3"
        }
        "azurite" => {
            command.env("AZURE_STORAGE_USE_EMULATOR", "true");
            command.env("AZURE_STORAGE_ENDPOINT", address("CLOUD_AZURITE"));
            "az"
        }
        other => panic!("CLOUD_STORE is seaweedfs, moto or azurite, not {other:?}"),
    };
    fs::create_dir_all(data).unwrap();
    let secret = data.join("shared-secret");
    if !secret.exists() {
        fs::write(&secret, "the secret that all servers of a live test share").unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let prefix = &sha([data.to_str().unwrap().as_bytes()])[..16];
    command.args(["--store", &format!("{scheme}://{BUCKET}/{prefix}")]);
    if !args.contains(&"--secret-file") {
        command.arg("--secret-file").arg(secret);
    }
}

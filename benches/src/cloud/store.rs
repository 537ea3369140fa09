//! SeaweedFS, which `.ci/cloud` starts: its address, its cost, and a fresh bucket for each run.

use std::{fs, net::SocketAddr, process::Command, sync::atomic::AtomicUsize, time::Duration};

use object_store::{
    aws::{AmazonS3, AmazonS3Builder},
    path::Path,
    signer::{Method, Signer as _},
};
use upload_benches::{client::Client, figures::said, process};

/// What `.ci/cloud` tells SeaweedFS, as the variables that every peer reads.
const KEYS: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", "testkey"),
    ("AWS_SECRET_ACCESS_KEY", "testsecret12"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_ALLOW_HTTP", "true"),
];

pub(crate) struct Store {
    pub(crate) address: SocketAddr,
    /// Its processes.
    processes: Vec<u32>,
}

impl Store {
    /// The one that the environment names.
    pub(crate) fn named() -> Result<Self, String> {
        let name = std::env::var("CLOUD_SEAWEEDFS")
            .map_err(|_| "CLOUD_SEAWEEDFS names no store: this is run by .ci/cloud".to_owned())?;
        let address = name.strip_prefix("http://").and_then(|address| address.parse().ok());
        let address: SocketAddr =
            address.ok_or_else(|| format!("CLOUD_SEAWEEDFS is http://ADDRESS:PORT, not {name:?}"))?;
        let port = format!("-s3.port={}", address.port());
        let is_it = |process: &u32| {
            let line = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            line.split(|byte| *byte == 0).any(|word| word == port.as_bytes())
        };
        let all = fs::read_dir("/proc").unwrap().flatten();
        let all = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        Ok(Self { address, processes: all.filter(is_it).collect() })
    }

    /// User and system seconds so far.
    pub(crate) fn cpu(&self) -> f64 {
        self.processes.iter().map(|process| process::cpu(*process)).sum()
    }

    /// As it says itself.
    pub(crate) fn version(&self) -> String {
        let version = |process: &u32| said(Command::new(format!("/proc/{process}/exe")).arg("version"));
        let words = self.processes.first().and_then(version).unwrap_or_default();
        words.split_whitespace().nth(2).unwrap_or("of an unknown version").to_owned()
    }

    /// A new bucket: SeaweedFS gives back its disk when it goes, and no run meets another's names.
    pub(crate) fn bucket(&self) -> Bucket {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let bucket = Bucket { name: format!("bench-{}-{n}", std::process::id()), address: self.address };
        assert!([200, 409].contains(&bucket.ask(Method::PUT)), "a bucket");
        bucket
    }
}

/// A bucket; it goes with this value, and all that is in it.
pub(crate) struct Bucket {
    pub(crate) name: String,
    address: SocketAddr,
}

impl Bucket {
    /// Makes a program use it, through this address of the store.
    pub(crate) fn choose(&self, command: &mut Command, through: SocketAddr, unsigned: bool) {
        command.envs(KEYS).env("AWS_ENDPOINT", format!("http://{through}")).env("AWS_BUCKET", &self.name);
        command.envs(unsigned.then_some(("AWS_UNSIGNED_PAYLOAD", "true")));
    }

    /// The status of a request for the bucket itself.
    fn ask(&self, method: Method) -> u16 {
        let mut builder = builder(&self.name).with_endpoint(format!("http://{}", self.address));
        for (name, value) in KEYS {
            builder = builder.with_config(name.to_ascii_lowercase().parse().unwrap(), value);
        }
        let store: AmazonS3 = builder.build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let root = Path::default();
        let signed = store.signed_url(method.clone(), &root, Duration::from_secs(60));
        let url = runtime.block_on(signed).unwrap();
        let target = format!("{}?{}", url.path(), url.query().unwrap());
        Client::connect(self.address).request(method.as_str(), &target, "", &[]).status
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        let status = self.ask(Method::DELETE);
        if status != 204 {
            eprintln!("the bucket {} could not be removed: {status}", self.name);
        }
    }
}

/// What opens a bucket; the rest is in the environment.
pub(crate) fn builder(bucket: &str) -> AmazonS3Builder {
    // Once is enough, and more does no harm.
    let _ = rustls::crypto::ring::default_provider().install_default();
    AmazonS3Builder::from_env().with_bucket_name(bucket)
}

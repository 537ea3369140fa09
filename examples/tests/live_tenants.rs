//! A tenant with a store of its own: its bytes lie there, all others' where the server keeps them, and both are read back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod support;

use std::fs;
use std::path::Path;

use support::client::Client;
use support::server::{Server, run};
use support::{Chance, TempDir, store};

/// The files below this directory that are as long as what was uploaded.
fn objects(directory: &Path, length: usize) -> usize {
    let Ok(names) = fs::read_dir(directory) else { return 0 };
    let found = names.map(|name| {
        let name = name.unwrap();
        match name.metadata().unwrap() {
            data if data.is_dir() => objects(&name.path(), length),
            data => usize::from(data.len() == length as u64),
        }
    });
    found.sum()
}

#[test]
fn a_tenants_bytes_lie_in_its_own_store() {
    if store::named().is_some() {
        // Of directories; `TenantBlobs` has tests over every kind of store.
        return;
    }
    let dir = TempDir::new();
    let (data, own) = (dir.path().join("data"), dir.path().join("of-acme"));
    let text = format!(
        "[destinations.any]\nmax_length = 1_000_000\n[tenants.acme]\nstore = \"file:{}\"\n",
        own.display()
    );
    let config = dir.file("config.toml", &text);
    let args = [
        "--config",
        config.to_str().unwrap(),
        "--api-key",
        "key-of-acme:acme",
        "--api-key",
        "key-of-many:many",
    ];
    let mut paths = Vec::new();
    let bytes = Chance::new(1).bytes(300_000);
    for (uploads, expected) in [(1, [1, 1]), (2, [2, 2])] {
        let server = Server::start_as(&data, &args);
        for key in ["key-of-acme", "key-of-many"] {
            let client = Client::new(&server.address, key);
            let chunks: Vec<&[u8]> = bytes.chunks(100_000).collect();
            let done = client.upload("any", "a.bin", &chunks);
            paths.push((key, done["path"].as_str().unwrap().to_owned()));
        }
        // Those of the server that was there before, too.
        for (key, path) in &paths {
            assert!(Client::new(&server.address, key).get(path).body == bytes, "{key} {path}");
        }
        assert_eq!([objects(&own, bytes.len()), objects(&data, bytes.len())], expected, "{uploads}");
        server.stop();
    }
}

#[test]
fn a_store_of_another_kind_is_refused_at_the_start() {
    let dir = TempDir::new();
    for (own, said) in
        [("memory:", "of the kind of"), ("file:", "of its own"), ("nowhere", "expected file:DIR")]
    {
        let config = dir.file("config.toml", format!("[tenants.acme]\nstore = \"{own}\"\n"));
        let output = run(&["--data", dir.path().to_str().unwrap(), "--config", config.to_str().unwrap()]);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && error.contains("tenants.acme") && error.contains(said),
            "{error}"
        );
    }
}

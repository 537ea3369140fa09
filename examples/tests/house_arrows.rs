//! Which crate may know which: from what cargo says, and from what the sources name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod house;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use house::{LIBRARIES, code, files, is_test, none, read, root, shown};
use serde_json::Value;

/// What each library may depend on directly. What is not here is not allowed.
const DIRECT: [(&str, &[&str]); 9] = [
    ("upload-chunking", &[]),
    (
        "upload-checksum",
        &["base64", "crc-fast", "digest", "md-5", "serde", "sha1", "sha2", "subtle", "thiserror"],
    ),
    (
        "upload-core",
        &["upload-checksum", "upload-chunking", "async-trait", "bytes", "serde", "serde_json", "thiserror"],
    ),
    (
        "upload-engine",
        &[
            "upload-checksum",
            "upload-chunking",
            "upload-core",
            "async-lock",
            "async-trait",
            "base64",
            "bytes",
            "event-listener",
            "futures-core",
            "futures-util",
            "getrandom",
            "hmac",
            "metrics",
            "serde",
            "serde_json",
            "sha2",
            "tracing",
        ],
    ),
    (
        "upload-storage",
        &[
            "upload-checksum",
            "upload-chunking",
            "upload-core",
            "async-lock",
            "async-trait",
            "base64",
            "bytes",
            "event-listener",
            "futures-channel",
            "futures-util",
            "getrandom",
            "hmac",
            "object_store",
            "quick-xml",
            "redb",
            "reqwest",
            "rustix",
            "rustls",
            "sha2",
            "tokio",
            "tracing",
        ],
    ),
    (
        "upload-media",
        &[
            "upload-core",
            "async-lock",
            "async-trait",
            "bytes",
            "flate2",
            "futures-channel",
            "futures-core",
            "gif",
            "quick-xml",
            "serde",
            "serde_json",
            "symphonia-bundle-mp3",
            "symphonia-core",
            "thiserror",
            "zip",
        ],
    ),
    (
        "upload-analysis",
        &[
            "upload-checksum",
            "upload-core",
            "async-lock",
            "async-trait",
            "bytes",
            "candle-core",
            "candle-nn",
            "futures-channel",
            "serde",
            "serde_json",
            "stop-words",
            "thiserror",
            "tokenizers",
            "unicode-segmentation",
            "whatlang",
        ],
    ),
    (
        "upload-events",
        &[
            "upload-core",
            "async-trait",
            "base64",
            "bytes",
            "futures-channel",
            "futures-core",
            "futures-util",
            "hmac",
            "http",
            "humantime",
            "hyper",
            "hyper-util",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "tokio",
        ],
    ),
    (
        "upload-http-axum",
        &[
            "upload-checksum",
            "upload-chunking",
            "upload-core",
            "upload-engine",
            "async-trait",
            "axum",
            "base64",
            "bytes",
            "futures-core",
            "governor",
            "http",
            "http-body",
            "httpdate",
            "humantime",
            "memchr",
            "percent-encoding",
            "quick-xml",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tokio-util",
            "tracing",
        ],
    ),
];

/// What the pure crates may bring along, all together: no runtime, no network, no file system.
const PURE_CLOSURE: &[&str] = &[
    "async-lock",
    "async-trait",
    "base64",
    "block-buffer",
    "bytes",
    "cfg-if",
    "cmov",
    "cpufeatures",
    "crc-fast",
    "crypto-common",
    "ctutils",
    "digest",
    "event-listener",
    "event-listener-strategy",
    "futures-core",
    "futures-task",
    "futures-util",
    "generic-array",
    "getrandom",
    "hmac",
    "hybrid-array",
    "itoa",
    "libc",
    "md-5",
    "memchr",
    "metrics",
    "once_cell",
    "parking",
    "pin-project-lite",
    "portable-atomic",
    "proc-macro2",
    "quote",
    "rapidhash",
    "rustversion",
    "ryu",
    "serde",
    "serde_core",
    "serde_derive",
    "serde_json",
    "sha1",
    "sha2",
    "slab",
    "spin",
    "subtle",
    "syn",
    "thiserror",
    "thiserror-impl",
    "tracing",
    "tracing-attributes",
    "tracing-core",
    "typenum",
    "unicode-ident",
    "upload-checksum",
    "upload-chunking",
    "upload-core",
    "upload-engine",
    "version_check",
    "zmij",
];

fn cargo(arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    let output = command.current_dir(root()).arg("--offline").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The direct normal dependencies of each workspace member, optional ones too.
fn members() -> BTreeMap<String, BTreeSet<String>> {
    let metadata: Value =
        serde_json::from_slice(&cargo(&["metadata", "--no-deps", "--format-version", "1"])).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let normal = package["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null());
            (text(&package["name"]), normal.map(|d| text(&d["name"])).collect())
        })
        .collect()
}

#[test]
fn each_library_depends_on_nothing_that_is_not_listed() {
    let members = members();
    assert_eq!(LIBRARIES.map(|name| members.contains_key(name)), [true; 9]);
    let mut offences = Vec::new();
    for (name, allowed) in DIRECT {
        let unexpected = members[name].iter().filter(|dependency| !allowed.contains(&dependency.as_str()));
        offences.extend(unexpected.map(|dependency| format!("{name} -> {dependency}")));
    }
    none("dependencies that are not allowed", &offences);
}

#[test]
fn nothing_depends_on_programs_benches_or_fuzz() {
    let libraries = LIBRARIES.into_iter().collect::<BTreeSet<_>>();
    let mut offences = Vec::new();
    for (name, dependencies) in members() {
        let own = dependencies.iter().filter(|dependency| dependency.starts_with("upload-"));
        let bad = own.filter(|dependency| !libraries.contains(dependency.as_str()));
        offences.extend(bad.map(|dependency| format!("{name} -> {dependency}")));
    }
    none("arrows to what is no library", &offences);
}

#[test]
fn the_pure_crates_bring_no_runtime_network_or_file_system_along() {
    for name in house::PURE {
        let tree =
            String::from_utf8(cargo(&["tree", "-p", name, "-e", "normal", "--prefix", "none"])).unwrap();
        let brought: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
        let unexpected: Vec<_> =
            brought.iter().filter(|one| !PURE_CLOSURE.contains(*one)).map(|o| o.to_string()).collect();
        none(&format!("{name} brings along"), &unexpected);
    }
}

/// What the code of a crate (its `src` without tests) must not name.
const UNNAMED: [(&str, &[&str]); 9] = [
    ("upload-chunking", &["std::fs", "std::net", "std::time", "upload_"]),
    ("upload-checksum", &["std::fs", "std::net", "std::time", "upload_c", "upload_engine"]),
    (
        "upload-core",
        &["std::fs", "std::net", "SystemTime", "Instant", "tokio", "upload_engine", "upload_storage"],
    ),
    (
        "upload-engine",
        &[
            "std::fs",
            "std::net",
            "SystemTime",
            "Instant",
            "tokio",
            "axum",
            "upload_storage",
            "upload_media",
            "upload_http",
        ],
    ),
    ("upload-storage", &["upload_engine", "upload_media", "upload_http", "axum", "tokio"]),
    ("upload-media", &["upload_engine", "upload_storage", "upload_http", "axum", "tokio"]),
    ("upload-analysis", &["upload_engine", "upload_storage", "upload_media", "upload_http", "axum", "tokio"]),
    (
        "upload-events",
        &[
            "std::fs",
            "upload_engine",
            "upload_storage",
            "upload_media",
            "upload_analysis",
            "upload_http",
            "axum",
        ],
    ),
    ("upload-http-axum", &["upload_storage", "upload_media", "upload_analysis"]),
];

#[test]
fn the_sources_name_nothing_that_their_crate_must_not_know() {
    let mut offences = Vec::new();
    for (name, words) in UNNAMED {
        let own = name.replace('-', "_");
        for path in files(&format!("{name}/src"), ".rs").iter().filter(|path| !is_test(path)) {
            for (n, line) in code(&read(path)) {
                let line = line.replace(&own, "");
                // Object stores bring the runtime along anyway.
                let allowed =
                    |word: &str| word == "tokio" && shown(path).contains("upload-storage/src/object/");
                let named = words.iter().filter(|word| line.contains(*word) && !allowed(word));
                offences.extend(named.map(|word| format!("{}:{n}: {word}", shown(path))));
            }
        }
    }
    none("names that must not stand here", &offences);
}

/// The dialects: folders with these four files (and tests).
fn dialects() -> Vec<String> {
    let folder = root().join("upload-http-axum/src/dialect");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_dir()).map(|path| name(&path)).collect()
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_dialect_has_the_same_four_files() {
    let expected = ["mod.rs", "parse.rs", "render.rs", "wire.rs"];
    for dialect in dialects() {
        let folder = format!("upload-http-axum/src/dialect/{dialect}");
        let found = files(&folder, "");
        let found = found.iter().filter(|path| !is_test(path));
        let found = found.map(|path| path.strip_prefix(root().join(&folder)).unwrap().to_str().unwrap());
        // Settings where it has any; parsing, rendering and the handlers in parts where they are long.
        let own = |path: &&str| {
            let part = ["handle/", "parse/", "render/"].into_iter().any(|folder| path.starts_with(folder));
            !part && !["handle.rs", "settings.rs"].contains(path)
        };
        assert_eq!(found.filter(own).collect::<Vec<_>>(), expected, "{dialect}");
    }
    assert!(dialects().contains(&"picomes".to_owned()));
}

#[test]
fn no_dialect_names_another() {
    let dialects = dialects();
    let mut offences = Vec::new();
    for dialect in &dialects {
        for path in files(&format!("upload-http-axum/src/dialect/{dialect}"), ".rs") {
            for (n, line) in code(&read(&path)) {
                // A word of the wire may be another's name; its module is no word of the wire.
                let names = |other: &str| house::has_word(&line.replace(&format!("\"{other}\""), ""), other);
                let named = dialects.iter().filter(|other| *other != dialect && names(other));
                offences.extend(named.map(|other| format!("{}:{n}: {other}", shown(&path))));
            }
        }
    }
    none("dialects that know another", &offences);
}

#[test]
fn parsing_and_rendering_wait_for_nothing() {
    let mut offences = Vec::new();
    for dialect in dialects() {
        for file in ["parse.rs", "render.rs", "wire.rs"] {
            let path = root().join(format!("upload-http-axum/src/dialect/{dialect}/{file}"));
            for (n, line) in code(&read(&path)) {
                let waits =
                    ["async ", ".await", "tokio", "Engine"].into_iter().filter(|word| line.contains(word));
                offences.extend(waits.map(|word| format!("{}:{n}: {word}", shown(&path))));
            }
        }
    }
    none("what is to be pure and synchronous", &offences);
}

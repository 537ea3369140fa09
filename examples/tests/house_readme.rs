//! The README says what the code does: its example is the example's file, its table of defaults is the program's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod house;

use std::collections::BTreeMap;
use std::process::Command;

use house::{read, root};
use toml::Value;
use upload_core::Policy;
use upload_storage::{disk::DiskSettings, redb::RedbSettings};

fn readme() -> String {
    read(&root().join("README.md"))
}

#[test]
fn its_example_is_the_file() {
    let file = read(&root().join("examples/minimal/app.rs"));
    assert!(
        readme().contains(&format!("```rust\n{file}```\n")),
        "README.md does not show examples/minimal/app.rs as it is"
    );
}

/// A value of the table in the units of the configuration: sizes in bytes, times in seconds.
fn in_base_units(text: &str) -> Value {
    let text = text.trim();
    if let Some(quoted) = text.strip_prefix('`').and_then(|t| t.strip_suffix('`')) {
        return Value::String(quoted.to_owned());
    }
    match text {
        "yes" => return Value::Boolean(true),
        "no" => return Value::Boolean(false),
        _ => {}
    }
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: i64 = number.replace(',', "").parse().unwrap_or_else(|e| panic!("{text:?}: {e}"));
    let factor = match unit {
        "" | "bytes" | "s" | "ms" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "min" => 60,
        "h" => 3600,
        other => panic!("{text:?}: unit {other:?}"),
    };
    Value::Integer(number * factor)
}

/// The rows of the table whose first column is a name in backticks with the default beside it.
fn stated() -> BTreeMap<String, Value> {
    let readme = readme();
    let table =
        readme.split("<!-- defaults -->").nth(1).expect("a table between two marks <!-- defaults -->");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<_> = rows
        .map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            (cells[1].trim_matches('`').to_owned(), in_base_units(cells[2]))
        })
        .collect();
    let named: BTreeMap<_, _> = rows.iter().cloned().collect();
    assert_eq!(named.len(), rows.len(), "a row stands twice");
    named
}

/// What the program has without a configuration.
fn actual() -> BTreeMap<String, Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_upload-server"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("UPLOAD_") || name == "RUST_LOG") {
        command.env_remove(name);
    }
    let printed = command.arg("--print-config").output().unwrap().stdout;
    let config: toml::Table = toml::from_str(&String::from_utf8(printed).unwrap()).unwrap();
    let mut all = BTreeMap::new();
    flatten("", &Value::Table(config), &mut all);
    let (disk, redb) = (DiskSettings::default(), RedbSettings::default());
    for (name, number) in [
        ("fixed: disk writers", disk.writers),
        ("fixed: disk syncers", disk.syncers),
        ("fixed: disk readers", disk.readers),
        ("fixed: open staging files", disk.open_files),
        ("fixed: record cache", redb.cache),
    ] {
        all.insert(name.to_owned(), Value::Integer(i64::try_from(number).unwrap()));
    }
    all
}

fn flatten(at: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                flatten(&if at.is_empty() { key.clone() } else { format!("{at}.{key}") }, value, into);
            }
        }
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| item.as_str().unwrap()).collect();
            into.insert(at.to_owned(), Value::String(items.join(", ")));
        }
        value => {
            into.insert(at.to_owned(), value.clone());
        }
    }
}

/// What destinations have in common stands once, and where one differs its own row says so.
fn common(all: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let own = ["max_length", "types", "prefix"];
    let named = |name: &str| {
        let (destination, key) = name.strip_prefix("destinations.")?.split_once('.')?;
        let usual = all.get(&format!("destinations.stepImage.{key}")) == all.get(name);
        let shared = !own.contains(&key) && (usual || destination == "stepImage");
        shared.then(|| format!("destinations.*.{key}"))
    };
    all.iter().map(|(name, value)| (named(name).unwrap_or_else(|| name.clone()), value.clone())).collect()
}

#[test]
fn its_table_of_defaults_is_the_programs() {
    let (stated, actual) = (stated(), common(actual()));
    let missing: Vec<_> = actual.keys().filter(|name| !stated.contains_key(*name)).collect();
    assert!(missing.is_empty(), "no row for {missing:?}");
    for (name, value) in &stated {
        assert_eq!(actual.get(name), Some(value), "{name}");
    }
    // A destination of a configuration has the same defaults as a policy of the library.
    let policy = Policy::new(1);
    let integer = |name: &str| actual[name].as_integer().unwrap().unsigned_abs();
    assert_eq!(integer("destinations.*.max_chunk"), policy.max_chunk);
    assert_eq!(integer("destinations.*.max_single"), policy.max_single);
    assert_eq!(integer("destinations.*.max_chunks"), u64::from(policy.max_chunks));
    assert_eq!(integer("destinations.*.lifetime"), policy.lifetime.as_secs());
}

#[test]
fn its_configuration_is_one() {
    let readme = readme();
    let toml =
        readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a toml block");
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme.toml");
    std::fs::write(&file, toml).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_upload-server"));
    let output = command.arg("--config").arg(&file).arg("--print-config").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn its_rust_version_is_the_newest_that_a_crate_needs() {
    let versions = house::LIBRARIES.into_iter().chain(["examples", "benches"]).map(|name| {
        let manifest = read(&root().join(name).join("Cargo.toml"));
        let line =
            manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"1.")).unwrap().to_owned();
        line.trim_end_matches('"').parse::<u32>().unwrap()
    });
    let newest = versions.max().unwrap();
    assert!(readme().contains(&format!("Rust 1.{newest} or newer")), "1.{newest}");
}

#[test]
fn every_flag_of_the_program_is_in_it() {
    let help = Command::new(env!("CARGO_BIN_EXE_upload-server")).arg("--help").output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let readme = readme();
    let words = help.split_whitespace().filter(|word| word.starts_with("--"));
    for flag in words.map(|word| word.trim_end_matches([',', '.'])) {
        assert!(matches!(flag, "--help" | "--version") || readme.contains(flag), "{flag}");
    }
}

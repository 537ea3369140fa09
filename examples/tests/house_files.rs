//! What must stand in the files, and what must not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod house;

use house::{LIBRARIES, PURE, code, files, has_word, is_test, none, read, root, shown};

/// Most lines of a source file that is no test.
const MOST_LINES: usize = 600;

/// Words of the wire: the crates below it must not know them.
const WIRE: [&str; 12] = [
    "http",
    "header",
    "status code",
    "multipart/form-data",
    "tus",
    "picomes",
    "placeos",
    "pixlab",
    "wickson",
    "rails",
    "axum",
    "hyper",
];

#[test]
fn no_word_of_the_wire_stands_below_it() {
    let mut offences = Vec::new();
    for name in PURE {
        for ending in [".rs", ".toml", ".md"] {
            let found = if ending == ".md" { optional(name, ending) } else { files(name, ending) };
            for path in found {
                for (n, line) in read(&path).lines().enumerate() {
                    let words = WIRE.into_iter().filter(|word| has_word(line, word));
                    offences
                        .extend(words.map(|word| {
                            format!("{}:{}: {word:?} in {:?}", shown(&path), n + 1, line.trim())
                        }));
                }
            }
        }
    }
    none("words of the wire", &offences);
}

fn optional(below: &str, ending: &str) -> Vec<std::path::PathBuf> {
    files(below, "").into_iter().filter(|path| path.to_str().unwrap().ends_with(ending)).collect()
}

#[test]
fn words_are_found_whole_whatever_their_case() {
    assert!(
        has_word("// An HTTP word", "http")
            && has_word("tus", "tus")
            && has_word("(Status Code)", "status code")
    );
    assert!(!has_word("status", "tus") && !has_word("headers", "header") && !has_word("https2", "http"));
    assert_eq!(code("a\n// b\n#[cfg(test)]\nmod tests {\n c\n}"), [(1, "a")]);
}

#[test]
fn every_library_forbids_unsafe_code_and_asks_for_documentation() {
    for name in LIBRARIES {
        let head = read(&root().join(name).join("src/lib.rs"));
        for line in ["#![forbid(unsafe_code)]", "#![warn(missing_docs)]"] {
            assert!(head.lines().any(|found| found == line), "{name}/src/lib.rs has no {line}");
        }
        let documented = head.lines().take_while(|line| line.starts_with("//!"));
        let text: Vec<_> = documented.collect();
        let has = |what: &str| text.iter().any(|line| line.contains(what));
        assert!(has("hat it is not") && has("```text") && text.contains(&"//! ```"), "the head of {name}");
    }
}

#[test]
fn every_crate_states_the_rust_version_it_needs_and_takes_the_lints() {
    for name in LIBRARIES.into_iter().chain(["examples", "benches"]) {
        let manifest = read(&root().join(name).join("Cargo.toml"));
        let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = \"1."));
        let minor = version.unwrap_or_else(|| panic!("{name} states no rust-version"));
        let minor: u32 = minor.trim_end_matches('"').parse().unwrap();
        assert!(
            (85..=95).contains(&minor),
            "{name}: edition 2024 needs 1.85, and 1.95 is what it is tested with"
        );
        assert!(manifest.contains("[lints]\nworkspace = true"), "{name} does not take the workspace's lints");
    }
}

#[test]
fn no_source_file_is_too_long() {
    let sources = LIBRARIES.into_iter().chain(["examples", "benches"]).flat_map(|name| files(name, ".rs"));
    let mut offences = Vec::new();
    for path in sources.filter(|path| !is_test(path)) {
        let lines = read(&path).lines().count();
        if lines > MOST_LINES {
            offences.push(format!("{}: {lines} lines; at most {MOST_LINES}", shown(&path)));
        }
    }
    none("files that are too long", &offences);
}

#[test]
fn nothing_is_left_to_do_in_the_sources() {
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("todo", "!("),
        concat!("unimpl", "emented!("),
    ];
    let mut offences = Vec::new();
    for path in LIBRARIES.into_iter().chain(["examples", "benches"]).flat_map(|name| files(name, ".rs")) {
        for (n, line) in read(&path).lines().enumerate() {
            let found = marks.iter().filter(|mark| line.contains(*mark));
            offences.extend(found.map(|mark| format!("{}:{}: {mark}", shown(&path), n + 1)));
        }
    }
    none("marks of unfinished work", &offences);
}

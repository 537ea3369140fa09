//! What the house tests share: the workspace's folders and files.
#![allow(dead_code)] // each test binary uses its part

use std::fs;
use std::path::{Path, PathBuf};

/// Crates that know no wire, no runtime and no back end.
pub const PURE: [&str; 4] = ["upload-chunking", "upload-checksum", "upload-core", "upload-engine"];
/// All libraries.
pub const LIBRARIES: [&str; 9] = [
    "upload-chunking",
    "upload-checksum",
    "upload-core",
    "upload-engine",
    "upload-storage",
    "upload-media",
    "upload-analysis",
    "upload-events",
    "upload-http-axum",
];

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All files below a folder of the workspace whose name ends so, without build output, sorted.
pub fn files(below: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root().join(below), ending, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no {ending} below {below}");
    found
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(&path, ending, found);
            }
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
}

pub fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A path as it is shown in failures.
pub fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// Whether a file only holds tests: its own folder or name says so.
pub fn is_test(path: &Path) -> bool {
    let path = path.strip_prefix(root()).unwrap();
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// The lines of code of a source file, numbered from 1: no comments, and nothing from `#[cfg(test)] mod …` on.
pub fn code(text: &str) -> Vec<(usize, &str)> {
    let lines: Vec<_> = text.lines().enumerate().map(|(n, line)| (n + 1, line)).collect();
    let tests = lines.windows(2).position(|two| {
        two[0].1.trim() == "#[cfg(test)]"
            && two[1].1.trim_start().starts_with("mod ")
            && two[1].1.ends_with('{')
    });
    let code = lines.into_iter().take(tests.unwrap_or(usize::MAX));
    code.filter(|(_, line)| !line.trim_start().starts_with("//")).collect()
}

/// Whether `word` stands in `line` as a whole word, whatever its case.
pub fn has_word(line: &str, word: &str) -> bool {
    let line = line.to_lowercase();
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    line.match_indices(word).any(|(at, _)| {
        outside(line[..at].chars().next_back()) && outside(line[at + word.len()..].chars().next())
    })
}

/// Fails with all offences at once.
pub fn none(what: &str, offences: &[String]) {
    assert!(offences.is_empty(), "{what}:\n  {}", offences.join("\n  "));
}

//! The documents name what is there: tests, files, licences; and nothing of one machine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

mod house;

use house::{none, read, root};

const DOCUMENTS: [&str; 7] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "CHANGELOG.md",
    "docs/invariants.md",
    "docs/signed-uploads.md",
];

/// The tests that a text names and that are not there; how many it names.
fn missing_tests(text: &str) -> (Vec<String>, usize) {
    let tests: Vec<_> = text.split('`').filter_map(|part| part.split_once("::")).collect();
    let missing = tests.iter().filter(|(file, test)| {
        let path = root().join(file);
        !path.is_file() || !read(&path).contains(&format!("fn {test}("))
    });
    (missing.map(|(file, test)| format!("{file}::{test}")).collect(), tests.len())
}

#[test]
fn the_tests_of_each_invariant_are_there() {
    let text = read(&root().join("docs/invariants.md"));
    let sections: Vec<_> = text.split("\n## I").skip(1).collect();
    assert_eq!(sections.len(), 10);
    let mut offences = Vec::new();
    for (number, section) in sections.iter().enumerate() {
        assert!(section.starts_with(&format!("{} ", number + 1)), "{section}");
        let (missing, named) = missing_tests(section);
        assert_ne!(named, 0, "no test holds I{}", number + 1);
        offences.extend(missing);
    }
    none("tests that are not there", &offences);
}

#[test]
fn the_tests_of_each_rule_on_both_ways_are_there() {
    let text = read(&root().join("docs/signed-uploads.md"));
    let rules = text.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rules: Vec<_> = rules.take_while(|line| line.starts_with("| ")).collect();
    assert!(rules.len() >= 12, "{rules:?}");
    let mut offences = Vec::new();
    for rule in rules {
        let ways: Vec<_> = rule.trim_matches('|').split('|').skip(1).collect();
        assert!(ways.len() == 2 && ways.iter().all(|way| missing_tests(way).1 > 0), "{rule}");
        offences.extend(missing_tests(rule).0);
    }
    none("tests that are not there", &offences);
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut offences = Vec::new();
    for name in DOCUMENTS {
        let path = root().join(name);
        for link in read(&path).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap();
            let to = path.parent().unwrap().join(file);
            if !file.is_empty() && !link.starts_with("https://") && !to.exists() {
                offences.push(format!("{name}: {link}"));
            }
        }
    }
    none("links to nothing", &offences);
}

#[test]
fn both_licences_are_there_in_full() {
    assert!(read(&root().join("LICENSE-MIT")).contains("THE SOFTWARE IS PROVIDED \"AS IS\""));
    let apache = read(&root().join("LICENSE-APACHE"));
    assert!(apache.contains("Version 2.0, January 2004") && apache.contains("END OF TERMS AND CONDITIONS"));
    let manifest = read(&root().join("Cargo.toml"));
    assert!(manifest.contains("license = \"MIT OR Apache-2.0\""));
}

//! Text that means harm: nothing panics, everything keeps its bounds, time grows with the text and no faster.
#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, unreachable_pub)]

use std::time::Instant;

use proptest::prelude::*;
use upload_analysis::{TextSettings, analyse};

const MIB: usize = 1 << 20;

fn repeated(part: &str) -> String {
    part.repeat(MIB.div_ceil(part.len()))
}

/// Distinct words, as many as fit.
fn distinct() -> String {
    let mut text = String::new();
    let mut n = 0_u32;
    while text.len() < MIB {
        let letters = (0..4).map(|shift| char::from(b'a' + ((n >> (shift * 4)) & 15) as u8));
        text.extend(letters);
        text.push_str(if n.is_multiple_of(2) { " and the salt of the market is " } else { " " });
        n += 1;
    }
    text
}

/// Words of few kinds in ever new order, with sentences.
fn prose() -> String {
    let words = [
        "the",
        "river",
        "of",
        "stone",
        "and",
        "a",
        "market",
        "in",
        "winter",
        "was",
        "opened",
        "by",
        "merchants",
        "who",
        "sold",
        "salt",
        "to",
        "northern",
        "villages",
        "for",
        "silver",
        "it",
        "is",
        "long",
    ];
    let mut text = String::new();
    let mut state = 1_u64;
    let mut n = 0;
    while text.len() < MIB {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = words[(state >> 33) as usize % words.len()];
        n += 1;
        match n % 14 {
            0 => text.push_str("end.\n"),
            1 => text.push_str(&format!("The {word}")),
            _ => text.push_str(word),
        }
        text.push(' ');
    }
    text
}

#[test]
fn a_mebibyte_of_anything_is_looked_at_in_time_that_is_printed() {
    let kinds = [
        ("prose", prose()),
        ("distinct words", distinct()),
        ("no space", repeated("a")),
        ("one sentence", repeated("the salt of the market and ")),
        ("stop words", repeated("the of and to in is that it was for ")),
        ("short sentences", repeated("It is. A b. The salt. ")),
        ("full stops", repeated(".")),
        ("lines", repeated("\n")),
        ("short lines", repeated("the salt\n")),
        ("right to left", repeated("העץ הגדול עומד בגן כבר מאה שנה. ")),
        ("no spaces between words", repeated("苹果树在春天需要氮肥。")),
        ("combining marks", repeated("e\u{301}\u{302}\u{303}")),
        ("flags", repeated("\u{1f1e9}\u{1f1ea}")),
        ("joined emoji", repeated("\u{1f468}\u{200d}\u{1f469}\u{200d}")),
        ("apostrophes", repeated("a'a.a:a_")),
        ("quotes", repeated("\u{5d0}\"")),
        ("direction marks", repeated("\u{202e}the salt \u{2066}")),
        ("capitals that grow", repeated("\u{130}the ")),
    ];
    // The language is told from the beginning, middle and end: among some prose, all of the analysis meets the rest.
    let mut prose = prose();
    prose.truncate(10 << 10);
    let among = |text: &str| {
        let half: String = text.chars().take(text.chars().count() / 2).collect();
        [&prose, &half, &prose, &half, &prose].map(String::as_str).join("\n\n")
    };
    let mut settings = TextSettings::default();
    settings.max_text = 2 * MIB;
    for (name, text) in kinds {
        for (text, among) in [(among(&text), "among prose, "), (text, "")] {
            let begun = Instant::now();
            let analysis = analyse(&text, &settings);
            let took = begun.elapsed();
            println!(
                "{:>37}: {took:>10.1?} {:?} {:?}",
                format!("{among}{name}"),
                analysis.language,
                analysis.keywords
            );
            assert!(analysis.summary.is_none_or(|summary| summary.chars().count() <= 600));
        }
    }
}

/// Text that is like text: words of several scripts, ends of sentences, blank space, and what does not belong there.
fn like_text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => prop::sample::select(vec![
            "the", "The", "of", "and", "river", "River's", "rivers", "salt", "l'eau", "der", "Wald", "les", "שנה",
            "苹果", "рыба", "e.g.", "Dr.", "3.5", "don’t", "well-known",
        ]).prop_map(str::to_owned),
        3 => prop::sample::select(vec![".", "!", "?\"", "…", ",", ";", "\n", "\n\n", "\r\n- ", "\u{c}", "\u{202e}", "'"])
            .prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec((part, prop::bool::weighted(0.8)), 0..400).prop_map(|parts| {
        let spaced = parts.into_iter().map(|(part, space)| if space { part + " " } else { part });
        spaced.collect()
    })
}

/// As what is shown: without blank space, controls and hidden marks.
fn bones(text: &str) -> String {
    let hidden =
        |c: char| matches!(c, '\u{ad}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !hidden(*c)).collect()
}

fn holds(text: &str, settings: &TextSettings) {
    let analysis = analyse(text, settings);
    assert_eq!(analysis, analyse(text, settings));
    assert_eq!(analysis.partial, text.len() > settings.max_text);
    assert!(analysis.topics.len() <= settings.max_topics && analysis.keywords.len() <= settings.max_keywords);
    assert_eq!(analysis.summary.is_some(), analysis.summary_kind.is_some());
    let whole = bones(text);
    // Everything said is of the text itself.
    for said in analysis.topics.iter().chain(&analysis.keywords) {
        assert!(!said.is_empty() && whole.contains(&bones(said)), "{said:?}");
    }
    if let Some(summary) = analysis.summary {
        assert!(summary.chars().count() <= settings.max_summary && !summary.is_empty());
        assert!(!summary.chars().any(char::is_control), "{summary:?}");
        // In order: one part after the other.
        let bones = bones(&summary);
        let mut rest = whole.chars();
        assert!(bones.chars().all(|c| rest.any(|found| found == c)), "{summary:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_keeps_every_bound(text in any::<String>(), max_text in 0_usize..200) {
        let mut settings = TextSettings::default();
        settings.max_text = max_text;
        holds(&text, &settings);
    }

    #[test]
    fn what_is_like_text_keeps_every_bound(
        text in like_text(),
        max_text in 0_usize..4000,
        sentences in 0_usize..5,
        max_summary in 0_usize..700,
        most in 0_usize..12,
    ) {
        let mut settings = TextSettings::default();
        settings.max_text = max_text;
        settings.max_sentences = sentences;
        settings.max_summary = max_summary;
        settings.max_topics = most;
        settings.max_keywords = most;
        holds(&text, &settings);
    }
}

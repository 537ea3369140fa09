//! Cleaning the file names that clients send.
//!
//! *What it is*: two pure functions, one for names that become part of a URL path, one for names that people
//! see when they download. *What it is not*: a way from a name to a stored object; keys are the engine's own.
//!
//! ```
//! use upload_http_axum::names::{clean_file_name, display_file_name};
//!
//! assert_eq!(clean_file_name("C:\\photos\\größe 1.jpg"), "gr__e_1.jpg");
//! assert_eq!(display_file_name("../größe 1.jpg"), "_größe 1.jpg");
//! ```

/// The longest cleaned name, in bytes.
const CLEAN_BYTES: usize = 100;
/// The longest displayed name, in bytes of UTF-8: file systems take 255, and browsers append to it.
const DISPLAY_BYTES: usize = 200;
/// An ending such as `.jpeg` survives shortening up to this length, in bytes with its dot.
const ENDING_BYTES: usize = 16;
/// The name of what has no usable name.
const NAMELESS: &str = "file";

/// A name for use in a URL path: the last component of a path of either kind, each character outside
/// `[A-Za-z0-9._-]` replaced by `_`, at most 100 bytes, its ending kept. `file` if nothing but dots is left.
pub fn clean_file_name(raw: &str) -> String {
    let last = raw.rsplit(['/', '\\']).next().unwrap_or_default();
    let keep = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let cleaned: String = last.chars().map(|c| if keep(c) { c } else { '_' }).collect();
    named(shortened(&cleaned, CLEAN_BYTES))
}

/// A name for people: Unicode stays; control characters, line separators and what changes the direction of text
/// are removed, path separators become `_`, no dots or spaces at its ends but those of an ending, at most 200
/// bytes. `file` if nothing is left.
pub fn display_file_name(raw: &str) -> String {
    let shown: String =
        raw.chars().filter(|c| !hidden(*c)).map(|c| if matches!(c, '/' | '\\') { '_' } else { c }).collect();
    let edge = |c: char| c == '.' || c.is_whitespace();
    named(shortened(shown.trim_matches(edge), DISPLAY_BYTES).trim_end_matches(edge).to_owned())
}

/// Characters that are not seen but change what is seen: controls, separators of lines and paragraphs, marks,
/// embeddings, overrides and isolates of direction, and the byte order mark.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Cuts the stem, or without a short ending the name, so that `limit` bytes are not exceeded.
fn shortened(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|at| name.get(at..)).filter(|ending| ending.len() <= ENDING_BYTES);
    let ending = ending.unwrap_or_default();
    let room = limit - ending.len();
    let cut = name.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last();
    [name.get(..cut.unwrap_or(0)).unwrap_or_default(), ending].concat()
}

fn named(name: String) -> String {
    if name.chars().all(|c| c == '.') { NAMELESS.to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_keep_their_last_component() {
        for (raw, clean) in [
            ("step1.jpg", "step1.jpg"),
            ("/etc/passwd", "passwd"),
            ("..\\..\\a b.png", "a_b.png"),
            ("a/b\\c.mp4", "c.mp4"),
            ("größe.jpg", "gr__e.jpg"),
            ("a\"\r\n\0<b>.gif", "a_____b_.gif"),
            (".htaccess", ".htaccess"),
            ("", "file"),
            ("dir/", "file"),
            (".", "file"),
            ("..", "file"),
            ("a/..", "file"),
        ] {
            assert_eq!(clean_file_name(raw), clean, "{raw:?}");
        }
    }

    #[test]
    fn long_names_keep_their_ending() {
        let long = format!("{}.jpeg", "x".repeat(300));
        assert_eq!(clean_file_name(&long), format!("{}.jpeg", "x".repeat(95)));
        assert_eq!(clean_file_name(&"x".repeat(101)), "x".repeat(100));
        assert_eq!(clean_file_name(&"x".repeat(100)), "x".repeat(100));
        let no_ending = format!("a.{}", "x".repeat(300));
        assert_eq!(clean_file_name(&no_ending), format!("a.{}", "x".repeat(98)));
        assert_eq!(display_file_name(&"ü".repeat(150)), "ü".repeat(100));
        let cut_at_a_dot = format!("{}.{}", "x".repeat(199), "y".repeat(99));
        assert_eq!(display_file_name(&cut_at_a_dot), "x".repeat(199));
        assert_eq!(display_file_name(&("a".to_owned() + &"ü".repeat(150) + ".ü")).len(), 200);
    }

    #[test]
    fn shown_names_hide_nothing() {
        for (raw, shown) in [
            ("größe 1.jpg", "größe 1.jpg"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("a\u{2066}b\u{200f}c\u{feff}d\u{2028}e\u{85}f\0g\r\nh", "abcdefgh"),
            ("👩\u{200d}🔬.png", "👩\u{200d}🔬.png"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\a.txt", "C:_a.txt"),
            (".htaccess", "htaccess"),
            (" a . ", "a"),
            ("\u{202e}...", "file"),
            ("", "file"),
        ] {
            assert_eq!(display_file_name(raw), shown, "{raw:?}");
        }
    }

    proptest! {
        #[test]
        fn any_name_comes_out_clean(raw in "\\PC*|[./\\\\a\u{202e}\u{0}ü ]{0,260}") {
            let clean = clean_file_name(&raw);
            prop_assert!(clean.len() <= 100 && !clean.is_empty() && clean != "." && clean != "..");
            prop_assert!(clean.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)));
            prop_assert_eq!(clean_file_name(&clean), clean.clone(), "clean once is clean");

            let shown = display_file_name(&raw);
            prop_assert!(shown.len() <= 200 && !shown.is_empty() && !shown.starts_with('.'));
            prop_assert!(!shown.chars().any(|c| hidden(c) || c == '/' || c == '\\'));
            prop_assert_eq!(display_file_name(&shown), shown.clone(), "shown once is shown");
        }
    }
}

//! Keys as object names of `[A-Za-z0-9_-]` (and `~`), in the same order, prefixes of each other exactly when the keys are.
//!
//! | bytes | are written |
//! |---|---|
//! | `0-9`, `B-Z`, `a-z` | as they are |
//! | `/` | `-_` |
//! | `A` and `_` | `A_` and `__`: they also begin the next two rows |
//! | below `/`; `:` to `@`; `[` to `^`; above `z` | `-`, `A`, `_`, `~` and two hexadecimal digits |
//! | `` ` `` | `_a` |
//!
//! No code is the beginning of another and the codes are in the order of their bytes, so whole names are in the order of
//! whole keys.

use std::fmt::Write as _;

/// The name of a key, or of the beginning of one. Bytes beyond ASCII do not occur in keys.
pub(super) fn name(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 16);
    for byte in key.bytes() {
        match byte {
            b'/' => name.push_str("-_"),
            b'A' => name.push_str("A_"),
            b'_' => name.push_str("__"),
            b'`' => name.push_str("_a"),
            b'0'..=b'9' | b'B'..=b'Z' | b'a'..=b'z' => name.push(char::from(byte)),
            _ => {
                name.push(lead(byte));
                // Writing to a string does not fail.
                let _ = write!(name, "{byte:02X}");
            }
        }
    }
    name
}

/// What stands before the digits of a byte that has no character of its own.
fn lead(byte: u8) -> char {
    match byte {
        0..b'/' => '-',
        b'/'..b'A' => 'A',
        b'A'..b'`' => '_',
        _ => '~',
    }
}

/// The key of a name; `None` if no key has this name.
pub(super) fn key(name: &str) -> Option<String> {
    let mut key = String::with_capacity(name.len());
    let mut rest = name.chars();
    while let Some(first) = rest.next() {
        let byte = match first {
            '-' | 'A' | '_' | '~' => match (first, rest.next()?) {
                ('-', '_') => b'/',
                ('A', '_') => b'A',
                ('_', '_') => b'_',
                ('_', 'a') => b'`',
                (_, high) => u8::try_from(high.to_digit(16)? * 16 + rest.next()?.to_digit(16)?).ok()?,
            },
            plain => u8::try_from(plain).ok()?,
        };
        key.push(char::from(byte));
    }
    // Only what is written just so: another spelling is nobody's.
    (key.is_ascii() && self::name(&key) == name).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_readable_where_keys_are() {
        assert_eq!(name("u/4k2j/x/000001"), "u-_4k2j-_x-_000001");
        assert_eq!(name("t/Acme-1.x_y"), "t-_A_cme-2D1-2Ex__y");
        assert_eq!(name(""), "");
    }

    #[test]
    fn every_key_comes_back_and_other_names_are_nobodys() {
        for first in 0..128u8 {
            for second in 0..128u8 {
                let one = String::from_utf8(vec![first, second]).unwrap();
                let named = name(&one);
                assert_eq!(key(&named).as_deref(), Some(one.as_str()), "{one:?} {named:?}");
                assert!(named.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_~".contains(&b)), "{named:?}");
            }
        }
        for strange in ["-", "-2", "-2d", "-41", "A", "~41", "_41", "a/b", "a.b", "ü", "~80", "-FF"] {
            assert_eq!(key(strange), None, "{strange:?}");
        }
    }

    /// Codes in the order of their bytes, none the beginning of another: then it holds for all strings of them.
    #[test]
    fn codes_are_in_order_and_none_begins_another() {
        let codes: Vec<String> = (0..128u8).map(|byte| name(&char::from(byte).to_string())).collect();
        assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
        for a in &codes {
            assert_eq!(codes.iter().filter(|b| b.starts_with(a.as_str())).count(), 1, "{a}");
        }
    }
}

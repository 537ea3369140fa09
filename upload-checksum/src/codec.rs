//! Strict hex and base64: one value, one form (hex in either case).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Writes lower-case hex.
pub(crate) fn write_hex(out: &mut dyn std::fmt::Write, bytes: &[u8]) -> std::fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

/// Reads exactly `2 * out.len()` hex digits of either case into `out`; the caller has checked the length.
/// The error is the position of the first byte that is no digit.
pub(crate) fn read_hex(text: &str, out: &mut [u8]) -> Result<(), usize> {
    let (pairs, _) = text.as_bytes().as_chunks::<2>();
    for (index, (&[high, low], byte)) in pairs.iter().zip(out).enumerate() {
        let high = digit(high).ok_or(2 * index)?;
        let low = digit(low).ok_or(2 * index + 1)?;
        *byte = high << 4 | low;
    }
    Ok(())
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Standard alphabet, padded.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The engine refuses white space, missing or surplus padding, and unused bits that are set.
pub(crate) fn from_base64(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    STANDARD.decode(text)
}

/// The length of the padded base64 form of `bytes` bytes, in characters.
pub(crate) const fn base64_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

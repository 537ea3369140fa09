//! What streams are packed with (ISO 32000-2, section 7.4), undone within a limit.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::object::{Dictionary, Object, digit};

/// Why a stream cannot be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packed {
    /// It grows beyond the limit.
    TooLarge,
    /// It is broken, or packed in a way that is not known here.
    Unknown,
}

/// Most that are put on each other.
const MAX_FILTERS: usize = 4;

/// The content of a stream, of `limit` bytes at most, each step of it.
pub(super) fn unpack(dictionary: &Dictionary, mut bytes: Vec<u8>, limit: usize) -> Result<Vec<u8>, Packed> {
    let filters = dictionary.get(b"Filter").each();
    let parameters = dictionary.get(b"DecodeParms").each();
    if filters.len() > MAX_FILTERS {
        return Err(Packed::Unknown);
    }
    for (n, filter) in filters.iter().enumerate() {
        bytes = match filter.name() {
            Some(b"FlateDecode" | b"Fl") => inflate(&bytes, limit)?,
            Some(b"ASCII85Decode" | b"A85") => ascii_85(&bytes)?,
            Some(b"ASCIIHexDecode" | b"AHx") => ascii_hex(&bytes)?,
            _ => return Err(Packed::Unknown),
        };
        if let Some(parameters) = parameters.get(n).and_then(Object::dictionary) {
            bytes = unpredict(bytes, parameters)?;
        }
    }
    if bytes.len() > limit { Err(Packed::TooLarge) } else { Ok(bytes) }
}

/// What can be inflated of broken data counts: many writers leave out the sum at the end.
fn inflate(bytes: &[u8], limit: usize) -> Result<Vec<u8>, Packed> {
    let mut content = Vec::new();
    let ended = ZlibDecoder::new(bytes).take(limit as u64 + 1).read_to_end(&mut content);
    match ended {
        _ if content.len() > limit => Err(Packed::TooLarge),
        Err(_) if content.is_empty() => Err(Packed::Unknown),
        _ => Ok(content),
    }
}

fn ascii_hex(bytes: &[u8]) -> Result<Vec<u8>, Packed> {
    let digits = bytes.iter().take_while(|byte| **byte != b'>').filter(|byte| !byte.is_ascii_whitespace());
    let digits = digits.map(|byte| digit(*byte).ok_or(Packed::Unknown)).collect::<Result<Vec<u8>, _>>()?;
    let byte = |pair: &[u8]| pair.iter().chain(&[0]).take(2).fold(0, |n, digit| n << 4 | digit);
    Ok(digits.chunks(2).map(byte).collect())
}

/// Five digits of base 85 for four bytes; `z` for four zeros, `~` at the end.
fn ascii_85(bytes: &[u8]) -> Result<Vec<u8>, Packed> {
    let mut content = Vec::with_capacity(bytes.len() / 5 * 4 + 4);
    let (mut group, mut length) = (0_u64, 0_usize);
    let digits = bytes.iter().take_while(|byte| **byte != b'~').filter(|byte| !byte.is_ascii_whitespace());
    for byte in digits {
        match byte {
            b'z' if length == 0 => content.extend([0; 4]),
            b'!'..=b'u' => {
                group = group * 85 + u64::from(byte - b'!');
                length += 1;
                if length == 5 {
                    content.extend(u32::try_from(group).map_err(|_| Packed::Unknown)?.to_be_bytes());
                    (group, length) = (0, 0);
                }
            }
            _ => return Err(Packed::Unknown),
        }
    }
    if length > 0 {
        // Filled up with the highest digit, of which as many bytes count as there were digits, less one.
        let filled = (length..5).fold(group, |group, _| group * 85 + 84);
        let bytes = u32::try_from(filled).map_err(|_| Packed::Unknown)?.to_be_bytes();
        content.extend(bytes.iter().take(length - 1));
    }
    Ok(content)
}

/// Undoes the PNG predictors (section 7.4.4.4), which cross-reference streams use.
fn unpredict(bytes: Vec<u8>, parameters: &Dictionary) -> Result<Vec<u8>, Packed> {
    let number = |key: &[u8], otherwise: u64| parameters.get(key).integer().unwrap_or(otherwise);
    match number(b"Predictor", 1) {
        1 => return Ok(bytes),
        10..=15 => {}
        _ => return Err(Packed::Unknown),
    }
    let pixel_bits = number(b"Colors", 1).saturating_mul(number(b"BitsPerComponent", 8));
    let row_bits = pixel_bits.saturating_mul(number(b"Columns", 1));
    let pixel = usize::try_from(pixel_bits.div_ceil(8)).unwrap_or(usize::MAX);
    let row = usize::try_from(row_bits.div_ceil(8)).unwrap_or(usize::MAX);
    if pixel == 0 || row == 0 || row > bytes.len() {
        return Err(Packed::Unknown);
    }
    let mut content: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.chunks(row + 1) {
        let Some((kind, line)) = line.split_first() else { break };
        let start = content.len();
        for (n, byte) in line.iter().enumerate() {
            let before = |at: Option<usize>| at.and_then(|at| content.get(at)).copied().unwrap_or(0);
            let left = before((start + n).checked_sub(pixel).filter(|at| *at >= start));
            let above = before((start + n).checked_sub(row));
            let corner = before((start + n).checked_sub(row + pixel).filter(|at| *at + row >= start));
            content.push(byte.wrapping_add(match kind {
                0 => 0,
                1 => left,
                2 => above,
                3 => (u16::from(left) + u16::from(above)).div_euclid(2) as u8,
                4 => paeth(left, above, corner),
                _ => return Err(Packed::Unknown),
            }));
        }
    }
    Ok(content)
}

/// W3C PNG, section 9.4.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, above, corner].map(i16::from);
    let estimate = a + b - c;
    let [to_a, to_b, to_c] = [a, b, c].map(|x| (estimate - x).abs());
    if to_a <= to_b && to_a <= to_c {
        left
    } else if to_b <= to_c {
        above
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use super::super::object::Lexer;
    use super::*;

    fn dictionary(text: &str) -> Dictionary {
        match Lexer::new(text.as_bytes()).next() {
            Ok(Object::Dictionary(dictionary)) => dictionary,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn text_forms_are_unpacked() {
        assert_eq!(ascii_85(b"87cUR\nD]i,\"Ebo80~>"), Ok(b"Hello World!".to_vec()));
        assert_eq!(ascii_85(b"z87cUR DZ~>"), Ok(b"\0\0\0\0Hello".to_vec()));
        assert_eq!(ascii_85(b"uuuuu"), Err(Packed::Unknown));
        assert_eq!(ascii_hex(b"48 65 6C6c 7>zz"), Ok(b"Hellp".to_vec()));
        let twice = dictionary("<</Filter[/AHx/ASCII85Decode]>>");
        assert_eq!(unpack(&twice, b"38 37 63 55 52 44 5A 7E>".to_vec(), 100), Ok(b"Hello".to_vec()));
        assert_eq!(unpack(&twice, b"38 37 63 55 52 44 5A 7E>".to_vec(), 4), Err(Packed::TooLarge));
        assert_eq!(unpack(&dictionary("<</Filter/DCTDecode>>"), vec![1], 9), Err(Packed::Unknown));
    }

    #[test]
    fn predictors_are_undone() {
        let up = dictionary("<</Predictor 12/Columns 3>>");
        assert_eq!(unpredict(vec![2, 1, 2, 3, 2, 1, 1, 1], &up), Ok(vec![1, 2, 3, 2, 3, 4]));
        assert_eq!(unpredict(vec![1, 1, 2, 3, 3, 1, 1, 1], &up), Ok(vec![1, 3, 6, 1, 3, 5]));
        assert_eq!(unpredict(vec![4, 5, 1, 1, 4, 1, 1, 1], &up), Ok(vec![5, 6, 7, 6, 7, 8]));
        assert_eq!(unpredict(vec![9, 0, 0, 0], &up), Err(Packed::Unknown));
        assert_eq!(unpredict(vec![0], &up), Err(Packed::Unknown));
    }
}

//! Whole numbers as the clients of this dialect know them taken: by the rules of pydantic's lax mode.

use super::json::{Json, MAX_DIGITS};

/// A whole number, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Negative,
    Is(u64),
    /// More than any number of bytes.
    Huge,
}

/// Why a value is no whole number: the type of the error and its message.
pub(super) type Refusal = (&'static str, &'static str);

pub(super) const NO_UNICODE: Refusal =
    ("string_unicode", "Input should be a valid string, unable to parse raw data as a unicode string");
const NO_NUMBER: Refusal = ("int_type", "Input should be a valid integer");
const NOT_FINITE: Refusal = ("finite_number", "Input should be a finite number");
const FRACTION: Refusal =
    ("int_from_float", "Input should be a valid integer, got a number with a fractional part");
const TOO_LONG: Refusal =
    ("int_parsing_size", "Unable to parse input string as an integer, exceeded maximum size");
const NO_DIGITS: Refusal =
    ("int_parsing", "Input should be a valid integer, unable to parse string as an integer");

/// The whole number that a value is or says.
///
/// `true` is 1, `2.0` is 2, `" 1_000.0 "` is 1000. Of texts, pydantic (2.14) also takes some like `0-1` and `0__1`, whose
/// zero before the sign or the underscores it drops too early; they are refused here.
pub(super) fn whole(value: &Json<'_>) -> Result<Whole, Refusal> {
    match value {
        Json::Bool(yes) => Ok(Whole::Is(u64::from(*yes))),
        Json::Int(digits) => of_digits(digits),
        Json::Float(number) => of_float(*number),
        Json::Text(text) => of_text(text),
        Json::Broken(_) => Err(NO_UNICODE),
        Json::Null | Json::List(_) | Json::Map(_) => Err(NO_NUMBER),
    }
}

fn of_float(number: f64) -> Result<Whole, Refusal> {
    // The first number that is too large for 64 bits with a sign, as a float.
    const BOUND: f64 = 9_223_372_036_854_775_808.0;
    if !number.is_finite() {
        Err(NOT_FINITE)
    } else if number.fract() != 0.0 {
        Err(FRACTION)
    } else if number.abs() >= BOUND {
        Err(TOO_LONG)
    } else if number < 0.0 {
        Ok(Whole::Negative)
    } else {
        // Checked to be whole and in range.
        Ok(Whole::Is(number as u64))
    }
}

fn of_text(text: &str) -> Result<Whole, Refusal> {
    let text = text.trim();
    let text = match text.split_once('.') {
        Some((before, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => before,
        Some(_) => return Err(NO_DIGITS),
        None => text,
    };
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let groups = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    if !unsigned.split('_').all(groups) {
        return Err(NO_DIGITS);
    }
    let digits = text.strip_prefix('+').unwrap_or(text).replace('_', "");
    of_digits(&digits)
}

/// Of digits, maybe with a minus before them.
fn of_digits(digits: &str) -> Result<Whole, Refusal> {
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits),
    };
    let digits = digits.trim_start_matches('0');
    Ok(match digits.len() {
        0 => Whole::Is(0),
        length if length > MAX_DIGITS => return Err(TOO_LONG),
        _ if negative => Whole::Negative,
        _ => digits.parse().map_or(Whole::Huge, Whole::Is),
    })
}

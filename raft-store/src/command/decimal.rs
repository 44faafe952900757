//! The sum of two decimal numbers, exact and the same on every machine.
//!
//! Redis reads and adds numbers as C's `long double`, whose width differs between processors, and prints 17 decimals
//! without trailing zeros (`string2ld` and `ld2string` in its `util.c`). Here the sum is exact and rounded once, half to
//! even, to those 17 decimals: what Redis prints wherever its `long double` holds the digits, and without its noise
//! where it does not. Read is what `strtold` reads, but for hexadecimal numbers.

use std::cmp::Ordering;

use super::Rejection;
use crate::limits::{FLOAT_TEXT_BYTES_MAX, FLOAT_WHOLE_DIGITS_MAX};

/// Decimals of a sum.
const DECIMALS: usize = 17;
/// A number all of whose digits stand so far behind the point is none to Redis: `long double` ends there.
const LEADING_ZEROS_MAX: i64 = 4949;
/// Whatever is added to or taken from an exponent this large, it is out of range.
const EXPONENT_MAX: i64 = 1 << 32;
const _: () = assert!("-.".len() + FLOAT_WHOLE_DIGITS_MAX + DECIMALS <= FLOAT_TEXT_BYTES_MAX);

/// ± digits × 10 ^ exponent.
#[derive(Debug)]
struct Decimal {
    negative: bool,
    /// From the highest on, each from 0 to 9.
    digits: Vec<u8>,
    exponent: i64,
}

/// The sum as text, with as many decimals as it needs, at most 17.
///
/// # Errors
/// [`Rejection::NotAFloat`] when one of them is no number, or none within a `long double`'s range;
/// [`Rejection::Overflow`] when one of them is infinite or the sum outside that range.
pub(super) fn sum(a: &[u8], b: &[u8]) -> Result<String, Rejection> {
    Decimal::read(a)?.plus(Decimal::read(b)?).rounded().text()
}

impl Decimal {
    fn read(text: &[u8]) -> Result<Self, Rejection> {
        if text.len() > FLOAT_TEXT_BYTES_MAX {
            return Err(Rejection::NotAFloat);
        }
        let (negative, text) = signed(text);
        if [&b"inf"[..], b"infinity"].iter().any(|infinite| text.eq_ignore_ascii_case(infinite)) {
            return Err(Rejection::Overflow);
        }
        let (mantissa, exponent) = split(text, |byte| byte.eq_ignore_ascii_case(&b'e'));
        let (whole, decimals) = split(mantissa, |byte| *byte == b'.');
        let (decimals, exponent) = (decimals.unwrap_or_default(), exponent.map_or(Ok(0), parse_exponent)?);
        let digits = [whole, decimals].concat();
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return Err(Rejection::NotAFloat);
        }
        let digits: Vec<u8> =
            digits.iter().map(|digit| digit - b'0').skip_while(|digit| *digit == 0).collect();
        if digits.is_empty() {
            return Ok(Self { negative: false, digits, exponent: 0 });
        }
        let exponent = exponent - decimals.len() as i64;
        let whole_digits = digits.len() as i64 + exponent;
        let range = -LEADING_ZEROS_MAX..=FLOAT_WHOLE_DIGITS_MAX as i64;
        if range.contains(&whole_digits) {
            Ok(Self { negative, digits, exponent })
        } else {
            Err(Rejection::NotAFloat)
        }
    }

    /// The exact sum.
    fn plus(mut self, mut other: Self) -> Self {
        let exponent = self.exponent.min(other.exponent);
        self.extend_to(exponent);
        other.extend_to(exponent);
        let len = self.digits.len().max(other.digits.len()) + 1;
        self.pad(len);
        other.pad(len);
        if self.negative == other.negative {
            add(&mut self.digits, &other.digits);
            return self;
        }
        if self.digits < other.digits {
            std::mem::swap(&mut self, &mut other);
        }
        subtract(&mut self.digits, &other.digits);
        self
    }

    /// The same with [`DECIMALS`] decimals: half to even.
    fn rounded(mut self) -> Self {
        let exponent = -(DECIMALS as i64);
        self.extend_to(exponent);
        let dropped = (exponent - self.exponent) as usize;
        self.pad(dropped + DECIMALS + 1);
        let rest = self.digits.split_off(self.digits.len() - dropped);
        let half: Vec<u8> = [5].into_iter().chain(std::iter::repeat(0)).take(dropped).collect();
        let odd = self.digits.last().is_some_and(|last| last % 2 == 1);
        let up = match rest.cmp(&half) {
            Ordering::Greater => true,
            Ordering::Equal => dropped > 0 && odd,
            Ordering::Less => false,
        };
        if up {
            let (len, mut one) = (self.digits.len() + 1, Self { negative: false, digits: vec![1], exponent });
            self.pad(len);
            one.pad(len);
            add(&mut self.digits, &one.digits);
        }
        Self { exponent, ..self }
    }

    /// The text of a number that was rounded.
    fn text(&self) -> Result<String, Rejection> {
        let (whole, decimals) = self.digits.split_at(self.digits.len() - DECIMALS);
        let whole: Vec<u8> = whole.iter().copied().skip_while(|digit| *digit == 0).collect();
        if whole.len() > FLOAT_WHOLE_DIGITS_MAX {
            return Err(Rejection::Overflow);
        }
        let decimals = &decimals[..decimals.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1)];
        let sign = if self.negative && !(whole.is_empty() && decimals.is_empty()) { "-" } else { "" };
        let point = if decimals.is_empty() { "" } else { "." };
        let whole = if whole.is_empty() { vec![0] } else { whole };
        let shown = |digits: &[u8]| digits.iter().map(|digit| char::from(b'0' + digit)).collect::<String>();
        Ok([sign, &shown(&whole), point, &shown(decimals)].concat())
    }

    /// Adds zeros behind, down to this exponent, if they are not there yet.
    fn extend_to(&mut self, exponent: i64) {
        let zeros = (self.exponent - exponent).max(0);
        self.digits.resize(self.digits.len() + zeros as usize, 0);
        self.exponent -= zeros;
    }

    /// Adds zeros in front, up to `len` digits.
    fn pad(&mut self, len: usize) {
        let zeros = len.saturating_sub(self.digits.len());
        self.digits.splice(..0, std::iter::repeat_n(0, zeros));
    }
}

/// Adds `b` to `a`, which is as long and begins with 0.
fn add(a: &mut [u8], b: &[u8]) {
    let mut carry = 0;
    for (a, b) in a.iter_mut().zip(b).rev() {
        let sum = *a + b + carry;
        (*a, carry) = (sum % 10, sum / 10);
    }
}

/// Takes `b` from `a`, which is as long and not smaller.
fn subtract(a: &mut [u8], b: &[u8]) {
    let mut borrowed = 0;
    for (a, b) in a.iter_mut().zip(b).rev() {
        let difference = 10 + *a - b - borrowed;
        (*a, borrowed) = (difference % 10, 1 - difference / 10);
    }
}

/// Takes a sign off; whether it was a minus.
fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

/// What stands before and behind the first byte that is asked for.
fn split(text: &[u8], is: impl Fn(&u8) -> bool) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(is) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

fn parse_exponent(text: &[u8]) -> Result<i64, Rejection> {
    let (negative, digits) = signed(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(Rejection::NotAFloat);
    }
    let add = |sum: i64, digit: &u8| (sum * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX);
    let exponent = digits.iter().fold(0, add);
    Ok(if negative { -exponent } else { exponent })
}

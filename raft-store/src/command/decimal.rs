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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::command::arbitrary::cases;

    fn added(a: &str, b: &str) -> Result<String, Rejection> {
        sum(a.as_bytes(), b.as_bytes())
    }

    /// What `tests/unit/type/incr.tcl` of Redis 7 and its documentation of INCRBYFLOAT expect.
    #[test]
    fn adds_as_redis_does() {
        let cases = [
            ("0", "1", "1"),
            ("1", "0.25", "1.25"),
            ("1.5", "1.5", "3"),
            ("3.0e3", "200", "3200"),
            ("5.0e3", "2.0e2", "5200"),
            ("10.50", "0.1", "10.6"),
            ("10.6", "-5", "5.6"),
            ("3", "1.1", "4.1"),
            ("1", "-1.1", "-0.1"),
            ("17179869184", "1.5", "17179869185.5"),
            ("17179869184", "17179869184", "34359738368"),
        ];
        for (a, b, expected) in cases {
            assert_eq!(added(a, b).as_deref(), Ok(expected), "{a} + {b}");
            assert_eq!(added(b, a).as_deref(), Ok(expected), "{b} + {a}");
        }
    }

    #[test]
    fn there_is_no_negative_zero() {
        assert_eq!(added("-0", "-0.0").as_deref(), Ok("0"));
        assert_eq!(added("-0", "-1e-18").as_deref(), Ok("0"));
        let once = added("0", "0.024390243902439025").unwrap();
        assert_eq!(added(&once, "-0.024390243902439025").as_deref(), Ok("0"));
    }

    #[test]
    fn a_sum_is_rounded_once_and_half_to_even() {
        let cases = [
            ("0.000000000000000015", "0.00000000000000002"),
            ("0.000000000000000025", "0.00000000000000002"),
            ("0.0000000000000000250000000001", "0.00000000000000003"),
            ("-0.000000000000000015", "-0.00000000000000002"),
            ("0.999999999999999999", "1"),
            ("99.999999999999999999", "100"),
        ];
        for (text, expected) in cases {
            assert_eq!(added(text, "0").as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(
            added("0.000000000000000004", "0.000000000000000004").as_deref(),
            Ok("0.00000000000000001")
        );
    }

    #[test]
    fn reads_what_strtold_reads() {
        let same = [".5", "+.5", "0.5", "00.50", "5e-1", "5E-01", "0.05e1", "50.e-2"];
        same.iter().for_each(|text| assert_eq!(added(text, "0").as_deref(), Ok("0.5"), "{text}"));
        for text in ["inf", "+inf", "-Infinity"] {
            assert_eq!(added("0", text), Err(Rejection::Overflow), "{text}");
        }
        let bad =
            ["", " 1", "1 ", " 1 ", "1\0", "-", "+", ".", "e5", "1e", "1e+", "--1", "+-1", "1.2.3", "1e1.5"];
        let worse = ["nan", "0x10", "abc", "1,5", "1e5000", "-1e99999999999999999999", "1e-5000", "infinite"];
        for text in bad.iter().chain(&worse) {
            assert_eq!(added(text, "0"), Err(Rejection::NotAFloat), "{text:?}");
            assert_eq!(added("0", text), Err(Rejection::NotAFloat), "{text:?}");
        }
        assert_eq!(sum(b"\xff", b"0"), Err(Rejection::NotAFloat));
    }

    /// However large, a sum can be read again.
    #[test]
    fn texts_and_sums_have_bounds() {
        let largest = "9".repeat(FLOAT_WHOLE_DIGITS_MAX);
        assert_eq!(added(&largest, "1"), Err(Rejection::Overflow));
        assert_eq!(added(&format!("{largest}.5"), "0.5"), Err(Rejection::Overflow));
        assert_eq!(added(&format!("{largest}1"), "0"), Err(Rejection::NotAFloat));
        let long = added(&format!("-{largest}"), "-0.12345678901234567").unwrap();
        assert!(long.len() <= FLOAT_TEXT_BYTES_MAX);
        assert_eq!(added(&long, "0.12345678901234567").unwrap(), format!("-{largest}"));
        let zeros = |count| format!("0.{}1", "0".repeat(count));
        assert_eq!(
            added(&zeros(FLOAT_TEXT_BYTES_MAX - 3), "0"),
            Err(Rejection::NotAFloat),
            "it is too small"
        );
        assert_eq!(added(&zeros(4900), "0").as_deref(), Ok("0"));
        assert_eq!(added(&"0".repeat(FLOAT_TEXT_BYTES_MAX), "1").as_deref(), Ok("1"));
        assert_eq!(added(&"0".repeat(FLOAT_TEXT_BYTES_MAX + 1), "1"), Err(Rejection::NotAFloat));
    }

    proptest! {
        #![proptest_config(cases(512))]

        /// Units of 10⁻⁹ as 128-bit integers say the same.
        #[test]
        fn agrees_with_whole_numbers(a in any::<i64>(), b in any::<i64>()) {
            const UNITS: i128 = 1_000_000_000;
            let shown = |units: i128| {
                let sign = if units < 0 { "-" } else { "" };
                format!("{sign}{}.{:09}", units.abs() / UNITS, units.abs() % UNITS)
            };
            let expected = shown(i128::from(a) + i128::from(b));
            let expected = expected.trim_end_matches('0').trim_end_matches('.');
            prop_assert_eq!(added(&shown(a.into()), &shown(b.into())).unwrap(), expected);
        }

        #[test]
        fn garbage_never_panics(a in "[-+.0-9eE]{0,12}", b in prop::collection::vec(any::<u8>(), 0..12)) {
            let _ = sum(a.as_bytes(), &b);
        }
    }
}

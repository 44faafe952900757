//! Durations of query strings: a whole number and a unit, `1500ms`, `30s`, `5m`, `2h`, `1d`; never a bare number.

use std::time::Duration;

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum DurationError {
    /// It is not a number followed by a unit.
    #[error("a duration is a number and one of the units ms, s, m, h, d, as in 30s")]
    Malformed,
    /// The number is negative, fractional or too large.
    #[error("the number of a duration is whole, not negative and not beyond all measure")]
    OutOfRange,
}

/// Reads a duration.
pub(super) fn parse(text: &str) -> Result<Duration, DurationError> {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(DurationError::Malformed)?;
    let (number, unit) = text.split_at(split);
    let unit_ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(DurationError::Malformed),
    };
    if !is_number(number) {
        return Err(DurationError::Malformed);
    }
    let whole: u64 = number.parse().map_err(|_| DurationError::OutOfRange)?;
    whole.checked_mul(unit_ms).map(Duration::from_millis).ok_or(DurationError::OutOfRange)
}

/// Whether this is some decimal number: an optional sign, digits, at most one point.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    [whole, fraction].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood() {
        let cases = [
            ("0ms", 0),
            ("1500ms", 1_500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("1d", 86_400_000),
        ];
        for (text, ms) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "", "30", "s", "30 s", "30S", "30sec", "x30s", "1h30m", "+5s", "--5s", ".5s", "1.s", "30s ", "٣s",
        ] {
            assert_eq!(parse(text), Err(DurationError::Malformed), "{text}");
        }
    }

    #[test]
    fn numbers_that_are_no_duration_are_out_of_range() {
        for text in ["-5s", "1.5s", "99999999999999999999s", "18446744073709551615d"] {
            assert_eq!(parse(text), Err(DurationError::OutOfRange), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,12}") {
            let _ = parse(&text);
        }
    }
}

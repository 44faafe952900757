//! Sizes and durations as people write them: `64MiB`, `50ms`. A bare number is in the unit the setting names.

use std::time::Duration;

/// Size units and their bytes: binary ones, and the decimal ones of disk makers.
const SIZES: [(&str, u64); 9] = [
    ("b", 1),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
];

/// Duration units and their milliseconds.
const DURATIONS: [(&str, u64); 5] =
    [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Bytes of `64MiB`, `4GiB`, `10MB` or plain `1048576`.
///
/// # Errors
/// A sentence for the user when the text is no size or does not fit 63 bits.
pub fn size(text: &str) -> Result<u64, String> {
    let example = "a size like 64MiB, 4GiB or a number of bytes";
    measure(text, &SIZES, Some(1), example)
}

/// A duration with its unit: `50ms`, `30s`, `10m`, `2h`, `1d`.
///
/// # Errors
/// A sentence for the user when the unit is missing or unknown.
pub fn duration(text: &str) -> Result<Duration, String> {
    duration_or(text, None).map(Duration::from_millis)
}

/// Milliseconds of a duration; a bare number counts in units of `bare_ms`.
///
/// # Errors
/// A sentence for the user when the text is no duration.
pub fn duration_or(text: &str, bare_ms: Option<u64>) -> Result<u64, String> {
    measure(text, &DURATIONS, bare_ms, "a duration like 50ms, 30s, 10m or 2h")
}

fn measure(text: &str, units: &[(&str, u64)], bare: Option<u64>, example: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not {example}");
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let factor = if unit.is_empty() {
        bare
    } else {
        units.iter().find(|(name, _)| *name == unit).map(|&(_, factor)| factor)
    };
    let product = number.checked_mul(factor.ok_or_else(wrong)?);
    product.filter(|&n| i64::try_from(n).is_ok()).ok_or_else(|| format!("`{text}` is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let good = [("64MiB", 64 << 20), ("4 GiB", 4 << 30), ("1048576", 1 << 20), ("10mb", 10_000_000)];
        for (text, bytes) in good {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for bad in ["", "MiB", "-1", "1.5GiB", "64 MiBs", "10s", "99999999999TiB", "99999999999999999999"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations() {
        for (text, ms) in [("50ms", 50), ("30s", 30_000), ("10m", 600_000), ("2h", 7_200_000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for bad in ["", "s", "30", "-5s", "1.5s", "5 weeks", "1MiB"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bare_number_takes_the_settings_unit() {
        assert_eq!(duration_or("600", Some(1_000)), Ok(600_000));
        assert_eq!(duration_or("600ms", Some(1_000)), Ok(600));
    }
}

//! Sizes as people write them.

/// Bytes with an optional unit, each a power of 1024: `4096`, `64k`, `512m`, `1g`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.to_ascii_lowercase();
    let units = [("k", 1 << 10), ("m", 1 << 20), ("g", 1 << 30)];
    let unit = units.into_iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)));
    let (number, factor) = unit.unwrap_or((&text, 1_u64));
    let number = number.parse::<u64>().ok().filter(|number| *number > 0);
    number.and_then(|n| n.checked_mul(factor)).ok_or_else(|| "a size is like 4096, 64k, 512m or 1g".into())
}

/// Bytes in mebibytes.
pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("64K"), Ok(65_536));
        assert_eq!(bytes("1g"), Ok(1 << 30));
        for wrong in ["", "g", "0", "-1m", "1t", "1.5g", "99999999999g"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}

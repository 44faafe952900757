//! The seed of what is not given one: from outside if it is named there, or else drawn.

use std::io::Write;

/// The environment variable that names the seed.
pub const VARIABLE: &str = "QUORATE_SEED";

/// The seed that `QUORATE_SEED` names, or a random one.
pub fn chosen() -> u64 {
    match std::env::var(VARIABLE) {
        Ok(text) => named(&text).unwrap_or_else(rand::random),
        Err(_) => rand::random(),
    }
}

/// What a text names. One that is no number is told of: whoever set it wants that seed, not another.
fn named(text: &str) -> Option<u64> {
    let seed = text.trim().parse().ok();
    if seed.is_none() {
        // Nothing can be done about a broken stderr.
        let _ = writeln!(std::io::stderr(), "{VARIABLE} is no number: {text:?}; a seed is drawn instead");
    }
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_seed() {
        assert_eq!(named("17"), Some(17));
        assert_eq!(named(" 18446744073709551615\n"), Some(u64::MAX));
        assert_eq!(named("seventeen"), None);
    }
}

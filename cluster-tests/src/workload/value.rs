//! Huge values by name: a history keeps `3-17~300000`, the wire carries the 300,000 bytes that stand for it.
//!
//! A value read back is named again only if every byte is as it was written; anything else keeps a name that
//! nobody wrote, so that the checker calls it a phantom.

use std::borrow::Cow;

/// Bytes up to which a value is kept as it is.
const PLAIN_BYTES_MAX: usize = 4096;
/// Between the unique part of a name and the length.
const MARK: char = '~';
/// Ends each repetition of the unique part.
const END: char = '|';
/// Characters of a damaged value that are kept to find it by.
const DAMAGED_CHARS: usize = 48;

/// The name of a huge value of `bytes` bytes; `unique` must hold neither `~` nor `|`.
pub(super) fn huge(unique: &str, bytes: usize) -> String {
    format!("{unique}{MARK}{}", bytes.max(PLAIN_BYTES_MAX + 1))
}

/// What travels for a name: the unique part again and again. Other values stand for themselves.
pub(super) fn expand(name: &str) -> Cow<'_, str> {
    let parts = name.split_once(MARK).and_then(|(unique, len)| Some((unique, len.parse().ok()?)));
    parts.map_or(Cow::Borrowed(name), |(unique, len)| Cow::Owned(filled(unique, len)))
}

/// The name of what travelled.
pub(super) fn contract(value: String) -> String {
    if value.len() <= PLAIN_BYTES_MAX {
        return value;
    }
    // Lists grow past the bound as well; they are kept as they are.
    let Some((unique, _)) = value.split_once(END) else { return value };
    if filled(unique, value.len()) == value { huge(unique, value.len()) } else { damaged(&value) }
}

fn damaged(value: &str) -> String {
    let start: String = value.chars().take(DAMAGED_CHARS).collect();
    format!("damaged, {} bytes: {start}", value.len())
}

fn filled(unique: &str, bytes: usize) -> String {
    let piece = format!("{unique}{END}");
    let mut whole = piece.repeat(bytes / piece.len() + 1);
    whole.truncate(bytes);
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_value_comes_back_by_its_name() {
        let name = huge("3-17", 300_000);
        assert_eq!(name, "3-17~300000");
        let travels = expand(&name).into_owned();
        assert_eq!(travels.len(), 300_000);
        assert_eq!(contract(travels), name);
    }

    #[test]
    fn small_values_and_lists_stand_for_themselves() {
        assert_eq!(expand("3-17"), "3-17");
        assert_eq!(contract("3-17".into()), "3-17");
        let list = "3-17,".repeat(2000);
        assert_eq!(contract(list.clone()), list);
    }

    #[test]
    fn a_byte_that_changed_costs_the_name() {
        let name = huge("3-17", 300_000);
        let mut travels = expand(&name).into_owned();
        travels.replace_range(200_000..200_001, "x");
        assert!(contract(travels.clone()).starts_with("damaged, 300000 bytes: 3-17|"));
        travels.truncate(200_000);
        assert_eq!(contract(travels), "3-17~200000", "cut short: a name that nobody wrote");
        let mixed = expand(&name).into_owned()[..100_000].to_owned() + &expand("4-2~100000");
        assert!(contract(mixed).starts_with("damaged"));
    }
}

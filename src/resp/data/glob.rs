//! Patterns of `KEYS` and `SCAN`, as Redis matches them (`stringmatchlen` in its `util.c`), without its backtracking.
//!
//! Redis tries every way to share a key out among several `*`, which takes exponential time before its version 7 and
//! is cut off by depth since. Here only the last `*` passed is ever tried again: every other part of a pattern takes one
//! byte, so what an earlier `*` could take more of, a later one can too. A match takes at most as many steps as the
//! pattern has parts times the key has bytes; and a pattern that needs more bytes than a key has matches nothing, so it
//! is not kept.

use raft_store::limits::KEY_BYTES_MAX;

/// A pattern: `*` any bytes, `?` one byte, `[a-z]`, `[^a]`, and `\` before a byte that is meant as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(Option<Vec<Part>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Any bytes, or none.
    Star,
    /// Any byte.
    Any,
    /// This byte.
    Byte(u8),
    /// One of these bytes.
    Class(Box<ByteSet>),
}

impl Glob {
    /// Reads a pattern; there is none that cannot be read.
    pub fn new(pattern: &[u8]) -> Self {
        let (mut rest, mut parts, mut bytes) = (pattern, Vec::new(), 0);
        while let Some(part) = next_part(&mut rest) {
            match part {
                Part::Star if parts.last() == Some(&Part::Star) => continue,
                Part::Star => {}
                Part::Any | Part::Byte(_) | Part::Class(_) => bytes += 1,
            }
            if bytes > KEY_BYTES_MAX {
                return Self(None);
            }
            parts.push(part);
        }
        Self(Some(parts))
    }

    /// What every key it matches begins with, as far as the pattern says so plainly; one that matches nothing says nothing.
    pub fn literal_prefix(&self) -> Vec<u8> {
        let plain = |part: &Part| if let Part::Byte(byte) = part { Some(*byte) } else { None };
        self.0.iter().flatten().map_while(plain).collect()
    }

    /// Whether the pattern matches the whole of `key`.
    pub fn matches(&self, key: &[u8]) -> bool {
        let Some(parts) = &self.0 else { return false };
        let (mut part, mut at) = (0, 0);
        // Behind the last star passed, and where what it takes ends.
        let mut star: Option<(usize, usize)> = None;
        while at < key.len() {
            match parts.get(part) {
                Some(Part::Star) => {
                    part += 1;
                    star = Some((part, at));
                }
                Some(one) if one.takes(key[at]) => (part, at) = (part + 1, at + 1),
                _ => match &mut star {
                    Some((behind, taken)) => {
                        *taken += 1;
                        (part, at) = (*behind, *taken);
                    }
                    None => return false,
                },
            }
        }
        parts[part..].iter().all(|part| *part == Part::Star)
    }
}

impl Part {
    fn takes(&self, byte: u8) -> bool {
        match self {
            Self::Star => false,
            Self::Any => true,
            Self::Byte(this) => *this == byte,
            Self::Class(bytes) => bytes.has(byte),
        }
    }
}

/// Takes the next part from the front of `rest`.
fn next_part(rest: &mut &[u8]) -> Option<Part> {
    Some(match take(rest)? {
        b'*' => Part::Star,
        b'?' => Part::Any,
        b'[' => Part::Class(class(rest)),
        // At the end of a pattern it means itself.
        b'\\' => Part::Byte(take(rest).unwrap_or(b'\\')),
        byte => Part::Byte(byte),
    })
}

/// Takes a class up to and with its `]`, or to the end of the pattern if it has none.
fn class(rest: &mut &[u8]) -> Box<ByteSet> {
    let mut bytes = Box::<ByteSet>::default();
    let negated = rest.first() == Some(&b'^');
    if negated {
        take(rest);
    }
    while let Some(byte) = take(rest) {
        match byte {
            b']' => break,
            b'\\' if !rest.is_empty() => take(rest).into_iter().for_each(|byte| bytes.add(byte, byte)),
            from if rest.len() >= 2 && rest[0] == b'-' => {
                bytes.add(from, rest[1]);
                *rest = &rest[2..];
            }
            byte => bytes.add(byte, byte),
        }
    }
    if negated {
        bytes.0.iter_mut().for_each(|word| *word = !*word);
    }
    bytes
}

fn take(rest: &mut &[u8]) -> Option<u8> {
    let (first, others) = rest.split_first()?;
    *rest = others;
    Some(*first)
}

/// A set of bytes, a bit each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct ByteSet([u64; 4]);

impl ByteSet {
    /// Adds a range, given either way round.
    fn add(&mut self, from: u8, to: u8) {
        for byte in from.min(to)..=from.max(to) {
            self.0[usize::from(byte / 64)] |= 1 << (byte % 64);
        }
    }

    fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] & (1 << (byte % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, key: &str) -> bool {
        Glob::new(pattern.as_bytes()).matches(key.as_bytes())
    }

    /// What Redis 7.0.15 answered to `KEYS`.
    #[test]
    fn patterns_match_as_in_redis() {
        let mut lines =
            include_str!("tests/transcripts/patterns.txt").lines().filter(|line| !line.starts_with('#'));
        let keys: Vec<&str> = lines.next().unwrap().split(' ').collect();
        let mut patterns = 0;
        for line in lines {
            let (pattern, expected) = line.split_once(' ').unwrap_or((line, ""));
            let found: Vec<&str> = keys.iter().copied().filter(|key| matches(pattern, key)).collect();
            assert_eq!(found.join(" "), expected, "{pattern}");
            patterns += 1;
        }
        assert!(patterns > 100, "only {patterns} patterns");
    }

    #[test]
    fn many_stars_take_no_time() {
        let key = "a".repeat(KEY_BYTES_MAX);
        let pattern = "a*".repeat(KEY_BYTES_MAX / 2);
        assert!(matches(&pattern, &key));
        assert!(!matches(&format!("{pattern}b"), &key));
    }

    #[test]
    fn a_pattern_no_key_is_long_enough_for_is_not_kept() {
        assert_eq!(Glob::new("*?".repeat(KEY_BYTES_MAX + 1).as_bytes()), Glob(None));
        assert!(!matches(&"?".repeat(KEY_BYTES_MAX + 1), &"a".repeat(KEY_BYTES_MAX + 1)));
        assert!(matches(&"?".repeat(KEY_BYTES_MAX), &"a".repeat(KEY_BYTES_MAX)));
    }

    /// The definition, without any cleverness.
    fn slow(parts: &[Part], key: &[u8]) -> bool {
        match (parts.split_first(), key.split_first()) {
            (None, _) => key.is_empty(),
            (Some((Part::Star, rest)), None) => slow(rest, key),
            (Some((Part::Star, rest)), Some((_, behind))) => slow(rest, key) || slow(parts, behind),
            (Some((part, rest)), Some((byte, behind))) => part.takes(*byte) && slow(rest, behind),
            (Some(_), None) => false,
        }
    }

    proptest::proptest! {
        #[test]
        fn matching_agrees_with_the_definition(pattern in "[ab*?\\[\\]^\\\\-]{0,10}", key in "[ab\\-^]{0,10}") {
            let glob = Glob::new(pattern.as_bytes());
            let parts = glob.0.clone().unwrap();
            proptest::prop_assert_eq!(glob.matches(key.as_bytes()), slow(&parts, key.as_bytes()));
        }

        #[test]
        fn no_pattern_panics(pattern: Vec<u8>, key: Vec<u8>) {
            Glob::new(&pattern).matches(&key);
        }
    }
}

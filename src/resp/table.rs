//! Every command there is, by name: those about data, and those about connections and the server.
//!
//! A row's number stands for the command where figures are kept.

use std::sync::OnceLock;

use super::data::spec::{DataCommand, Spec};
use super::server::{self, Server};

/// Longest name looked for, in bytes: no command has a longer one.
const NAME_BYTES_MAX: usize = 32;
/// Separates a command from its subcommand in descriptions; no command is called by such a name.
const SUBCOMMAND: char = '|';

/// A command.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Its description.
    pub(super) spec: &'static Spec,
    /// Its place in the table.
    pub(super) row: usize,
    /// What carries it out.
    pub(super) what: What,
}

/// What carries a command out.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// A plan made from its arguments.
    Data(&'static DataCommand),
    /// The server itself.
    Server(Server),
}

/// Every command, by name.
pub(super) fn all() -> &'static [Known] {
    static ALL: OnceLock<Vec<Known>> = OnceLock::new();
    ALL.get_or_init(|| {
        let data = super::data::commands().map(|command| (&command.spec, What::Data(command)));
        let server = server::COMMANDS.iter().map(|(spec, server)| (spec, What::Server(*server)));
        let mut all: Vec<_> =
            data.chain(server).filter(|(spec, _)| !spec.name.contains(SUBCOMMAND)).collect();
        all.sort_by_key(|(spec, _)| spec.name);
        all.into_iter().enumerate().map(|(row, (spec, what))| Known { spec, row, what }).collect()
    })
}

/// The command of this name, in whatever case it is written.
pub(super) fn find(name: &[u8]) -> Option<&'static Known> {
    let mut lower = [0; NAME_BYTES_MAX];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let all = all();
    let at = all.binary_search_by(|known| known.spec.name.as_bytes().cmp(lower)).ok()?;
    Some(&all[at])
}

/// How many rows there are.
pub(super) fn rows() -> usize {
    all().len()
}

/// The name of the command in a row; `NULL`, as Redis says, where there is none.
pub(super) fn name_of(row: usize) -> &'static str {
    all().get(row).map_or("NULL", |known| known.spec.name)
}

/// The keys among a command's words, its name included.
pub(super) fn keys<'a, T>(spec: &Spec, words: &'a [T]) -> impl Iterator<Item = &'a T> {
    let positions = spec.keys;
    let last = if positions.last < 0 { words.len() as i32 + positions.last } else { positions.last };
    let range = if positions.first > 0 { positions.first..last + 1 } else { 0..0 };
    range.step_by(positions.step.max(1) as usize).filter_map(|at| words.get(usize::try_from(at).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::data::spec::KeyPositions;

    #[test]
    fn every_command_is_found_in_any_case_and_once() {
        for known in all() {
            let found = find(known.spec.name.to_ascii_uppercase().as_bytes()).map(|found| found.row);
            assert_eq!(found, Some(known.row), "{}", known.spec.name);
            assert!(known.spec.name.len() <= NAME_BYTES_MAX);
        }
        assert!(all().windows(2).all(|pair| pair[0].spec.name < pair[1].spec.name));
        for none in [&b""[..], b"nosuch", b"client|list", &[b'x'; 100]] {
            assert!(find(none).is_none());
        }
    }

    #[test]
    fn keys_are_where_the_description_says() {
        let of = |positions, words: &'static str| {
            let spec = Spec::new("generic", "x", -1, &[], positions);
            let words: Vec<&str> = words.split(' ').collect();
            keys(&spec, &words).copied().collect::<Vec<_>>()
        };
        assert_eq!(of(KeyPositions::NONE, "ping a"), Vec::<&str>::new());
        assert_eq!(of(KeyPositions::ONE, "get a b"), ["a"]);
        assert_eq!(of(KeyPositions::ALL, "del a b c"), ["a", "b", "c"]);
        assert_eq!(of(KeyPositions::PAIRS, "mset a 1 b 2"), ["a", "b"]);
        assert_eq!(of(KeyPositions::TWO, "rename a"), ["a"]);
    }
}

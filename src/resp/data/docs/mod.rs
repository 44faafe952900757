//! `docs/redis-commands.md`, made of what the commands say of themselves. It is a test, so the file is never behind:
//! `UPDATE_DOCS=1 cargo test -p quorate redis_commands` writes it anew.

mod refused;

use std::collections::BTreeMap;
use std::fmt::Write;

use super::super::table;
use super::spec::Spec;
use refused::REFUSED;

/// The file, and how it is made.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/redis-commands.md");
const HEAD: &str = "# Redis commands

Semantics, answers and error texts are those of Redis 7.0 but for what stands under *Differs*. Everywhere: a key has 1
to 1,024 bytes, a value at most `value-max`, and there is one database, number 0. An error that begins with
`UNKNOWN` says that the write may have happened; after any other error it has not.

This file is made by the project: `UPDATE_DOCS=1 cargo test -p quorate redis_commands`.
";

/// The whole file.
fn document<'a>(specs: impl Iterator<Item = &'a Spec>) -> String {
    let mut groups: BTreeMap<&str, BTreeMap<&str, &Spec>> = BTreeMap::new();
    for spec in specs {
        groups.entry(spec.group).or_default().insert(spec.name, spec);
    }
    let mut text = HEAD.to_owned();
    for (group, specs) in groups {
        let _ = write!(text, "\n## {}\n\n| Command | Does | Differs |\n|---|---|---|\n", titled(group));
        let every = specs.values().flat_map(|spec| [*spec].into_iter().chain(spec.subcommands));
        every.for_each(|spec| text += &row(spec));
    }
    text += "\n## Refused\n\nAnswered with `ERR unknown command`, as Redis does.\n\n| | Commands | Why |\n|---|---|---|\n";
    for family in REFUSED {
        let names = family.commands.iter().map(|name| shown(name)).collect::<Vec<_>>();
        let _ = writeln!(text, "| {} | {} | {} |", family.name, names.join(", "), family.why);
    }
    text
}

fn row(spec: &Spec) -> String {
    format!("| {} | {} | {} |\n", shown(spec.name), spec.summary, spec.differs.unwrap_or_default())
}

/// A name as people write it.
fn shown(name: &str) -> String {
    format!("`{}`", name.to_uppercase().replace('|', " "))
}

fn titled(group: &str) -> String {
    let mut letters = group.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Every command there is.
fn specs() -> impl Iterator<Item = &'static Spec> {
    table::all().iter().map(|known| known.spec)
}

#[test]
fn redis_commands_are_documented_as_they_are() {
    let made = document(specs());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, &made).unwrap();
    }
    let there = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        there == made,
        "docs/redis-commands.md is behind: UPDATE_DOCS=1 cargo test -p quorate redis_commands"
    );
}

#[test]
fn every_command_of_redis_is_served_or_refused_for_a_reason() {
    let served = specs().map(|spec| spec.name);
    let refused = REFUSED.iter().flat_map(|family| family.commands).copied();
    let mut all: Vec<&str> = served.chain(refused).collect();
    all.sort_unstable();
    let redis: Vec<&str> = include_str!("../tests/transcripts/commands.txt").lines().collect();
    assert_eq!(all, redis);
}

#[test]
fn every_command_says_what_it_does_in_a_sentence() {
    let every = specs().flat_map(|spec| [spec].into_iter().chain(spec.subcommands));
    for spec in every {
        let sentences = [Some(spec.summary), spec.differs];
        for sentence in sentences.into_iter().flatten() {
            assert!(sentence.ends_with('.') && !sentence.contains('|'), "{}: {sentence}", spec.name);
        }
        assert!(!spec.since.is_empty() && !spec.complexity.is_empty(), "{}", spec.name);
    }
}

//! What a command is called, takes and costs: what `COMMAND` and `COMMAND DOCS` tell clients, and the docs people.

use super::super::plan::Planner;

/// A command's description, as Redis gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spec {
    /// Its name in lower case; a subcommand's is `object|encoding`.
    pub name: &'static str,
    /// Number of arguments with the name; negative: at least so many.
    pub arity: i32,
    /// `write`, `readonly`, `denyoom`, `fast`, …
    pub flags: &'static [&'static str],
    /// Where its keys stand.
    pub keys: KeyPositions,
    /// `string`, `generic`, `bitmap`, …
    pub group: &'static str,
    /// The version of Redis that had it first.
    pub since: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What it costs.
    pub complexity: &'static str,
    /// How it differs from Redis here, in a sentence.
    pub differs: Option<&'static str>,
    /// Its subcommands.
    pub subcommands: &'static [Spec],
}

/// No flags: a container of subcommands.
pub const NO_FLAGS: &[&str] = &[];
/// Reads.
pub const READ: &[&str] = &["readonly"];
/// Reads, in constant time for each key.
pub const READ_FAST: &[&str] = &["readonly", "fast"];
/// Changes data, without need for memory.
pub const WRITE: &[&str] = &["write"];
/// Changes data, without need for memory and in constant time for each key.
pub const WRITE_FAST: &[&str] = &["write", "fast"];
/// Changes data, and may need memory.
pub const GROW: &[&str] = &["write", "denyoom"];
/// Changes data, may need memory, in constant time for each key.
pub const GROW_FAST: &[&str] = &["write", "denyoom", "fast"];

/// Which arguments are keys, counted with the name as 0; a negative last counts from the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyPositions {
    /// The first key; 0: there is none.
    pub first: i32,
    /// The last key.
    pub last: i32,
    /// From one key to the next.
    pub step: i32,
}

impl KeyPositions {
    /// No argument is a key.
    pub const NONE: Self = Self::new(0, 0, 0);
    /// The first argument.
    pub const ONE: Self = Self::new(1, 1, 1);
    /// The second argument, behind a subcommand.
    pub const SECOND: Self = Self::new(2, 2, 1);
    /// The first two arguments.
    pub const TWO: Self = Self::new(1, 2, 1);
    /// Every argument.
    pub const ALL: Self = Self::new(1, -1, 1);
    /// Every other argument.
    pub const PAIRS: Self = Self::new(1, -1, 2);

    const fn new(first: i32, last: i32, step: i32) -> Self {
        Self { first, last, step }
    }
}

impl Spec {
    /// A description without words.
    pub const fn new(
        group: &'static str,
        name: &'static str,
        arity: i32,
        flags: &'static [&'static str],
        keys: KeyPositions,
    ) -> Self {
        let (since, complexity, summary) = ("", "", "");
        Self { name, arity, flags, keys, group, since, summary, complexity, differs: None, subcommands: &[] }
    }

    /// Since which version of Redis, at what cost, to do what.
    pub const fn docs(self, since: &'static str, complexity: &'static str, summary: &'static str) -> Self {
        Self { since, complexity, summary, ..self }
    }

    /// How it differs from Redis.
    pub const fn differs(self, how: &'static str) -> Self {
        Self { differs: Some(how), ..self }
    }

    /// Its subcommands.
    pub const fn with(self, subcommands: &'static [Self]) -> Self {
        Self { subcommands, ..self }
    }

    /// The same with what carries it out.
    pub const fn planned_by(self, planner: Planner) -> DataCommand {
        DataCommand { spec: self, planner }
    }

    /// Whether this is the command of that name, in whatever case it is written.
    pub fn is_named(&self, name: &[u8]) -> bool {
        self.name.as_bytes().eq_ignore_ascii_case(name)
    }

    /// Whether it may be called with so many arguments, the name counted.
    pub fn takes(&self, arguments: usize) -> bool {
        let needed = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { arguments >= needed } else { arguments == needed }
    }

    /// Whether it may change data.
    pub fn writes(&self) -> bool {
        self.flags.contains(&"write")
    }
}

/// A command about data.
#[derive(Debug, Clone, Copy)]
pub struct DataCommand {
    /// Its description.
    pub spec: Spec,
    /// Turns its arguments into a plan.
    pub planner: Planner,
}

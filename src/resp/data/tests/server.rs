//! One group's map behind the data commands: plans are carried out on it as a node would, one entry for each command.

use bytes::Bytes;
use raft_store::command::{Command, Condition, Content, Expiry, Packer, Replies, Set};
use raft_store::key::Key;
use raft_store::map::{Entry, Lookup, TtlMap};

use super::super::super::plan::{Applied, Context, Found, Plan};
use super::super::super::value::Value;
use super::super::args::wrong_number;
use super::super::find;
use super::{CONTEXT, TIME_MS};

pub(super) struct Server {
    map: TtlMap,
    context: Context,
    time_ms: u64,
}

impl Server {
    pub(super) fn new() -> Self {
        Self { map: TtlMap::owning_all(), context: CONTEXT, time_ms: TIME_MS }
    }

    /// Lets time pass, on every clock.
    pub(super) fn pass_ms(&mut self, ms: u64) {
        self.time_ms += ms;
        self.context.wall_ms += ms;
    }

    /// The version of a key; `None`: it is absent.
    pub(super) fn version(&self, key: &str) -> Option<u64> {
        self.entry(&named(key)).map(|entry| entry.version)
    }

    /// What the value of a key is; `None`: it is absent.
    pub(super) fn content(&self, key: &str) -> Option<Content> {
        self.entry(&named(key)).map(|entry| entry.content)
    }

    /// Writes a key as the HTTP API does.
    pub(super) fn put_json(&mut self, key: &str, json: &'static str) {
        let (value, content) = (Bytes::from_static(json.as_bytes()), Content::Json);
        let (expiry, condition) = (Expiry::Never, Condition::None);
        self.applied(&Command::Set(Set { key: named(key), value, content, expiry, condition }));
    }

    fn entry(&self, key: &Key) -> Option<Entry> {
        match self.map.get(key) {
            Lookup::Hit(entry) => Some(entry),
            Lookup::Miss => None,
            Lookup::NotOwner => panic!("the map owns every slot"),
        }
    }

    /// The answer to a command line, whose words may be quoted as for `redis-cli`.
    pub(super) fn call(&mut self, line: &str) -> Value {
        self.call_words(&words(line))
    }

    pub(super) fn call_words(&mut self, words: &[Bytes]) -> Value {
        let command = find(&words[0]).unwrap_or_else(|| panic!("no command {:?}", words[0]));
        if !command.spec.takes(words.len()) {
            return wrong_number(command.spec.name);
        }
        match (command.planner)(&self.context, &words[1..]) {
            Ok(plan) => self.carry_out(plan),
            Err(error) => error,
        }
    }

    fn carry_out(&mut self, plan: Plan) -> Value {
        let context = self.context;
        match plan {
            Plan::Now(answer) => answer,
            Plan::Read { keys, shape } => {
                self.apply(None);
                let time_ms = self.map.time_ms();
                let found = keys.iter().map(|key| Found { entry: self.entry(key), time_ms });
                shape.answer(&context, found.collect())
            }
            Plan::Write { commands, shape } => {
                let applied = commands.iter().map(|command| self.applied(command)).collect();
                shape.answer(&context, applied)
            }
            Plan::Keyspace(keyspace) => panic!("{keyspace:?} is about all groups"),
        }
    }

    fn applied(&mut self, command: &Command) -> Applied {
        let Replies { time_ms, mut replies } = self.apply(Some(command));
        Applied { reply: replies.remove(0), time_ms }
    }

    fn apply(&mut self, command: Option<&Command>) -> Replies {
        let mut packer = Packer::new();
        command.into_iter().for_each(|command| packer.push(command));
        self.map.apply(&packer.finish(self.time_ms, self.context.wall_ms)).unwrap()
    }
}

fn named(key: &str) -> Key {
    Key::new(CONTEXT.namespace, key.as_bytes()).unwrap()
}

/// The words of a line: separated by a blank, with `"…"` around those that have `\xHH`, `\n`, `\"`, blanks or nothing.
pub(super) fn words(line: &str) -> Vec<Bytes> {
    let mut words = Vec::new();
    let mut rest = line;
    while !rest.is_empty() {
        let (word, behind) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let (word, behind) = rest.split_once(' ').unwrap_or((rest, ""));
                (word.as_bytes().to_vec(), behind)
            }
        };
        words.push(word.into());
        rest = behind.trim_start();
    }
    words
}

fn unquoted(quoted: &str) -> (Vec<u8>, &str) {
    let mut word = Vec::new();
    let mut rest = quoted;
    loop {
        let (taken, len) = match rest.as_bytes() {
            [b'"', ..] => return (word, &rest[1..]),
            [b'\\', b'x', ..] => (u8::from_str_radix(&rest[2..4], 16).unwrap(), 4),
            [b'\\', b'n', ..] => (b'\n', 2),
            [b'\\', other, ..] => (*other, 2),
            [byte, ..] => (*byte, 1),
            [] => panic!("no end of {quoted}"),
        };
        word.push(taken);
        rest = &rest[len..];
    }
}

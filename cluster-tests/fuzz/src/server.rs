//! One group's map behind the planners: what a node does with a plan, without the node.

use std::collections::BTreeSet;

use bytes::Bytes;
use quorate::resp::data::keyspace::{drawn, matching, scanned};
use quorate::resp::plan::{Applied, Context, Found, Keyspace, Plan};
use quorate::resp::value::Value;
use raft_store::command::{Command, Packer, Replies};
use raft_store::key::Key;
use raft_store::limits::FLOAT_TEXT_BYTES_MAX;
use raft_store::map::{Entry, Lookup, TtlMap};

/// Longest value here, in bytes: small, so that inputs reach it, and more than a sum of decimals has, which no limit of
/// values holds.
pub const VALUE_BYTES_MAX: usize = FLOAT_TEXT_BYTES_MAX + 1;
/// Wall clock when an input begins, ms since 1970.
const WALL_MS: u64 = 1_800_000_000_000;
/// Group time when an input begins, ms: far from the wall clock, so that one taken for the other shows.
const TIME_MS: u64 = 5_000_000;
/// What both clocks move by from command to command, ms.
const STEP_MS: u64 = 7;

/// A map, its clocks, and the keys that were named.
pub struct Server {
    map: TtlMap,
    context: Context,
    time_ms: u64,
    named: BTreeSet<Key>,
}

impl Server {
    /// Without a key.
    pub fn new() -> Self {
        let context = Context { namespace: 0, value_bytes_max: VALUE_BYTES_MAX, wall_ms: WALL_MS };
        Self { map: TtlMap::owning_all(), context, time_ms: TIME_MS, named: BTreeSet::new() }
    }

    /// The answer to a command.
    ///
    /// # Panics
    /// What it asks for cannot be applied, or it left a value past the limit.
    pub fn call(&mut self, frame: &[Bytes]) -> Value {
        self.time_ms += STEP_MS;
        self.context.wall_ms += STEP_MS;
        let Some(command) = quorate::resp::data::find(&frame[0]) else {
            return Value::err("unknown command");
        };
        if !command.spec.takes(frame.len()) {
            return Value::err("wrong number of arguments");
        }
        match (command.planner)(&self.context, &frame[1..]) {
            Ok(plan) => {
                let writes = matches!(plan, Plan::Write { .. } | Plan::Keyspace(Keyspace::Flush));
                assert!(!writes || command.spec.writes(), "{frame:?} only reads, and yet it writes");
                self.carry_out(plan)
            }
            Err(error) => {
                assert!(matches!(error, Value::Error(_)), "{frame:?} is refused by {error:?}");
                error
            }
        }
    }

    fn carry_out(&mut self, plan: Plan) -> Value {
        let context = self.context;
        match plan {
            Plan::Now(answer) => answer,
            Plan::Read { keys, shape } => {
                assert!(!keys.is_empty(), "a read of nothing");
                let time_ms = self.apply(&[]).time_ms;
                let found = keys.iter().map(|key| Found { entry: self.entry(key), time_ms }).collect();
                shape.answer(&context, found)
            }
            Plan::Write { commands, shape } => {
                assert!(!commands.is_empty(), "a write of nothing");
                let Replies { time_ms, replies } = self.apply(&commands);
                let keys: BTreeSet<Key> = commands.iter().flat_map(Command::keys).cloned().collect();
                keys.iter().for_each(|key| self.assert_short(key));
                self.named.extend(keys);
                shape.answer(&context, replies.into_iter().map(|reply| Applied { reply, time_ms }).collect())
            }
            Plan::Keyspace(keyspace) => self.about_all(keyspace),
        }
    }

    fn about_all(&mut self, keyspace: Keyspace) -> Value {
        let keys = self.named.iter().filter(|key| self.entry(key).is_some()).cloned();
        match keyspace {
            Keyspace::Scan(plan) => scanned(plan.pattern.as_ref(), keys, plan.cursor),
            Keyspace::Keys(pattern) => Value::Array(matching(Some(&pattern), keys).collect()),
            Keyspace::Size => Value::count(keys.count()),
            Keyspace::Random => drawn(keys.into_iter().next().as_ref()),
            Keyspace::Flush => {
                self.map = TtlMap::owning_all();
                Value::OK
            }
        }
    }

    fn assert_short(&self, key: &Key) {
        let len = self.entry(key).map_or(0, |entry| entry.value.len());
        assert!(len <= VALUE_BYTES_MAX, "{key:?} has {len} bytes");
    }

    fn entry(&self, key: &Key) -> Option<Entry> {
        match self.map.get(key) {
            Lookup::Hit(entry) => Some(entry),
            Lookup::Miss => None,
            Lookup::NotOwner => panic!("the map owns every slot"),
        }
    }

    /// Applies commands as one entry of a log, by way of its bytes. A group whose entry cannot be applied is lost.
    fn apply(&mut self, commands: &[Command]) -> Replies {
        let mut packer = Packer::new();
        commands.iter().for_each(|command| packer.push(command));
        let replies = self.map.apply(&packer.finish(self.time_ms, self.context.wall_ms));
        replies.unwrap_or_else(|error| panic!("{commands:?} cannot be applied: {error}"))
    }
}

impl Default for Server {
    fn default() -> Self {
        Self::new()
    }
}

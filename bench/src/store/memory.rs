//! `store memory`: bytes for each key above key and value, by what the process holds and by what the map says.
//!
//! Each filling is a process of its own, so that one leaves nothing behind for the next. After the filling every key
//! is written anew twice, in other orders and with other lengths, which is where an allocator's holes show.

use clap::{Args, ValueEnum};
use raft_store::command::Expiry;
use raft_store::map::TtlMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::fill::{FILL_BATCH, KEY_BYTES, apply, mix, packed, set, shuffled};
use super::process::{in_child, settled_bytes};
use super::table::Table;

/// Times every key is overwritten after the filling.
const CHURN_ROUNDS: u64 = 2;
/// Deadlines are so far away that none comes, and spread over as much again, ms.
const DEADLINE_MS: u64 = 3_600_000;

/// Arguments of `store memory`.
#[derive(Debug, Args)]
pub(crate) struct MemoryArguments {
    /// Numbers of keys, each filled in its own process.
    #[arg(long, value_delimiter = ',', default_value = "1000000,5000000")]
    keys: Vec<u64>,
    /// Bytes of a value.
    #[arg(long, default_value_t = 100)]
    value_bytes: usize,
    /// Measures also with deadlines on half of the keys and on all.
    #[arg(long)]
    ttl: bool,
}

/// Which keys have a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Deadlines {
    /// None.
    None,
    /// Every other one.
    Half,
    /// All.
    All,
}

impl Deadlines {
    fn expiry(self, n: u64) -> Expiry {
        let has = self == Self::All || self == Self::Half && n.is_multiple_of(2);
        if has { Expiry::AfterMs(DEADLINE_MS + mix(n) % DEADLINE_MS) } else { Expiry::Never }
    }

    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Half => "half",
            Self::All => "all",
        }
    }
}

/// Arguments of one filling.
#[derive(Debug, Clone, Args)]
pub(crate) struct OneArguments {
    #[arg(long)]
    pub(crate) keys: u64,
    #[arg(long)]
    pub(crate) value_bytes: usize,
    #[arg(long)]
    pub(crate) deadlines: Deadlines,
}

/// Memory at one moment.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Held {
    /// Bytes of the users' keys and values.
    user: u64,
    /// Bytes of the process beyond those of the empty one.
    resident: u64,
    /// Bytes by the map's accounting.
    accounted: u64,
}

impl Held {
    /// Bytes for each key above key and value: resident, accounted.
    fn above(&self, keys: u64) -> (f64, f64) {
        let above = |bytes: u64| (bytes as f64 - self.user as f64) / keys as f64;
        (above(self.resident), above(self.accounted))
    }

    /// How much more the accounting says than the process holds, %.
    fn difference(&self) -> f64 {
        (self.accounted as f64 / self.resident as f64 - 1.0) * 100.0
    }
}

/// What one filling held: once filled, and after the churn.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct One {
    filled: Held,
    churned: Held,
}

/// Measures all fillings.
pub(crate) fn run(arguments: &MemoryArguments) -> anyhow::Result<Vec<Table>> {
    let columns = [
        "keys",
        "deadlines",
        "when",
        "rss_above",
        "accounted_above",
        "difference_%",
        "rss_mib",
        "per_deadline",
    ];
    let title =
        format!("bytes for each key above {KEY_BYTES} B of key and {} B of value", arguments.value_bytes);
    let mut table = Table::new(title, columns);
    let kinds: &[Deadlines] =
        if arguments.ttl { &[Deadlines::None, Deadlines::Half, Deadlines::All] } else { &[Deadlines::None] };
    for &keys in &arguments.keys {
        let mut without = None;
        for &deadlines in kinds {
            let one: One = in_child(&child_arguments(keys, arguments.value_bytes, deadlines))?;
            let bare = *without.get_or_insert(one);
            rows(&mut table, keys, deadlines, &one, &bare);
        }
    }
    Ok(vec![table])
}

fn child_arguments(keys: u64, value_bytes: usize, deadlines: Deadlines) -> Vec<String> {
    let (keys, value_bytes) = (keys.to_string(), value_bytes.to_string());
    let words = [
        "store",
        "memory-one",
        "--keys",
        &keys,
        "--value-bytes",
        &value_bytes,
        "--deadlines",
        deadlines.name(),
    ];
    words.map(str::to_owned).to_vec()
}

/// One row once filled, one after the churn; what a deadline costs is the difference to `bare`, which has none.
fn rows(table: &mut Table, keys: u64, deadlines: Deadlines, one: &One, bare: &One) {
    for (when, held, bare) in [("filled", one.filled, bare.filled), ("churned", one.churned, bare.churned)] {
        let (resident, accounted) = held.above(keys);
        let more = held.resident as f64 - bare.resident as f64;
        let per_deadline = match deadlines {
            Deadlines::None => Value::from(""),
            Deadlines::Half => json!(more / (keys / 2) as f64),
            Deadlines::All => json!(more / keys as f64),
        };
        let mib = super::size::mib(held.resident);
        let cells = [json!(resident), json!(accounted), json!(held.difference()), json!(mib), per_deadline];
        let head = [json!(keys), json!(deadlines), json!(when)];
        table.row(head.into_iter().chain(cells).collect());
    }
}

/// One filling in this process; prints what it held as JSON.
pub(crate) fn run_one(arguments: &OneArguments) -> anyhow::Result<()> {
    let measured = measure(arguments, settled_bytes)?;
    super::table::print_json(&measured)
}

/// Fills and churns a map, asking `resident` what the process holds.
pub(crate) fn measure(
    arguments: &OneArguments,
    resident: impl Fn() -> anyhow::Result<u64>,
) -> anyhow::Result<One> {
    let &OneArguments { keys, value_bytes, deadlines } = arguments;
    let empty = resident()?;
    let mut map = TtlMap::owning_all();
    let held = |map: &TtlMap, values: u64| {
        let user = keys * KEY_BYTES as u64 + values;
        anyhow::Ok(Held { user, resident: resident()?.saturating_sub(empty), accounted: map.stats().bytes })
    };
    let commands = shuffled(keys, 0).map(|n| set(n, value_bytes, deadlines.expiry(n)));
    apply(&mut map, packed(commands, FILL_BATCH, 1))?;
    let filled = held(&map, keys * value_bytes as u64)?;
    for round in 1..=CHURN_ROUNDS {
        let commands =
            shuffled(keys, round).map(|n| set(n, churned_len(n, round, value_bytes), deadlines.expiry(n)));
        apply(&mut map, packed(commands, FILL_BATCH, 1))?;
    }
    let values = (0..keys).map(|n| churned_len(n, CHURN_ROUNDS, value_bytes) as u64).sum();
    Ok(One { filled, churned: held(&map, values)? })
}

/// A length from half of `value_bytes` to one and a half of it.
fn churned_len(n: u64, round: u64, value_bytes: usize) -> usize {
    let spread = value_bytes as u64 + 1;
    value_bytes / 2 + (mix(n ^ mix(round)) % spread) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overhead_is_what_is_above_key_and_value() {
        let held = Held { user: 1160, resident: 2160, accounted: 2060 };
        assert_eq!(held.above(10), (100.0, 90.0));
        assert!((held.difference() + 4.63).abs() < 0.01);
    }

    #[test]
    fn lengths_of_the_churn_stand_around_the_value() {
        let lens: Vec<usize> = (0..1000).map(|n| churned_len(n, 1, 100)).collect();
        assert!(lens.iter().all(|len| (50..=150).contains(len)));
        let mean = lens.iter().sum::<usize>() / lens.len();
        assert!((95..=105).contains(&mean), "{mean}");
    }

    #[test]
    fn user_bytes_are_those_in_the_map() {
        let arguments = OneArguments { keys: 1000, value_bytes: 100, deadlines: Deadlines::Half };
        let one = measure(&arguments, || Ok(0)).unwrap();
        assert_eq!(one.filled.user, 116_000);
        assert!(one.filled.accounted > one.filled.user && one.churned.accounted > one.churned.user);
        let none = OneArguments { deadlines: Deadlines::None, ..arguments };
        assert!(measure(&none, || Ok(0)).unwrap().filled.accounted < one.filled.accounted);
    }

    #[test]
    fn a_deadline_costs_the_difference() {
        let at = |resident| Held { user: 0, resident, accounted: 1 };
        let one = |resident| One { filled: at(resident), churned: at(resident) };
        let mut table = Table::new("", ["k", "d", "w", "r", "a", "diff", "m", "per"]);
        rows(&mut table, 100, Deadlines::Half, &one(6000), &one(1000));
        rows(&mut table, 100, Deadlines::All, &one(6000), &one(1000));
        assert_eq!((table.cell(0, "per"), table.cell(2, "per")), (&json!(100.0), &json!(50.0)));
    }
}

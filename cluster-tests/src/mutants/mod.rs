//! Seeded bugs in the product, each of which the simulator has to catch within a stated number of seeds: a suite that
//! passes is worth what it is known to catch.
//!
//! The bugs are `raft_store::mutants`; the product as it is runs over as many seeds and must be found without fault.

mod cases;
mod hunt;
mod table;

use std::io::Write;

use raft_store::mutants::{self, Mutant};

pub use cases::Case;
pub use hunt::{Hunt, Kind, hunt};
pub use table::Row;

use crate::sim::focus::Focus;
use crate::sim::{self, Options, Violation};

/// The row of the product as it is.
const CONTROL: &str = "(none)";

/// Which mutants, and how.
#[derive(Debug, Clone)]
pub struct Score {
    /// All when none is named.
    pub mutants: Vec<Mutant>,
    /// Seeds to try at the most for each; its stated bound when not given.
    pub seeds: Option<u64>,
    /// The first seed.
    pub first: u64,
    /// How long faults go on in each, simulated seconds; drawn from the seed when not given.
    pub seconds: Option<u64>,
    /// Seeds at once.
    pub jobs: usize,
}

impl Score {
    /// Hunts each mutant, and then the product as it is over as many seeds as the hardest mutant took; prints the table as it
    /// goes. Whether all went as it has to.
    ///
    /// # Errors
    /// The table could not be printed.
    pub fn run(&self, out: &mut impl Write) -> anyhow::Result<bool> {
        writeln!(out, "{}", Row::head())?;
        let mut rows = Vec::new();
        for case in cases::CASES.iter().filter(|case| self.asks_for(case.mutant)) {
            let row = self.hunt(case);
            writeln!(out, "{row}")?;
            rows.push(row);
        }
        for control in self.controls(&rows) {
            writeln!(out, "{control}")?;
            rows.push(control);
        }
        Ok(rows.iter().all(Row::is_good))
    }

    fn options(&self, focus: Focus) -> Options {
        Options { focus, seconds: self.seconds, ..Options::default() }
    }

    fn asks_for(&self, mutant: Mutant) -> bool {
        self.mutants.is_empty() || self.mutants.contains(&mutant)
    }

    fn hunt(&self, case: &Case) -> Row {
        let seeds_max = self.seeds.unwrap_or(case.bound);
        let options = self.options(case.focus);
        let hunt = hunt(self.first, seeds_max, self.jobs, |seed| judge(Some(case.mutant), seed, &options));
        let (number, name) = (case.mutant.number(), case.mutant.name());
        Row { number, name, focus: case.focus.name(), hunt, bound: Some(case.bound) }
    }

    /// The product as it is, for each focus that was used as many seeds as the mutants under it needed at the most.
    fn controls(&self, rows: &[Row]) -> Vec<Row> {
        let used = cases::FOCUSES.iter().filter_map(|&focus| {
            let seeds =
                rows.iter().filter(|row| row.focus == focus.name()).map(|row| row.hunt.seeds).max()?;
            let options = self.options(focus);
            let hunt = hunt(self.first, seeds, self.jobs, |seed| judge(None, seed, &options));
            Some(Row { number: 0, name: CONTROL, focus: focus.name(), hunt, bound: None })
        });
        used.collect()
    }
}

/// What a seed finds.
fn judge(mutant: Option<Mutant>, seed: u64, options: &Options) -> Option<Kind> {
    let outcome = mutants::with(mutant, || sim::run(seed, options));
    outcome.violation.map(|violation| kind_of(&violation))
}

/// The invariant's name, or what the history's checker found first.
fn kind_of(violation: &Violation) -> Kind {
    let found = violation.detail.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    match violation.kind.as_str() {
        "history" => format!("history: {found}"),
        kind => kind.to_owned(),
    }
}

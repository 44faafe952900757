//! `quorate-bench`: measures a running cluster in a closed loop.
//!
//! Each connection sends its next request when the answer to the last one is there, so the figure is what
//! that many callers get; it is no open-loop test and says nothing of latency under a fixed rate. What is
//! measured speaks through [`driver::Driver`], so that other protocols share load, clock and report.

mod driver;
mod keys;
mod load;
mod report;

use clap::Parser;

use crate::driver::http::{HttpArguments, HttpDriver};
use crate::load::LoadArguments;

/// Measures a running cluster.
#[derive(Debug, Parser)]
#[command(version)]
enum Arguments {
    /// By the HTTP JSON API.
    Http {
        #[command(flatten)]
        load: LoadArguments,
        #[command(flatten)]
        http: HttpArguments,
        /// Prints one JSON object in place of a table.
        #[arg(long)]
        json: bool,
    },
}

// One thread: the load generator shares the machine with what it measures, and must not take more of it than
// it needs.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse() {
        Arguments::Http { load, http, json } => {
            let driver = HttpDriver::new(http, &load)?;
            let measured = load::run(&driver, &load).await?;
            report::print(&measured, &load, json)
        }
    }
}

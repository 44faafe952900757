//! `quorate-bench`: measures a running cluster in a closed loop, and what the store costs.
//!
//! Each connection sends its next request when the answer to the last one is there, so the figure is what
//! that many callers get; it is no open-loop test and says nothing of latency under a fixed rate. What is
//! measured speaks through [`driver::Driver`], so that other protocols share load, clock and report.
//! [`store`] needs no cluster: it drives the store's own code in this process.

mod driver;
mod keys;
mod load;
mod report;
mod store;

use clap::Parser;

use crate::driver::http::{HttpArguments, HttpDriver};
use crate::load::LoadArguments;
use crate::store::StoreCommand;

#[cfg(all(feature = "jemalloc", not(feature = "mimalloc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures a running cluster, or the store.
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
    /// The store in this process, without a cluster.
    Store {
        #[command(subcommand)]
        command: StoreCommand,
        /// Prints a JSON array in place of tables.
        #[arg(long, global = true)]
        json: bool,
    },
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse() {
        Arguments::Http { load, http, json } => {
            let driver = HttpDriver::new(http, &load)?;
            // One thread: the load generator shares the machine with what it measures, and must not take more of it
            // than it needs.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let measured = runtime.block_on(load::run(&driver, &load))?;
            report::print(&measured, &load, json)
        }
        Arguments::Store { command, json } => store::run(command, json),
    }
}

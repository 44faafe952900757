//! `quorate-bench`: measures a running server, Quorate or another, and what the store costs.
//!
//! [`load`] pushes, in a closed loop (what so many callers get) or an open one (what callers see at a given rate).
//! What is measured speaks through [`driver::Driver`], so that all protocols share load, clock and report.
//! [`store`] needs no server: it drives the store's own code in this process.

mod constant;
mod driver;
mod failover;
mod load;
mod ratios;
mod report;
mod schedule;
mod store;

use std::io::Write;

use clap::Parser;

use crate::constant::ConstantArguments;
use crate::failover::FailoverArguments;
use crate::load::arguments::LoadArguments;
use crate::ratios::RatioArguments;
use crate::store::StoreCommand;

#[cfg(all(feature = "jemalloc", not(feature = "mimalloc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures a running server, or the store.
#[derive(Debug, Parser)]
#[command(version)]
enum Arguments {
    /// A running server: Quorate, Redis, etcd, memcached.
    Load(Box<LoadArguments>),
    /// Serves a constant by bare axum, to compare HTTP with.
    Constant(ConstantArguments),
    /// How long writes stop when the leader goes.
    Failover(FailoverArguments),
    /// Systems beside each other, from the reports of one session.
    Ratios(RatioArguments),
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
        Arguments::Ratios(arguments) => {
            let table = ratios::run(&arguments)?;
            Ok(std::io::stdout().lock().write_all(table.as_bytes())?)
        }
        Arguments::Constant(arguments) => constant::run(&arguments),
        Arguments::Failover(arguments) => failover::run(&arguments),
        Arguments::Load(load) => report::write(&load, &driver::run(&load)?),
        Arguments::Store { command, json } => store::run(command, json),
    }
}

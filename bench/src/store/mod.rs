//! What the store costs: memory, time, pauses, disk. One file for each command; nothing here speaks to a server.
//!
//! What several commands need stands beside them: `fill` (keys, values, packed entries), `replica` (one group as a
//! node holds it), `latency` (histograms), `drive` (the leader's
//! loop), `process` (this process's memory, folders, the page cache), `table`
//! (what is printed).

mod drive;
mod expiry;
mod fill;
mod latency;
mod log;
mod map;
mod memory;
pub(crate) mod process;
mod replica;
mod size;
mod snapshot;
mod start;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod timed_disk;

use clap::Subcommand;

/// What to measure.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Bytes of memory for each key, by the process and by the store's own accounting.
    Memory(memory::MemoryArguments),
    /// One filling of `memory`, in a process of its own.
    #[command(hide = true)]
    MemoryOne(memory::OneArguments),
    /// Time of single operations on the map.
    Map(map::MapArguments),
    /// The pause, the writes, the memory and the disk while a snapshot is taken.
    Snapshot(snapshot::SnapshotArguments),
    /// Time to open log and snapshots and to load all maps.
    Start(start::StartArguments),
    /// One start of `start`, in a process of its own.
    #[command(hide = true)]
    StartOne(start::OneArguments),
    /// Writes while many keys expire at once.
    Expiry(expiry::ExpiryArguments),
    /// Appends to the shared log.
    Log(log::LogArguments),
}

/// Carries the command out and prints its tables.
pub(crate) fn run(command: StoreCommand, json: bool) -> anyhow::Result<()> {
    let tables = match command {
        StoreCommand::Memory(arguments) => memory::run(&arguments)?,
        StoreCommand::MemoryOne(arguments) => return memory::run_one(&arguments),
        StoreCommand::Map(arguments) => map::run(&arguments)?,
        StoreCommand::Snapshot(arguments) => snapshot::run(&arguments)?,
        StoreCommand::Start(arguments) => start::run(&arguments)?,
        StoreCommand::StartOne(arguments) => return start::run_one(&arguments),
        StoreCommand::Expiry(arguments) => expiry::run(&arguments)?,
        StoreCommand::Log(arguments) => log::run(&arguments)?,
    };
    table::print(&tables, json)
}

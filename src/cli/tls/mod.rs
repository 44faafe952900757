//! `quorate tls`: a small authority for development and for clusters without another, and a look at certificates.
//!
//! Works on files of this machine alone. Guarantees that no key is overwritten, and that keys are readable by their
//! owner only.

mod folder;
mod init;
mod issue;
mod show;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::fail::{Exit, Failure};
use super::output::Output;
use crate::clock::wall_ms;
use crate::tls::authority::Validity;

/// How long certificates of nodes and clients hold unless told otherwise, in days.
const DAYS: u32 = 365;
/// How long an authority holds, in days.
const AUTHORITY_DAYS: u32 = 3650;
/// Certificates hold from a little before they were made: other machines' clocks may be behind.
const BACKDATED_S: u64 = 3600;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an authority, and certificates for nodes and for a client
    Init(InitArgs),
    /// Make one more certificate with the authority in a folder
    Issue(IssueArgs),
    /// Give certificates in a folder a new time, for the same keys and names; running nodes take them up
    Renew(RenewArgs),
    /// Print whom certificates are for, who signed them and until when they hold
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// Where to write; created if it is not there
    dir: PathBuf,
    /// Nodes to make certificates for: node-1, node-2, …
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=64))]
    nodes: u16,
    /// Name or address nodes are reached at, besides localhost and their own; may be given again
    #[arg(long = "host", value_name = "NAME|IP")]
    hosts: Vec<String>,
    /// How long certificates hold
    #[arg(long, value_name = "N", default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=AUTHORITY_DAYS as i64))]
    days: u32,
}

#[derive(Debug, clap::Args)]
pub(super) struct IssueArgs {
    /// Where the authority is: ca.pem and ca.key
    dir: PathBuf,
    /// Name of the node or client, and of its files
    name: String,
    /// Name or address it is reached at, besides localhost and its own; may be given again
    #[arg(long = "host", value_name = "NAME|IP", conflicts_with = "client")]
    hosts: Vec<String>,
    /// For a client, which never passes for a node
    #[arg(long)]
    client: bool,
    /// How long it holds
    #[arg(long, value_name = "N", default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=AUTHORITY_DAYS as i64))]
    days: u32,
}

#[derive(Debug, clap::Args)]
pub(super) struct RenewArgs {
    /// Where the authority is: ca.pem and ca.key
    dir: PathBuf,
    /// Names of the certificates, such as node-1
    #[arg(required = true)]
    names: Vec<String>,
    /// How long they hold from now
    #[arg(long, value_name = "N", default_value_t = DAYS, value_parser = clap::value_parser!(u32).range(1..=AUTHORITY_DAYS as i64))]
    days: u32,
}

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// Certificates, PEM
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Runs one of them.
pub(super) fn run(command: &Command, mut output: Output) -> Result<(), Failure> {
    let text = match command {
        Command::Init(args) => init::run(args)?,
        Command::Issue(args) => issue::issue(args)?,
        Command::Renew(args) => issue::renew(args)?,
        Command::Show(args) => show::run(args, output.format)?,
    };
    Ok(output.line(&text)?)
}

/// What `demo` needs: an authority and certificates for its nodes.
pub(super) fn for_demo(dir: &Path, nodes: usize) -> Result<(), Failure> {
    let nodes = u16::try_from(nodes).unwrap_or(u16::MAX);
    init::run(&InitArgs { dir: dir.to_owned(), nodes, hosts: Vec::new(), days: DAYS }).map(drop)
}

/// From now, for so many days.
fn for_days(days: u32) -> Validity {
    let now_s = wall_ms() / 1000;
    let not_after_s = now_s + u64::from(days) * 86_400;
    Validity { not_before_s: now_s.saturating_sub(BACKDATED_S), not_after_s }
}

/// The names every node stands for on its own machine, and those it was given.
fn hosts(name: &str, given: &[String]) -> Vec<String> {
    let own = [name, "localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut all: Vec<String> = own.into_iter().chain(given.iter().cloned()).collect();
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|host| seen.insert(host.clone()));
    all
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(Exit::Error, "The certificate was not made", error.to_string()).hint("quorate tls --help")
}

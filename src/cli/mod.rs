//! The command line: arguments to configuration or requests, answers to text and exit codes.
//!
//! One file for each command. Relies on the HTTP API alone, but for `serve`, which starts a node in this
//! process, and `demo`, which starts processes that `serve`. stdout is data only; what is meant for a
//! person at a terminal goes to stderr.

mod client;
mod completion;
mod config;
mod confirm;
mod del;
mod demo;
mod doctor;
mod endpoint;
mod fail;
mod flags;
mod get;
mod group;
mod incr;
mod kv;
mod log;
mod member;
mod openapi;
mod operation;
mod output;
mod repair;
mod scan;
mod serve;
mod session;
mod set;
mod signals;
mod status;
mod table;
mod tls;
mod token;
mod touch;
mod ttl;
mod version;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use fail::{Exit, Failure};
use output::Output;
use session::{Global, Session};

/// A strongly consistent, sharded cache: Raft-replicated TTL maps over HTTP JSON.
#[derive(Debug, Parser)]
#[command(name = "quorate", version = crate::version::BOTH, max_term_width = 110)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start one node
    Serve(Box<serve::Args>),
    /// Start a local cluster to try things on
    Demo(demo::Args),
    /// Print a key's value
    Get(get::Args),
    /// Set a key
    Set(set::Args),
    /// Delete a key
    Del(del::Args),
    /// Add to a key's number
    Incr(incr::Args),
    /// List keys
    Scan(scan::Args),
    /// Print the time a key has left
    Ttl(ttl::Args),
    /// Give a key a new time to live
    Touch(touch::Args),
    /// Show the cluster: nodes, groups, health
    Status(status::Args),
    /// List, add and remove nodes
    #[command(subcommand)]
    Member(member::Command),
    /// List and change Raft groups
    #[command(subcommand)]
    Group(group::Command),
    /// Make, list and delete the tokens that clients show
    #[command(subcommand)]
    Token(token::Command),
    /// Show or change what the log of a running node shows
    #[command(subcommand)]
    Log(log::Command),
    /// Look at the folder of a node that does not start; if its log is lost, prepare its replacement
    Repair(repair::Args),
    /// Look for what is wrong with a cluster, or with a folder of this machine, and say what to do
    Doctor(doctor::Args),
    /// Check and show the settings of a node without starting it
    #[command(subcommand)]
    Config(config::Command),
    /// Make and look at certificates
    #[command(subcommand)]
    Tls(tls::Command),
    /// Print what makes a shell complete this program's commands
    Completion(completion::CompletionArgs),
    /// Print this program's manual page, or write one for each command
    Man(completion::ManArgs),
    /// Print the description of the HTTP API (OpenAPI 3.1)
    Openapi,
    /// Print version and commit
    Version,
}

/// Runs the program with the process's arguments and environment.
pub fn main() -> ExitCode {
    // Usage errors end the process here, with exit code 2.
    let cli = Cli::parse();
    let result = run(cli);
    if let Err(failure) = &result {
        output::complain(failure);
    }
    match result {
        Ok(()) => Exit::Done.into(),
        Err(failure) => failure.exit.into(),
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    let mut output = Output::new(cli.global.output);
    match cli.command {
        Command::Serve(args) => serve::run(&args),
        Command::Demo(args) => in_this_thread(demo::run(args, output)),
        Command::Repair(args) => repair::run(&args, output),
        Command::Openapi => openapi::run(output),
        Command::Version => version::run(output),
        Command::Config(command) => config::run(&command, output),
        Command::Tls(command) => tls::run(&command, output),
        Command::Completion(args) => completion::completion(&args, Cli::command(), &mut output),
        Command::Man(args) => completion::man(&args, Cli::command(), &mut output),
        Command::Doctor(args) => ask("doctor", cli.global, |s| doctor::run(s, args)),
        Command::Get(args) => ask("get", cli.global, |s| get::run(s, args)),
        Command::Set(args) => ask("set", cli.global, |s| set::run(s, args)),
        Command::Del(args) => ask("del", cli.global, |s| del::run(s, args)),
        Command::Incr(args) => ask("incr", cli.global, |s| incr::run(s, args)),
        Command::Scan(args) => ask("scan", cli.global, |s| scan::run(s, args)),
        Command::Ttl(args) => ask("ttl", cli.global, |s| ttl::run(s, args)),
        Command::Touch(args) => ask("touch", cli.global, |s| touch::run(s, args)),
        Command::Status(args) => ask("status", cli.global, |s| status::run(s, args)),
        Command::Member(command) => ask("member", cli.global, |s| member::run(s, command)),
        Command::Group(command) => ask("group", cli.global, |s| group::run(s, command)),
        Command::Token(command) => ask("token", cli.global, |s| token::run(s, command)),
        Command::Log(command) => ask("log", cli.global, |s| log::run(s, command)),
    }
}

/// Runs the command called `name`, which speaks to a cluster.
fn ask<F>(name: &str, global: Global, command: impl FnOnce(Session) -> F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    let given = global.endpoints.clone();
    in_this_thread(command(Session::new(global)?)).map_err(|failure| failure.after(name, &given))
}

fn in_this_thread(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(command)
}

#[cfg(test)]
mod tests;

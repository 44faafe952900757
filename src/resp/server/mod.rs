//! Commands about connections and about the server itself: one file for each family.

mod acl;
mod admin;
mod client;
mod client_args;
mod cluster;
mod command;
mod config;
mod greet;
mod info;
mod slowlog;

use bytes::Bytes;

use super::Shared;
use super::data::spec::{KeyPositions, Spec};
use super::plan::Context;
use super::session::Session;
use super::transaction;
use super::value::Value;
use crate::node::Node;

/// A command about a connection or the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Acl,
    Asking,
    Auth,
    Client,
    Cluster,
    Command,
    Config,
    Debug,
    Discard,
    Echo,
    Exec,
    Function,
    Hello,
    Info,
    Multi,
    Ping,
    Quit,
    Readonly,
    Readwrite,
    Reset,
    Select,
    Slowlog,
    Time,
    Unwatch,
    Wait,
    Watch,
}

/// One call of one.
pub(super) struct Call<'a> {
    pub(super) shared: &'a Shared,
    pub(super) node: &'a Node,
    /// What the connection's commands are planned by.
    pub(super) context: Context,
    pub(super) session: &'a mut Session,
    /// What stands behind the name.
    pub(super) arguments: &'a [Bytes],
}

impl Server {
    /// Whether it takes a bounded number of words. `WATCH` has a bound of its own.
    pub(super) fn is_brief(self) -> bool {
        self != Self::Watch
    }

    /// Whether it is carried out at once although the connection queues commands for `EXEC`.
    pub(super) fn ends_queueing(self) -> bool {
        matches!(self, Self::Exec | Self::Discard | Self::Multi | Self::Watch | Self::Quit | Self::Reset)
    }
}

/// Carries a command out; `None`: it has no answer.
pub(super) async fn run(server: Server, call: &mut Call<'_>) -> Option<Value> {
    Some(match server {
        Server::Acl => acl::run(call),
        Server::Asking => greet::ok(call),
        Server::Auth => greet::auth(call),
        Server::Client => return client::run(call),
        Server::Cluster => cluster::run(call).await,
        Server::Command => command::run(call),
        Server::Config => config::run(call),
        Server::Debug => admin::debug(call).await,
        Server::Discard => transaction::discard(call),
        Server::Echo => greet::echo(call),
        Server::Exec => transaction::exec(call).await,
        Server::Function => admin::function(call),
        Server::Hello => greet::hello(call),
        Server::Info => info::run(call),
        Server::Multi => transaction::multi(call),
        Server::Ping => greet::ping(call),
        Server::Quit => greet::quit(call),
        Server::Readonly => greet::readonly(call, true),
        Server::Readwrite => greet::readonly(call, false),
        Server::Reset => greet::reset(call),
        Server::Select => greet::select(call),
        Server::Slowlog => slowlog::run(call),
        Server::Time => admin::time(call),
        Server::Unwatch => greet::unwatch(call),
        Server::Wait => admin::wait(call),
        Server::Watch => transaction::watch(call).await,
    })
}

/// The answer to a subcommand that there is not.
fn no_subcommand(command: &str, subcommand: &[u8]) -> Value {
    let subcommand = super::outcome::quoted(subcommand);
    Value::err(format_args!("unknown subcommand '{subcommand}'. Try {command} HELP."))
}

/// The answer to a subcommand with too many or too few arguments.
fn wrong_number(command: &str, subcommand: &[u8]) -> Value {
    let subcommand = super::outcome::quoted(subcommand).to_ascii_lowercase();
    Value::err(format_args!("wrong number of arguments for '{command}|{subcommand}' command"))
}

/// The answer to `HELP`, in the form of Redis: a status for each line.
fn help(command: &'static str, lines: &[&'static str]) -> Value {
    let head = Value::Bulk(Bytes::from(format!("{command} <subcommand> [<arg> ...]. Subcommands are:")));
    Value::Array([head].into_iter().chain(lines.iter().map(|line| Value::Simple(line))).collect())
}

const FAST: &[&str] = &["fast", "loading", "stale"];
const LOADING: &[&str] = &["loading", "stale"];
const ADMIN: &[&str] = &["admin", "loading", "stale"];
const QUEUEING: &[&str] = &["noscript", "loading", "stale", "fast"];

const fn about(
    group: &'static str,
    name: &'static str,
    arity: i32,
    flags: &'static [&'static str],
    since: &'static str,
    summary: &'static str,
) -> Spec {
    Spec::new(group, name, arity, flags, KeyPositions::NONE).docs(since, "O(1)", summary)
}

/// Every command of this kind with its description.
pub(super) const COMMANDS: &[(Spec, Server)] = &[
    (
        about("server", "acl", -2, LOADING, "6.0.0", "Who this connection is.")
            .differs("WHOAMI and CAT only: users are tokens, which `quorate token` makes and deletes."),
        Server::Acl,
    ),
    (
        about("cluster", "asking", 1, FAST, "3.0.0", "Accepted for clients of Redis Cluster.")
            .differs("Without effect: no slot is ever half moved."),
        Server::Asking,
    ),
    (
        about("connection", "auth", -2, FAST, "1.0.0", "Authenticate the connection.")
            .differs("The password is a token; its user's name or `default` may go with it."),
        Server::Auth,
    ),
    (
        about("connection", "client", -2, LOADING, "2.4.0", "Connections: names, lists, answers, freshness.")
            .differs("CLIENT CONSISTENCY (linearizable, lease or local) is Quorate's own; no tracking, no pausing."),
        Server::Client,
    ),
    (
        about("cluster", "cluster", -2, LOADING, "3.0.0", "Nodes and slots.")
            .differs("On the cluster port only; tells, and changes nothing: the `quorate` command does."),
        Server::Cluster,
    ),
    (about("server", "command", -1, LOADING, "2.8.13", "What commands there are."), Server::Command),
    (
        about("server", "config", -2, ADMIN, "2.0.0", "Settings.")
            .differs("Tells a few settings in Redis's names; SET takes those that change nothing."),
        Server::Config,
    ),
    (
        about("server", "debug", -2, ADMIN, "1.0.0", "For tests.")
            .differs("SLEEP only, with the setting resp-debug; it holds up only its own connection."),
        Server::Debug,
    ),
    (about("transactions", "discard", 1, QUEUEING, "2.0.0", "Drop the queued commands."), Server::Discard),
    (about("connection", "echo", 2, FAST, "1.0.0", "Send back what was sent."), Server::Echo),
    (
        about("transactions", "exec", 1, QUEUEING, "1.2.0", "Carry out the queued commands, nothing between them.")
            .differs("All keys of the transaction are in one group, on the cluster port in one slot."),
        Server::Exec,
    ),
    (
        about("scripting", "function", -2, LOADING, "7.0.0", "Functions.")
            .differs("There are none: FLUSH succeeds, LIST is empty, the rest is refused."),
        Server::Function,
    ),
    (about("connection", "hello", -1, FAST, "6.0.0", "Choose the protocol's version."), Server::Hello),
    (about("server", "info", -1, LOADING, "1.0.0", "The server and its figures."), Server::Info),
    (about("transactions", "multi", 1, QUEUEING, "1.2.0", "Queue the commands that follow."), Server::Multi),
    (about("connection", "ping", -1, FAST, "1.0.0", "Answer."), Server::Ping),
    (about("connection", "quit", -1, QUEUEING, "1.0.0", "Close the connection."), Server::Quit),
    (
        about("cluster", "readonly", 1, FAST, "3.0.0", "Read from this node's replica.")
            .differs("On the cluster port only; such reads may be a little behind."),
        Server::Readonly,
    ),
    (about("cluster", "readwrite", 1, FAST, "3.0.0", "Read from leaders again."), Server::Readwrite),
    (about("connection", "reset", 1, QUEUEING, "6.2.0", "Begin anew on this connection."), Server::Reset),
    (about("connection", "select", 2, FAST, "1.0.0", "Choose a database.").differs("There is only 0."), Server::Select),
    (
        about("server", "slowlog", -2, ADMIN, "2.2.12", "Operations that took long.").differs(
            "Those of both protocols, by what --slow-log says; shows neither values nor, unless --log-keys says so, keys.",
        ),
        Server::Slowlog,
    ),
    (about("server", "time", 1, FAST, "2.6.0", "The server's wall clock."), Server::Time),
    (about("transactions", "unwatch", 1, QUEUEING, "2.2.0", "Watch no keys any more."), Server::Unwatch),
    (
        about("generic", "wait", 3, &["blocking"], "3.0.0", "How many replicas have the writes so far.").differs(
            "Every write is durable on most replicas before it is acknowledged: answers at once with that number, less the leader.",
        ),
        Server::Wait,
    ),
    (
        Spec::new("transactions", "watch", -2, QUEUEING, KeyPositions::ALL).docs(
            "2.2.0",
            "O(1) for every key",
            "Carry out the next transaction only if these keys stay as they are.",
        ),
        Server::Watch,
    ),
];

//! `INFO`: the server and its figures, in the sections and names Redis's clients look for.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use super::Call;
use super::client_args::is;
use super::greet::REDIS_VERSION;
use crate::resp::session::Face;
use crate::resp::value::Value;

/// Names and values.
type Lines = Vec<(&'static str, String)>;

/// A section's name and its lines.
type Section = (&'static str, fn(&Call<'_>) -> Lines);

/// The sections there are, by name.
const SECTIONS: &[Section] = &[
    ("Server", server),
    ("Clients", clients),
    ("Memory", memory),
    ("Persistence", persistence),
    ("Stats", stats),
    ("Replication", replication),
    ("Cluster", cluster),
    ("Quorate", quorate),
    ("Keyspace", keyspace),
];

/// `INFO [section …]`.
pub(super) fn run(call: &Call<'_>) -> Value {
    let all = |word: &[u8]| is(word, "all") || is(word, "default") || is(word, "everything");
    let asked = |name: &str| {
        call.arguments.is_empty() || call.arguments.iter().any(|word| is(word, name) || all(word))
    };
    let mut text = String::new();
    for (name, lines) in SECTIONS.iter().filter(|(name, _)| asked(name)) {
        let gap = if text.is_empty() { "" } else { "\r\n" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{gap}# {name}\r\n");
        for (key, value) in lines(call) {
            let _ = write!(text, "{key}:{value}\r\n");
        }
    }
    Value::Verbatim(text)
}

fn mode(call: &Call<'_>) -> &'static str {
    match call.session.face {
        Face::Plain => "standalone",
        Face::Cluster => "cluster",
    }
}

fn server(call: &Call<'_>) -> Lines {
    let up = call.shared.since.elapsed().as_secs();
    vec![
        ("redis_version", REDIS_VERSION.to_owned()),
        ("redis_mode", mode(call).to_owned()),
        ("os", std::env::consts::OS.to_owned()),
        ("arch_bits", usize::BITS.to_string()),
        ("process_id", std::process::id().to_string()),
        ("tcp_port", call.session.client.local.port().to_string()),
        ("uptime_in_seconds", up.to_string()),
        ("uptime_in_days", (up / 86_400).to_string()),
    ]
}

fn clients(call: &Call<'_>) -> Lines {
    vec![
        ("connected_clients", call.shared.clients(call.session.face).count().to_string()),
        ("maxclients", call.shared.config.resp_connections.to_string()),
        ("blocked_clients", "0".to_owned()),
    ]
}

fn memory(call: &Call<'_>) -> Lines {
    vec![
        ("used_memory", call.node.memory_bytes().to_string()),
        ("maxmemory", call.shared.config.memory_max.to_string()),
        ("maxmemory_policy", "noeviction".to_owned()),
    ]
}

fn persistence(_: &Call<'_>) -> Lines {
    let mut lines = vec![("loading", "0".to_owned()), ("async_loading", "0".to_owned())];
    lines.extend([("rdb_bgsave_in_progress", "0".to_owned()), ("aof_enabled", "1".to_owned())]);
    lines.push(("aof_rewrite_in_progress", "0".to_owned()));
    lines
}

fn stats(call: &Call<'_>) -> Lines {
    let metrics = &call.shared.metrics;
    vec![
        ("total_connections_received", metrics.accepted.load(Relaxed).to_string()),
        ("total_commands_processed", metrics.commands().to_string()),
        ("total_net_input_bytes", metrics.bytes_in.load(Relaxed).to_string()),
        ("total_net_output_bytes", metrics.bytes_out.load(Relaxed).to_string()),
        ("rejected_connections", metrics.refused.load(Relaxed).to_string()),
    ]
}

fn replication(_: &Call<'_>) -> Lines {
    vec![("role", "master".to_owned()), ("connected_slaves", "0".to_owned())]
}

fn cluster(call: &Call<'_>) -> Lines {
    vec![("cluster_enabled", u8::from(call.session.face == Face::Cluster).to_string())]
}

fn quorate(call: &Call<'_>) -> Lines {
    vec![
        ("quorate_version", env!("CARGO_PKG_VERSION").to_owned()),
        ("quorate_node", call.node.id().to_string()),
        ("quorate_ready", u8::from(call.node.ready().ready).to_string()),
        ("quorate_consistency", call.session.consistency.name().to_owned()),
    ]
}

/// Keys of the groups this node holds: not of the whole cluster, which would have to be asked.
fn keyspace(call: &Call<'_>) -> Lines {
    let held = call.node.keys_held();
    if held == 0 { Vec::new() } else { vec![("db0", format!("keys={held},expires=0,avg_ttl=0"))] }
}

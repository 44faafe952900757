//! `CONFIG`: what there is to tell, in Redis's names. Nothing can be changed at run time.

use bytes::Bytes;

use super::client_args::is;
use super::{Call, help, no_subcommand, wrong_number};
use crate::config::Config;
use crate::resp::data::glob::Glob;
use crate::resp::value::Value;

const HELP: &[&str] = &[
    "GET <pattern> [<pattern> ...]",
    "    Settings, in Redis's names.",
    "SET <name> <value> [<name> <value> ...]",
    "    Accepted when it changes nothing.",
    "RESETSTAT",
    "    Accepted: figures count from the start of the node.",
];

/// Settings of Redis that are about what Quorate does not have: any value is as good as another. Test suites set them
/// when they begin.
const WITHOUT_EFFECT: &[&str] = &[
    "active-defrag-threshold-lower",
    "activedefrag",
    "activerehashing",
    "close-on-oom",
    "hz",
    "io-threads",
    "latency-monitor-threshold",
    "latency-tracking",
    "lazyfree-lazy-expire",
    "lazyfree-lazy-server-del",
    "lazyfree-lazy-user-del",
    "list-max-listpack-size",
    "list-max-ziplist-size",
    "loglevel",
    "maxmemory-clients",
    "maxmemory-policy",
    "propagation-error-behavior",
    "repl-diskless-sync",
    "save",
    "sanitize-dump-payload",
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "tracking-table-max-keys",
];

/// `CONFIG GET|SET|RESETSTAT|REWRITE|HELP`.
pub(super) fn run(call: &Call<'_>) -> Value {
    let Some((subcommand, arguments)) = call.arguments.split_first() else {
        return Value::err("syntax error");
    };
    let word = subcommand.to_ascii_lowercase();
    match (word.as_slice(), arguments) {
        (b"get", [_, ..]) => get(&call.shared.config, arguments),
        (b"set", [_, _, ..]) if arguments.len() % 2 == 0 => set(&call.shared.config, arguments),
        (b"resetstat", []) => Value::OK,
        (b"rewrite", []) => Value::err("The server is running without a config file"),
        (b"help", []) => help("CONFIG", HELP),
        (b"get" | b"set" | b"resetstat" | b"rewrite" | b"help", _) => wrong_number("config", subcommand),
        _ => no_subcommand("CONFIG", subcommand),
    }
}

/// Every setting there is to tell.
fn table(config: &Config) -> Vec<(&'static str, String)> {
    let text = str::to_owned;
    vec![
        ("appendfsync", text("always")),
        ("appendonly", text("yes")),
        ("bind", config.resp.map(|addr| addr.ip().to_string()).unwrap_or_default()),
        ("databases", text("1")),
        ("lazyfree-lazy-user-flush", text("no")),
        ("maxclients", config.resp_connections.to_string()),
        ("maxmemory", config.memory_max.to_string()),
        ("maxmemory-policy", text("noeviction")),
        ("port", config.resp.map_or(0, |addr| addr.port()).to_string()),
        ("proto-max-bulk-len", config.value_max.to_string()),
        ("save", String::new()),
        ("slowlog-log-slower-than", slower_than_us(config)),
        ("slowlog-max-len", crate::limits::SLOW_KEPT_MAX.to_string()),
        ("tcp-keepalive", crate::limits::RESP_KEEPALIVE.as_secs().to_string()),
        ("timeout", text("0")),
    ]
}

/// From how many microseconds on an operation is slow; -1: none is, as Redis says it.
fn slower_than_us(config: &Config) -> String {
    if config.slow_log == 0 { "-1".into() } else { config.slow_log.saturating_mul(1000).to_string() }
}

fn get(config: &Config, patterns: &[Bytes]) -> Value {
    let patterns: Vec<Glob> =
        patterns.iter().map(|pattern| Glob::new(&pattern.to_ascii_lowercase())).collect();
    let asked = |name: &str| patterns.iter().any(|pattern| pattern.matches(name.as_bytes()));
    let told = table(config).into_iter().filter(|(name, _)| asked(name));
    Value::Map(told.map(|(name, value)| (Value::text(name), Value::Bulk(value.into()))).collect())
}

fn set(config: &Config, pairs: &[Bytes]) -> Value {
    let table = table(config);
    for pair in pairs.chunks(2) {
        let [name, value] = pair else { return Value::err("syntax error") };
        let harmless = WITHOUT_EFFECT.iter().any(|known| is(name, known))
            || table.iter().any(|(known, current)| is(name, known) && is(value, current));
        if harmless {
            continue;
        }
        let name = crate::resp::outcome::quoted(name);
        return if table.iter().any(|(known, _)| is(name.as_bytes(), known)) {
            Value::err(format_args!(
                "CONFIG SET failed (possibly related to argument '{name}') - can't set immutable config"
            ))
        } else {
            Value::err(format_args!("Unknown option or number of arguments for CONFIG SET - '{name}'"))
        };
    }
    Value::OK
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Bytes> {
        text.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
    }

    #[test]
    fn settings_are_told_by_pattern() {
        let config = Config { memory_max: 99, ..Config::default() };
        let expected = vec![(Value::text("maxmemory"), Value::text("99"))];
        assert_eq!(get(&config, &words("MAXMEMORY")), Value::Map(expected));
        let Value::Map(found) = get(&config, &words("max* timeout")) else { panic!("it is a map") };
        assert_eq!(found.len(), 4);
    }

    #[test]
    fn only_what_changes_nothing_is_accepted() {
        let config = Config::default();
        assert_eq!(set(&config, &words("appendonly yes latency-tracking no")), Value::OK);
        for refused in ["appendonly no", "maxmemory 1", "nosuch 1", "timeout 0 timeout 5"] {
            assert!(matches!(set(&config, &words(refused)), Value::Error(_)), "{refused}");
        }
    }
}

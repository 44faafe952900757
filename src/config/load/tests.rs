//! Precedence, and what the file may hold.

use std::io::Write;

use super::*;
use crate::config::settings::LogFormat;

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// A source with these values.
fn of(pairs: &[(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
    let pairs = pairs.to_vec();
    move |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
}

#[test]
fn nothing_given_is_the_default() {
    assert_eq!(load(None, of(&[]), of(&[])).unwrap(), Settings::default());
}

#[test]
fn flag_over_env_over_file_over_default() {
    let file = file("id = 1\nzone = \"file\"\nheartbeat = 10\nelection-min = \"1s\"\n");
    let env = of(&[("QUORATE_ID", "2"), ("QUORATE_ZONE", "env"), ("QUORATE_HEARTBEAT", "")]);
    let flag = of(&[("id", "3")]);
    let node = load(Some(file.path()), env, flag).unwrap().node;
    assert_eq!((node.id, node.zone.as_str()), (3, "env"));
    assert_eq!((node.heartbeat, node.election_min, node.election_max), (10, 1_000, 500));
}

#[test]
fn the_file_takes_units_numbers_and_lists() {
    let file = file(
        "memory-max = \"2GiB\"\nlog-segment = 1048576\nsnapshot-interval = \"10m\"\n\
         seeds = [\"a:1\", \"b:2\"]\nlog-format = \"json\"\n",
    );
    let settings = load(Some(file.path()), of(&[]), of(&[])).unwrap();
    assert_eq!((settings.node.memory_max, settings.node.log_segment), (2 << 30, 1 << 20));
    assert_eq!((settings.node.snapshot_interval, settings.log_format), (600, LogFormat::Json));
    assert_eq!(settings.node.seeds, ["a:1", "b:2"]);
}

#[test]
fn every_source_is_named_in_its_error() {
    let message = |text: &str, env, flag| {
        let file = file(text);
        load(Some(file.path()), of(env), of(flag)).unwrap_err().to_string()
    };
    assert!(message("grups = 3", &[], &[]).contains("unknown key `grups`; known are: id, "));
    assert!(message("groups = -1", &[], &[]).starts_with("groups in "));
    assert!(message("groups = true", &[], &[]).ends_with("a boolean does not fit here"));
    assert!(message("groups =", &[], &[]).contains("is not TOML"));
    assert!(message("", &[("QUORATE_HTTP", "here")], &[]).starts_with("QUORATE_HTTP: `here`"));
    assert!(message("", &[], &[("log-segment", "big")]).starts_with("--log-segment: `big`"));
    let missing = load(Some(Path::new("/nowhere/q.toml")), of(&[]), of(&[])).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read the configuration file /nowhere/q.toml"));
}

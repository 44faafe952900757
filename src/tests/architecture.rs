//! What `ARCHITECTURE.md` says is absent, is: this test reads the source tree and looks.
//!
//! Comments do not count, and neither do words inside longer names; what is in a test counts like anything else.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file, by its path from the workspace's root, with its text.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Whether any line of code names `word`.
    fn names(&self, word: &str) -> bool {
        let code = self.text.lines().map(|line| line.split("//").next().unwrap_or_default());
        code.into_iter().any(|line| has_word(line, word))
    }

    fn is_in(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }
}

fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part_of_name) && !after.is_some_and(part_of_name)
    })
}

/// Every Rust file below these folders of the workspace.
fn sources(folders: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
                found.push(Source { path, text });
            }
        }
    }
    assert!(!found.is_empty(), "no sources in {folders:?}");
    found
}

/// Files of `folders` that name `word`, but for those in `allowed` places.
fn named_elsewhere(word: &str, folders: &[&str], allowed: &[&str]) -> Vec<String> {
    let offends = |source: &Source| source.names(word) && !source.is_in(allowed);
    sources(folders).into_iter().filter(offends).map(|source| source.path).collect()
}

#[track_caller]
fn assert_absent(word: &str, folders: &[&str], allowed: &[&str]) {
    let none: [String; 0] = [];
    assert_eq!(named_elsewhere(word, folders, allowed), none, "{word} is named where it must not be");
}

const SERVER: &[&str] = &["src"];
const STORE: &[&str] = &["raft-store/src"];
const THIS: &str = "src/tests/architecture.rs";

#[test]
fn only_the_adapters_name_openraft() {
    assert_absent("openraft::", STORE, &["raft-store/src/raft/"]);
    assert_absent("openraft::", SERVER, &["src/group/", THIS]);
}

#[test]
fn adapters_know_nothing_of_raft() {
    for outside in ["src/http", "src/resp", "src/cli"] {
        for word in ["openraft", "raft_store::raft", "raft_store::wal", "crate::group", "crate::transport"] {
            assert_absent(word, &[outside], &[]);
        }
    }
}

#[test]
fn sled_is_named_in_one_file() {
    assert_absent("sled", STORE, &["raft-store/src/snapshot_store/database.rs"]);
    assert_absent("sled", SERVER, &[THIS]);
}

#[test]
fn the_snapshot_store_knows_nothing_of_raft() {
    assert_absent("crate::raft", &["raft-store/src/snapshot_store"], &[]);
}

#[test]
fn the_store_has_no_clock_no_socket_and_no_randomness() {
    // Where there is a simulated world its clocks and numbers come in.
    let simulation = "raft-store/src/simulation";
    for word in ["SystemTime", "tokio::time", "tokio::net", "std::net", "rand", "rand_core", "thread::sleep"]
    {
        assert_absent(word, STORE, &[simulation]);
    }
    // The second has to say what a point in time is to openraft.
    assert_absent("Instant", STORE, &[simulation, "raft-store/src/raft/runtime.rs"]);
}

#[test]
fn one_file_draws_random_numbers() {
    assert_absent("rand", SERVER, &["src/random.rs", THIS]);
}

#[test]
fn one_file_sends_work_to_threads_that_may_block() {
    for folders in [SERVER, STORE] {
        for word in ["spawn_blocking", "block_in_place"] {
            assert_absent(word, folders, &["raft-store/src/blocking.rs", THIS]);
        }
    }
}

#[test]
fn nothing_happens_in_the_order_of_a_hash_map() {
    for word in ["HashMap", "HashSet"] {
        assert_absent(word, SERVER, &[THIS]);
        assert_absent(word, STORE, &[]);
    }
}

#[test]
fn the_pure_core_does_no_io_and_waits_for_nothing() {
    for core in ["command", "map", "snapshot"].map(|part| format!("raft-store/src/{part}")) {
        for word in ["std::fs", "std::io", "std::thread", "tokio", "async", "crate::wal", "crate::raft"] {
            assert_absent(word, &[&core], &[]);
        }
    }
}

#[test]
fn one_file_reads_the_wall_clock() {
    assert_absent("SystemTime", SERVER, &["src/clock.rs", THIS]);
}

#[test]
fn dependencies_point_down_only() {
    let layers: [&[&str]; 5] = [
        &["crate::cli"],
        &["crate::http", "crate::resp"],
        &["crate::node"],
        &["crate::group"],
        &["crate::transport"],
    ];
    for (above, layer) in layers.iter().enumerate().skip(1) {
        for part in *layer {
            let folder = part.replace("crate::", "src/");
            // The adapters of one layer do not know each other.
            let beside = layer.iter().filter(|other| *other != part);
            let upper = layers[..above].iter().copied().flatten();
            upper.chain(beside).for_each(|other| assert_absent(other, &[&folder], &[]));
        }
    }
    let layers = layers.concat();
    for leaf in [
        "accept", "auth", "clock", "random", "error", "limits", "version", "views", "ring", "config", "tls",
        "trace",
    ] {
        let files = sources(SERVER).into_iter().filter(|s| s.is_in(&[&format!("src/{leaf}")]));
        for source in files {
            assert!(!layers.iter().any(|layer| source.names(layer)), "{} is no leaf", source.path);
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    let all = sources(&["src", "raft-store/src", "cluster-tests/src", "cluster-tests/tests", "bench/src"]);
    let silent = |source: &Source| !source.text.starts_with("//!") && !source.path.ends_with("/tests.rs");
    let silent: Vec<String> = all.into_iter().filter(silent).map(|source| source.path).collect();
    assert_eq!(silent, Vec::<String>::new(), "modules that do not begin with //!");
}

#[test]
fn the_search_sees_code_and_not_comments() {
    let source = |text: &str| Source { path: "x.rs".into(), text: text.into() };
    assert!(source("use sled::Db; // fast").names("sled"));
    assert!(!source("// sled\nlet x = 1; // sled").names("sled"));
    assert!(!source("let unsledded = brand();").names("rand"));
}

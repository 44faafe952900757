//! Short simulations, in every run of the tests, each in a process of its own.

use std::path::{Path, PathBuf};

use cluster_tests::sim::sweep::Sweep;
use cluster_tests::sim::{Options, run_apart};

/// Simulated seconds of faults in each of these.
const SECONDS: u64 = 3;

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_cluster-tests").into()
}

fn options() -> Options {
    Options { seconds: Some(SECONDS), ..Options::default() }
}

fn sweep(seeds: std::ops::Range<u64>, keep: &Path) -> Sweep {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    Sweep { program: program(), seeds, jobs, resume: None, keep: keep.to_owned(), options: options() }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let folder = tempfile::tempdir().unwrap();
    let trace = |seed| run_apart(&program(), seed, &options(), folder.path()).unwrap().trace_hash;
    for seed in 1..=4 {
        assert_eq!(trace(seed), trace(seed), "seed {seed}");
    }
    assert_ne!(trace(1), trace(2));
}

#[test]
fn a_few_seeds_find_nothing_wrong() {
    let mut told = Vec::new();
    let summary = sweep(100..124, &std::env::temp_dir()).run(&mut told).unwrap();
    assert!(summary.failed.is_empty(), "{}", String::from_utf8_lossy(&told));
    assert_eq!(summary.seeds, 24);
}

#[test]
fn a_sweep_goes_on_where_it_was_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let resume = folder.path().join("done");
    std::fs::write(&resume, "7 00ff ok\n8 00ff liveness\n9 00").unwrap();
    let sweep = Sweep { resume: Some(resume), ..sweep(7..9, folder.path()) };
    let summary = sweep.run(&mut Vec::new()).unwrap();
    assert_eq!((summary.seeds, summary.failed), (0, vec![8]));
}

//! Short simulations, in every run of the tests.

use super::*;

/// Simulated seconds of faults in each of these.
const SECONDS: u64 = 4;

fn options() -> Options {
    Options { seconds: Some(SECONDS), ..Options::default() }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in [1, 2, 3] {
        let (first, second) = (run(seed, &options()), run(seed, &options()));
        let same = first.history.iter().zip(&second.history).take_while(|(one, other)| one == other).count();
        assert!(first == second, "seed {seed}: histories are the same for {same} operations");
    }
    assert_ne!(run(1, &options()).trace_hash, run(2, &options()).trace_hash);
}

#[test]
fn a_few_seeds_find_nothing_wrong() {
    let keep = std::env::temp_dir();
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let sweep = sweep::Sweep { seeds: 100..124, jobs, resume: None, keep, options: options() };
    let mut told = Vec::new();
    let summary = sweep.run(&mut told).unwrap();
    assert!(summary.failed.is_empty(), "{}", String::from_utf8_lossy(&told));
    assert_eq!(summary.seeds, 24);
}

#[test]
fn a_sweep_goes_on_where_it_was_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let resume = folder.path().join("done");
    std::fs::write(&resume, "7 00ff ok\n8 00ff liveness\n9 00").unwrap();
    let keep = folder.path().to_owned();
    let sweep = sweep::Sweep { seeds: 7..9, jobs: 1, resume: Some(resume), keep, options: options() };
    let summary = sweep.run(&mut Vec::new()).unwrap();
    assert_eq!((summary.seeds, summary.failed), (0, vec![8]));
}

//! Simulations from the command line.

use std::process::Command;

/// What one seed prints.
fn simulate(seed: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_cluster-tests"))
        .args(["sim", "--seconds", "2", "--seed", seed])
        .output()
        .expect("the program runs");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_seed_gives_the_same_trace_in_every_process() {
    let (first, second) = (simulate("5"), simulate("5"));
    assert!(first.contains("trace"), "{first}");
    assert_eq!(first, second);
}

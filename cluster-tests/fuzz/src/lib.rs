//! Hostile input for the Redis protocol: what must hold whatever a client sends, and two engines that try to break it.
//!
//! | What must hold | Where |
//! |---|---|
//! | The parser never panics, means the same however its input is cut, and hands out no more than came in | `pipeline` |
//! | Commands are planned, carried out and answered without a panic, each by exactly one well-formed answer; what they ask a group to apply can always be applied; no value grows past its limit | `connection`, with `server` as the node and `answers` as the client |
//!
//! The everyday engine is `mutate`: seeds and commands, changed at random, everything derived from one number. It is a
//! test, short by default; the long form is `QUORATE_FUZZ_INPUTS=10000000 cargo test --release -p resp-fuzz`. A failed
//! input is printed with its number; `QUORATE_FUZZ_FIRST` begins there.
//!
//! The other engine is libFuzzer, led by coverage. It needs a C++ compiler, but neither `cargo fuzz` nor a nightly
//! toolchain:
//!
//! ```sh
//! RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
//!   -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
//!   -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions=on" \
//!   cargo build --release -p resp-fuzz --features libfuzzer --bins --target x86_64-unknown-linux-gnu --target-dir target/fuzz
//! mkdir -p target/corpus
//! target/fuzz/x86_64-unknown-linux-gnu/release/fuzz-pipeline -runs=10000000 -timeout=5 -rss_limit_mb=1024 \
//!   -malloc_limit_mb=64 -dict=cluster-tests/fuzz/resp.dict target/corpus cluster-tests/fuzz/seeds
//! ```

pub mod answers;
pub mod connection;
pub mod mutate;
pub mod pipeline;
pub mod seeds;
pub mod server;

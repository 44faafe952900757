//! Tokens: who may call what, over both protocols, and what becomes of tokens in a cluster.

mod commands;
mod endpoints;
mod http;
mod life;
mod logs;
mod redis;

use std::io::Write;

/// Tells how much a test tried, whether it is captured or not.
fn tell(text: &str) {
    // A closed stderr is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{text}");
}

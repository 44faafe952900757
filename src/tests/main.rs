//! Tests of the server as a whole: real nodes in this process, real sockets, on ports the system chooses.
#![allow(clippy::unwrap_used, reason = "a test's helpers fail like the test itself")]

mod architecture;
mod auth;
mod deploy;
mod disk;
mod http;
mod log;
#[cfg(feature = "otlp")]
mod otlp;
mod requests;
mod resp;
mod stop;
mod support;
mod tls;

//! `quorate openapi`.

use super::fail::Failure;
use super::output::Output;

/// Prints the description of the HTTP API; the same as `GET /v1/openapi.json`, without a node.
pub(super) fn run(mut output: Output) -> Result<(), Failure> {
    Ok(output.bytes(crate::http::openapi().as_bytes())?)
}

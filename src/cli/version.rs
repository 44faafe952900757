//! `quorate version`.

use super::fail::Failure;
use super::output::{Format, Output};

/// The version of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Prints the version.
pub(super) fn run(mut output: Output) -> Result<(), Failure> {
    let text = match output.format {
        Format::Table => format!("quorate {VERSION}"),
        Format::Raw => VERSION.to_owned(),
        Format::Json => serde_json::json!({ "version": VERSION }).to_string(),
    };
    Ok(output.line(&text)?)
}

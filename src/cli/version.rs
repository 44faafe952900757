//! `quorate version`.

use super::fail::Failure;
use super::output::{Format, Output};
use crate::version::{BOTH, COMMIT, VERSION};

/// Prints version and commit.
pub(super) fn run(mut output: Output) -> Result<(), Failure> {
    Ok(output.line(&text(output.format, COMMIT))?)
}

fn text(format: Format, commit: &str) -> String {
    match format {
        Format::Table => format!("quorate {BOTH}"),
        Format::Raw => VERSION.to_owned(),
        Format::Json => {
            let commit = Some(commit).filter(|commit| !commit.is_empty());
            serde_json::json!({ "version": VERSION, "commit": commit }).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_gets_the_version_alone_or_both_as_json() {
        assert_eq!(text(Format::Raw, "abc"), VERSION);
        assert_eq!(text(Format::Json, "abc"), format!(r#"{{"commit":"abc","version":"{VERSION}"}}"#));
        assert_eq!(text(Format::Json, ""), format!(r#"{{"commit":null,"version":"{VERSION}"}}"#));
    }
}

//! `quorate scan`: list keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde::Deserialize;

use super::client::Request;
use super::fail::{About, Exit, Failure, NAMESPACE_DEFAULT};
use super::kv::encode;
use super::output::{Format, note};
use super::session::Session;
use crate::limits::SCAN_LIMIT_MAX;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only keys that begin with this
    #[arg(long, value_name = "PREFIX", default_value = "")]
    prefix: String,
    /// Their namespace
    #[arg(long, value_name = "NAME", default_value = NAMESPACE_DEFAULT)]
    ns: String,
}

#[derive(Debug, Deserialize)]
struct Page {
    entries: Vec<Row>,
    cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Row {
    key: Option<String>,
    key_b64: Option<String>,
}

/// Prints every key on a line of its own, in no particular order; as JSON, the API's pages.
pub(super) async fn run(mut session: Session, args: Args) -> Result<(), Failure> {
    let mut cursor = None;
    loop {
        let request = Request::new(Method::GET, path(&session, &args, cursor.as_deref()), About::Cluster);
        let answer = session.client.call(request).await?;
        let page: Page = answer.read()?;
        match session.output.format {
            Format::Json => session.output.json(&answer.body)?,
            format => session.output.bytes(&lines(page.entries, format)?)?,
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn path(session: &Session, args: &Args, cursor: Option<&str>) -> String {
    let (ns, prefix, consistency) = (encode(&args.ns), encode(&args.prefix), session.consistency_query());
    let cursor = cursor.map(|cursor| format!("&cursor={}", encode(cursor))).unwrap_or_default();
    format!("/v1/kv/{ns}?values=false&limit={SCAN_LIMIT_MAX}&prefix={prefix}&{consistency}{cursor}")
}

fn lines(rows: Vec<Row>, format: Format) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    for row in rows {
        match (row.key, row.key_b64) {
            (Some(key), _) => lines.extend_from_slice(key.as_bytes()),
            (None, Some(encoded)) if format == Format::Raw => {
                lines.extend(STANDARD.decode(&encoded).map_err(nonsense)?)
            }
            (None, Some(encoded)) => {
                note("A key that is no text is shown in base64; --output raw writes it as it is.");
                lines.extend_from_slice(encoded.as_bytes());
            }
            (None, None) => return Err(nonsense("an entry without a key")),
        }
        lines.push(b'\n');
    }
    Ok(lines)
}

fn nonsense(what: impl ToString) -> Failure {
    Failure::new(Exit::Error, "The answer makes no sense", what.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_has_a_line() {
        let page = || -> Page {
            serde_json::from_str(
                r#"{"ns":"default","entries":[{"key":"a b"},{"key_b64":"/w=="}],"cursor":null}"#,
            )
            .unwrap()
        };
        assert_eq!(lines(page().entries, Format::Table).unwrap(), b"a b\n/w==\n");
        assert_eq!(lines(page().entries, Format::Raw).unwrap(), b"a b\n\xff\n");
        let bad = Row { key: None, key_b64: Some("?".into()) };
        assert!(lines(vec![bad], Format::Raw).is_err());
        assert!(page().cursor.is_none());
    }
}

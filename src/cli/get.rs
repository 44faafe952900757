//! `quorate get KEY`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde::Deserialize;
use serde_json::Value;

use super::fail::{Exit, Failure};
use super::kv::KeyArgs;
use super::output::{Format, note};
use super::session::Session;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    key: KeyArgs,
}

/// What of an entry matters here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    value: Value,
    value_b64: Option<String>,
}

/// Prints the value: text as it is, other JSON as JSON, bytes in base64 unless raw.
pub(super) async fn run(mut session: Session, args: Args) -> Result<(), Failure> {
    let request = args.key.request(Method::GET, session.consistency_query());
    let answer = session.client.call(request).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Raw => session.output.bytes(&raw(answer.read()?)?)?,
        Format::Table => session.output.line(&shown(answer.read()?))?,
    }
    Ok(())
}

fn raw(entry: Entry) -> Result<Vec<u8>, Failure> {
    match entry.value_b64 {
        None => Ok(text(entry.value).into_bytes()),
        Some(encoded) => STANDARD.decode(encoded).map_err(|error| {
            Failure::new(Exit::Error, "The answer makes no sense", format!("value_b64: {error}"))
        }),
    }
}

fn shown(entry: Entry) -> String {
    if let Some(encoded) = entry.value_b64 {
        note("These are bytes, in base64; --output raw writes them as they are.");
        return encoded;
    }
    text(entry.value)
}

/// A string's text, or JSON.
pub(super) fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> Entry {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn text_json_and_bytes() {
        assert_eq!(shown(entry(r#"{"key":"k","value":"hi"}"#)), "hi");
        assert_eq!(shown(entry(r#"{"value":{"a":[1]}}"#)), r#"{"a":[1]}"#);
        assert_eq!(shown(entry(r#"{"value_b64":"AP8="}"#)), "AP8=");
        assert_eq!(raw(entry(r#"{"value":"hi"}"#)).unwrap(), b"hi");
        assert_eq!(raw(entry(r#"{"value_b64":"AP8="}"#)).unwrap(), [0, 255]);
        assert!(raw(entry(r#"{"value_b64":"?"}"#)).is_err());
    }
}

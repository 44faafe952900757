//! `quorate set KEY VALUE`.

use std::io::Read;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fail::Failure;
use super::kv::{KeyArgs, ms};
use super::output::Format;
use super::session::Session;
use crate::config::units;

/// Longest value read from stdin, in bytes: more than any node accepts.
const STDIN_BYTES_MAX: u64 = raft_store::limits::VALUE_BYTES_CEILING as u64 + 1;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    key: KeyArgs,
    /// The value, stored as text; - reads it from stdin
    value: String,
    /// Expire after this time, such as 30s [default: the namespace's]
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    ttl: Option<Duration>,
    /// Only if the key has this version
    #[arg(long, value_name = "N", conflicts_with = "if_absent")]
    if_version: Option<u64>,
    /// Only if the key is absent
    #[arg(long)]
    if_absent: bool,
    /// The value is JSON, not text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Deserialize)]
struct Written {
    version: u64,
}

/// Sets the key and prints its new version.
pub(super) async fn run(mut session: Session, args: Args) -> Result<(), Failure> {
    let value = if args.value == "-" { stdin()? } else { args.value.clone().into_bytes() };
    let body = body(value, args.json, args.ttl)?;
    let mut request = args.key.request(Method::PUT, "").json(&body);
    if args.if_absent {
        request = request.header("if-none-match", "*");
    }
    if let Some(version) = args.if_version {
        request = request.header("if-match", format!("\"{version}\""));
    }
    let answer = session.client.call(request).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Raw => session.output.line(&answer.read::<Written>()?.version.to_string())?,
        Format::Table => {
            session.output.line(&format!("OK  version {}", answer.read::<Written>()?.version))?;
        }
    }
    Ok(())
}

fn stdin() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(STDIN_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The body of the request: text as a JSON string, other bytes in base64.
fn body(value: Vec<u8>, is_json: bool, ttl: Option<Duration>) -> Result<Value, Failure> {
    let mut body = if is_json {
        let value: Value = serde_json::from_slice(&value)
            .map_err(|error| Failure::usage("The value is not JSON", error.to_string()))?;
        json!({ "value": value })
    } else {
        match String::from_utf8(value) {
            Ok(text) => json!({ "value": text }),
            Err(error) => json!({ "value_b64": STANDARD.encode(error.as_bytes()) }),
        }
    };
    if let Some(ttl) = ttl {
        body["ttl_ms"] = ms(ttl).into();
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_json_bytes_and_ttl() {
        let of = |value: &[u8], json| body(value.to_vec(), json, None).unwrap().to_string();
        assert_eq!(of(b"12", false), r#"{"value":"12"}"#);
        assert_eq!(of(b"12", true), r#"{"value":12}"#);
        assert_eq!(of(&[0xff], false), r#"{"value_b64":"/w=="}"#);
        let with_ttl = body(b"x".to_vec(), false, Some(Duration::from_secs(30))).unwrap();
        assert_eq!(with_ttl["ttl_ms"], 30_000);
        assert!(body(b"{".to_vec(), true, None).is_err());
    }
}

//! `quorate ttl KEY`.

use hyper::Method;
use serde::Deserialize;

use super::fail::Failure;
use super::kv::KeyArgs;
use super::output::Format;
use super::session::Session;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    key: KeyArgs,
}

#[derive(Debug, Deserialize)]
struct Lifetime {
    #[serde(default)]
    expires_in_ms: Option<u64>,
}

/// Prints the time left; raw: in milliseconds. A key without a deadline says `never`.
pub(super) async fn run(mut session: Session, args: Args) -> Result<(), Failure> {
    let request = args.key.request(Method::GET, session.consistency_query());
    let answer = session.client.call(request).await?;
    if session.output.format == Format::Json {
        return Ok(session.output.json(&answer.body)?);
    }
    let left = answer.read::<Lifetime>()?.expires_in_ms;
    let raw = session.output.format == Format::Raw;
    Ok(session.output.line(&shown(left, raw))?)
}

fn shown(left_ms: Option<u64>, raw: bool) -> String {
    match left_ms {
        None => "never".into(),
        Some(ms) if raw => ms.to_string(),
        Some(ms) => format!("{}.{:03}s", ms / 1000, ms % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_for_people_milliseconds_for_scripts() {
        assert_eq!(shown(Some(29_012), false), "29.012s");
        assert_eq!(shown(Some(29_012), true), "29012");
        assert_eq!(shown(None, true), "never");
    }
}

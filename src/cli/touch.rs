//! `quorate touch KEY --ttl TIME`.

use std::time::Duration;

use hyper::Method;
use serde_json::json;

use super::fail::Failure;
use super::kv::{KeyArgs, ms};
use super::output::Format;
use super::session::Session;
use crate::config::units;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    key: KeyArgs,
    /// Time from now until it expires, such as 30s
    #[arg(long, value_name = "TIME", required = true, value_parser = units::duration)]
    ttl: Duration,
}

/// Gives the key a new time to live.
pub(super) async fn run(mut session: Session, args: Args) -> Result<(), Failure> {
    let body = json!({ "op": "touch", "ttl_ms": ms(args.ttl) });
    let request = args.key.request(Method::PATCH, "").json(&body);
    let answer = session.client.call(request).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Raw | Format::Table => session.output.line("OK")?,
    }
    Ok(())
}

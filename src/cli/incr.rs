//! `quorate incr KEY`.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::fail::Failure;
use super::get::text;
use super::kv::KeyArgs;
use super::output::Format;
use super::session::Session;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    key: KeyArgs,
    /// How much to add
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true)]
    by: i64,
    /// What an absent key counts as
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    init: i64,
}

#[derive(Debug, Deserialize)]
struct Counted {
    value: Value,
}

/// Adds and prints the sum.
pub(super) async fn run(mut session: Session, args: Args) -> Result<(), Failure> {
    let body = json!({ "op": "incr", "by": args.by, "init": args.init });
    let request = args.key.request(Method::PATCH, "").json(&body);
    let answer = session.client.call(request).await?;
    match session.output.format {
        Format::Json => session.output.json(&answer.body)?,
        Format::Raw | Format::Table => session.output.line(&text(answer.read::<Counted>()?.value))?,
    }
    Ok(())
}

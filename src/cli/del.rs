//! `quorate del KEY`.

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
    /// Only if the key has this version
    #[arg(long, value_name = "N")]
    if_version: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Deleted {
    deleted: bool,
}

/// Deletes the key; a key that was absent is exit code 3.
pub(super) async fn run(mut session: Session, args: Args) -> Result<(), Failure> {
    let mut request = args.key.request(Method::DELETE, "");
    if let Some(version) = args.if_version {
        request = request.header("if-match", format!("\"{version}\""));
    }
    let answer = session.client.call(request).await?;
    let deleted = answer.read::<Deleted>()?.deleted;
    if session.output.format == Format::Json {
        session.output.json(&answer.body)?;
    } else if deleted {
        session.output.line("deleted")?;
    }
    if deleted { Ok(()) } else { Err(args.key.missing()) }
}

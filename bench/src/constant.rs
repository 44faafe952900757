//! A bare axum server that answers every key with the same: what the HTTP of this ecosystem costs when nothing is behind
//! it, so that Quorate's own share can be told.

use std::net::SocketAddr;

use anyhow::Context;
use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use clap::Args;
use tokio::net::TcpListener;

/// As long as what Quorate answers for a value of 100 bytes.
const BODY: &str = concat!(
    r#"{"key":"0123456789abcdef","value":"0123456789012345678901234567890123456789012345678901234567890123456789"#,
    r#"012345678901234567890123456789","version":123456,"ttl_ms":null,"created_ms":1700000000000,"#,
    r#""modified_ms":1700000000000,"group":1,"consistency":"lease"}"#,
);

/// Where to listen.
#[derive(Debug, Args)]
pub(crate) struct ConstantArguments {
    /// Address it listens on.
    #[arg(long, default_value = "127.0.0.1:18070")]
    listen: SocketAddr,
}

/// Serves until it is killed, on one thread as Quorate does on a machine with two cores.
pub(crate) fn run(arguments: &ConstantArguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listening = TcpListener::bind(arguments.listen).await;
        let listener = listening.with_context(|| format!("listen on {}", arguments.listen))?;
        let routes = Router::new().route("/v1/kv/{namespace}/{key}", get(answer).put(answer));
        // As every server measured beside it: else answers to a pipeline wait for acknowledgements that come late.
        let listener = listener.tap_io(|stream| {
            // Where it cannot be set, its connection is slow; nothing else depends on it.
            let _ = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, routes).await?)
    })
}

async fn answer() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], BODY)
}

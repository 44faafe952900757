//! The HTTP JSON API: parse, call the node, answer. Holds no logic and never names openraft.

/// Stub of the real entry.
pub async fn serve(
    _listener: tokio::net::TcpListener,
    _node: crate::node::Node,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    stop.await;
    Ok(())
}

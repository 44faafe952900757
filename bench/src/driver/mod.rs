//! What is measured, behind two small traits: a driver opens connections, a connection carries out requests.

pub(crate) mod http;

use std::future::Future;

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// Read key number `.0`; it exists.
    Get(u64),
    /// Write key number `.0`.
    Set(u64),
}

/// Opens connections to what is measured.
pub(crate) trait Driver: Clone + Send + Sync + 'static {
    /// One connection.
    type Connection: Connection;

    /// Opens connection number `index`; they are spread over the endpoints by it.
    fn connect(&self, index: u64) -> impl Future<Output = anyhow::Result<Self::Connection>> + Send;
}

/// One connection, with at most one request under way.
pub(crate) trait Connection: Send + 'static {
    /// Carries out a request; an error for whatever is not the wanted answer. Not used again after an error.
    fn request(&mut self, request: Request) -> impl Future<Output = anyhow::Result<()>> + Send;
}

//! The network a simulator provides in the place of TCP.
//!
//! Like TCP's, its streams deliver bytes in order or not at all, and their ends may go unannounced: what is lost, late
//! or cut is for the simulator to say. Names are addresses; nothing is looked up.

use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

/// One node's way into a simulated network.
pub trait SimulatedNet: Debug + Send + Sync {
    /// Connects to whoever listens at `addr`, like `10.0.0.1:4200`; waits for as long as nobody says yes or no.
    fn connect(&self, addr: &str) -> BoxFuture<'static, io::Result<Box<dyn SimulatedStream>>>;
    /// Listens at `addr`, until the listener is dropped.
    ///
    /// # Errors
    /// The address is taken.
    fn listen(&self, addr: SocketAddr) -> io::Result<Box<dyn SimulatedListener>>;
}

/// Where connections arrive.
pub trait SimulatedListener: Send {
    /// The address peers connect to.
    fn local_addr(&self) -> SocketAddr;
    /// Waits for the next connection; to drop the future loses none.
    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn SimulatedStream>>>;
}

/// One end of a connection; dropping it closes it.
pub trait SimulatedStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> SimulatedStream for T {}

//! The network as one node's transport takes it.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;

use futures_util::future::BoxFuture;
use quorate::transport::{SimulatedListener, SimulatedNet, SimulatedStream};

use super::Wire;

/// One machine's way into the network.
#[derive(Debug)]
pub struct NodeNet {
    wire: Wire,
    number: u64,
}

impl NodeNet {
    /// That of machine `number`.
    pub fn new(wire: Wire, number: u64) -> Self {
        Self { wire, number }
    }
}

impl SimulatedNet for NodeNet {
    fn connect(&self, addr: &str) -> BoxFuture<'static, io::Result<Box<dyn SimulatedStream>>> {
        let connecting = self.wire.connect(self.number, addr);
        Box::pin(async move { Ok(Box::new(connecting.await?) as Box<dyn SimulatedStream>) })
    }

    fn listen(&self, addr: SocketAddr) -> io::Result<Box<dyn SimulatedListener>> {
        self.wire.listen(self.number)?;
        Ok(Box::new(Listener { wire: self.wire.clone(), number: self.number, addr }))
    }
}

struct Listener {
    wire: Wire,
    number: u64,
    addr: SocketAddr,
}

impl SimulatedListener for Listener {
    fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn SimulatedStream>>> {
        Box::pin(poll_fn(|context| {
            let accepted = self.wire.poll_accept(self.number, context);
            accepted.map_ok(|(end, _)| Box::new(end) as Box<dyn SimulatedStream>)
        }))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.wire.stop_listening(self.number);
    }
}

//! The simplest simulated network, for tests: pipes in memory.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use parking_lot::Mutex;
use tokio::io::{DuplexStream, duplex};
use tokio::sync::mpsc;

use super::{Net, SimulatedListener, SimulatedNet, SimulatedStream};

/// Bytes a pipe holds.
const PIPE_BYTES: usize = 64 << 10;
/// Connections that wait to be accepted, at most.
const BACKLOG_MAX: usize = 16;

/// Who listens where. Clones are the same network.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wires(Arc<Mutex<BTreeMap<String, mpsc::Sender<DuplexStream>>>>);

impl Wires {
    /// The network as a node gets it.
    pub(crate) fn net(&self) -> Net {
        Net::Simulated(Arc::new(self.clone()))
    }
}

impl SimulatedNet for Wires {
    fn connect(&self, addr: &str) -> BoxFuture<'static, io::Result<Box<dyn SimulatedStream>>> {
        let (near, far) = duplex(PIPE_BYTES);
        let sent = self.0.lock().get(addr).is_some_and(|listener| listener.try_send(far).is_ok());
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        ready(if sent { Ok(Box::new(near) as _) } else { Err(refused()) }).boxed()
    }

    fn listen(&self, addr: SocketAddr) -> io::Result<Box<dyn SimulatedListener>> {
        let mut all = self.0.lock();
        if all.get(&addr.to_string()).is_some_and(|listener| !listener.is_closed()) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (sender, arriving) = mpsc::channel(BACKLOG_MAX);
        all.insert(addr.to_string(), sender);
        Ok(Box::new(Arriving { addr, arriving }))
    }
}

struct Arriving {
    addr: SocketAddr,
    arriving: mpsc::Receiver<DuplexStream>,
}

impl SimulatedListener for Arriving {
    fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Box<dyn SimulatedStream>>> {
        let arrived = async { self.arriving.recv().await.ok_or_else(|| io::ErrorKind::NotConnected.into()) };
        arrived.map(|stream: io::Result<_>| Ok(Box::new(stream?) as _)).boxed()
    }
}

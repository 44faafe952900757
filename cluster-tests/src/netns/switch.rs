//! The wires between namespaces: a TUN device at each end, and a thread that carries every packet from one to the
//! other, or does not, as the [`Weather`] says.
//!
//! The devices last as long as their files are open, so nothing of it can outlive this process.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio_tun::Tun;

use super::link::{Fate, Flow};
use super::reset;
use super::weather::{End, Weather};

/// Longest packet of a device.
pub(super) const MTU: i32 = 1400;
/// Most packets on their way at a time; more are dropped.
const UNDER_WAY_MAX: usize = 16_384;
/// Shortest IPv4 packet.
const HEADER: usize = 20;

/// A packet that arrives later.
#[derive(Debug)]
struct Parcel {
    due: Instant,
    to: End,
    packet: Vec<u8>,
}

/// One end.
struct Port {
    device: Arc<Tun>,
    reader: AbortHandle,
}

struct Shared {
    /// Ends by the last byte of their address.
    address_of: fn(End) -> u8,
    ports: Mutex<BTreeMap<u8, (End, Port)>>,
    sky: Mutex<Sky>,
    later: mpsc::Sender<Parcel>,
    epoch: Instant,
}

/// What decides over packets.
struct Sky {
    weather: Weather,
    flows: BTreeMap<(End, End), Flow>,
    random: StdRng,
}

/// The switch. Its thread ends, and its devices go, when it is dropped.
pub(super) struct Switch {
    shared: Arc<Shared>,
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Switch {
    /// Starts a switch without ends; `address_of` gives the last byte of an end's address.
    pub(super) fn start(seed: u64, address_of: fn(End) -> u8) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (later, parcels) = mpsc::channel(UNDER_WAY_MAX);
        let sky =
            Sky { weather: Weather::default(), flows: BTreeMap::new(), random: StdRng::seed_from_u64(seed) };
        let shared = Arc::new(Shared {
            address_of,
            ports: Mutex::default(),
            sky: Mutex::new(sky),
            later,
            epoch: Instant::now(),
        });
        let handle = runtime.handle().clone();
        handle.spawn(deliver_later(shared.clone(), parcels));
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            // Ends also when the sender is gone.
            let _ = runtime.block_on(stopped);
        };
        let thread = std::thread::Builder::new().name("switch".to_owned()).spawn(run)?;
        Ok(Self { shared, handle, stop: Some(stop), thread: Some(thread) })
    }

    /// Makes the device of one more end, in the namespace of this process.
    pub(super) fn attach(&self, end: End, device: &str) -> anyhow::Result<()> {
        let _context = self.handle.enter();
        let made = Tun::builder().name(device).mtu(MTU).build();
        let made = made.map_err(|error| anyhow!("make the device {device}: {error:?}"))?;
        let device = Arc::new(made.into_iter().next().context("no device was made")?);
        let reader = self.handle.spawn(carry(self.shared.clone(), end, device.clone())).abort_handle();
        self.shared.ports().insert((self.shared.address_of)(end), (end, Port { device, reader }));
        Ok(())
    }

    /// Takes an end and its device away.
    pub(super) fn detach(&self, end: End) {
        if let Some((_, port)) = self.shared.ports().remove(&(self.shared.address_of)(end)) {
            port.reader.abort();
        }
    }

    /// Changes what is wrong with the network.
    pub(super) fn weather<T>(&self, change: impl FnOnce(&mut Weather) -> T) -> T {
        change(&mut self.shared.sky().weather)
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.stop.take();
        self.shared.ports().clear();
        if let Some(thread) = self.thread.take() {
            // It panics at most, which has been reported.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// A panic elsewhere has been reported there; both are changed by whole steps.
    fn ports(&self) -> MutexGuard<'_, BTreeMap<u8, (End, Port)>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sky(&self) -> MutexGuard<'_, Sky> {
        self.sky.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees a packet off.
    fn route(&self, from: End, packet: &[u8]) {
        let Some(to) = self.addressee(packet) else { return };
        match self.fate(from, to, packet.len()) {
            Fate::Lost => {}
            Fate::Refused => {
                if let Some(reset) = reset::answer(packet) {
                    self.deliver(from, &reset);
                }
            }
            Fate::Passes { after, again } => {
                self.send(to, packet, after);
                if let Some(after) = again {
                    self.send(to, packet, after);
                }
            }
        }
    }

    /// The end an IPv4 packet is for; the kernel's own chatter in IPv6 is for none.
    fn addressee(&self, packet: &[u8]) -> Option<End> {
        let is_ipv4 = packet.len() >= HEADER && packet[0] >> 4 == 4;
        let to: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
        self.ports().get(&Ipv4Addr::from(to).octets()[3]).filter(|_| is_ipv4).map(|(end, _)| *end)
    }

    fn fate(&self, from: End, to: End, bytes: usize) -> Fate {
        let mut sky = self.sky();
        let Sky { weather, flows, random } = &mut *sky;
        let flow = flows.entry((from, to)).or_default();
        weather.of(from, to).pass(flow, self.epoch.elapsed(), bytes, random)
    }

    fn send(&self, to: End, packet: &[u8], after: Duration) {
        if after.is_zero() {
            return self.deliver(to, packet);
        }
        // Too many under way: dropped, as by a router whose queue is full.
        let _ = self.later.try_send(Parcel { due: Instant::now() + after, to, packet: packet.to_vec() });
    }

    /// An end that is gone or not up yet loses it.
    fn deliver(&self, to: End, packet: &[u8]) {
        if let Some((_, port)) = self.ports().get(&(self.address_of)(to)) {
            let _ = port.device.try_send(packet);
        }
    }
}

/// Reads what an end sends until its device is gone.
async fn carry(shared: Arc<Shared>, from: End, device: Arc<Tun>) {
    let mut buffer = vec![0; MTU as usize];
    while let Ok(length) = device.recv(&mut buffer).await {
        shared.route(from, &buffer[..length]);
    }
}

/// Delivers parcels when they are due, in the order they are due, and of two due at once the older first.
async fn deliver_later(shared: Arc<Shared>, mut parcels: mpsc::Receiver<Parcel>) {
    let mut waiting: BTreeMap<(Instant, u64), Parcel> = BTreeMap::new();
    let mut count = 0;
    loop {
        let next = waiting.first_key_value().map_or_else(Instant::now, |((due, _), _)| *due);
        tokio::select! {
            parcel = parcels.recv(), if waiting.len() < UNDER_WAY_MAX => {
                let Some(parcel) = parcel else { return };
                count += 1;
                waiting.insert((parcel.due, count), parcel);
            }
            () = tokio::time::sleep_until(next.into()), if !waiting.is_empty() => {
                if let Some((_, parcel)) = waiting.pop_first() {
                    shared.deliver(parcel.to, &parcel.packet);
                }
            }
        }
    }
}

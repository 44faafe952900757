//! The network between simulated machines: connections like TCP's, with everything that happens to those.
//!
//! Simulated are latency, jitter, bandwidth, loss (as the delay it causes), cables cut in one or both directions, resets,
//! refused connections, and peers that vanish without a word. Not simulated: single packets, since their loss, doubling and
//! reordering never reach a program that speaks TCP.
//!
//! A machine's address is `10.0.0.N:port`, N being its number; it listens on one port. Guarantees that what happens
//! depends on the seed and on the order of the calls alone, and that nothing is delivered but by [`Wire::advance`].

mod link;
mod node;
mod pipe;
mod state;
mod stream;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use rand::Rng;
use rand::rngs::StdRng;

use self::state::{Close, Listening, State};
use self::stream::Connecting;
use super::trace::Trace;

pub use self::link::Link;
pub use self::node::NodeNet;
pub use self::stream::End;

/// All cables and sockets. Clones are the same network.
#[derive(Clone)]
pub struct Wire(Arc<Mutex<State>>);

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

/// Where machine `number` listens.
pub fn address(number: u64) -> String {
    format!("10.0.0.{number}:7170")
}

/// The machine an address belongs to.
fn machine(address: &str) -> Option<u64> {
    address.strip_prefix("10.0.0.")?.split_once(':')?.0.parse().ok()
}

impl Wire {
    /// A network on which nobody listens.
    pub fn new(random: StdRng, trace: Trace) -> Self {
        Self(Arc::new(Mutex::new(State::new(random, trace))))
    }

    /// Lets everything happen that happens until `now_ns`.
    pub fn advance(&self, now_ns: u64) {
        self.lock().advance(now_ns);
    }

    /// Connects machine `from` to whoever listens at an address. An address nobody has is refused.
    pub fn connect(&self, from: u64, to: &str) -> impl Future<Output = io::Result<End>> + Send + use<> {
        let attempt = machine(to).map(|to| Connecting::begin(self, from, to));
        async move {
            match attempt {
                Some(attempt) => attempt.await,
                None => Err(io::ErrorKind::AddrNotAvailable.into()),
            }
        }
    }

    /// Begins to accept on machine `number`; an error when its port is taken.
    pub fn listen(&self, number: u64) -> io::Result<()> {
        let mut state = self.lock();
        if state.listening.contains_key(&number) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        state.listening.insert(number, Listening::default());
        Ok(())
    }

    /// The next connection that machine `number` accepts.
    pub fn poll_accept(&self, number: u64, context: &mut Context<'_>) -> Poll<io::Result<(End, u64)>> {
        let mut state = self.lock();
        let Some(listening) = state.listening.get_mut(&number) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let Some(connection) = listening.accepted.pop_front() else {
            listening.waker = Some(context.waker().clone());
            return Poll::Pending;
        };
        let from = state.connections.get(&connection).map_or(0, |pipes| pipes[0].from);
        Poll::Ready(Ok((End::new(self.clone(), connection, 1), from)))
    }

    /// Machine `number` accepts no more.
    pub fn stop_listening(&self, number: u64) {
        let mut state = self.lock();
        let waiting = state.listening.remove(&number).map(|listening| listening.accepted);
        for connection in waiting.into_iter().flatten() {
            state.close(connection, 1, Close::Reset);
        }
    }

    /// The process on a machine is gone. The system closes its connections; with `power_lost` nobody does, and the
    /// machine answers nothing until [`Self::power_on`].
    pub fn crash(&self, number: u64, power_lost: bool) {
        let mut state = self.lock();
        state.listening.remove(&number);
        if power_lost {
            state.dark.insert(number);
        }
        let ends: Vec<_> = state.ends_of(number).collect();
        for (connection, side) in ends {
            let polite = state.random.random_bool(0.5);
            let how = if polite { Close::End } else { Close::Reset };
            state.close(connection, side, if power_lost { Close::Silence } else { how });
        }
        state.attempts.retain(|_, attempt| attempt.from != number);
    }

    /// A machine has power again: what is sent to connections it has forgotten is answered by a reset.
    pub fn power_on(&self, number: u64) {
        let mut state = self.lock();
        if state.dark.remove(&number) {
            state.resume(|pipe| pipe.to == number);
        }
    }

    /// Breaks one connection between any two machines; `false`: there is none.
    pub fn reset_one(&self, random: &mut StdRng) -> bool {
        let mut state = self.lock();
        let numbers: Vec<u64> = state.connections.keys().copied().collect();
        if numbers.is_empty() {
            return false;
        }
        let connection = numbers[random.random_range(0..numbers.len())];
        if let Some(pipes) = state.connections.get_mut(&connection) {
            pipes.iter_mut().for_each(pipe::Pipe::break_off);
        }
        true
    }

    /// How packets get from one machine to another.
    pub fn link(&self, from: u64, to: u64) -> Link {
        self.lock().links.get(from, to)
    }

    /// Changes that.
    pub fn set_link(&self, from: u64, to: u64, link: Link) {
        self.lock().set_link(from, to, link);
    }

    /// Makes every cable what `usual` says.
    pub fn heal(&self, usual: Link) {
        let mut state = self.lock();
        state.links.reset(usual);
        state.resume(|_| true);
    }

    /// Connections that stand.
    pub fn connections(&self) -> usize {
        self.lock().connections.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Ends of connections on one machine.
    fn ends_of(&self, number: u64) -> impl Iterator<Item = (u64, state::Side)> + use<'_> {
        self.connections.iter().flat_map(move |(&connection, pipes)| {
            let on = |side: state::Side| (pipes[side].from == number).then_some((connection, side));
            [on(0), on(1)].into_iter().flatten()
        })
    }
}

//! Every connection, and what happens to it as time passes.
//!
//! Packets that are lost, doubled or out of order do not exist here: TCP hides them, and what is left of them is
//! delay. So a partition holds bytes back until TCP tries again after it, and lost packets make what is behind them late.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::task::Waker;

use rand::rngs::StdRng;

use super::link::{Link, Links, retransmit_ns};
use super::pipe::{Piece, Pipe};
use crate::sim::trace::Trace;

/// Which end of a connection: 0 dialled, 1 accepted. An end writes to the pipe of its number and reads from the other.
pub(super) type Side = usize;

/// One attempt to connect.
#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) from: u64,
    pub(super) to: u64,
    /// When the answer is there, if packets get through then.
    pub(super) at_ns: u64,
    pub(super) waker: Option<Waker>,
    /// `Some(None)`: refused.
    pub(super) result: Option<Option<u64>>,
}

/// Where a machine accepts.
#[derive(Debug, Default)]
pub(super) struct Listening {
    pub(super) accepted: VecDeque<u64>,
    pub(super) waker: Option<Waker>,
}

pub(super) struct State {
    pub(super) now_ns: u64,
    pub(super) random: StdRng,
    pub(super) links: Links,
    /// Machines without power: they answer nothing.
    pub(super) dark: BTreeSet<u64>,
    pub(super) listening: BTreeMap<u64, Listening>,
    pub(super) connections: BTreeMap<u64, [Pipe; 2]>,
    pub(super) attempts: BTreeMap<u64, Attempt>,
    pub(super) last: u64,
    pub(super) trace: Trace,
}

impl State {
    pub(super) fn new(random: StdRng, trace: Trace) -> Self {
        Self {
            now_ns: 0,
            random,
            links: Links::default(),
            dark: BTreeSet::new(),
            listening: BTreeMap::new(),
            connections: BTreeMap::new(),
            attempts: BTreeMap::new(),
            last: 0,
            trace,
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Sends a piece from one end of a connection.
    pub(super) fn send(&mut self, connection: u64, side: Side, piece: Piece) {
        let Some(pipes) = self.connections.get_mut(&connection) else { return };
        let pipe = &mut pipes[side];
        let link = self.links.get(pipe.from, pipe.to);
        let bytes = if let Piece::Bytes(bytes) = &piece { bytes.len() } else { 0 };
        pipe.send(piece, self.now_ns, link.busy_ns(bytes), link.delay_ns(&mut self.random));
    }

    /// Lets everything happen that happens until `now_ns`.
    pub(super) fn advance(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        self.answer_attempts();
        let numbers: Vec<u64> = self.connections.keys().copied().collect();
        for connection in numbers {
            self.deliver(connection, 0);
            self.deliver(connection, 1);
        }
        self.connections.retain(|_, pipes| !pipes.iter().all(Pipe::is_over));
    }

    fn answer_attempts(&mut self) {
        let due = |(number, attempt): (&u64, &Attempt)| {
            let due = attempt.result.is_none() && attempt.at_ns <= self.now_ns;
            (due && self.links.both_ways(attempt.from, attempt.to) && !self.dark.contains(&attempt.to))
                .then_some((*number, attempt.from, attempt.to))
        };
        let due: Vec<_> = self.attempts.iter().filter_map(due).collect();
        for (number, from, to) in due {
            let listens = self.listening.contains_key(&to) && !self.links.refuses(from, to);
            let result = listens.then(|| self.connect(from, to));
            self.trace.add(number);
            if let Some(attempt) = self.attempts.get_mut(&number) {
                attempt.result = Some(result);
                attempt.waker.take().into_iter().for_each(Waker::wake);
            }
        }
    }

    fn connect(&mut self, from: u64, to: u64) -> u64 {
        let connection = self.number();
        self.connections.insert(connection, [Pipe::new(from, to), Pipe::new(to, from)]);
        if let Some(listening) = self.listening.get_mut(&to) {
            listening.accepted.push_back(connection);
            listening.waker.take().into_iter().for_each(Waker::wake);
        }
        connection
    }

    /// Delivers what has arrived on one direction of a connection.
    fn deliver(&mut self, connection: u64, side: Side) {
        let Some(pipes) = self.connections.get_mut(&connection) else { return };
        let (from, to) = (pipes[side].from, pipes[side].to);
        if self.links.get(from, to).cut || self.dark.contains(&to) {
            return;
        }
        let mut unwanted = false;
        while let Some(piece) = pipes[side].arrived(self.now_ns) {
            self.trace.add(connection * 2 + side as u64);
            match &piece {
                Piece::Bytes(bytes) => self.trace.bytes(bytes),
                Piece::End => self.trace.add(1),
                Piece::Reset => pipes[1 - side].fail_writes(),
            }
            unwanted |= pipes[side].reader_gone && matches!(piece, Piece::Bytes(_));
            pipes[side].take_in(piece);
        }
        if !self.links.get(to, from).cut {
            pipes[side].acknowledge();
        }
        if unwanted {
            // Nobody has this socket any more, and the machine says so.
            self.send(connection, 1 - side, Piece::Reset);
        }
    }

    /// A cable changes. What waited for it goes on when TCP tries again.
    pub(super) fn set_link(&mut self, from: u64, to: u64, link: Link) {
        let again = self.links.get(from, to).cut && !link.cut;
        self.links.set(from, to, link);
        if link.refuses {
            let between =
                |pipes: &&mut [Pipe; 2]| [(from, to), (to, from)].contains(&(pipes[0].from, pipes[0].to));
            self.connections.values_mut().filter(between).flatten().for_each(Pipe::break_off);
        }
        if again {
            self.resume(|pipe| (pipe.from, pipe.to) == (from, to));
        }
    }

    /// TCP finds out a while from now that these may go on.
    pub(super) fn resume(&mut self, which: impl Fn(&Pipe) -> bool) {
        for pipe in self.connections.values_mut().flatten().filter(|pipe| which(pipe)) {
            pipe.resume_ns = self.now_ns + retransmit_ns(&mut self.random);
        }
    }

    /// One end lets go of a connection: politely, at once and rudely, or without a word.
    pub(super) fn close(&mut self, connection: u64, side: Side, how: Close) {
        let Some(pipes) = self.connections.get_mut(&connection) else { return };
        if pipes[side].writer_gone {
            return;
        }
        pipes[side].writer_gone = true;
        pipes[1 - side].reader_gone = true;
        match how {
            Close::End => self.send(connection, side, Piece::End),
            Close::Reset => self.send(connection, side, Piece::Reset),
            Close::Silence => {}
        }
    }
}

/// How an end lets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    End,
    Reset,
    Silence,
}

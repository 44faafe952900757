//! The search for a linearization: Wing and Gong's algorithm with Lowe's memoisation.
//!
//! As Porcupine does it (`checker.go`; Lowe, "Testing for linearizability", 2017): calls and returns stand in
//! time order in a doubly linked list. The search walks from the head, tries each call as the next to take
//! effect, lifts it out with its return on success, and goes back when it meets the return of an operation that
//! has not taken effect. A state already reached with the same set of operations is not searched twice.
//!
//! Operations of unknown outcome have a call and no return, and need not take effect for the search to end. One
//! that makes no difference to the operation placed after it is not placed at all: whatever can follow can also
//! follow without it. So the search does not grow with every subset of them.

use std::collections::HashSet;

use super::model::{Interval, Model};

/// How a search ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// There is a linearization.
    Linearizable,
    /// There is none.
    Not(Stuck),
    /// The bound on steps was reached first.
    Undecided,
}

/// How far the longest partial linearization came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// Operations it placed.
    pub placed: usize,
    /// The operation that had returned and could not be placed: index into the intervals.
    pub blocked: usize,
    /// The state it stood in, for people.
    pub state: String,
}

/// Searches for a linearization, in at most `steps_max` tries of an operation.
pub fn search<M: Model>(model: &M, intervals: &[Interval<'_, M::Op>], steps_max: u64) -> Answer {
    Search::new(model, intervals).run(steps_max)
}

#[derive(Debug, Clone, Copy)]
struct Node {
    interval: usize,
    is_call: bool,
    previous: usize,
    next: usize,
}

const HEAD: usize = 0;

struct Search<'a, M: Model> {
    model: &'a M,
    intervals: &'a [Interval<'a, M::Op>],
    nodes: Vec<Node>,
    return_of: Vec<Option<usize>>,
    returns_left: usize,
    placed: Bits,
    state: M::State,
    seen: HashSet<(Bits, M::State)>,
    undo: Vec<(usize, M::State)>,
    best: Option<Stuck>,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: &'a M, intervals: &'a [Interval<'a, M::Op>]) -> Self {
        let (nodes, return_of) = time_line(intervals);
        Self {
            model,
            intervals,
            nodes,
            returns_left: return_of.iter().flatten().count(),
            return_of,
            placed: Bits::new(intervals.len()),
            state: model.initial(),
            seen: HashSet::new(),
            undo: Vec::new(),
            best: None,
        }
    }

    fn run(mut self, steps_max: u64) -> Answer {
        let mut at = self.nodes[HEAD].next;
        let mut steps = 0;
        while self.returns_left > 0 {
            let node = self.nodes[at];
            if !node.is_call {
                self.note_stuck(node.interval);
                match self.go_back() {
                    Some(next) => at = next,
                    None => return Answer::Not(self.best.unwrap_or_else(|| unreachable!("noted above"))),
                }
                continue;
            }
            steps += 1;
            if steps > steps_max {
                return Answer::Undecided;
            }
            at = if self.place(at) { self.nodes[HEAD].next } else { node.next };
        }
        Answer::Linearizable
    }

    /// Lets the call at `at` take effect next; `false` if it cannot, or that was searched before.
    fn place(&mut self, at: usize) -> bool {
        let interval = self.nodes[at].interval;
        let Some(state) = self.model.step(&self.state, self.intervals[interval].op) else { return false };
        if self.last_was_needless(interval, &state) {
            return false;
        }
        let placed = self.placed.with(interval);
        if !self.seen.insert((placed.clone(), state.clone())) {
            return false;
        }
        self.placed = placed;
        self.undo.push((at, std::mem::replace(&mut self.state, state)));
        self.lift(at);
        true
    }

    /// Whether the call placed last has no return, and placing `interval` without it leads to the same state.
    fn last_was_needless(&self, interval: usize, state: &M::State) -> bool {
        let Some((last, before)) = self.undo.last() else { return false };
        let needed = self.return_of[self.nodes[*last].interval].is_some();
        !needed && self.model.step(before, self.intervals[interval].op).as_ref() == Some(state)
    }

    /// Takes the last placed call back; the node to go on with, `None` if none was placed.
    fn go_back(&mut self) -> Option<usize> {
        let (at, state) = self.undo.pop()?;
        self.state = state;
        self.placed.clear(self.nodes[at].interval);
        self.unlift(at);
        Some(self.nodes[at].next)
    }

    fn note_stuck(&mut self, blocked: usize) {
        let placed = self.undo.len();
        if self.best.as_ref().is_none_or(|best| placed > best.placed) {
            self.best = Some(Stuck { placed, blocked, state: format!("{:?}", self.state) });
        }
    }

    fn lift(&mut self, call: usize) {
        self.unlink(call);
        if let Some(returned) = self.return_of[self.nodes[call].interval] {
            self.unlink(returned);
            self.returns_left -= 1;
        }
    }

    fn unlift(&mut self, call: usize) {
        if let Some(returned) = self.return_of[self.nodes[call].interval] {
            self.relink(returned);
            self.returns_left += 1;
        }
        self.relink(call);
    }

    fn unlink(&mut self, at: usize) {
        let Node { previous, next, .. } = self.nodes[at];
        self.nodes[previous].next = next;
        self.nodes[next].previous = previous;
    }

    fn relink(&mut self, at: usize) {
        let Node { previous, next, .. } = self.nodes[at];
        self.nodes[previous].next = at;
        self.nodes[next].previous = at;
    }
}

/// The list: a head, then every call and return by time, in a ring. Of equal times calls come first, so that
/// operations that only touch count as concurrent. Also where each interval's return stands.
fn time_line<Op>(intervals: &[Interval<'_, Op>]) -> (Vec<Node>, Vec<Option<usize>>) {
    let mut events = Vec::with_capacity(intervals.len() * 2);
    for (index, interval) in intervals.iter().enumerate() {
        events.push((interval.call_ns, false, index));
        events.extend(interval.return_ns.map(|at| (at.max(interval.call_ns), true, index)));
    }
    events.sort_unstable();
    let count = events.len() + 1;
    let mut return_of = vec![None; intervals.len()];
    let mut nodes = vec![Node { interval: 0, is_call: false, previous: count - 1, next: 1 % count }];
    for (place, (_, is_return, interval)) in events.into_iter().enumerate() {
        let at = place + 1;
        if is_return {
            return_of[interval] = Some(at);
        }
        nodes.push(Node { interval, is_call: !is_return, previous: at - 1, next: (at + 1) % count });
    }
    (nodes, return_of)
}

/// A set of intervals.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Bits(Box<[u64]>);

impl Bits {
    fn new(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)].into())
    }

    fn with(&self, bit: usize) -> Self {
        let mut copy = self.clone();
        copy.0[bit / 64] |= 1 << (bit % 64);
        copy
    }

    fn clear(&mut self, bit: usize) {
        self.0[bit / 64] &= !(1 << (bit % 64));
    }
}

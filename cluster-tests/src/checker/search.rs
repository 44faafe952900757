//! The search for a linearization: Wing and Gong's algorithm with Lowe's memoisation.
//!
//! As Porcupine does it (`checker.go`; Lowe, "Testing for linearizability", 2017): calls and returns stand in
//! time order in a doubly linked list. The search walks from the head, tries each call as the next to take
//! effect, lifts it out with its return on success, and goes back when it meets the return of an operation that
//! has not taken effect. What was reached before is not searched twice.
//!
//! Operations of unknown outcome have a call and no return, and need not take effect for the search to end. Each
//! of them doubles the orders there are, so they stand in a list of their own and are tried
//! - last: only where no operation that certainly took effect can be next;
//! - the latest call first, as most take effect soon or never, but in the order of their calls among those that do
//!   the same;
//! - a few in a row at first (`attempts`), without bound in the end;
//! - not at all where they change nothing, or nothing for the operation after them, or where the same was reached
//!   with fewer of them (`memo`).
//!
//! None of this loses a linearization: whatever can follow can also follow without what is left out.

mod attempts;
mod memo;
mod time_line;
mod unknown;

use self::memo::{Member, Memo};
use self::time_line::{HEAD, TimeLine, known_list};
use self::unknown::Unknown;
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
    /// The operations it placed, in order: indices into the intervals.
    pub placed: Vec<usize>,
    /// The operation that had returned and could not be placed: index into the intervals.
    pub blocked: usize,
    /// The state it stood in, for people.
    pub state: String,
}

/// Searches for a linearization, in at most `steps_max` tries of an operation.
pub fn search<M: Model>(model: &M, intervals: &[Interval<'_, M::Op>], steps_max: u64) -> Answer {
    let operations: Vec<_> = intervals.iter().map(|interval| interval.op).collect();
    let model = model.narrowed(&operations);
    let mut search = Search::new(&model, intervals, steps_max);
    match search.attempts() {
        Ended::Found => Answer::Linearizable,
        Ended::OutOfSteps => Answer::Undecided,
        Ended::Exhausted => search.best.map_or(Answer::Linearizable, |best| {
            let Best { placed, blocked, state } = best;
            Answer::Not(Stuck { placed, blocked, state: state.to_string() })
        }),
    }
}

enum Ended {
    Found,
    Exhausted,
    OutOfSteps,
}

/// Where the search looks for the next operation.
#[derive(Debug, Clone, Copy)]
struct Cursor {
    /// Which list it is in.
    unknown: bool,
    /// A node of the known, a number of the unknown.
    at: usize,
    /// Calls later than this cannot be next: the first return of what is not placed, ns.
    until_ns: u64,
}

/// An operation that was placed, and how to take it back.
struct Frame<S> {
    cursor: Cursor,
    interval: usize,
    before: S,
    /// The other state it can lead to, not tried yet.
    other: Option<S>,
    run: usize,
}

struct Best<S> {
    placed: Vec<usize>,
    blocked: usize,
    state: S,
}

struct Search<'a, M: Model> {
    model: &'a M,
    intervals: &'a [Interval<'a, M::Op>],
    known: TimeLine,
    unknown: Unknown,
    is_placed: Vec<bool>,
    memo: Memo,
    state: M::State,
    frames: Vec<Frame<M::State>>,
    /// Unknown operations placed in a row just now, and most of them allowed.
    run: usize,
    run_max: usize,
    /// Whether that bound left anything out.
    cut: bool,
    steps_left: u64,
    best: Option<Best<M::State>>,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(model: &'a M, intervals: &'a [Interval<'a, M::Op>], steps_max: u64) -> Self {
        let unknown = Unknown::of(model, intervals);
        let memo = Memo::new(unknown.count());
        Self {
            model,
            intervals,
            known: known_list(intervals),
            unknown,
            is_placed: vec![false; intervals.len()],
            memo,
            state: model.initial(),
            frames: Vec::new(),
            run: 0,
            run_max: 0,
            cut: false,
            steps_left: steps_max,
            best: None,
        }
    }

    /// Tries every order with at most `run_max` unknown operations in a row, in at most so many of the steps left.
    fn attempt(&mut self, run_max: usize, steps_max: u64) -> Ended {
        while self.take_back().is_some() {}
        self.memo.clear();
        (self.run_max, self.cut) = (run_max, false);
        let stop = self.steps_left - steps_max;
        let mut cursor = self.first();
        while self.known.returns_left > 0 {
            let Some(candidate) = self.candidate(cursor) else {
                self.note_stuck();
                match self.go_back() {
                    Some(next) => cursor = next,
                    None => return Ended::Exhausted,
                }
                continue;
            };
            if self.steps_left == stop {
                return Ended::OutOfSteps;
            }
            self.steps_left -= 1;
            cursor = if self.place(candidate) { self.first() } else { self.next(candidate) };
        }
        Ended::Found
    }

    fn first(&self) -> Cursor {
        Cursor { unknown: false, at: self.known.list.next(HEAD), until_ns: 0 }
    }

    fn next(&self, Cursor { unknown, at, until_ns }: Cursor) -> Cursor {
        let at = if unknown { at - 1 } else { self.known.list.next(at) };
        Cursor { unknown, at, until_ns }
    }

    /// The first call at the cursor or behind it that can be next.
    fn candidate(&mut self, mut cursor: Cursor) -> Option<Cursor> {
        if !cursor.unknown {
            let node = self.known.nodes[cursor.at];
            if node.is_call {
                return Some(cursor);
            }
            cursor =
                Cursor { unknown: true, at: self.unknown.called_until(node.at_ns), until_ns: node.at_ns };
        }
        while cursor.at > 0 && self.is_placed[self.unknown.interval(cursor.at)] {
            cursor.at -= 1;
        }
        if cursor.at > 0 && self.run >= self.run_max {
            self.cut = true;
            return None;
        }
        (cursor.at > 0).then_some(cursor)
    }

    /// Lets the call at the cursor take effect next; `false` if it cannot, or that was searched before.
    fn place(&mut self, cursor: Cursor) -> bool {
        let interval = self.interval_at(cursor);
        if self.unknown.twin(interval).is_some_and(|twin| !self.is_placed[twin]) {
            return false;
        }
        let [first, second] = self.model.step(&self.state, self.intervals[interval].op);
        if let Some(first) = first
            && self.enter(cursor, first, second.as_ref())
        {
            return true;
        }
        second.is_some_and(|second| self.enter(cursor, second, None))
    }

    fn interval_at(&self, Cursor { unknown, at, .. }: Cursor) -> usize {
        if unknown { self.unknown.interval(at) } else { self.known.nodes[at].interval }
    }

    /// Goes on with the call at the cursor placed and this state after it.
    fn enter(&mut self, cursor: Cursor, state: M::State, other: Option<&M::State>) -> bool {
        let interval = self.interval_at(cursor);
        if cursor.unknown && state == self.state || self.last_was_needless(interval, &state) {
            return false;
        }
        let run = if cursor.unknown { self.run + 1 } else { 0 };
        let counted = if self.run_max == usize::MAX { 0 } else { run };
        if !self.memo.add(member(cursor, interval), &state, counted) {
            return false;
        }
        let before = std::mem::replace(&mut self.state, state);
        self.frames.push(Frame { cursor, interval, before, other: other.cloned(), run: self.run });
        self.run = run;
        self.is_placed[interval] = true;
        if !cursor.unknown {
            self.known.lift(cursor.at);
        }
        true
    }

    /// Whether the call placed last has no return, and placing `interval` without it leads to the same state.
    fn last_was_needless(&self, interval: usize, state: &M::State) -> bool {
        let Some(last) = self.frames.last().filter(|last| last.cursor.unknown) else { return false };
        if self.unknown.twin(interval) == Some(last.interval) {
            return false;
        }
        let without = self.model.step(&last.before, self.intervals[interval].op);
        without.iter().flatten().any(|other| other == state)
    }

    /// Takes back the call placed last and goes on behind it; where to go on, `None` if none is placed.
    fn go_back(&mut self) -> Option<Cursor> {
        let Frame { cursor, other, .. } = self.take_back()?;
        let entered = other.is_some_and(|other| self.enter(cursor, other, None));
        Some(if entered { self.first() } else { self.next(cursor) })
    }

    fn take_back(&mut self) -> Option<Frame<M::State>> {
        let mut frame = self.frames.pop()?;
        let Frame { cursor, interval, run, .. } = frame;
        std::mem::swap(&mut self.state, &mut frame.before);
        self.run = run;
        self.is_placed[interval] = false;
        self.memo.remove(member(cursor, interval));
        if !cursor.unknown {
            self.known.unlift(cursor.at);
        }
        Some(frame)
    }

    fn note_stuck(&mut self) {
        let count = self.frames.len();
        if self.best.as_ref().is_none_or(|best| count > best.placed.len()) {
            let placed = self.frames.iter().map(|frame| frame.interval).collect();
            let blocked = self.known.first_return();
            self.best = Some(Best { placed, blocked, state: self.state.clone() });
        }
    }
}

/// The call at the cursor, as it is remembered.
fn member(cursor: Cursor, interval: usize) -> Member {
    if cursor.unknown { Member::Unknown(cursor.at - 1) } else { Member::Known(interval) }
}

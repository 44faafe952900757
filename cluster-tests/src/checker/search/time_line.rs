//! Calls and returns in time order, in doubly linked lists from which they are lifted and put back in constant
//! time ("dancing links").

use crate::checker::model::Interval;

/// The node before the first; also the end of each list, which is a ring.
pub(super) const HEAD: usize = 0;

/// A ring of nodes.
#[derive(Debug)]
pub(super) struct List {
    links: Vec<(usize, usize)>,
}

impl List {
    /// Of so many nodes, the head among them.
    fn of(count: usize) -> Self {
        let links = (0..count).map(|at| ((at + count - 1) % count, (at + 1) % count)).collect();
        Self { links }
    }

    pub(super) fn next(&self, at: usize) -> usize {
        self.links[at].1
    }

    pub(super) fn unlink(&mut self, at: usize) {
        let (previous, next) = self.links[at];
        self.links[previous].1 = next;
        self.links[next].0 = previous;
    }

    /// Undoes the last `unlink` that was not undone yet.
    pub(super) fn relink(&mut self, at: usize) {
        let (previous, next) = self.links[at];
        self.links[previous].1 = at;
        self.links[next].0 = at;
    }
}

/// A call or a return.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) interval: usize,
    pub(super) is_call: bool,
    pub(super) at_ns: u64,
    /// The node of its return, for a call.
    returned: usize,
}

/// The operations that certainly took effect: their calls and returns.
#[derive(Debug)]
pub(super) struct TimeLine {
    pub(super) list: List,
    /// By their places in the list; the head's is not used.
    pub(super) nodes: Vec<Node>,
    pub(super) returns_left: usize,
}

impl TimeLine {
    /// Lifts a call and its return.
    pub(super) fn lift(&mut self, call: usize) {
        self.list.unlink(call);
        self.list.unlink(self.nodes[call].returned);
        self.returns_left -= 1;
    }

    /// Puts back what was lifted last.
    pub(super) fn unlift(&mut self, call: usize) {
        self.list.relink(self.nodes[call].returned);
        self.list.relink(call);
        self.returns_left += 1;
    }

    /// The interval that returns first of those left; there must be one.
    pub(super) fn first_return(&self) -> usize {
        let mut at = self.list.next(HEAD);
        while self.nodes[at].is_call {
            at = self.list.next(at);
        }
        self.nodes[at].interval
    }
}

/// Calls and returns by time. Of equal times calls come first, so that operations that only touch count as
/// concurrent.
pub(super) fn known_list<Op>(intervals: &[Interval<'_, Op>]) -> TimeLine {
    let mut events = Vec::with_capacity(intervals.len() * 2);
    for (index, interval) in intervals.iter().enumerate() {
        let Some(return_ns) = interval.return_ns else { continue };
        events.push((interval.call_ns, false, index));
        events.push((return_ns.max(interval.call_ns), true, index));
    }
    events.sort_unstable();
    let head = Node { interval: 0, is_call: false, at_ns: 0, returned: HEAD };
    let node = |&(at_ns, is_return, interval): &(u64, bool, usize)| Node {
        interval,
        is_call: !is_return,
        at_ns,
        returned: HEAD,
    };
    let mut nodes: Vec<Node> = std::iter::once(head).chain(events.iter().map(node)).collect();
    let mut call_of = vec![HEAD; intervals.len()];
    for at in 1..nodes.len() {
        let Node { interval, is_call, .. } = nodes[at];
        if is_call { call_of[interval] = at } else { nodes[call_of[interval]].returned = at }
    }
    let list = List::of(nodes.len());
    TimeLine { list, nodes, returns_left: events.len() / 2 }
}

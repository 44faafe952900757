//! The operations of unknown outcome: a call each, and no return.

use crate::checker::model::{Interval, Model};

/// Their calls, by time, numbered from 1; 0 stands before the first.
#[derive(Debug)]
pub(super) struct Unknown {
    calls: Vec<Call>,
    /// Of each interval: the unknown one before it that does the same.
    twins: Vec<Option<usize>>,
}

#[derive(Debug)]
struct Call {
    at_ns: u64,
    interval: usize,
}

impl Unknown {
    pub(super) fn of<M: Model>(model: &M, intervals: &[Interval<'_, M::Op>]) -> Self {
        let call = |(interval, of): (usize, &Interval<'_, _>)| {
            of.return_ns.is_none().then_some(Call { at_ns: of.call_ns, interval })
        };
        let mut calls: Vec<Call> = intervals.iter().enumerate().filter_map(call).collect();
        calls.sort_by_key(|call| (call.at_ns, call.interval));
        let twins = twins(model, intervals, &calls);
        Self { calls, twins }
    }

    pub(super) fn count(&self) -> usize {
        self.calls.len()
    }

    /// The last call that is no later than this, ns; 0 if there is none.
    pub(super) fn called_until(&self, until_ns: u64) -> usize {
        self.calls.partition_point(|call| call.at_ns <= until_ns)
    }

    /// The interval of a call.
    pub(super) fn interval(&self, number: usize) -> usize {
        self.calls[number - 1].interval
    }

    /// The last interval before this one that does the same, if this and that are of unknown outcome.
    pub(super) fn twin(&self, interval: usize) -> Option<usize> {
        self.twins[interval]
    }
}

fn twins<M: Model>(model: &M, intervals: &[Interval<'_, M::Op>], calls: &[Call]) -> Vec<Option<usize>> {
    let mut twins = vec![None; intervals.len()];
    let mut kinds: Vec<usize> = Vec::new();
    for Call { interval, .. } in calls {
        match kinds.iter_mut().find(|last| model.alike(intervals[**last].op, intervals[*interval].op)) {
            Some(last) => twins[*interval] = Some(std::mem::replace(last, *interval)),
            None => kinds.push(*interval),
        }
    }
    twins
}

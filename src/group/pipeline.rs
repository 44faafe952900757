//! Calls that run side by side but begin in the order in which they are given.

use std::fmt;
use std::task::Poll;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _, poll};
use tokio::task::unconstrained;

/// Calls under way. What a call does before it first waits is done before the next call begins; from then on they
/// finish in any order.
pub(crate) struct Pipeline<T> {
    under_way: FuturesUnordered<BoxFuture<'static, T>>,
}

impl<T> fmt::Debug for Pipeline<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pipeline({} under way)", self.under_way.len())
    }
}

impl<T: Send + 'static> Pipeline<T> {
    pub(crate) fn new() -> Self {
        Self { under_way: FuturesUnordered::new() }
    }

    /// Calls under way.
    pub(crate) fn len(&self) -> usize {
        self.under_way.len()
    }

    /// Begins a call. tokio makes a task that has done much return early, at any point where it might wait, and the
    /// calls behind would overtake this one: so it begins without that constraint.
    pub(crate) async fn begin(&mut self, call: impl Future<Output = T> + Send + 'static) {
        let mut call = unconstrained(call).boxed();
        match poll!(&mut call) {
            Poll::Ready(result) => self.under_way.push(std::future::ready(result).boxed()),
            Poll::Pending => self.under_way.push(call),
        }
    }

    /// The next result; `None` while nothing is under way.
    pub(crate) async fn next(&mut self) -> Option<T> {
        self.under_way.next().await
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};

    use super::*;

    /// Enough for tokio to interrupt the task many times.
    const CALLS: u32 = 10_000;

    #[tokio::test]
    async fn calls_begin_in_order_however_long_the_task_runs() {
        let (begun, mut order) = mpsc::channel(CALLS as usize);
        let mut pipeline = Pipeline::new();
        let mut ends = Vec::new();
        for call in 0..CALLS {
            let (end, ended) = oneshot::channel::<()>();
            ends.push(end);
            let begun = begun.clone();
            pipeline
                .begin(async move {
                    begun.send(call).await.unwrap();
                    ended.await.ok();
                    call
                })
                .await;
        }
        drop(ends);
        let mut finished = 0;
        while pipeline.next().await.is_some() {
            finished += 1;
        }
        drop(begun);
        let mut seen = Vec::new();
        while let Some(call) = order.recv().await {
            seen.push(call);
        }
        assert_eq!(finished, CALLS);
        assert!(seen.is_sorted(), "calls overtook each other");
    }
}

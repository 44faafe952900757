//! Calls without an answer yet, on one lane to one peer. Pure but for handing results over.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::CallError;
use super::frame::{Frame, Kind};

/// Where a call's result goes.
pub(super) type CallResult = Result<Bytes, CallError>;

/// The result that an answer, or the news that there is none, carries.
pub(super) fn result_of(frame: Frame) -> CallResult {
    match frame.kind {
        Kind::Dropped => Err(CallError::Lost(String::from_utf8_lossy(&frame.body).into_owned())),
        _ => Ok(frame.body),
    }
}

#[derive(Debug)]
struct Call {
    answer: oneshot::Sender<CallResult>,
    /// Whether its frame was handed to the socket: from then on it may have arrived.
    sent: bool,
}

/// The calls, by number.
#[derive(Debug, Default)]
pub(super) struct Pending {
    calls: BTreeMap<u64, Call>,
}

impl Pending {
    /// Calls without an answer.
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Adds a call that is not sent yet.
    pub(super) fn add(&mut self, call: u64) -> oneshot::Receiver<CallResult> {
        let (answer, result) = oneshot::channel();
        self.calls.insert(call, Call { answer, sent: false });
        result
    }

    /// Notes that the call's frame goes to the socket now; `false`: nobody waits any more, do not send it.
    pub(super) fn mark_sent(&mut self, call: u64) -> bool {
        self.calls.get_mut(&call).map(|call| call.sent = true).is_some()
    }

    /// Ends one call. An answer to a call that was given up is of no use and dropped.
    pub(super) fn finish(&mut self, call: u64, result: CallResult) {
        if let Some(call) = self.calls.remove(&call) {
            let _ = call.answer.send(result);
        }
    }

    /// Forgets a call; `Some(sent)` if it was still waiting.
    pub(super) fn give_up(&mut self, call: u64) -> Option<bool> {
        self.calls.remove(&call).map(|call| call.sent)
    }

    /// Ends every call, in order: those sent are lost for `reason`, the others fail with `unsent`.
    pub(super) fn fail_all(&mut self, reason: &str, unsent: &CallError) {
        for call in std::mem::take(&mut self.calls).into_values() {
            let error = if call.sent { CallError::Lost(reason.to_owned()) } else { unsent.clone() };
            let _ = call.answer.send(Err(error));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_calls_that_were_sent_are_lost() {
        let mut pending = Pending::default();
        let (mut sent, mut queued) = (pending.add(1), pending.add(2));
        assert!(pending.mark_sent(1));
        let unsent = CallError::NotSent("down".into());
        pending.fail_all("broke", &unsent);
        assert_eq!(sent.try_recv(), Ok(Err(CallError::Lost("broke".into()))));
        assert_eq!(queued.try_recv(), Ok(Err(unsent)));
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn a_call_given_up_in_the_queue_is_never_sent() {
        let mut pending = Pending::default();
        let _result = pending.add(1);
        assert_eq!(pending.give_up(1), Some(false));
        assert!(!pending.mark_sent(1));
        pending.finish(1, Ok(Bytes::new()));
        assert_eq!(pending.give_up(1), None);
    }
}

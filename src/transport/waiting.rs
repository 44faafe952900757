//! A call on its way, as its caller holds it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::CallError;
use super::link::Link;
use super::pending::CallResult;

/// A queued call. Dropping it gives the call up: if its frame is still queued, it is not sent.
#[derive(Debug)]
pub(super) struct Waiting {
    link: Arc<Link>,
    call: u64,
    result: oneshot::Receiver<CallResult>,
    done: bool,
}

impl Waiting {
    /// For call number `call` of a link.
    pub(super) fn new(link: Arc<Link>, call: u64, result: oneshot::Receiver<CallResult>) -> Self {
        Self { link, call, result, done: false }
    }

    /// Waits for the answer.
    pub(super) async fn wait(mut self, timeout: Duration) -> Result<Bytes, CallError> {
        let result = tokio::time::timeout(timeout, &mut self.result).await;
        self.done = result.is_ok();
        match result {
            Ok(result) => result.unwrap_or_else(|_| Err(CallError::Lost("the link is gone".into()))),
            Err(_) => self.timed_out(),
        }
    }

    fn timed_out(&mut self) -> Result<Bytes, CallError> {
        self.done = true;
        match self.link.give_up(self.call) {
            Some(true) => Err(CallError::Lost("no answer in time".into())),
            Some(false) => Err(CallError::NotSent("not sent in time".into())),
            // The result came while the time ran out.
            None => {
                self.result.try_recv().unwrap_or_else(|_| Err(CallError::Lost("no answer in time".into())))
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.done {
            self.link.give_up(self.call);
        }
    }
}

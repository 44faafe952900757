//! Certificates that change while the node runs: their files are looked at again and again, and at SIGHUP.

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::limits::TLS_FILES_INTERVAL;
use crate::tls::Security;

/// Takes up changed files until this is dropped. From now on SIGHUP does not end the process.
pub(super) struct Watch(AbortHandle);

impl Watch {
    /// Begins to look; without certificates there is nothing to look at but the signal.
    ///
    /// # Errors
    /// The signal cannot be had.
    pub(super) fn new(security: Security) -> std::io::Result<Self> {
        let mut hangup = signal(SignalKind::hangup())?;
        let mut ticks = interval(TLS_FILES_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let watch = async move {
            loop {
                tokio::select! {
                    _ = hangup.recv() => {}
                    _ = ticks.tick() => {}
                }
                if security.is_on() {
                    reload(security.clone()).await;
                }
            }
        };
        Ok(Self(tokio::spawn(watch).abort_handle()))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn reload(security: Security) {
    let reloaded = raft_store::blocking::run(move || security.reload()).await;
    if let Err(error) = reloaded {
        warn!(%error, "cannot look at the files of certificates");
    }
}

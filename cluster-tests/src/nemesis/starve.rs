//! A process that gets little of the machine: stopped and let go again in short turns.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

/// How long a starved process runs at a time.
const RUNS: Duration = Duration::from_millis(10);

/// Starves a process until dropped; it may be stopped then. Ends when the process is gone.
pub(super) async fn starve(pid: u32, rest: Duration) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    while kill_process(pid, Signal::STOP).is_ok() {
        sleep(rest).await;
        if kill_process(pid, Signal::CONT).is_err() {
            return;
        }
        sleep(RUNS).await;
    }
}

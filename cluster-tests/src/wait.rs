//! Waiting for a condition, with a deadline: tests never sleep for a guess.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

/// Between two looks at a condition.
pub const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Looks until `condition` gives a value; an error that names `what` once `within` has passed.
pub async fn until<T>(
    what: &str,
    within: Duration,
    mut condition: impl AsyncFnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(value) = condition().await {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            bail!("not within {within:?}: {what}");
        }
        sleep(POLL_INTERVAL).await;
    }
}

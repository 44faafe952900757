//! Writes every key once, before reads of them are measured.

use anyhow::{Context, bail};
use tokio::task::JoinSet;

use crate::driver::{Answer, Connection, Driver, Request};

/// Connections that write, at most.
const CONNECTIONS_MAX: u64 = 64;
/// Writes under way on each.
const PIPELINE: usize = 16;

/// Writes keys `0..keys`; the first error ends it, as reads would miss.
pub(crate) async fn fill<D: Driver>(driver: &D, keys: u64) -> anyhow::Result<()> {
    let count = CONNECTIONS_MAX.min(keys);
    let mut writers = JoinSet::new();
    for index in 0..count {
        let mut connection = driver.connect(index).await?;
        let numbers = (index..keys).step_by(count as usize);
        writers.spawn(async move { write_all(&mut connection, numbers).await });
    }
    while let Some(written) = writers.join_next().await {
        written.context("a writer ended early")?.context("write the keys that will be read")?;
    }
    Ok(())
}

async fn write_all(
    connection: &mut impl Connection,
    numbers: impl Iterator<Item = u64>,
) -> anyhow::Result<()> {
    let mut requests = numbers.map(Request::Set).peekable();
    let mut answers = Vec::new();
    while requests.peek().is_some() {
        let batch: Vec<Request> = requests.by_ref().take(PIPELINE).collect();
        answers.clear();
        connection.carry_out(&batch, &mut answers).await?;
        for answered in &answers {
            if let Answer::Refused(why) = &answered.answer {
                bail!("{why}");
            }
        }
    }
    Ok(())
}

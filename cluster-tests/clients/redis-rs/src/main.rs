//! redis-rs against Quorate: `redis-rs-against-quorate plain|cluster PORT`. What it is to do stands in `run`.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClientBuilder;
use redis::{AsyncTypedCommands, Client, RedisResult, Value, cmd, pipe};
use tokio::io::AsyncReadExt;

const PIPELINE: usize = 20;
const LAST_WRITES: usize = 100;
/// Keys read back at once.
const READ_AT_ONCE: usize = 500;
/// Together with the longest pause about ten seconds: a node is killed and started again meanwhile.
const RETRIES: u32 = 40;
const PAUSE_MAX: Duration = Duration::from_millis(250);
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

type Outcome<T> = Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let (mode, port) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let address = format!("redis://127.0.0.1:{port}");
    if mode == "cluster" {
        let client = ClusterClientBuilder::new([address])
            .retries(RETRIES)
            .max_retry_wait(PAUSE_MAX.as_millis() as u64)
            .response_timeout(ANSWER_TIMEOUT)
            .build()?;
        return run(client.get_async_connection().await?, &mode).await;
    }
    let config = ConnectionManagerConfig::new()
        .set_number_of_retries(RETRIES as usize)
        .set_max_delay(PAUSE_MAX)
        .set_response_timeout(Some(ANSWER_TIMEOUT));
    run(ConnectionManager::new_with_config(Client::open(address)?, config).await?, &mode).await
}

async fn run(mut client: impl ConnectionLike + Send + Sync, mode: &str) -> Outcome<()> {
    look_around(&mut client).await?;
    let mut writer = Writer {
        client,
        prefix: format!("rs-{mode}"),
        number: 0,
        troubles: 0,
        acknowledged: BTreeMap::new(),
    };
    let stop = tokio::spawn(async { tokio::io::stdin().read_to_end(&mut Vec::new()).await });
    while !stop.is_finished() {
        match writer.write().await {
            Ok(()) => println!("acknowledged {}", writer.acknowledged.len()),
            Err(_) => writer.troubles += 1,
        }
    }
    for _ in 0..LAST_WRITES {
        writer.one().await?;
    }
    let lost = writer.lost().await?;
    println!("{} acknowledged, {} troubles, {} lost", writer.acknowledged.len(), writer.troubles, lost.len());
    if lost.is_empty() { Ok(()) } else { Err(format!("lost: {lost:?}").into()) }
}

/// A little of everything that applications do.
async fn look_around(client: &mut (impl ConnectionLike + Send + Sync)) -> Outcome<()> {
    client.set("{rs}a", 1).await?;
    assert_eq!(client.get("{rs}a").await?.as_deref(), Some("1"));
    assert_eq!(client.get("{rs}none").await?, None);
    assert!(!client.set_nx("{rs}a", 2).await?);
    assert!(client.pexpire("{rs}a", 60_000).await?);
    client.mset(&[("{rs}x", "1"), ("{rs}y", "2")]).await?;
    assert_eq!(client.mget(&["{rs}x", "{rs}y"]).await?, [Some("1".to_owned()), Some("2".to_owned())]);
    let sums: (i64,) = pipe().atomic().set("{rs}a", 5).ignore().incr("{rs}a", 2).query_async(client).await?;
    assert_eq!(sums, (7,));
    assert_eq!(client.del(&["{rs}a", "{rs}x", "{rs}y"]).await?, 3);
    Ok(())
}

/// Sets keys, each once and to a value of its own.
struct Writer<C> {
    client: C,
    prefix: String,
    number: u64,
    troubles: u64,
    acknowledged: BTreeMap<String, String>,
}

impl<C: ConnectionLike + Send + Sync> Writer<C> {
    fn entry(&mut self) -> (String, String) {
        self.number += 1;
        (format!("{}-{}", self.prefix, self.number), format!("value {}", self.number))
    }

    async fn one(&mut self) -> RedisResult<()> {
        let (key, value) = self.entry();
        self.client.set(&key, &value).await?;
        self.acknowledged.insert(key, value);
        Ok(())
    }

    /// One key by itself, then a pipeline of them. In a cluster a pipeline is for the keys of one slot.
    async fn write(&mut self) -> RedisResult<()> {
        self.one().await?;
        let tag = self.number;
        let mut pipeline = pipe();
        let mut entries = Vec::new();
        for _ in 0..PIPELINE {
            let (key, value) = self.entry();
            let key = format!("{key}{{{tag}}}");
            pipeline.set(&key, &value);
            entries.push((key, value));
        }
        let answers: Vec<Value> = pipeline.query_async(&mut self.client).await?;
        for (entry, answer) in entries.into_iter().zip(answers) {
            if answer == Value::Okay { self.acknowledged.extend([entry]) } else { self.troubles += 1 }
        }
        Ok(())
    }

    /// Acknowledged writes that are not there.
    async fn lost(&mut self) -> RedisResult<Vec<String>> {
        let mut lost = Vec::new();
        let keys: Vec<&String> = self.acknowledged.keys().collect();
        for some in keys.chunks(READ_AT_ONCE) {
            // A cluster's client takes it apart by slot.
            let found: Vec<Option<String>> = cmd("MGET").arg(some).query_async(&mut self.client).await?;
            let wrong =
                some.iter().zip(found).filter(|(key, found)| found.as_ref() != self.acknowledged.get(**key));
            lost.extend(wrong.map(|(key, _)| (*key).clone()));
        }
        Ok(lost)
    }
}

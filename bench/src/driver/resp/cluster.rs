//! A client of a Redis Cluster, Quorate's or another: each request goes to the node that has its slot, and again to
//! the one a `MOVED` names. One connection of the load is one to each node.

use std::sync::Arc;

use anyhow::Context;
use futures_util::future::try_join_all;
use parking_lot::Mutex;
use raft_store::slot::slot_of;

use super::slots::{Slots, moved};
use super::{Resp, ask};
use crate::driver::stream::StreamConnection;
use crate::driver::target::{Endpoint, Endpoints};
use crate::driver::{Answer, Answered, Connection, Driver, Request};
use crate::load::arguments::Consistency;
use crate::load::keys::Shape;

/// Where a node of `quorate demo` listens for clients of a cluster.
pub(crate) const ENDPOINT: &str = "127.0.0.1:7370";
/// How often a request is sent on before its last `MOVED` counts as a refusal.
const MOVES_MAX: usize = 5;

/// Opens connections to a cluster.
#[derive(Debug, Clone)]
pub(crate) struct ClusterDriver {
    endpoints: Endpoints,
    protocol: Resp,
    /// Asked for once, and corrected by all.
    slots: Arc<Mutex<Option<Slots>>>,
}

impl ClusterDriver {
    /// A driver that asks one of these endpoints for all others.
    pub(crate) fn new(endpoints: Endpoints, shape: Shape, consistency: Option<Consistency>) -> Self {
        Self { endpoints, protocol: Resp { shape, consistency }, slots: Arc::default() }
    }

    /// The slots as they are known, asked for by the first who wants to know.
    async fn learn_slots(&self, index: u64) -> anyhow::Result<()> {
        if self.slots.lock().is_some() {
            return Ok(());
        }
        let endpoint = self.endpoints.of(index);
        let mut stream = endpoint.connect().await?;
        let answer = ask(&mut stream, &[b"CLUSTER", b"SLOTS"]).await.context("ask for the slots")?;
        let slots = Slots::read(&answer, endpoint.authority())?;
        self.slots.lock().get_or_insert(slots);
        Ok(())
    }

    /// Runs `with` on the slots.
    fn slots<T>(&self, with: impl FnOnce(&mut Slots) -> T) -> anyhow::Result<T> {
        self.slots.lock().as_mut().map(with).context("the slots are not known")
    }
}

impl Driver for ClusterDriver {
    type Connection = ClusterConnection;

    async fn connect(&self, index: u64) -> anyhow::Result<ClusterConnection> {
        self.learn_slots(index).await?;
        Ok(ClusterConnection { driver: self.clone(), nodes: Vec::new() })
    }
}

/// One connection to each node, opened when first needed.
#[derive(Debug)]
pub(crate) struct ClusterConnection {
    driver: ClusterDriver,
    /// By the node's number.
    nodes: Vec<NodePart>,
}

/// One node's connection, and its part of the batch.
#[derive(Debug, Default)]
struct NodePart {
    connection: Option<StreamConnection<Resp>>,
    requests: Vec<Request>,
    /// Where they stand in the batch.
    of: Vec<usize>,
    answers: Vec<Answered>,
}

impl Connection for ClusterConnection {
    async fn carry_out(&mut self, requests: &[Request], answers: &mut Vec<Answered>) -> anyhow::Result<()> {
        for (index, request) in requests.iter().enumerate() {
            let node = self.node_of(*request)?;
            self.give(node, index, *request);
        }
        let mut moves = 0;
        loop {
            self.exchange().await?;
            if !self.collect(answers, moves < MOVES_MAX)? {
                return Ok(());
            }
            moves += 1;
        }
    }
}

impl ClusterConnection {
    fn node_of(&self, request: Request) -> anyhow::Result<usize> {
        let (Request::Get(number) | Request::Set(number) | Request::Scan(number, _)) = request;
        let slot = slot_of(&self.driver.protocol.shape.key(number));
        self.driver.slots(|slots| slots.node(slot))
    }

    fn give(&mut self, node: usize, index: usize, request: Request) {
        if self.nodes.len() <= node {
            self.nodes.resize_with(node + 1, NodePart::default);
        }
        self.nodes[node].requests.push(request);
        self.nodes[node].of.push(index);
    }

    /// Sends each node its part, all at the same time.
    async fn exchange(&mut self) -> anyhow::Result<()> {
        let driver = &self.driver;
        let parts = self.nodes.iter_mut().enumerate().filter(|(_, part)| !part.requests.is_empty());
        try_join_all(parts.map(|(node, part)| part.exchange(driver, node))).await?;
        Ok(())
    }

    /// Hands the answers on, but gives requests whose slot is elsewhere to the node that has it, if they `may` move:
    /// whether there are such.
    fn collect(&mut self, answers: &mut Vec<Answered>, may: bool) -> anyhow::Result<bool> {
        let mut elsewhere = Vec::new();
        for (node, part) in self.nodes.iter_mut().enumerate() {
            for answered in part.answers.drain(..) {
                let (index, request) = (part.of[answered.index], part.requests[answered.index]);
                let to = match &answered.answer {
                    Answer::Refused(text) if may => self.driver.follow(text, node)?,
                    _ => None,
                };
                match to {
                    Some(to) => elsewhere.push((to, index, request)),
                    None => answers.push(Answered { index, ..answered }),
                }
            }
            part.requests.clear();
            part.of.clear();
        }
        let any = !elsewhere.is_empty();
        elsewhere.into_iter().for_each(|(node, index, request)| self.give(node, index, request));
        Ok(any)
    }
}

impl ClusterDriver {
    /// The node a refusal by `node` names, if it names one.
    fn follow(&self, text: &str, node: usize) -> anyhow::Result<Option<usize>> {
        self.slots(|slots| {
            let (slot, to) = moved(text, slots.address(node))?;
            Some(slots.move_to(slot, to))
        })
    }
}

impl NodePart {
    async fn exchange(&mut self, driver: &ClusterDriver, node: usize) -> anyhow::Result<()> {
        if self.connection.is_none() {
            let address = driver.slots(|slots| slots.address(node).to_owned())?;
            let endpoint: Endpoint = address.parse().map_err(anyhow::Error::msg)?;
            self.connection = Some(driver.protocol.connect(&endpoint).await?);
        }
        let connection = self.connection.as_mut().context("no connection")?;
        connection.carry_out(&self.requests, &mut self.answers).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::super::value::Value;
    use super::*;

    /// A node that has every slot but that of key 1, which it says is at `other`; it answers gets with their key.
    async fn node(other: Option<String>) -> String {
        serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), other).await
    }

    async fn serve(listener: TcpListener, other: Option<String>) -> String {
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let other = other.clone();
                tokio::spawn(async move {
                    let mut input = Vec::new();
                    while stream.read_buf(&mut input).await.unwrap_or(0) > 0 {
                        while let Some((Value::Array(words), used)) = Value::read(&input).unwrap() {
                            input.drain(..used);
                            let answer = answer(&words, address.port(), other.as_deref());
                            stream.write_all(&answer).await.unwrap();
                        }
                    }
                });
            }
        });
        address.to_string()
    }

    fn answer(words: &[Value], port: u16, other: Option<&str>) -> Vec<u8> {
        let key_one = Value::Bulk(b"0001".to_vec());
        match (&words[0], other) {
            (Value::Bulk(name), _) if name == b"CLUSTER" => {
                format!("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:{port}\r\n").into_bytes()
            }
            (_, Some(other)) if words[1] == key_one => {
                format!("-MOVED {} {other}\r\n", slot_of(b"0001")).into_bytes()
            }
            _ => b"$1\r\nx\r\n".to_vec(),
        }
    }

    async fn connected(seed: &str) -> (ClusterDriver, ClusterConnection) {
        let endpoints = Endpoints::new(&[], seed).unwrap();
        let driver = ClusterDriver::new(endpoints, Shape::new(4, 1, 1), None);
        let connection = driver.connect(0).await.unwrap();
        (driver, connection)
    }

    #[tokio::test]
    async fn a_moved_slot_is_followed_and_remembered() {
        let other = node(None).await;
        let seed = node(Some(other.clone())).await;
        let (driver, mut connection) = connected(&seed).await;
        let requests = [Request::Get(1), Request::Get(2)];
        for _ in 0..2 {
            let mut answers = Vec::new();
            connection.carry_out(&requests, &mut answers).await.unwrap();
            answers.sort_by_key(|answered| answered.index);
            let all: Vec<_> = answers.iter().map(|answered| (answered.index, &answered.answer)).collect();
            assert_eq!(all, [(0, &Answer::Done), (1, &Answer::Done)]);
        }
        let slot = slot_of(b"0001");
        assert_eq!(driver.slots(|slots| slots.address(slots.node(slot)).to_owned()).unwrap(), other);
    }

    #[tokio::test]
    async fn a_slot_that_is_sent_round_for_ever_is_refused_in_the_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().to_string();
        let refusal = format!("-MOVED {} {own}\r\n", slot_of(b"0001"));
        let seed = serve(listener, Some(own)).await;
        let (_, mut connection) = connected(&seed).await;
        let mut answers = Vec::new();
        connection.carry_out(&[Request::Get(1)], &mut answers).await.unwrap();
        assert_eq!(answers[0].answer, Answer::Refused(refusal[1..].trim_end().into()));
    }
}

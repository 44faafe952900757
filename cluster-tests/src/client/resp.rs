//! A client of the Redis protocol that says of every operation what is certain, as [`super::Client`] does over HTTP.
//!
//! A connection that cannot be made is `fail`, and so is any error answer but `UNKNOWN`; a broken connection, silence
//! and `UNKNOWN` are `unknown`. A read without an answer is `fail`: it has no effect. On the cluster port `MOVED` is
//! followed: it says that nothing was done. Versions and group times do not travel over this protocol.

mod wire;

use std::collections::HashMap;
use std::net::SocketAddr;

use tokio::time::{Instant, timeout_at};

use self::wire::{Reply, Wire};
use super::{Judged, OPERATION_TIMEOUT};
use crate::history::{Consistency, Expect, Expires, Input, Outcome, Output, Seen};

/// Redirections followed for one operation: leaders move seldom.
const MOVES_MAX: usize = 5;

/// A client with one connection to each node it speaks to.
#[derive(Debug, Default)]
pub struct Resp {
    connections: HashMap<SocketAddr, Wire>,
    opened: HashMap<SocketAddr, u64>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Lost {
    NotSent(String),
    NoAnswer(String),
}

impl Resp {
    /// What can be asked for over this protocol: every read is linearizable.
    pub fn asks(input: Input) -> Input {
        match input {
            Input::Get(_) => Input::Get(Consistency::Linearizable),
            other => other,
        }
    }

    /// Carries out one operation at one node, or the one that node names, once.
    pub async fn operate(&mut self, node: SocketAddr, key: &str, input: &Input) -> Judged {
        let Some(words) = words(key, input) else {
            return judge(input, Err(Lost::NotSent("no such command".into())));
        };
        let deadline = Instant::now() + OPERATION_TIMEOUT;
        let mut node = node;
        for _ in 0..MOVES_MAX {
            let reply = self.send(node, &words, deadline).await;
            match moved(&reply) {
                Some(there) => node = there,
                None => return judge(input, reply),
            }
        }
        judge(input, Err(Lost::NotSent("sent from node to node".into())))
    }

    /// Connections opened to a node so far: the number of the one in use.
    pub fn connections(&self, node: SocketAddr) -> u64 {
        self.opened.get(&node).copied().unwrap_or(0)
    }

    /// A connection that failed is given up.
    async fn send(&mut self, to: SocketAddr, words: &[String], deadline: Instant) -> Result<Reply, Lost> {
        let mut wire = match self.connections.remove(&to) {
            Some(wire) => wire,
            None => {
                let connected = timeout_at(deadline, Wire::connect(to)).await;
                let connected = connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
                *self.opened.entry(to).or_default() += 1;
                connected.map_err(|error| Lost::NotSent(error.to_string()))?
            }
        };
        let answered = timeout_at(deadline, wire.ask(words)).await;
        let answered = answered.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
        let reply = answered.map_err(|error| Lost::NoAnswer(error.to_string()))?;
        self.connections.insert(to, wire);
        Ok(reply)
    }
}

/// The command of an operation; `None` where there is none: versions and values are not compared here, and an answer
/// to `PERSIST` does not tell an absent key from one without a deadline.
fn words(key: &str, input: &Input) -> Option<Vec<String>> {
    let set = |value: &str, ttl_ms: &Option<u64>, condition: Option<&str>| {
        let mut words = vec!["SET", key, value];
        let ttl = ttl_ms.map(|ttl| ttl.to_string());
        words.extend(ttl.iter().flat_map(|ttl| ["PX", ttl.as_str()]));
        words.extend(condition);
        words.into_iter().map(str::to_owned).collect()
    };
    let plain = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Some(match input {
        Input::Get(_) => plain(&["GET", key]),
        Input::Set { value, ttl_ms } => set(value, ttl_ms, None),
        Input::Cas { expect: Expect::Absent, value, ttl_ms } => set(value, ttl_ms, Some("NX")),
        Input::Cas { expect: Expect::Present, value, ttl_ms } => set(value, ttl_ms, Some("XX")),
        Input::Delete => plain(&["DEL", key]),
        Input::Incr { by } => plain(&["INCRBY", key, &by.to_string()]),
        Input::Append { value } => plain(&["APPEND", key, value]),
        Input::Touch { ttl_ms } => plain(&["PEXPIRE", key, &ttl_ms.to_string()]),
        Input::Cas { expect: Expect::Version(_) | Expect::Value(_), .. } | Input::Persist => return None,
    })
}

/// Where an answer sends its client.
fn moved(reply: &Result<Reply, Lost>) -> Option<SocketAddr> {
    let Ok(Reply::Error(text)) = reply else { return None };
    text.strip_prefix("MOVED ")?.split(' ').nth(1)?.parse().ok()
}

fn judge(input: &Input, reply: Result<Reply, Lost>) -> Judged {
    let is_read = matches!(input, Input::Get(_));
    let certain = |unknown: bool| if unknown && !is_read { Outcome::Unknown } else { Outcome::Fail };
    let (outcome, output, error) = match reply {
        Err(Lost::NotSent(why)) => (Outcome::Fail, None, format!("not sent: {why}")),
        Err(Lost::NoAnswer(why)) => (certain(true), None, format!("sent, no answer: {why}")),
        Ok(reply) => match (output(input, &reply), reply) {
            (Some(output), _) => (Outcome::Ok, Some(output), String::new()),
            (None, Reply::Error(text)) => (certain(text.starts_with("UNKNOWN ")), None, text),
            (None, other) => (certain(true), None, format!("no answer to this: {other:?}")),
        },
    };
    Judged { outcome, output, time_ms: None, age_ms: None, expires: Expires::Untold, group: None, error }
}

/// The output of an answer that is one.
fn output(input: &Input, reply: &Reply) -> Option<Output> {
    let written = |value| Some(Output::Written { version: None, created: None, value });
    match (input, reply) {
        (Input::Get(_), Reply::Null) => Some(Output::Read(None)),
        (Input::Get(_), Reply::Bulk(value)) => {
            Some(Output::Read(Some(Seen { value: value.clone(), version: None })))
        }
        (Input::Set { .. } | Input::Cas { .. }, Reply::Simple(ok)) if ok == "OK" => written(None),
        (Input::Cas { .. }, Reply::Null) => Some(Output::Mismatch { current: None }),
        (Input::Delete, Reply::Int(count)) => Some(Output::Deleted { deleted: *count == 1, version: None }),
        (Input::Incr { .. }, Reply::Int(sum)) => written(Some(sum.to_string())),
        (Input::Incr { .. }, Reply::Error(text)) if text.starts_with("ERR value is not an integer") => {
            Some(Output::NotANumber)
        }
        (Input::Append { .. }, Reply::Int(_)) | (Input::Touch { .. }, Reply::Int(1)) => written(None),
        (Input::Touch { .. }, Reply::Int(0)) => Some(Output::Missing),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set() -> Input {
        Input::Set { value: "v".into(), ttl_ms: None }
    }

    fn error(text: &str) -> Result<Reply, Lost> {
        Ok(Reply::Error(text.to_owned()))
    }

    #[test]
    fn only_unknown_and_lost_answers_leave_a_write_open() {
        let of = |input: &Input, reply| judge(input, reply).outcome;
        let get = Input::Get(Consistency::Linearizable);
        assert_eq!(of(&set(), error("UNKNOWN The write may have happened")), Outcome::Unknown);
        assert_eq!(of(&set(), error("CLUSTERDOWN Hash slot not served")), Outcome::Fail);
        assert_eq!(of(&set(), error("UNKNOWNCOMMAND x")), Outcome::Fail);
        assert_eq!(of(&set(), Err(Lost::NoAnswer("closed".into()))), Outcome::Unknown);
        assert_eq!(of(&set(), Err(Lost::NotSent("refused".into()))), Outcome::Fail);
        assert_eq!(of(&set(), Ok(Reply::Int(1))), Outcome::Unknown, "an answer to something else");
        assert_eq!(of(&get, Err(Lost::NoAnswer("closed".into()))), Outcome::Fail);
        assert_eq!(of(&set(), Ok(Reply::Simple("OK".into()))), Outcome::Ok);
    }

    #[test]
    fn refused_conditions_and_misses_are_answers() {
        let absent = Input::Cas { expect: Expect::Absent, value: "v".into(), ttl_ms: Some(5) };
        let output = |input: &Input, reply| judge(input, Ok(reply)).output;
        assert_eq!(words("k", &absent).unwrap().join(" "), "SET k v PX 5 NX");
        assert_eq!(output(&absent, Reply::Null), Some(Output::Mismatch { current: None }));
        let deleted = Some(Output::Deleted { deleted: false, version: None });
        assert_eq!(output(&Input::Delete, Reply::Int(0)), deleted);
        let sum = Some(Output::Written { version: None, created: None, value: Some("-3".into()) });
        assert_eq!(output(&Input::Incr { by: 1 }, Reply::Int(-3)), sum);
        let version = Input::Cas { expect: Expect::Version(3), value: "v".into(), ttl_ms: None };
        assert_eq!(words("k", &version), None);
    }

    #[test]
    fn a_redirection_names_the_node() {
        let there: SocketAddr = "127.0.0.1:7371".parse().unwrap();
        assert_eq!(moved(&error("MOVED 5474 127.0.0.1:7371")), Some(there));
        assert_eq!(moved(&error("ERR MOVED 5474 127.0.0.1:7371")), None);
    }
}

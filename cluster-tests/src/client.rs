//! A client of the HTTP API that says of every operation what is certain: `ok`, `fail` or `unknown`.
//!
//! 2xx is `ok`, and so are a miss and a refused condition, which are answers; a problem with outcome
//! `not_applied`, or a refused connection, is `fail`; all else is `unknown`. A read without an answer is `fail`:
//! it has no effect.

mod answer;
mod ask;
mod resp;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;

pub use self::answer::judge;
pub use self::resp::Resp;
use crate::history::{Expires, Input, Outcome, Output};
use crate::http::{Answer, Http, Lost};

/// How long an operation may take.
pub const OPERATION_TIMEOUT: Duration = Duration::from_secs(3);

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What is certain.
    pub outcome: Outcome,
    /// The answer, if the outcome is `ok`.
    pub output: Option<Output>,
    /// Group time of the answer, ms.
    pub time_ms: Option<u64>,
    /// How old what a local read saw may be, ms, where the answer promised it.
    pub age_ms: Option<u64>,
    /// What the answer told of the key's deadline.
    pub expires: Expires,
    /// The group that answered.
    pub group: Option<u64>,
    /// Why it did not succeed.
    pub error: String,
}

/// A client with one connection to each node it speaks to.
#[derive(Debug, Default)]
pub struct Client {
    http: Http,
    requests: u64,
}

impl Client {
    /// Carries out one operation at one node, once.
    pub async fn operate(&mut self, node: SocketAddr, key: &str, input: &Input) -> Judged {
        let bound = self.asks_for_bound();
        let answer = self.http.send(node, ask::one(key, input, bound), OPERATION_TIMEOUT).await;
        judge(input, answer)
    }

    /// Carries out independent operations in one batch; they are judged one by one. Its reads are as fresh as the
    /// first of them asks: a batch has one consistency. Of conditions it can say `Absent` and `Version`.
    pub async fn batch(&mut self, node: SocketAddr, operations: &[(String, Input)]) -> Vec<Judged> {
        let bound = self.asks_for_bound();
        let sent = self.http.send(node, ask::batch(operations, bound), OPERATION_TIMEOUT).await;
        answer::judge_batch(operations, sent)
    }

    /// Any other request.
    pub async fn send(&mut self, node: SocketAddr, request: Request<Full<Bytes>>) -> Result<Answer, Lost> {
        self.http.send(node, request, OPERATION_TIMEOUT).await
    }

    /// Connections opened to a node so far: the number of the one in use.
    pub fn connections(&self, node: SocketAddr) -> u64 {
        self.http.opened(node)
    }

    /// A node that cannot bound an age refuses who names one that would be too much, and answers others without: every
    /// second request names one.
    fn asks_for_bound(&mut self) -> bool {
        self.requests += 1;
        self.requests.is_multiple_of(2)
    }
}

//! Redis's protocol: any server, Quorate and Redis alike. [`cluster`] follows the slots of a cluster.

pub(crate) mod cluster;
mod slots;
pub(crate) mod value;

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::stream::{Protocol, StreamConnection};
use super::target::{Endpoint, Endpoints};
use super::{Answer, Driver, Request};
use crate::load::arguments::Consistency;
use crate::load::keys::Shape;
use value::{Value, command};

/// Where a node of `quorate demo` listens.
pub(crate) const ENDPOINT: &str = "127.0.0.1:7270";
/// Longest answer to what is sent when a connection is opened, bytes.
const GREETING_BYTES_MAX: usize = 1 << 20;

/// Opens connections to servers that answer for every key.
#[derive(Debug, Clone)]
pub(crate) struct RespDriver {
    endpoints: Endpoints,
    protocol: Resp,
}

impl RespDriver {
    /// A driver for these endpoints. A `consistency` is for Quorate; Redis knows none.
    pub(crate) fn new(endpoints: Endpoints, shape: Shape, consistency: Option<Consistency>) -> Self {
        Self { endpoints, protocol: Resp { shape, consistency } }
    }
}

impl Driver for RespDriver {
    type Connection = StreamConnection<Resp>;

    async fn connect(&self, index: u64) -> anyhow::Result<Self::Connection> {
        self.protocol.connect(self.endpoints.of(index)).await
    }
}

/// The codec, and what is said first on a connection.
#[derive(Debug, Clone)]
pub(crate) struct Resp {
    pub(crate) shape: Shape,
    pub(crate) consistency: Option<Consistency>,
}

impl Resp {
    /// Connects, and asks for the wanted consistency.
    pub(crate) async fn connect(&self, endpoint: &Endpoint) -> anyhow::Result<StreamConnection<Self>> {
        let mut stream = endpoint.connect().await?;
        if let Some(consistency) = self.consistency {
            let words: [&[u8]; 3] = [b"CLIENT", b"CONSISTENCY", consistency.name().as_bytes()];
            ask(&mut stream, &words).await.context("the server takes no --consistency")?;
        }
        Ok(StreamConnection::over(stream, self.clone()))
    }
}

/// Sends one command on a connection that has nothing under way; an error reply is an error.
pub(crate) async fn ask(stream: &mut TcpStream, words: &[&[u8]]) -> anyhow::Result<Value> {
    let mut out = Vec::new();
    command(words, &mut out);
    stream.write_all(&out).await?;
    let mut input = Vec::new();
    while input.len() <= GREETING_BYTES_MAX {
        if stream.read_buf(&mut input).await? == 0 {
            bail!("the server closed the connection");
        }
        match Value::read(&input)? {
            Some((Value::Error(text), _)) => bail!(text),
            Some((value, _)) => return Ok(value),
            None => {}
        }
    }
    bail!("an answer is longer than {GREETING_BYTES_MAX} bytes")
}

impl Protocol for Resp {
    fn encode(&self, request: Request, out: &mut Vec<u8>) {
        let (head, number, value) = match request {
            Request::Set(number) => (&b"*3\r\n$3\r\nSET\r\n"[..], number, Some(&self.shape.value)),
            Request::Get(number) | Request::Scan(number, _) => (&b"*2\r\n$3\r\nGET\r\n"[..], number, None),
        };
        out.extend_from_slice(head);
        value::push_length(b'$', self.shape.key_len(number), out);
        self.shape.push_key(number, out);
        out.extend_from_slice(b"\r\n");
        if let Some(value) = value {
            value::push_bulk(value, out);
        }
    }

    fn decode(&self, request: Request, input: &[u8]) -> anyhow::Result<Option<(Answer, usize)>> {
        // The commonest answers without a copy.
        if let Some(answered) = value::quick(input) {
            return Ok(Some(answered));
        }
        let Some((value, used)) = Value::read(input)? else { return Ok(None) };
        let answer = match (request, value) {
            (_, Value::Error(text)) => Answer::Refused(text),
            (Request::Set(_), Value::Simple(text)) if text == "OK" => Answer::Done,
            (Request::Get(_), Value::Bulk(_)) => Answer::Done,
            (Request::Get(_), Value::Null) => Answer::Miss,
            (request, value) => bail!("{value:?} is no answer to {request:?}"),
        };
        Ok(Some((answer, used)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resp() -> Resp {
        Resp { shape: Shape::new(4, 3, 1), consistency: None }
    }

    #[test]
    fn requests_are_commands() {
        let (resp, mut out, mut due) = (resp(), Vec::new(), Vec::new());
        resp.encode(Request::Get(7), &mut out);
        resp.encode(Request::Set(12_345), &mut out);
        command(&[b"GET", b"0007"], &mut due);
        command(&[b"SET", b"12345", &resp.shape.value], &mut due);
        assert_eq!(out, due);
    }

    #[test]
    fn answers_are_cut_where_they_end() {
        let cases: [(Request, &[u8], Answer); 5] = [
            (Request::Set(1), b"+OK\r\n", Answer::Done),
            (Request::Get(1), b"$5\r\na\r\nbc\r\n", Answer::Done),
            (Request::Get(1), b"$-1\r\n", Answer::Miss),
            (Request::Get(1), b"_\r\n", Answer::Miss),
            (Request::Set(1), b"-MOVED 7 a:1\r\n", Answer::Refused("MOVED 7 a:1".into())),
        ];
        for (request, bytes, answer) in cases {
            let next = [bytes, b"+OK\r\n"].concat();
            let decode = |input: &[u8]| resp().decode(request, input).unwrap();
            assert!((0..bytes.len()).all(|cut| decode(&bytes[..cut]).is_none()), "{answer:?}");
            assert_eq!(decode(&next), Some((answer, bytes.len())));
        }
    }

    #[test]
    fn an_answer_to_something_else_is_refused() {
        for (request, input) in [
            (Request::Set(1), &b":1\r\n"[..]),
            (Request::Get(1), b"+PONG\r\n"),
            (Request::Get(1), b"HTTP\r\n"),
        ] {
            assert!(resp().decode(request, input).is_err());
        }
    }
}

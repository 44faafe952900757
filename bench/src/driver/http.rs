//! Quorate's HTTP JSON API over kept HTTP/1.1 connections (RFC 9112), as much of it as its answers need.

use anyhow::{Context, bail, ensure};
use bytes::Bytes;

use super::stream::{Protocol, StreamConnection};
use super::target::Endpoints;
use super::{Answer, Driver, Request};
use crate::load::arguments::Consistency;
use crate::load::keys::Shape;

/// Where a node of `quorate demo` listens.
pub(crate) const ENDPOINT: &str = "127.0.0.1:7070";
/// Longest head of an answer, bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Bytes of an error's body that are shown.
const SHOWN_BYTES_MAX: usize = 300;

/// Opens HTTP connections.
#[derive(Debug, Clone)]
pub(crate) struct HttpDriver {
    endpoints: Endpoints,
    shape: Shape,
    consistency: Consistency,
    body: Bytes,
}

impl HttpDriver {
    /// A driver for these endpoints.
    pub(crate) fn new(endpoints: Endpoints, shape: Shape, consistency: Option<Consistency>) -> Self {
        let body = [b"{\"value\":\"", &shape.value[..], b"\"}"].concat().into();
        Self { endpoints, shape, consistency: consistency.unwrap_or(Consistency::Linearizable), body }
    }
}

impl Driver for HttpDriver {
    type Connection = StreamConnection<Http>;

    async fn connect(&self, index: u64) -> anyhow::Result<Self::Connection> {
        let endpoint = self.endpoints.of(index);
        let protocol =
            Http { shape: self.shape.clone(), body: self.body.clone(), heads: Heads::new(self, index) };
        StreamConnection::open(endpoint, protocol).await
    }
}

/// The codec.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    shape: Shape,
    body: Bytes,
    heads: Heads,
}

/// What follows the key in a request's head.
#[derive(Debug, Clone)]
struct Heads {
    get: Bytes,
    set: Bytes,
}

impl Heads {
    fn new(driver: &HttpDriver, index: u64) -> Self {
        let host = driver.endpoints.of(index).authority();
        let consistency = driver.consistency.name();
        let length = driver.body.len();
        let get = format!("?consistency={consistency} HTTP/1.1\r\nhost: {host}\r\n\r\n");
        let set = format!(
            " HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        Self { get: get.into(), set: set.into() }
    }
}

impl Protocol for Http {
    fn encode(&self, request: Request, out: &mut Vec<u8>) {
        let (method, number, head, body) = match request {
            Request::Set(number) => (&b"PUT"[..], number, &self.heads.set, &self.body[..]),
            Request::Get(number) | Request::Scan(number, _) => {
                (&b"GET"[..], number, &self.heads.get, &[][..])
            }
        };
        out.extend_from_slice(method);
        out.extend_from_slice(b" /v1/kv/default/");
        self.shape.push_key(number, out);
        out.extend_from_slice(head);
        out.extend_from_slice(body);
    }

    fn decode(&self, _: Request, input: &[u8]) -> anyhow::Result<Option<(Answer, usize)>> {
        let Some(head) = Head::read(input)? else { return Ok(None) };
        let whole = head.bytes.saturating_add(head.body_bytes);
        let Some(body) = input.get(head.bytes..whole) else { return Ok(None) };
        let answer = match head.status {
            200..300 => Answer::Done,
            404 => Answer::Miss,
            status => {
                let shown = &body[..body.len().min(SHOWN_BYTES_MAX)];
                Answer::Refused(format!("{status} {}", String::from_utf8_lossy(shown)))
            }
        };
        Ok(Some((answer, whole)))
    }
}

/// What matters of an answer's head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status code.
    pub(crate) status: u16,
    /// Bytes of the head, with the empty line.
    pub(crate) bytes: usize,
    /// Bytes of the body.
    pub(crate) body_bytes: usize,
}

impl Head {
    /// The head `input` begins with; none while it is not whole. Bodies without a stated length are refused.
    pub(crate) fn read(input: &[u8]) -> anyhow::Result<Option<Self>> {
        let Some(end) = find(input, b"\r\n\r\n") else {
            ensure!(
                input.len() <= HEAD_BYTES_MAX,
                "the head of an answer is longer than {HEAD_BYTES_MAX} bytes"
            );
            return Ok(None);
        };
        let mut lines = input[..end].split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii_end);
        let status = status_of(lines.next().unwrap_or_default())?;
        let mut body_bytes = None;
        for line in lines {
            let Some(colon) = line.iter().position(|&byte| byte == b':') else {
                bail!("a header without a colon")
            };
            let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                body_bytes = Some(std::str::from_utf8(value)?.parse().context("the length of an answer")?);
            }
            ensure!(!name.eq_ignore_ascii_case(b"transfer-encoding"), "an answer of no stated length");
        }
        let bare = matches!(status, 204 | 304);
        let body_bytes = if bare { 0 } else { body_bytes.context("an answer of no stated length")? };
        Ok(Some(Self { status, bytes: end + 4, body_bytes }))
    }
}

/// The code of `HTTP/1.1 200 OK`.
fn status_of(line: &[u8]) -> anyhow::Result<u16> {
    let code = line.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let code = code.and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
    code.with_context(|| format!("{:?} is no HTTP/1.1 answer", String::from_utf8_lossy(line)))
}

/// Where `wanted` begins.
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http() -> Http {
        let endpoints = Endpoints::new(&[], ENDPOINT).unwrap();
        let driver = HttpDriver::new(endpoints, Shape::new(4, 2, 1), Some(Consistency::Lease));
        Http { shape: driver.shape.clone(), body: driver.body.clone(), heads: Heads::new(&driver, 0) }
    }

    #[test]
    fn requests_are_whole() {
        let (http, mut out) = (http(), Vec::new());
        http.encode(Request::Get(7), &mut out);
        let get = "GET /v1/kv/default/0007?consistency=lease HTTP/1.1\r\nhost: 127.0.0.1:7070\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), get);
        let mut out = Vec::new();
        http.encode(Request::Set(7), &mut out);
        let text = String::from_utf8(out).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("PUT /v1/kv/default/0007 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(body).unwrap()["value"].as_str().unwrap().len(),
            2
        );
    }

    #[test]
    fn answers_are_cut_where_they_end() {
        let bytes = b"HTTP/1.1 201 Created\r\nETag: \"1\"\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 404";
        let answer = |input: &[u8]| http().decode(Request::Get(1), input).unwrap();
        let whole = bytes.len() - b"HTTP/1.1 404".len();
        for cut in 0..whole {
            assert_eq!(answer(&bytes[..cut]), None, "cut at {cut}");
        }
        assert_eq!(answer(bytes), Some((Answer::Done, whole)));
        let refused = answer(b"HTTP/1.1 503 X\r\ncontent-length: 4\r\n\r\nbusy").unwrap().0;
        assert_eq!(refused, Answer::Refused("503 busy".into()));
        assert_eq!(answer(b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n").unwrap().0, Answer::Miss);
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let long = [b"HTTP/1.1 200 OK\r\n".to_vec(), vec![b'x'; HEAD_BYTES_MAX]].concat();
        for input in [
            &b"SSH-2.0-OpenSSH\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            &long,
        ] {
            assert!(http().decode(Request::Get(1), input).is_err(), "{}", String::from_utf8_lossy(input));
        }
    }
}

//! memcached's text protocol (`doc/protocol.txt` of memcached): `get` and `set`.

use anyhow::{Context, bail, ensure};

use super::http::find;
use super::stream::{Protocol, StreamConnection};
use super::target::Endpoints;
use super::{Answer, Driver, Request};
use crate::load::keys::Shape;

/// memcached's port.
pub(crate) const ENDPOINT: &str = "127.0.0.1:11211";
/// Longest key memcached takes, bytes.
const KEY_BYTES_MAX: usize = 250;
/// Longest line of an answer, bytes.
const LINE_BYTES_MAX: usize = 2048;

/// Opens connections.
#[derive(Debug, Clone)]
pub(crate) struct MemcachedDriver {
    endpoints: Endpoints,
    protocol: Memcached,
}

impl MemcachedDriver {
    /// A driver for these endpoints.
    pub(crate) fn new(endpoints: Endpoints, shape: Shape) -> anyhow::Result<Self> {
        ensure!(shape.key_bytes <= KEY_BYTES_MAX, "memcached takes keys of up to {KEY_BYTES_MAX} bytes");
        ensure!(
            endpoints.len() == 1,
            "keys are not spread over several memcached servers: one endpoint only"
        );
        Ok(Self { endpoints, protocol: Memcached { shape } })
    }
}

impl Driver for MemcachedDriver {
    type Connection = StreamConnection<Memcached>;

    async fn connect(&self, index: u64) -> anyhow::Result<Self::Connection> {
        StreamConnection::open(self.endpoints.of(index), self.protocol.clone()).await
    }
}

/// The codec.
#[derive(Debug, Clone)]
pub(crate) struct Memcached {
    shape: Shape,
}

impl Protocol for Memcached {
    fn encode(&self, request: Request, out: &mut Vec<u8>) {
        match request {
            Request::Set(number) => {
                out.extend_from_slice(b"set ");
                self.shape.push_key(number, out);
                out.extend_from_slice(format!(" 0 0 {}\r\n", self.shape.value.len()).as_bytes());
                out.extend_from_slice(&self.shape.value);
            }
            Request::Get(number) | Request::Scan(number, _) => {
                out.extend_from_slice(b"get ");
                self.shape.push_key(number, out);
            }
        }
        out.extend_from_slice(b"\r\n");
    }

    fn decode(&self, _: Request, input: &[u8]) -> anyhow::Result<Option<(Answer, usize)>> {
        let Some(end) = find(input, b"\r\n") else {
            ensure!(input.len() <= LINE_BYTES_MAX, "an answer's line is longer than {LINE_BYTES_MAX} bytes");
            return Ok(None);
        };
        let (line, rest) = (std::str::from_utf8(&input[..end])?, &input[end + 2..]);
        let answer = match line {
            "STORED" => Answer::Done,
            "END" => Answer::Miss,
            _ if line.starts_with("VALUE ") => {
                return Ok(value_bytes(line, rest)?.map(|bytes| (Answer::Done, end + 2 + bytes)));
            }
            _ if line.contains("ERROR") || line == "NOT_STORED" => Answer::Refused(line.to_owned()),
            _ => bail!("{line:?} is no answer of memcached"),
        };
        Ok(Some((answer, end + 2)))
    }
}

/// Bytes that follow the line `VALUE <key> <flags> <bytes>`: the value and `END`.
fn value_bytes(line: &str, rest: &[u8]) -> anyhow::Result<Option<usize>> {
    const TAIL: &[u8] = b"\r\nEND\r\n";
    let bytes = line.split(' ').nth(3).and_then(|bytes| bytes.parse::<usize>().ok());
    let bytes = bytes.with_context(|| format!("{line:?} states no length"))?;
    let whole = bytes.saturating_add(TAIL.len());
    let Some(tail) = rest.get(bytes..whole) else { return Ok(None) };
    ensure!(tail == TAIL, "a value does not end where it should");
    Ok(Some(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memcached() -> Memcached {
        Memcached { shape: Shape::new(4, 3, 1) }
    }

    #[test]
    fn requests_are_whole() {
        let (memcached, mut out) = (memcached(), Vec::new());
        memcached.encode(Request::Get(7), &mut out);
        memcached.encode(Request::Set(8), &mut out);
        let value = std::str::from_utf8(&memcached.shape.value).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), format!("get 0007\r\nset 0008 0 0 3\r\n{value}\r\n"));
    }

    #[test]
    fn answers_are_cut_where_they_end() {
        let cases: [(&[u8], Answer); 4] = [
            (b"STORED\r\n", Answer::Done),
            (b"END\r\n", Answer::Miss),
            (b"VALUE 0007 0 5\r\na\r\nbc\r\nEND\r\n", Answer::Done),
            (b"SERVER_ERROR out of memory\r\n", Answer::Refused("SERVER_ERROR out of memory".into())),
        ];
        for (bytes, answer) in cases {
            let next = [bytes, b"STORED\r\n"].concat();
            let decode = |input: &[u8]| memcached().decode(Request::Get(7), input).unwrap();
            assert!((0..bytes.len()).all(|cut| decode(&bytes[..cut]).is_none()), "{answer:?}");
            assert_eq!(decode(&next), Some((answer, bytes.len())));
        }
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for input in [&b"HTTP/1.1 200 OK\r\n"[..], b"VALUE a 0\r\n", b"VALUE a 0 1\r\nabcdefgh\r\n"] {
            assert!(memcached().decode(Request::Get(7), input).is_err());
        }
    }
}

//! RESP2 as servers speak it before `HELLO 3`, and RESP3's null: values and commands.

use anyhow::{Context, bail, ensure};

use crate::driver::Answer;
use crate::driver::http::find;

/// Longest line, bytes.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// Arrays in arrays.
const DEPTH_MAX: usize = 8;
/// Most elements of an array.
const ELEMENTS_MAX: usize = 1 << 20;

/// What a server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Simple(String),
    Error(String),
    Integer(i64),
    Bulk(Vec<u8>),
    Array(Vec<Value>),
    Null,
}

impl Value {
    /// The value `input` begins with and how many bytes it takes; none while it is not whole.
    pub(crate) fn read(input: &[u8]) -> anyhow::Result<Option<(Self, usize)>> {
        Self::read_within(input, DEPTH_MAX)
    }

    fn read_within(input: &[u8], depth: usize) -> anyhow::Result<Option<(Self, usize)>> {
        let Some(end) = find(&input[..input.len().min(LINE_BYTES_MAX)], b"\r\n") else {
            ensure!(input.len() < LINE_BYTES_MAX, "a line is longer than {LINE_BYTES_MAX} bytes");
            return Ok(None);
        };
        let Some((kind, line)) = input[..end].split_first() else { bail!("an empty line is no answer") };
        let text = std::str::from_utf8(line).context("a line that is no text")?;
        let value = match kind {
            b'+' => Self::Simple(text.to_owned()),
            b'-' => Self::Error(text.to_owned()),
            b':' => Self::Integer(text.parse().with_context(|| format!("the number {text:?}"))?),
            b'_' => Self::Null,
            b'$' => return Self::bulk(length(text)?, input, end + 2),
            b'*' => return Self::array(length(text)?, input, end + 2, depth),
            _ => bail!("{:?} is no answer in RESP", String::from_utf8_lossy(&input[..end])),
        };
        Ok(Some((value, end + 2)))
    }

    fn bulk(length: Option<usize>, input: &[u8], begin: usize) -> anyhow::Result<Option<(Self, usize)>> {
        let Some(length) = length else { return Ok(Some((Self::Null, begin))) };
        let end = begin.saturating_add(length);
        let Some(tail) = input.get(end..end.saturating_add(2)) else { return Ok(None) };
        ensure!(tail == b"\r\n", "a string does not end where it should");
        Ok(Some((Self::Bulk(input[begin..end].to_vec()), end + 2)))
    }

    fn array(
        length: Option<usize>,
        input: &[u8],
        begin: usize,
        depth: usize,
    ) -> anyhow::Result<Option<(Self, usize)>> {
        let Some(length) = length else { return Ok(Some((Self::Null, begin))) };
        ensure!(depth > 0, "more than {DEPTH_MAX} arrays in each other");
        ensure!(length <= ELEMENTS_MAX, "an array of {length}");
        let (mut elements, mut at) = (Vec::new(), begin);
        for _ in 0..length {
            let Some((element, used)) = Self::read_within(&input[at..], depth - 1)? else { return Ok(None) };
            elements.push(element);
            at += used;
        }
        Ok(Some((Self::Array(elements), at)))
    }
}

/// A length; `-1` is the null of RESP2.
fn length(text: &str) -> anyhow::Result<Option<usize>> {
    if text == "-1" {
        return Ok(None);
    }
    text.parse().map(Some).with_context(|| format!("the length {text:?}"))
}

/// `+OK`, or a whole string: what nearly every answer is. None for everything else.
pub(crate) fn quick(input: &[u8]) -> Option<(Answer, usize)> {
    if input.starts_with(b"+OK\r\n") {
        return Some((Answer::Done, 5));
    }
    let digits = input.strip_prefix(b"$")?;
    let line = find(&digits[..digits.len().min(12)], b"\r\n")?;
    let length: usize = std::str::from_utf8(&digits[..line]).ok()?.parse().ok()?;
    let end = line + 3 + length;
    (input.get(end..end + 2)? == b"\r\n").then_some((Answer::Done, end + 2))
}

/// Appends a command as an array of strings.
pub(crate) fn command(words: &[&[u8]], out: &mut Vec<u8>) {
    push_length(b'*', words.len(), out);
    words.iter().for_each(|word| push_bulk(word, out));
}

/// Appends a string with its length.
pub(crate) fn push_bulk(bytes: &[u8], out: &mut Vec<u8>) {
    push_length(b'$', bytes.len(), out);
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// Appends a line with a length.
pub(crate) fn push_length(kind: u8, length: usize, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(length.to_string().as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_back_as_arrays_of_strings() {
        let mut bytes = Vec::new();
        command(&[b"SET", b"a\r\nb", b""], &mut bytes);
        let words = ["SET", "a\r\nb", ""].map(|word| Value::Bulk(word.as_bytes().to_vec()));
        assert_eq!(Value::read(&bytes).unwrap(), Some((Value::Array(words.to_vec()), bytes.len())));
    }

    #[test]
    fn every_kind_is_read_and_waits_until_it_is_whole() {
        let nested = Value::Array(vec![
            Value::Integer(-5),
            Value::Array(vec![Value::Null, Value::Simple("x".into())]),
            Value::Bulk(b"yz".to_vec()),
        ]);
        for (bytes, value) in [
            (&b"+OK\r\n"[..], Value::Simple("OK".into())),
            (b"-ERR no\r\n", Value::Error("ERR no".into())),
            (b"*-1\r\n", Value::Null),
            (b"*3\r\n:-5\r\n*2\r\n$-1\r\n+x\r\n$2\r\nyz\r\n", nested),
        ] {
            for cut in 0..bytes.len() {
                assert_eq!(Value::read(&bytes[..cut]).unwrap(), None, "{value:?} cut at {cut}");
            }
            assert_eq!(Value::read(bytes).unwrap(), Some((value, bytes.len())));
        }
    }

    #[test]
    fn what_breaks_the_protocol_is_refused() {
        let deep = b"*1\r\n".repeat(DEPTH_MAX + 2);
        let long = vec![b'+'; LINE_BYTES_MAX + 1];
        for input in
            [&b"\r\n"[..], b"!x\r\n", b":x\r\n", b"$-2\r\n", b"$1\r\nabc\r\n", b"*9999999\r\n", &deep, &long]
        {
            assert!(
                Value::read(input).is_err(),
                "{}",
                String::from_utf8_lossy(&input[..input.len().min(20)])
            );
        }
    }

    #[test]
    fn the_quick_way_agrees_with_the_thorough_one() {
        for input in [&b"+OK\r\n"[..], b"$3\r\nabc\r\n", b"$0\r\n\r\n+OK\r\n"] {
            assert_eq!(quick(input).unwrap().1, Value::read(input).unwrap().unwrap().1);
        }
        for input in [&b"$-1\r\n"[..], b"+QUEUED\r\n", b"-ERR\r\n", b"$3\r\nab", b"$3\r\nabcde", b""] {
            assert_eq!(quick(input), None);
        }
    }
}

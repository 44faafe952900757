//! Answers as bytes, in RESP2 or RESP3.
//!
//! Guarantees: whatever a [`Value`] holds, what is written is one answer and no more: text on a line of its own has no
//! line ends in it.

use bytes::{BufMut, BytesMut};

use super::value::Value;

/// Most digits of a 64-bit number, and its sign.
const DIGITS_MAX: usize = 20;
/// What stands before a verbatim text: that it is plain.
const VERBATIM_KIND: &[u8] = b"txt:";

/// The version of the protocol a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Protocol {
    /// Version 2, which every connection begins with.
    #[default]
    Resp2,
    /// Version 3, chosen with `HELLO 3`.
    Resp3,
}

impl Protocol {
    /// Its number.
    pub fn number(self) -> i64 {
        match self {
            Self::Resp2 => 2,
            Self::Resp3 => 3,
        }
    }
}

/// Appends `value`.
pub fn put(out: &mut BytesMut, value: &Value, protocol: Protocol) {
    match (value, protocol) {
        (Value::Simple(text), _) => line(out, b'+', text.as_bytes()),
        (Value::Error(text), _) => line(out, b'-', text.as_bytes()),
        (Value::Int(number), _) => head(out, b':', *number),
        (Value::Bulk(bytes), _) => bulk(out, bytes),
        (Value::Null, Protocol::Resp2) => out.put_slice(b"$-1\r\n"),
        (Value::NullArray, Protocol::Resp2) => out.put_slice(b"*-1\r\n"),
        (Value::Null | Value::NullArray, Protocol::Resp3) => out.put_slice(b"_\r\n"),
        (Value::Set(values), Protocol::Resp3) => many(out, b'~', values, protocol),
        (Value::Array(values) | Value::Set(values), _) => many(out, b'*', values, protocol),
        (Value::Map(pairs), _) => map(out, pairs, protocol),
        (Value::Double(number), Protocol::Resp2) => bulk(out, double(*number).as_bytes()),
        (Value::Double(number), Protocol::Resp3) => line(out, b',', double(*number).as_bytes()),
        (Value::Bool(is), Protocol::Resp2) => head(out, b':', i64::from(*is)),
        (Value::Bool(is), Protocol::Resp3) => line(out, b'#', if *is { b"t" } else { b"f" }),
        (Value::Verbatim(text), Protocol::Resp2) => bulk(out, text.as_bytes()),
        (Value::Verbatim(text), Protocol::Resp3) => verbatim(out, text),
    }
}

/// A kind and a number on a line.
fn head(out: &mut BytesMut, kind: u8, number: i64) {
    out.put_u8(kind);
    if number < 0 {
        out.put_u8(b'-');
    }
    let (mut digits, mut at, mut left) = ([0; DIGITS_MAX], DIGITS_MAX, number.unsigned_abs());
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.put_slice(&digits[at..]);
    out.put_slice(b"\r\n");
}

fn length(out: &mut BytesMut, kind: u8, len: usize) {
    head(out, kind, i64::try_from(len).unwrap_or(i64::MAX));
}

/// A kind and text on a line. A line end within the text would begin another answer.
fn line(out: &mut BytesMut, kind: u8, text: &[u8]) {
    out.put_u8(kind);
    let start = out.len();
    out.put_slice(text);
    out[start..].iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n')).for_each(|byte| *byte = b' ');
    out.put_slice(b"\r\n");
}

fn bulk(out: &mut BytesMut, bytes: &[u8]) {
    length(out, b'$', bytes.len());
    out.put_slice(bytes);
    out.put_slice(b"\r\n");
}

fn verbatim(out: &mut BytesMut, text: &str) {
    length(out, b'=', VERBATIM_KIND.len() + text.len());
    out.put_slice(VERBATIM_KIND);
    out.put_slice(text.as_bytes());
    out.put_slice(b"\r\n");
}

fn many(out: &mut BytesMut, kind: u8, values: &[Value], protocol: Protocol) {
    length(out, kind, values.len());
    values.iter().for_each(|value| put(out, value, protocol));
}

fn map(out: &mut BytesMut, pairs: &[(Value, Value)], protocol: Protocol) {
    match protocol {
        Protocol::Resp2 => length(out, b'*', 2 * pairs.len()),
        Protocol::Resp3 => length(out, b'%', pairs.len()),
    }
    for (key, value) in pairs {
        put(out, key, protocol);
        put(out, value, protocol);
    }
}

fn double(number: f64) -> String {
    match number {
        number if number.is_nan() => "nan".to_owned(),
        number if number.is_infinite() => if number > 0.0 { "inf" } else { "-inf" }.to_owned(),
        number => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_put(value: &Value, two: &str, three: &str) {
        for (protocol, expected) in [(Protocol::Resp2, two), (Protocol::Resp3, three)] {
            let mut out = BytesMut::new();
            put(&mut out, value, protocol);
            assert_eq!(out, expected.as_bytes(), "{protocol:?}");
        }
    }

    #[test]
    fn every_value_has_a_form_in_both_versions() {
        let same = |value: &Value, text| assert_put(value, text, text);
        same(&Value::OK, "+OK\r\n");
        same(&Value::err("no"), "-ERR no\r\n");
        same(&Value::Int(0), ":0\r\n");
        same(&Value::Int(i64::MIN), ":-9223372036854775808\r\n");
        same(&Value::Int(i64::MAX), ":9223372036854775807\r\n");
        same(&Value::text("a\r\nb"), "$4\r\na\r\nb\r\n");
        same(&Value::Array(vec![Value::Int(1), Value::text("")]), "*2\r\n:1\r\n$0\r\n\r\n");
        assert_put(&Value::Null, "$-1\r\n", "_\r\n");
        assert_put(&Value::NullArray, "*-1\r\n", "_\r\n");
        assert_put(&Value::Set(vec![Value::Int(1)]), "*1\r\n:1\r\n", "~1\r\n:1\r\n");
        let pair = Value::Map(vec![(Value::text("a"), Value::Null)]);
        assert_put(&pair, "*2\r\n$1\r\na\r\n$-1\r\n", "%1\r\n$1\r\na\r\n_\r\n");
        assert_put(&Value::Double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
        assert_put(&Value::Double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
        assert_put(&Value::Bool(true), ":1\r\n", "#t\r\n");
        assert_put(&Value::Verbatim("ab".into()), "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n");
    }

    #[test]
    fn an_error_is_one_line_whatever_it_quotes() {
        assert_put(&Value::err("no 'a\r\n+OK'"), "-ERR no 'a  +OK'\r\n", "-ERR no 'a  +OK'\r\n");
    }
}

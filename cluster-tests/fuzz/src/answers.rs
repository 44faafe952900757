//! A strict reader of answers, as a client's library would be.

/// Reads one answer from the front of `bytes`; what is behind it, or `None` when that is no answer of the protocol.
pub fn read(bytes: &[u8]) -> Option<&[u8]> {
    let (kind, rest) = bytes.split_first()?;
    let (line, behind) = line(rest)?;
    match kind {
        b'+' | b'-' | b',' => Some(behind),
        b'_' => line.is_empty().then_some(behind),
        b'#' => matches!(line, b"t" | b"f").then_some(behind),
        b':' => number(line).map(|_| behind),
        b'$' | b'=' => match number(line)? {
            -1 => Some(behind),
            len => behind.split_at_checked(usize::try_from(len).ok()?)?.1.strip_prefix(b"\r\n"),
        },
        b'*' | b'~' if line == b"-1" => Some(behind),
        b'*' | b'~' => many(behind, number(line)?),
        b'%' => many(behind, 2 * number(line)?),
        _ => None,
    }
}

fn many(mut bytes: &[u8], count: i64) -> Option<&[u8]> {
    for _ in 0..u64::try_from(count).ok()? {
        bytes = read(bytes)?;
    }
    Some(bytes)
}

/// A line, which holds neither half of a line end.
fn line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'))?;
    Some((&bytes[..end], bytes[end..].strip_prefix(b"\r\n")?))
}

fn number(line: &[u8]) -> Option<i64> {
    std::str::from_utf8(line).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_one_by_one_and_nothing_else_is() {
        let answers =
            ["+OK\r\n", "-ERR no\r\n", ":-1\r\n", "$-1\r\n", "$2\r\n\r\n\r\n", "*-1\r\n", "_\r\n", "#t\r\n"];
        for answer in
            answers.into_iter().chain(["*2\r\n:1\r\n*0\r\n", "%1\r\n+a\r\n,1.5\r\n", "=5\r\ntxt:a\r\n"])
        {
            assert_eq!(read([answer, ":1\r\n"].concat().as_bytes()), Some(&b":1\r\n"[..]), "{answer}");
            assert_eq!(read(&answer.as_bytes()[..answer.len() - 1]), None, "{answer}");
        }
        for none in [
            "",
            "OK\r\n",
            ":x\r\n",
            "$3\r\nab\r\n",
            "$1\r\nab\r\n",
            "+a\nb\r\n",
            "*-2\r\n",
            "#y\r\n",
            "_x\r\n",
        ] {
            assert_eq!(read(none.as_bytes()), None, "{none}");
        }
    }
}

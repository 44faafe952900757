//! Inline commands: a line split into words, as Redis's `sdssplitargs` does.

use bytes::Bytes;

use super::Frame;

/// The words of `line`. Within double quotes a backslash begins an escape (`\n`, `\x41`), within single ones `\'`
/// stands for a quote. `None`: a quote is not closed, or is not followed by a space.
pub(super) fn split(line: &[u8]) -> Option<Frame> {
    let mut words = Frame::new();
    let mut rest = without_spaces(line);
    while !rest.is_empty() {
        let (word, behind) = word(rest)?;
        words.push(word);
        rest = without_spaces(behind);
    }
    Some(words)
}

/// Spaces as C's `isspace` knows them, and the end of a C string.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0)
}

fn without_spaces(line: &[u8]) -> &[u8] {
    &line[line.iter().take_while(|byte| is_space(**byte)).count()..]
}

/// The first word, and what is behind it. A word ends with the quotes in it.
fn word(mut rest: &[u8]) -> Option<(Bytes, &[u8])> {
    let mut word = Vec::new();
    loop {
        let quoted = match rest {
            [] => break,
            [byte, ..] if is_space(*byte) => break,
            [b'"', quoted @ ..] => double(quoted, &mut word),
            [b'\'', quoted @ ..] => single(quoted, &mut word),
            [byte, behind @ ..] => {
                word.push(*byte);
                rest = behind;
                continue;
            }
        };
        rest = quoted?;
        break;
    }
    Some((word.into(), rest))
}

/// Adds what is between double quotes to `word`, from behind the first one; what is behind the second.
fn double<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, behind) = match rest {
            [b'\\', b'x', high, low, behind @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), behind)
            }
            [b'\\', escaped, behind @ ..] => (unescaped(*escaped), behind),
            [b'"', behind @ ..] => return ends_word(behind).then_some(behind),
            [byte, behind @ ..] => (*byte, behind),
            [] => return None,
        };
        word.push(byte);
        rest = behind;
    }
}

/// The same for single quotes.
fn single<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, behind) = match rest {
            [b'\\', b'\'', behind @ ..] => (b'\'', behind),
            [b'\'', behind @ ..] => return ends_word(behind).then_some(behind),
            [byte, behind @ ..] => (*byte, behind),
            [] => return None,
        };
        word.push(byte);
        rest = behind;
    }
}

/// Whether a closing quote may stand before `rest`.
fn ends_word(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| is_space(*byte))
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'A').wrapping_add(10),
    }
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_words(line: &[u8], expected: &[&[u8]]) {
        let words = split(line).expect("its quotes are closed");
        assert_eq!(words, expected, "{}", line.escape_ascii());
    }

    #[test]
    fn words_are_split_and_unquoted_as_redis_does() {
        assert_words(b"", &[]);
        assert_words(b"  \t ", &[]);
        assert_words(b" SET  a b ", &[b"SET", b"a", b"b"]);
        assert_words(b"SET a \"b c\"", &[b"SET", b"a", b"b c"]);
        assert_words(br#"SET a "\x41\n\"\q\\" 'it\'s "' "#, &[b"SET", b"a", b"A\n\"q\\", b"it's \""]);
        assert_words(br#"a"b c" "" '\n'"#, &[b"ab c", b"", b"\\n"]);
        assert_words(br#""\xZZ\x4""#, &[b"xZZx4"]);
    }

    #[test]
    fn quotes_that_do_not_close_or_do_not_end_a_word_are_refused() {
        for line in [&br#"SET "a"#[..], b"SET 'a", br#"SET "a"b"#, b"SET 'a'b", br#"SET "a\"#, br#""a\""#] {
            assert_eq!(split(line), None, "{}", line.escape_ascii());
        }
    }
}

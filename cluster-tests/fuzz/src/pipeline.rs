//! What the parser must do with any bytes at all.

use bytes::{Bytes, BytesMut};
use quorate::resp::parse::{Frame, Limits, Parser, ProtocolError};

/// Small, so that inputs of some hundred bytes reach every one of them.
pub const LIMITS: Limits = Limits { arguments: 20, bulk_bytes: 300, line_bytes: 60, command_bytes: 500 };
/// Bytes of `\r\n`.
const LINE_END: usize = 2;
/// Longest piece an input is cut into, in bytes: as long as the longest number with its line end and some.
const PIECE_BYTES_MAX: usize = 24;

/// What a parser made of its input: the commands, and the error that ended them.
pub type Parsed = (Vec<Frame>, Option<ProtocolError>);

/// Parses `bytes` whole and in pieces.
///
/// # Panics
/// Something that must hold did not.
pub fn check(bytes: &[u8]) {
    let whole = parse([bytes]);
    assert_eq!(parse(pieces(bytes)), whole, "cut into pieces, {} means something else", bytes.escape_ascii());
    let (frames, _) = &whole;
    assert_bounded(frames, bytes);
    assert_again(frames);
}

/// Every command in pieces that come one after another.
pub fn parse<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Parsed {
    let (mut parser, mut buffer, mut frames) = (Parser::new(LIMITS), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match parser.next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
        assert!(
            parser.missing_bytes(&buffer) <= LIMITS.bulk_bytes + LINE_END,
            "room for more than an argument"
        );
        let kept_max =
            if parser.is_within_command() { LIMITS.bulk_bytes } else { LIMITS.line_bytes } + LINE_END;
        assert!(buffer.len() <= kept_max, "{} bytes are kept of what is not all there", buffer.len());
    }
    (frames, None)
}

/// Cuts `bytes` at places that depend on nothing but them. Every fourth input comes byte by byte.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let sum =
        bytes.iter().fold(bytes.len(), |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let len_max = if sum.is_multiple_of(4) { 1 } else { PIECE_BYTES_MAX };
    let (mut rest, mut next) = (bytes, sum);
    std::iter::from_fn(move || {
        next = next.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1);
        let len = (1 + (next >> 32) % len_max).min(rest.len());
        let piece;
        (piece, rest) = rest.split_at(len);
        (!piece.is_empty()).then_some(piece)
    })
}

/// No command is empty or past its limits, and all of them are no longer than what was sent.
fn assert_bounded(frames: &[Frame], bytes: &[u8]) {
    let mut all = 0;
    for frame in frames {
        let long: usize = frame.iter().map(Bytes::len).sum();
        assert!(!frame.is_empty() && long <= LIMITS.command_bytes, "{frame:?}");
        // An inline command has one word for every two bytes of its line at most.
        assert!(frame.len() <= LIMITS.arguments.max(LIMITS.line_bytes.div_ceil(2)), "{frame:?}");
        all += long + frame.len();
    }
    assert!(all <= bytes.len(), "{} bytes of commands in {}", all, bytes.escape_ascii());
}

/// Written again as arrays of bulk strings, the commands are the same.
fn assert_again(frames: &[Frame]) {
    let fits = |frame: &&Frame| frame.len() <= LIMITS.arguments;
    let frames: Vec<Frame> = frames.iter().filter(fits).cloned().collect();
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| put(&mut bytes, frame));
    assert_eq!(parse([&bytes[..]]), (frames, None), "{}", bytes.escape_ascii());
}

/// Appends a command as clients send it.
pub fn put(out: &mut Vec<u8>, frame: &[impl AsRef<[u8]>]) {
    out.extend(format!("*{}\r\n", frame.len()).into_bytes());
    for argument in frame {
        let argument = argument.as_ref();
        out.extend(format!("${}\r\n", argument.len()).into_bytes());
        out.extend(argument);
        out.extend(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::{Mutator, run};

    #[test]
    fn two_hundred_thousand_mutated_pipelines_break_nothing() {
        run(200_000, Mutator::pipeline, check);
    }

    #[test]
    fn pieces_are_the_whole() {
        for bytes in [&b""[..], b"a", b"*1\r\n$4\r\nPING\r\n", &[7; 1000]] {
            assert_eq!(pieces(bytes).collect::<Vec<_>>().concat(), bytes);
        }
    }

    /// The engine gets behind the head of a command, or the test above would show nothing.
    #[test]
    fn mutated_pipelines_are_of_every_kind() {
        let (mut whole, mut commands, mut errors) = (0, 0, std::collections::BTreeSet::new());
        for number in 0..20_000 {
            let (frames, error) = parse([&Mutator::of(number).pipeline()[..]]);
            whole += usize::from(error.is_none());
            commands += frames.len();
            errors.extend(error.map(|error| error.to_string()));
        }
        assert!(whole > 5_000 && commands > 20_000, "{whole} without an error, {commands} commands");
        assert!(errors.len() >= 8 + 10, "{errors:?}");
    }
}

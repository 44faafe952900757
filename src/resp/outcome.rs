//! What came of a command: its answer made of the parts the node answered, and what refuses it.

use std::borrow::Cow;

use super::errors;
use super::parse::Frame;
use super::plan::{Applied, Context, Found, ReadShape, WriteShape};
use super::value::Value;
use crate::error::{Error, ErrorKind, Outcome, Result};
use crate::node::{ReadOk, WriteOk};

/// Longest part of what a client sent that an error repeats, in bytes.
const QUOTED_BYTES_MAX: usize = 128;

/// Whether a read was refused because those before it filled the answer.
pub(super) fn was_full(read: &Result<ReadOk>) -> bool {
    matches!(read, Err(error) if error.kind == ErrorKind::TooLarge)
}

/// The answer of a read, of all its parts, which are taken to the last one also if one failed.
pub(super) fn of_read(
    context: &Context,
    parts: impl ExactSizeIterator<Item = Result<ReadOk>>,
    shape: ReadShape,
) -> Value {
    let (found, failed) = apart(parts, |ok| Found { entry: ok.entry, time_ms: ok.time_ms });
    match failed.first() {
        None => shape.answer(context, found),
        Some(error) => errors::answer(error),
    }
}

/// The answer of a write, of all its parts. It is unknown what became of the whole when a part failed and any other may
/// have been applied.
pub(super) fn of_write(
    context: &Context,
    parts: impl ExactSizeIterator<Item = Result<WriteOk>>,
    shape: WriteShape,
) -> Value {
    let (applied, failed) = apart(parts, |ok| Applied { reply: ok.reply, time_ms: ok.time_ms });
    let Some(error) = failed.first() else { return shape.answer(context, applied) };
    let harmless = failed.iter().all(|error| error.outcome == Some(Outcome::NotApplied));
    let outcome = if harmless && applied.is_empty() { Outcome::NotApplied } else { Outcome::Unknown };
    errors::answer(&Error { outcome: Some(outcome), ..error.clone() })
}

/// What came of the parts that succeeded, and the errors of the others.
fn apart<P, T>(parts: impl ExactSizeIterator<Item = Result<P>>, of: impl Fn(P) -> T) -> (Vec<T>, Vec<Error>) {
    // Collecting would make room for four at least, and there is one mostly.
    let (mut done, mut failed) = (Vec::with_capacity(parts.len()), Vec::new());
    for part in parts {
        match part {
            Ok(ok) => done.push(of(ok)),
            Err(error) => failed.push(error),
        }
    }
    (done, failed)
}

/// The answer to a command there is not, as Redis says it (`rejectCommandFormat` in `server.c`).
pub(super) fn unknown(frame: &Frame) -> Value {
    let mut arguments = String::new();
    for argument in &frame[1..] {
        if arguments.len() >= QUOTED_BYTES_MAX {
            break;
        }
        let room = QUOTED_BYTES_MAX - arguments.len();
        arguments += &format!("'{}' ", beginning(argument, room));
    }
    let name = quoted(&frame[0]);
    Value::err(format_args!("unknown command '{name}', with args beginning with: {arguments}"))
}

/// What a client sent, as far as an error repeats it.
pub(super) fn quoted(bytes: &[u8]) -> Cow<'_, str> {
    beginning(bytes, QUOTED_BYTES_MAX)
}

fn beginning(bytes: &[u8], bytes_max: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(bytes_max)])
}

#[cfg(test)]
mod tests {
    use raft_store::command::Reply;

    use super::*;

    #[track_caller]
    fn assert_outcome(parts: &[Result<WriteOk>], expected: Option<Outcome>) {
        let context = Context { namespace: 0, value_bytes_max: 1, wall_ms: 0 };
        let shape = WriteShape::new(|_, _| Value::Simple("OK"));
        let told = match of_write(&context, parts.iter().cloned(), shape) {
            Value::Error(text) if text.starts_with("UNKNOWN") => Some(Outcome::Unknown),
            Value::Error(_) => Some(Outcome::NotApplied),
            _ => None,
        };
        assert_eq!(told, expected);
    }

    #[test]
    fn a_write_of_which_a_part_may_have_happened_is_unknown() {
        let done = || Ok(WriteOk { group: 1, time_ms: 1, reply: Reply::Done });
        let refused = || Err(Error::not_applied(ErrorKind::NoLeader, "d"));
        let unknown = || Err(Error::unknown(ErrorKind::Timeout, "d"));
        assert_outcome(&[done(), done()], None);
        assert_outcome(&[refused()], Some(Outcome::NotApplied));
        assert_outcome(&[refused(), refused()], Some(Outcome::NotApplied));
        assert_outcome(&[refused(), done()], Some(Outcome::Unknown));
        assert_outcome(&[done(), refused()], Some(Outcome::Unknown));
        assert_outcome(&[refused(), unknown()], Some(Outcome::Unknown));
        assert_outcome(&[unknown()], Some(Outcome::Unknown));
    }

    #[test]
    fn an_unknown_command_is_told_with_the_beginning_of_what_it_was_given() {
        let word = |text: &str| bytes::Bytes::copy_from_slice(text.as_bytes());
        let Value::Error(text) = unknown(&vec![word("nosuch"), word("a"), word(&"b".repeat(200)), word("c")])
        else {
            panic!("it is an error")
        };
        let expected =
            format!("ERR unknown command 'nosuch', with args beginning with: 'a' '{}' ", "b".repeat(124));
        assert_eq!(text, expected);
    }
}

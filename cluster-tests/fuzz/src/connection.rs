//! What a connection must do with any bytes at all: parse, plan, carry out, answer; all but the socket and the cluster.

use bytes::BytesMut;
use quorate::resp::encode::{self, Protocol};
use quorate::resp::parse::{Limits, Parser};

use crate::answers;
use crate::server::{Server, VALUE_BYTES_MAX};

/// Commands carried out of one input.
const COMMANDS_MAX: usize = 64;

/// Serves a connection on which `bytes` came.
///
/// # Panics
/// Something that must hold did not.
pub fn check(bytes: &[u8]) {
    let (mut parser, mut server) = (Parser::new(Limits::for_values(VALUE_BYTES_MAX)), Server::new());
    let mut input = BytesMut::from(bytes);
    for _ in 0..COMMANDS_MAX {
        let Ok(Some(frame)) = parser.next(&mut input) else { return };
        let answer = server.call(&frame);
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            let mut out = BytesMut::new();
            encode::put(&mut out, &answer, protocol);
            let behind = answers::read(&out);
            assert_eq!(behind, Some(&b""[..]), "{frame:?} is answered with {}", out.escape_ascii());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mutate::{Mutator, run};

    #[test]
    fn ten_thousand_mutated_connections_break_nothing() {
        run(10_000, Mutator::connection, check);
    }

    /// Most commands get past their planner, or the test above would show little.
    #[test]
    fn mutated_commands_do_something() {
        let (mut server, mut answers, mut errors) = (Server::new(), 0, 0);
        for number in 0..200 {
            let mut parser = Parser::new(Limits::for_values(VALUE_BYTES_MAX));
            let mut input = BytesMut::from(&Mutator::of(number).connection()[..]);
            while let Ok(Some(frame)) = parser.next(&mut input) {
                match server.call(&frame) {
                    quorate::resp::value::Value::Error(_) => errors += 1,
                    _ => answers += 1,
                }
            }
        }
        assert!(answers > 500 && errors > 100, "{answers} answers, {errors} errors");
    }
}

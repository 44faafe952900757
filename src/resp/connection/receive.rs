//! Takes what has come from a client.

use std::cell::RefCell;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::AsyncReadExt;

use crate::limits::RESP_READ_BYTES;
use crate::resp::parse::Parser;
use crate::tls::Stream;

/// Smallest room made for an argument that is larger than what is read at once.
pub(super) const LARGE_ROOM_MIN: usize = 4 * RESP_READ_BYTES;

thread_local! {
    /// What is read lands here first, so that no waiting connection needs a buffer.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; RESP_READ_BYTES].into());
}

/// Reads what has come and says how many bytes; 0: the client left. `poll_read`, unlike `try_read`, knows from a short
/// read that nothing is left, so that waiting for the next command costs no read in vain.
pub(super) fn poll_receive(
    stream: &mut Stream,
    parser: &Parser,
    input: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let missing = parser.missing_bytes(input);
    if missing > RESP_READ_BYTES {
        // A large argument goes where it will stay, into room that grows with what has come.
        input.reserve(missing.min(input.len().max(LARGE_ROOM_MIN)));
        return pin!(stream.read_buf(input)).poll(cx);
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let received = ready!(pin!(stream.read(scratch)).poll(cx))?;
        input.extend_from_slice(&scratch[..received]);
        Poll::Ready(Ok(received))
    })
}

//! The end of a connection whose client may still be sending.

use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use crate::limits::{RESP_LINGER_BYTES_MAX, RESP_LINGER_TIMEOUT, RESP_READ_BYTES};
use crate::tls::Stream;

/// Reads and throws away what the client still sends, within bounds: closing before would take from it the last answer.
pub(super) async fn linger(stream: &mut Stream) {
    let mut thrown = vec![0; RESP_READ_BYTES];
    let throw = async {
        let mut left = RESP_LINGER_BYTES_MAX;
        while let Ok(read @ 1..) = stream.read(&mut thrown).await {
            left = left.saturating_sub(read);
            if left == 0 {
                return;
            }
        }
    };
    // Whether it left or the time is up makes no difference.
    let _ = timeout(RESP_LINGER_TIMEOUT, throw).await;
}

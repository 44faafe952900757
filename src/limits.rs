//! Every bound of the server, by name. What goes past one is refused with a clear error.

use std::time::Duration;

/// How long a request may take unless the client says otherwise.
pub const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(5);
/// Longest a client may ask to wait for anything.
pub const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(60);
/// Largest HTTP body: a value of the largest size in base64, and its JSON around it.
pub const fn body_bytes_max(value_bytes_max: usize) -> usize {
    value_bytes_max / 3 * 4 + (64 << 10)
}
/// Most operations in one `POST /v1/batch`.
pub const BATCH_OPERATIONS_MAX: usize = 1000;
/// Commands waiting for a group's batcher; past it `queue-full`.
pub const PROPOSALS_QUEUED_MAX: usize = 16_384;
/// Bytes of commands waiting for a group's batcher; past it `queue-full`.
pub const PROPOSAL_BYTES_QUEUED_MAX: usize = 64 << 20;
/// Packed entries of one group that may be on their way through Raft at once.
pub const PROPOSALS_IN_FLIGHT_MAX: usize = 2;
/// Reads waiting for a group's next read-index round; past it `queue-full`.
pub const READS_QUEUED_MAX: usize = 65_536;
/// Largest frame between peers.
pub const FRAME_BYTES_MAX: usize = 80 << 20;
/// Bytes queued towards one peer on one lane; past it new messages are refused unsent.
pub const PEER_QUEUE_BYTES_MAX: usize = 128 << 20;
/// Messages queued towards one peer on one lane.
pub const PEER_QUEUE_MESSAGES_MAX: usize = 65_536;
/// HTTP connections one node serves at once.
pub const HTTP_CONNECTIONS_MAX: usize = 16_384;
/// How long an HTTP client may take to send a request's head, or idle between two requests.
pub const HTTP_HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest head of an HTTP request, in bytes.
pub const HTTP_HEAD_BYTES_MAX: usize = 64 << 10;
/// How long requests under way may take to finish when the HTTP listener stops.
pub const HTTP_STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of a refused body read and thrown away, so that its sender gets to see why it was refused.
pub const HTTP_LINGER_BYTES_MAX: usize = 64 << 20;
/// How long that may take.
pub const HTTP_LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// Longest request id taken over from a client, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 128;
/// Operations the cluster remembers.
pub const OPERATIONS_KEPT_MAX: usize = 64;
/// Nodes of one cluster.
pub const NODES_MAX: usize = 64;

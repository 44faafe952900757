//! TLS: who this process is to clients and to the other nodes, whom it believes, and the streams that come of it.
//!
//! A leaf: it knows files, certificates and sockets, and nothing of what is said over them. Relies on rustls with ring
//! for the protocol (TLS 1.2 and 1.3) and on tokio-rustls to drive it. Guarantees: a stream without TLS costs nothing
//! more than before; every handshake ends within a named time; files that change are taken up only if they can be used,
//! for handshakes from then on; what a certificate may not do (be expired, come from elsewhere, stand for another name,
//! or be a client's where a node's is due) ends the handshake.
//!
//! | Part | Files |
//! |---|---|
//! | What a process shows and believes | `security`, `identity`, `files`, `setup`, `node_only` |
//! | Connections | `accept`, `plain`, `dialer`, `stream` |
//! | Certificates | `certificate` (what one says), `authority` (makes them) |
//! | Figures | `figures` |

mod accept;
pub mod authority;
pub mod certificate;
mod dialer;
mod figures;
mod files;
mod identity;
mod node_only;
mod plain;
mod security;
mod setup;
mod stream;

use std::path::PathBuf;

use tokio::net::TcpStream;

pub(crate) use self::accept::NotTls;
pub use self::dialer::Dialer;
pub(crate) use self::figures::Port;
pub use self::identity::Identity;
pub use self::plain::ClientListener;
pub(crate) use self::plain::{Door, HTTP_SAYS, RESP_SAYS};
pub use self::security::Security;
pub(crate) use self::stream::Stream;

/// A connection whose handshake is done.
pub(crate) type TlsStream = tokio_rustls::TlsStream<TcpStream>;

/// Why certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {why}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Certificate, key and authorities cannot be used together.
    #[error("{}: {source}", path.display())]
    Unusable {
        /// The certificate.
        path: PathBuf,
        /// What rustls said.
        source: rustls::Error,
    },
    /// Peers need authorities to verify each other by.
    #[error("{}: no file of authorities for it", .0.display())]
    NoAuthorities(PathBuf),
}

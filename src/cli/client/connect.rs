//! How the command line reaches a node: TCP, and TLS on it for `https://`.

use std::fmt;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tower::Service;

use crate::cli::fail::Failure;
use crate::tls::{Dialer, Stream};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Connecting = Pin<Box<dyn Future<Output = Result<TokioIo<Stream>, Error>> + Send>>;

/// The flags of TLS, of every command that speaks to a cluster.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Of every command")]
pub(in crate::cli) struct TlsFlags {
    /// Authorities, PEM, that must have signed the certificates of https:// endpoints
    #[arg(long, value_name = "FILE", global = true, env = "QUORATE_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Certificate, PEM, to show to nodes that ask clients for one
    #[arg(long, value_name = "FILE", global = true, env = "QUORATE_CERT_FILE", requires = "key_file")]
    cert_file: Option<PathBuf>,
    /// Its private key
    #[arg(long, value_name = "FILE", global = true, env = "QUORATE_KEY_FILE", requires = "cert_file")]
    key_file: Option<PathBuf>,
}

impl TlsFlags {
    /// Flags that name this file of authorities.
    pub(in crate::cli) fn trusting(ca_file: PathBuf) -> Self {
        Self { ca_file: Some(ca_file), ..Self::default() }
    }

    /// What dials with them; `None`: no authority is believed, so there is no TLS.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub(in crate::cli) fn dialer(&self) -> Result<Option<Dialer>, Failure> {
        let Some(ca) = &self.ca_file else { return Ok(None) };
        let own = self.cert_file.as_deref().zip(self.key_file.as_deref());
        let unusable = |error: crate::tls::TlsError| {
            Failure::usage("The files of TLS cannot be used", error.to_string())
                .hint("quorate tls show FILE   (what is in a certificate)")
        };
        Dialer::from_files(ca, own).map(Some).map_err(unusable)
    }
}

/// Makes connections, each within a time.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: HttpConnector,
    tls: Option<Dialer>,
    within: Duration,
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("tls", &self.tls.is_some()).finish_non_exhaustive()
    }
}

impl Connector {
    /// TCP and, with a dialer, TLS; each of the two `within` this time.
    pub(super) fn new(tls: Option<Dialer>, within: Duration) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(within));
        tcp.set_nodelay(true);
        Self { tcp, tls, within }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Error;
    type Future = Connecting;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        let (connecting, tls, within) = (self.tcp.call(uri.clone()), self.tls.clone(), self.within);
        Box::pin(async move {
            let tcp = connecting.await?.into_inner();
            if uri.scheme_str() != Some("https") {
                return Ok(TokioIo::new(Stream::Plain(tcp)));
            }
            let dialer =
                tls.ok_or("https needs --ca-file: the authority that signed the node's certificate")?;
            let handshake = dialer.dial(tcp, uri.host().unwrap_or_default());
            let stream = timeout(within, handshake).await.map_err(|_| "no TLS handshake in time")?;
            let stream = stream.map_err(|error| format!("TLS: {error}"))?;
            Ok(TokioIo::new(Stream::Tls(stream)))
        })
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

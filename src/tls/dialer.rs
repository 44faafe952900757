//! The dialling end: connects to a name, and believes only a certificate that stands for it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::files::{Contents, bytes, roots};
use super::{TlsError, TlsStream, setup};
use crate::config::TlsFiles;

/// Makes connections; cheap to clone.
#[derive(Debug, Clone)]
pub struct Dialer {
    config: Arc<ClientConfig>,
}

impl Dialer {
    pub(super) fn new(config: ClientConfig) -> Self {
        Self { config: Arc::new(config) }
    }

    /// One that believes the authorities in the file `ca`, and shows the certificate in the files `cert` and `key` to
    /// those who ask.
    ///
    /// # Errors
    /// A file cannot be read or used.
    pub fn from_files(ca: &Path, own: Option<(&Path, &Path)>) -> Result<Self, TlsError> {
        let roots = roots(&bytes(ca)?, ca)?;
        let own = own.map(|(cert, key)| {
            let files = TlsFiles { cert: cert.to_owned(), key: key.to_owned(), ca: None };
            let contents = Contents::read(&files)?;
            Ok((contents.chain(&files)?, contents.key(&files)?))
        });
        let path = ca.to_owned();
        let config = setup::for_dialling(own.transpose()?, roots);
        config.map(Self::new).map_err(|source| TlsError::Unusable { path, source })
    }

    /// The handshake with whoever is at the other end of `tcp`, who must prove to be `host`: a name or an address, the
    /// latter in brackets or not.
    ///
    /// # Errors
    /// The other end is not that, or does not speak TLS.
    pub async fn dial(&self, tcp: TcpStream, host: &str) -> io::Result<Box<TlsStream>> {
        let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let name = ServerName::try_from(name.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, format!("{host}: {error}")))?;
        let stream = TlsConnector::from(self.config.clone()).connect(name, tcp).await?;
        Ok(Box::new(TlsStream::Client(stream)))
    }
}

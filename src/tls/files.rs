//! Reading the files of TLS. What is in them is judged when it is used.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::TlsError;
use crate::config::TlsFiles;
use crate::limits::TLS_FILE_BYTES_MAX;

/// What the files of an identity held when they were read.
#[derive(PartialEq, Eq)]
pub(super) struct Contents {
    cert: Vec<u8>,
    key: Vec<u8>,
    ca: Option<Vec<u8>>,
}

impl fmt::Debug for Contents {
    /// Says nothing of the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").finish_non_exhaustive()
    }
}

impl Contents {
    /// Reads every file.
    ///
    /// # Errors
    /// One cannot be read, or is larger than any certificate is.
    pub(super) fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        let ca = files.ca.as_deref().map(bytes).transpose()?;
        Ok(Self { cert: bytes(&files.cert)?, key: bytes(&files.key)?, ca })
    }

    /// The certificate and those behind it.
    pub(super) fn chain(&self, files: &TlsFiles) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        certificates(&self.cert, &files.cert)
    }

    /// The private key.
    pub(super) fn key(&self, files: &TlsFiles) -> Result<PrivateKeyDer<'static>, TlsError> {
        let why = |error| content(&files.key, format!("no private key in PEM form: {error}"));
        PrivateKeyDer::from_pem_slice(&self.key).map_err(why)
    }

    /// The authorities, if there is a file of them.
    pub(super) fn roots(&self, files: &TlsFiles) -> Result<Option<RootCertStore>, TlsError> {
        let (Some(ca), Some(path)) = (&self.ca, &files.ca) else { return Ok(None) };
        roots(ca, path).map(Some)
    }
}

/// The whole of a small file.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(TLS_FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    match bytes.len() as u64 > TLS_FILE_BYTES_MAX {
        true => Err(content(path, format!("larger than {TLS_FILE_BYTES_MAX} bytes"))),
        false => Ok(bytes),
    }
}

/// The certificates in `pem`; at least one.
pub(super) fn certificates(pem: &[u8], path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(content(path, "no certificate in PEM form".into())),
        Ok(found) => Ok(found),
        Err(error) => Err(content(path, format!("no certificate in PEM form: {error}"))),
    }
}

/// The authorities in `pem`; at least one.
pub(super) fn roots(pem: &[u8], path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem, path)? {
        let why = |error| content(path, format!("a certificate that is no authority's: {error}"));
        roots.add(certificate).map_err(why)?;
    }
    Ok(roots)
}

fn content(path: &Path, why: String) -> TlsError {
    TlsError::Content { path: path.to_owned(), why }
}

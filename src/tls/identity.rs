//! One certificate in use: what new handshakes are made with, and how it changes while the process runs.

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;

use super::certificate::Certificate;
use super::dialer::Dialer;
use super::figures::{Figures, Reload};
use super::files::Contents;
use super::{TlsError, setup};
use crate::clock::wall_ms;
use crate::config::TlsFiles;

/// Whom a certificate is shown to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    /// Clients of HTTP and of the Redis protocol.
    Clients,
    /// The other nodes, in both directions.
    Peers,
}

impl Audience {
    /// Its name in metrics and in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Clients => "client",
            Self::Peers => "peer",
        }
    }
}

/// What its files gave.
#[derive(Debug)]
struct Current {
    contents: Contents,
    server: Arc<ServerConfig>,
    /// Peers only.
    dialer: Option<Dialer>,
    not_after_s: i64,
}

/// A certificate in use.
#[derive(Debug)]
pub struct Identity {
    audience: Audience,
    files: TlsFiles,
    current: RwLock<Arc<Current>>,
    /// Why the files as they are now are not used; so that it is logged once.
    refused: Mutex<Option<String>>,
    pub(super) figures: Arc<Figures>,
}

impl Identity {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read, or they cannot be used together.
    pub(super) fn load(audience: Audience, files: TlsFiles, figures: Arc<Figures>) -> Result<Self, TlsError> {
        let current = Current::of(audience, &files, Contents::read(&files)?)?;
        if current.not_after_s <= now_s() {
            tracing::error!(certificate = %files.cert.display(), "the certificate has expired: nobody will accept it");
        }
        let current = RwLock::new(Arc::new(current));
        Ok(Self { audience, files, current, refused: Mutex::default(), figures })
    }

    /// Takes up files that changed, for handshakes from now on; connections that stand are not touched. Files that
    /// cannot be used leave everything as it was, and are told of in the log once. Blocks while it reads.
    pub fn reload(&self) {
        match self.try_reload() {
            Ok(false) => *self.refused.lock() = None,
            Ok(true) => {
                *self.refused.lock() = None;
                self.figures.reloaded(self.audience, Reload::Used);
                let until = crate::tls::certificate::date(self.not_after_s());
                tracing::info!(certificate = self.audience.name(), until, "took up a new certificate");
            }
            Err(error) => self.refuse(error.to_string()),
        }
    }

    fn try_reload(&self) -> Result<bool, TlsError> {
        let contents = Contents::read(&self.files)?;
        if self.current.read().contents == contents {
            return Ok(false);
        }
        let new = Current::of(self.audience, &self.files, contents)?;
        if new.not_after_s <= now_s() {
            let why = "it has expired already".to_owned();
            return Err(TlsError::Content { path: self.files.cert.clone(), why });
        }
        *self.current.write() = Arc::new(new);
        Ok(true)
    }

    fn refuse(&self, why: String) {
        let mut refused = self.refused.lock();
        if refused.as_ref() == Some(&why) {
            return;
        }
        self.figures.reloaded(self.audience, Reload::Refused);
        tracing::error!(
            certificate = self.audience.name(),
            why,
            "new certificate not used; the one before stays"
        );
        *refused = Some(why);
    }

    /// Until when the certificate in use holds, s since 1970.
    pub fn not_after_s(&self) -> i64 {
        self.current.read().not_after_s
    }

    /// What the accepting end of the next handshake uses.
    pub(super) fn server(&self) -> Arc<ServerConfig> {
        self.current.read().server.clone()
    }

    /// What the dialling end of the next handshake uses; `None`: this certificate is for clients.
    pub(crate) fn dialer(&self) -> Option<Dialer> {
        self.current.read().dialer.clone()
    }
}

impl Current {
    fn of(audience: Audience, files: &TlsFiles, contents: Contents) -> Result<Self, TlsError> {
        let unusable = |source| TlsError::Unusable { path: files.cert.clone(), source };
        let own = || Ok::<_, TlsError>((contents.chain(files)?, contents.key(files)?));
        let first = &contents.chain(files)?[0];
        let not_after_s = match Certificate::of(first) {
            Ok(certificate) => certificate.not_after_s,
            Err(error) => {
                return Err(TlsError::Content { path: files.cert.clone(), why: error.to_string() });
            }
        };
        let roots = contents.roots(files)?;
        let (server, dialer) = match (audience, roots) {
            (Audience::Clients, roots) => (setup::for_clients(own()?, roots).map_err(unusable)?, None),
            (Audience::Peers, None) => return Err(TlsError::NoAuthorities(files.cert.clone())),
            (Audience::Peers, Some(roots)) => {
                let dialling = setup::for_dialling(Some(own()?), roots.clone()).map_err(unusable)?;
                (setup::for_peers(own()?, roots).map_err(unusable)?, Some(Dialer::new(dialling)))
            }
        };
        Ok(Self { contents, server: Arc::new(server), dialer, not_after_s })
    }
}

fn now_s() -> i64 {
    i64::try_from(wall_ms() / 1000).unwrap_or(i64::MAX)
}

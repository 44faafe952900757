//! What a process has of TLS: its certificate for clients, its certificate for peers, and the figures of both.

use std::sync::Arc;

use super::figures::Figures;
use super::identity::Audience;
use super::{Identity, TlsError};
use crate::config::Config;

/// The certificates of one node; cheap to clone. The default has none.
#[derive(Debug, Clone, Default)]
pub struct Security {
    clients: Option<Arc<Identity>>,
    peers: Option<Arc<Identity>>,
    figures: Arc<Figures>,
}

impl Security {
    /// Reads the files `config` names, if it names any.
    ///
    /// # Errors
    /// They cannot be read or used.
    pub fn load(config: &Config) -> Result<Self, TlsError> {
        let figures = Arc::<Figures>::default();
        let load = |audience, files| Identity::load(audience, files, figures.clone()).map(Arc::new);
        let clients = config.client_tls().map(|files| load(Audience::Clients, files)).transpose()?;
        let peers = config.peer_tls().map(|files| load(Audience::Peers, files)).transpose()?;
        Ok(Self { clients, peers, figures })
    }

    /// What clients are shown; `None`: they are spoken to in plain text.
    pub fn clients(&self) -> Option<Arc<Identity>> {
        self.clients.clone()
    }

    /// What peers are shown; `None`: they are spoken to in plain text.
    pub fn peers(&self) -> Option<Arc<Identity>> {
        self.peers.clone()
    }

    /// Whether there is any certificate.
    pub fn is_on(&self) -> bool {
        self.clients.is_some() || self.peers.is_some()
    }

    /// Takes up files that changed ([`Identity::reload`]). Blocks while it reads.
    pub fn reload(&self) {
        self.clients.iter().chain(&self.peers).for_each(|identity| identity.reload());
    }

    /// When the first of the certificates in use expires, ms since 1970.
    pub fn expires_ms(&self) -> Option<u64> {
        let both = self.clients.iter().chain(&self.peers);
        let first_s = both.map(|identity| identity.not_after_s()).min()?;
        Some(u64::try_from(first_s).unwrap_or(0).saturating_mul(1000))
    }

    /// The figures as Prometheus text.
    pub fn metrics(&self) -> String {
        let clients = self.clients.iter().map(|identity| (Audience::Clients, identity.not_after_s()));
        let peers = self.peers.iter().map(|identity| (Audience::Peers, identity.not_after_s()));
        self.figures.text(&clients.chain(peers).collect::<Vec<_>>())
    }
}

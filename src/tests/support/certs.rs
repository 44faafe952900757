//! A folder with an authority of its own, and what it signed.

use std::path::PathBuf;

use quorate::clock::wall_ms;
use quorate::config::Config;
use quorate::tls::Dialer;
use quorate::tls::authority::{Authority, Purpose, Validity};
use tempfile::TempDir;

/// Holds now, and for a day.
pub(crate) fn today() -> Validity {
    let now_s = wall_ms() / 1000;
    Validity { not_before_s: now_s - 3600, not_after_s: now_s + 86_400 }
}

/// Held until an hour ago.
pub(crate) fn yesterday() -> Validity {
    let now_s = wall_ms() / 1000;
    Validity { not_before_s: now_s - 86_400, not_after_s: now_s - 3600 }
}

/// The folder.
pub(crate) struct Certs {
    dir: TempDir,
    authority: Authority,
}

impl Certs {
    /// With an authority, the certificate `node` for this machine, and the certificate `client`.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Two authorities of one name would be told apart by their signatures only.
        let authority = Authority::new(&dir.path().display().to_string(), today()).unwrap();
        let certs = Self { dir, authority };
        std::fs::write(certs.file("ca.pem"), certs.authority.certificate()).unwrap();
        certs.issue("node", Purpose::Node, today());
        certs.issue("client", Purpose::Client, today());
        certs
    }

    /// Signs one more, or one in the place of another.
    pub(crate) fn issue(&self, name: &str, purpose: Purpose, validity: Validity) {
        let hosts = ["127.0.0.1".to_owned(), "localhost".to_owned()];
        let issued = self.authority.issue(name, &hosts, purpose, validity).unwrap();
        std::fs::write(self.file(&format!("{name}.key")), issued.key).unwrap();
        std::fs::write(self.file(&format!("{name}.pem")), issued.certificate).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Has a node show the certificate of this name, to clients and peers.
    pub(crate) fn configure(&self, config: &mut Config, name: &str) {
        config.tls_cert = Some(self.file(&format!("{name}.pem")));
        config.tls_key = Some(self.file(&format!("{name}.key")));
        config.tls_ca = Some(self.file("ca.pem"));
    }

    /// A client that believes this authority and shows nothing.
    pub(crate) fn dialer(&self) -> Dialer {
        Dialer::from_files(&self.file("ca.pem"), None).unwrap()
    }

    /// The same, showing the certificate of this name.
    pub(crate) fn dialer_as(&self, name: &str) -> Dialer {
        let [cert, key] = ["pem", "key"].map(|ending| self.file(&format!("{name}.{ending}")));
        Dialer::from_files(&self.file("ca.pem"), Some((&cert, &key))).unwrap()
    }
}

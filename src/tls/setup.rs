//! Makes rustls's configurations: the one place that says which versions, which verifiers, which clock.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig, WantsVerifier};

use super::node_only::NodeOnly;
use crate::clock::wall_ms;

/// A certificate with what is behind it, and its key.
pub(super) type Own = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The wall clock: whether a certificate is expired.
#[derive(Debug)]
struct WallClock;

impl TimeProvider for WallClock {
    fn current_time(&self) -> Option<UnixTime> {
        Some(UnixTime::since_unix_epoch(Duration::from_millis(wall_ms())))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn server() -> Result<ConfigBuilder<ServerConfig, WantsVerifier>, rustls::Error> {
    ServerConfig::builder_with_details(provider(), Arc::new(WallClock)).with_safe_default_protocol_versions()
}

fn client() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_details(provider(), Arc::new(WallClock)).with_safe_default_protocol_versions()
}

/// For listeners of clients, who must show a certificate of `roots` if there are any. Then nothing is resumed either: a
/// session outlives the certificate it began with.
pub(super) fn for_clients(
    (chain, key): Own,
    roots: Option<RootCertStore>,
) -> Result<ServerConfig, rustls::Error> {
    match roots {
        Some(roots) => mutual((chain, key), verifier(roots)?),
        None => server()?.with_no_client_auth().with_single_cert(chain, key),
    }
}

/// For the listener of peers, who must show a node's certificate of `roots`. Nothing is resumed: every connection is
/// judged by what is believed when it is made.
pub(super) fn for_peers(own: Own, roots: RootCertStore) -> Result<ServerConfig, rustls::Error> {
    mutual(own, Arc::new(NodeOnly::new(verifier(roots)?)))
}

fn mutual((chain, key): Own, verifier: Arc<dyn ClientCertVerifier>) -> Result<ServerConfig, rustls::Error> {
    let mut config = server()?.with_client_cert_verifier(verifier).with_single_cert(chain, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config)
}

/// For dialling: the other end's certificate must be of `roots` and stand for the name dialled; `own` is shown if asked
/// for.
pub(super) fn for_dialling(own: Option<Own>, roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let builder = client()?.with_root_certificates(roots);
    let mut config = match own {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key)?,
        None => builder.with_no_client_auth(),
    };
    config.resumption = Resumption::disabled();
    Ok(config)
}

fn verifier(roots: RootCertStore) -> Result<Arc<dyn ClientCertVerifier>, rustls::Error> {
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|error| rustls::Error::General(error.to_string()))
}

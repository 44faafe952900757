//! The settings of TLS: which files serve whom, which of them go together, and what may be open to other machines. Pure.
//!
//! Guarantees that a configuration without problems either encrypts everything other machines can reach, or says in so
//! many words that it does not.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::Config;

/// The files of one certificate and of those it trusts, all in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and behind it those between it and the authority.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Certificates of the authorities that the other end's certificate must come from; `None`: it needs none.
    pub ca: Option<PathBuf>,
}

impl Config {
    /// What is shown to clients, by HTTP and by the Redis protocol; `None`: they are spoken to in plain text.
    pub fn client_tls(&self) -> Option<TlsFiles> {
        let ca = self.tls_client_auth.then(|| self.tls_ca.clone()).flatten();
        Some(TlsFiles { cert: self.tls_cert.clone()?, key: self.tls_key.clone()?, ca })
    }

    /// What is shown to the other nodes, and whom this one believes; `None`: they are spoken to in plain text.
    pub fn peer_tls(&self) -> Option<TlsFiles> {
        let own = self.peer_tls_cert.is_some();
        let (cert, key) = match own {
            true => (&self.peer_tls_cert, &self.peer_tls_key),
            false => (&self.tls_cert, &self.tls_key),
        };
        let ca = self.peer_tls_ca.clone().or_else(|| self.tls_ca.clone());
        Some(TlsFiles { cert: cert.clone()?, key: key.clone()?, ca })
    }

    /// Where other machines reach this node with nothing in their way, by flag and address.
    pub fn exposed(&self) -> Vec<(&'static str, SocketAddr)> {
        let (clients, peers) = (self.client_tls().is_some(), self.peer_tls().is_some());
        self.reached(clients, peers)
    }

    /// Where other machines' clients reach this node and nobody asks who they are. Peers prove themselves by certificates.
    pub fn anonymous(&self) -> Vec<(&'static str, SocketAddr)> {
        self.reached(self.auth || self.tls_client_auth, true)
    }

    /// Listeners that other machines reach, but for those of clients or of peers that are protected.
    fn reached(&self, clients: bool, peers: bool) -> Vec<(&'static str, SocketAddr)> {
        let listeners = [
            ("--http", Some(self.http), clients),
            ("--peer", Some(self.peer), peers),
            ("--resp", self.resp, clients),
            ("--resp-cluster", self.resp_cluster, clients),
        ];
        let open = listeners.into_iter().filter(|(.., protected)| !protected);
        let bound = open.filter_map(|(flag, at, _)| Some((flag, at?)));
        bound.filter(|(_, at)| !at.ip().is_loopback()).collect()
    }
}

/// Adds what is wrong with the settings of TLS to `found`.
pub(super) fn problems(config: &Config, found: &mut Vec<String>) {
    let pairs = [
        ("--tls-cert", &config.tls_cert, "--tls-key", &config.tls_key),
        ("--peer-tls-cert", &config.peer_tls_cert, "--peer-tls-key", &config.peer_tls_key),
    ];
    for (cert_flag, cert, key_flag, key) in pairs {
        if cert.is_some() != key.is_some() {
            found.push(format!("{cert_flag} and {key_flag} go together"));
        }
    }
    if config.tls_client_auth && (config.tls_cert.is_none() || config.tls_ca.is_none()) {
        found.push("--tls-client-auth required needs --tls-cert, --tls-key and --tls-ca".into());
    }
    let certified = config.tls_cert.is_some() || config.peer_tls_cert.is_some();
    if certified && config.tls_ca.is_none() && config.peer_tls_ca.is_none() {
        found
            .push("--tls-ca or --peer-tls-ca is missing: nodes with certificates verify each other's".into());
    }
    if !certified && (config.tls_ca.is_some() || config.peer_tls_ca.is_some()) {
        found.push("--tls-ca and --peer-tls-ca need a certificate: --tls-cert and --tls-key".into());
    }
    found.extend(exposure(config));
}

/// Why this node may not listen where it is told to: the secure default.
fn exposure(config: &Config) -> Vec<String> {
    let dangers = [
        (
            config.exposed(),
            "without encryption: give --tls-cert, --tls-key and --tls-ca (quorate tls init makes them)",
        ),
        (
            config.anonymous(),
            "without a token: give --auth and --root-token-file, or --tls-client-auth required",
        ),
    ];
    let found = dangers.into_iter().filter(|(open, _)| !open.is_empty() && !config.allow_insecure);
    found.map(|(open, instead)| danger(&open, instead)).collect()
}

fn danger(open: &[(&str, SocketAddr)], instead: &str) -> String {
    let open: Vec<String> = open.iter().map(|(flag, at)| format!("{flag} {at}")).collect();
    format!(
        "{} would be open to other machines {instead}, listen on 127.0.0.1, or accept it with --allow-insecure",
        open.join(" and ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One that asks for tokens.
    fn guarded() -> Config {
        Config { id: 1, auth: true, ..Config::default() }
    }

    fn secured() -> Config {
        let file = |name: &str| Some(PathBuf::from(name));
        Config { tls_cert: file("c"), tls_key: file("k"), tls_ca: file("a"), ..guarded() }
    }

    fn open(config: Config) -> Config {
        Config { http: ([0, 0, 0, 0], 7070).into(), peer: ([10, 0, 0, 1], 7170).into(), ..config }
    }

    fn found(config: &Config) -> Vec<String> {
        let mut found = Vec::new();
        problems(config, &mut found);
        found
    }

    #[track_caller]
    fn assert_problem(config: Config, part: &str) {
        let found = found(&config);
        assert!(found.len() == 1 && found[0].contains(part), "{found:?}");
    }

    #[test]
    fn what_others_can_reach_is_encrypted_or_said_not_to_be() {
        let plain = open(guarded());
        assert_problem(plain.clone(), "--http 0.0.0.0:7070 and --peer 10.0.0.1:7170 would be open");
        assert_eq!(found(&Config { allow_insecure: true, ..plain }), [""; 0]);
        assert_eq!(found(&open(secured())), [""; 0]);
        assert_eq!(found(&Config::default()), [""; 0]);
        // Each listener counts alone.
        let resp = Some(([192, 168, 0, 1], 7270).into());
        assert_problem(Config { resp, ..guarded() }, "--resp 192.168.0.1:7270 would");
        assert_problem(Config { resp_cluster: resp, ..guarded() }, "--resp-cluster 192");
    }

    #[test]
    fn who_asks_from_elsewhere_is_asked_who_he_is_or_that_is_said_too() {
        let anonymous = open(Config { auth: false, ..secured() });
        assert_problem(
            anonymous.clone(),
            "--http 0.0.0.0:7070 would be open to other machines without a token",
        );
        assert_eq!(found(&Config { tls_client_auth: true, ..anonymous.clone() }), [""; 0]);
        assert_eq!(found(&Config { allow_insecure: true, ..anonymous }), [""; 0]);
        assert_eq!(found(&open(Config { auth: false, ..guarded() })).len(), 2, "both dangers are told");
    }

    #[test]
    fn certificates_of_peers_do_not_encrypt_clients() {
        let peers_only = Config {
            peer_tls_cert: Some("c".into()),
            peer_tls_key: Some("k".into()),
            peer_tls_ca: Some("a".into()),
            ..guarded()
        };
        assert_eq!(found(&peers_only), [""; 0]);
        assert_problem(open(peers_only), "--http 0.0.0.0:7070 would be open");
    }

    #[test]
    fn files_that_go_together_are_asked_for() {
        assert_problem(Config { tls_key: None, ..secured() }, "--tls-cert and --tls-key go together");
        assert_problem(Config { peer_tls_cert: Some("c".into()), ..secured() }, "--peer-tls-key go together");
        assert_problem(Config { tls_ca: None, ..secured() }, "--tls-ca or --peer-tls-ca is missing");
        let no_cert = Config { tls_ca: Some("a".into()), ..Config::default() };
        assert_problem(no_cert, "need a certificate");
        let asks = Config { tls_client_auth: true, ..Config::default() };
        assert_problem(asks, "--tls-client-auth required needs");
    }

    #[test]
    fn peers_use_the_files_of_clients_unless_they_have_their_own() {
        let config = secured();
        let shared = TlsFiles { cert: "c".into(), key: "k".into(), ca: Some("a".into()) };
        assert_eq!(config.peer_tls(), Some(shared.clone()));
        assert_eq!(config.client_tls(), Some(TlsFiles { ca: None, ..shared.clone() }));
        assert_eq!(Config { tls_client_auth: true, ..config.clone() }.client_tls(), Some(shared.clone()));
        let other_ca = Config { peer_tls_ca: Some("pa".into()), ..config.clone() };
        assert_eq!(other_ca.peer_tls(), Some(TlsFiles { ca: Some("pa".into()), ..shared.clone() }));
        let (peer_tls_cert, peer_tls_key) = (Some("pc".into()), Some("pk".into()));
        let own = Config { peer_tls_cert, peer_tls_key, ..config };
        assert_eq!(own.peer_tls(), Some(TlsFiles { cert: "pc".into(), key: "pk".into(), ..shared }));
    }
}

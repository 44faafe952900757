//! The settings of TLS and of tokens.

use std::path::PathBuf;

use super::Setting;
use super::read::{put, text, yes_no};

const fn file(
    name: &'static str,
    help: &'static str,
    apply: fn(&mut super::Settings, &str) -> Result<(), String>,
) -> Setting {
    Setting { name, value: "FILE", default: None, help, apply }
}

fn path(given: &str) -> Result<Option<PathBuf>, String> {
    text(given).map(|text| Some(text.into()))
}

fn off_required(text: &str) -> Result<bool, String> {
    match text {
        "off" => Ok(false),
        "required" => Ok(true),
        _ => Err(format!("`{text}` is neither off nor required")),
    }
}

pub(super) const TLS_CERT: Setting = file(
    "tls-cert",
    "Certificate of this node, PEM: clients of HTTP and of the Redis protocol then speak TLS, and so do peers",
    |s, t| put(&mut s.node.tls_cert, path(t)),
);
pub(super) const TLS_KEY: Setting =
    file("tls-key", "Its private key, PEM", |s, t| put(&mut s.node.tls_key, path(t)));
pub(super) const TLS_CA: Setting = file(
    "tls-ca",
    "Authorities that certificates of peers, and of clients if asked for, must come from, PEM",
    |s, t| put(&mut s.node.tls_ca, path(t)),
);
pub(super) const TLS_CLIENT_AUTH: Setting = Setting {
    name: "tls-client-auth",
    value: "off|required",
    default: Some("off"),
    help: "Whether clients must show a certificate of --tls-ca",
    apply: |s, t| put(&mut s.node.tls_client_auth, off_required(t)),
};
pub(super) const PEER_TLS_CERT: Setting =
    file("peer-tls-cert", "Certificate of this node for its peers, if it differs from --tls-cert", |s, t| {
        put(&mut s.node.peer_tls_cert, path(t))
    });
pub(super) const PEER_TLS_KEY: Setting =
    file("peer-tls-key", "Its private key", |s, t| put(&mut s.node.peer_tls_key, path(t)));
pub(super) const PEER_TLS_CA: Setting =
    file("peer-tls-ca", "Authorities of peers, if they differ from --tls-ca", |s, t| {
        put(&mut s.node.peer_tls_ca, path(t))
    });
pub(super) const ALLOW_INSECURE: Setting = Setting {
    name: "allow-insecure",
    value: "yes|no",
    default: Some("no"),
    help: "Whether other machines may reach this node without encryption; without it such a start is refused",
    apply: |s, t| put(&mut s.node.allow_insecure, yes_no(t)),
};
pub(super) const AUTH: Setting = Setting {
    name: "auth",
    value: "yes|no",
    default: Some("no"),
    help: "Whether clients need a token; needs --root-token-file",
    apply: |s, t| put(&mut s.node.auth, yes_no(t)),
};
pub(super) const ROOT_TOKEN_FILE: Setting = Setting {
    name: "root-token-file",
    value: "FILE",
    default: None,
    help: "File of the token that allows everything and makes the others; the same on every node",
    apply: |s, t| put(&mut s.node.root_token_file, text(t).map(|file| Some(file.into()))),
};
pub(super) const METRICS_OPEN: Setting = Setting {
    name: "metrics-open",
    value: "yes|no",
    default: Some("no"),
    help: "Whether /metrics needs no token although --auth is on",
    apply: |s, t| put(&mut s.node.metrics_open, yes_no(t)),
};

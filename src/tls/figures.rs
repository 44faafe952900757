//! The figures of TLS, in Prometheus's text format. Every row is there from the start, so nobody can add one.

use std::fmt::Write;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustls::{AlertDescription, CertificateError, Error};

use super::identity::Audience;

/// Where a handshake took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    Http,
    Resp,
    Peer,
    /// This node dialled a peer.
    Dial,
}

const PORTS: [Port; 4] = [Port::Http, Port::Resp, Port::Peer, Port::Dial];

impl Port {
    /// Its name in metrics and in the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Resp => "resp",
            Self::Peer => "peer",
            Self::Dial => "dial",
        }
    }
}

/// Why a handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The other end does not speak TLS.
    Plaintext,
    Timeout,
    /// The other end closed.
    Closed,
    /// It shows no certificate where one is due.
    NoCertificate,
    /// Its certificate holds no more, or not yet.
    Expired,
    /// Its certificate is of no authority that is believed here.
    Untrusted,
    /// Its certificate is another's, or not for this.
    Unfit,
    /// It refused this end, for a reason of its own.
    Refused,
    /// Anything else that is no proper TLS.
    Protocol,
}

const REASONS: [(Reason, &str); 9] = [
    (Reason::Plaintext, "plaintext"),
    (Reason::Timeout, "timeout"),
    (Reason::Closed, "closed"),
    (Reason::NoCertificate, "no-certificate"),
    (Reason::Expired, "expired"),
    (Reason::Untrusted, "untrusted"),
    (Reason::Unfit, "unfit"),
    (Reason::Refused, "refused"),
    (Reason::Protocol, "protocol"),
];

impl Reason {
    /// The reason behind an error of a handshake.
    pub(super) fn of(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            None => Self::Closed,
            Some(Error::NoCertificatesPresented) => Self::NoCertificate,
            Some(Error::AlertReceived(AlertDescription::CloseNotify)) => Self::Closed,
            Some(Error::AlertReceived(_)) => Self::Refused,
            Some(Error::InvalidCertificate(error)) => Self::of_certificate(error),
            Some(_) => Self::Protocol,
        }
    }

    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as E;
        match error {
            E::Expired | E::ExpiredContext { .. } | E::NotValidYet | E::NotValidYetContext { .. } => {
                Self::Expired
            }
            E::UnknownIssuer | E::BadSignature => Self::Untrusted,
            _ => Self::Unfit,
        }
    }
}

/// What became of files that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reload {
    Used,
    Refused,
}

/// The counters of a process.
#[derive(Debug, Default)]
pub(super) struct Figures {
    done: [AtomicU64; PORTS.len()],
    failed: [[AtomicU64; REASONS.len()]; PORTS.len()],
    /// By audience, then used and refused.
    reloads: [[AtomicU64; 2]; 2],
}

impl Figures {
    /// Counts a handshake.
    pub(super) fn done(&self, port: Port) {
        self.done[port as usize].fetch_add(1, Relaxed);
    }

    /// Counts one that failed.
    pub(super) fn failed(&self, port: Port, reason: Reason) {
        self.failed[port as usize][reason as usize].fetch_add(1, Relaxed);
    }

    /// Counts files that changed.
    pub(super) fn reloaded(&self, audience: Audience, reload: Reload) {
        self.reloads[audience as usize][reload as usize].fetch_add(1, Relaxed);
    }

    /// All of them, with until when these certificates hold; without certificates there is nothing to count.
    pub(super) fn text(&self, expiries: &[(Audience, i64)]) -> String {
        let mut text = String::new();
        head(&mut text, "certificate_expiry_timestamp_seconds", "gauge");
        for (audience, at_s) in expiries {
            let labels = format!("certificate=\"{}\"", audience.name());
            line(
                &mut text,
                "certificate_expiry_timestamp_seconds",
                &labels,
                u64::try_from(*at_s).unwrap_or(0),
            );
        }
        head(&mut text, "reloads_total", "counter");
        for (audience, _) in expiries {
            for (outcome, reload) in [("used", Reload::Used), ("refused", Reload::Refused)] {
                let labels = format!("certificate=\"{}\",outcome=\"{outcome}\"", audience.name());
                let count = self.reloads[*audience as usize][reload as usize].load(Relaxed);
                line(&mut text, "reloads_total", &labels, count);
            }
        }
        let ports = if expiries.is_empty() { &[][..] } else { &PORTS };
        self.handshakes(ports, &mut text);
        text
    }

    fn handshakes(&self, ports: &[Port], text: &mut String) {
        head(text, "handshakes_total", "counter");
        for port in ports {
            let labels = format!("listener=\"{}\"", port.name());
            line(text, "handshakes_total", &labels, self.done[*port as usize].load(Relaxed));
        }
        head(text, "handshakes_failed_total", "counter");
        for port in ports {
            for (reason, name) in REASONS {
                let labels = format!("listener=\"{}\",reason=\"{name}\"", port.name());
                let count = self.failed[*port as usize][reason as usize].load(Relaxed);
                line(text, "handshakes_failed_total", &labels, count);
            }
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "# TYPE quorate_tls_{name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: u64) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "quorate_tls_{name}{{{labels}}} {value}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_place() {
        assert!(PORTS.iter().enumerate().all(|(at, port)| *port as usize == at));
        assert!(REASONS.iter().enumerate().all(|(at, (reason, _))| *reason as usize == at));
    }

    #[test]
    fn what_happened_is_shown_by_place_and_reason() {
        let figures = Figures::default();
        figures.failed(Port::Peer, Reason::Expired);
        figures.done(Port::Http);
        figures.reloaded(Audience::Peers, Reload::Refused);
        let text = figures.text(&[(Audience::Clients, 1_900_000_000), (Audience::Peers, 1_800_000_000)]);
        let samples: Vec<&str> =
            text.lines().filter(|line| !line.starts_with('#') && !line.ends_with(" 0")).collect();
        let expected = [
            "quorate_tls_certificate_expiry_timestamp_seconds{certificate=\"client\"} 1900000000",
            "quorate_tls_certificate_expiry_timestamp_seconds{certificate=\"peer\"} 1800000000",
            "quorate_tls_reloads_total{certificate=\"peer\",outcome=\"refused\"} 1",
            "quorate_tls_handshakes_total{listener=\"http\"} 1",
            "quorate_tls_handshakes_failed_total{listener=\"peer\",reason=\"expired\"} 1",
        ];
        assert_eq!(samples, expected);
        assert!(figures.text(&[]).lines().all(|line| line.starts_with("# TYPE ")));
    }
}

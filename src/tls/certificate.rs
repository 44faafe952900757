//! What a certificate says about itself.

use std::net::IpAddr;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The parts people and alerts ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Whom it is for.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The names and addresses it stands for.
    pub names: Vec<String>,
    /// Whether it may sign others.
    pub authority: bool,
    /// Whether it may be a node's; a client's may not.
    pub serves: bool,
    /// From when it holds, s since 1970.
    pub not_before_s: i64,
    /// Until when, s since 1970.
    pub not_after_s: i64,
}

/// Why bytes are no certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotACertificate {
    /// Not even in PEM form.
    #[error("no certificate in PEM form")]
    Pem,
    /// Damaged, or of a kind nobody knows.
    #[error("not a certificate: {0}")]
    Der(String),
}

impl Certificate {
    /// Every certificate in PEM text; at least one.
    ///
    /// # Errors
    /// There is none, or one cannot be read.
    pub fn all(pem: &[u8]) -> Result<Vec<Self>, NotACertificate> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|_| NotACertificate::Pem)?;
        if found.is_empty() {
            return Err(NotACertificate::Pem);
        }
        found.iter().map(|der| Self::of(der)).collect()
    }

    /// The certificate in these bytes.
    ///
    /// # Errors
    /// They are none.
    pub fn of(der: &[u8]) -> Result<Self, NotACertificate> {
        let wrong = |error: &dyn std::fmt::Display| NotACertificate::Der(error.to_string());
        let (_, parsed) = X509Certificate::from_der(der).map_err(|error| wrong(&error))?;
        let names = parsed.subject_alternative_name().map_err(|error| wrong(&error))?;
        let names = names.map(|names| names.value.general_names.iter().map(name).collect());
        Ok(Self {
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names: names.unwrap_or_default(),
            authority: parsed.is_ca(),
            serves: may_serve(der),
            not_before_s: parsed.validity().not_before.timestamp(),
            not_after_s: parsed.validity().not_after.timestamp(),
        })
    }
}

/// A point in time as people write it, in UTC.
pub fn date(at_s: i64) -> String {
    let since = std::time::Duration::from_secs(u64::try_from(at_s).unwrap_or(0));
    let at = rcgen::date_time_ymd(1970, 1, 1) + since;
    format!("{} {:02}:{:02} UTC", at.date(), at.hour(), at.minute())
}

/// Whether a certificate may be a server's: what is not restricted may be anybody's.
pub(super) fn may_serve(der: &[u8]) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(der) else { return false };
    match parsed.extended_key_usage() {
        Ok(None) => true,
        Ok(Some(usage)) => usage.value.server_auth || usage.value.any,
        Err(_) => false,
    }
}

fn name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(name) => (*name).to_owned(),
        GeneralName::IPAddress(bytes) => address(bytes).unwrap_or_else(|| format!("{bytes:02x?}")),
        other => other.to_string(),
    }
}

fn address(bytes: &[u8]) -> Option<String> {
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
    };
    Some(address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::authority::{Authority, Purpose, Validity};

    const VALID: Validity = Validity { not_before_s: 1_000_000_000, not_after_s: 2_000_000_000 };

    #[test]
    fn a_certificate_tells_whom_it_is_for_by_whom_and_until_when() {
        let authority = Authority::new("Test CA", VALID).unwrap();
        let hosts = ["node-1".to_owned(), "10.0.0.1".to_owned(), "::1".to_owned()];
        let issued = authority.issue("node one", &hosts, Purpose::Node, VALID).unwrap();
        let all = Certificate::all(issued.certificate.as_bytes()).unwrap();
        let expected = Certificate {
            subject: "CN=node one".into(),
            issuer: "CN=Test CA".into(),
            names: hosts.to_vec(),
            authority: false,
            serves: true,
            not_before_s: 1_000_000_000,
            not_after_s: 2_000_000_000,
        };
        assert_eq!(all, [expected]);
        assert!(Certificate::all(authority.certificate().as_bytes()).unwrap()[0].authority);
    }

    #[test]
    fn dates_are_readable() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(1_795_216_983), "2026-11-20 23:23 UTC");
    }

    #[test]
    fn what_is_no_certificate_is_said_to_be_none() {
        assert_eq!(Certificate::all(b"hello"), Err(NotACertificate::Pem));
        assert!(matches!(Certificate::of(b"hello"), Err(NotACertificate::Der(_))));
        let broken = b"-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert!(matches!(Certificate::all(broken), Err(NotACertificate::Der(_))));
    }
}

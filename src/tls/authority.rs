//! A small certificate authority: for development, for tests, and for clusters that have no other.
//!
//! Pure but for the random numbers in keys: time comes from the caller, files are the caller's.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};

/// When a certificate holds, s since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// From when.
    pub not_before_s: u64,
    /// Until when.
    pub not_after_s: u64,
}

/// What a certificate may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To serve clients and peers, and to dial peers.
    Node,
    /// To be a client, never a node.
    Client,
}

/// A certificate and its key, both in PEM form.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// Why a certificate cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AuthorityError(#[from] rcgen::Error);

/// An authority with its key.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    /// A new one, which signed itself.
    ///
    /// # Errors
    /// No key can be made.
    pub fn new(name: &str, validity: Validity) -> Result<Self, AuthorityError> {
        let mut params = named(name, validity);
        // It signs nodes and clients, never other authorities.
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    /// One that was made before, from its certificate and key in PEM form.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn open(certificate: &str, key: &str) -> Result<Self, AuthorityError> {
        let issuer = Issuer::from_ca_cert_pem(certificate, KeyPair::from_pem(key)?)?;
        Ok(Self { issuer, certificate: certificate.to_owned() })
    }

    /// Its certificate in PEM form.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Its private key in PEM form.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Signs a certificate for `name`, which stands for `hosts`: names and addresses.
    ///
    /// # Errors
    /// A host is no name.
    pub fn issue(
        &self,
        name: &str,
        hosts: &[String],
        purpose: Purpose,
        validity: Validity,
    ) -> Result<Issued, AuthorityError> {
        let key = KeyPair::generate()?;
        let certificate = self.sign(&key, name, hosts, purpose, validity)?;
        Ok(Issued { certificate, key: key.serialize_pem() })
    }

    /// The same for a key there is already, in PEM form; the certificate alone.
    ///
    /// # Errors
    /// The key cannot be read, or a host is no name.
    pub fn renew(
        &self,
        key: &str,
        name: &str,
        hosts: &[String],
        purpose: Purpose,
        validity: Validity,
    ) -> Result<String, AuthorityError> {
        self.sign(&KeyPair::from_pem(key)?, name, hosts, purpose, validity)
    }

    fn sign(
        &self,
        key: &KeyPair,
        name: &str,
        hosts: &[String],
        purpose: Purpose,
        validity: Validity,
    ) -> Result<String, AuthorityError> {
        let mut params = CertificateParams::new(hosts)?;
        let CertificateParams { distinguished_name, not_before, not_after, .. } = named(name, validity);
        (params.distinguished_name, params.not_before, params.not_after) =
            (distinguished_name, not_before, not_after);
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = match purpose {
            Purpose::Node => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            Purpose::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
        };
        Ok(params.signed_by(key, &self.issuer)?.pem())
    }
}

fn named(name: &str, validity: Validity) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    params.not_before = epoch + std::time::Duration::from_secs(validity.not_before_s);
    params.not_after = epoch + std::time::Duration::from_secs(validity.not_after_s);
    params
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::certificate::{Certificate, may_serve};
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject;

    const VALID: Validity = Validity { not_before_s: 0, not_after_s: 4_000_000_000 };

    #[test]
    fn an_authority_that_is_opened_again_signs_as_before() {
        let first = Authority::new("CA", VALID).unwrap();
        let again = Authority::open(first.certificate(), &first.key()).unwrap();
        let issued = again.issue("n", &["localhost".to_owned()], Purpose::Node, VALID).unwrap();
        let certificate = &Certificate::all(issued.certificate.as_bytes()).unwrap()[0];
        assert_eq!(certificate.issuer, "CN=CA");
        assert!(Authority::open("nonsense", &first.key()).is_err());
    }

    #[test]
    fn a_clients_certificate_may_not_serve() {
        let authority = Authority::new("CA", VALID).unwrap();
        for (purpose, serves) in [(Purpose::Node, true), (Purpose::Client, false)] {
            let issued = authority.issue("n", &[], purpose, VALID).unwrap();
            let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();
            assert_eq!(may_serve(&der), serves);
        }
    }
}

//! A certificate authority of the simulator's own, made anew at each start, and one server certificate signed by it.

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;

/// The authority's certificate as PEM, and what a TLS listener needs.
pub(crate) struct Authority {
    pub(crate) pem: String,
    pub(crate) server: Arc<ServerConfig>,
}

/// Makes the authority and a certificate for loopback and for `names` besides.
pub(crate) fn make(names: &[String]) -> anyhow::Result<Authority> {
    let ca_key = KeyPair::generate().context("cannot create the CA's key")?;
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "idhook simulator CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    validity(&mut ca);
    let ca_certificate = ca.self_signed(&ca_key).context("cannot sign the CA")?;
    let issuer = Issuer::new(ca, ca_key);

    let mut subjects = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    subjects.extend(names.iter().cloned());
    let key = KeyPair::generate().context("cannot create the server's key")?;
    let mut leaf = CertificateParams::new(subjects).context("a name for the certificate is invalid")?;
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Strict verifiers (Python 3.13) refuse a leaf without it.
    leaf.use_authority_key_identifier_extension = true;
    validity(&mut leaf);
    let leaf = leaf.signed_by(&key, &issuer).context("cannot sign the server's certificate")?;

    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![leaf.der().clone(), ca_certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )?;
    Ok(Authority { pem: ca_certificate.pem(), server: Arc::new(server) })
}

/// Long ago until far ahead, but within the years that every verifier can read (two-digit UTCTime ends in 2049).
fn validity(params: &mut CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 12, 31);
}

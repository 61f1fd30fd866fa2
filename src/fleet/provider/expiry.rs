//! Expiry dates of an identity provider's certificates.

use std::borrow::Cow;
use std::time::SystemTime;

use super::{DomainController, FederatedIdentityProvider};
use crate::certificate::{self, CertificateFacts};

/// The certificates in one entry of an identity provider, expired ones included.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct EntryCertificates {
    /// Their owner: the provider's name, a domain controller's host or a directory's name.
    pub(crate) owner: String,
    /// The certificates; none if the entry cannot be read.
    pub(crate) certificates: Vec<CertificateFacts>,
}

impl FederatedIdentityProvider {
    /// Its certificates and those of its directories' domain controllers, entry by entry.
    pub(crate) fn certificates(&self, now: SystemTime) -> Vec<EntryCertificates> {
        let mut entries = Vec::new();
        let mut add = |pointer: &str, owner: Option<&str>, entry: &str| {
            let mut certificates = Vec::new();
            certificate::add_facts(pointer, entry, now, &mut certificates);
            entries.push(EntryCertificates { owner: owner.unwrap_or("?").to_owned(), certificates });
        };
        for (at, entry) in entries_of(&self.certificate_chain).iter().enumerate() {
            add(&format!("/certificateChain/{at}"), self.name.as_deref(), entry);
        }
        for (index, directory) in self.synced().iter().enumerate() {
            let Some(bind) = &directory.ldap_bind_configuration else { continue };
            let at = format!("/provisioningConfig/ldapConfigurations/{index}/ldapBindConfiguration");
            for (position, entry) in entries_of(&bind.dns_lookup_certificate_chain).iter().enumerate() {
                add(&format!("{at}/dnsLookupCertificateChain/{position}"), directory.name.as_deref(), entry);
            }
            let hosts = [
                ("primaryDomainController", &bind.primary_domain_controller),
                ("secondaryDomainController", &bind.secondary_domain_controller),
            ];
            for (name, host) in hosts {
                let Some(DomainController { host, certificate: Some(entry), .. }) = host else { continue };
                add(&format!("{at}/{name}/certificate"), host.as_deref(), entry);
            }
        }
        entries
    }
}

fn entries_of(chain: &Option<Vec<String>>) -> Cow<'_, [String]> {
    certificate::joined(chain.as_deref().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::time::Duration;

    #[test]
    fn certificates_of_every_place_are_listed() {
        let expired = include_str!("../../../tests/fixtures/vcf/expired.pem");
        let provider: FederatedIdentityProvider = serde_json::from_value(json!({
            "name": "Corp AD", "certificateChain": [expired],
            "provisioningConfig": {"ldapConfigurations": [{"name": "corp", "ldapBindConfiguration": {
                "dnsLookupCertificateChain": [expired, "???"],
                "primaryDomainController": {"host": "dc1", "certificate": expired},
                "secondaryDomainController": {"certificate": expired},
            }}, {"name": "lab"}]}
        }))
        .unwrap();
        // 2027-01-01T00:00:00Z.
        let found = provider.certificates(SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600));
        let bind = "/provisioningConfig/ldapConfigurations/0/ldapBindConfiguration";
        let seen: Vec<_> = found
            .iter()
            .map(|entry| {
                let first = entry.certificates.first().map(|facts| (facts.pointer.clone(), facts.expires_in_days));
                (entry.owner.as_str(), first)
            })
            .collect();
        let at = |pointer: String| Some((pointer, -2376));
        assert_eq!(
            seen,
            [
                ("Corp AD", at("/certificateChain/0".to_owned())),
                ("corp", at(format!("{bind}/dnsLookupCertificateChain/0"))),
                ("corp", None),
                ("dc1", at(format!("{bind}/primaryDomainController/certificate"))),
                ("?", at(format!("{bind}/secondaryDomainController/certificate"))),
            ]
        );
    }
}

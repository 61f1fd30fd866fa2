//! Expiry dates at SDDC Manager: the certificates of directories, and the SCIM token of a federated provider.

use std::time::SystemTime;

use crate::certificate::{self, CertificateFacts};
use crate::upstream::read_time;
use crate::vcf::model::{LdapInfo, SyncClientTokenInfo};

impl LdapInfo {
    /// The trusted certificates of its servers, expired ones included; pointers are relative to this object. Unreadable ones
    /// are skipped.
    #[must_use]
    pub fn certificates(&self, now: SystemTime) -> Vec<CertificateFacts> {
        let mut facts = Vec::new();
        let chain = self.source_details.as_ref().and_then(|details| details.cert_chain.as_deref());
        for (at, entry) in chain.unwrap_or_default().iter().enumerate() {
            certificate::add_facts(&format!("/sourceDetails/certChain/{at}"), entry, now, &mut facts);
        }
        facts
    }
}

impl SyncClientTokenInfo {
    /// Whole days until the token expires, negative once it has expired; `None` if `expireAt` cannot be read. The vendor
    /// documents it as "the seconds at which the token expires" with type string, so numbers and dates
    /// are both read.
    #[must_use]
    pub fn expires_in_days(&self, now: SystemTime) -> Option<i64> {
        let time = read_time(&self.expire_at.as_deref()?.into())?;
        Some(certificate::days_until(time, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vcf::IdentityProviders;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use std::time::Duration;

    /// 2027-01-01T00:00:00Z.
    fn now() -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600)
    }

    #[test]
    fn certificates_are_listed_with_remaining_days() {
        let list = include_str!("../../tests/fixtures/vcf/identity-providers.answer.json");
        let mut list: IdentityProviders = serde_json::from_str(list).unwrap();
        let source = &mut list.elements[0].identity_sources.as_mut().unwrap()[2];
        let ldap = source.ldap.as_mut().unwrap();
        assert_eq!(ldap.certificates(now()), []);
        let chain = [
            include_str!("../../tests/fixtures/vcf/chain.pem"),
            "???",
            include_str!("../../tests/fixtures/vcf/expired.pem"),
        ];
        ldap.source_details.as_mut().unwrap().cert_chain = Some(chain.map(|pem| STANDARD.encode(pem)).into());
        let told: Vec<_> = ldap
            .certificates(now())
            .into_iter()
            .map(|facts| (facts.pointer, facts.subject, facts.expires_in_days))
            .collect();
        let line = |at, subject: &str, days| (format!("/sourceDetails/certChain/{at}"), subject.to_owned(), days);
        assert_eq!(
            told,
            [
                line(0, "CN=Corp Issuing CA,DC=corp,DC=example", 1461),
                line(0, "CN=Corp Root CA,DC=corp,DC=example", 6940),
                line(2, "CN=Corp Old CA,DC=corp,DC=example", -2376),
            ]
        );
    }

    #[test]
    fn token_expiry_is_read_in_every_form() {
        let days = |text: &str| {
            let info = SyncClientTokenInfo { expire_at: Some(text.to_owned()), ..SyncClientTokenInfo::default() };
            info.expires_in_days(now())
        };
        for (text, left) in [
            ("2027-01-03T00:00:00Z", Some(2)),
            ("2027-01-03T00:00:00.000Z", Some(2)),
            ("2027-01-02T23:59:59Z", Some(1)),
            ("2026-12-31T23:59:59Z", Some(-1)),
            ("2027-01-03T01:00:00.000+0100", Some(2)),
            (" 1798934400 ", Some(2)),
            ("1798934400000", Some(2)),
            ("soon", None),
            ("", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(days(text), left, "{text}");
        }
        assert_eq!(SyncClientTokenInfo::default().expires_in_days(now()), None);
    }
}

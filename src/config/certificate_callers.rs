//! Callers with a client certificate, which the operator's proxy verifies, in the JSON variable `certificate_callers`.

use serde::Deserialize;
use serde_json::Value;

use super::Reader;
use super::error::Place;
use super::grant::{self, Grant, IsTarget};
use super::key_digest::{MOST_KEYS, hex32};
use crate::certificate::{AlternativeName, RequiredCertificate};
use crate::dn;

/// The variable.
const NAME: &str = "certificate_callers";

/// A caller that authenticates with a client certificate.
#[derive(Debug, Clone)]
pub(crate) struct CertificateCaller {
    /// Its name and permissions.
    pub(crate) grant: Grant,
    /// What its certificate must have.
    pub(crate) certificate: RequiredCertificate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Entry {
    /// The caller's name, for the log. Unique among all callers.
    name: String,
    /// The certificate's whole subject (RFC 4514), as `openssl x509 -noout -subject -nameopt RFC2253` prints it:
    /// `CN=aria,OU=Automation,O=Corp`. Compared exactly. At least one of `subject`, `san` and `sha256` is required.
    subject: Option<String>,
    /// One of the certificate's alternative names: `DNS:aria.corp.example`, `URI:spiffe://corp.example/ns/ci/sa/aria`,
    /// `email:aria@corp.example` or `UPN:svc-aria@corp.example`. There are no wildcards.
    san: Option<String>,
    /// The SHA-256 fingerprint of the certificate, or a list of 1 to 8: one of these certificates.
    sha256: Option<Value>,
    /// The subject of the CA that issued the certificate, if the proxy trusts several.
    issuer: Option<String>,
    /// The caller's scopes; at least one.
    scopes: Vec<String>,
    /// The targets that the caller may use, as `NAME`, `vidm/NAME`, `vcf/NAME` or `fleet/NAME`. Without it: all targets.
    targets: Option<Vec<String>>,
    /// The addresses and networks that the caller's requests may come from, as in `api_keys`. Without it: any.
    from: Option<Vec<String>>,
}

/// Reads the callers. `taken` collects the callers' names.
pub(super) fn read(
    reader: &mut Reader<'_>,
    taken: &mut Vec<String>,
    is_target: IsTarget<'_>,
) -> Vec<CertificateCaller> {
    let mut callers = Vec::new();
    for (at, entry) in grant::entries::<Entry>(reader, NAME).unwrap_or_default().into_iter().enumerate() {
        let mut grant = grant::read(reader, (NAME, at), (entry.name, &entry.scopes, entry.targets), taken, is_target);
        grant.from = entry.from.map(|texts| grant::networks(reader, (NAME, at), &texts));
        if entry.subject.is_none() && entry.san.is_none() && entry.sha256.is_none() {
            reader.problem(
                Place::in_entry(NAME, at, ""),
                "fits every certificate that the proxy accepts; add subject, san or sha256",
            );
        }
        let certificate = RequiredCertificate {
            issuer: entry.issuer.and_then(|text| name(reader, (at, ".issuer"), &text)),
            subject: entry.subject.and_then(|text| name(reader, (at, ".subject"), &text)),
            san: entry.san.and_then(|text| alternative_name(reader, at, &text)),
            sha256: entry.sha256.map(|value| fingerprints(reader, at, value)).unwrap_or_default(),
        };
        callers.push(CertificateCaller { grant, certificate });
    }
    callers
}

/// A distinguished name.
fn name(reader: &mut Reader<'_>, (at, field): (usize, &str), text: &str) -> Option<String> {
    let name = match text.trim() {
        text if text.starts_with('/') => Err("is written with slashes; write it as CN=aria,OU=Automation,O=Corp"),
        text => dn::tidy(text),
    };
    name.map_err(|fault| reader.problem(Place::in_entry(NAME, at, field), fault)).ok()
}

fn alternative_name(reader: &mut Reader<'_>, at: usize, text: &str) -> Option<AlternativeName> {
    let name = AlternativeName::parse(text);
    if name.is_none() {
        let kinds = AlternativeName::KINDS.map(|kind| format!("{kind}:…")).join(", ");
        reader.wrong(Place::in_entry(NAME, at, ".san"), text, format!("; use one of {kinds}"));
    }
    name
}

fn fingerprints(reader: &mut Reader<'_>, at: usize, value: Value) -> Vec<[u8; 32]> {
    const FAULT: &str =
        "is not 64 hexadecimal digits; print them with: openssl x509 -noout -fingerprint -sha256 -in client.pem";
    let (texts, is_list) = match value {
        Value::Array(texts) => (texts, true),
        one => (vec![one], false),
    };
    if texts.is_empty() || texts.len() > MOST_KEYS {
        let place = Place::in_entry(NAME, at, ".sha256");
        reader.problem(place, format!("has {} fingerprints; use 1 to {MOST_KEYS}", texts.len()));
    }
    let mut fingerprints = Vec::new();
    for (which, text) in texts.iter().enumerate() {
        match text.as_str().and_then(|text| hex32(&text.replace(':', ""))) {
            Some(fingerprint) => fingerprints.push(fingerprint),
            None => {
                let path = if is_list { format!(".sha256[{which}]") } else { ".sha256".to_owned() };
                reader.problem(Place::in_entry(NAME, at, &path), FAULT);
            }
        }
    }
    fingerprints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};
    use serde_json::json;

    const SHA256: &str = "6CA13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";

    fn parse(entries: &Value, key: Option<&str>) -> Result<Config, Vec<ConfigError>> {
        Config::parse(|name| match name {
            "vcf_url" => Some("https://s".to_owned()),
            "vcf_username" => Some("user@vsphere.local".to_owned()),
            "vcf_password" => Some("user".to_owned()),
            "certificate_callers" => Some(entries.to_string()),
            "proxy_key_sha256" => key.map(str::to_owned),
            _ => None,
        })
    }

    #[test]
    fn caller_with_a_certificate_needs_no_api_key_beside_it() {
        let colons =
            SHA256.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).unwrap()).collect::<Vec<_>>().join(":");
        let entries = json!([
            {"name": "aria", "subject": " CN=aria, OU=Automation,O=Corp", "scopes": ["vcf:read"], "targets": ["default"]},
            {"name": "mesh", "san": "uri:spiffe://corp.example/ns/ci/sa/deploy", "issuer": "CN=Mesh CA", "scopes": ["vcf:read"]},
            {"name": "pinned", "sha256": [SHA256, colons], "scopes": ["vcf:read"], "from": ["10.0.0.0/8"]},
        ]);
        let config = parse(&entries, Some(SHA256)).unwrap();
        let [aria, mesh, pinned] = config.certificate_callers.as_slice() else { panic!() };
        assert_eq!(aria.certificate.subject.as_deref(), Some("CN=aria,OU=Automation,O=Corp"));
        assert_eq!((mesh.certificate.issuer.as_deref(), &mesh.certificate.subject), (Some("CN=Mesh CA"), &None));
        assert!(mesh.certificate.san.is_some() && !aria.grant.is_for("vidm", "other"));
        assert_eq!(pinned.certificate.sha256[0], pinned.certificate.sha256[1]);
        assert!(!pinned.grant.is_from(Some("192.0.2.7".parse().unwrap())));
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    }

    #[test]
    fn mistakes_are_named_with_their_fix() {
        let entry = |more: Value| {
            let mut entry = json!({"name": "a", "scopes": ["vcf:read"]});
            for (name, value) in more.as_object().unwrap() {
                entry[name] = value.clone();
            }
            json!([entry])
        };
        for (entries, place, says) in [
            (entry(json!({})), "certificate_callers[0]", "fits every certificate"),
            (entry(json!({"issuer": "CN=Corp CA"})), "certificate_callers[0]", "add subject, san or sha256"),
            (entry(json!({"subject": "aria"})), "certificate_callers[0].subject", "is not a distinguished name"),
            (entry(json!({"subject": ""})), "certificate_callers[0].subject", "is not a distinguished name"),
            (entry(json!({"subject": "/O=Corp/CN=aria"})), "certificate_callers[0].subject", "with slashes"),
            (entry(json!({"san": "aria.corp.example"})), "certificate_callers[0].san", "use one of DNS:…"),
            (entry(json!({"san": "DNS: "})), "certificate_callers[0].san", "use one of DNS:…"),
            (entry(json!({"sha256": "12"})), "certificate_callers[0].sha256", "openssl x509"),
            (entry(json!({"sha256": [SHA256, 7]})), "certificate_callers[0].sha256[1]", "openssl x509"),
            (entry(json!({"sha256": []})), "certificate_callers[0].sha256", "has 0 fingerprints"),
            (entry(json!({"sha256": SHA256, "key": "x"})), "certificate_callers[0].key", "unknown field"),
        ] {
            let mistakes = parse(&entries, Some(SHA256)).unwrap_err();
            let found = mistakes.iter().find(|mistake| mistake.place() == place);
            assert!(found.is_some_and(|mistake| mistake.to_string().contains(says)), "{entries}: {mistakes:?}");
        }
        let entries = entry(json!({"sha256": SHA256}));
        let mistakes = parse(&entries, None).unwrap_err();
        assert!(mistakes.iter().any(|mistake| mistake.place() == "proxy_key_sha256"), "{mistakes:?}");
        assert!(parse(&json!([]), None).unwrap_err().iter().any(|mistake| mistake.place() == "api_keys"), "no caller");
    }
}

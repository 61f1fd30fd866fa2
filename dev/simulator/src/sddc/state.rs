//! SDDC Manager's state: identity providers and tokens.

use super::users::{self, User};
use crate::settings::SddcSettings;
use crate::{clock, seeds};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::HashMap;

/// An identity provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The word in responses: `Embedded`, `Microsoft ADFS`, …
    pub(crate) kind: String,
    pub(crate) active: bool,
    /// Only the embedded provider has them.
    pub(crate) sources: Vec<Source>,
    /// The `domainNames`, `ldap`, `oidc` and `fedIdp` of responses: never a secret of the caller's.
    pub(crate) details: serde_json::Map<String, Value>,
}

/// An identity source of the embedded provider.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) domain: String,
    /// `None` for the two built-in ones.
    pub(crate) ldap: Option<Value>,
    /// When it was added.
    pub(crate) added: u64,
}

/// The whole state.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) settings: SddcSettings,
    pub(crate) providers: Vec<Provider>,
    /// Access tokens and their expiry.
    pub(crate) access: HashMap<String, u64>,
    /// Refresh token ids and their expiry.
    pub(crate) refresh: HashMap<String, u64>,
    /// The holders of roles.
    pub(crate) users: Vec<User>,
}

impl State {
    pub(crate) fn new(settings: SddcSettings, ca_pem: &str, external: bool) -> Self {
        let mut providers = vec![embedded(ca_pem, !external)];
        if external {
            providers.push(adfs());
        }
        Self { settings, providers, access: HashMap::new(), refresh: HashMap::new(), users: users::seeded() }
    }

    pub(super) fn provider(&mut self, id: &str) -> Option<&mut Provider> {
        self.providers.iter_mut().find(|provider| provider.id == id)
    }

    pub(super) fn external(&self) -> Option<&Provider> {
        self.providers.iter().find(|provider| !provider.is_embedded())
    }

    /// The embedded provider is active while there is no other.
    pub(super) fn choose_active(&mut self) {
        let external = self.external().is_some();
        for provider in &mut self.providers {
            provider.active = provider.is_embedded() != external;
        }
    }
}

impl Provider {
    pub(crate) fn is_embedded(&self) -> bool {
        self.kind == "Embedded"
    }

    /// The form in responses; the status word is in lower case, as in the 5.0.0 guide.
    pub(crate) fn json(&self) -> Value {
        let mut body = self.details.clone();
        body.insert("id".to_owned(), json!(self.id));
        body.insert("name".to_owned(), json!(self.name));
        body.insert("type".to_owned(), json!(self.kind));
        body.insert("status".to_owned(), json!(if self.active { "active" } else { "inactive" }));
        if self.is_embedded() {
            body.insert("identitySources".to_owned(), self.sources.iter().map(Source::json).collect());
        }
        Value::Object(body)
    }
}

impl Source {
    fn json(&self) -> Value {
        let mut body = json!({"name": self.name, "type": self.kind, "domainNames": [self.domain]});
        if let (Some(ldap), Value::Object(fields)) = (&self.ldap, &mut body) {
            fields.insert("ldap".to_owned(), ldap.clone());
        }
        body
    }
}

fn embedded(ca_pem: &str, active: bool) -> Provider {
    let built_in = |name: &str, kind: &str| Source {
        name: name.to_owned(),
        kind: kind.to_owned(),
        domain: name.to_owned(),
        ldap: None,
        added: 0,
    };
    let ldap = |domain: &str, alias: &str, endpoints: &[&str], chain: &[String]| Source {
        name: format!("{alias}-name"),
        kind: "ActiveDirectory".to_owned(),
        domain: domain.to_owned(),
        ldap: Some(json!({
            "type": "ActiveDirectory",
            "domainName": domain,
            "domainAlias": alias,
            "username": format!("svc-ldap@{domain}"),
            "sourceDetails": {
                "usersBaseDn": "CN=Users,DC=ids,DC=example",
                "groupsBaseDn": "CN=Users,DC=ids,DC=example",
                "certChain": chain,
                "serverEndpoints": endpoints,
            },
        })),
        added: 0,
    };
    // One entry is the base64 of a whole PEM text, as in VMware's PowerVCF samples.
    let chain = [STANDARD.encode(ca_pem)];
    Provider {
        id: seeds::EMBEDDED_PROVIDER.to_owned(),
        name: "Embedded IDP".to_owned(),
        kind: "Embedded".to_owned(),
        active,
        sources: vec![
            built_in("vsphere.local", "SystemDomain"),
            built_in("localos", "LocalOs"),
            ldap(
                seeds::LDAP_SOURCE_DOMAIN,
                "embedded-ids",
                &["ldap://dc01.embedded-ids.example", "ldap://dc02.embedded-ids.example"],
                &[],
            ),
            ldap(
                seeds::LDAPS_SOURCE_DOMAIN,
                "secure-ids",
                &["ldaps://dc01.secure-ids.example:636", "ldaps://dc02.secure-ids.example:636"],
                &chain,
            ),
        ],
        details: serde_json::Map::new(),
    }
}

fn adfs() -> Provider {
    let details = json!({
        "domainNames": ["external-idp.example"],
        "ldap": {
            "type": "Oidc",
            "domainName": "external-idp.example",
            "domainAlias": "external-idp",
            "username": "svc-ldap@external-idp.example",
            "sourceDetails": {
                "usersBaseDn": "CN=Users,DC=external-idp,DC=example",
                "groupsBaseDn": "CN=Users,DC=external-idp,DC=example",
                "serverEndpoints": ["ldap://dc01.external-idp.example"],
            },
        },
        "oidc": {
            "clientId": clock::uuid(),
            "discoveryEndpoint": "https://adfs.external-idp.example/adfs/.well-known/openid-configuration",
        },
    });
    Provider {
        id: seeds::EXTERNAL_PROVIDER.to_owned(),
        name: "My AD Identity Source".to_owned(),
        kind: "Microsoft ADFS".to_owned(),
        active: true,
        sources: Vec::new(),
        details: details.as_object().cloned().unwrap_or_default(),
    }
}

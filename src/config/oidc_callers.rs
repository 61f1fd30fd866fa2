//! Callers with a token of an OpenID Connect issuer, in the JSON variable `oidc_callers`.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Reader;
use super::error::Place;
use super::grant::{self, Grant, IsTarget};
use crate::oidc::{Issuer, KeysAt, RequiredClaim, claim_text};
use crate::upstream::BaseUrl;

/// The variable.
const NAME: &str = "oidc_callers";

/// Issuers that sign tokens for everybody, and those of their claims that only one customer's tokens have.
/// Sources: GitHub, "OpenID Connect reference"; GitLab, "OpenID Connect (OIDC) Authentication Using ID Tokens"; Buildkite,
/// "buildkite-agent oidc"; HashiCorp, "Workload identity"; Google, "OpenID Connect".
const PUBLIC: [(&str, &[&str]); 5] = [
    (
        "https://token.actions.githubusercontent.com",
        &["sub", "repository", "repository_id", "repository_owner", "repository_owner_id", "enterprise_id"],
    ),
    ("https://gitlab.com", &["sub", "project_path", "project_id", "namespace_path", "namespace_id"]),
    ("https://agent.buildkite.com", &["sub", "organization_slug", "organization_id", "pipeline_id"]),
    (
        "https://app.terraform.io",
        &[
            "sub",
            "terraform_organization_name",
            "terraform_organization_id",
            "terraform_project_id",
            "terraform_workspace_id",
        ],
    ),
    ("https://accounts.google.com", &["sub", "email", "hd"]),
];

/// A caller that authenticates with a token of an issuer.
#[derive(Debug, Clone)]
pub(crate) struct OidcCaller {
    /// Its name and permissions.
    pub(crate) grant: Grant,
    /// The issuer's name.
    pub(crate) issuer: String,
    /// The audience that its tokens must be for.
    pub(crate) audience: String,
    /// The claims that its tokens must have; at least one.
    pub(crate) claims: Vec<RequiredClaim>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Entry {
    /// The caller's name, for the log. Unique among all callers.
    name: String,
    /// The issuer, exactly as its tokens have it in `iss`: `https://token.actions.githubusercontent.com`.
    issuer: String,
    /// The audience (`aud`) of the tokens, such as the URL of this idhook. A token for another audience is rejected.
    audience: String,
    /// The claims that a token must have, all of them: `{"repository": "acme/infra", "ref": ["refs/heads/main", "refs/heads/next"]}`. A
    /// value is a text, a number, `true` or `false`, or a list of these, one of which must be equal. There are no wildcards. A name
    /// with a slash in front is a JSON Pointer: `/kubernetes.io/namespace`.
    claims: Map<String, Value>,
    /// The address of the issuer's keys (`jwks_uri`), if they are at another host than the issuer or it has no discovery document.
    #[serde(rename = "keysUrl", alias = "keys_url")]
    keys_url: Option<String>,
    /// The caller's scopes; at least one.
    scopes: Vec<String>,
    /// The targets that the caller may use, as `NAME`, `vidm/NAME`, `vcf/NAME` or `fleet/NAME`. Without it: all targets.
    targets: Option<Vec<String>>,
    /// The addresses and networks that the caller's requests may come from, as in `api_keys`. Without it: any.
    from: Option<Vec<String>>,
}

/// Reads the callers and their issuers. `taken` collects the callers' names.
pub(super) fn read(
    reader: &mut Reader<'_>,
    taken: &mut Vec<String>,
    is_target: IsTarget<'_>,
) -> (Vec<OidcCaller>, Vec<Issuer>) {
    let (mut callers, mut issuers) = (Vec::new(), Vec::<Issuer>::new());
    for (at, entry) in grant::entries::<Entry>(reader, NAME).unwrap_or_default().into_iter().enumerate() {
        let mut grant = grant::read(reader, (NAME, at), (entry.name, &entry.scopes, entry.targets), taken, is_target);
        grant.from = entry.from.map(|texts| grant::networks(reader, (NAME, at), &texts));
        if entry.audience.trim().is_empty() {
            let place = Place::in_entry(NAME, at, ".audience");
            reader.problem(place, "is empty; enter the audience of the tokens, such as the URL of this idhook");
        }
        let claims = claims(reader, at, &entry.issuer, entry.claims);
        if let Some(issuer) = issuer(reader, at, entry.issuer, entry.keys_url) {
            match issuers.iter().find(|known| known.name == issuer.name) {
                Some(known) if known.keys != issuer.keys => {
                    let place = Place::in_entry(NAME, at, ".keysUrl");
                    reader.problem(
                        place,
                        "differs from that of another entry of this issuer; use the same in all of them",
                    );
                }
                Some(_) => {}
                None => issuers.push(issuer.clone()),
            }
            callers.push(OidcCaller { grant, issuer: issuer.name, audience: entry.audience, claims });
        }
    }
    (callers, issuers)
}

fn claims(reader: &mut Reader<'_>, at: usize, issuer: &str, entries: Map<String, Value>) -> Vec<RequiredClaim> {
    let place = |path: &str| Place::in_entry(NAME, at, &format!(".claims{path}"));
    let mut claims = Vec::new();
    for (name, value) in entries {
        let values: Option<Vec<String>> = match &value {
            Value::Array(all) => all.iter().map(claim_text).collect(),
            one => claim_text(one).map(|text| vec![text]),
        };
        match values {
            Some(values) if !values.is_empty() => claims.push(RequiredClaim { name, values }),
            _ => reader.problem(
                place(&format!(".{name}")),
                "is not a value of a claim; use a text, a number, true or false, or a list of these",
            ),
        }
    }
    let own = PUBLIC.iter().find(|(public, _)| *public == issuer).map(|(_, own)| *own);
    if claims.is_empty() {
        reader
            .problem(place(""), "is empty, so everybody with a token of this issuer would be this caller; add claims");
    } else if let Some(own) = own.filter(|own| !claims.iter().any(|claim| own.contains(&claim.name.as_str()))) {
        let own = own.join(", ");
        reader.problem(place(""), format!("fits tokens of every customer of this issuer; add one of {own}"));
    }
    claims
}

/// With `keys_url` nothing is read from the issuer's own address, so its name may be any text (AD FS: `http://HOST/adfs/services/trust`).
fn issuer(reader: &mut Reader<'_>, at: usize, name: String, keys_url: Option<String>) -> Option<Issuer> {
    let mut trusted = |field: &str, url: &str, instead: &str| {
        let fault = match BaseUrl::split(url) {
            Some((url, _)) if url.is_readable_on_its_way() => {
                format!("is http://, so anybody on the way could send keys; use https://{instead}")
            }
            Some(found) => return Some(found),
            None => format!("is not a URL; use https://host[:port][/path]{instead}"),
        };
        reader.problem(Place::in_entry(NAME, at, field), fault);
        None
    };
    if let Some(url) = keys_url {
        let (url, path) = trusted(".keysUrl", url.trim(), "")?;
        if name.trim().is_empty() {
            reader.problem(Place::in_entry(NAME, at, ".issuer"), "is empty; write it as the tokens have it in iss");
        }
        return Some(Issuer { name, keys: KeysAt::Address(url, path) });
    }
    let (url, path) = trusted(".issuer", &name, " (or set keysUrl, if the tokens have exactly this iss)")?;
    if path.contains('?') {
        reader.problem(Place::in_entry(NAME, at, ".issuer"), "has a query; write it as the tokens have it in iss");
        return None;
    }
    let path = path.trim_end_matches('/').to_owned();
    Some(Issuer { name, keys: KeysAt::Discovery(url, path) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};
    use serde_json::json;

    fn parse(entries: &Value) -> Result<Config, Vec<ConfigError>> {
        Config::parse(|name| match name {
            "vcf_url" => Some("https://s".to_owned()),
            "vcf_username" => Some("user@vsphere.local".to_owned()),
            "vcf_password" => Some("user".to_owned()),
            "oidc_callers" => Some(entries.to_string()),
            _ => None,
        })
    }

    fn entry(more: &Value) -> Value {
        let mut entry = json!({
            "name": "deploy", "issuer": "https://token.actions.githubusercontent.com", "audience": "https://idhook.example",
            "claims": {"repository": "acme/infra", "ref": ["refs/heads/main", "refs/heads/next"]}, "scopes": ["vcf:read"],
        });
        for (name, value) in more.as_object().unwrap() {
            entry[name] = value.clone();
        }
        entry
    }

    #[test]
    fn caller_with_a_token_needs_no_api_key_beside_it() {
        let kubernetes = json!({
            "name": "workload", "issuer": "https://kubernetes.default.svc.cluster.local",
            "keysUrl": "https://kubernetes.default.svc/openid/v1/jwks", "claims": {"/kubernetes.io/namespace": "ci", "n": 7},
            "targets": ["vcf/default"], "from": ["10.0.0.0/8"],
        });
        let config = parse(&json!([entry(&json!({})), entry(&kubernetes), entry(&json!({"name": "other"}))])).unwrap();
        let [github, workload, _] = config.oidc_callers.as_slice() else { panic!() };
        assert_eq!(
            github.claims[0],
            RequiredClaim { name: "ref".into(), values: vec!["refs/heads/main".into(), "refs/heads/next".into()] }
        );
        assert!(workload.grant.is_for("vcf", "default") && !workload.grant.is_for("vidm", "default"));
        assert!(!workload.grant.is_from(Some("192.0.2.7".parse().unwrap())));
        assert_eq!(workload.claims[1].values, ["7"]);
        let [github, cluster] = config.issuers.as_slice() else { panic!("{:?}", config.issuers) };
        let (url, _) = BaseUrl::split(&github.name).unwrap();
        assert_eq!(github.keys, KeysAt::Discovery(url, String::new()));
        let (url, path) = BaseUrl::split("https://kubernetes.default.svc/openid/v1/jwks").unwrap();
        assert_eq!(cluster.keys, KeysAt::Address(url, path));
    }

    #[test]
    fn mistakes_are_named_with_their_fix() {
        let keys = |url: &str| entry(&json!({"name": "b", "keysUrl": url}));
        for (entries, place, says) in [
            (json!([entry(&json!({"claims": {}}))]), "oidc_callers[0].claims", "everybody with a token"),
            (
                json!([entry(&json!({"claims": {"ref": "refs/heads/main"}}))]),
                "oidc_callers[0].claims",
                "add one of sub, repository",
            ),
            (
                json!([entry(&json!({"issuer": "https://agent.buildkite.com", "claims": {"pipeline_slug": "infra"}}))]),
                "oidc_callers[0].claims",
                "add one of sub, organization_slug",
            ),
            (json!([entry(&json!({"claims": {"sub": {}}}))]), "oidc_callers[0].claims.sub", "use a text"),
            (json!([entry(&json!({"claims": {"sub": []}}))]), "oidc_callers[0].claims.sub", "use a text"),
            (json!([entry(&json!({"audience": " "}))]), "oidc_callers[0].audience", "is empty"),
            (
                json!([entry(&json!({"issuer": "token.actions.githubusercontent.com"}))]),
                "oidc_callers[0].issuer",
                "is not a URL",
            ),
            (json!([entry(&json!({"issuer": "http://ci.corp.example"}))]), "oidc_callers[0].issuer", "use https://"),
            (
                json!([entry(&json!({"issuer": "https://ci.corp.example/?a=b"}))]),
                "oidc_callers[0].issuer",
                "has a query",
            ),
            (
                json!([entry(&json!({"issuer": "http://fs.corp.example/adfs/services/trust"}))]),
                "oidc_callers[0].issuer",
                "or set keysUrl, if",
            ),
            (
                json!([entry(&json!({"issuer": " ", "keysUrl": "https://keys.example"}))]),
                "oidc_callers[0].issuer",
                "is empty",
            ),
            (json!([keys("http://keys.example")]), "oidc_callers[0].keysUrl", "use https://"),
            (json!([keys("ftp://x")]), "oidc_callers[0].keysUrl", "is not a URL"),
            (json!([entry(&json!({})), keys("https://keys.example/jwks")]), "oidc_callers[1].keysUrl", "differs"),
            (json!([entry(&json!({})), entry(&json!({}))]), "oidc_callers[1].name", "another caller"),
            (json!([entry(&json!({"from": []}))]), "oidc_callers[0].from", "is an empty list"),
            (json!([entry(&json!({"scopes": ["all"]}))]), "oidc_callers[0].scopes[0]", "use one of"),
            (json!([entry(&json!({"subject": "x"}))]), "oidc_callers[0].subject", "unknown field"),
        ] {
            let mistakes = parse(&entries).unwrap_err();
            let found = mistakes.iter().find(|mistake| mistake.place() == place);
            assert!(found.is_some_and(|mistake| mistake.to_string().contains(says)), "{entries}: {mistakes:?}");
        }
        assert!(parse(&json!([])).unwrap_err().iter().any(|mistake| mistake.place() == "api_keys"), "no caller at all");
    }
}

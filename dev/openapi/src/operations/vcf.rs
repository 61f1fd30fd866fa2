//! The routes below `/vcf/{target}`.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::operation::{Answer, Content, Operation, UPSTREAM, flag, query, with};

const PROVIDER: &str = "b9103988-c8a4-4f66-8076-42c93d480bbe";
const EXTERNAL: &str = "bb7a3e9b-8322-4b0e-9431-3ed00b17a821";

const WHOLE: &str = "SDDC Manager has no partial update: the body is the whole specification, secrets included.";
const MAKE_SO: &str = "Reads the current object, then creates it, updates it or leaves it unchanged. Fields that the body omits are not \
    compared, nor are secrets, which SDDC Manager does not return: send a new secret with `force`.";

pub(super) fn all() -> Vec<Operation> {
    let mut all = providers();
    all.extend(sources());
    all.extend(broker());
    all
}

fn providers() -> Vec<Operation> {
    const TAG: &str = "Identity providers";
    const LIST: &str = "/vcf/{target}/v1/identity-providers";
    const ONE: &str = "/vcf/{target}/v1/identity-providers/{id}";
    let spec = || Content::of("IdentityProviderSpec").example("adfs", adfs());
    vec![
        Operation::new(Method::GET, LIST, "listIdentityProviders", TAG)
            .about("List identity providers", "")
            .answers(Answer::new(StatusCode::OK, "All providers, including the embedded one.").json(
                Content::of("IdentityProviders").example("both", json!({ "elements": [embedded(), external()] })),
            ))
            .may(&UPSTREAM),
        Operation::new(Method::POST, LIST, "addIdentityProvider", TAG)
            .about("Add an external identity provider", "")
            .takes(spec())
            .answers(
                Answer::new(StatusCode::CREATED, "The provider was added.")
                    .json(Content::of("ChangeOutcome").example("added", json!({ "id": EXTERNAL })))
                    .headers(&["Location"]),
            )
            .may(&UPSTREAM),
        made_so(
            Operation::new(Method::PUT, LIST, "putIdentityProvider", TAG)
                .about("Create or update the external identity provider", MAKE_SO)
                .takes(spec()),
            json!({ "outcome": "created", "id": EXTERNAL }),
            (
                "updated",
                json!({
                    "outcome": "updated", "id": EXTERNAL, "secretsCompared": false,
                    "changes": [{ "pointer": "/oidc/clientId", "from": "idhook", "to": "sddc" }],
                    "notCompared": ["/ldap/password", "/oidc/clientSecret"]
                }),
            ),
        ),
        Operation::new(Method::GET, ONE, "getIdentityProvider", TAG)
            .about("Get an identity provider", "")
            .answers(
                Answer::new(StatusCode::OK, "The provider.")
                    .json(Content::of("IdentityProvider").example("embedded", embedded()).example("adfs", external())),
            )
            .may(&UPSTREAM),
        Operation::new(Method::PATCH, ONE, "updateIdentityProvider", TAG)
            .about("Update an external identity provider", WHOLE)
            .takes(spec())
            .answers(Answer::new(StatusCode::NO_CONTENT, "The provider was updated."))
            .may(&UPSTREAM),
        Operation::new(Method::DELETE, ONE, "deleteIdentityProvider", TAG)
            .about("Delete an external identity provider", "")
            .answers(Answer::new(StatusCode::NO_CONTENT, "The provider was deleted."))
            .may(&UPSTREAM),
    ]
}

fn sources() -> Vec<Operation> {
    const TAG: &str = "Identity sources";
    const LIST: &str = "/vcf/{target}/v1/identity-providers/{id}/identity-sources";
    const ONE: &str = "/vcf/{target}/v1/identity-providers/{id}/identity-sources/{domainName}";
    let spec = || Content::of("IdentitySourceSpec").example("active_directory", source());
    vec![
        Operation::new(Method::POST, LIST, "addIdentitySource", TAG)
            .about("Add an identity source to the embedded provider", "")
            .takes(spec())
            .answers(
                Answer::new(StatusCode::CREATED, "The source was added.")
                    .json(Content::of("ChangeOutcome").example("added", json!({ "domainName": "corp.example" })))
                    .headers(&["Location"]),
            )
            .may(&UPSTREAM),
        made_so(
            Operation::new(Method::PUT, ONE, "putIdentitySource", TAG)
                .about("Create or update an identity source", MAKE_SO)
                .takes(spec()),
            json!({ "outcome": "created", "domainName": "corp.example" }),
            (
                "unchanged",
                json!({
                    "outcome": "unchanged", "domainName": "corp.example", "secretsCompared": false,
                    "notCompared": ["/ldap/password"]
                }),
            ),
        ),
        Operation::new(Method::PATCH, ONE, "updateIdentitySource", TAG)
            .about("Update an identity source", WHOLE)
            .takes(spec())
            .answers(Answer::new(StatusCode::NO_CONTENT, "The source was updated."))
            .may(&UPSTREAM),
        Operation::new(Method::DELETE, ONE, "deleteIdentitySource", TAG)
            .about("Delete an identity source", "")
            .answers(Answer::new(StatusCode::NO_CONTENT, "The source was deleted."))
            .may(&UPSTREAM),
    ]
}

fn broker() -> Vec<Operation> {
    const TAG: &str = "Identity providers";
    let seconds = json!({ "type": "integer", "format": "int64", "minimum": 1 });
    vec![
        Operation::new(
            Method::POST,
            "/vcf/{target}/v1/identity-providers/{id}/sync-client",
            "generateSyncClientToken",
            TAG,
        )
        .about(
            "Generate a SCIM token for a federated provider",
            "VCF 5.1 and later. The previous token becomes invalid. No body.",
        )
        .parameter(query("syncClientTokenTTL", "The token's lifetime in seconds.", seconds, json!(15_552_000)))
        .answers(Answer::new(StatusCode::OK, "The token.").json(Content::of("SyncClientToken").example(
            "token",
            json!({
                "token": "eyJ…", "expireIn": 15_552_000, "expireAt": "2027-05-20T10:00:00Z",
                "scimUrl": "https://vcenter.corp.example/usergroup/t/CUSTOMER/scim/v2"
            }),
        )))
        .may(&UPSTREAM),
        Operation::new(Method::GET, "/vcf/{target}/v1/identity-broker/prechecks", "getIdentityPrechecks", TAG)
            .about("Check whether the provider can be changed", "VCF 5.1 and later.")
            .parameter(query("type", "The provider's new kind.", json!({ "type": "string" }), json!("Embedded")))
            .answers(Answer::new(StatusCode::OK, "The result of the check.").json(
                Content::of("PrecheckResult").example(
                    "warning",
                    json!({ "status": "WARNING", "details": [{ "type": "ELM", "message": "A vCenter is at a lower version" }] }),
                ),
            ))
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/vcf/{target}/v1/identity-broker/sddc-manager-oidc", "getSddcManagerOidc", TAG)
            .about("Get SDDC Manager's own OpenID Connect client", "VCF 5.2 and later.")
            .answers(Answer::new(StatusCode::OK, "The client.").json(Content::of("SddcManagerOidc").example(
                "client",
                json!({
                    "oidcClientId": "sddc-manager-client", "idpType": "FEDERATED", "source": "MICROSOFT_ENTRA_ID",
                    "oidcAuthorizationEndpoint": "https://vcenter.corp.example/acs/t/CUSTOMER/authorize",
                    "oidcEndSessionEndpoint": "https://vcenter.corp.example/acs/t/CUSTOMER/logout"
                }),
            )))
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/vcf/{target}/v1/doctor", "diagnoseVcf", "Diagnosis")
            .about(
                "Diagnose an SDDC Manager target",
                "Read-only. Checks after a failed one may be `skipped`.",
            )
            .parameter(flag("strict", "Return 503 instead of 200 if a check failed; the document is the same."))
            .parameter(flag("retry", "After rejected logins, allow one more login at once: the account was unlocked or corrected."))
            .answers(
                Answer::new(StatusCode::OK, "The checks.")
                    .json(Content::of("Diagnosis").example("untrusted", diagnosis())),
            ),
    ]
}

fn made_so(operation: Operation, created: Value, found: (&'static str, Value)) -> Operation {
    operation
        .parameter(flag("dryRun", "Change nothing; return what would be done."))
        .parameter(flag("force", "Update even without a visible difference."))
        .answers(
            Answer::new(StatusCode::CREATED, "It was absent and was created.")
                .json(Content::of("ChangeOutcome").example("created", created))
                .headers(&["Location"]),
        )
        .answers(
            Answer::new(StatusCode::OK, "It existed; or, with `dryRun`, what would be done.")
                .json(Content::of("ChangeOutcome").example(found.0, found.1)),
        )
        .may(&UPSTREAM)
}

/// A target whose certificate is not trusted.
pub(super) fn diagnosis() -> Value {
    json!({
        "ok": false,
        "checks": [
            { "check": "reach", "result": "ok", "detail": "connected", "ms": 12 },
            {
                "check": "tls", "result": "failed", "detail": "the certificate is not trusted",
                "hint": "give the runtime the CA that signed it", "ms": 12
            },
            { "check": "login", "result": "skipped", "detail": "skipped because tls failed", "ms": 0 }
        ]
    })
}

fn reached(domain: &str) -> Value {
    json!({
        "domainName": domain, "domainAlias": "CORP", "username": "svc-ldap@corp.example",
        "sourceDetails": {
            "usersBaseDn": "OU=People,DC=corp,DC=example", "groupsBaseDn": "OU=Groups,DC=corp,DC=example",
            "serverEndpoints": ["ldap://dc01.corp.example:389"]
        }
    })
}

fn source() -> Value {
    let ldap = with(reached("corp.example"), json!({ "type": "ActiveDirectory", "password": "a password" }));
    json!({ "name": "corp", "ldap": ldap })
}

fn adfs() -> Value {
    let ldap = with(reached("corp.example"), json!({ "password": "a password" }));
    json!({
        "name": "Corporate ADFS", "type": "AD_FS", "ldap": ldap,
        "oidc": {
            "clientId": "sddc", "clientSecret": "a secret",
            "discoveryEndpoint": "https://adfs.corp.example/adfs/.well-known/openid-configuration"
        }
    })
}

fn embedded() -> Value {
    let ldap = with(reached("corp.example"), json!({ "type": "ActiveDirectory" }));
    json!({
        "id": PROVIDER, "name": "Embedded IDP", "type": "Embedded", "status": "inactive",
        "identitySources": [
            { "name": "vsphere.local", "type": "SystemDomain", "domainNames": ["vsphere.local"] },
            { "name": "corp", "type": "ActiveDirectory", "domainNames": ["corp.example"], "ldap": ldap }
        ]
    })
}

fn external() -> Value {
    json!({
        "id": EXTERNAL, "name": "Corporate ADFS", "type": "Microsoft ADFS", "status": "active", "domainNames": ["corp.example"],
        "oidc": {
            "clientId": "sddc",
            "discoveryEndpoint": "https://adfs.corp.example/adfs/.well-known/openid-configuration"
        }
    })
}

//! The routes below `/vcf/{target}`.

use http::{Method, StatusCode};
use idhook::error::ErrorCode;
use serde_json::{Value, json};

use super::doctor::doctor;
use crate::operation::{Answer, Content, Operation, UPSTREAM, flag, query, shared, with};

const PROVIDER: &str = "b9103988-c8a4-4f66-8076-42c93d480bbe";
const EXTERNAL: &str = "bb7a3e9b-8322-4b0e-9431-3ed00b17a821";

pub(super) const ETAG: &str = "\"5f1c7a90e3b24d6881f0c2a4b6d8e0f1\"";

const WHOLE: &str = "SDDC Manager has no partial update: the body is the whole specification, secrets included.";
const MAKE_SO: &str = "Reads the current object, then creates it, updates it or leaves it unchanged. Fields that the body omits are not \
    compared, nor are secrets, which SDDC Manager does not return: send a new secret with `force`. After a change it is read again: \
    `verified` and `remaining` show whether SDDC Manager has it as specified.";
const REPLACE: &str = "There can be only one external provider. One with another name or kind is replaced only with `replace` and `confirm`: \
    it is deleted, and then this one is added.";

pub(super) fn all() -> Vec<Operation> {
    let mut all = providers();
    all.extend(sources());
    all.extend(parts());
    all.extend(broker());
    all.push(super::vcf_apply::apply(source()));
    // A call that a known version lacks is rejected before it is sent.
    let by_version = |operation: Operation| match operation.path.contains("/v1/identity-") {
        true => operation.may(&[ErrorCode::NotSupported]),
        false => operation,
    };
    all.into_iter().map(by_version).collect()
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
                .about("Create or update the external identity provider", format!("{MAKE_SO}\n\n{REPLACE}"))
                .parameter(flag("replace", "Replace a provider with another name or kind."))
                .parameter(query(
                    "confirm",
                    "The name of the provider that `replace` deletes.",
                    json!({ "type": "string", "minLength": 1 }),
                    json!("Corporate ADFS"),
                ))
                .takes(spec()),
            json!({
                "outcome": "created", "id": EXTERNAL, "verified": true, "remaining": [], "secretsCompared": false,
                "notCompared": ["/type", "/ldap/password", "/oidc/clientSecret"], "etag": ETAG
            }),
            (
                "updated",
                json!({
                    "outcome": "updated", "id": EXTERNAL, "secretsCompared": false,
                    "changes": [{ "pointer": "/oidc/clientId", "from": "idhook", "to": "sddc" }],
                    "notCompared": ["/ldap/password", "/oidc/clientSecret"], "verified": true, "remaining": [], "etag": ETAG
                }),
            ),
        ),
        Operation::new(Method::GET, ONE, "getIdentityProvider", TAG)
            .about("Get an identity provider", "")
            .answers(
                Answer::new(StatusCode::OK, "The provider.")
                    .json(Content::of("IdentityProvider").example("embedded", embedded()).example("adfs", external()))
                    .headers(&["ETag"]),
            )
            .versioned()
            .may(&UPSTREAM),
        Operation::new(Method::PATCH, ONE, "updateIdentityProvider", TAG)
            .about("Update an external identity provider", WHOLE)
            .takes(spec())
            .answers(Answer::new(StatusCode::NO_CONTENT, "The provider was updated."))
            .parameter(shared("IfMatch"))
            .may(&[ErrorCode::PreconditionFailed])
            .may(&UPSTREAM),
        deletion(
            Operation::new(Method::DELETE, ONE, "deleteIdentityProvider", TAG)
                .about("Delete an external identity provider", "The Embedded provider is never deleted.")
                .answers(Answer::new(StatusCode::NO_CONTENT, "The provider was deleted.")),
            json!({ "outcome": "unchanged" }),
        ),
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
        Operation::new(Method::GET, ONE, "getIdentitySource", TAG)
            .about("Get an identity source", "")
            .answers(
                Answer::new(StatusCode::OK, "The source.")
                    .json(Content::of("IdentitySource").example("active_directory", shown_source()))
                    .headers(&["ETag"]),
            )
            .versioned()
            .may(&UPSTREAM),
        made_so(
            Operation::new(Method::PUT, ONE, "putIdentitySource", TAG)
                .about("Create or update an identity source", MAKE_SO)
                .takes(spec()),
            json!({
                "outcome": "created", "domainName": "corp.example", "verified": true, "remaining": [], "secretsCompared": false,
                "notCompared": ["/ldap/password"], "etag": ETAG
            }),
            (
                "unchanged",
                json!({
                    "outcome": "unchanged", "domainName": "corp.example", "secretsCompared": false,
                    "notCompared": ["/ldap/password"], "etag": ETAG
                }),
            ),
        ),
        Operation::new(Method::PATCH, ONE, "updateIdentitySource", TAG)
            .about("Update an identity source", WHOLE)
            .takes(spec())
            .answers(Answer::new(StatusCode::NO_CONTENT, "The source was updated."))
            .parameter(shared("IfMatch"))
            .may(&[ErrorCode::PreconditionFailed])
            .may(&UPSTREAM),
        deletion(
            Operation::new(Method::DELETE, ONE, "deleteIdentitySource", TAG)
                .about("Delete an identity source", "")
                .answers(Answer::new(StatusCode::NO_CONTENT, "The source was deleted.")),
            json!({ "outcome": "unchanged", "domainName": "corp.example" }),
        ),
    ]
}

fn parts() -> Vec<Operation> {
    const TAG: &str = "Identity providers";
    const PART: &str = "SDDC Manager has no partial update, so the rest is read and sent with it; the body has the secrets that cannot be read. \
        Afterwards it is read again: `verified` and `remaining` show whether SDDC Manager has it as sent.";
    const CREDENTIALS: &str = "/vcf/{target}/v1/identity-providers/{id}/identity-sources/{domainName}/credentials";
    const CERTIFICATES: &str = "/vcf/{target}/v1/identity-providers/{id}/identity-sources/{domainName}/certificates";
    let part = |operation: Operation, outcome: Value| {
        operation
            .parameter(flag("dryRun", "Change nothing; return what would be done."))
            .parameter(shared("IfMatch"))
            .answers(
                Answer::new(StatusCode::OK, "It was changed; or, with `dryRun`, what would be done.")
                    .json(Content::of("ChangeOutcome").example("updated", outcome))
                    .headers(&["ETag"]),
            )
            .may(&[ErrorCode::PreconditionFailed])
            .may(&UPSTREAM)
    };
    let of = |path: &'static str, id: &'static str, tag| Operation::new(Method::POST, path, id, tag);
    let updated = |own: Value, hidden: &[&str]| {
        let outcome = json!({
            "outcome": "updated", "changes": [], "verified": true, "remaining": [], "secretsCompared": false,
            "notCompared": hidden, "etag": ETAG
        });
        with(outcome, own)
    };
    let certificate = json!({
        "pointer": "/ldap/sourceDetails/certChain/0", "subject": "CN=Corp Root CA,DC=corp,DC=example",
        "notAfter": "2046-11-15T10:00:00Z", "expiresInDays": 7300
    });
    let changes = json!([{
        "pointer": "/ldap/sourceDetails/certChain",
        "from": ["CN=Corp Root CA,DC=corp,DC=example, until 2027-01-15T10:00:00Z, SHA-256 0a1b2c3d4e5f6071…"],
        "to": [
            "CN=Corp Root CA,DC=corp,DC=example, until 2046-11-15T10:00:00Z, SHA-256 99aabbccddeeff00…",
            "CN=Corp Root CA,DC=corp,DC=example, until 2027-01-15T10:00:00Z, SHA-256 0a1b2c3d4e5f6071…"
        ]
    }]);
    vec![
        part(
            of(CREDENTIALS, "setIdentitySourceCredentials", "Identity sources")
                .about("Set the bind password of an identity source", format!("{PART}\n\nWithout `username` the account stays."))
                .takes(Content::of("NewCredentials").example("password", json!({ "password": "a new password" }))),
            updated(json!({ "domainName": "corp.example" }), &["/ldap/password"]),
        ),
        part(
            of(CERTIFICATES, "setIdentitySourceCertificates", "Identity sources")
                .about(
                    "Set the certificates of an identity source's servers",
                    format!("{PART}\n\nWith `keep` the present certificates stay beside the new ones. Equal certificates are not sent."),
                )
                .takes(Content::of("NewCertificates").example(
                    "rotation",
                    json!({ "certChain": ["-----BEGIN CERTIFICATE-----\n…"], "keep": true, "password": "the bind password" }),
                )),
            updated(
                json!({ "domainName": "corp.example", "changes": changes, "certificates": [certificate] }),
                &["/ldap/password"],
            ),
        ),
        part(
            of("/vcf/{target}/v1/identity-providers/{id}/client-secret", "setClientSecret", TAG)
                .about(
                    "Set the client secret of the external identity provider",
                    format!("{PART}\n\n`password` is required for a provider with a directory (AD FS)."),
                )
                .takes(Content::of("NewClientSecret").example(
                    "adfs",
                    json!({ "clientSecret": "a new secret", "certChain": [], "password": "the bind password" }),
                )),
            updated(json!({ "id": EXTERNAL }), &["/type", "/ldap/password", "/oidc/clientSecret"]),
        ),
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
        Operation::new(Method::GET, "/vcf/{target}/v1/sddc-managers", "listSddcManagers", TAG)
            .about("List the SDDC Managers with their versions", "")
            .answers(Answer::new(StatusCode::OK, "The SDDC Managers.").json(Content::of("SddcManagers").example(
                "one",
                json!({ "elements": [{
                    "id": "60927f26-8910-4dd3-8435-8bb7aef5f659", "fqdn": "sddc-manager.corp.example",
                    "version": "5.2.1.0-24307856", "ipAddress": "192.0.2.7",
                    "domain": { "id": "2a6fa5fc-8c6f-4e59-9b1f-1ac7e1e1f1fd", "name": "mgmt" }
                }] }),
            )))
            .may(&UPSTREAM),
        doctor("/vcf/{target}/v1/doctor", "diagnoseVcf", "Diagnose an SDDC Manager target"),
    ]
}

fn deletion(operation: Operation, unchanged: Value) -> Operation {
    operation
        .parameter(query(
            "absent",
            "`ok`: an object that does not exist is the outcome `unchanged`, not an error.",
            json!({ "type": "string", "enum": ["ok"] }),
            json!("ok"),
        ))
        .parameter(shared("IfMatch"))
        .answers(
            Answer::new(StatusCode::OK, "It did not exist, and `absent` is `ok`.")
                .json(Content::of("ChangeOutcome").example("unchanged", unchanged)),
        )
        .may(&[ErrorCode::PreconditionFailed])
        .may(&UPSTREAM)
}

fn made_so(operation: Operation, created: Value, found: (&'static str, Value)) -> Operation {
    operation
        .parameter(flag("dryRun", "Change nothing; return what would be done."))
        .parameter(flag("force", "Update even without a visible difference."))
        .parameter(shared("IfMatch"))
        .answers(
            Answer::new(StatusCode::CREATED, "It was absent and was created; or another was replaced by it.")
                .json(Content::of("ChangeOutcome").example("created", created))
                .headers(&["Location", "ETag"]),
        )
        .answers(
            Answer::new(StatusCode::OK, "It existed; or, with `dryRun`, what would be done.")
                .json(Content::of("ChangeOutcome").example(found.0, found.1))
                .headers(&["ETag"]),
        )
        .may(&[ErrorCode::PreconditionFailed])
        .may(&UPSTREAM)
}

/// A target whose certificate is not trusted.
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

fn shown_source() -> Value {
    let ldap = with(reached("corp.example"), json!({ "type": "ActiveDirectory" }));
    json!({ "name": "corp", "type": "ActiveDirectory", "domainNames": ["corp.example"], "ldap": ldap, "etag": ETAG })
}

fn embedded() -> Value {
    json!({
        "id": PROVIDER, "name": "Embedded IDP", "type": "Embedded", "status": "inactive",
        "identitySources": [
            { "name": "vsphere.local", "type": "SystemDomain", "domainNames": ["vsphere.local"] },
            shown_source()
        ],
        "etag": ETAG
    })
}

fn external() -> Value {
    json!({
        "id": EXTERNAL, "name": "Corporate ADFS", "type": "Microsoft ADFS", "status": "active", "domainNames": ["corp.example"], "etag": ETAG,
        "oidc": {
            "clientId": "sddc",
            "discoveryEndpoint": "https://adfs.corp.example/adfs/.well-known/openid-configuration"
        }
    })
}

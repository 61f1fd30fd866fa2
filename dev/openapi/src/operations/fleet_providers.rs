//! The routes of identity providers below `/fleet/{target}`.

use http::{Method, StatusCode};
use idhook::error::ErrorCode;
use serde_json::{Value, json};

use super::vcf::ETAG;
use crate::operation::{Answer, Content, Operation, UPSTREAM, flag, query, shared, with};

const TAG: &str = "Identity providers of VCF 9";
const LIST: &str = "/fleet/{target}/v1/identity-providers";
const ONE: &str = "/fleet/{target}/v1/identity-providers/{id}";
const PROVIDER: &str = "3acffa05-a0cc-454e-9d0f-5187be78d61f";
const REALM: &str = "d222d5e3-5f84-4cd8-b51d-5f80bccd8f36";
const TASK: &str = "d33220f1-9c27-4671-81d5-95c1dd55330d";

pub(super) fn all() -> Vec<Operation> {
    let mut all = collection();
    all.extend(one());
    all.extend(sync_client());
    all.extend(others());
    all.into_iter().map(|operation| operation.may(&[ErrorCode::NotSupported]).may(&UPSTREAM)).collect()
}

fn collection() -> Vec<Operation> {
    let spec = || Content::of("FederatedIdentityProvider").example("active_directory", directory());
    let outcome = |name, example| Content::of("ChangeOutcome").example(name, example);
    vec![
        Operation::new(Method::GET, LIST, "listRealmIdentityProviders", TAG)
            .about("List realms with their identity providers", "VCF Operations lists realms only; a realm has one provider.")
            .answers(Answer::new(StatusCode::OK, "All realms; `provider` is null for a realm without one.").json(
                Content::of("RealmIdentityProviders").example(
                    "realms",
                    json!({ "elements": [
                        { "realm": { "id": REALM, "name": "Europe", "idpId": PROVIDER }, "provider": present() },
                        { "realm": { "id": "70b2b25d-6968-44af-aa8e-b5385c6217d2", "name": "Asia" }, "provider": null }
                    ] }),
                ),
            )),
        Operation::new(Method::POST, LIST, "createFederatedIdentityProvider", TAG)
            .about("Create the identity provider of a realm without one", "The body must not contain ids.")
            .takes(spec())
            .answers(
                Answer::new(StatusCode::CREATED, "The provider was created.")
                    .json(outcome("created", json!({ "id": PROVIDER })))
                    .headers(&["Location"]),
            ),
        Operation::new(Method::PUT, LIST, "putFederatedIdentityProvider", TAG)
            .about(
                "Create or update the identity provider of a realm",
                "Reads the realm's provider, then creates it, updates it or leaves it unchanged; the ids of its directories are \
                 kept. Fields that the body omits are not compared, nor are secrets, which VCF Operations does not return: send a \
                 new secret with `force`. After a change the provider is read again; `remaining` has what it still shows \
                 differently. A provider with another kind is not replaced, nor one with another name unless the body has its id.",
            )
            .parameter(flag("dryRun", "Change nothing; return what would be done."))
            .parameter(flag("force", "Update even without a visible difference."))
            .parameter(shared("IfMatch"))
            .takes(spec())
            .answers(
                Answer::new(StatusCode::CREATED, "It was absent and was created.")
                    .json(outcome(
                        "created",
                        json!({ "outcome": "created", "id": PROVIDER, "verified": true, "remaining": [], "etag": ETAG }),
                    ))
                    .headers(&["Location", "ETag"]),
            )
            .answers(
                Answer::new(StatusCode::OK, "It existed; or, with `dryRun`, what would be done.")
                    .json(outcome(
                        "updated",
                        json!({
                            "outcome": "updated", "id": PROVIDER, "secretsCompared": false,
                            "changes": [{
                                "pointer": "/provisioningConfig/ldapConfigurations/0/domains",
                                "from": ["corp.example"], "to": ["corp.example", "dev.corp.example"]
                            }],
                            "notCompared": ["/provisioningConfig/ldapConfigurations/0/ldapBindConfiguration/bindDnPassword"],
                            "verified": true, "remaining": [], "etag": ETAG
                        }),
                    ))
                    .headers(&["ETag"]),
            )
            .may(&[ErrorCode::PreconditionFailed]),
    ]
}

fn one() -> Vec<Operation> {
    let deletion = |name, deleted, status| {
        let task = json!({ "taskId": TASK, "taskStatus": status, "taskType": "IDP_RESET" });
        let example = json!({ "id": PROVIDER, "deleted": deleted, "task": task });
        Content::of("ProviderDeletion").example(name, example)
    };
    vec![
        Operation::new(Method::GET, ONE, "getFederatedIdentityProvider", TAG)
            .about("Get an identity provider", "Without its secrets.")
            .answers(
                Answer::new(StatusCode::OK, "The provider.")
                    .json(Content::of("FederatedIdentityProvider").example("active_directory", present()))
                    .headers(&["ETag"]),
            )
            .versioned(),
        Operation::new(Method::DELETE, ONE, "deleteFederatedIdentityProvider", TAG)
            .about(
                "Delete an identity provider",
                "Starts the vendor's task. With `Prefer: wait=N` it is followed for at most N seconds; where VCF Operations does \
                 not show the task's state, the realms decide. A failed task is `upstream_failed`.",
            )
            .parameter(flag("force", "Also remove the components that use the provider."))
            .parameter(shared("Prefer"))
            .parameter(shared("IfMatch"))
            .may(&[ErrorCode::PreconditionFailed])
            .answers(
                Answer::new(StatusCode::ACCEPTED, "The deletion goes on.")
                    .json(deletion("running", false, "IN_PROGRESS"))
                    .headers(&["Location", "Retry-After", "Preference-Applied"]),
            )
            .answers(
                Answer::new(StatusCode::OK, "With `Prefer: wait`: the provider is deleted.")
                    .json(deletion("deleted", true, "COMPLETED"))
                    .headers(&["Preference-Applied"]),
            ),
    ]
}

fn sync_client() -> Vec<Operation> {
    const PATH: &str = "/fleet/{target}/v1/identity-providers/{id}/sync-client";
    let client = |secret: &str, token: &str| {
        json!({
            "scimClientDetails": { "clientId": "syncClientIdW6g74bTNSNEX42P4ci6WhUDdLgzWzb1N", "clientSecret": secret, "tokenTtl": 262_800 },
            "accessTokenDetails": { "accessToken": token, "tokenExpiresAt": 1_779_271_200_000_i64 }
        })
    };
    let minutes = json!({ "type": "integer", "format": "int32", "minimum": 1 });
    vec![
        Operation::new(Method::GET, PATH, "getScimSyncClient", TAG)
            .about("Get the SCIM sync client of a provider's directory", "Without its secrets.")
            .answers(
                Answer::new(StatusCode::OK, "The client.")
                    .json(Content::of("ScimSyncClient").example("client", client("…", "…"))),
            ),
        Operation::new(Method::POST, PATH, "generateScimSyncClient", TAG)
            .about(
                "Generate a SCIM sync client with a token",
                "The secret and the token are returned only here. No body. It is not documented whether an earlier token remains \
                 valid.",
            )
            .parameter(query("tokenTtl", "The token's lifetime in minutes.", minutes, json!(262_800)))
            .answers(
                Answer::new(StatusCode::CREATED, "The client.")
                    .json(Content::of("ScimSyncClient").example("client", client("a secret", "a token"))),
            ),
    ]
}

fn others() -> Vec<Operation> {
    let metadata = json!({
        "vidbResourceId": "14e95251-8149-44ca-beee-4c943484ecfd", "metadata": "https://corp.okta.example/saml/metadata"
    });
    vec![
        Operation::new(Method::GET, "/fleet/{target}/v1/tasks/{task}", "getFleetTask", TAG)
            .about("Get a task of VCF Operations", "The deletion of a provider is a task.")
            .answers(Answer::new(StatusCode::OK, "The task, in the vendor's words.").json(
                Content::of("IamTask").example(
                    "failed",
                    json!({
                        "taskId": TASK, "taskStatus": "FAILED", "taskType": "IDP_RESET",
                        "errorDetails": { "errorCode": "1500", "errorMessage": "components use the provider" }
                    }),
                ),
            )),
        Operation::new(Method::POST, "/fleet/{target}/v1/saml-metadata/validate", "validateSamlMetadata", TAG)
            .about("Check SAML metadata", "The identity broker reads the metadata; nothing is changed.")
            .takes(Content::of("SamlMetadata").example("url", metadata))
            .answers(Answer::new(StatusCode::OK, "The metadata is valid.").json(
                Content::of("SamlMetadataContent").example(
                    "content",
                    json!({
                        "nameIdFormatAttributeMappings": [{
                            "nameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified", "nameIdValue": "userName"
                        }],
                        "preferredBinding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
                    }),
                ),
            )),
    ]
}

/// An Active Directory over LDAPS, without ids and secrets.
fn bare() -> Value {
    json!({
        "name": "Corporate AD", "ssoRealmId": REALM,
        "idpType": "ADLDAP", "idpProtocol": "LDAP_BIND", "provisionType": "LDAP"
    })
}

fn configuration(more: Value, secret: Value) -> Value {
    let bind = json!({
        "type": "ACTIVE_DIRECTORY_LDAP", "baseDn": "DC=corp,DC=example",
        "bindDn": "CN=svc-ldap,OU=Service,DC=corp,DC=example", "directorySearchAttribute": "sAMAccountName",
        "primaryDomainController": { "host": "dc01.corp.example", "port": 389, "protocol": "LDAP" }
    });
    let directory = json!({ "name": "corp", "domains": ["corp.example"], "ldapBindConfiguration": with(bind, secret) });
    json!({ "provisioningConfig": { "ldapConfigurations": [with(directory, more)] } })
}

fn directory() -> Value {
    with(bare(), configuration(json!({}), json!({ "bindDnPassword": "a password" })))
}

fn present() -> Value {
    let id = json!({ "id": PROVIDER, "createdAt": 1_767_261_600_000_i64, "updatedAt": 1_767_261_600_000_i64 });
    let directory = json!({ "ldapConfigurationId": "8d0e2e7a-3b0c-4f4e-a8d0-2f6d0d3f5c11" });
    with(with(bare(), id), configuration(directory, json!({})))
}

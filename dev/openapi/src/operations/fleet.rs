//! The routes below `/fleet/{target}` besides syncs.

use http::{Method, StatusCode};
use idhook::error::ErrorCode;
use serde_json::{Value, json};

use super::FLEET;
use super::doctor::doctor;
use super::vidm::{DIRECTORY, NAMED, fresh_within, stale_after, text};
use crate::operation::{Answer, Content, Operation, UPSTREAM, flag, query};

/// The responses that every operation may return at a VCF Operations before 9.1.
const OLD: [ErrorCode; 1] = [ErrorCode::NotSupported];

pub(super) fn all() -> Vec<Operation> {
    let group = json!({
        "id": "5319fc54-9d7c-45e7-8f47-4926fee94c22", "name": "gg-new", "displayName": "gg-new", "domain": "corp.example",
        "roles": []
    });
    vec![
        Operation::new(Method::GET, "/fleet/{target}/v1/directories", "listFleetDirectories", FLEET)
            .about(
                "List directories",
                "The LDAP directories of all realms with an identity provider, or those that match every filter.",
            )
            .parameter(query("name", "The name, ignoring case.", text(), json!("corp.example")))
            .parameter(query("domain", "One of the domains.", text(), json!("corp.example")))
            .parameter(query("realm", "The realm, by name or id.", text(), json!("USA")))
            .parameter(flag("syncable", "Whether the directory can be synced."))
            .parameter(stale_after())
            .answers(
                Answer::new(StatusCode::OK, "The matching directories.").json(
                    Content::of("FleetDirectoryList")
                        .example("one", json!({ "directories": [directory()] }))
                        .example("fresh", json!({ "directories": [], "stale": [] })),
                ),
            )
            .may(&OLD)
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/fleet/{target}/v1/directories/{directory}", "getFleetDirectory", FLEET)
            .about("Get a directory", "By its id, its name or one of its domains.")
            .answers(
                Answer::new(StatusCode::OK, "The directory.")
                    .json(Content::of("FleetDirectory").example("directory", directory())),
            )
            .may(&NAMED)
            .may(&OLD)
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/fleet/{target}/v1/groups", "findFleetGroups", FLEET)
            .about(
                "Look up a group in the identity broker",
                "Send either `dn` or `name`. Exact match, ignoring case; never by substring.",
            )
            .parameter(query("dn", "A distinguished name.", text(), json!("CN=gg-new,OU=Groups,DC=corp,DC=example")))
            // No example: tools that send all examples would send both parameters.
            .parameter(json!({
                "name": "name", "in": "query", "schema": { "type": "string" },
                "description": "`name@domain`: `gg-new@corp.example`."
            }))
            .answers(
                Answer::new(StatusCode::OK, "Whether the group exists, and its data.").json(
                    Content::of("FleetGroupList")
                        .example("present", json!({ "present": true, "groups": [group] }))
                        .example("absent", json!({ "present": false, "groups": [] })),
                ),
            )
            .may(&OLD)
            .may(&UPSTREAM),
        doctor("/fleet/{target}/v1/doctor", "diagnoseFleet", "Diagnose a VCF Operations target")
            .parameter(fresh_within()),
    ]
}

fn directory() -> Value {
    json!({
        "id": DIRECTORY, "name": "corp.example", "syncable": true,
        "realm": { "id": "ac3569e3-e6c7-462e-b169-69e5f5c5406d", "name": "USA" },
        "identityProvider": "45760727-5b82-4a24-a5d7-efa0537dde45", "domains": ["corp.example"], "status": "COMPLETED",
        "lastSyncAt": "2026-11-21T18:00:31.000Z", "setupStatus": "COMPLETED", "syncMode": null, "users": 100, "groups": 7,
        "alerts": 0, "domainControllerHost": "dc1.corp.example", "domainControllerPort": 636
    })
}

//! The routes below `/vidm/{target}` besides syncs.

use http::{Method, StatusCode};
use idhook::error::ErrorCode;
use serde_json::{Value, json};

use super::doctor::doctor;
use crate::operation::{Answer, Content, Operation, UPSTREAM, flag, query};

pub(super) const DIRECTORY: &str = "66666666-6666-4666-8666-666666666666";
/// Error codes for a directory's id or name.
pub(super) const NAMED: [ErrorCode; 2] = [ErrorCode::DirectoryNotFound, ErrorCode::DirectoryAmbiguous];

pub(super) fn all() -> Vec<Operation> {
    let mut all = directories();
    all.extend(others());
    all
}

fn directories() -> Vec<Operation> {
    const TAG: &str = "Directories";
    vec![
        Operation::new(Method::GET, "/vidm/{target}/v1/directories", "listDirectories", TAG)
            .about("List directories", "All directories, or those that match every filter.")
            .parameter(query("name", "The name, ignoring case.", text(), json!("corp.example")))
            .parameter(query("type", "The kind.", text(), json!("ACTIVE_DIRECTORY_LDAP")))
            .parameter(query("domain", "One of the domains.", text(), json!("corp.example")))
            .parameter(flag("syncable", "Whether the directory can be synced."))
            .parameter(stale_after())
            .answers(
                Answer::new(StatusCode::OK, "The matching directories.").json(
                    Content::of("DirectoryList")
                        .example("one", json!({ "directories": [directory()] }))
                        .example("stale", json!({ "directories": [directory()], "stale": [stale()] })),
                ),
            )
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/vidm/{target}/v1/directories/{directory}", "getDirectory", TAG)
            .about("Get a directory", "")
            .answers(
                Answer::new(StatusCode::OK, "The directory.")
                    .json(Content::of("Directory").example("directory", directory())),
            )
            .may(&NAMED)
            .may(&UPSTREAM),
    ]
}

/// The period after which a directory without a successful sync counts as stale.
pub(super) fn stale_after() -> Value {
    query(
        "staleAfter",
        "Selects the directories that can be synced and have no sync that is known to have succeeded within this period, with \
         the reason of each in `stale`: a number with a unit (`90m`, `2h`, `8d`), from a minute to 366 days. It reads the state \
         of each directory, of at most twenty.",
        text(),
        json!("2h"),
    )
}

/// The same for the doctor.
pub(super) fn fresh_within() -> Value {
    query(
        "staleAfter",
        "Adds the check `freshness`: it fails if a directory that can be synced has no sync that is known to have succeeded within \
         this period. It reads the state of each directory, of at most twenty.",
        text(),
        json!("8d"),
    )
}

/// A directory without a recent sync.
fn stale() -> Value {
    let sync = json!({ "status": "succeeded", "upstreamWord": "COMPLETED", "finishedAt": "2026-11-21T18:00:31.000Z" });
    json!({ "directory": { "id": DIRECTORY, "name": "corp.example", "type": "ACTIVE_DIRECTORY_LDAP" }, "reason": "too_old",
            "age": 86_400, "sync": sync })
}

fn others() -> Vec<Operation> {
    let group = json!({
        "id": "a7c1f0e2-1111-4222-8333-444455556666", "displayName": "gg-new@corp.example", "externalId": "objectguid",
        "distinguishedName": "CN=gg-new,OU=Groups,DC=corp,DC=example", "domain": "corp.example", "type": "EXTERNAL"
    });
    vec![
        Operation::new(Method::GET, "/vidm/{target}/v1/groups", "findGroups", "Groups")
            .about(
                "Look up a group in vIDM",
                "Send either `dn` or `name`. Exact match, ignoring case; never by substring.",
            )
            .parameter(query("dn", "A distinguished name.", text(), json!("CN=gg-new,OU=Groups,DC=corp,DC=example")))
            // No example: tools that send all examples would send both parameters.
            .parameter(json!({
                "name": "name", "in": "query", "schema": { "type": "string" },
                "description": "A name, or `name@domain`: `gg-new@corp.example`."
            }))
            .answers(
                Answer::new(StatusCode::OK, "Whether the group exists, and its data.").json(
                    Content::of("GroupList")
                        .example("present", json!({ "present": true, "groups": [group] }))
                        .example("absent", json!({ "present": false, "groups": [] })),
                ),
            )
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/vidm/{target}/v1/health", "getVidmHealth", "Diagnosis")
            .about("Get vIDM's own health", "As vIDM reports it.")
            .answers(Answer::new(StatusCode::OK, "vIDM's report.").json(Content::of("VidmHealth").example(
                "well",
                json!({
                    "allOk": true, "buildVersion": "3.3.7.0 Build 21173100",
                    "checks": { "DatabaseConnectionOk": true, "AuditPollInterval": "1000" }
                }),
            )))
            .may(&UPSTREAM),
        doctor("/vidm/{target}/v1/doctor", "diagnoseVidm", "Diagnose a vIDM target").parameter(fresh_within()),
    ]
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

fn directory() -> Value {
    json!({
        "id": DIRECTORY, "name": "corp.example", "type": "ACTIVE_DIRECTORY_LDAP", "syncable": true,
        "userstoreId": "c0ffee00-0000-4000-8000-000000000000", "countDomains": 1, "deleteInProgress": false,
        "migratedToEnterpriseService": false, "syncConfigurationEnabled": true
    })
}

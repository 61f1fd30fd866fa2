//! The routes below `/vidm/{target}`.

use http::{Method, StatusCode};
use idhook::error::ErrorCode;
use serde_json::{Value, json};

use crate::operation::{Answer, Content, Operation, UPSTREAM, flag, query, shared, with};

const DIRECTORY: &str = "66666666-6666-4666-8666-666666666666";
const SYNC: &str = "/vidm/default/v1/syncs/AXsidExample";
const EVENTS: &str =
    "event: state\ndata: {\"status\":\"running\",…}\n\n:\n\nevent: state\ndata: {\"status\":\"succeeded\",…}\n\n";
/// Error codes for a directory's id or name.
const NAMED: [ErrorCode; 2] = [ErrorCode::DirectoryNotFound, ErrorCode::DirectoryAmbiguous];

const START: &str = "A run that begins after the request serves it: a new run is started, or, if one is active, \
    the request is `queued` for the next run, which serves all waiting requests. If groups are named, `succeeded` means that the run \
    succeeded and each group is in vIDM, found by an exact look-up.\n\nThe whole body is optional. An Aria payload may be sent \
    whole: fields are also read from `inputs`, and `groups` and `directory` from `customProperties`. With `dryRun` nothing is started, and the response \
    shows what a run would change.";

pub(super) fn all() -> Vec<Operation> {
    let mut all = directories();
    all.extend(syncs());
    all.push(hook());
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
            .answers(
                Answer::new(StatusCode::OK, "The matching directories.")
                    .json(Content::of("DirectoryList").example("one", json!({ "directories": [directory()] }))),
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

fn syncs() -> Vec<Operation> {
    const TAG: &str = "Syncs";
    let started = |operation: Operation| {
        operation
            .parameter(shared("Prefer"))
            .parameter(running_status())
            .answers(
                Answer::new(StatusCode::ACCEPTED, "The sync is started or queued; its state is at `Location`.")
                    .json(Content::of("Sync").example("running", running()))
                    .headers(&["Location", "Retry-After"]),
            )
            .answers(
                Answer::new(
                    StatusCode::OK,
                    "With `Prefer: wait`: its state when final or after the wait. With `dryRun`: what a run would change.",
                )
                .json(
                    Content {
                        schema: json!({ "anyOf": [
                            { "$ref": "#/components/schemas/Sync" }, { "$ref": "#/components/schemas/DryRun" }
                        ] }),
                        examples: Vec::new(),
                    }
                    .example("waited", succeeded())
                    .example("dry_run", json!({ "dryRun": true, "directory": named(), "result": { "usersToAdd": 3 } })),
                )
                .headers(&["Location", "Retry-After", "Preference-Applied"]),
            )
            .may(&NAMED)
            .may(&[ErrorCode::DirectoryNotSyncable])
            .may(&UPSTREAM)
    };
    let groups = json!({ "groups": ["CN=gg-new,OU=Groups,DC=corp,DC=example"], "addToProfile": true });
    vec![
        started(
            Operation::new(Method::POST, "/vidm/{target}/v1/directories/{directory}/syncs", "startDirectorySync", TAG)
                .about("Start a sync of a directory", START)
                .takes(Content::of("StartRequest").example("plain", json!({})).example("groups", groups)),
        ),
        started(
            Operation::new(Method::POST, "/vidm/{target}/v1/syncs", "startSync", TAG)
                .about("Start a sync of the directory in the body", START)
                .takes(
                    Content::of("StartRequest")
                        .example("plain", json!({ "directory": "corp.example" }))
                        .example("inputs", json!({ "inputs": { "directory": "corp.example", "groups": "gg-new@corp.example" } })),
                ),
        ),
        Operation::new(Method::GET, "/vidm/{target}/v1/directories/{directory}/syncs", "listDirectorySyncs", TAG)
            .about("List a directory's recent runs", "Newest first; 404 `not_found` if this vIDM version does not expose sync history.")
            .answers(Answer::new(StatusCode::OK, "The runs.").json(
                Content::of("SyncHistory").example("one", json!({ "directory": named(), "syncs": [run()] })),
            ))
            .may(&NAMED)
            .may(&[ErrorCode::DirectoryNotSyncable])
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/vidm/{target}/v1/directories/{directory}/sync", "getDirectorySync", TAG)
            .about("Get a directory's current state", "The state of its latest run, however it was started.")
            .answers(
                Answer::new(StatusCode::OK, "The state.")
                    .json(Content::of("Sync").example("running", present()))
                    .headers(&["Retry-After"]),
            )
            .may(&NAMED)
            .may(&[ErrorCode::DirectoryNotSyncable])
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/vidm/{target}/v1/syncs/{sync}", "getSync", TAG)
            .about(
                "Get a sync's state",
                "Always 200 and flat. With `Prefer: wait=N` the response comes when the sync is final or after N seconds. `Accept: text/event-stream` \
                 follows the sync: an event `state` at each change, the last one final; `problem` if an observation fails.",
            )
            .parameter(shared("Prefer"))
            .parameter(running_status())
            .answers(
                Answer::new(StatusCode::ACCEPTED, "With `running=202`: the state, not final yet.")
                    .json(Content::of("Sync").example("running", running()))
                    .headers(&["Location", "Retry-After"]),
            )
            .answers(
                Answer::new(StatusCode::OK, "Its state.")
                    .json(
                        Content::of("Sync")
                            .example("running", running())
                            .example("succeeded", succeeded())
                            .example("group_absent", group_absent()),
                    )
                    .events(EVENTS)
                    .headers(&["Location", "Retry-After", "Preference-Applied"]),
            )
            .may(&[ErrorCode::SyncNotFound])
            .may(&UPSTREAM),
    ]
}

/// The route of hooks: its senders may send any body.
fn hook() -> Operation {
    let any = Content { schema: json!({}), examples: Vec::new() };
    let push = json!({ "ref": "refs/heads/main", "repository": { "name": "corp.example" } });
    let unheeded = json!({
        "oneOf": [
            {
                "type": "object", "required": ["skipped", "reason"],
                "properties": { "skipped": { "const": true }, "reason": { "type": "string" } }
            },
            { "type": "object", "required": ["pong"], "properties": { "pong": { "const": true } } }
        ]
    });
    Operation::new(Method::POST, "/hooks/{hook}", "callHook", "Syncs")
        .about(
            "Start a hook's sync",
            "For senders that cannot change their request: the variable `hooks` holds the directory and the groups, \
             or their places in the body. The body is JSON, or a form with JSON in its field `payload`.",
        )
        .parameter(running_status())
        .takes(any.example("push", push))
        .answers(
            Answer::new(StatusCode::ACCEPTED, "The sync is started or queued; its state is at `Location`.")
                .json(Content::of("Sync").example("running", running()))
                .headers(&["Location", "Retry-After"]),
        )
        .answers(
            Answer::new(StatusCode::OK, "Nothing to do: a condition of the hook is not met, or GitHub's ping.").json(
                Content { schema: unheeded, examples: Vec::new() }
                    .example(
                        "skipped",
                        json!({ "skipped": true, "reason": "/ref does not meet this hook's condition" }),
                    )
                    .example("ping", json!({ "pong": true })),
            ),
        )
        .may(&[ErrorCode::RouteNotFound, ErrorCode::DirectoryNotSyncable])
        .may(&NAMED)
        .may(&UPSTREAM)
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
        Operation::new(Method::GET, "/vidm/{target}/v1/doctor", "diagnoseVidm", "Diagnosis")
            .about("Diagnose a vIDM target", "Read-only. Checks after a failed one may be `skipped`.")
            .parameter(flag("strict", "Return 503 instead of 200 if a check failed; the document is the same."))
            .parameter(flag(
                "retry",
                "After rejected logins, allow one more login at once: the account was unlocked or corrected.",
            ))
            .answers(
                Answer::new(StatusCode::OK, "The checks.")
                    .json(Content::of("Diagnosis").example("untrusted", super::vcf::diagnosis())),
            ),
    ]
}

/// The parameter for the status of a state that is not final.
fn running_status() -> Value {
    query(
        "running",
        "The status of a state that is not final: 200, or 202 for pollers that go by the status. The response's Location keeps the parameter.",
        json!({ "type": "integer", "enum": [200, 202], "default": 200 }),
        json!(202),
    )
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn directory() -> Value {
    json!({
        "id": DIRECTORY, "name": "corp.example", "type": "ACTIVE_DIRECTORY_LDAP", "syncable": true,
        "userstoreId": "c0ffee00-0000-4000-8000-000000000000", "countDomains": 1, "deleteInProgress": false,
        "migratedToEnterpriseService": false, "syncConfigurationEnabled": true
    })
}

fn named() -> Value {
    json!({ "id": DIRECTORY, "name": "corp.example", "type": "ACTIVE_DIRECTORY_LDAP" })
}

fn running() -> Value {
    json!({
        "id": "AXsidExample", "status": "running", "directory": named(), "requestedAt": "2026-11-21T18:00:00.000Z",
        "groups": [], "retryAfter": 2, "links": { "self": SYNC }
    })
}

fn present() -> Value {
    json!({
        "status": "running", "directory": named(), "startedAt": "2026-11-21T18:00:01.000Z", "upstream": { "status": "RUNNING" },
        "groups": [], "retryAfter": 2, "links": { "self": format!("/vidm/default/v1/directories/{DIRECTORY}/sync") }
    })
}

fn ended(status: &str, group: &str) -> Value {
    json!({
        "id": "AXsidExample", "status": status, "directory": named(), "requestedAt": "2026-11-21T18:00:00.000Z",
        "startedAt": "2026-11-21T18:00:01.000Z", "finishedAt": "2026-11-21T18:00:31.000Z",
        "counts": {
            "users": { "added": 1, "updated": 0, "removed": 0 }, "groups": { "added": 1, "updated": null, "removed": null }
        },
        "groups": [{ "requested": "CN=gg-new,OU=Groups,DC=corp,DC=example", "state": group }],
        "upstream": { "status": "COMPLETED" }, "links": { "self": SYNC }
    })
}

fn succeeded() -> Value {
    ended("succeeded", "present")
}

fn group_absent() -> Value {
    let hint = idhook::sync::SyncFailure::GroupAbsent.hint(idhook::directory::Product::Vidm);
    with(ended("failed", "absent"), json!({ "reason": "group_absent", "hint": hint }))
}

fn run() -> Value {
    json!({
        "status": "succeeded", "upstreamWord": "COMPLETED", "startedAt": "2026-11-21T18:00:01.000Z",
        "finishedAt": "2026-11-21T18:00:31.000Z"
    })
}

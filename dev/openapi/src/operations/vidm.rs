//! The routes below `/vidm/{target}`.

use http::{Method, StatusCode};
use idhook::error::ErrorCode;
use serde_json::{Value, json};

use crate::operation::{Answer, Content, Operation, UPSTREAM, flag, query, shared, with};

const DIRECTORY: &str = "66666666-6666-4666-8666-666666666666";
const SYNC: &str = "/vidm/default/v1/syncs/AXsidExample";
const EVENTS: &str =
    "event: state\ndata: {\"status\":\"running\",…}\n\n:\n\nevent: state\ndata: {\"status\":\"succeeded\",…}\n\n";
/// What may come of a directory's id or name.
const NAMED: [ErrorCode; 2] = [ErrorCode::DirectoryNotFound, ErrorCode::DirectoryAmbiguous];

const START: &str = "The request is served by a run that begins after it came: one is started, or, where one is going on, \
    the request is `queued` for the next, which serves all who wait. Where groups are named, `succeeded` means that the run \
    succeeded and each of them is in vIDM, looked up exactly.\n\nAll of the body is optional. An Aria payload may be sent \
    whole: fields are found in `inputs` as well, and `groups` and `directory` in `customProperties`. With `dryRun` nothing is started, and the answer \
    tells what a run would change.";

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
            .about("List directories", "All of them, or those that every filter lets through.")
            .parameter(query("name", "Of this name, without regard to case.", text(), json!("corp.example")))
            .parameter(query("type", "Of this kind.", text(), json!("ACTIVE_DIRECTORY_LDAP")))
            .parameter(query("domain", "With this domain.", text(), json!("corp.example")))
            .parameter(flag("syncable", "Those that can be synced, or that cannot."))
            .answers(
                Answer::new(StatusCode::OK, "Those that fit.")
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
                Answer::new(StatusCode::ACCEPTED, "It is started, or queued; ask for its state at `Location`.")
                    .json(Content::of("Sync").example("running", running()))
                    .headers(&["Location", "Retry-After"]),
            )
            .answers(
                Answer::new(
                    StatusCode::OK,
                    "With `Prefer: wait`: its state when it was final or the wait was over. With `dryRun`: what it would change.",
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
                .about("Start a sync of the directory that the body names", START)
                .takes(
                    Content::of("StartRequest")
                        .example("plain", json!({ "directory": "corp.example" }))
                        .example("inputs", json!({ "inputs": { "directory": "corp.example", "groups": "gg-new@corp.example" } })),
                ),
        ),
        Operation::new(Method::GET, "/vidm/{target}/v1/directories/{directory}/syncs", "listDirectorySyncs", TAG)
            .about("List a directory's recent runs", "The newest first, where this vIDM tells; 404 `not_found` where it does not.")
            .answers(Answer::new(StatusCode::OK, "The runs.").json(
                Content::of("SyncHistory").example("one", json!({ "directory": named(), "syncs": [run()] })),
            ))
            .may(&NAMED)
            .may(&[ErrorCode::DirectoryNotSyncable])
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/vidm/{target}/v1/directories/{directory}/sync", "getDirectorySync", TAG)
            .about("Get a directory's present state", "Of its latest run, whoever started it.")
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
                "Always 200 and flat. `Prefer: wait=N` answers when it is final or the time is up. `Accept: text/event-stream` \
                 follows it: an event `state` at each change, the last one being final; `problem` where asking fails.",
            )
            .parameter(shared("Prefer"))
            .parameter(running_status())
            .answers(
                Answer::new(StatusCode::ACCEPTED, "With `running=202`: its state, which is not final yet.")
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

/// What a hook's sender is to know: any body at all, and what comes of it.
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
            "Start the sync that a hook stands for",
            "For senders that cannot shape their request: which directory and groups are meant stands in the variable `hooks`, \
             or at a place of the body that is named there. The body is JSON, or a form with JSON in its field `payload`.",
        )
        .parameter(running_status())
        .takes(any.example("push", push))
        .answers(
            Answer::new(StatusCode::ACCEPTED, "It is started, or queued; ask for its state at `Location`.")
                .json(Content::of("Sync").example("running", running()))
                .headers(&["Location", "Retry-After"]),
        )
        .answers(
            Answer::new(StatusCode::OK, "Nothing to do: not what this hook waits for, or GitHub's ping.").json(
                Content { schema: unheeded, examples: Vec::new() }
                    .example("skipped", json!({ "skipped": true, "reason": "/ref is not what this hook waits for" }))
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
                "Is this group in vIDM?",
                "Give either `dn` or `name`. Exact, upper and lower case aside; never by substring.",
            )
            .parameter(query("dn", "A distinguished name.", text(), json!("CN=gg-new,OU=Groups,DC=corp,DC=example")))
            // No example: whoever sends those of all parameters would send both.
            .parameter(json!({
                "name": "name", "in": "query", "schema": { "type": "string" },
                "description": "A name, or `name@domain`: `gg-new@corp.example`."
            }))
            .answers(
                Answer::new(StatusCode::OK, "Whether it is, and what vIDM knows of it.").json(
                    Content::of("GroupList")
                        .example("present", json!({ "present": true, "groups": [group] }))
                        .example("absent", json!({ "present": false, "groups": [] })),
                ),
            )
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/vidm/{target}/v1/health", "getVidmHealth", "Diagnosis")
            .about("Get vIDM's own health", "In its own words.")
            .answers(Answer::new(StatusCode::OK, "What it says.").json(Content::of("VidmHealth").example(
                "well",
                json!({
                    "allOk": true, "buildVersion": "3.3.7.0 Build 21173100",
                    "checks": { "DatabaseConnectionOk": true, "AuditPollInterval": "1000" }
                }),
            )))
            .may(&UPSTREAM),
        Operation::new(Method::GET, "/vidm/{target}/v1/doctor", "diagnoseVidm", "Diagnosis")
            .about(
                "What is wrong with this vIDM target?",
                "It only reads. A check after one that failed may be `skipped`.",
            )
            .parameter(flag("strict", "Return 503 instead of 200 if a check failed; the document is the same."))
            .parameter(flag(
                "retry",
                "Allow one more login, at once, after rejected ones: the account was unlocked or corrected.",
            ))
            .answers(
                Answer::new(StatusCode::OK, "The checks.")
                    .json(Content::of("Diagnosis").example("untrusted", super::vcf::diagnosis())),
            ),
    ]
}

/// What a state is answered with while the sync goes on.
fn running_status() -> Value {
    query(
        "running",
        "The status of a state that is not final: 200, or 202 for pollers that go by it. The Location of the answer has it as well.",
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
    let hint = idhook::sync::SyncFailure::GroupAbsent.hint();
    with(ended("failed", "absent"), json!({ "reason": "group_absent", "hint": hint }))
}

fn run() -> Value {
    json!({
        "status": "succeeded", "upstreamWord": "COMPLETED", "startedAt": "2026-11-21T18:00:01.000Z",
        "finishedAt": "2026-11-21T18:00:31.000Z"
    })
}

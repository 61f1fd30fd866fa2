//! The routes of syncs, below `/vidm/{target}` and `/fleet/{target}`, and of hooks.

use http::{Method, StatusCode};
use idhook::directory::Product;
use idhook::error::ErrorCode;
use serde_json::{Value, json};

use super::vidm::{DIRECTORY, NAMED};
use crate::operation::{Answer, Content, Operation, UPSTREAM, query, shared, with};

const EVENTS: &str = "event: state\ndata: {\"status\":\"running\",…}\n\n:\n\nid: final\nevent: state\ndata: {\"status\":\"succeeded\",…}\n\n";

/// The paths and operation ids of one product.
struct Names {
    product: Product,
    tag: &'static str,
    of_directory: &'static str,
    latest_of_directory: &'static str,
    syncs: &'static str,
    sync: &'static str,
    start_of_directory: &'static str,
    start: &'static str,
    history: &'static str,
    latest: &'static str,
    state: &'static str,
    all: &'static str,
    advance: &'static str,
}

const VIDM: Names = Names {
    product: Product::Vidm,
    tag: "Syncs",
    of_directory: "/vidm/{target}/v1/directories/{directory}/syncs",
    latest_of_directory: "/vidm/{target}/v1/directories/{directory}/sync",
    syncs: "/vidm/{target}/v1/syncs",
    sync: "/vidm/{target}/v1/syncs/{sync}",
    start_of_directory: "startDirectorySync",
    start: "startSync",
    history: "listDirectorySyncs",
    latest: "getDirectorySync",
    state: "getSync",
    all: "/vidm/{target}/v1/advance",
    advance: "advanceSyncs",
};

const FLEET: Names = Names {
    product: Product::Fleet,
    tag: super::FLEET,
    of_directory: "/fleet/{target}/v1/directories/{directory}/syncs",
    latest_of_directory: "/fleet/{target}/v1/directories/{directory}/sync",
    syncs: "/fleet/{target}/v1/syncs",
    sync: "/fleet/{target}/v1/syncs/{sync}",
    start_of_directory: "startFleetDirectorySync",
    start: "startFleetSync",
    history: "listFleetDirectorySyncs",
    latest: "getFleetDirectorySync",
    state: "getFleetSync",
    all: "/fleet/{target}/v1/advance",
    advance: "advanceFleetSyncs",
};

pub(super) fn all() -> Vec<Operation> {
    let mut all = of(&VIDM);
    all.push(hook());
    all.extend(of(&FLEET));
    all
}

/// The schemas of responses that have one of several forms. Generators name a type after each.
pub(super) fn schemas() -> [(&'static str, Value); 4] {
    // Generators write an enumeration of booleans as one of texts.
    let always = || json!({ "type": "boolean", "description": "Always `true`." });
    let one_of = |about: &str, names: [&str; 2]| {
        let forms = names.map(|name| json!({ "$ref": format!("#/components/schemas/{name}") }));
        json!({ "description": about, "oneOf": forms })
    };
    [
        ("SyncOrDryRun", one_of("The state of a sync, or with `dryRun` what a run would change.", ["Sync", "DryRun"])),
        ("HookUnheeded", one_of("Why a call of a hook starts nothing.", ["HookSkipped", "HookPong"])),
        (
            "HookSkipped",
            json!({
                "type": "object", "required": ["skipped", "reason"], "description": "A condition of the hook is not met.",
                "properties": { "skipped": always(), "reason": { "type": "string", "description": "Which one." } }
            }),
        ),
        (
            "HookPong",
            json!({
                "type": "object", "required": ["pong"], "description": "The response to the ping of a repository host.",
                "properties": { "pong": always() }
            }),
        ),
    ]
}

/// The text about a start. `body`: which parts of it may be left out.
fn start(product: Product, body: &str) -> String {
    let dry_run = match product {
        Product::Vidm => "With `dryRun` nothing is started, and the response shows what a run would change.",
        Product::Fleet => {
            "VCF Operations has neither safeguards nor a dry run: `ignoreSafeguards` and `dryRun` are `not_supported`."
        }
    };
    format!(
        "A run that begins after the request serves it: a new run is started, or, if one is active, \
    the request is `queued` for the next run, which serves all waiting requests. If groups or users are named, `succeeded` means that the run \
    succeeded and each of them is in {product}, found by an exact look-up.\n\n{body} An Aria payload may be sent \
    whole: fields are also read from `inputs`, and `groups` and `directory` from `customProperties`. {dry_run}"
    )
}

/// The responses that an operation may return if the target's version lacks something.
fn not_supported(product: Product) -> &'static [ErrorCode] {
    match product {
        Product::Vidm => &[],
        Product::Fleet => &[ErrorCode::NotSupported],
    }
}

/// The response to a start that was waited for, or to a dry run.
fn waited(product: Product) -> Answer {
    match product {
        Product::Vidm => {
            Answer::new(
                StatusCode::OK,
                "With `Prefer: wait`: its state when final or after the wait. With `dryRun`: what a run would change.",
            )
            .json(Content::of("SyncOrDryRun").example("waited", succeeded(product)).example(
                "dry_run",
                json!({ "dryRun": true, "directory": named(product), "result": { "usersToAdd": 3 } }),
            ))
        }
        Product::Fleet => Answer::new(StatusCode::OK, "With `Prefer: wait`: its state when final or after the wait.")
            .json(Content::of("Sync").example("waited", succeeded(product))),
    }
}

fn of(names: &Names) -> Vec<Operation> {
    let Names { product, tag, .. } = *names;
    let started = |operation: Operation| {
        operation
            .parameter(shared("Prefer"))
            .parameter(running_status())
            .answers(
                Answer::new(StatusCode::ACCEPTED, "The sync is started or queued; its state is at `Location`.")
                    .json(Content::of("Sync").example("running", running(product)))
                    .headers(&["Location", "Retry-After", "Preference-Applied"]),
            )
            .answers(waited(product).headers(&["Location", "Retry-After", "Preference-Applied"]))
            .may(&NAMED)
            .may(&[ErrorCode::DirectoryNotSyncable, ErrorCode::NotSupported])
            .may(&UPSTREAM)
    };
    let groups = json!({ "groups": ["CN=gg-new,OU=Groups,DC=corp,DC=example"], "addToProfile": true });
    let users = json!({ "groups": ["gg-app@corp.example"], "users": ["jdoe@corp.example"] });
    vec![
        started(
            Operation::new(Method::POST, names.of_directory, names.start_of_directory, tag)
                .about("Start a sync of a directory", start(product, "The whole body is optional."))
                .takes(Content::of("StartRequest").example("plain", json!({})).example("groups", groups).example("users", users)),
        ),
        started(
            Operation::new(Method::POST, names.syncs, names.start, tag)
                .about("Start a sync of the directory in the body", start(product, "All but `directory` is optional."))
                .takes(
                    Content::of("StartRequest")
                        .example("plain", json!({ "directory": "corp.example" }))
                        .example("inputs", json!({ "inputs": { "directory": "corp.example", "groups": "gg-new@corp.example" } })),
                ),
        ),
        Operation::new(Method::GET, names.of_directory, names.history, tag)
            .about("List a directory's recent runs", match product {
                Product::Vidm => "Newest first; 404 `not_found` if this vIDM version does not expose sync history.",
                Product::Fleet => "Newest first, from the sync log.",
            })
            .answers(Answer::new(StatusCode::OK, "The runs.").json(
                Content::of("SyncHistory").example("one", json!({ "directory": named(product), "syncs": [run(product)] })),
            ))
            .may(&NAMED)
            .may(&[ErrorCode::DirectoryNotSyncable, ErrorCode::NotSupported])
            .may(&UPSTREAM),
        Operation::new(Method::GET, names.latest_of_directory, names.latest, tag)
            .about("Get a directory's current state", "The state of its latest run, however it was started.")
            .answers(
                Answer::new(StatusCode::OK, "The state.")
                    .json(Content::of("Sync").example("running", present(product)))
                    .headers(&["Retry-After"]),
            )
            .may(&NAMED)
            .may(&[ErrorCode::DirectoryNotSyncable, ErrorCode::NotSupported])
            .may(&UPSTREAM),
        Operation::new(Method::GET, names.sync, names.state, tag)
            .about(
                "Get a sync's state",
                "Always 200 and flat. With `Prefer: wait=N` the response comes when the sync is final or after N seconds. `Accept: text/event-stream` \
                 follows the sync: an event `state` at each change, the last one final; `problem` if an observation fails. The last event has \
                 the id `final`.",
            )
            .parameter(shared("Prefer"))
            .parameter(shared("LastEventId"))
            .parameter(running_status())
            .answers(
                Answer::new(StatusCode::ACCEPTED, "With `running=202`: the state, not final yet.")
                    .json(Content::of("Sync").example("running", running(product)))
                    .headers(&["Location", "Retry-After", "Preference-Applied"]),
            )
            .answers(
                Answer::new(StatusCode::OK, "Its state.")
                    .json(
                        Content::of("Sync")
                            .example("running", running(product))
                            .example("succeeded", succeeded(product))
                            .example("group_absent", group_absent(product)),
                    )
                    .events(EVENTS)
                    .headers(&["Location", "Retry-After", "Preference-Applied"]),
            )
            .answers(Answer::new(StatusCode::NO_CONTENT, "With `Last-Event-ID: final`: the event stream is over; do not connect again."))
            .may(&[ErrorCode::SyncNotFound])
            .may(not_supported(product))
            .may(&UPSTREAM),
        Operation::new(Method::POST, names.all, names.advance, tag)
            .about(
                "Look after the syncs that nobody watches",
                "For a timer: looks at the target's syncs that have a callback or were queued, as a request for the state of each would. Queued runs \
                 begin, and messages are sent. One request looks at up to 50 syncs, the next one goes on with the others. Syncs are listed for 24 hours, \
                 at most the last 1024 of a target. Without a key-value store nothing is listed: `not_supported`; while it does not respond: `upstream_busy`.",
            )
            .answers(Answer::new(StatusCode::OK, "The syncs that were looked at.").json(
                Content::of("Advance").example("one", json!({
                    "syncs": [{ "directory": DIRECTORY, "status": "succeeded", "open": false }], "hasMore": false
                })),
            ))
            .may(&[ErrorCode::NotSupported])
            .may(&UPSTREAM),
    ]
}

/// The route of hooks: its senders may send any body.
fn hook() -> Operation {
    let any = Content { schema: json!({}), examples: Vec::new() };
    let push = json!({ "ref": "refs/heads/main", "repository": { "name": "corp.example" } });
    Operation::new(Method::POST, "/hooks/{hook}", "callHook", "Syncs")
        .about(
            "Start a hook's sync",
            "For senders that cannot change their request: the variable `hooks` holds the directory and the groups, \
             or their places in the body. The body is JSON, or a form with JSON in its field `payload`. A hook whose \
             target is `fleet/NAME` needs the scope `fleet:sync` instead of `vidm:sync`. A CloudEvent with `Prefer: reply` gets a \
             success without body.",
        )
        .parameter(running_status())
        .takes(any.example("push", push))
        .answers(
            Answer::new(StatusCode::ACCEPTED, "The sync is started or queued; its state is at `Location`.")
                .json(Content::of("Sync").example("running", running(Product::Vidm)))
                .headers(&["Location", "Retry-After"]),
        )
        .answers(
            Answer::new(StatusCode::OK, "Nothing to do: a condition of the hook is not met, or the ping of a repository host.").json(
                Content::of("HookUnheeded")
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

/// The parameter for the status of a state that is not final.
fn running_status() -> Value {
    query(
        "running",
        "The status of a state that is not final: 200, or 202 for pollers that go by the status. The response's Location keeps the parameter.",
        json!({ "type": "integer", "enum": [200, 202], "default": 200 }),
        json!(202),
    )
}

fn named(product: Product) -> Value {
    match product {
        Product::Vidm => json!({ "id": DIRECTORY, "name": "corp.example", "type": "ACTIVE_DIRECTORY_LDAP" }),
        Product::Fleet => json!({ "id": DIRECTORY, "name": "corp.example" }),
    }
}

fn place(product: Product) -> String {
    format!("/{}/default/v1/syncs/AXsidExample", product.kind())
}

fn running(product: Product) -> Value {
    json!({
        "id": "AXsidExample", "status": "running", "directory": named(product), "requestedAt": "2026-11-21T18:00:00.000Z",
        "groups": [], "retryAfter": 2, "links": { "self": place(product) }
    })
}

fn present(product: Product) -> Value {
    let document = json!({
        "status": "running", "directory": named(product), "upstream": { "status": word(product, "RUNNING", "IN_PROGRESS") },
        "groups": [], "retryAfter": 2, "links": { "self": format!("/{}/default/v1/directories/{DIRECTORY}/sync", product.kind()) }
    });
    began(product, document)
}

fn ended(product: Product, status: &str, group: &str) -> Value {
    let document = json!({
        "id": "AXsidExample", "status": status, "directory": named(product), "requestedAt": "2026-11-21T18:00:00.000Z",
        "finishedAt": "2026-11-21T18:00:31.000Z",
        "counts": {
            "users": { "added": 1, "updated": 0, "removed": 0 }, "groups": { "added": 1, "updated": null, "removed": null }
        },
        "groups": [{ "requested": "CN=gg-new,OU=Groups,DC=corp,DC=example", "state": group }],
        "upstream": { "status": "COMPLETED" }, "links": { "self": place(product) }
    });
    began(product, document)
}

fn succeeded(product: Product) -> Value {
    ended(product, "succeeded", "present")
}

fn group_absent(product: Product) -> Value {
    let hint = idhook::sync::SyncFailure::GroupAbsent.hint(product);
    with(ended(product, "failed", "absent"), json!({ "reason": "group_absent", "hint": hint }))
}

fn run(product: Product) -> Value {
    let document = json!({
        "status": "succeeded", "upstreamWord": "COMPLETED", "finishedAt": "2026-11-21T18:00:31.000Z"
    });
    began(product, document)
}

/// The document with the start time that vIDM reports.
fn began(product: Product, document: Value) -> Value {
    match product {
        Product::Vidm => with(document, json!({ "startedAt": "2026-11-21T18:00:01.000Z" })),
        Product::Fleet => document,
    }
}

fn word<'w>(product: Product, vidm: &'w str, fleet: &'w str) -> &'w str {
    match product {
        Product::Vidm => vidm,
        Product::Fleet => fleet,
    }
}

//! The whole document: OpenAPI 3.1 (<https://spec.openapis.org/oas/v3.1.1>).

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use idhook::config::{Config, Scope};
use idhook::error::ErrorCode;
use idhook::webhook::contract::{self, Route, RouteOperation};
use serde_json::{Map, Value, json};

use crate::operation::{Answer, Content, Operation, with};
use crate::operations;
use crate::problems::{self, Sets};

/// The whole document.
pub(crate) fn document() -> Result<Value, String> {
    let described = described()?;
    let sets: BTreeSet<_> = described.iter().flat_map(|(.., sets)| sets.clone()).collect();
    let names = problems::names(&sets);
    let mut paths = BTreeMap::<&str, Map<String, Value>>::new();
    for (route, operation, scope, sets) in &described {
        let item = paths.entry(route.path).or_default();
        let parameters: Vec<_> = path_parameters(route.path).map(crate::operation::shared).collect();
        if !parameters.is_empty() {
            item.insert("parameters".to_owned(), parameters.into());
        }
        item.insert(operation.method.as_str().to_ascii_lowercase(), written(operation, *scope, sets, &names));
    }
    let responses: Map<_, _> =
        names.iter().map(|((_, codes), name)| (name.clone(), problems::response(name, codes))).collect();
    let mut schemas = contract::schemas();
    schemas.extend(operations::schemas());
    schemas.extend(names.iter().map(|((status, codes), name)| problems::schema(name, *status, codes)));
    let codes: BTreeSet<_> = sets.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
    let tags: Vec<_> =
        operations::TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about })).collect();
    Ok(json!({
        "openapi": "3.1.1",
        "info": {
            "title": "idhook",
            "summary": "An identity webhook for VMware: vIDM directory syncs and SDDC Manager's identity providers",
            "description": about()?,
            "version": env!("CARGO_PKG_VERSION"),
            "contact": { "name": "The operator of this idhook" },
            "license": { "name": "Apache License 2.0", "identifier": "Apache-2.0" }
        },
        "servers": [{ "url": "/", "description": "The idhook that serves this document." }],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "`Authorization: Bearer KEY`; below `/vcf/{target}` also an access token from `createToken`." },
                "apiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`X-API-Key: KEY`" },
                "standardWebhooks": {
                    "type": "apiKey", "in": "header", "name": "webhook-signature",
                    "description": "Standard Webhooks 1.0, with `webhook-id` and `webhook-timestamp`, for a configured sender."
                },
                "gitHub": {
                    "type": "apiKey", "in": "header", "name": "X-Hub-Signature-256",
                    "description": "GitHub's signature of the body, for a configured sender."
                },
                "bitbucket": {
                    "type": "apiKey", "in": "header", "name": "X-Hub-Signature",
                    "description": "Bitbucket's signature of the body, for a configured sender."
                },
                "gitLab": {
                    "type": "apiKey", "in": "header", "name": "X-Gitlab-Token",
                    "description": "GitLab's token, for a configured sender."
                },
                "basic": { "type": "http", "scheme": "basic", "description": "Any user name, and the key as the password." }
            },
            "parameters": parameters(),
            "headers": headers(),
            "responses": responses,
            "examples": problems::examples(codes.into_iter()),
            "schemas": schemas
        }
    }))
}

/// A method of a route, its description, its scope, and its possible failures.
type Described = (Route, Operation, Option<Scope>, Sets);

/// Every route with its operations. Each must have the other.
fn described() -> Result<Vec<Described>, String> {
    let routes = contract::routes();
    let mut operations = operations::all();
    let mut described = Vec::new();
    for route in routes {
        for RouteOperation { method, scope, query, conditions } in route.operations.clone() {
            let place = format!("{method} {}", route.path);
            let Some(at) = operations.iter().position(|one| one.path == route.path && one.method == method) else {
                return Err(format!("{place} is not described: add it to dev/openapi/src/operations"));
            };
            let operation = operations.swap_remove(at);
            let told: BTreeSet<_> = operation.query_names().collect();
            if told != query.iter().copied().collect() {
                return Err(format!("{place} has the query parameters {query:?}, but {told:?} are described"));
            }
            let told: BTreeSet<_> = operation.conditions().collect();
            if told != conditions.iter().copied().collect() {
                return Err(format!("{place} evaluates {conditions:?}, but {told:?} are described"));
            }
            let sets = problems::by_status(&codes(&operation, scope));
            described.push((route.clone(), operation, scope, sets));
        }
    }
    match operations.first() {
        Some(left) => Err(format!("{} {} is described, but there is no such route", left.method, left.path)),
        None => Ok(described),
    }
}

/// All error codes of an operation.
fn codes(operation: &Operation, scope: Option<Scope>) -> Vec<ErrorCode> {
    if operation.is_of_gate {
        return Vec::new();
    }
    // An unknown query parameter is rejected on every route.
    let mut codes = vec![ErrorCode::Internal, ErrorCode::RequestInvalid, ErrorCode::UnresolvedPlaceholder];
    if scope.is_some() {
        codes.extend([
            ErrorCode::Unauthenticated,
            ErrorCode::SignatureInvalid,
            ErrorCode::Forbidden,
            ErrorCode::RateLimited,
            ErrorCode::NotConfigured,
        ]);
        if operation.method != Method::GET {
            codes.extend([ErrorCode::IdempotencyKeyReused, ErrorCode::IdempotencyKeyInFlight]);
        }
    }
    if path_parameters(operation.path).any(|name| name == "target") {
        codes.push(ErrorCode::TargetNotFound);
    }
    if [Method::POST, Method::PUT, Method::PATCH].contains(&operation.method) {
        codes.extend([
            ErrorCode::Overloaded,
            ErrorCode::RequestTimeout,
            ErrorCode::BodyTooLarge,
            ErrorCode::UnsupportedMediaType,
        ]);
    }
    codes.extend(&operation.codes);
    codes
}

fn written(
    operation: &Operation,
    scope: Option<Scope>,
    sets: &Sets,
    names: &BTreeMap<(u16, BTreeSet<&'static str>), String>,
) -> Value {
    let mut responses: Map<_, _> =
        operation.answers.iter().map(|one| (one.status.as_u16().to_string(), answer(operation, one))).collect();
    for (status, codes) in sets {
        let name = names.get(&(*status, codes.clone())).map_or("", String::as_str);
        let problem = || json!({ "$ref": format!("#/components/responses/{name}") });
        responses
            .entry(status.to_string())
            .and_modify(|document| *document = either(document, &problems::response(name, codes)))
            .or_insert_with(problem);
    }
    let mut description = operation.description.to_owned();
    let security: Vec<_> = match scope {
        Some(scope) => {
            description.push_str(&format!("\n\nScope: `{scope}`."));
            let signed: &[&str] = match operation.method {
                Method::DELETE => &[],
                Method::GET => &["standardWebhooks"],
                _ => &["standardWebhooks", "gitHub", "bitbucket", "gitLab"],
            };
            let schemes = ["bearer", "apiKey", "basic"].iter().chain(signed);
            schemes.map(|scheme| json!({ *scheme: [scope.as_str()] })).collect()
        }
        None => Vec::new(),
    };
    let mut written = json!({
        "operationId": operation.id, "tags": [operation.tag], "summary": operation.summary,
        "description": if description.trim().is_empty() { operation.summary } else { description.trim() },
        "security": security, "responses": responses
    });
    if let Value::Object(members) = &mut written {
        let mut parameters = operation.parameters.clone();
        if operation.method != Method::GET && !operation.is_of_gate {
            parameters.push(crate::operation::shared("IdempotencyKey"));
        }
        if !parameters.is_empty() {
            members.insert("parameters".to_owned(), parameters.into());
        }
        if let Some(request) = &operation.request {
            let required = request.examples.iter().all(|(_, example)| *example != json!({}));
            let content = json!({ "application/json": request.media_type() });
            members.insert("requestBody".to_owned(), json!({ "required": required, "content": content }));
        }
    }
    written
}

/// A status with which an operation returns its own document or a problem.
fn either(document: &Value, problem: &Value) -> Value {
    let text = |one: &Value| one["description"].as_str().unwrap_or_default().to_owned();
    json!({
        "description": format!("{}\n\nOr a problem:\n\n{}", text(document), text(problem)),
        "headers": with(document["headers"].clone(), problem["headers"].clone()),
        "content": with(document["content"].clone(), problem["content"].clone())
    })
}

fn answer(operation: &Operation, answer: &Answer) -> Value {
    let keyed: &[&str] =
        if operation.method == Method::GET || operation.is_of_gate { &[] } else { &["Idempotency-Status"] };
    let headers: Map<_, _> = ["X-Request-Id"]
        .iter()
        .chain(keyed)
        .chain(&answer.headers)
        .map(|name| ((*name).to_owned(), problems::header(name)))
        .collect();
    let mut written = json!({ "description": answer.description, "headers": headers });
    let text = answer.text.map(|_| Content { schema: json!({ "type": "string" }), examples: Vec::new() });
    let kinds = [
        ("application/json", &answer.content),
        ("text/event-stream", &answer.events),
        (answer.text.unwrap_or_default(), &text),
    ];
    let content: Map<_, _> = kinds
        .into_iter()
        .filter_map(|(kind, content)| Some((kind.to_owned(), content.as_ref()?.media_type())))
        .collect();
    if let (Value::Object(members), false) = (&mut written, content.is_empty()) {
        members.insert("content".to_owned(), content.into());
    }
    written
}

/// The names of the parameters in a path.
fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn parameters() -> Value {
    let path = |name: &str, description: &str, example: &str| {
        json!({
            "name": name, "in": "path", "required": true, "description": description,
            "schema": { "type": "string", "minLength": 1 }, "example": example
        })
    };
    json!({
        "target": path("target", "A configured target; `default` is the one of the plain variables.", "default"),
        "directory": path(
            "directory",
            "A directory: its id or its name (exact match, else ignoring case, else by domain).",
            "corp.example"
        ),
        "hook": path("hook", "The name of a configured hook.", "infra"),
        "sync": path("sync", "The `id` from the response to a start, unchanged.", "AXsidExample"),
        "id": path(
            "id",
            "The id of an identity provider. At an SDDC Manager also `embedded` or `external`.",
            "b9103988-c8a4-4f66-8076-42c93d480bbe"
        ),
        "task": path("task", "The `taskId` from the response to a deletion.", "d33220f1-9c27-4671-81d5-95c1dd55330d"),
        "domainName": path("domainName", "A domain of the identity source.", "corp.example"),
        "Prefer": {
            "name": "Prefer", "in": "header",
            "description": "`wait=N`: respond when the sync or deletion is final, or after N seconds (RFC 7240). An apply may take N seconds more. `reply` with \
                a CloudEvent (Knative): a success has no body.",
            "schema": { "type": "string" }, "example": "wait=60"
        },
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header",
            "description": "Identifies this request: repeated with the same key and input within 24 hours, it gets the same response and is \
                processed only once. 1 to 255 visible ASCII characters, quoted or bare. Without it `webhook-id`, \
                `X-GitHub-Delivery` or a CloudEvent's `source` and `id` are used instead.",
            "schema": { "type": "string", "minLength": 1 }, "example": "8e03978e-40d5-43dd-bc93-6894a57f9324"
        },
        "LastEventId": {
            "name": "Last-Event-ID", "in": "header",
            "description": "For an event stream: the id of the last event that the caller has had. Browsers' `EventSource` sends it by itself.",
            "schema": { "type": "string" }, "example": "final"
        },
        "IfMatch": {
            "name": "If-Match", "in": "header",
            "description": "Make the change only if the object still has this `ETag`; `*`: only if it exists. Otherwise the response is \
                `precondition_failed`.",
            "schema": { "type": "string" }, "example": "\"5f1c7a90e3b24d6881f0c2a4b6d8e0f1\""
        },
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header", "description": "The `ETag` of the caller's version.",
            "schema": { "type": "string" }, "example": "W/\"0000000000000000\""
        }
    })
}

fn headers() -> Value {
    let text = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    json!({
        "X-Request-Id": {
            "description": "The caller's request id if valid, else one made by idhook. The log has it too.",
            "required": true, "schema": { "type": "string" }, "example": "4bf92f3577b34da6a3ce929d0e0e4736"
        },
        "Location": text("The path of the new object, or of the sync's state.", "/vidm/default/v1/syncs/AXsidExample"),
        "Retry-After": {
            "description": "Seconds to wait before the next request.",
            "schema": { "type": "integer", "minimum": 0 }, "example": 2
        },
        "Idempotency-Status": {
            "description": "The status of the request's idempotency key, if it had one: the response is stored in the shared store (`stored`) or in this \
                instance's memory (`best-effort`), is not stored (`not-stored`), or is a stored one (`replayed`).",
            "schema": { "type": "string", "enum": ["stored", "best-effort", "not-stored", "replayed"] }, "example": "stored"
        },
        "Preference-Applied": text("The granted wait, at most `wait_limit`.", "wait=60"),
        "WWW-Authenticate": {
            "description": "The schemes for sending a key, or why the key or token that was sent does not suffice.",
            "schema": { "type": "string" },
            "examples": {
                "noKey": { "summary": "401, without a key", "value": "Basic realm=\"idhook\", charset=\"UTF-8\", Bearer realm=\"idhook\"" },
                "noScope": { "summary": "403, to a Bearer token", "value": "Bearer realm=\"idhook\", error=\"insufficient_scope\"" }
            }
        },
        "ETag": text("Identifies this version of the document or state.", "W/\"0000000000000000\"")
    })
}

/// Text about all operations.
fn about() -> Result<String, String> {
    let keys = r#"[{"name":"ci","sha256":"6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090","scopes":["admin"]}]"#;
    let given =
        [("api_keys", keys), ("vcf_url", "https://s"), ("vcf_username", "u@vsphere.local"), ("vcf_password", "p")];
    let lookup = |name: &str| given.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
    let config = Config::parse(lookup).map_err(|problems| format!("the bounds are not available: {problems:?}"))?;
    Ok(format!(
        "Every operation except the open ones requires an API key as `Authorization: Bearer KEY`, as `X-API-Key: KEY`, or as the \
                 password of Basic authentication, or the signature of a configured sender over the body; each operation lists its \
                 scope.\n\n\
                 Every response other than 2xx and 304 is `application/problem+json` (RFC 9457) with a stable `code`, except the failed \
                 checks of a doctor with `strict`. With 4xx the same \
                 request will fail again; `retryable` says whether to repeat it. An unknown path returns 404 `route_not_found`, an \
                 unsupported method 405 `method_not_allowed` with `Allow`. HEAD is served wherever GET is, OPTIONS everywhere. Clients of SDDC \
                 Manager that log in with `createToken` get errors in SDDC Manager's form (`VendorError`) instead, with the statuses 400, 401, \
                 403, 404, 429 and 500 as a rule.\n\n\
                 Bodies are JSON; a form (`application/x-www-form-urlencoded`, with `payload=` or plain fields) is accepted too, and so \
                 is JSON sent as text or without a type. Null means omitted, unknown fields are ignored (in SDDC Manager's \
                 specifications: passed on), and `\"true\"`, `1` or a list of one is accepted for a boolean or a string. An \
                 unreplaced `${{…}}` of a template returns 400 `unresolved_placeholder`.\n\n\
                 Bounds, unless configured otherwise: {} bytes for a body, {} s for a request, {} s for a wait. `X-Request-Id` and \
                 `traceparent` are passed on to the target with every call except logins.",
        config.request_body_limit,
        config.request_timeout.as_secs(),
        config.wait_limit.as_secs(),
    ))
}

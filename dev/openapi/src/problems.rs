//! Problems: an example of each code, made as the webhook makes them, and the responses that contain them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::StatusCode;
use idhook::error::{Candidate, Error, ErrorCode, FieldError, UpstreamEvidence};
use idhook::webhook::contract;
use serde_json::{Map, Value, json};

pub(crate) const REQUEST_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const LIST: &str = "GET /SAAS/jersey/manager/api/connectormanagement/directoryconfigs";

/// The codes of each status that an operation may return.
pub(crate) type Sets = BTreeMap<u16, BTreeSet<&'static str>>;

/// `codes` by their status.
pub(crate) fn by_status(codes: &[ErrorCode]) -> Sets {
    let mut sets = Sets::new();
    for code in codes {
        sets.entry(code.status().as_u16()).or_default().insert(code.as_str());
    }
    sets
}

/// A typical failure with this code. A test checks that each code has one.
fn example(code: ErrorCode) -> Error {
    let new = |detail: &str| Error::new(code, detail);
    let said =
        |status: StatusCode| UpstreamEvidence { call: LIST, status: Some(status), ..UpstreamEvidence::default() };
    match code {
        ErrorCode::RequestInvalid => {
            Error::invalid(vec![FieldError::new("/directory", "is missing; send the directory's id or name")])
        }
        ErrorCode::UnresolvedPlaceholder => {
            let pointer = "/directory";
            let field = FieldError::new(pointer, "contains a placeholder ${…} or {{…}} that was not replaced");
            Error::invalid(vec![field])
                .recode(code, format!("a placeholder ${{…}} or {{{{…}}}} was not replaced in: {pointer}"))
                .hint("check the variable's name in the caller's template")
        }
        ErrorCode::Unauthenticated => new("no API key came with the request").hint(
            "send it as Authorization: Bearer KEY, as X-API-Key: KEY, or as the password of Basic authentication",
        ),
        ErrorCode::SignatureInvalid => new("no configured secret matches the signature")
            .hint("check that both sides have the same secret, and that no proxy changes the body"),
        ErrorCode::RateLimited => new("caller ci has used its 6000 requests per minute")
            .hint("poll a sync's state no sooner than its retryAfter, or wait with Prefer: wait=60")
            .retry_after(Some(Duration::from_secs(17))),
        ErrorCode::Overloaded => {
            new("this instance is already reading the bodies of 8 callers that are not proven yet, its limit")
                .hint("send the same request again after Retry-After")
                .retry_after(Some(Duration::from_secs(1)))
        }
        ErrorCode::NotSupported => new("VCF Operations has no dry run").hint("leave the field out"),
        ErrorCode::IdempotencyKeyReused => new("this key was used with a different request")
            .hint("use a new key for a different request; method, path, query and body must be identical to the byte"),
        ErrorCode::IdempotencyKeyInFlight => new("a request with this key is still being processed")
            .retry_after(Some(Duration::from_secs(5)))
            .hint("send the same request again after Retry-After to get its response"),
        ErrorCode::Forbidden => new("caller ci lacks the scope vidm:sync")
            .hint("add vidm:sync to this caller's scopes in api_keys, or use another caller"),
        ErrorCode::RouteNotFound => new("no route /vidm/default/directories")
            .hint("routes begin with /vidm/{target}/v1/, /vcf/{target}/v1/ or /fleet/{target}/v1/; if a proxy serves idhook below a path, set base_path"),
        ErrorCode::TargetNotFound => {
            new("no vidm target prod").hint("GET /readyz lists the configured targets")
        }
        ErrorCode::DirectoryNotFound => new("no directory corp.exmaple").at("default"),
        ErrorCode::SyncNotFound => new("this id was not issued by this idhook for this target")
            .hint("copy the id or Location of the start's response unchanged"),
        ErrorCode::NotFound => new("vIDM did not find the object").upstream(said(StatusCode::NOT_FOUND)).at("default"),
        ErrorCode::MethodNotAllowed => new("/readyz does not accept POST")
            .hint("use one of GET, HEAD, OPTIONS")
            .allow("GET, HEAD, OPTIONS".to_owned()),
        ErrorCode::RequestTimeout => new("the request body did not arrive in time"),
        ErrorCode::PreconditionFailed => {
            new("the object changed since it was read: its ETag is now \"5f1c7a90e3b24d6881f0c2a4b6d8e0f1\"; nothing was changed")
                .hint("read it again, apply your change to what it is now, and send the new ETag")
        }
        ErrorCode::DirectoryAmbiguous => {
            let one = |id: &str| Candidate { id: id.into(), name: "corp".into(), kind: Some("ACTIVE_DIRECTORY_LDAP".into()) };
            new("2 directories are named corp")
                .candidates(vec![
                    one("66666666-6666-4666-8666-666666666666"),
                    one("77777777-7777-4777-8777-777777777777"),
                ])
                .hint("use the directory's id")
        }
        ErrorCode::DirectoryNotSyncable => {
            new("the directory System Directory holds local users, which are not synced from a directory")
        }
        // No operation returns these five; functions fail with them.
        ErrorCode::GroupAbsent => {
            new("the sync of corp.example succeeded, but vIDM does not have \"gg-new@corp.example\"")
                .hint("start with addToProfile and the group's DN")
        }
        ErrorCode::UserAbsent => {
            new("the sync of corp.example succeeded, but vIDM does not have \"jdoe@corp.example\"")
                .hint("check that a group of the user is synced with its members")
        }
        ErrorCode::SafeguardTripped => new("the safeguards stopped the sync of corp.example"),
        ErrorCode::SyncFailed => new("the sync of corp.example failed: The connector is down."),
        ErrorCode::SyncTimeout => new("the sync of corp.example is still running after 600 s"),
        ErrorCode::BodyTooLarge => new("the request body exceeds the limit")
            .hint("send only fields that the route reads, or raise request_body_limit"),
        ErrorCode::UnsupportedMediaType => {
            new("application/xml is not supported").hint("send JSON as Content-Type: application/json")
        }
        ErrorCode::NotConfigured => {
            new("vidm_password is not set").hint("set these variables; GET /readyz returns 200 once the configuration is valid")
        }
        ErrorCode::UpstreamUnreachable => new("vidm.corp.example refused the connection").at("default"),
        ErrorCode::UpstreamTls => {
            new("the certificate of vidm.corp.example is not trusted").hint("give the runtime the CA that signed it")
        }
        ErrorCode::UpstreamAuth => new(
            "POST /SAAS/API/1.0/REST/auth/system/login returned 401 Unauthorized; 1 attempt since \
             2026-11-21T18:00:00.000Z, the next attempt is made at 2026-11-21T18:15:00.000Z at the earliest, so that the account is \
             not locked",
        )
            .upstream(said(StatusCode::UNAUTHORIZED))
            .at("default")
            .hint("check vidm_username and vidm_password; a changed credential is tried at once")
            .retry_after(Some(Duration::from_mins(15))),
        ErrorCode::UpstreamForbidden => new("the account is not allowed to do this at vIDM")
            .upstream(said(StatusCode::FORBIDDEN))
            .at("default")
            .hint("give the account a role that may manage directories"),
        ErrorCode::UpstreamRejected => new("SDDC Manager rejected the specification")
            .upstream(UpstreamEvidence {
                call: "POST /v1/identity-providers",
                status: Some(StatusCode::BAD_REQUEST),
                code: Some("INVALID_IDP_SPEC".to_owned()),
                message: Some("the discovery endpoint cannot be reached".to_owned()),
                ..UpstreamEvidence::default()
            })
            .at("default"),
        ErrorCode::UpstreamFailed => {
            new("vIDM returned 500").upstream(said(StatusCode::INTERNAL_SERVER_ERROR)).at("default")
        }
        ErrorCode::UpstreamInvalid => new("the response is not JSON").upstream(said(StatusCode::OK)).at("default"),
        ErrorCode::UpstreamTimeout => new("vIDM did not respond within 30 s").at("default"),
        ErrorCode::UpstreamBusy => new("vIDM is busy")
            .upstream(said(StatusCode::SERVICE_UNAVAILABLE))
            .at("default")
            .retry_after(Some(Duration::from_secs(30))),
        ErrorCode::Internal => new("the response could not be written"),
        _ => new(code.title()),
    }
}

fn find(word: &str) -> Option<ErrorCode> {
    ErrorCode::ALL.iter().copied().find(|code| code.as_str() == word)
}

/// An example of a problem with this code.
pub(crate) fn problem(code: ErrorCode) -> Value {
    let (mut problem, _) = contract::problem(&example(code), REQUEST_ID);
    if let (false, Some(members)) = (contract::is_sent_over_http(code), problem.as_object_mut()) {
        members.remove("instance");
    }
    problem
}

/// One example for each of `words`.
pub(crate) fn examples<'w>(words: impl Iterator<Item = &'w str>) -> Map<String, Value> {
    let told = words.filter_map(|word| {
        let code = find(word)?;
        let (problem, _) = contract::problem(&example(code), REQUEST_ID);
        Some((word.to_owned(), json!({ "summary": code.title(), "value": problem })))
    });
    told.collect()
}

/// The name in the components of the schema of a response with this name. Generators name a type after it, and would otherwise name one
/// after the operation that happens to come first.
fn schema_name(response: &str) -> String {
    let words = response.split(['.', '_']).filter_map(|word| {
        let mut letters = word.chars();
        Some(letters.next()?.to_uppercase().chain(letters).collect::<String>())
    });
    words.chain(["Problem".to_owned()]).collect()
}

/// The schema of a problem with one of these codes, with its name. It states the type beside the only value: some generators do not infer
/// it.
pub(crate) fn schema(name: &str, status: u16, codes: &BTreeSet<&'static str>) -> (String, Value) {
    let narrowed = json!({
        "type": "object",
        "properties": {
            "status": { "type": "integer", "enum": [status] }, "code": { "type": "string", "enum": codes }
        }
    });
    (schema_name(name), json!({ "allOf": [{ "$ref": "#/components/schemas/Problem" }, narrowed] }))
}

/// The response of this name with one of these codes.
pub(crate) fn response(name: &str, codes: &BTreeSet<&'static str>) -> Value {
    let mut headers = BTreeSet::from(["X-Request-Id", "Idempotency-Status"]);
    let mut description = String::new();
    for code in codes.iter().filter_map(|word| find(word)) {
        let example = example(code);
        let (_, sent) = contract::problem(&example, REQUEST_ID);
        // Any response of a target may contain Retry-After.
        headers.extend(example.evidence().map(|_| "Retry-After"));
        headers.extend(["WWW-Authenticate", "Retry-After", "Allow"].iter().filter(|name| sent.contains_key(**name)));
        let again = if code.is_retryable() { " A retry may succeed." } else { "" };
        description.push_str(&format!("* `{code}`: {}.{again}\n", code.title()));
    }
    let headers: Map<_, _> = headers.into_iter().map(|name| (name.to_owned(), header(name))).collect();
    let examples: Map<_, _> = codes
        .iter()
        .map(|word| ((*word).to_owned(), json!({ "$ref": format!("#/components/examples/{word}") })))
        .collect();
    json!({
        "description": description.trim_end(),
        "headers": headers,
        "content": { "application/problem+json": {
            "schema": { "$ref": format!("#/components/schemas/{}", schema_name(name)) },
            "examples": examples
        } }
    })
}

/// A header by its name in the components.
pub(crate) fn header(name: &str) -> Value {
    json!({ "$ref": format!("#/components/headers/{name}") })
}

/// Names for sets of codes: the status, and the codes that not every set with that status has.
pub(crate) fn names(all: &BTreeSet<(u16, BTreeSet<&'static str>)>) -> BTreeMap<(u16, BTreeSet<&'static str>), String> {
    let common = |status: u16| {
        let mut sets = all.iter().filter(|(of, _)| *of == status).map(|(_, codes)| codes);
        let first = sets.next().cloned().unwrap_or_default();
        sets.fold(first, |common, codes| common.intersection(codes).copied().collect())
    };
    let name = |(status, codes): &(u16, BTreeSet<&'static str>)| {
        let phrase = StatusCode::from_u16(*status).ok().and_then(|status| status.canonical_reason()).unwrap_or("Other");
        let own: Vec<_> = codes.difference(&common(*status)).copied().collect();
        std::iter::once(phrase.replace(' ', "").as_str()).chain(own).collect::<Vec<_>>().join(".")
    };
    all.iter().map(|set| (set.clone(), name(set))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_example() {
        for code in ErrorCode::ALL {
            let example = example(*code);
            assert_eq!(example.code(), *code);
            assert_ne!(example.detail(), code.title(), "{code}: add one to example()");
        }
    }

    #[test]
    fn set_names_list_their_distinctive_codes() {
        let set = |codes: &[&'static str]| (404, codes.iter().copied().collect::<BTreeSet<_>>());
        let all = BTreeSet::from([set(&["a"]), set(&["a", "b"]), set(&["a", "b", "c"])]);
        let named: Vec<_> = names(&all).into_values().collect();
        assert_eq!(named, ["NotFound", "NotFound.b", "NotFound.b.c"]);
        assert_eq!(schema_name("NotFound.group_absent.c"), "NotFoundGroupAbsentCProblem");
    }
}

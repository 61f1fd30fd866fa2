//! `POST /hooks/{hook}`: syncs for senders that cannot change their request. The configuration holds the directory and the
//! groups, or their places in the body. The rest equals `POST …/syncs`, always with the safeguards.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, Response, StatusCode};
use serde_json::{Value, json};

use super::caller::refuse_other_origins;
use super::idempotency::NotKept;
use super::input::{self, Input};
use super::route::{Access, Action, Matched, Work};
use super::{Context, Reply, sync_routes};
use crate::config::{Condition, Config, Hook, Place, Scope, Source};
use crate::directory::{DirectoryRef, Product};
use crate::error::{Error, ErrorCode, FieldError, excerpt};
use crate::http::only_value;
use crate::runtime::Runtime;
use crate::sync::SyncOrder;
use crate::template::is_unfilled;

pub(super) async fn dispatch<R: Runtime>(mut context: Context<'_, R>, matched: &Matched) -> Result<Reply, Error> {
    let Some(hook) = named(&context.configured.config, matched) else {
        let name = excerpt(matched.parameter("hook"));
        return Err(Error::new(ErrorCode::RouteNotFound, format!("no hook {name}"))
            .hint("hooks are defined in the variable hooks"));
    };
    let caller = context.caller.name();
    if !hook.senders.iter().any(|sender| sender == caller) {
        return Err(Error::new(ErrorCode::Forbidden, format!("caller {caller} is not allowed to use this hook"))
            .hint("add the caller to the hook's senders"));
    }
    refuse_other_origins(context.request, |origin| permits(hook, origin))?;
    context.caller.require_target(hook.target.product.kind(), &hook.target.name)?;
    context.log.target(&hook.target);
    if is_ping(context.request) {
        return reply(&json!({ "pong": true }));
    }
    let body = context.input.as_sent(&context.request.headers, context.body)?;
    if let Some(place) = unmet(hook, context.request, &body) {
        return reply(&json!({ "skipped": true, "reason": format!("{place} does not meet this hook's condition") }));
    }
    let (directory, order) = order(hook, &body).map_err(input::invalid)?;
    sync_routes::start_by_hook(&mut context, &hook.target, &directory, order).await
}

/// The hook that the path names.
fn named<'c>(config: &'c Config, matched: &Matched) -> Option<&'c Hook> {
    config.hooks.iter().find(|hook| hook.name == matched.parameter("hook"))
}

/// The access that a caller needs: the scope for syncs of the hook's target. An unknown hook needs that of its route, so that only who
/// may start syncs learns that it does not exist.
pub(super) fn access(config: &Config, matched: &Matched) -> Access {
    Some(match named(config, matched).map(|hook| hook.target.product) {
        Some(Product::Fleet) => Scope::FleetSync,
        Some(Product::Vidm) | None => Scope::VidmSync,
    })
}

/// Whether this request needs no work, so its key is not used: such responses are not stored, and the many requests of a
/// repository host cost no store call.
pub(super) fn is_idle(config: &Config, request: &Parts, input: &Input, body: &[u8], matched: &Matched) -> bool {
    let Some(hook) = named(config, matched) else { return true };
    is_ping(request) || input.as_sent(&request.headers, body).is_ok_and(|body| unmet(hook, request, &body).is_some())
}

/// Repository hosts send it when the hook is set up or tested there: GitHub and Gitea, Bitbucket.
fn is_ping(request: &Parts) -> bool {
    [("x-github-event", "ping"), ("x-event-key", "diagnostics:ping")]
        .into_iter()
        .any(|(name, ping)| request.headers.get(name).is_some_and(|event| event == ping))
}

/// The first unmet condition.
fn unmet(hook: &Hook, request: &Parts, body: &Value) -> Option<String> {
    hook.on.iter().find(|condition| !holds(condition, request, body)).map(place)
}

/// The response to `OPTIONS` with the permission request of a CloudEvents sender ("HTTP 1.1 Web Hooks for Event Delivery",
/// version 1.0, section 4). Only a hook that lists the sender in `origins` grants it; other senders cannot distinguish an
/// existing hook from an unknown one.
pub(super) fn with_permission(
    response: Response<Bytes>,
    config: &Config,
    request: &Parts,
    matched: &Matched,
) -> Response<Bytes> {
    let origin = only_value(&request.headers, "webhook-request-origin").and_then(|origin| origin.to_str().ok());
    let Some(origin) =
        origin.map(str::trim).filter(|origin| named(config, matched).is_some_and(|hook| permits(hook, origin)))
    else {
        return response;
    };
    let rate = if config.rate_limit == 0 { "*".to_owned() } else { config.rate_limit.to_string() };
    let allowed = [
        (HeaderName::from_static("webhook-allowed-origin"), origin),
        (HeaderName::from_static("webhook-allowed-rate"), rate.as_str()),
    ];
    super::with_headers(response, &allowed)
}

/// Whether the request is to the path of a hook, and any hook permits this sender of CloudEvents. [`dispatch`] checks its own hook: who is
/// not authenticated must not learn which hooks exist.
pub(super) fn may_permit(config: &Config, matched: &Matched, origin: &str) -> bool {
    matched.row.does(Action::Work(Work::Hook)) && config.hooks.iter().any(|hook| permits(hook, origin))
}

/// Whether the hook permits a sender of CloudEvents with this name to deliver.
fn permits(hook: &Hook, origin: &str) -> bool {
    hook.origins.iter().any(|permitted| permitted == "*" || permitted.eq_ignore_ascii_case(origin))
}

/// Responds 200: hosts disable a hook that fails too often. Nothing was done, so nothing is stored.
fn reply(value: &Value) -> Result<Reply, Error> {
    let mut response = super::json(StatusCode::OK, value)?;
    response.extensions_mut().insert(NotKept);
    Ok(Reply::Whole(response))
}

fn place(condition: &Condition) -> String {
    match &condition.place {
        Place::Header(name) => format!("the header {}", name.as_str()),
        Place::Pointer(pointer) => pointer.clone(),
    }
}

fn holds(condition: &Condition, request: &Parts, body: &Value) -> bool {
    match &condition.place {
        Place::Header(name) => {
            let value = request.headers.get(name).map(http::HeaderValue::as_bytes);
            condition.equals.iter().any(|wanted| wanted.as_str().map(str::as_bytes) == value)
        }
        Place::Pointer(pointer) => body.pointer(pointer).is_some_and(|found| condition.equals.contains(found)),
    }
}

/// The directory and the order for it, or all faults.
fn order(hook: &Hook, body: &Value) -> Result<(DirectoryRef, SyncOrder), Vec<FieldError>> {
    let mut wrong = Vec::new();
    let mut directories = texts(&hook.directory, body, &mut wrong);
    if directories.len() > 1 {
        wrong.push(FieldError::new(
            pointer(&hook.directory),
            "is a list of several names, but this hook syncs one directory",
        ));
    }
    let directory = DirectoryRef::parse(&directories.pop().unwrap_or_default());
    let (mut groups, mut pointers) = (Vec::new(), Vec::new());
    for source in &hook.groups {
        for group in texts(source, body, &mut wrong) {
            groups.push(group);
            pointers.push(pointer(source));
        }
    }
    match SyncOrder::new(&directory, &groups, &[], hook.add_to_profile) {
        Ok(order) if wrong.is_empty() => Ok((directory, order)),
        Ok(_) => Err(wrong),
        Err(fields) => {
            wrong.extend(fields.into_iter().map(|field| placed(field, &pointers)));
            Err(wrong)
        }
    }
}

/// A fault in a group, with the pointer to the group's place in the body.
fn placed(mut field: FieldError, pointers: &[&str]) -> FieldError {
    let at = field.pointer.strip_prefix("/groups/").and_then(|at| at.parse::<usize>().ok());
    if let Some(pointer) = at.and_then(|at| pointers.get(at)) {
        field.pointer = (*pointer).to_owned();
    }
    field
}

fn pointer(source: &Source) -> &str {
    match source {
        Source::Fixed(_) => "",
        Source::Pointer(pointer) => pointer,
    }
}

/// The texts of a source. If there is none, a fault is added to `wrong`.
fn texts(source: &Source, body: &Value, wrong: &mut Vec<FieldError>) -> Vec<String> {
    let pointer = match source {
        Source::Fixed(text) => return vec![text.clone()],
        Source::Pointer(pointer) => pointer,
    };
    let found = match body.pointer(pointer) {
        None | Some(Value::Null) => {
            wrong.push(FieldError::new(pointer, "is missing; this hook reads a string from there"));
            return Vec::new();
        }
        Some(Value::Array(items)) => items.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let text = |item: &Value| item.as_str().map(str::trim).filter(|text| names_something(text)).map(str::to_owned);
    let texts: Option<Vec<String>> = found.iter().map(text).collect();
    texts.filter(|texts| !texts.is_empty()).unwrap_or_else(|| {
        wrong.push(FieldError::new(pointer, "is neither a name nor a list of names"));
        Vec::new()
    })
}

/// Whether a text may be a name.
fn names_something(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(char::is_control) && !is_unfilled(text)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use http::header::CONTENT_TYPE;

    use super::*;
    use crate::webhook::route;

    fn hook(directory: Source, groups: &[Source]) -> Hook {
        Hook {
            name: "h".into(),
            senders: vec![],
            target: crate::directory::SyncTarget::parse("default"),
            directory,
            groups: groups.to_vec(),
            add_to_profile: false,
            on: vec![],
            origins: vec![],
        }
    }

    fn at(pointer: &str) -> Source {
        Source::Pointer(pointer.to_owned())
    }

    #[test]
    fn json_is_read_from_every_form_of_body() {
        let sent = |kind: &'static str, body: &[u8]| {
            let request = http::Request::post("/hooks/h").header(CONTENT_TYPE, kind).body(()).unwrap();
            let (parts, ()) = request.into_parts();
            let input = Input::of(&parts, &route::find("/hooks/h").unwrap(), body)?;
            input.as_sent(&parts.headers, body).map(Cow::into_owned)
        };
        const JSON: &str = "application/json; charset=utf-8";
        const FORM: &str = "application/x-www-form-urlencoded";
        let wanted = json!({"a": {"b": "c & d + é ${x}"}});
        let text = wanted.to_string();
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for (kind, body) in [
            (JSON, text.clone().into_bytes()),
            (JSON, [b"\xEF\xBB\xBF ".as_slice(), text.as_bytes(), b"\n"].concat()),
            (FORM, text.clone().into_bytes()),
            (FORM, format!("payload={encoded}").into_bytes()),
            (FORM, format!("x=1&payload={encoded}&y=2").into_bytes()),
        ] {
            assert_eq!(sent(kind, &body).unwrap(), wanted, "{}", String::from_utf8_lossy(&body));
        }
        let event = json!({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": wanted});
        assert_eq!(
            sent("application/cloudevents+json", event.to_string().as_bytes()).unwrap(),
            event,
            "with its envelope"
        );
        assert_eq!(sent(JSON, b" ").unwrap(), json!({}));
        assert_eq!(sent(FORM, br#"{"text":"&payload=x"}"#).unwrap(), json!({"text": "&payload=x"}));
        for (kind, body) in [(JSON, b"{".as_slice()), (FORM, b"payload="), (FORM, b"payload=x"), (JSON, b"\xFF")] {
            assert_eq!(sent(kind, body).unwrap_err().code(), ErrorCode::RequestInvalid);
        }
    }

    #[test]
    fn texts_are_read_from_their_sources() {
        let body = json!({"repository": {"name": " corp "}, "a/b": ["CN=a", "CN=b"], "one": "CN=c"});
        let hook =
            hook(at("/repository/name"), &[Source::Fixed("CN=f".into()), at("/a~1b"), at("/one"), at("/a~1b/1")]);
        let wanted = ["CN=f", "CN=a", "CN=b", "CN=c", "CN=b"].map(str::to_owned).to_vec();
        let (directory, order) = order(&hook, &body).unwrap();
        assert_eq!((directory, order.group_names()), (DirectoryRef::parse("corp"), wanted.as_slice()));
    }

    #[test]
    fn unusable_sources_are_all_reported() {
        let body = json!({"none": null, "number": 5, "empty": [], "blank": " ", "mixed": ["a", 1], "left": "${x}",
                          "broken": "a\u{0}", "two": ["a", "b"], "good": "a@corp.example"});
        for (directory, detail) in [
            ("/absent", "is missing"),
            ("/none", "is missing"),
            ("/good/x", "is missing"),
            ("/number", "neither a name"),
            ("/empty", "neither a name"),
            ("/blank", "neither a name"),
            ("/mixed", "neither a name"),
            ("/left", "neither a name"),
            ("/broken", "neither a name"),
            ("/two", "several names"),
        ] {
            let wrong = order(&hook(at(directory), &[at("/good"), at("/missing")]), &body).unwrap_err();
            let told: Vec<_> = wrong.iter().map(|field| field.pointer.as_str()).collect();
            assert_eq!(told, [directory, "/missing"]);
            assert!(wrong[0].detail.contains(detail), "{wrong:?}");
        }
        assert!(order(&hook(at("/good"), &[at("/good")]), &Value::Null).is_err());
        let adding = Hook { add_to_profile: true, ..hook(at("/good"), &[at("/good")]) };
        let wrong = order(&adding, &body).unwrap_err();
        assert!(wrong[0].pointer == "/good" && wrong[0].detail.contains("DN"), "{wrong:?}");
        let long = json!({"good": "x".repeat(3000)});
        assert_eq!(order(&hook(Source::Fixed("d".into()), &[at("/good")]), &long).unwrap_err()[0].pointer, "/good");
    }
}

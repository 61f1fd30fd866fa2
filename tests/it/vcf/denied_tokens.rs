//! SDDC Manager denies a kept token without 401: by 403, a redirect or a sign-in page. Every login is counted.

use std::time::Duration;

use http::Method;
use idhook::error::ErrorCode;
use idhook::vcf::{Cache, Client, ProviderId};

use crate::support::memory_store::MemoryStore;
use crate::support::script::{Call, Script, get};
use crate::support::webhook::Instance;
use crate::vcf::session::{first_token, login, target};

const PROVIDERS: &str = include_str!("../../fixtures/vcf/identity-providers.answer.json");
const SECOND: &str = r#"{"accessToken":"second.access.token"}"#;
const THIRD: &str = r#"{"accessToken":"third.access.token"}"#;
const LIST: &str = "https://sddc.corp.example/v1/identity-providers";
const PATH: &str = "/vcf/default/v1/identity-providers";
const QUIET: &[(&str, &str)] = &[("rate_limit", "0"), ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8")];
const MINUTE: Duration = Duration::from_mins(1);

fn lists(token: &str) -> Call {
    get(LIST).header("authorization", format!("Bearer {token}")).answer(200, PROVIDERS)
}

fn first() -> String {
    first_token().strip_prefix("Bearer ").unwrap().to_owned()
}

fn forbidden(call: Call) -> Call {
    call.answer(403, r#"{"errorCode":"FORBIDDEN","message":"no"}"#)
}

fn redirected(call: Call) -> Call {
    call.answer(302, "").answer_header("location", "https://sso.corp.example/login?session=x")
}

fn sign_in_page(call: Call) -> Call {
    call.answer(200, "<html><title>Sign in</title></html>").answer_header("content-type", "text/html")
}

/// A login whose pair has no refresh token, so that none is revoked.
fn logs_in(pair: impl Into<String>) -> Call {
    login().answer(201, pair.into())
}

fn first_pair() -> String {
    format!(r#"{{"accessToken":"{}"}}"#, first())
}

/// An instance that has listed the providers some minutes ago.
fn warm() -> Instance {
    let instance = Instance::with(QUIET, [logs_in(first_pair()), lists(&first())]);
    assert_eq!(instance.get(PATH).status(), 200);
    instance.script.advance(2 * MINUTE);
    instance
}

#[test]
fn kept_token_that_is_denied_without_401_costs_one_login_and_one_replay() {
    for denied in [forbidden, redirected, sign_in_page] {
        let instance = warm();
        instance.then([denied(lists(&first())), logs_in(SECOND), lists("second.access.token")]);
        assert_eq!(instance.get(PATH).status(), 200);
        instance.script.advance(2 * MINUTE);
        // The new token may be revoked in turn.
        instance.then([denied(lists("second.access.token")), logs_in(THIRD), lists("third.access.token")]);
        assert_eq!(instance.get(PATH).status(), 200);
    }
}

#[test]
fn missing_permission_costs_one_login_for_a_kept_token() {
    for (denied, code) in [
        (forbidden as fn(Call) -> Call, "upstream_forbidden"),
        (redirected, "upstream_invalid"),
        (sign_in_page, "upstream_invalid"),
    ] {
        let instance = warm();
        instance.then([denied(lists(&first())), logs_in(SECOND), denied(lists("second.access.token"))]);
        instance.get(PATH).problem(code);
        for _ in 0..5 {
            instance.script.advance(2 * MINUTE);
            instance.then([denied(lists("second.access.token"))]);
            instance.get(PATH).problem(code);
        }
        // Only a 401 still means the token.
        instance.then([lists("second.access.token").answer(401, ""), logs_in(THIRD), lists("third.access.token")]);
        assert_eq!(instance.get(PATH).status(), 200);
    }
}

#[test]
fn token_of_the_same_minute_is_not_replaced() {
    let instance = Instance::with(QUIET, [logs_in(first_pair()), lists(&first()), forbidden(lists(&first()))]);
    assert_eq!(instance.get(PATH).status(), 200);
    instance.get(PATH).problem("upstream_forbidden");
}

#[test]
fn token_of_the_same_minute_is_not_replaced_by_another_instance() {
    let store = MemoryStore::new();
    let calls = [logs_in(first_pair()), lists(&first()), forbidden(lists(&first()))];
    let world = Instance::over(Script::new(calls).with_store(&store), QUIET);
    assert_eq!(world.get(PATH).status(), 200);
    world.beside_with(QUIET).get(PATH).problem("upstream_forbidden");
    world.script.advance(2 * MINUTE);
    world.then([forbidden(lists(&first())), logs_in(SECOND), lists("second.access.token")]);
    assert_eq!(world.beside_with(QUIET).get(PATH).status(), 200);
}

#[test]
fn instances_that_share_a_store_share_the_knowledge_of_a_missing_permission() {
    let store = MemoryStore::new();
    let calls = [logs_in(first_pair()), forbidden(lists(&first()))];
    let world = Instance::over(Script::new(calls).with_store(&store), QUIET);
    world.get(PATH).problem("upstream_forbidden");
    for _ in 0..5 {
        world.script.advance(2 * MINUTE);
        // Each request has an instance of its own, which knows nothing.
        world.then([forbidden(lists(&first()))]);
        world.beside_with(QUIET).get(PATH).problem("upstream_forbidden");
    }
}

#[test]
fn denied_change_is_sent_again_unless_it_may_have_been_made() {
    let id = ProviderId::parse("3fa85f64-5717-4562-b3fc-2c963f66afa6").unwrap();
    let deletes = |token: &str| {
        let call = Call::new(Method::DELETE, format!("{LIST}/{}", id.as_str()));
        call.header("authorization", format!("Bearer {token}")).answer(204, "")
    };
    // The deletion with a token of two minutes ago.
    let deleted = |calls: Vec<Call>| {
        let script = Script::new([logs_in(first_pair()), lists(&first())]);
        let (target, cache) = (target(), Cache::default());
        script.run(Client::new(&target, &cache, &script.outbound()).identity_providers()).unwrap();
        script.advance(2 * MINUTE);
        script.then(calls);
        script.run(Client::new(&target, &cache, &script.outbound()).delete_identity_provider(&id))
    };
    for denied in [forbidden, redirected] {
        deleted(vec![denied(deletes(&first())), logs_in(SECOND), deletes("second.access.token")]).unwrap();
    }
    // 303 may follow a change.
    let see_other = deletes(&first()).answer(303, "").answer_header("location", "/v1/tasks/7");
    assert_eq!(deleted(vec![see_other]).unwrap_err().code(), ErrorCode::UpstreamInvalid);
}

#[test]
fn redirect_to_the_user_interface_is_an_unknown_operation_and_costs_no_login() {
    let instance = warm();
    instance.then([lists(&first()).answer(301, "").answer_header("location", "https://sddc.corp.example/ui")]);
    let problem = instance.get(PATH).problem("upstream_invalid");
    assert!(problem["detail"].as_str().unwrap().contains("no such operation"), "{problem}");
}

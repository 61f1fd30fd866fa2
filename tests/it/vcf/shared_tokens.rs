//! SDDC Manager's tokens over several instances with a store: which calls are made, and what the store costs.

use std::rc::Rc;
use std::time::Duration;

use http::Method;
use idhook::http::TransportErrorKind;

use crate::support::memory_store::{MemoryStore, StoreFault};
use crate::support::script::{Call, Script, get};
use crate::support::webhook::Instance;
use crate::vcf::session::{first_token, login};

const REFRESHED: &str = include_str!("../../fixtures/vcf/refresh.answer.txt");
const EXPIRED: &str = include_str!("../../fixtures/vcf/error-response.answer.json");
const PROVIDERS: &str = include_str!("../../fixtures/vcf/identity-providers.answer.json");
const REFRESH_ID: &str = "3c6b2f0e-7a1d-4c53-9d5e-1f2a3b4c5d6e";
const SECOND: &str = r#"{"accessToken":"second.access.token","refreshToken":{"id":"second-refresh"}}"#;
const HOUR: Duration = Duration::from_hours(1);
const PATH: &str = "/vcf/default/v1/identity-providers";
const QUIET: &[(&str, &str)] = &[("rate_limit", "0"), ("state_key", "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8")];

fn list(token: &str) -> Call {
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    get("https://sddc.corp.example/v1/identity-providers")
        .header("authorization", format!("Bearer {token}"))
        .answer(200, PROVIDERS)
}

fn refresh(id: &str) -> Call {
    Call::new(Method::PATCH, "https://sddc.corp.example/v1/tokens/access-token/refresh")
        .without("authorization")
        .body(format!("\"{id}\""))
        .answer(200, REFRESHED)
}

fn revoke(id: &str) -> Call {
    Call::new(Method::DELETE, "https://sddc.corp.example/v1/tokens/refresh-token")
        .without("authorization")
        .body(format!("\"{id}\""))
        .answer(204, "")
}

/// Instances in one world: one clock, one script, one store.
struct World {
    first: Instance,
    store: Rc<MemoryStore>,
}

impl World {
    fn new(calls: impl IntoIterator<Item = Call>) -> Self {
        let store = MemoryStore::new();
        let first = Instance::over(Script::new(calls).with_store(&store), QUIET);
        Self { first, store }
    }

    /// A new instance, which knows nothing.
    fn another(&self) -> Instance {
        self.first.beside_with(QUIET)
    }

    fn advance(&self, time: Duration) {
        self.first.script.advance(time);
    }

    /// Lists the providers through this instance; returns the numbers of upstream and store calls.
    #[track_caller]
    fn lists(&self, instance: &Instance, calls: impl IntoIterator<Item = Call>) -> (usize, usize) {
        self.first.then(calls);
        let before = instance.calls();
        self.store.calls();
        let answer = instance.get(PATH);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        (instance.calls() - before, self.store.calls())
    }
}

#[test]
fn new_instance_renews_without_the_password() {
    let world = World::new([login(), list(&first_token())]);
    assert_eq!(world.lists(&world.first, []).0, 2);
    // While the access token is valid, another instance uses it, at the cost of one store call.
    let second = world.another();
    assert_eq!(world.lists(&second, [list(&first_token())]), (1, 1));
    world.advance(HOUR);
    // Read, claimed, confirmed, held, written, and the counter deleted: as many as for a login. The second generation also
    // removes what crashed holders may have left.
    let third = world.another();
    assert_eq!(world.lists(&third, [refresh(REFRESH_ID), list(REFRESHED)]), (2, 5 + 3));
    // The instances that were idle use the renewed token.
    for idle in [&world.first, &second] {
        assert_eq!(world.lists(idle, [list(REFRESHED)]), (1, 1));
    }
    // Warm requests cost nothing.
    for warm in [&world.first, &second, &third] {
        assert_eq!(world.lists(warm, [list(REFRESHED)]), (1, 0));
    }
}

#[test]
fn refresh_token_is_renewed_until_it_expires() {
    let world = World::new([login(), list(&first_token())]);
    world.lists(&world.first, []);
    for _ in 1..24 {
        world.advance(HOUR);
        assert_eq!(world.lists(&world.another(), [refresh(REFRESH_ID), list(REFRESHED)]).0, 2);
    }
    // After 24 hours it is neither used nor revoked, and its entry is gone.
    world.advance(HOUR);
    let calls = [login().answer(201, SECOND), list("second.access.token")];
    assert_eq!(world.lists(&world.another(), calls).0, 2);
}

#[test]
fn tokens_are_sealed_in_the_store() {
    let world = World::new([login(), list(&first_token())]);
    world.lists(&world.first, []);
    let stored = world.store.dump();
    assert!(!stored.is_empty());
    for (key, value) in stored {
        let text = format!("{key} {}", String::from_utf8_lossy(&value));
        assert!(!text.contains(REFRESH_ID) && !text.contains("VMw@re1!") && !text.contains("eyJ"), "{text}");
    }
    // With another state key nothing is found.
    let stranger =
        world.first.beside_with(&[("rate_limit", "0"), ("state_key", "another key, of 32 characters or more")]);
    assert_eq!(world.lists(&stranger, [login(), list(&first_token())]).0, 2);
}

#[test]
fn replaced_refresh_token_is_revoked_beside_the_request() {
    let world = World::new([login(), list(&first_token())]);
    world.lists(&world.first, []);
    let second = world.another();
    let lost = list(&first_token()).answer(401, EXPIRED);
    let calls = [lost, login().answer(201, SECOND), list("second.access.token"), revoke(REFRESH_ID)];
    assert_eq!(world.lists(&second, calls).0, 4);
    // The other instance finds the new tokens, and does not need the revoked one.
    world.advance(HOUR);
    assert_eq!(world.lists(&world.first, [refresh("second-refresh"), list(REFRESHED)]).0, 2);
}

#[test]
fn failed_revocation_does_not_concern_the_request() {
    let lost = || list(&first_token()).answer(401, EXPIRED);
    let again = || [lost(), login().answer(201, SECOND), list("second.access.token")];
    for (revocations, calls) in [
        (vec![revoke(REFRESH_ID).answer(500, "")], 4),
        (vec![revoke(REFRESH_ID).fail(TransportErrorKind::Timeout)], 4),
        (vec![revoke(REFRESH_ID).answer(404, EXPIRED), revoke(REFRESH_ID).body(REFRESH_ID).answer(404, EXPIRED)], 5),
    ] {
        let world = World::new([login(), list(&first_token())]);
        world.lists(&world.first, []);
        // The list takes longer, so that the revocation ends first.
        let [lost, login, list] = again();
        let list = list.takes(Duration::from_secs(1));
        assert_eq!(world.lists(&world.first, [lost, login, list].into_iter().chain(revocations)).0, calls);
    }
    // A revocation that takes longer than the request is given up.
    let world = World::new([login(), list(&first_token())]);
    world.lists(&world.first, []);
    let began = world.first.script.slept().len();
    world.lists(&world.first, again().into_iter().chain([revoke(REFRESH_ID).hang()]));
    assert_eq!(world.first.script.slept().len(), began);
}

#[test]
fn refresh_token_that_others_may_use_is_not_revoked() {
    for fault in [StoreFault::Fails, StoreFault::RefusesWrites] {
        let world = World::new([login(), list(&first_token())]);
        world.lists(&world.first, []);
        // The store fails for this instance: the others still find the old refresh token there.
        world.store.set_fault(fault);
        let lost = list(&first_token()).answer(401, EXPIRED);
        assert_eq!(world.lists(&world.first, [lost, login().answer(201, SECOND), list("second.access.token")]).0, 3);
        world.store.set_fault(StoreFault::None);
        world.advance(HOUR);
        assert_eq!(world.lists(&world.another(), [refresh(REFRESH_ID), list(REFRESHED)]).0, 2);
    }
}

#[test]
fn refresh_token_survives_a_store_that_loses_its_values() {
    let world = World::new([login(), list(&first_token())]);
    world.lists(&world.first, []);
    world.store.clear();
    world.advance(HOUR);
    assert_eq!(world.lists(&world.first, [refresh(REFRESH_ID), list(REFRESHED)]).0, 2);
}

#[test]
fn rejected_refresh_token_is_not_revoked_and_a_failing_one_is() {
    let bare = || refresh(REFRESH_ID).body(REFRESH_ID);
    let login = || login().answer(201, SECOND);
    for (calls, count) in [
        (
            vec![
                refresh(REFRESH_ID).answer(404, EXPIRED),
                bare().answer(404, EXPIRED),
                login(),
                list("second.access.token"),
            ],
            4,
        ),
        (vec![refresh(REFRESH_ID).answer(401, EXPIRED), login(), list("second.access.token")], 3),
        (vec![refresh(REFRESH_ID).answer(500, EXPIRED), login(), list("second.access.token"), revoke(REFRESH_ID)], 4),
    ] {
        let world = World::new([crate::vcf::session::login(), list(&first_token())]);
        world.lists(&world.first, []);
        world.advance(HOUR);
        assert_eq!(world.lists(&world.another(), calls).0, count);
    }
}

#[test]
fn unanswered_renewal_leaves_the_refresh_token_to_others() {
    let world = World::new([login(), list(&first_token())]);
    world.lists(&world.first, []);
    world.advance(HOUR);
    world.first.then([refresh(REFRESH_ID).fail(TransportErrorKind::Timeout)]);
    world.first.get(PATH).problem("upstream_timeout");
    assert_eq!(world.lists(&world.another(), [refresh(REFRESH_ID), list(REFRESHED)]).0, 2);
}

#[test]
fn instance_without_store_revokes_its_own_refresh_token() {
    let lost = list(&first_token()).answer(401, EXPIRED);
    let instance = Instance::new([
        login(),
        list(&first_token()),
        lost,
        login().answer(201, SECOND),
        list("second.access.token"),
        revoke(REFRESH_ID),
    ]);
    for _ in 0..2 {
        assert_eq!(instance.get(PATH).status(), 200);
    }
}

/// A target that has a refresh token in place of an account.
fn without_password(calls: impl IntoIterator<Item = Call>) -> Instance {
    let variables = [("vcf_username", ""), ("vcf_password", ""), ("vcf_refresh_token", REFRESH_ID)];
    Instance::with(&variables, calls)
}

#[test]
fn target_runs_on_a_refresh_token_alone() {
    let instance = without_password([refresh(REFRESH_ID), list(REFRESHED), list(REFRESHED)]);
    for _ in 0..2 {
        assert_eq!(instance.get(PATH).status(), 200);
    }
    instance.script.advance(HOUR);
    // Rejected in the quoted form: this version wants the bare one. The token is never revoked.
    let bare = refresh(REFRESH_ID).body(REFRESH_ID);
    instance.then([refresh(REFRESH_ID).answer(400, EXPIRED), bare, list(REFRESHED)]);
    assert_eq!(instance.get(PATH).status(), 200);
    let lost = list(REFRESHED).answer(401, EXPIRED);
    instance.then([lost, refresh(REFRESH_ID).answer(200, "newer.access.token"), list("newer.access.token")]);
    assert_eq!(instance.get(PATH).status(), 200);
}

#[test]
fn expired_refresh_token_without_password_names_the_fix() {
    let instance = without_password([
        refresh(REFRESH_ID).answer(404, EXPIRED),
        refresh(REFRESH_ID).body(REFRESH_ID).answer(404, EXPIRED),
    ]);
    let problem = instance.get(PATH).problem("upstream_auth");
    let text = problem.to_string();
    assert!(text.contains("rejected the configured refresh token") && text.contains("vcf_refresh_token"), "{text}");
    assert!(!text.contains(REFRESH_ID), "{text}");
    // It is not tried again at once.
    instance.get(PATH).problem("upstream_auth");
    // A page says nothing about the token.
    let page = |call: Call| call.answer(404, "<html>").answer_header("content-type", "text/html");
    let instance = without_password([page(refresh(REFRESH_ID)), page(refresh(REFRESH_ID).body(REFRESH_ID))]);
    let problem = instance.get(PATH).problem("upstream_invalid");
    assert!(problem.to_string().contains("check the target's URL"), "{problem}");
}

//! Looking users up: the calls, and the exactness.

use idhook::directory::{Proof, UserQuery};
use idhook::error::{ErrorCode, Result};
use idhook::http::TransportErrorKind;
use idhook::upstream::segment;
use serde_json::{Value, json};

use crate::support::script::{Call, get, post};
use crate::support::vidm::Estate;

const USERS: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/scim/Users";

fn find(filter: &str) -> Call {
    get(format!("{USERS}?filter={}&startIndex=1&count=100", segment(filter))).answer(200, page(&[]))
}

fn page(users: &[Value]) -> String {
    json!({"totalResults": users.len(), "Resources": users}).to_string()
}

fn user(id: &str, name: &str, domain: &str) -> Value {
    json!({"id": id, "userName": name, "urn:scim:schemas:extension:workspace:1.0": {"domain": domain}})
}

fn prove(estate: &Estate, users: &[&str]) -> Result<Vec<Proof>> {
    let users: Vec<_> = users.iter().map(|user| UserQuery::parse(user).unwrap()).collect();
    estate.run(async |client| client.prove_users(&users).await)
}

/// The result, as `requested id`, `requested -` for an absent user, `requested ?` for an unknown one.
fn shown(estate: &Estate, users: &[&str]) -> Vec<String> {
    let proofs = prove(estate, users).unwrap();
    let shown = proofs.into_iter().map(|proof| {
        let state = match serde_json::to_value(proof.state).unwrap().as_str().unwrap() {
            "present" => proof.id.clone().unwrap(),
            "absent" => "-".to_owned(),
            _ => "?".to_owned(),
        };
        format!("{} {state}", proof.requested)
    });
    shown.collect()
}

#[test]
fn user_is_found_by_account_name_and_domain() {
    let others = [user("1", "jdoe", "lab.example"), user("2", "JDoe", "corp.example")];
    let estate = Estate::warm(false).then([find(r#"userName eq "jdoe""#).answer(200, page(&others))]);
    assert_eq!(shown(&estate, &["jdoe@corp.example"]), ["jdoe@corp.example 2"]);
}

#[test]
fn user_is_found_by_principal_name() {
    let named = json!({"id": "3", "userName": "jdoe", "urn:scim:schemas:extension:workspace:1.0":
        {"domain": "corp.example", "userPrincipalName": "john.doe@example.com"}});
    let estate = Estate::warm(false).then([
        find(r#"userName eq "john.doe""#),
        find(r#"userPrincipalName eq "john.doe@example.com""#).answer(200, page(&[named])),
    ]);
    assert_eq!(shown(&estate, &["John.Doe@example.com".to_lowercase().as_str()]), ["john.doe@example.com 3"]);
}

#[test]
fn user_of_another_domain_is_absent() {
    let other = user("1", "jdoe", "lab.example");
    let estate = Estate::warm(false).then([
        find(r#"userName eq "jdoe""#).answer(200, page(&[other])),
        find(r#"userPrincipalName eq "jdoe@corp.example""#),
        find(r#"userName eq "jdoe@corp.example""#),
    ]);
    assert_eq!(shown(&estate, &["jdoe@corp.example"]), ["jdoe@corp.example -"]);
}

#[test]
fn several_users_share_one_call_until_one_is_absent() {
    let filter = ["asmith", "jdoe"].map(|name| {
        format!(
            r#"userName eq "{name}" or userPrincipalName eq "{name}@corp.example" or userName eq "{name}@corp.example""#
        )
    });
    let estate = Estate::warm(false).then([
        find(&filter.join(" or ")).answer(200, page(&[user("2", "jdoe", "corp.example")])),
        // The one that it did not find is looked up by itself.
        find(r#"userName eq "asmith""#),
        find(r#"userPrincipalName eq "asmith@corp.example""#),
        find(r#"userName eq "asmith@corp.example""#),
    ]);
    assert_eq!(
        shown(&estate, &["asmith@corp.example", "jdoe@corp.example", "JDOE@corp.example"]),
        ["asmith@corp.example -", "jdoe@corp.example 2", "JDOE@corp.example 2"]
    );
}

#[test]
fn user_without_a_domain_proves_nothing() {
    let bare = json!({"id": "1", "userName": "jdoe"});
    let estate = Estate::warm(false).then([
        find(r#"userName eq "jdoe""#).answer(200, page(&[bare])),
        find(r#"userPrincipalName eq "jdoe@corp.example""#),
        find(r#"userName eq "jdoe@corp.example""#),
    ]);
    let proofs = prove(&estate, &["jdoe@corp.example"]).unwrap();
    assert_eq!(
        proofs[0].detail.as_deref(),
        Some("vIDM returned a user without the requested attribute, so it cannot be compared")
    );
}

#[test]
fn name_with_a_special_character_is_searched_with_a_body() {
    let found = page(&[user("4", "müller", "corp.example")]);
    let estate = Estate::warm(false).then([post(format!("{USERS}/.search"))
        .body(r#"{"filter":"userName eq \"Müller\"","startIndex":1,"count":100}"#)
        .answer(200, found)]);
    assert_eq!(shown(&estate, &["Müller@corp.example"]), ["Müller@corp.example 4"]);
}

#[test]
fn name_that_would_change_the_filter_is_a_quoted_value() {
    let name = r#"x" or userName pr"#;
    let searches = |filter: &str| {
        let filter = json!(filter);
        post(format!("{USERS}/.search"))
            .body(format!(r#"{{"filter":{filter},"startIndex":1,"count":100}}"#))
            .answer(200, page(&[user("1", "jdoe", "corp.example")]))
    };
    // A vIDM that reads the name as a filter returns others, who are not the user.
    let estate = Estate::warm(false).then([
        searches(r#"userName eq "x\" or userName pr""#),
        searches(r#"userPrincipalName eq "x\" or userName pr@corp.example""#),
        searches(r#"userName eq "x\" or userName pr@corp.example""#),
        find(r#"userName co "or userName pr""#),
    ]);
    assert_eq!(shown(&estate, &[&format!("{name}@corp.example")]), [format!("{name}@corp.example ?")]);
}

#[test]
fn rejected_look_up_leaves_the_user_unknown() {
    let rejected = r#"{"errors":[{"code":"invalid.filter","message":"no such attribute"}]}"#;
    let estate = Estate::warm(false).then([find(r#"userName eq "jdoe""#).answer(400, rejected)]);
    let proofs = prove(&estate, &["jdoe@corp.example"]).unwrap();
    assert!(proofs[0].detail.as_deref().unwrap().starts_with("vIDM rejected the look-up of this user: "), "{proofs:?}");
    // A failure that concerns all users is an error.
    for (call, code) in [
        (find(r#"userName eq "jdoe""#).answer(403, rejected), ErrorCode::UpstreamForbidden),
        (find(r#"userName eq "jdoe""#).fail(TransportErrorKind::Tls), ErrorCode::UpstreamTls),
    ] {
        let estate = Estate::warm(false).then([call]);
        assert_eq!(prove(&estate, &["jdoe@corp.example"]).unwrap_err().code(), code);
    }
}

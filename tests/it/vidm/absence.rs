//! Before a group counts as absent: a vIDM may evaluate only a part of a filter with `or`, and may compare the case of values.
//! Every call is counted: the script has no others.

use std::time::Duration;

use idhook::directory::{GroupQuery, Presence, UserQuery};

use crate::support::script::{Call, get};
use crate::support::vidm::Estate;
use crate::vidm::proof::{NONE, page};

const SCIM: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/scim";

fn filter(attribute: &str, values: &[&str]) -> String {
    values.iter().map(|value| format!(r#"{attribute} eq "{value}""#)).collect::<Vec<_>>().join(" or ")
}

/// The look-up of these names in one call.
fn ask(names: &[&str]) -> Call {
    let filter = idhook::upstream::segment(&filter("displayName", names)).to_string();
    get(format!("{SCIM}/Groups?filter={filter}&attributes=id%2CdisplayName&startIndex=1&count=100"))
}

fn ask_dns(dns: &[&str]) -> Call {
    let filter = idhook::upstream::segment(&filter("distinguishedName", dns)).to_string();
    get(format!("{SCIM}/Groups?filter={filter}&startIndex=1&count=100"))
}

/// The response that lists these names.
fn listed(names: &[&str]) -> String {
    page(names.len(), &names.iter().map(|name| (*name, *name, "")).collect::<Vec<_>>())
}

/// The states, as one letter each.
fn states(estate: &Estate, names: &[&str]) -> String {
    let wanted: Vec<_> = names.iter().map(|name| GroupQuery::parse(name).unwrap()).collect();
    let proofs = estate.run(async |client| client.prove(&wanted).await).unwrap();
    let letter = |state| match state {
        Presence::Present => 'p',
        Presence::Absent => 'a',
        Presence::Unknown => '?',
    };
    proofs.into_iter().map(|proof| letter(proof.state)).collect()
}

#[test]
fn group_that_a_combined_filter_misses_is_found_by_itself() {
    // This vIDM evaluates the first part only.
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x", "c@x"]).answer(200, listed(&["a@x"])),
        ask(&["b@x"]).answer(200, listed(&["b@x"])),
        ask(&["c@x"]).answer(200, NONE),
        // It is remembered.
        ask(&["d@x"]).answer(200, listed(&["d@x"])),
        ask(&["e@x"]).answer(200, NONE),
    ]);
    assert_eq!(states(&estate, &["a@x", "b@x", "c@x"]), "ppa");
    assert_eq!(states(&estate, &["d@x", "e@x"]), "pa");
}

#[test]
fn two_groups_in_one_response_prove_that_all_parts_count() {
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x", "c@x"]).answer(200, listed(&["a@x", "c@x"])),
        ask(&["d@x", "e@x"]).answer(200, NONE),
        ask_dns(&["CN=d,DC=x", "CN=e,DC=x"]).answer(200, NONE),
    ]);
    assert_eq!(states(&estate, &["a@x", "b@x", "c@x"]), "pap");
    assert_eq!(states(&estate, &["d@x", "e@x"]), "aa");
    assert_eq!(states(&estate, &["CN=d,DC=x", "CN=e,DC=x"]), "aa");
}

#[test]
fn name_in_another_case_is_found_by_a_second_query() {
    let estate = Estate::warm(false).then([
        ask(&["GG-New@CORP.Example"]).answer(200, NONE),
        ask(&["GG-New@corp.example"]).answer(200, listed(&["GG-New@corp.example"])),
    ]);
    assert_eq!(states(&estate, &["GG-New@CORP.Example"]), "p");
    let estate = Estate::warm(false).then([
        ask(&["GG-New@CORP.Example"]).answer(200, NONE),
        ask(&["GG-New@corp.example"]).answer(200, NONE),
        ask(&["gg-new@corp.example"]).answer(200, listed(&["gg-new@corp.example"])),
    ]);
    assert_eq!(states(&estate, &["GG-New@CORP.Example"]), "p");
    let estate = Estate::warm(false).then([
        ask_dns(&["CN=gg-New,DC=CORP"]).answer(200, NONE),
        ask_dns(&["CN=gg-New,DC=corp"]).answer(200, page(1, &[("1", "g", "CN=gg-New,DC=corp")])),
    ]);
    assert_eq!(states(&estate, &["CN=gg-New,DC=CORP"]), "p");
    // A name in lower case costs no second call.
    let estate = Estate::warm(false).then([ask(&["gg-new@corp.example"]).answer(200, NONE)]);
    assert_eq!(states(&estate, &["gg-new@corp.example"]), "a");
}

#[test]
fn present_groups_cost_no_further_call() {
    let estate = Estate::warm(false).then([
        ask_dns(&["CN=a,DC=x", "CN=b,DC=x"]).answer(200, page(2, &[("1", "a", "CN=a,DC=x"), ("2", "b", "CN=b,DC=x")])),
        ask(&["A@X", "b@x"]).answer(200, listed(&["a@x", "b@x"])),
        ask(&["A@X"]).answer(200, listed(&["a@x"])),
    ]);
    assert_eq!(states(&estate, &["CN=a,DC=x", "CN=b,DC=x", "A@X", "b@x"]), "pppp");
    assert_eq!(states(&estate, &["A@X"]), "p");
}

#[test]
fn many_absent_groups_cost_at_most_forty_further_calls() {
    let names: Vec<_> = (0..60).map(|n| format!("g{n:02}@x")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let together = names.chunks(25).map(|some| ask(some).answer(200, NONE));
    let alone = names.iter().take(40).map(|name| ask(&[name]).answer(200, NONE));
    let estate = Estate::warm(false).then(together.chain(alone));
    assert_eq!(states(&estate, &names), format!("{}{}", "a".repeat(40), "?".repeat(20)));
}

#[test]
fn absence_is_confirmed_in_half_of_the_time_at_most() {
    let slow = |call: Call| call.takes(Duration::from_secs(12));
    let names = ["a@x", "b@x", "c@x", "d@x", "e@x"];
    let estate = Estate::warm(false).then([
        ask(&names).answer(200, NONE),
        slow(ask(&["a@x"]).answer(200, NONE)),
        slow(ask(&["b@x"]).answer(200, NONE)),
        slow(ask(&["c@x"]).answer(200, NONE)),
    ]);
    // One minute for the request.
    assert_eq!(states(&estate, &names), "aaa??");
}

#[test]
fn rejected_confirmation_leaves_the_group_unknown() {
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"]).answer(200, NONE),
        ask(&["a@x"]).answer(400, ""),
        // It reports two groups, and lists none.
        ask(&["b@x"]).answer(200, page(2, &[])),
    ]);
    assert_eq!(states(&estate, &["a@x", "b@x"]), "??");
}

#[test]
fn user_that_a_combined_filter_misses_is_found_by_itself() {
    let of_user = |name: &str| {
        [
            format!(r#"userName eq "{name}""#),
            format!(r#"userPrincipalName eq "{name}@x""#),
            format!(r#"userName eq "{name}@x""#),
        ]
    };
    let ask = |filters: &[String]| {
        let filter = idhook::upstream::segment(&filters.join(" or ")).to_string();
        get(format!("{SCIM}/Users?filter={filter}&startIndex=1&count=100"))
    };
    let user = r#"{"totalResults":1,"Resources":[{"id":"1","userName":"b","urn:scim:schemas:extension:workspace:1.0":{"domain":"x"}}]}"#;
    let estate = Estate::warm(false).then([
        ask(&[of_user("a"), of_user("b")].concat()).answer(200, NONE),
        ask(&of_user("a")[..1]).answer(200, NONE),
        ask(&of_user("a")[1..2]).answer(200, NONE),
        ask(&of_user("a")[2..]).answer(200, NONE),
        ask(&of_user("b")[..1]).answer(200, user),
    ]);
    let wanted = ["a@x", "b@x"].map(|name| UserQuery::parse(name).unwrap());
    let proofs = estate.run(async |client| client.prove_users(&wanted).await).unwrap();
    assert_eq!((proofs[0].state, proofs[1].state), (Presence::Absent, Presence::Present));
}

//! Looking groups up: the number of calls, and the exactness.

use idhook::directory::{GroupQuery, Presence, Proof};
use idhook::error::ErrorCode;
use idhook::http::TransportErrorKind;

use crate::support::script::{Call, get, post};
use crate::support::vidm::Estate;

const GROUPS: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/scim/Groups";
pub(crate) const NONE: &str = r#"{"totalResults":0,"Resources":[]}"#;

/// A search with a body.
fn search(filter: &str, attributes: &str, start: usize) -> Call {
    let filter = filter.replace('\\', "\\\\").replace('"', "\\\"");
    post(format!("{GROUPS}/.search"))
        .body(format!(r#"{{"filter":"{filter}",{attributes}"startIndex":{start},"count":100}}"#))
}

const ATTRIBUTES: &str = r#""attributes":"id,displayName","#;

fn named(name: &str) -> String {
    format!(r#"displayName eq "{name}""#)
}

/// A page of a response: groups by id, name and distinguished name.
pub(crate) fn page(total: usize, groups: &[(&str, &str, &str)]) -> String {
    let groups = groups.iter().map(|(id, name, dn)| {
        let extension = serde_json::json!({ "distinguishedName": dn });
        serde_json::json!({"id": id, "displayName": name, "urn:scim:schemas:extension:workspace:1.0": extension})
    });
    serde_json::json!({"totalResults": total, "Resources": groups.collect::<Vec<_>>()}).to_string()
}

fn parse(wanted: &[&str]) -> Vec<GroupQuery> {
    wanted.iter().map(|text| GroupQuery::parse(text).unwrap()).collect()
}

fn prove(estate: &Estate, wanted: &[&str]) -> idhook::error::Result<Vec<Proof>> {
    let wanted = parse(wanted);
    estate.run(async |client| client.prove(&wanted).await)
}

/// The result, as `requested id`, `requested -` for an absent group, `requested ?` for an unknown one.
fn told(estate: &Estate, wanted: &[&str]) -> Vec<String> {
    let proofs = prove(estate, wanted).unwrap();
    let told = proofs.into_iter().map(|proof| {
        assert_eq!((proof.is_present(), proof.is_present()), (proof.id.is_some(), proof.display_name.is_some()));
        let none = if proof.state == Presence::Unknown { "?" } else { "-" };
        format!("{} {}", proof.requested, proof.id.as_deref().unwrap_or(none))
    });
    told.collect()
}

#[test]
fn names_share_one_call_and_dns_another() {
    let names = get(format!(
        "{GROUPS}?filter=displayName%20eq%20%22a%40corp.example%22%20or%20displayName%20eq%20%22c%40corp.example%22\
         &attributes=id%2CdisplayName&startIndex=1&count=100"
    ));
    let dns = get(format!(
        "{GROUPS}?filter=distinguishedName%20eq%20%22CN%3Db%2CDC%3Dx%22%20or%20distinguishedName%20eq%20%22CN%3Dd%2CDC%3Dx%22\
         &startIndex=1&count=100"
    ));
    let estate = Estate::warm(false).then([
        dns.answer(200, page(1, &[("2", "b@x", "cn=B,dc=X")])),
        names.answer(200, page(1, &[("3", "C@corp.example", "CN=c")])),
        // What these did not find is looked up by itself.
        ask(&["a@corp.example"], 1).answer(200, NONE),
        ask_dn("CN=d,DC=x").answer(200, NONE),
    ]);
    // In the requested order; a duplicate is looked up once, and listed twice.
    assert_eq!(
        told(&estate, &["a@corp.example", "CN=b, DC=x", "c@corp.example", "CN=d,DC=x", "C@CORP.example", "cn=b,dc=x"]),
        ["a@corp.example -", "CN=b,DC=x 2", "c@corp.example 3", "CN=d,DC=x -", "C@CORP.example 3", "cn=b,dc=x 2"]
    );
}

#[test]
fn empty_list_makes_no_call() {
    assert!(prove(&Estate::new([]), &[]).unwrap().is_empty());
}

#[test]
fn odd_characters_are_sent_in_a_body() {
    // They contain no `"` and no `\`: one call.
    let wanted = ["CN=gg & #1,DC=c", "CN=gg été,DC=c", "Zürich@corp.example"];
    let dns = r#"distinguishedName eq "CN=gg & #1,DC=c" or distinguishedName eq "CN=gg été,DC=c""#;
    let estate = Estate::warm(false).then([
        search(dns, "", 1).answer(200, page(1, &[("2", "p", "cn=GG ÉTÉ,dc=c")])),
        search(r#"displayName eq "Zürich@corp.example""#, ATTRIBUTES, 1)
            .answer(200, page(1, &[("3", "zürich@corp.example", "")])),
        search(r#"distinguishedName eq "CN=gg & #1,DC=c""#, "", 1).answer(200, NONE),
    ]);
    assert_eq!(told(&estate, &wanted), ["CN=gg & #1,DC=c -", "CN=gg été,DC=c 2", "Zürich@corp.example 3"]);
}

#[test]
fn uri_search_replaces_a_missing_body_search() {
    let by_uri = |text: &str| {
        get(format!("{GROUPS}?filter={}&attributes=id%2CdisplayName&startIndex=1&count=100", encode(&named(text))))
    };
    for status in [404, 405, 415, 501] {
        let estate = Estate::warm(false).then([
            search(&named("Zürich@c"), ATTRIBUTES, 1).answer(status, ""),
            by_uri("Zürich@c").answer(200, page(1, &[("1", "Zürich@c", "")])),
            // The missing call is not tried again.
            by_uri("Köln@c").answer(200, NONE),
            by_uri("köln@c").answer(200, NONE),
        ]);
        assert_eq!(told(&estate, &["Zürich@c"]), ["Zürich@c 1"]);
        assert_eq!(told(&estate, &["Köln@c"]), ["Köln@c -"]);
    }
    // Rejected there, answered here; the next one uses a body again.
    let estate = Estate::warm(false).then([
        search(&named("Zürich@c"), ATTRIBUTES, 1).answer(400, ""),
        by_uri("Zürich@c").answer(200, page(1, &[("1", "Zürich@c", "")])),
        search(&named("Köln@c"), ATTRIBUTES, 1).answer(200, NONE),
        search(&named("köln@c"), ATTRIBUTES, 1).answer(200, NONE),
    ]);
    assert_eq!(told(&estate, &["Zürich@c"]), ["Zürich@c 1"]);
    assert_eq!(told(&estate, &["Köln@c"]), ["Köln@c -"]);
}

#[test]
fn names_with_escapes_are_looked_up_in_each_form() {
    const SALES: &str = r"CN=Sales\, EMEA,OU=Groups,DC=corp";
    let page = || page(1, &[("1", "Sales, EMEA@corp", r"CN=Sales\, EMEA,OU=Groups,DC=corp")]);
    let escaped = || search(r#"distinguishedName eq "CN=Sales\\, EMEA,OU=Groups,DC=corp""#, "", 1);
    let raw = || search(r#"distinguishedName eq "CN=Sales\, EMEA,OU=Groups,DC=corp""#, "", 1);
    let by_uri = |filter: &str| get(format!("{GROUPS}?filter={}&startIndex=1&count=100", encode(filter)));
    let piece = || by_uri(r#"distinguishedName sw "CN=Sales""#);

    let estate = Estate::warm(false).then([escaped().answer(200, page())]);
    assert_eq!(told(&estate, &[SALES]), [format!("{SALES} 1")]);
    // A server that does not unescape.
    let estate = Estate::warm(false).then([escaped().answer(200, NONE), raw().answer(200, page())]);
    assert_eq!(told(&estate, &[SALES]), [format!("{SALES} 1")]);
    // One that rejects unknown escapes, in either call.
    let estate = Estate::warm(false).then([
        escaped().answer(200, NONE),
        raw().answer(400, ""),
        by_uri(r#"distinguishedName eq "CN=Sales\, EMEA,OU=Groups,DC=corp""#).answer(400, ""),
        piece().answer(200, page()),
    ]);
    assert_eq!(told(&estate, &[SALES]), [format!("{SALES} 1")]);
    // None of them lists any group: that is no proof.
    let nothing = || [escaped().answer(200, NONE), raw().answer(200, NONE)];
    let estate = Estate::warm(false).then(nothing()).then([piece().answer(200, NONE)]);
    let proofs = prove(&estate, &[SALES]).unwrap();
    assert_eq!((proofs[0].state, &proofs[0].id), (Presence::Unknown, &None));
    assert!(proofs[0].detail.as_deref().unwrap().contains("contains \" or \\"), "{proofs:?}");
    // It lists names with this prefix, and this one is not among them.
    let others = || crate::vidm::proof::page(1, &[("2", "Sales APAC@corp", r"CN=Sales APAC,OU=Groups,DC=corp")]);
    let estate = Estate::warm(false).then(nothing()).then([piece().answer(200, others())]);
    assert_eq!(told(&estate, &[SALES]), [format!("{SALES} -")]);

    // A quotation mark would end the value.
    const TEAM: &str = r#"Team "A"@corp.example"#;
    let estate = Estate::warm(false).then([
        search(r#"displayName eq "Team \"A\"@corp.example""#, ATTRIBUTES, 1).answer(200, NONE),
        get(format!(
            "{GROUPS}?filter={}&attributes=id%2CdisplayName&startIndex=1&count=100",
            encode(r#"displayName sw "Team""#)
        ))
        .answer(
            200,
            crate::vidm::proof::page(2, &[("1", "Teams@corp.example", ""), ("2", r#"team "a"@corp.example"#, "")]),
        ),
    ]);
    assert_eq!(told(&estate, &[TEAM]), [format!("{TEAM} 2")]);
}

#[test]
fn names_with_escapes_share_calls() {
    let dns: Vec<_> = (0..20).map(|n| format!(r"CN=Team {n:02}\, EMEA,DC=x")).collect();
    let filter = |dns: &[String], escaped: bool| {
        let value = |dn: &String| if escaped { dn.replace('\\', "\\\\") } else { dn.clone() };
        dns.iter().map(|dn| format!("distinguishedName eq \"{}\"", value(dn))).collect::<Vec<_>>().join(" or ")
    };
    let listed: Vec<_> = dns.iter().map(|dn| ("g", "g", dn.as_str())).collect();
    let estate = Estate::warm(false).then([
        search(&filter(&dns, true), "", 1).answer(200, NONE),
        search(&filter(&dns, false), "", 1).answer(200, page(20, &listed)),
    ]);
    let wanted: Vec<_> = dns.iter().map(String::as_str).collect();
    assert!(prove(&estate, &wanted).unwrap().iter().all(Proof::is_present));
}

#[test]
fn group_rejected_in_every_form_is_unknown() {
    let filter = r#"displayName eq "\"A\"@c""#;
    let estate = Estate::warm(false).then([
        ask(&["gg@c"], 1).answer(200, NONE),
        search(filter, ATTRIBUTES, 1).answer(400, ""),
        get(format!("{GROUPS}?filter={}&attributes=id%2CdisplayName&startIndex=1&count=100", encode(filter)))
            .answer(400, ""),
    ]);
    assert_eq!(told(&estate, &["gg@c", r#""A"@c"#]), ["gg@c -", r#""A"@c ?"#]);
}

#[test]
fn one_dn_in_several_spellings_is_one_group() {
    let call = || search(r#"distinguishedName eq "CN=Sales\\, EMEA,DC=x""#, "", 1);
    for theirs in [r"CN=SALES\2c EMEA, DC=X", r"cn=sales\, emea,dc=x"] {
        let estate = Estate::warm(false).then([call().answer(200, page(1, &[("1", "s", theirs)]))]);
        let (one, other) = (r"cn=Sales\2C EMEA, dc=x", r"CN=Sales\, EMEA,DC=x");
        assert_eq!(told(&estate, &[one, other]), [r"cn=Sales\2C EMEA,dc=x 1", r"CN=Sales\, EMEA,DC=x 1"]);
    }
}

#[test]
fn decomposed_name_finds_the_composed_group() {
    let wanted = "gg-Mu\u{308}nchen@c";
    let composed = || search(&named("gg-M\u{fc}nchen@c"), ATTRIBUTES, 1);
    let estate = Estate::warm(false).then([composed().answer(200, page(1, &[("1", "gg-M\u{fc}nchen@c", "")]))]);
    assert_eq!(told(&estate, &[wanted]), [format!("{wanted} 1")]);
    // And one that vIDM stores decomposed.
    let estate = Estate::warm(false).then([
        composed().answer(200, NONE),
        search(&named(wanted), ATTRIBUTES, 1).answer(200, page(1, &[("1", wanted, "")])),
    ]);
    assert_eq!(told(&estate, &[wanted]), [format!("{wanted} 1")]);
    // In one call with others.
    let filter = format!("{} or {} or {}", named("gg@c"), named("gg-M\u{fc}nchen@c"), named(wanted));
    let none = |name: &str| search(&named(name), ATTRIBUTES, 1).answer(200, NONE);
    let estate = Estate::warm(false).then([
        search(&filter, ATTRIBUTES, 1).answer(200, NONE),
        ask(&["gg@c"], 1).answer(200, NONE),
        none("gg-M\u{fc}nchen@c"),
        none(wanted),
        none("gg-m\u{fc}nchen@c"),
        none("gg-mu\u{308}nchen@c"),
    ]);
    assert_eq!(told(&estate, &["gg@c", wanted]), ["gg@c -".to_owned(), format!("{wanted} -")]);
}

#[test]
fn absent_group_lists_oddities_of_its_name() {
    let estate = Estate::warm(false)
        .then(["R&amp;D@c", "r&amp;d@c"].map(|name| search(&named(name), ATTRIBUTES, 1).answer(200, NONE)));
    let proofs = prove(&estate, &["R&amp;D@c"]).unwrap();
    assert_eq!(proofs[0].state, Presence::Absent);
    assert!(proofs[0].detail.as_deref().unwrap().starts_with("the name contains \"&amp;\""), "{proofs:?}");
}

#[test]
fn unrequested_groups_prove_nothing() {
    let answer = page(2, &[("1", "gg-admins@x", "CN=gg-admins,DC=x"), ("2", "gg@x.example", "CN=gg,DC=x,DC=example")]);
    let call = get(format!("{GROUPS}?filter=distinguishedName%20eq%20%22CN%3Dgg%2CDC%3Dx%22&startIndex=1&count=100"));
    let estate = Estate::warm(false).then([call.answer(200, answer)]);
    assert_eq!(told(&estate, &["CN=gg,DC=x"]), ["CN=gg,DC=x -"]);
}

#[test]
fn many_groups_use_batches_and_long_filters_a_body() {
    let dns: Vec<_> = (0..60).map(|n| format!("CN=g{n:03},OU=Groups,DC=corp,DC=example")).collect();
    let filter = |dns: &[String]| {
        dns.iter().map(|dn| format!(r#"distinguishedName eq "{dn}""#)).collect::<Vec<_>>().join(" or ")
    };
    let alone = dns.iter().take(40).map(|dn| ask_dn(dn).answer(200, NONE));
    let batches = dns.chunks(25).take(2).map(|dns| search(&filter(dns), "", 1).answer(200, NONE)).chain([
        // Ten are short enough for a URL.
        get(format!("{GROUPS}?filter={}&startIndex=1&count=100", encode(&filter(&dns[50..])))).answer(200, NONE),
    ]);
    let estate = Estate::warm(false).then(batches.chain(alone));
    let wanted: Vec<_> = dns.iter().map(String::as_str).collect();
    assert!(prove(&estate, &wanted).unwrap().iter().all(|proof| !proof.is_present()));

    // No filter exceeds its bound.
    let long = |letter: &str| format!("{}@corp.example", letter.repeat(1_900));
    let names = ["a", "b", "c", "d"].map(long);
    let join = |names: &[String]| names.iter().map(|name| named(name)).collect::<Vec<_>>().join(" or ");
    let estate = Estate::warm(false).then([
        search(&join(&names[..3]), ATTRIBUTES, 1).answer(200, NONE),
        search(&join(&names[3..]), ATTRIBUTES, 1).answer(200, page(1, &[("1", &names[3], "")])),
    ]);
    let estate = estate.then(names[..3].iter().map(|name| search(&named(name), ATTRIBUTES, 1).answer(200, NONE)));
    let wanted: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(prove(&estate, &wanted).unwrap().iter().filter(|proof| proof.is_present()).count(), 1);
}

/// The call for this distinguished name.
fn ask_dn(dn: &str) -> Call {
    let filter = format!(r#"distinguishedName eq "{dn}""#);
    get(format!("{GROUPS}?filter={}&startIndex=1&count=100", encode(&filter)))
}

fn encode(text: &str) -> String {
    idhook::upstream::segment(text)
}

/// The call for these names, from this index on.
fn ask(names: &[&str], start: usize) -> Call {
    let filter = names.iter().map(|name| named(name)).collect::<Vec<_>>().join(" or ");
    get(format!("{GROUPS}?filter={}&attributes=id%2CdisplayName&startIndex={start}&count=100", encode(&filter)))
}

#[test]
fn pages_are_read_until_all_are_found() {
    // The server returns one per page, and reports three.
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"], 1).answer(200, page(3, &[("1", "a@x", "")])),
        ask(&["a@x", "b@x"], 2).answer(200, page(3, &[("2", "b@x", "")])),
    ]);
    assert_eq!(told(&estate, &["a@x", "b@x"]), ["a@x 1", "b@x 2"]);
    // To the end if one is missing.
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"], 1).answer(200, page(2, &[("1", "a@x", "")])),
        ask(&["a@x", "b@x"], 2).answer(200, page(2, &[("2", "c@x", "")])),
        ask(&["b@x"], 1).answer(200, NONE),
    ]);
    assert_eq!(told(&estate, &["a@x", "b@x"]), ["a@x 1", "b@x -"]);
}

#[test]
fn fewer_groups_than_the_total_prove_no_absence() {
    // Its pages have fewer than it reports; read from 0 as well, because some servers begin there. Then each separately.
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"], 1).answer(200, page(2, &[("1", "a@x", "")])),
        ask(&["a@x", "b@x"], 2).answer(200, page(2, &[])),
        ask(&["a@x", "b@x"], 0).answer(200, page(2, &[("1", "a@x", "")])),
        ask(&["a@x", "b@x"], 1).answer(200, page(2, &[])),
        ask(&["a@x"], 1).answer(200, page(1, &[("1", "a@x", "")])),
        ask(&["b@x"], 1).answer(200, page(1, &[])),
        ask(&["b@x"], 0).answer(200, page(1, &[])),
    ]);
    let proofs = prove(&estate, &["a@x", "b@x"]).unwrap();
    assert_eq!((proofs[0].state, proofs[1].state), (Presence::Present, Presence::Unknown));
    assert!(proofs[1].detail.as_deref().unwrap().contains("1 groups, but its pages contain 0"), "{proofs:?}");
    // The same page repeatedly.
    let estate = Estate::warm(false).then([
        ask(&["b@x"], 1).answer(200, page(3, &[("1", "a@x", "")])),
        ask(&["b@x"], 2).answer(200, page(3, &[("1", "a@x", "")])),
        ask(&["b@x"], 3).answer(200, page(3, &[("1", "a@x", "")])),
    ]);
    assert_eq!(told(&estate, &["b@x"]), ["b@x ?"]);
    // An unreadable entry, and one that cannot be compared.
    for body in [r#"{"Resources":[{"displayName":"b@x"}]}"#, r#"{"totalResults":1,"Resources":[{"id":"1"}]}"#] {
        let estate = Estate::warm(false).then([ask(&["b@x"], 1).answer(200, body)]);
        assert_eq!(told(&estate, &["b@x"]), ["b@x ?"], "{body}");
    }
}

#[test]
fn groups_are_found_if_counting_begins_at_0() {
    let estate = Estate::warm(false)
        .then([ask(&["a@x"], 1).answer(200, page(1, &[])), ask(&["a@x"], 0).answer(200, page(1, &[("1", "a@x", "")]))]);
    assert_eq!(told(&estate, &["a@x"]), ["a@x 1"]);
}

#[test]
fn rejected_or_is_split_and_remembered() {
    let refused = r#"{"errors":[{"code":"invalid.filter","message":"The filter is invalid.","parameters":null}]}"#;
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x", "c@x"], 1).answer(400, refused),
        ask(&["a@x"], 1).answer(200, NONE),
        ask(&["b@x"], 1).answer(200, page(1, &[("2", "b@x", "")])),
        ask(&["c@x"], 1).answer(200, NONE),
    ]);
    assert_eq!(told(&estate, &["a@x", "b@x", "c@x"]), ["a@x -", "b@x 2", "c@x -"]);
    let estate = estate.then([ask(&["a@x"], 1).answer(200, NONE), ask(&["b@x"], 1).answer(200, NONE)]);
    assert_eq!(told(&estate, &["a@x", "b@x"]), ["a@x -", "b@x -"]);
}

#[test]
fn single_rejected_group_is_unknown() {
    let refused = r#"{"errors":[{"code":"invalid.filter","message":"The filter is invalid.","parameters":null}]}"#;
    for status in [400, 403, 404, 414, 500] {
        let rejects = |names: &'static [&'static str]| {
            ask(names, 1).answer(status, if status == 403 { "<html>" } else { refused })
        };
        let estate = Estate::warm(false)
            .then([rejects(&["a@x", "b@x"])])
            .then([ask(&["a@x"], 1).answer(200, page(1, &[("1", "a@x", "")]))])
            .then([rejects(&["b@x"])]);
        let proofs = prove(&estate, &["a@x", "b@x"]).unwrap();
        assert_eq!((proofs[0].state, proofs[1].state), (Presence::Present, Presence::Unknown), "{status}");
        let detail = proofs[1].detail.as_deref().unwrap();
        assert!(detail.contains("vIDM rejected the look-up") && detail.contains(&status.to_string()), "{detail}");
        let both = [&["a@x", "c@x"][..], &["a@x"], &["c@x"]];
        let estate = estate.then(both.map(|names| ask(names, 1).answer(200, NONE)));
        assert_eq!(told(&estate, &["a@x", "c@x"]), ["a@x -", "c@x -"]);
    }
    // The only group.
    let estate = Estate::warm(false).then([ask(&["a@x"], 1).answer(400, refused)]);
    assert_eq!(told(&estate, &["a@x"]), ["a@x ?"]);
}

#[test]
fn oversized_response_is_requested_in_parts() {
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"], 1).fail(TransportErrorKind::BodyTooLarge),
        ask(&["a@x"], 1).answer(200, NONE),
        ask(&["b@x"], 1).answer(200, NONE),
        ask(&["a@x", "b@x"], 1).answer(200, NONE),
        ask(&["a@x"], 1).answer(200, NONE),
        ask(&["b@x"], 1).answer(200, NONE),
    ]);
    assert_eq!(told(&estate, &["a@x", "b@x"]), ["a@x -", "b@x -"]);
    assert_eq!(told(&estate, &["a@x", "b@x"]), ["a@x -", "b@x -"]);
}

#[test]
fn failed_look_up_is_not_absence() {
    // In the vendor's own format it means that the account lacks permission.
    let forbidden = r#"{"errors":[{"code":"forbidden","message":"User is not authorized to perform the task.","parameters":null}]}"#;
    let estate = Estate::warm(false).then([ask(&["a@x", "b@x"], 1).answer(403, forbidden)]);
    assert_eq!(prove(&estate, &["a@x", "b@x"]).unwrap_err().code(), ErrorCode::UpstreamForbidden);
    // Otherwise it may be the filter; two consecutive failures decide.
    let names = ["a@x", "b@x", "c@x"];
    let estate = Estate::warm(false).then([
        ask(&names, 1).answer(403, ""),
        ask(&names[..1], 1).answer(403, ""),
        ask(&names[1..2], 1).answer(403, ""),
    ]);
    assert_eq!(prove(&estate, &names).unwrap_err().code(), ErrorCode::UpstreamForbidden);
    // A single group.
    let estate = Estate::warm(false).then([ask(&["a@x"], 1).answer(403, "")]);
    assert_eq!(prove(&estate, &["a@x"]).unwrap_err().code(), ErrorCode::UpstreamForbidden);
    // A failing server is not called for each group.
    let estate = Estate::warm(false).then((0..3).map(|_| ask(&["a@x", "b@x"], 1).answer(503, "")));
    assert!(prove(&estate, &["a@x", "b@x"]).is_err());
}

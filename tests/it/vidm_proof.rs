//! Are these groups there? In how few calls, and how exactly.

use idhook::error::ErrorCode;
use idhook::http::TransportErrorKind;
use idhook::vidm::{GroupQuery, Proof};

use crate::script::{Call, get, post};
use crate::vidm_support::Estate;

const GROUPS: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/scim/Groups";
const NONE: &str = r#"{"totalResults":0,"Resources":[]}"#;

/// A search with a body.
fn search(filter: &str, attributes: &str, start: usize) -> Call {
    let filter = filter.replace('\\', "\\\\").replace('"', "\\\"");
    post(format!("{GROUPS}/.search"))
        .body(format!(r#"{{"filter":"{filter}",{attributes}"startIndex":{start},"count":100}}"#))
}

fn named(name: &str) -> String {
    format!(r#"displayName eq "{name}""#)
}

/// A page of an answer: groups by id, name and distinguished name.
fn page(total: usize, groups: &[(&str, &str, &str)]) -> String {
    let groups = groups.iter().map(|(id, name, dn)| {
        let extension = serde_json::json!({ "distinguishedName": dn });
        serde_json::json!({"id": id, "displayName": name, "urn:scim:schemas:extension:workspace:1.0": extension})
    });
    serde_json::json!({"totalResults": total, "Resources": groups.collect::<Vec<_>>()}).to_string()
}

fn parse(wanted: &[&str]) -> Vec<GroupQuery> {
    GroupQuery::parse_all(wanted).unwrap()
}

fn prove(estate: &Estate, wanted: &[&str]) -> idhook::error::Result<Vec<Proof>> {
    let wanted = parse(wanted);
    estate.run(async |client| client.prove(&wanted).await)
}

/// What was found, as `requested id` or `requested -`.
fn told(estate: &Estate, wanted: &[&str]) -> Vec<String> {
    let proofs = prove(estate, wanted).unwrap();
    let told = proofs.into_iter().map(|proof| {
        assert_eq!((proof.is_present(), proof.is_present()), (proof.id.is_some(), proof.display_name.is_some()));
        format!("{} {}", proof.requested, proof.id.as_deref().unwrap_or("-"))
    });
    told.collect()
}

#[test]
fn several_names_are_one_question_and_several_dns_another() {
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
    ]);
    // In the order asked; one that is asked for twice is looked up once, and told of twice.
    assert_eq!(
        told(&estate, &["a@corp.example", "CN=b, DC=x", "c@corp.example", "CN=d,DC=x", "C@CORP.example", "cn=b,dc=x"]),
        ["a@corp.example -", "CN=b,DC=x 2", "c@corp.example 3", "CN=d,DC=x -", "C@CORP.example 3", "cn=b,dc=x 2"]
    );
}

#[test]
fn nothing_asked_is_nothing_called() {
    assert!(prove(&Estate::new([]), &[]).unwrap().is_empty());
}

#[test]
fn odd_characters_arrive_as_they_are() {
    let wanted = [r#"CN=gg-\"quoted\"\, été\\x,OU=Groups,DC=corp"#, "CN=a\\+b (c),DC=corp"];
    let filter = r#"distinguishedName eq "CN=gg-\\\"quoted\\\"\\, été\\\\x,OU=Groups,DC=corp" or distinguishedName eq "CN=a\\+b (c),DC=corp""#;
    let encoded: String = filter
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    let call = get(format!("{GROUPS}?filter={encoded}&startIndex=1&count=100"));
    let answer = page(2, &[("1", "q", &wanted[0].to_uppercase()), ("2", "p", "CN=a+b (c),DC=corp")]);
    let estate = Estate::warm(false).then([call.answer(200, answer)]);
    // An unescaped plus joins two values: that is another name.
    let proofs = prove(&estate, &wanted).unwrap();
    assert_eq!(proofs.iter().map(|proof| proof.is_present()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(proofs[0].requested, wanted[0]);
}

#[test]
fn a_bare_name_is_no_other_domains_group() {
    let answer = page(3, &[("1", "gg@lab.example", "CN=gg,DC=lab"), ("2", "gg-admins", ""), ("3", "x gg", "")]);
    let call = || {
        get(format!("{GROUPS}?filter=displayName%20eq%20%22gg%22&attributes=id%2CdisplayName&startIndex=1&count=100"))
    };
    let estate = Estate::warm(false).then([call().answer(200, answer)]);
    assert_eq!(told(&estate, &["gg"]), ["gg -"]);
    let estate = Estate::warm(false).then([call().answer(200, page(1, &[("1", "GG", "")]))]);
    assert_eq!(told(&estate, &["gg"]), ["gg 1"]);
}

#[test]
fn what_was_not_asked_for_proves_nothing() {
    let answer = page(2, &[("1", "gg-admins@x", "CN=gg-admins,DC=x"), ("2", "gg@x.example", "CN=gg,DC=x,DC=example")]);
    let call = get(format!("{GROUPS}?filter=distinguishedName%20eq%20%22CN%3Dgg%2CDC%3Dx%22&startIndex=1&count=100"));
    let estate = Estate::warm(false).then([call.answer(200, answer)]);
    assert_eq!(told(&estate, &["CN=gg,DC=x"]), ["CN=gg,DC=x -"]);
}

#[test]
fn many_are_asked_in_portions_and_long_filters_in_a_body() {
    let dns: Vec<_> = (0..60).map(|n| format!("CN=g{n:03},OU=Groups,DC=corp,DC=example")).collect();
    let filter = |dns: &[String]| {
        dns.iter().map(|dn| format!(r#"distinguishedName eq "{dn}""#)).collect::<Vec<_>>().join(" or ")
    };
    let estate = Estate::warm(false).then(
        dns.chunks(25).take(2).map(|dns| search(&filter(dns), "", 1).answer(200, NONE)).chain([
            // Ten are short enough for a URL.
            get(format!("{GROUPS}?filter={}&startIndex=1&count=100", encode(&filter(&dns[50..])))).answer(200, NONE),
        ]),
    );
    let wanted: Vec<_> = dns.iter().map(String::as_str).collect();
    assert!(prove(&estate, &wanted).unwrap().iter().all(|proof| !proof.is_present()));

    // No filter grows beyond its bound.
    let long = |letter: &str| format!("{}@corp.example", letter.repeat(1_900));
    let names = ["a", "b", "c", "d"].map(long);
    let join = |names: &[String]| names.iter().map(|name| named(name)).collect::<Vec<_>>().join(" or ");
    let attributes = r#""attributes":"id,displayName","#;
    let estate = Estate::warm(false).then([
        search(&join(&names[..3]), attributes, 1).answer(200, NONE),
        search(&join(&names[3..]), attributes, 1).answer(200, page(1, &[("1", &names[3], "")])),
    ]);
    let wanted: Vec<_> = names.iter().map(String::as_str).collect();
    assert_eq!(prove(&estate, &wanted).unwrap().iter().filter(|proof| proof.is_present()).count(), 1);
}

fn encode(text: &str) -> String {
    idhook::endpoint::segment(text)
}

/// The question for these names, from this place on.
fn ask(names: &[&str], start: usize) -> Call {
    let filter = names.iter().map(|name| named(name)).collect::<Vec<_>>().join(" or ");
    get(format!("{GROUPS}?filter={}&attributes=id%2CdisplayName&startIndex={start}&count=100", encode(&filter)))
}

#[test]
fn pages_are_read_until_all_are_found_and_no_further() {
    // The server gives one a page, and says that there are three.
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"], 1).answer(200, page(3, &[("1", "a@x", "")])),
        ask(&["a@x", "b@x"], 2).answer(200, page(3, &[("2", "b@x", "")])),
    ]);
    assert_eq!(told(&estate, &["a@x", "b@x"]), ["a@x 1", "b@x 2"]);
    // To the end where one is missing.
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"], 1).answer(200, page(2, &[("1", "a@x", "")])),
        ask(&["a@x", "b@x"], 2).answer(200, page(2, &[("1", "a@x", "")])),
    ]);
    assert_eq!(told(&estate, &["a@x", "b@x"]), ["a@x 1", "b@x -"]);
    // A promise that is not kept is no proof of absence.
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"], 1).answer(200, page(2, &[("1", "a@x", "")])),
        ask(&["a@x", "b@x"], 2).answer(200, page(2, &[])),
    ]);
    assert_eq!(prove(&estate, &["a@x", "b@x"]).unwrap_err().code(), ErrorCode::UpstreamInvalid);
}

#[test]
fn a_refused_or_is_asked_one_by_one_and_remembered() {
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
fn one_that_is_refused_by_itself_is_an_error_and_teaches_nothing() {
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"], 1).answer(400, ""),
        ask(&["a@x"], 1).answer(200, NONE),
        ask(&["b@x"], 1).answer(400, ""),
    ]);
    assert_eq!(prove(&estate, &["a@x", "b@x"]).unwrap_err().code(), ErrorCode::UpstreamRejected);
    let estate = estate.then([ask(&["a@x", "c@x"], 1).answer(200, NONE)]);
    assert_eq!(told(&estate, &["a@x", "c@x"]), ["a@x -", "c@x -"]);
}

#[test]
fn an_answer_too_large_is_asked_for_in_parts_this_time() {
    let estate = Estate::warm(false).then([
        ask(&["a@x", "b@x"], 1).fail(TransportErrorKind::BodyTooLarge),
        ask(&["a@x"], 1).answer(200, NONE),
        ask(&["b@x"], 1).answer(200, NONE),
        ask(&["a@x", "b@x"], 1).answer(200, NONE),
    ]);
    assert_eq!(told(&estate, &["a@x", "b@x"]), ["a@x -", "b@x -"]);
    assert_eq!(told(&estate, &["a@x", "b@x"]), ["a@x -", "b@x -"]);
}

#[test]
fn not_being_able_to_ask_is_not_absence() {
    for (status, code) in [(403, ErrorCode::UpstreamForbidden), (500, ErrorCode::UpstreamFailed)] {
        let estate = Estate::warm(false).then([ask(&["a@x", "b@x"], 1).answer(status, "")]);
        assert_eq!(prove(&estate, &["a@x", "b@x"]).unwrap_err().code(), code);
    }
}

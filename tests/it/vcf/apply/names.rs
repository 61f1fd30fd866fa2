//! Groups that SDDC Manager lists under the NetBIOS name of their domain, or does not know yet.

use super::*;

const OPERATORS: &str = "gg-vcf-operators@embedded-ids.com";

/// The users, with the operators under another domain.
fn listed_as(name: &'static str, domain: Option<&'static str>) -> Call {
    users_after(|users| {
        users[1]["name"] = json!(name);
        users[1]["domain"] = json!(domain);
    })
}

fn gone() -> Call {
    users_after(|users| drop(users.remove(1)))
}

fn without_role() -> Value {
    json!({"roles": [{"group": OPERATORS, "state": "absent"}]})
}

#[test]
fn group_is_found_under_the_short_name_of_its_domain() {
    for (name, domain) in [
        ("EMBEDDED-IDS\\gg-vcf-operators", None),
        ("Embedded-Ids\\gg-vcf-operators", Some("EMBEDDED-IDS")),
        ("gg-vcf-operators", Some("EMBEDDED-IDS")),
        ("gg-vcf-operators@EMBEDDED-IDS", None),
    ] {
        let instance = Instance::new([login(), roles(), listed_as(name, domain), listed(), remove(GROUP_ID), gone()]);
        let document = apply(&instance, "", &without_role()).json();
        assert_eq!(steps(&document), ["roles removed"], "{name} {domain:?}: {document}");
    }
    // An entry with both names costs no call more.
    let both = listed_as("EMBEDDED-IDS\\gg-vcf-operators", Some("embedded-ids.com"));
    let instance = Instance::new([login(), roles(), both, remove(GROUP_ID), gone()]);
    assert_eq!(steps(&apply(&instance, "", &without_role()).json()), ["roles removed"]);
}

#[test]
fn group_of_another_domain_with_the_same_name_is_left_alone() {
    let other = listed_as("EXTERNAL-IDP\\gg-vcf-operators", None);
    let instance = Instance::new([login(), roles(), other, listed()]);
    let document = apply(&instance, "", &without_role()).json();
    assert_eq!((steps(&document), document["steps"][0].get("detail")), (vec!["roles unchanged".to_owned()], None));
}

#[test]
fn group_under_a_short_name_that_no_source_shows_is_named() {
    let unclear = || listed_as("CORP\\gg-vcf-operators", Some("CORP"));
    // Versions before 4.5 have no identity sources to read.
    let redirected = listed().answer(301, "").answer_header("location", "https://sddc.corp.example/ui");
    for sources in [listed(), listed().answer(404, ""), redirected] {
        let instance = Instance::new([login(), roles(), unclear(), sources]);
        let document = apply(&instance, "", &without_role()).json();
        assert_eq!(steps(&document), ["roles unchanged"]);
        let detail = document["steps"][0]["detail"].as_str().unwrap();
        assert!(detail.starts_with("SDDC Manager lists CORP\\gg-vcf-operators with OPERATOR"), "{detail}");
    }
    // If the sources cannot be read, nothing is known about the group.
    let instance = Instance::new([login(), roles(), unclear(), listed().answer(400, "")]);
    apply(&instance, "", &without_role()).problem("upstream_rejected");
}

/// The first run may end before SDDC Manager knows the domain of the source that it added.
#[test]
fn second_run_waits_for_the_domain_of_its_source() {
    let domains = |list: &'static str| get(on("sso-domains")).answer(200, list);
    let nothing = || entities("new.example", "gg-vcf-admins", &[]);
    let instance = Instance::new([login(), listed_with_new(), roles(), users(), nothing()]);
    instance.then([
        domains(r#"{"elements":["vsphere.local"]}"#),
        nothing(),
        entities("new.example", "gg-vcf-admins", &[("GROUP", "gg-vcf-admins")]),
        add("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
        users_with("gg-vcf-admins", "NEW.EXAMPLE", ADMIN),
    ]);
    let document = apply(&instance, "", &whole()).json();
    assert_eq!(steps(&document), ["ensure unchanged", "verify passed", "roles created"], "{document}");

    // A domain that is known already has the group, or not.
    instance.then([listed_with_new(), roles(), users(), nothing(), domains(r#"{"elements":["new.example"]}"#)]);
    let problem = apply(&instance, "", &whole()).problem("not_found");
    assert_eq!(problem["detail"], "new.example has no group \"gg-vcf-admins\"");
}

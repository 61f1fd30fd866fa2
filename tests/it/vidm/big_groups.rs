//! Groups with so many members that a response with them exceeds the limit: the look-up without members.

use idhook::directory::{GroupQuery, Presence};
use idhook::error::ErrorCode;
use idhook::http::TransportErrorKind;
use serde_json::json;

use crate::support::script::{Call, get};
use crate::support::vidm::Estate;
use crate::support::webhook::Instance;
use crate::vidm::proof::{NONE, page};

const GROUPS: &str = "https://vidm.corp.example/SAAS/jersey/manager/api/scim/Groups";
const PROVED: &str = "&attributes=id%2CdisplayName%2CdistinguishedName";
const SHOWN: &str = "&attributes=id%2CdisplayName%2CexternalId%2CdistinguishedName%2Cdomain%2CinternalGroupType";
const BIG: &str = "CN=all,DC=x";

fn ask(filter: &str, attributes: &str) -> Call {
    get(format!("{GROUPS}?filter={}{attributes}&startIndex=1&count=100", idhook::upstream::segment(filter)))
}

fn of_dns(dns: &[&str]) -> String {
    dns.iter().map(|dn| format!(r#"distinguishedName eq "{dn}""#)).collect::<Vec<_>>().join(" or ")
}

fn too_large(filter: &str) -> Call {
    ask(filter, "").fail(TransportErrorKind::BodyTooLarge)
}

fn states(estate: &Estate, dns: &[&str]) -> Vec<Presence> {
    let wanted: Vec<_> = dns.iter().map(|dn| GroupQuery::parse(dn).unwrap()).collect();
    let proofs = estate.run(async |client| client.prove(&wanted).await).unwrap();
    proofs.into_iter().map(|proof| proof.state).collect()
}

#[test]
fn dn_of_a_big_group_is_proved_without_its_members() {
    let filter = of_dns(&[BIG]);
    let estate = Estate::warm(false)
        .then([too_large(&filter), ask(&filter, PROVED).answer(200, page(1, &[("1", "all@x", BIG)]))]);
    assert_eq!(states(&estate, &[BIG]), [Presence::Present]);
    // The others of its batch cost no call of their own.
    let dns = [BIG, "CN=b,DC=x", "CN=c,DC=x"];
    let listed = page(3, &[("1", "all@x", BIG), ("2", "b@x", dns[1]), ("3", "c@x", dns[2])]);
    let filter = of_dns(&dns);
    let estate = Estate::warm(false).then([too_large(&filter), ask(&filter, PROVED).answer(200, listed)]);
    assert_eq!(states(&estate, &dns), [Presence::Present; 3]);
}

#[test]
fn later_batches_are_asked_for_without_members_at_once() {
    let dns: Vec<_> = (0..30).map(|n| format!("CN=g{n:02},DC=x")).collect();
    let dns: Vec<_> = dns.iter().map(String::as_str).collect();
    let listed = |dns: &[&str]| page(dns.len(), &dns.iter().map(|dn| (*dn, "g@x", *dn)).collect::<Vec<_>>());
    let (first, second) = (of_dns(&dns[..25]), of_dns(&dns[25..]));
    let estate = Estate::warm(false).then([
        too_large(&first),
        ask(&first, PROVED).answer(200, listed(&dns[..25])),
        ask(&second, PROVED).answer(200, listed(&dns[25..])),
    ]);
    assert_eq!(states(&estate, &dns), [Presence::Present; 30]);
}

#[test]
fn group_stays_unknown_if_vidm_drops_its_dn_or_rejects_the_attributes() {
    let filter = of_dns(&[BIG]);
    let without_dn = r#"{"totalResults":1,"Resources":[{"id":"1","displayName":"all@x"}]}"#;
    let estate = Estate::warm(false).then([too_large(&filter), ask(&filter, PROVED).answer(200, without_dn)]);
    assert_eq!(states(&estate, &[BIG]), [Presence::Unknown]);
    let other = of_dns(&["CN=b,DC=x"]);
    let both = of_dns(&[BIG, "CN=b,DC=x"]);
    let rejects = |filter: &str| [too_large(filter), ask(filter, PROVED).answer(400, "")];
    let estate =
        Estate::warm(false).then(rejects(&both)).then(rejects(&filter)).then([ask(&other, "").answer(200, NONE)]);
    assert_eq!(states(&estate, &[BIG, "CN=b,DC=x"]), [Presence::Unknown, Presence::Absent]);
    // A complete list without members proves absence.
    let estate = Estate::warm(false).then([too_large(&filter), ask(&filter, PROVED).answer(200, NONE)]);
    assert_eq!(states(&estate, &[BIG]), [Presence::Absent]);
}

#[test]
fn big_group_is_shown_without_its_members() {
    const PATH: &str = "/vidm/default/v1/groups";
    for (query, filter) in [("name=all@x", r#"displayName eq "all@x""#.to_owned()), ("dn=CN=all,DC=x", of_dns(&[BIG]))]
    {
        let group = json!({"id": "1", "displayName": "all@x",
            "urn:scim:schemas:extension:workspace:1.0": {"distinguishedName": BIG, "domain": "x"}});
        let found = json!({"totalResults": 1, "Resources": [group]}).to_string();
        let logs_in = crate::support::vidm::logs_in("t1");
        let instance = Instance::new([logs_in, too_large(&filter), ask(&filter, SHOWN).answer(200, found)]);
        let answer = instance.get(&format!("{PATH}?{query}"));
        assert_eq!((answer.status().as_u16(), &answer.json()["present"]), (200, &json!(true)), "{}", answer.text());
    }
    let filter = of_dns(&[BIG]);
    let estate = Estate::warm(false).then([too_large(&filter), ask(&filter, SHOWN).answer(400, "")]);
    let error = estate.run(async |client| client.groups(&GroupQuery::parse(BIG).unwrap()).await).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UpstreamInvalid);
    assert!(error.hint_text().unwrap().contains("upstream_body_limit"), "{error}");
}

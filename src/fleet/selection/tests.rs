//! Profiles in possible forms, and the result of changing them.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use serde_json::json;

use super::*;
use crate::directory::Selection as _;

const PROFILE: &str = include_str!("../../../tests/fixtures/fleet/sync_profile.json");
const FOUND: &str = include_str!("../../../tests/fixtures/fleet/directory_groups.json");
const NEW: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";

fn read(profile: Value) -> Result<Selection, String> {
    let Value::Object(profile) = profile else { return Err("no object".to_owned()) };
    Selection::read(profile)
}

fn profile() -> Value {
    serde_json::from_str(PROFILE).unwrap()
}

fn entry() -> Value {
    serde_json::from_str::<Value>(FOUND).unwrap()["ldapGroups"][1].clone()
}

fn group(dn: &str) -> Value {
    json!({"baseDn": "DC=corp,DC=example", "dn": dn})
}

#[test]
fn selected_groups_are_recognised() {
    let selection = read(profile()).unwrap();
    for dn in ["cn=GG-app, ou=groups,dc=corp,dc=example", "CN=x,OU=Deep,OU=All,DC=corp,DC=example"] {
        assert!(selection.selects(&Key::of(dn)), "{dn}");
    }
    // A user is not a group.
    for dn in [NEW, "CN=x,OU=NotAll,DC=corp,DC=example", "CN=jdoe,OU=Users,DC=corp,DC=example"] {
        assert!(!selection.selects(&Key::of(dn)), "{dn}");
    }
    assert!(!selection.is_empty());
    for groups in [json!({}), json!({GROUPS: null}), json!({GROUPS: []})] {
        let mut profile = groups;
        profile[MAPPINGS] = json!([]);
        assert!(read(profile).unwrap().is_empty());
    }
}

#[test]
fn added_group_is_appended_as_found() {
    let mut selection = read(profile()).unwrap();
    selection.add(&found(entry()).unwrap());
    let mut expected = profile();
    expected[GROUPS].as_array_mut().unwrap().push(entry());
    assert_eq!(Value::Object(selection.document().clone()), expected);
    assert!(selection.selects(&Key::of(NEW)));
    selection.add(&found(entry()).unwrap());
    assert_eq!(Value::Object(selection.document().clone()), expected);
    // Without a list there is one afterwards.
    for groups in [json!({MAPPINGS: []}), json!({MAPPINGS: [], GROUPS: null})] {
        let mut selection = read(groups).unwrap();
        selection.add(&found(entry()).unwrap());
        assert_eq!(Value::Object(selection.0), json!({MAPPINGS: [], GROUPS: [entry()]}));
    }
}

#[test]
fn found_entry_always_selects_one_group_below_a_base() {
    for (given, expected) in [
        (json!({DN: "CN=a,DC=x"}), json!({DN: "CN=a,DC=x", BASE: "DC=x"})),
        (json!({DN: "CN=a,DC=x", BASE: " "}), json!({DN: "CN=a,DC=x", BASE: "DC=x"})),
        (json!({DN: "CN=a,DC=x", BASE: "DC=y", ALL: true}), json!({DN: "CN=a,DC=x", BASE: "DC=y", ALL: false})),
        (json!({DN: "CN=a,DC=x", BASE: "DC=y", "id": 7}), json!({DN: "CN=a,DC=x", BASE: "DC=y", "id": 7})),
    ] {
        assert_eq!(found(given).unwrap().entry, expected);
    }
    for odd in [json!(null), json!({}), json!({DN: " "}), json!({DN: 7}), json!("CN=a")] {
        assert!(found(odd.clone()).is_none(), "{odd}");
    }
}

#[test]
fn non_compliant_groups_have_the_vendors_reason() {
    let refused = |fields: Value| {
        let mut entry = group("CN=a,DC=x");
        entry.as_object_mut().unwrap().append(fields.clone().as_object_mut().unwrap());
        refusal(&found(entry).unwrap())
    };
    for fields in
        [json!({}), json!({"compliant": null}), json!({"compliant": true, "validationResult": {"duplicateId": true}})]
    {
        assert_eq!(refused(fields.clone()), None, "{fields}");
    }
    let attributes = json!({"invalidAttributes": ["member", 7, "objectGUID"], "duplicateId": true});
    for (fields, reason) in [
        (
            json!({"compliant": false, "validationResult": attributes}),
            "(invalid attributes: member, objectGUID; its object id is a duplicate)",
        ),
        (json!({"compliant": false, "validationResult": {"duplicateId": true}}), "(its object id is a duplicate)"),
        (json!({"compliant": false, "validationResult": null}), "(no reason is given)"),
        (json!({"compliant": "no"}), "(no reason is given)"),
    ] {
        assert!(refused(fields.clone()).unwrap().contains(reason), "{fields}");
    }
}

#[test]
fn incomplete_profiles_are_rejected_with_a_reason() {
    let with = |name: &str, value: Value| {
        let mut profile = profile();
        profile[name] = value;
        profile
    };
    for (profile, reason) in [
        (json!({}), "it has no list userAttributeMappings"),
        (with(MAPPINGS, json!(null)), "it has no list userAttributeMappings"),
        (with(MAPPINGS, json!({})), "it has no list userAttributeMappings"),
        (with(GROUPS, json!({})), "its ldapGroups is not a list"),
        (with(GROUPS, json!("")), "its ldapGroups is not a list"),
        (with(USERS, json!(7)), "its ldapUsers is not a list"),
        (with(GROUPS, json!([group("CN=a"), null])), "its group 1 has no dn"),
        (with(GROUPS, json!([{BASE: "DC=x"}])), "its group 0 has no dn"),
        (with(GROUPS, json!([{BASE: "DC=x", ALL: false}])), "its group 0 has no dn"),
        (with(GROUPS, json!([{BASE: "DC=x", DN: " "}])), "its group 0 has no dn"),
        (with(GROUPS, json!([{DN: "CN=a", ALL: true}])), "its group 0 has no baseDn"),
        (with(GROUPS, json!([{DN: "CN=a", ALL: "true"}])), "its group 0 has a selectAll that is neither"),
        (with(GROUPS, json!([{DN: "CN=a", ALL: 1}])), "its group 0 has a selectAll that is neither"),
        (with(USERS, json!([group("CN=a"), {"name": "b"}])), "its user 1 has no dn"),
    ] {
        let why = read(profile.clone()).unwrap_err();
        assert!(why.starts_with(reason), "{profile}: {why}");
    }
    assert!(read(json!({MAPPINGS: [], USERS: null, GROUPS: [{DN: "CN=a", ALL: null}]})).is_ok());
}

#[test]
fn merging_returns_missing_selections() {
    let whole = read(profile()).unwrap();
    let mut less = read(json!({MAPPINGS: [], "other": 1})).unwrap();
    let lacking = less.merge(&whole);
    let user = "CN=jdoe,OU=Users,DC=corp,DC=example";
    assert_eq!(lacking, ["everything below OU=All,DC=corp,DC=example", "CN=gg-app,OU=Groups,DC=corp,DC=example", user]);
    assert_eq!(less.merge(&whole), Vec::<String>::new());
    // A base that became a single group is selected again.
    let mut turned = profile();
    turned[GROUPS][1] = group("CN=x,OU=All,DC=corp,DC=example");
    assert_eq!(read(turned).unwrap().merge(&whole), ["everything below OU=All,DC=corp,DC=example"]);
    // A group below a selected base needs no entry.
    let mut part = profile();
    part[GROUPS][1] = group("CN=x,OU=All,DC=corp,DC=example");
    assert_eq!(whole.clone().merge(&read(part).unwrap()), Vec::<String>::new());
}

/// A distinguished name out of few, so that they repeat; in several spellings.
fn dn() -> impl Strategy<Value = String> {
    let unit = || prop::sample::select(&["OU=a", "ou=A", "OU=b", "OU=c\\, d"][..]);
    let name = prop::sample::select(&["CN=x", "cn=X", "CN=y", "CN=\\\"é\\\"", "CN=z"][..]);
    (name, prop::collection::vec(unit(), 0..3)).prop_map(|(name, units)| {
        let parts: Vec<_> = [name].into_iter().chain(units).collect();
        format!("{},DC=corp", parts.join(", "))
    })
}

/// Unknown fields.
fn unknown() -> impl Strategy<Value = Map<String, Value>> {
    let value =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<String>().prop_map(Value::from)];
    prop::collection::btree_map("x[a-zé]{1,3}", value, 0..3).prop_map(|map| map.into_iter().collect())
}

/// An entry that selects one group or user.
fn single() -> impl Strategy<Value = Value> {
    (dn(), prop_oneof![Just(None), Just(Some(false))], unknown()).prop_map(|(dn, all, mut fields)| {
        fields.insert(DN.to_owned(), json!(dn));
        fields.insert(ALL.to_owned(), json!(all));
        Value::Object(fields)
    })
}

fn whole_base() -> impl Strategy<Value = Value> {
    (prop::sample::select(&["OU=a,DC=corp", "OU=A,dc=corp", "OU=b, DC=corp"][..]), prop::option::of(dn()), unknown())
        .prop_map(|(base, dn, mut fields)| {
            fields.insert(BASE.to_owned(), json!(base));
            fields.insert(DN.to_owned(), json!(dn));
            fields.insert(ALL.to_owned(), json!(true));
            Value::Object(fields)
        })
}

/// A profile that can be read completely.
fn arbitrary() -> impl Strategy<Value = Selection> {
    let list = |entry: proptest::strategy::BoxedStrategy<Value>| prop::option::of(prop::collection::vec(entry, 0..4));
    let groups = list(prop_oneof![4 => single(), 1 => whole_base()].boxed());
    (groups, list(single().boxed()), unknown()).prop_map(|(groups, users, mut profile)| {
        profile.insert(MAPPINGS.to_owned(), json!([{"attributeName": "userName"}]));
        profile.insert(GROUPS.to_owned(), json!(groups));
        profile.insert(USERS.to_owned(), json!(users));
        Selection::read(profile).unwrap()
    })
}

/// Whether `whole` is `part` with more entries at the ends of its lists.
fn extends(whole: &Selection, part: &Selection) -> bool {
    let none = Vec::new();
    let entries =
        |profile: &Selection, name: &str| profile.0.get(name).and_then(Value::as_array).unwrap_or(&none).clone();
    whole.0.len() == part.0.len()
        && part.0.iter().all(|(name, value)| match name.as_str() {
            GROUPS | USERS => entries(whole, name).starts_with(&entries(part, name)),
            _ => whole.0.get(name) == Some(value),
        })
}

proptest! {
    #[test]
    fn adding_keeps_the_selection(before in arbitrary(), entry in single()) {
        let found = found(entry).unwrap();
        let mut after = before.clone();
        after.add(&found);
        prop_assert!(after.selects(&Key::of(&found.dn)));
        prop_assert!(extends(&after, &before), "{after:?}");
        prop_assert_eq!(after == before, before.selects(&Key::of(&found.dn)));
        prop_assert_eq!(Selection::read(after.0.clone()), Ok(after));
    }

    #[test]
    fn merging_keeps_both_selections(one in arbitrary(), other in arbitrary()) {
        let mut both = one.clone();
        let lacking = both.merge(&other);
        prop_assert!(extends(&both, &one), "{both:?}");
        for base in other.bases() {
            prop_assert!(both.bases().any(|ours| base.is_within(&ours)), "{base:?} in {both:?}");
        }
        for group in other.named(GROUPS) {
            prop_assert!(both.selects(&group), "{group:?} in {both:?}");
        }
        let users: BTreeSet<_> = both.named(USERS).collect();
        prop_assert!(other.named(USERS).all(|user| users.contains(&user)), "{both:?}");
        prop_assert_eq!(lacking.is_empty(), both == one);
        prop_assert_eq!(both.clone().merge(&other), Vec::<String>::new());
        prop_assert_eq!(Selection::read(both.0.clone()), Ok(both));
    }

    #[test]
    fn reader_accepts_any_profile(text in "\\PC{0,60}", number in any::<f64>()) {
        for odd in [json!(text), json!(number), json!([text]), json!({&text: number})] {
            for list in [GROUPS, USERS] {
                for entries in [odd.clone(), json!([odd]), json!([{DN: odd, ALL: odd}]), json!([{BASE: odd, ALL: true}])] {
                    let _ = read(json!({MAPPINGS: [], list: entries}));
                }
            }
        }
    }
}

//! Profiles in possible forms, and the result of changing them.

use std::collections::BTreeSet;

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::*;

const PROFILE: &str = include_str!("../../../tests/fixtures/vidm/sync_profile.json");
const FOUND: &str = include_str!("../../../tests/fixtures/vidm/directory_groups.json");
const NEW: &str = "CN=gg-new,OU=Groups,DC=corp,DC=example";

fn read(profile: Value) -> Result<Selection, String> {
    let Value::Object(profile) = profile else { return Err("no object".to_owned()) };
    Selection::read(profile)
}

fn profile() -> Value {
    serde_json::from_str(PROFILE).unwrap()
}

fn found() -> GroupEntry {
    let answer: Value = serde_json::from_str(FOUND).unwrap();
    super::found(answer["identityGroups"][NEW]["mappedGroupData"][0].clone()).unwrap()
}

fn key(dn: &str) -> Key {
    Key::of(dn)
}

#[test]
fn selected_groups_are_recognised() {
    let selection = read(profile()).unwrap();
    for dn in ["cn=GG-app, ou=groups,dc=corp,dc=example", "CN=x,OU=Deep,OU=All,DC=corp,DC=example"] {
        assert!(selection.selects(&key(dn)), "{dn}");
    }
    for dn in ["CN=gg-unpicked,OU=Groups,DC=corp,DC=example", NEW, "CN=x,OU=NotAll,DC=corp,DC=example"] {
        assert!(!selection.selects(&key(dn)), "{dn}");
    }
    assert!(!selection.is_empty());
    assert!(read(json!({INFO: {}})).unwrap().is_empty());
}

#[test]
fn added_group_is_placed_under_its_base() {
    let mut selection = read(profile()).unwrap();
    selection.add(&found());
    let mut expected = profile();
    let base = &mut expected[INFO]["OU=Groups,DC=corp,DC=example"];
    let mut entry = found().entry;
    entry[SELECTED] = json!(true);
    base[ENTRIES].as_array_mut().unwrap().push(entry);
    base[NUM_SELECTED] = json!(2);
    assert_eq!(Value::Object(selection.document().clone()), expected);
    assert!(selection.selects(&key(NEW)));
    // The written document can be read again.
    assert_eq!(Selection::read(selection.document().clone()), Ok(selection));
}

#[test]
fn listed_group_is_selected_at_its_entry() {
    let mut selection = read(profile()).unwrap();
    let dn = "cn=gg-UNPICKED,ou=groups,dc=corp,dc=example";
    selection.add(&super::found(json!({"mappedGroup": {"dn": dn, "objectGuid": "other"}})).unwrap());
    let mut expected = profile();
    let base = &mut expected[INFO]["OU=Groups,DC=corp,DC=example"];
    base[ENTRIES][1][SELECTED] = json!(true);
    base[NUM_SELECTED] = json!(2);
    assert_eq!(Value::Object(selection.document().clone()), expected);
}

#[test]
fn new_base_is_added_with_counts() {
    for (group, base) in [
        (json!({"dn": "CN=x,OU=New,DC=corp", "groupBaseDN": "OU=New,DC=corp"}), "OU=New,DC=corp"),
        (json!({"dn": "CN=x,OU=New,DC=corp", "groupBaseDN": " "}), "CN=x,OU=New,DC=corp"),
        (json!({"dn": "CN=x,OU=New,DC=corp", "groupBaseDN": null}), "CN=x,OU=New,DC=corp"),
    ] {
        let mut selection = read(profile()).unwrap();
        selection.add(&super::found(json!({"mappedGroup": group})).unwrap());
        let mut expected = profile();
        let entry = json!({"mappedGroup": group, SELECTED: true});
        expected[INFO][base] = json!({ENTRIES: [entry], NUM_SELECTED: 1, NUM_TOTAL: 1, SELECTED: false});
        assert_eq!(Value::Object(selection.document().clone()), expected);
    }
}

#[test]
fn counts_are_updated_only_if_present() {
    let entry = |n: u64| json!({"mappedGroup": {"dn": format!("CN=g{n},OU=x")}, SELECTED: true});
    for (counts, expected) in [
        (json!({NUM_SELECTED: 1, NUM_TOTAL: 1}), json!({NUM_SELECTED: 2, NUM_TOTAL: 2})),
        (json!({NUM_SELECTED: 1, NUM_TOTAL: 9}), json!({NUM_SELECTED: 2, NUM_TOTAL: 9})),
        (json!({NUM_TOTAL: 1}), json!({NUM_TOTAL: 2})),
        (json!({NUM_SELECTED: null}), json!({NUM_SELECTED: null})),
        (json!({}), json!({})),
    ] {
        let with = |counts: &Value, entries: Value| {
            let mut base = counts.clone();
            set(&mut base, SELECTED, json!(false));
            set(&mut base, ENTRIES, entries);
            json!({INFO: {"OU=x": base}})
        };
        let mut selection = read(with(&counts, json!([entry(1)]))).unwrap();
        let two = super::found(json!({"mappedGroup": {"dn": "CN=g2,OU=x", "groupBaseDN": "ou=X"}})).unwrap();
        selection.add(&two);
        let mut added = two.entry.clone();
        set(&mut added, SELECTED, json!(true));
        assert_eq!(Value::Object(selection.document().clone()), with(&expected, json!([entry(1), added])));
    }
}

#[test]
fn incomplete_profiles_are_rejected_with_a_reason() {
    let base = |field: &str, value: Value| {
        let mut profile = profile();
        set(&mut profile[INFO]["OU=Groups,DC=corp,DC=example"], field, value);
        profile
    };
    let without = |field: &str| {
        let mut profile = profile();
        profile[INFO]["OU=Groups,DC=corp,DC=example"].as_object_mut().unwrap().remove(field);
        profile
    };
    let entry = |entry: Value| base(ENTRIES, json!([entry]));
    let group = json!({"dn": "CN=x"});
    for (profile, told) in [
        (json!({}), "no identityGroupInfo"),
        (json!({"identityUserInfo": {}}), "no identityGroupInfo"),
        (json!({INFO: []}), "identityGroupInfo is not an object"),
        (json!({INFO: null}), "identityGroupInfo is not an object"),
        (json!({INFO: {"OU=x": true}}), "its base \"OU=x\" is not an object"),
        (without(ENTRIES), "has no mappedGroupData"),
        (base(ENTRIES, Value::Null), "has no mappedGroupData"),
        (base(ENTRIES, json!({})), "has no mappedGroupData"),
        (without(SELECTED), "does not say whether it is selected"),
        (base(SELECTED, json!("false")), "does not say whether it is selected"),
        (base(SELECTED, json!(0)), "does not say whether it is selected"),
        (entry(json!({"mappedGroup": group})), "entry (0) that does not say whether it is selected"),
        (entry(json!({"mappedGroup": group, SELECTED: "true"})), "entry (0) that does not say"),
        (entry(json!({SELECTED: true})), "entry (0) without the group's dn"),
        (entry(json!({"mappedGroup": {"dn": " "}, SELECTED: true})), "entry (0) without the group's dn"),
        (entry(json!({"mappedGroup": {"dn": 7}, SELECTED: true})), "entry (0) without the group's dn"),
        (entry(json!(null)), "entry (0) without the group's dn"),
        (base(NUM_SELECTED, json!(2)), "says that 2 groups are selected, but lists 1"),
        (base(NUM_SELECTED, json!(0)), "says that 0 groups are selected, but lists 1"),
        (base(NUM_SELECTED, json!("1")), "numSelected that is not a number"),
        (base(NUM_SELECTED, json!(-1)), "numSelected that is not a number"),
        (base(NUM_TOTAL, json!(1)), "says that there are 1 groups in total, but lists 2"),
        (base(NUM_TOTAL, json!(true)), "numTotal that is not a number"),
    ] {
        let why = read(profile.clone()).unwrap_err();
        assert!(why.contains(told), "{profile}: {why}");
    }
    // If everything below is selected, the list may be incomplete.
    let all = json!({ENTRIES: [], NUM_SELECTED: 40, NUM_TOTAL: 40, SELECTED: true});
    assert!(read(json!({INFO: {"OU=x": all}})).is_ok());
}

#[test]
fn merging_returns_missing_selections() {
    let whole = read(profile()).unwrap();
    let mut less = read(json!({INFO: {}, "other": 1})).unwrap();
    let lacking = less.merge(&whole);
    assert_eq!(lacking, ["everything below OU=All,DC=corp,DC=example", "CN=gg-app,OU=Groups,DC=corp,DC=example"]);
    assert_eq!(less.merge(&whole), Vec::<String>::new());
    // A base that was reduced to single groups is selected again; its entries stay.
    let mut turned = profile();
    turned[INFO]["OU=All,DC=corp,DC=example"][SELECTED] = json!(false);
    let mut turned = read(turned).unwrap();
    assert_eq!(turned.merge(&whole), ["everything below OU=All,DC=corp,DC=example"]);
    assert_eq!(turned, whole);
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

fn base() -> impl Strategy<Value = String> {
    prop_oneof![3 => dn(), 2 => prop::sample::select(&["OU=a,DC=corp", "OU=A,dc=corp", "DC=corp"][..]).prop_map(str::to_owned)]
}

/// Unknown fields.
fn unknown() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<u8>().prop_map(Value::from), 0..3).prop_map(Value::from),
    ];
    prop::collection::btree_map("x[a-zé]{1,3}", value, 0..3).prop_map(|map| map.into_iter().collect())
}

fn entry() -> impl Strategy<Value = Value> {
    (dn(), any::<bool>(), unknown(), unknown(), prop::option::of(base())).prop_map(
        |(dn, selected, mut entry, mut group, base)| {
            group.insert("dn".to_owned(), json!(dn));
            group.insert("groupBaseDN".to_owned(), json!(base));
            entry.insert("mappedGroup".to_owned(), Value::Object(group));
            entry.insert(SELECTED.to_owned(), json!(selected));
            Value::Object(entry)
        },
    )
}

/// A profile that can be read completely.
fn arbitrary() -> impl Strategy<Value = Selection> {
    let info = (prop::collection::vec(entry(), 0..4), any::<bool>(), any::<bool>(), 0..3_u64, unknown());
    let info = info.prop_map(|(entries, all, counted, others, mut info)| {
        if counted {
            let picked = entries.iter().filter(|entry| is_selected(entry)).count();
            info.insert(NUM_SELECTED.to_owned(), json!(picked));
            info.insert(NUM_TOTAL.to_owned(), json!(u64::try_from(entries.len()).unwrap() + others));
        }
        info.insert(ENTRIES.to_owned(), Value::Array(entries));
        // If every other base were selected, little would be left to add.
        info.insert(SELECTED.to_owned(), json!(all && others == 0));
        Value::Object(info)
    });
    (prop::collection::btree_map(base(), info, 0..4), unknown()).prop_map(|(bases, mut profile)| {
        profile.insert(INFO.to_owned(), Value::Object(bases.into_iter().collect()));
        Selection::read(profile).unwrap()
    })
}

/// The selection: bases and single groups.
fn selected(selection: &Selection) -> BTreeSet<(bool, Key)> {
    let bases = selection.bases().filter(|(_, info)| is_selected(info)).map(|(base, _)| (true, key(base)));
    let entries = selection.entries().filter(|(_, entry)| is_selected(entry));
    bases.chain(entries.map(|(_, entry)| (false, key(dn_of(entry).unwrap())))).collect()
}

/// Everything that selecting does not change.
fn rest(selection: &Selection) -> Value {
    let mut rest = selection.clone();
    for info in rest.bases_mut().unwrap().values_mut() {
        entries_mut(info).unwrap().iter_mut().for_each(|entry| set(entry, SELECTED, Value::Null));
        for name in [NUM_SELECTED, NUM_TOTAL, SELECTED] {
            if info.get(name).is_some() {
                set(info, name, Value::Null);
            }
        }
    }
    Value::Object(rest.0)
}

/// Whether `whole` has everything of `part` in its place, and perhaps more: bases, and entries at a list's end.
fn has_all_of(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().all(|(name, part)| {
            whole.get(name).is_some_and(|whole| match name.as_str() {
                INFO | ENTRIES => has_all_of(whole, part),
                _ if part.get(ENTRIES).is_some() => {
                    has_all_of(whole, part) && whole.as_object().unwrap().len() == part.as_object().unwrap().len()
                }
                _ => whole == part,
            })
        }),
        (Value::Array(whole), Value::Array(part)) => whole.starts_with(part),
        _ => whole == part,
    }
}

proptest! {
    #[test]
    fn adding_keeps_the_selection(before in arbitrary(), entry in entry()) {
        let found = super::found(entry).unwrap();
        let mut after = before.clone();
        after.add(&found);
        prop_assert!(after.selects(&key(&found.dn)));
        prop_assert!(selected(&after).is_superset(&selected(&before)), "{after:?}");
        prop_assert!(has_all_of(&rest(&after), &rest(&before)), "{after:?}");
        // It is one more, or was selected before.
        let more = selected(&after).len() - selected(&before).len();
        prop_assert_eq!(more, usize::from(!before.selects(&key(&found.dn))));
        prop_assert_eq!(Selection::read(after.0.clone()), Ok(after));
    }

    #[test]
    fn merging_keeps_both_selections(one in arbitrary(), other in arbitrary()) {
        let mut both = one.clone();
        let lacking = both.merge(&other);
        prop_assert!(selected(&both).is_superset(&selected(&one)), "{both:?}");
        prop_assert!(has_all_of(&rest(&both), &rest(&one)), "{both:?}");
        for (is_base, dn) in selected(&other) {
            prop_assert!(if is_base { both.covers(&dn) } else { both.selects(&dn) }, "{dn:?} in {both:?}");
        }
        prop_assert_eq!(lacking.is_empty(), both == one);
        prop_assert_eq!(both.clone().merge(&other), Vec::<String>::new());
        prop_assert_eq!(Selection::read(both.0.clone()), Ok(both));
    }

    #[test]
    fn reader_accepts_any_profile(text in "\\PC{0,60}", number in any::<f64>()) {
        for odd in [json!(text), json!(number), json!([text]), json!({&text: number})] {
            for profile in [
                json!({INFO: odd}),
                json!({INFO: {&text: odd}}),
                json!({INFO: {"b": {ENTRIES: odd, SELECTED: true}}}),
                json!({INFO: {"b": {ENTRIES: [odd], SELECTED: false}}}),
                json!({INFO: {"b": {ENTRIES: [{"mappedGroup": odd, SELECTED: true}], SELECTED: false}}}),
                json!({INFO: {"b": {ENTRIES: [], NUM_SELECTED: odd, NUM_TOTAL: odd, SELECTED: false}}}),
            ] {
                let _ = read(profile);
            }
        }
    }
}

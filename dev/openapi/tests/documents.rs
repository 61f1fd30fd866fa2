//! The documents are up to date, complete and consistent.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "these are tests, helpers included")]

use std::collections::BTreeSet;

use serde_json::{Value, json};

#[test]
fn committed_documents_are_up_to_date() {
    for (path, text) in idhook_openapi::files().unwrap() {
        let committed = std::fs::read_to_string(&path).unwrap();
        assert!(committed == text, "{} is not up to date: run cargo xtask openapi", path.display());
        let document: Value = serde_json::from_str(&text).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3."));
    }
}

#[test]
fn operation_ids_are_unique() {
    let document = idhook_openapi::document().unwrap();
    let mut names = BTreeSet::new();
    let tags: Vec<_> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name), "{name} is there twice");
            assert!(tags.contains(&&operation["tags"][0]), "{method} {path}");
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path}");
        }
    }
}

/// Every reference has a target, and every component is referred to.
#[test]
fn references_resolve() {
    for (_, text) in idhook_openapi::files().unwrap() {
        let document: Value = serde_json::from_str(&text).unwrap();
        let mut referred = BTreeSet::new();
        collect(&document, &mut referred);
        for target in &referred {
            assert!(document.pointer(target.trim_start_matches('#')).is_some(), "{target}");
        }
        for (kind, members) in
            document["components"].as_object().unwrap().iter().filter(|(kind, _)| *kind != "securitySchemes")
        {
            for name in members.as_object().unwrap().keys() {
                assert!(referred.contains(&format!("#/components/{kind}/{name}")), "{kind}/{name} is not used");
            }
        }
    }
}

fn collect(value: &Value, referred: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, referred)),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(target) if name == "$ref" => drop(referred.insert(target.clone())),
                    member => collect(member, referred),
                }
            }
        }
        _ => {}
    }
}

/// Every example matches its schema.
#[test]
fn examples_are_valid() {
    let document = idhook_openapi::document().unwrap();
    let mut checked = 0;
    examples(&document, &document, &mut checked);
    assert!(checked > 60, "{checked}");
}

fn examples(document: &Value, value: &Value, checked: &mut usize) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| examples(document, item, checked)),
        Value::Object(members) => {
            if let Some(schema) = members.get("schema") {
                let named = members.get("examples").and_then(Value::as_object).into_iter().flat_map(|all| all.values());
                let given = named.map(|one| match one["$ref"].as_str() {
                    Some(target) => &document.pointer(target.trim_start_matches('#')).unwrap()["value"],
                    None => &one["value"],
                });
                for example in given.chain(members.get("example")) {
                    // References in the schema point to the document's components.
                    let schema = json!({ "components": document["components"], "allOf": [schema] });
                    let schema = jsonschema::validator_for(&schema).unwrap();
                    let faults: Vec<_> = schema
                        .iter_errors(example)
                        .map(|fault| format!("{}: {fault}", fault.instance_path()))
                        .collect();
                    assert!(faults.is_empty(), "{faults:#?}\n{example:#}");
                    *checked += 1;
                }
            }
            members.values().for_each(|member| examples(document, member, checked));
        }
        _ => {}
    }
}

/// What generators of clients need: the type of the entries of each list, and a name for the schema of each response. They would name it after
/// the first operation that returns it.
#[test]
fn clients_can_be_generated() {
    for (path, text) in idhook_openapi::files().unwrap() {
        let document: Value = serde_json::from_str(&text).unwrap();
        lists_have_items(&document, &path.display().to_string());
        let operations =
            document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
        let of_operations = operations.filter_map(|operation| operation["responses"].as_object());
        for (name, response) in of_operations.chain(document["components"]["responses"].as_object()).flatten() {
            for (media_type, body) in response["content"].as_object().into_iter().flatten() {
                let schema = &body["schema"];
                let is_own = |part: &&str| schema.get(part).is_some();
                let parts: Vec<_> =
                    ["properties", "items", "allOf", "anyOf", "oneOf"].into_iter().filter(is_own).collect();
                assert!(parts.is_empty(), "{name} {media_type}: {parts:?} outside the components' schemas");
            }
        }
    }
}

fn lists_have_items(value: &Value, place: &str) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| lists_have_items(item, place)),
        Value::Object(members) => {
            let is_list = members.get("type").is_some_and(|kind| kind == "array");
            assert!(!is_list || members.contains_key("items"), "{place}: a list without items");
            for (name, member) in members.iter().filter(|(name, _)| !name.starts_with("example")) {
                lists_have_items(member, &format!("{place}/{name}"));
            }
        }
        _ => {}
    }
}

/// Constructs that 3.1 has and 3.0 lacks.
#[test]
fn document_3_0_uses_no_3_1_constructs() {
    let [_, (_, text)] = idhook_openapi::files().unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    older(&document["components"]["schemas"], "schemas");
    older(&document["components"]["responses"], "responses");
    older(&document["paths"], "paths");
}

fn older(value: &Value, place: &str) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| older(item, place)),
        Value::Object(members) => {
            assert!(!members.get("type").is_some_and(Value::is_array), "{place}: a list of types");
            assert!(!members.contains_key("const"), "{place}: a constant");
            assert!(!members.contains_key("nullable") || members.contains_key("type"), "{place}: null, and no type");
            assert!(!members.contains_key("$ref") || members.len() == 1, "{place}: a reference that is not alone");
            for (name, member) in members.iter().filter(|(name, _)| !name.starts_with("example")) {
                older(member, &format!("{place}/{name}"));
            }
        }
        _ => assert!(value != "null", "{place}: the type null"),
    }
}

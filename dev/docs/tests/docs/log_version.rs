//! The log keeps what its version promises: `log-1.json` lists the fields of version 1 as they were released.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The promise about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    /// The JSON types of its value.
    types: BTreeSet<String>,
    /// Whether every line, or every entry of its list, has it.
    always: bool,
    /// The words that it may have; empty if it may have any.
    words: BTreeSet<String>,
}

fn words(value: Option<&Value>) -> BTreeSet<String> {
    match value {
        Some(Value::String(word)) => BTreeSet::from([word.clone()]),
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    }
}

/// The fields of an object's schema, by path: `calls[].ms`.
fn fields(schema: &Value, path: &str, found: &mut BTreeMap<String, Field>) {
    let required = words(schema.get("required"));
    for (name, of_field) in schema["properties"].as_object().unwrap() {
        let path = format!("{path}{name}");
        let (types, always) = (words(of_field.get("type")), required.contains(name));
        found.insert(path.clone(), Field { types, always, words: words(of_field.get("enum")) });
        match of_field.get("items") {
            Some(items) if items.get("properties").is_some() => fields(items, &format!("{path}[]."), found),
            Some(items) => {
                let types = words(items.get("type"));
                found.insert(format!("{path}[]"), Field { types, always: true, words: BTreeSet::new() });
            }
            None => {}
        }
    }
}

fn of(schema: &Value) -> BTreeMap<String, Field> {
    let mut found = BTreeMap::new();
    fields(schema, "", &mut found);
    found
}

/// What `now` breaks of `promised`.
fn broken(promised: &BTreeMap<String, Field>, now: &BTreeMap<String, Field>) -> Vec<String> {
    let check = |(path, promised): (&String, &Field)| {
        let Some(now) = now.get(path) else { return Some(format!("{path} is gone")) };
        if now.types != promised.types {
            return Some(format!("{path} was {:?} and is {:?}", promised.types, now.types));
        }
        if promised.always && !now.always {
            return Some(format!("{path} was in every line"));
        }
        let gone: Vec<_> = promised.words.difference(&now.words).collect();
        (!gone.is_empty()).then(|| format!("{path} lost the words {gone:?}"))
    };
    promised.iter().filter_map(check).collect()
}

/// The fields of version 1.
fn promised() -> BTreeMap<String, Field> {
    let list: Value = serde_json::from_str(include_str!("log-1.json")).unwrap();
    let field = |field: &Value| Field {
        types: words(field.get("types")),
        always: field["always"].as_bool().unwrap(),
        words: words(field.get("words")),
    };
    list.as_object().unwrap().iter().map(|(path, of)| (path.clone(), field(of))).collect()
}

fn committed() -> Value {
    let path = idhook_docs::root().join("docs/reference/log.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn log_keeps_the_fields_of_its_version() {
    let schema = committed();
    assert_eq!(schema["$id"], "urn:idhook:log-1.json", "a new version needs its own list of fields");
    let promised = promised();
    assert!(promised.len() > 30 && promised.contains_key("calls[].ms"), "{promised:?}");
    let broken = broken(&promised, &of(&schema));
    assert!(broken.is_empty(), "{broken:#?}; keep them, or make version 2 of the log (dev/docs/src/schema.rs)");
}

#[test]
fn broken_promises_are_found_and_additions_are_not() {
    let promised = of(&committed());
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut schema = committed();
        change(&mut schema);
        broken(&promised, &of(&schema))
    };
    let remove = |schema: &mut Value, name: &str| drop(schema["properties"].as_object_mut().unwrap().remove(name));
    assert_eq!(changed(&|schema| schema["properties"]["new"] = serde_json::json!({ "type": "string" })), [""; 0]);
    assert_eq!(changed(&|schema| remove(schema, "store")), ["store is gone"]);
    assert_eq!(changed(&|schema| schema["properties"]["ms"]["type"] = "string".into()).len(), 1);
    assert_eq!(changed(&|schema| schema["required"] = serde_json::json!(["time"])).len(), 5);
    assert_eq!(changed(&|schema| schema["properties"]["level"]["enum"] = serde_json::json!(["info", "warn"])).len(), 1);
    let renamed = changed(&|schema| remove(&mut schema["properties"]["calls"]["items"], "ms"));
    assert_eq!(renamed, ["calls[].ms is gone"]);
}

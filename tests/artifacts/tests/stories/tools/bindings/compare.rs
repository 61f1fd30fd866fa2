//! Compares the results of two bindings.

use serde_json::{Value, json};

/// Fields that differ from run to run, or from binding to binding.
const STRUCK: [&str; 15] = [
    "StatusDate",
    "createdAt",
    "lastSyncAt",
    "updatedAt",
    "certChain",
    "instance",
    "target",
    "links",
    "requestedAt",
    "startedAt",
    "finishedAt",
    "reference",
    "referenceToken",
    "dryRun",
    // It covers ids, which a simulator draws.
    "etag",
];

/// The fields of a group that every binding returns, without ids.
const GROUP: [&str; 4] = ["displayName", "distinguishedName", "domain", "type"];

/// Removes what differs from run to run (names of calls, random ids, times), and what one binding returns beyond another: empty
/// fields of typed results, and further fields of a group.
pub(super) fn comparable(call: &str, answer: Result<Value, Value>) -> Value {
    fn strike(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for name in STRUCK {
                    fields.remove(name);
                }
                fields.retain(|_, value| *value != json!([]) && !value.is_null());
                fields.values_mut().for_each(strike);
            }
            Value::Array(items) => items.iter_mut().for_each(strike),
            // The seeds' own ids are the same everywhere; those that a simulator draws are not.
            Value::String(text) if is_uuid(text) && !text.contains("-0000-4000-8000-") => "drawn".clone_into(text),
            _ => {}
        }
    }
    let answer = answer.map(|mut document| {
        for group in document.as_array_mut().filter(|_| call == "groups").into_iter().flatten() {
            group.as_object_mut().unwrap().retain(|name, _| GROUP.contains(&name.as_str()));
        }
        document
    });
    let mut told = match answer {
        Ok(document) => json!({ "ok": document }),
        Err(problem) => json!({ "error": problem }),
    };
    strike(&mut told);
    if let Some(Value::Object(problem)) = told.get_mut("error") {
        // The URN of the code tells nothing more, an error in JavaScript has a name, and hints speak of variables where there are some.
        for name in ["type", "title", "name", "hint"] {
            problem.remove(name);
        }
        // The webhook's problems repeat SDDC Manager's words under its own names, for its clients; functions have no such clients.
        for name in ["errorCode", "message", "remediationMessage", "causes", "nestedErrors"] {
            problem.remove(name);
        }
        // Whose id it is not, and what the argument is called, is said by each binding for itself.
        if matches!(call, "sync" | "generateSyncClientToken") {
            problem.remove("detail");
            problem.remove("errors");
        }
    }
    told
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

/// Both from shortly before where they part.
pub(super) fn apart(told: &Value, expected: &Value) -> String {
    let (told, expected) = (told.to_string(), expected.to_string());
    let common = told.chars().zip(expected.chars()).take_while(|(one, other)| one == other).count();
    let tail = |text: &str| text.chars().skip(common.saturating_sub(200)).take(600).collect::<String>();
    format!("…{}\n…{}", tail(&told), tail(&expected))
}

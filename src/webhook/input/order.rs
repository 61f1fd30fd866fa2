//! Collects idhook's own fields from the places where callers put them, and reports the other names.
//!
//! A payload may be sent whole, so unknown names are allowed; they are listed in the response's `ignored`. A name that
//! resembles one of ours is an error: `{"group": […]}` must not end in a success with nothing proven. A blank text counts as
//! omitted, because forms send one for each empty field; it is listed too.
//!
//! These names count as misspelt (see [`crate::spelling`]):
//! * at the top level and in `inputs`, any name that resembles a field. The exception is a name up to two letters off whose
//!   value is an object or a number (GitLab's `"group_id": 78`): none of our fields has such a value, so it is the sender's
//!   own. `user`, unless it is a list, is the sender's own too: many events name the person who caused them.
//! * in `customProperties` only names that differ from `groups` and `directory` in case, `_`/`-` or the plural: a blueprint
//!   may call its properties anything.
//!
//! A null field counts as omitted, with its name.

use serde_json::{Map, Value};

use crate::error::FieldError;
use crate::json::escape;
use crate::spelling::{self, Likeness};

/// At most this many names are listed.
const MAX_IGNORED: usize = 20;

/// The longest listed name, in characters; a longer one is cut.
const MAX_NAME: usize = 100;

/// The hint for a misspelt name.
pub(super) const HINT: &str =
    "correct the name; if you cannot change the payload's names, send it to a hook (variable hooks)";

/// A place that may hold fields.
#[derive(Debug, Clone, Copy)]
struct Place {
    pointer: &'static str,
    /// The fields that are read there; `None`: all.
    takes: Option<&'static [&'static str]>,
}

/// Fields that may come from the custom properties of a machine or deployment. Blueprint authors write those, but the
/// request's key belongs to someone else: properties must not request anything that needs a scope of its own, changes vIDM
/// or names another receiver.
const OF_PROPERTIES: Option<&[&str]> = Some(&["groups", "directory"]);

/// The first place that has a field counts: an Aria payload may be sent whole, or as another's `inputs`.
const PLACES: [Place; 4] = [
    Place { pointer: "", takes: None },
    Place { pointer: "/inputs", takes: None },
    Place { pointer: "/customProperties", takes: OF_PROPERTIES },
    Place { pointer: "/inputs/customProperties", takes: OF_PROPERTIES },
];

impl Place {
    fn takes(&self, name: &str) -> bool {
        self.takes.is_none_or(|names| names.contains(&name))
    }

    /// The places inside this one.
    fn holds(&self) -> impl Iterator<Item = &'static str> {
        let below = PLACES.iter().filter_map(|place| place.pointer.strip_prefix(self.pointer)?.strip_prefix('/'));
        below.filter(|name| !name.contains('/'))
    }
}

/// The collected fields.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Each of our fields, from the first place that has it.
    pub(super) fields: Map<String, Value>,
    /// Names that probably mean one of our fields.
    pub(super) misspelt: Vec<FieldError>,
    /// Unread names and blank texts, as JSON Pointers: first our fields that are blank or in a place where they are not read, then
    /// others.
    pub(super) ignored: Vec<String>,
}

/// Collects the fields `known` from `document`. `beside` are the names of a form's other fields.
pub(super) fn find(document: &Value, beside: &[String], known: &[&str]) -> Found {
    let mut found = Found::default();
    let mut others = Vec::new();
    for name in beside {
        match known.iter().find(|known| *known == name).or_else(|| spelling_of(name, known)) {
            Some(meant) => {
                let detail = format!("is not read beside `payload`: put `{meant}` into the JSON of `payload`");
                found.misspelt.push(FieldError::new(format!("/{}", escape(name)), detail));
            }
            None => others.push(shown("", name)),
        }
    }
    for place in PLACES {
        let Some(Value::Object(here)) = document.pointer(place.pointer) else { continue };
        for (name, value) in here {
            let is_ours = known.contains(&name.as_str());
            if is_ours && place.takes(name) {
                if !value.is_null() && found.fields.contains_key(name) {
                    found.ignored.push(shown(place.pointer, name));
                } else if !value.is_null() {
                    found.ignored.extend(blank(value, &format!("{}/{name}", place.pointer)));
                    found.fields.insert(name.clone(), value.clone());
                }
            } else if is_ours {
                found.ignored.push(shown(place.pointer, name));
            } else if let Some(meant) = meant(&place, name, value, known) {
                let pointer = format!("{}/{}", place.pointer, escape(name));
                found.misspelt.push(FieldError::new(pointer, format!("did you mean `{meant}`?")));
            } else if !(place.holds().any(|holds| holds == name) && (value.is_object() || value.is_null())) {
                others.push(shown(place.pointer, name));
            }
        }
    }
    found.ignored.extend(others);
    found.ignored.truncate(MAX_IGNORED);
    found
}

/// The pointers to blank texts in one of our fields: they count as omitted, so an empty variable requests nothing.
fn blank(value: &Value, pointer: &str) -> Vec<String> {
    let is_blank = |value: &Value| value.as_str().is_some_and(|text| text.trim().is_empty());
    match value {
        Value::Array(items) => {
            let blank = items.iter().enumerate().filter(|(_, item)| item.is_null() || is_blank(item));
            blank.map(|(at, _)| format!("{pointer}/{at}")).take(MAX_IGNORED).collect()
        }
        value => is_blank(value).then(|| pointer.to_owned()).into_iter().collect(),
    }
}

fn spelling_of<'k>(name: &str, known: &'k [&'k str]) -> Option<&'k &'k str> {
    let (meant, _) = spelling::resembled(name, known.iter().copied())?;
    known.iter().find(|known| **known == meant)
}

/// The field of ours that `name` probably means at this place, if any.
fn meant<'k>(place: &Place, name: &str, value: &Value, known: &'k [&'k str]) -> Option<&'k str> {
    if value.is_null() {
        return None;
    }
    let fields = known.iter().copied().filter(|known| place.takes(known));
    // `Inputs` or `custom_properties`: everything in it would be ignored.
    let objects = place.holds().filter(|_| value.is_object());
    if let Some((object, _)) = spelling::resembled(name, objects) {
        return Some(object);
    }
    let (meant, likeness) = spelling::resembled(name, fields)?;
    let is_senders_own = match value {
        value if name.eq_ignore_ascii_case("user") => !value.is_array(),
        _ if likeness == Likeness::Spelling => false,
        _ if place.takes.is_some() => true,
        Value::Object(_) => true,
        Value::Number(number) => !matches!(number.as_u64(), Some(0 | 1)),
        _ => false,
    };
    (!is_senders_own).then_some(meant)
}

/// A name for the list: a bounded JSON Pointer without invisible or direction-changing characters.
fn shown(place: &str, name: &str) -> String {
    let whole = format!("{place}/{}", escape(name));
    let mut text = String::new();
    for c in whole.chars().take(MAX_NAME) {
        match c {
            _ if c.is_control() || is_unseen(c) => text.extend(c.escape_unicode()),
            c => text.push(c),
        }
    }
    if whole.chars().nth(MAX_NAME).is_some() {
        text.push('…');
    }
    text
}

/// Invisible characters: direction marks, joiners, line and paragraph separators, and others (Unicode's "Default Ignorable"
/// and "Bidi Control" as far as they are in use).
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The place in `document` of our field that `pointer` begins with.
pub(super) fn origin(document: &Value, pointer: &str) -> String {
    let name = pointer.split('/').nth(1).unwrap_or_default();
    let has = |place: &&Place| {
        let value = document.pointer(place.pointer).and_then(|at| at.get(name));
        place.takes(name) && value.is_some_and(|value| !value.is_null())
    };
    let place = PLACES.iter().find(has).map_or("", |place| place.pointer);
    let whole = format!("{place}{pointer}");
    match whole.rsplit_once('/') {
        // A single string counts as a list of one: the pointer has no index.
        Some((list, index)) if index.parse::<usize>().is_ok() && document.pointer(&whole).is_none() => list.to_owned(),
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KNOWN: [&str; 7] = ["directory", "groups", "users", "dryRun", "addToProfile", "ignoreSafeguards", "callback"];

    fn misspelt(document: &Value) -> Vec<(String, String)> {
        let found = find(document, &[], &KNOWN);
        found.misspelt.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
    }

    #[test]
    fn misspelt_name_is_reported_with_its_pointer() {
        for (document, pointer, meant) in [
            (json!({"group": ["a"]}), "/group", "groups"),
            (json!({"Groups": "a"}), "/Groups", "groups"),
            (json!({"user": ["a"]}), "/user", "users"),
            (json!({"Users": "a"}), "/Users", "users"),
            (json!({"dryrun": true}), "/dryrun", "dryRun"),
            (json!({"dry_run": "maybe"}), "/dry_run", "dryRun"),
            (json!({"drRun": 1}), "/drRun", "dryRun"),
            (json!({"group": {"dn": "CN=a"}}), "/group", "groups"),
            (json!({"groupId": "a"}), "/groupId", "groups"),
            (json!({"groups[]": "a"}), "/groups[]", "groups"),
            (json!({"inputs": {"add-to-profile": true}}), "/inputs/add-to-profile", "addToProfile"),
            (json!({"inputs": {"ignoreSafegards": true}}), "/inputs/ignoreSafegards", "ignoreSafeguards"),
            (json!({"customProperties": {"Group": "a"}}), "/customProperties/Group", "groups"),
            (
                json!({"inputs": {"customProperties": {"DIRECTORY": "a"}}}),
                "/inputs/customProperties/DIRECTORY",
                "directory",
            ),
            (json!({"input": {"directory": "a"}}), "/input", "inputs"),
            (json!({"custom_properties": {}}), "/custom_properties", "customProperties"),
            (json!({"inputs": {"CustomProperties": {}}}), "/inputs/CustomProperties", "customProperties"),
        ] {
            assert_eq!(misspelt(&document), [(pointer.to_owned(), format!("did you mean `{meant}`?"))], "{document}");
        }
    }

    #[test]
    fn senders_own_names_are_ignored() {
        for document in [
            json!({"name": "x", "type": "y", "status": "z", "repository": {"name": "directory"}}),
            json!({"user": "jdoe", "userName": "jdoe", "user_id": 4, "inputs": {"user": {"name": "x"}}}),
            json!({"group_id": 78, "group_name": "a", "group_path": "b"}),
            json!({"props": {"a": 1}, "input": "a text"}),
            json!({"group": null, "dryrun": null}),
            json!({"customProperties": {"groop": "a", "directoryId": "b", "dryrun": "true", "call_back": "c"}}),
            json!({"project": {"group": "a"}, "object_attributes": {"dryrun": true}}),
        ] {
            assert_eq!(misspelt(&document), [], "{document}");
        }
    }

    #[test]
    fn unread_names_are_listed_within_bounds() {
        let ignored = |document: &Value| find(document, &[], &KNOWN).ignored;
        let document = json!({
            "directory": "a", "correlation_id": "x", "a/b": 1,
            "inputs": {"directory": "b", "__metadata": {}, "groups": null,
                       "customProperties": {"addToProfile": "true", "dryRun": "true", "osType": "LINUX"}},
            "customProperties": null,
        });
        let told = ignored(&document);
        assert_eq!(
            told[..3],
            ["/inputs/directory", "/inputs/customProperties/addToProfile", "/inputs/customProperties/dryRun"]
        );
        let mut others = told[3..].to_vec();
        others.sort();
        assert_eq!(others, ["/a~1b", "/correlation_id", "/inputs/__metadata", "/inputs/customProperties/osType"]);
        assert_eq!(ignored(&json!({"directory": "a", "inputs": {}})), [""; 0]);
        let blank = json!({"directory": "a", "groups": [" ", "b", null], "inputs": {"users": "", "callback": "c"}});
        assert_eq!(ignored(&blank), ["/groups/0", "/groups/2", "/inputs/users"]);
        assert_eq!(ignored(&json!({"groups": vec![""; 9_000]})).len(), MAX_IGNORED);
        assert_eq!(ignored(&json!({"inputs": ["a"]})), ["/inputs"], "it is not an object");
        let many: Map<_, _> = (0..5000).map(|at| (format!("f{at}"), json!(1))).collect();
        assert_eq!(ignored(&many.into()).len(), MAX_IGNORED);
        let odd = ignored(&json!({"a\u{202e}b\n\u{200b}": 1}));
        assert_eq!(odd, ["/a\\u{202e}b\\u{a}\\u{200b}"]);
        let long = ignored(&json!({"n".repeat(9000): 1}));
        assert!(long[0].chars().count() == MAX_NAME + 1 && long[0].ends_with('…'));
    }

    #[test]
    fn custom_properties_give_only_groups_and_directory() {
        let properties: Map<_, _> = KNOWN.iter().map(|name| ((*name).to_owned(), json!("x"))).collect();
        for document in [json!({"customProperties": properties}), json!({"inputs": {"customProperties": properties}})] {
            let found = find(&document, &[], &KNOWN);
            assert_eq!(found.fields.keys().collect::<Vec<_>>(), ["directory", "groups"]);
            assert_eq!(found.ignored.len(), 5, "{:?}", found.ignored);
        }
    }

    #[test]
    fn form_fields_beside_the_payload_are_reported() {
        let beside = ["dryRun".to_owned(), "Group".to_owned(), "token".to_owned()];
        let found = find(&json!({"directory": "a"}), &beside, &KNOWN);
        let pointers: Vec<_> = found.misspelt.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/dryRun", "/Group"]);
        assert_eq!(found.ignored, ["/token"]);
    }
}

//! Fields of our own, gathered from the places where callers put them; and what is told of the names beside them.
//!
//! A payload may be sent whole, so names that mean nothing here are allowed; they are listed in the answer's `ignored`. A name that
//! was probably meant as one of ours is an error: `{"group": […]}` must not end in a success with nothing proven.
//!
//! What counts as misspelt (see [`crate::spelling`]):
//! * at the top level and in `inputs`, any name that resembles a field, whoever may have written it. Only a name that is up to two
//!   letters off and holds an object or a number (GitLab's `"group_id": 78`) is taken for the sender's own: no field of ours holds
//!   either.
//! * in `customProperties` only names that differ from `groups` and `directory` in case, `_`/`-` or the plural: the others are
//!   those of a blueprint, which may be called anything.
//!
//! A field that is null was left out, and its name with it.

use serde_json::{Map, Value};

use crate::error::FieldError;
use crate::json::escape;
use crate::spelling::{self, Likeness};

/// How many names are listed at most.
const MAX_IGNORED: usize = 20;

/// The longest name that is listed, in characters; of a longer one its beginning.
const MAX_NAME: usize = 100;

/// The hint beside a misspelt name.
pub(super) const HINT: &str =
    "correct the name; where the payload's names are not yours to choose, send it to a hook (variable hooks)";

/// A place where fields are looked for.
#[derive(Debug, Clone, Copy)]
struct Place {
    pointer: &'static str,
    /// The fields that are taken from there; `None`: all.
    takes: Option<&'static [&'static str]>,
}

/// What is taken from a machine's or a deployment's custom properties. Whoever may write a blueprint writes those, and the key that
/// the request comes with is somebody else's: what needs a scope of its own, changes the vIDM or leads elsewhere is not theirs to
/// ask for.
const OF_PROPERTIES: Option<&[&str]> = Some(&["groups", "directory"]);

/// The first place that has a field counts: an Aria payload may be sent whole, or as the `inputs` of another.
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

    /// The objects that lie in this one and are places themselves.
    fn holds(&self) -> impl Iterator<Item = &'static str> {
        let below = PLACES.iter().filter_map(|place| place.pointer.strip_prefix(self.pointer)?.strip_prefix('/'));
        below.filter(|name| !name.contains('/'))
    }
}

/// The fields that were found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Each field of ours, from the first place that has it.
    pub(super) fields: Map<String, Value>,
    /// Names that were probably meant as others.
    pub(super) misspelt: Vec<FieldError>,
    /// What was not read, as JSON Pointers: ours that are not taken from where they stand first, then anybody's.
    pub(super) ignored: Vec<String>,
}

/// Gathers the fields `known` out of `document`. `beside` are the names of a form's fields that stand beside the document in it.
pub(super) fn find(document: &Value, beside: &[String], known: &[&str]) -> Found {
    let mut found = Found::default();
    let mut others = Vec::new();
    for name in beside {
        match known.iter().find(|known| *known == name).or_else(|| spelling_of(name, known)) {
            Some(meant) => {
                let detail = format!("stands beside `payload` and is not read: `{meant}` belongs into the JSON there");
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

fn spelling_of<'k>(name: &str, known: &'k [&'k str]) -> Option<&'k &'k str> {
    let (meant, _) = spelling::resembled(name, known.iter().copied())?;
    known.iter().find(|known| **known == meant)
}

/// What the sender of `name` at this place meant, where it was one of ours.
fn meant<'k>(place: &Place, name: &str, value: &Value, known: &'k [&'k str]) -> Option<&'k str> {
    if value.is_null() {
        return None;
    }
    let fields = known.iter().copied().filter(|known| place.takes(known));
    // `Inputs` or `custom_properties`: all that is in there would go unread.
    let objects = place.holds().filter(|_| value.is_object());
    if let Some((object, _)) = spelling::resembled(name, objects) {
        return Some(object);
    }
    let (meant, likeness) = spelling::resembled(name, fields)?;
    let is_senders_own = match value {
        _ if likeness == Likeness::Spelling => false,
        _ if place.takes.is_some() => true,
        Value::Object(_) => true,
        Value::Number(number) => !matches!(number.as_u64(), Some(0 | 1)),
        _ => false,
    };
    (!is_senders_own).then_some(meant)
}

/// A name as it is listed: a JSON Pointer in bounds, without characters that do not show or that turn a text around.
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

/// Marks of direction, joiners, separators of lines, and others that are not seen (Unicode, "Default Ignorable" and "Bidi Control"
/// as far as they are in use).
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Where the field of ours that `pointer` begins with stands in `document`.
pub(super) fn origin(document: &Value, pointer: &str) -> String {
    let name = pointer.split('/').nth(1).unwrap_or_default();
    let has = |place: &&Place| {
        let value = document.pointer(place.pointer).and_then(|at| at.get(name));
        place.takes(name) && value.is_some_and(|value| !value.is_null())
    };
    let place = PLACES.iter().find(has).map_or("", |place| place.pointer);
    let whole = format!("{place}{pointer}");
    match whole.rsplit_once('/') {
        // One text taken for a list of one: there is no index in it.
        Some((list, index)) if index.parse::<usize>().is_ok() && document.pointer(&whole).is_none() => list.to_owned(),
        _ => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const KNOWN: [&str; 6] = ["directory", "groups", "dryRun", "addToProfile", "ignoreSafeguards", "callback"];

    fn misspelt(document: &Value) -> Vec<(String, String)> {
        let found = find(document, &[], &KNOWN);
        found.misspelt.into_iter().map(|fault| (fault.pointer, fault.detail)).collect()
    }

    #[test]
    fn a_misspelt_name_is_named_where_it_stands() {
        for (document, pointer, meant) in [
            (json!({"group": ["a"]}), "/group", "groups"),
            (json!({"Groups": "a"}), "/Groups", "groups"),
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
    fn a_senders_own_names_are_left_alone() {
        for document in [
            json!({"name": "x", "type": "y", "status": "z", "repository": {"name": "directory"}}),
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
    fn what_is_not_read_is_listed_in_bounds() {
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
        assert_eq!(ignored(&json!({"inputs": ["a"]})), ["/inputs"], "it is no object");
        let many: Map<_, _> = (0..5000).map(|at| (format!("f{at}"), json!(1))).collect();
        assert_eq!(ignored(&many.into()).len(), MAX_IGNORED);
        let odd = ignored(&json!({"a\u{202e}b\n\u{200b}": 1}));
        assert_eq!(odd, ["/a\\u{202e}b\\u{a}\\u{200b}"]);
        let long = ignored(&json!({"n".repeat(9000): 1}));
        assert!(long[0].chars().count() == MAX_NAME + 1 && long[0].ends_with('…'));
    }

    #[test]
    fn custom_properties_give_groups_and_directory_alone() {
        let properties: Map<_, _> = KNOWN.iter().map(|name| ((*name).to_owned(), json!("x"))).collect();
        for document in [json!({"customProperties": properties}), json!({"inputs": {"customProperties": properties}})] {
            let found = find(&document, &[], &KNOWN);
            assert_eq!(found.fields.keys().collect::<Vec<_>>(), ["directory", "groups"]);
            assert_eq!(found.ignored.len(), 4, "{:?}", found.ignored);
        }
    }

    #[test]
    fn a_forms_fields_beside_its_payload_are_not_lost() {
        let beside = ["dryRun".to_owned(), "Group".to_owned(), "token".to_owned()];
        let found = find(&json!({"directory": "a"}), &beside, &KNOWN);
        let pointers: Vec<_> = found.misspelt.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/dryRun", "/Group"]);
        assert_eq!(found.ignored, ["/token"]);
    }
}

//! Accidental characters around a credential: line breaks of `echo`, a byte order mark, blanks, quotes, placeholders.

use super::Reader;
use super::error::Place;
use super::words::in_quotes;
use crate::secret::Secret;
use crate::template;

/// A name (account, domain, tenant, client id): blanks around it are removed.
pub(super) fn name(value: Option<String>, place: impl Into<Place>, reader: &mut Reader<'_>) -> Option<String> {
    let value = value.filter(|value| !value.trim().is_empty())?;
    let place = place.into();
    // A line break at the end often comes with other mistakes, which `trim` would hide.
    let inner = value.trim_matches(|c: char| c.is_whitespace() && !c.is_control());
    if let Some(fault) = control(inner) {
        reader.problem(place, fault);
    } else {
        doubts(inner, place, reader);
    }
    Some(inner.to_owned())
}

/// A secret: any text, except characters at its ends that nobody types.
pub(super) fn secret(value: Option<Secret>, place: impl Into<Place>, reader: &mut Reader<'_>) -> Option<Secret> {
    let value = value.filter(|value| !value.is_empty())?;
    reader.hide(value.expose());
    let (text, place) = (value.expose(), place.into());
    if let Some(fault) = at_the_ends(text) {
        reader.problem(place, fault);
    } else {
        let blank = |c: Option<char>| c.is_some_and(char::is_whitespace);
        if blank(text.chars().next()) || blank(text.chars().next_back()) {
            reader.warning(
                place.clone(),
                "begins or ends with a blank; remove the blank unless it belongs to the secret",
            );
        }
        doubts(text, place, reader);
    }
    Some(value)
}

/// Warnings for values that are valid but probably not intended.
fn doubts(text: &str, place: Place, reader: &mut Reader<'_>) {
    if in_quotes(text) {
        reader.warning(place, "is in quotes; remove them unless they belong to it");
    } else if template::is_unfilled(text) || template::resembled(text).is_some() {
        reader.warning(place, "looks like an unreplaced placeholder; check how the variable is set");
    } else if is_example(text) {
        reader.warning(place, "looks like an example's text; enter your own value");
    }
}

/// Texts that examples use in place of a value.
fn is_example(text: &str) -> bool {
    let folded: String = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let is_tagged = text.len() > 2 && text.starts_with('<') && text.ends_with('>');
    let words = [
        "changeme",
        "changeit",
        "replaceme",
        "todo",
        "xxx",
        "xxxx",
        "xxxxx",
        "xxxxxx",
        "redacted",
        "placeholder",
        "null",
        "undefined",
    ];
    let is_hidden = !text.is_empty() && text.chars().all(|c| matches!(c, '*' | '…' | '.' | '•'));
    is_tagged || is_hidden || words.contains(&folded.as_str()) || folded.starts_with("your") && folded.ends_with("here")
}

/// The fault of a text that contains invisible characters.
fn control(text: &str) -> Option<String> {
    at_the_ends(text).or_else(|| {
        let found = text.chars().find(|c| c.is_control())?;
        Some(format!("contains {}; remove it", called(found)))
    })
}

/// An invisible character at an end of a text.
pub(super) fn at_the_ends(text: &str) -> Option<String> {
    let unseen = |c: &char| c.is_control() || is_invisible(*c);
    let (first, last) = (text.chars().next().filter(unseen), text.chars().next_back().filter(unseen));
    match (first, last) {
        (Some(first), _) => Some(format!("begins with {}; remove it", called(first))),
        (None, Some('\n' | '\r')) => Some(format!(
            "ends with {}; remove it (echo -n, printf %s, or kubectl create secret --from-literal)",
            called(text.chars().next_back().unwrap_or_default())
        )),
        (None, Some(last)) => Some(format!("ends with {}; remove it", called(last))),
        (None, None) => None,
    }
}

/// Invisible characters of Unicode: byte order mark, zero-width and direction marks, line and paragraph separators.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn called(c: char) -> String {
    let name = match c {
        '\n' => "a line break",
        '\r' => "a carriage return",
        '\t' => "a tab",
        '\0' => "a null character",
        '\u{feff}' => "a byte order mark",
        c if c.is_control() => "a control character",
        _ => "an invisible character",
    };
    format!("{name} (U+{:04X})", u32::from(c))
}

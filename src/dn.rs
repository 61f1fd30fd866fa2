//! Distinguished names, as far as comparing them requires (RFC 4514).
//!
//! Active Directory, vIDM and people write the same name differently: case, blanks around a comma, `\,` or `\2C`. So names
//! are compared part by part, each in a normal form.

use std::borrow::Cow;
use std::fmt::Write as _;

use icu_normalizer::ComposingNormalizerBorrowed;

/// The characters that RFC 4514, section 2.4, escapes anywhere in a value.
const SPECIAL: &[char] = &['"', '+', ',', ';', '<', '>', '\\'];

/// A distinguished name in normal form: its parts, outermost last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<String>);

impl Key {
    /// The name in normal form. A text that is not a DN is compared as it is.
    pub(crate) fn of(dn: &str) -> Self {
        Self(parts(dn).map(one_form).collect())
    }

    /// Whether this name ends in a domain: its last part is a DC.
    pub(crate) fn has_domain(&self) -> bool {
        self.0.last().is_some_and(|part| part.starts_with("dc=") || part.starts_with("0.9.2342.19200300.100.1.25="))
    }

    /// Whether this name is `base`, or below it.
    pub(crate) fn is_within(&self, base: &Self) -> bool {
        self.0.ends_with(&base.0)
    }
}

/// Whether `text` is meant as a distinguished name: it begins with a type and an equals sign, such as `CN=`.
pub(crate) fn is_dn(text: &str) -> bool {
    let is_type = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    };
    text.split_once('=').is_some_and(|(name, _)| is_type(name.trim()))
}

/// `dn` without meaningless blanks, otherwise unchanged: the form in which Active Directory writes it, and in which it can
/// be searched for.
///
/// # Errors
/// The mistake, worded to follow a field's name.
pub(crate) fn tidy(dn: &str) -> Result<String, &'static str> {
    let mut tidy = Vec::new();
    for part in parts(dn) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if !part.contains('=') || name.trim().is_empty() {
            return Err("is not a distinguished name: each part needs a type and an equals sign, like \
                        CN=name,OU=unit,DC=corp,DC=example; a comma within a name is written \\,");
        }
        let value = trimmed(value);
        if value.is_empty() {
            return Err("is not a distinguished name: a part has no value");
        }
        if is_escaped(value, value.len()) {
            return Err("is not a distinguished name: it ends with a backslash");
        }
        tidy.push(format!("{}={value}", name.trim()));
    }
    Ok(tidy.join(","))
}

/// `dn` as Active Directory writes it: types in capitals, a backslash only where required, hex escapes only for control
/// characters. Unchanged if that form is unclear: a part without a type, several values joined by `+`, bytes that are not UTF-8.
pub(crate) fn directory_form(dn: &str) -> String {
    let part = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let value = trimmed(value);
        if unescaped_positions(value).any(|(_, c)| c == '+') {
            return None;
        }
        let plain = String::from_utf8(unescape(value, |_| false)).ok()?;
        Some(format!("{}={}", name.trim().to_ascii_uppercase(), escape(&plain)))
    };
    let parts: Option<Vec<_>> = parts(dn).map(part).collect();
    parts.map_or_else(|| dn.to_owned(), |parts| parts.join(","))
}

/// The plain value of the name's first part, and the name of the entry that contains it: what to search for, and where.
/// `None` for a name of one part, and for a text that is not a DN. Of several values joined by `+` it is the first.
pub(crate) fn value_and_parent(dn: &str) -> Option<(String, String)> {
    let mut parts = parts(dn);
    let (_, value) = parts.next()?.split_once('=')?;
    let end = unescaped_positions(value).find(|(_, c)| *c == '+').map_or(value.len(), |(at, _)| at);
    let value = unescape(trimmed(value.get(..end)?), |_| false);
    let parent: Vec<_> = parts.collect();
    (!parent.is_empty()).then(|| (String::from_utf8_lossy(&value).into_owned(), directory_form(&parent.join(","))))
}

/// The domain of `dn`: its last parts, as far as they are DCs, joined by dots; `None` if there is none.
pub(crate) fn domain(dn: &str) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for part in parts(dn) {
        match part.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("dc") => {
                names.push(String::from_utf8_lossy(&unescape(trimmed(value), |_| false)).into_owned());
            }
            _ => names.clear(),
        }
    }
    (!names.is_empty()).then(|| names.join("."))
}

/// Whether `dn` contains more than one name: a part of another type follows its first DC, or another name begins within a
/// part. (Active Directory has a DC below a CN only for DNS zones, where no groups are.)
pub(crate) fn holds_several(dn: &str) -> bool {
    let mut in_domain = false;
    parts(dn).any(|part| {
        let Some((name, value)) = part.split_once('=') else { return in_domain && !part.trim().is_empty() };
        let is_domain = name.trim().eq_ignore_ascii_case("dc") || name.trim() == "0.9.2342.19200300.100.1.25";
        let is_root = is_domain || ["o", "c"].iter().any(|root| name.trim().eq_ignore_ascii_case(root));
        let comes_after = in_domain && !is_domain;
        in_domain |= is_domain;
        comes_after || begins_another(value, is_root) || (is_domain && holds_separator(value))
    })
}

/// Whether a type and its equals sign occur within a value, after a separator. In the last parts of a name a blank is a
/// separator too; elsewhere only before the types that begin a name.
fn begins_another(value: &str, is_root: bool) -> bool {
    unescaped_positions(value).filter(|(_, c)| *c == '=').any(|(at, _)| {
        let before = value.get(..at).unwrap_or_default().trim_end();
        let before_word = before.char_indices().rev().find(|(_, c)| !c.is_ascii_alphanumeric());
        let word_at = before_word.map_or(0, |(at, c)| at + c.len_utf8());
        let (rest, word) = before.split_at_checked(word_at).unwrap_or_default();
        let word = word.to_ascii_lowercase();
        let is_type = matches!(word.as_str(), "cn" | "ou" | "dc" | "uid" | "o" | "c" | "l" | "st");
        match rest.chars().next_back() {
            Some(';' | '|' | '"' | '\'') => is_type && !is_escaped(rest, rest.len() - 1),
            Some(' ') if is_root => is_type,
            Some(' ') => matches!(word.as_str(), "cn" | "uid"),
            _ => false,
        }
    })
}

/// Whether a DC's value contains, except at its ends, a character that no domain has.
fn holds_separator(value: &str) -> bool {
    const SIGNS: &[char] = &[
        ';', '|', '@', '/', '\\', '%', '&', '+', ':', '"', '\'', '(', ')', '[', ']', '<', '>', '\u{ff1b}', '\u{ff0c}',
        '\u{3001}',
    ];
    let value = value.trim_matches(|c: char| c.is_whitespace() || matches!(c, ';' | '|'));
    value.contains(|c: char| c.is_whitespace() || SIGNS.contains(&c))
}

/// The unescaped characters and their positions.
fn unescaped_positions(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut escaped = false;
    text.char_indices().filter(move |(_, c)| {
        let is_plain = !escaped;
        escaped = *c == '\\' && !escaped;
        is_plain && *c != '\\'
    })
}

/// A value with the escapes that Active Directory writes. Control characters have hex escapes: an object that lost a replication
/// conflict is named `…\0ACNF:…`, with a line feed.
fn escape(plain: &str) -> String {
    let last = plain.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(plain.len());
    for (at, c) in plain.chars().enumerate() {
        if c.is_ascii_control() {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\{:02X}", u32::from(c));
            continue;
        }
        let is_outer_blank = c == ' ' && (at == 0 || at == last);
        if SPECIAL.contains(&c) || c == '=' || is_outer_blank || (c == '#' && at == 0) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// The parts between unescaped commas.
fn parts(dn: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    dn.split(move |c| {
        let splits = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        splits
    })
}

/// Whether the character at `at` follows a backslash that is not itself escaped.
fn is_escaped(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

/// `text` without surrounding blanks; an escaped blank belongs to it.
fn trimmed(text: &str) -> &str {
    let text = text.trim_start_matches(' ');
    let mut end = text.len();
    while text.get(..end).is_some_and(|rest| rest.ends_with(' ')) && !is_escaped(text, end - 1) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Whether two names are the same to the letter: only escapes, blanks around parts and the case of types may differ. For names that
/// decide who somebody is: [`Key`] takes more names for the same.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let exact = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or(("", part));
        (name.trim().to_ascii_uppercase(), unescape(trimmed(value), distinguishes))
    };
    parts(one).map(exact).eq(parts(other).map(exact))
}

/// One part in normal form: lower case, escapes only where they distinguish two names. An unescaped `"` is wrong, but means nothing else.
fn one_form(part: &str) -> String {
    let Some((name, value)) = part.split_once('=') else { return part.trim().to_lowercase() };
    let value = String::from_utf8_lossy(&unescape(trimmed(value), distinguishes)).into_owned();
    format!("{}={}", name.trim().to_lowercase(), folded(&value))
}

/// Whether an escaped `byte` means something else than the same byte without the backslash.
fn distinguishes(byte: u8) -> bool {
    matches!(byte, b'+' | b'\\')
}

/// `text` as it is compared: composed, in lower case.
pub(crate) fn folded(text: &str) -> String {
    composed(&text.to_lowercase()).into_owned()
}

/// `text` in normal form C (Unicode Standard Annex 15), which keyboards and Active Directory's tools produce: `ü` as one
/// character. Files and forms of macOS contain `u` and U+0308.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    ComposingNormalizerBorrowed::new_nfc().normalize(text)
}

/// The bytes of a value without its escapes; a byte for which `keeps` is true keeps its backslash.
fn unescape(value: &str, keeps: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, tail) = match (first, tail) {
            (b'\\', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                (digit(*high).unwrap_or_default() << 4 | digit(*low).unwrap_or_default(), tail)
            }
            (b'\\', [literal, tail @ ..]) => (*literal, tail),
            _ => {
                bytes.push(first);
                rest = tail;
                continue;
            }
        };
        // A character that is special when unescaped keeps its backslash: `a\+b` is not `a+b`.
        if keeps(byte) {
            bytes.push(b'\\');
        }
        bytes.push(byte);
        rest = tail;
    }
    bytes
}

#[cfg(test)]
mod tests;

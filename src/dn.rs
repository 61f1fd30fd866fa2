//! Distinguished names, as far as comparing them requires (RFC 4514).
//!
//! Active Directory, vIDM and people write the same name differently: case, blanks around a comma, `\,` or `\2C`. So names
//! are compared part by part, each in a normal form.

use std::borrow::Cow;

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

/// `dn` as Active Directory writes it: types in capitals, no hex escapes, a backslash only where required. Unchanged if that
/// form is unclear: a part without a type, several values joined by `+`, bytes that are not UTF-8.
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

/// A value with the backslashes that Active Directory writes.
fn escape(plain: &str) -> String {
    let last = plain.chars().count().saturating_sub(1);
    let mut escaped = String::with_capacity(plain.len());
    for (at, c) in plain.chars().enumerate() {
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
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn spellings_of_one_name_are_equal() {
        for (one, other) in [
            ("CN=gg,OU=Groups,DC=corp", "cn=GG,ou=groups,dc=CORP"),
            ("CN=gg,OU=Groups,DC=corp", " CN = gg , OU=Groups,  DC=corp "),
            ("CN=a\\, b,DC=corp", "cn=A\\2c b,dc=corp"),
            ("CN=a\"b;c<d>,DC=corp", "CN=a\\\"b\\;c\\<d\\>,DC=corp"),
            ("CN=été,DC=corp", "CN=\\C3\\A9t\\c3\\a9,DC=corp"),
            ("CN=ÉTÉ,DC=corp", "CN=été,DC=corp"),
            ("CN=\\#a\\=b,DC=corp", "CN=#a=b,DC=corp"),
            ("CN=\\\"q\\\"\\\\,DC=corp", "CN=\\22q\\22\\5c,DC=corp"),
            ("CN=gg-Mu\u{308}nchen,DC=corp", "CN=gg-M\u{fc}nchen,DC=corp"),
            ("CN=gg-MU\u{308}NCHEN,DC=corp", "CN=gg-M\\C3\\BCnchen,DC=corp"),
        ] {
            assert_eq!(Key::of(one), Key::of(other), "{one} {other}");
        }
        for (one, other) in [
            ("CN=gg,DC=corp", "CN=gg2,DC=corp"),
            ("CN=gg,DC=corp", "CN=gg,DC=corp,DC=example"),
            ("CN=a\\+b,DC=corp", "CN=a+b,DC=corp"),
            ("CN=a\\\\+b,DC=corp", "CN=a\\+b,DC=corp"),
            ("CN=a\\,DC=b", "CN=a,DC=b"),
            ("CN=a\\ ,DC=b", "CN=a,DC=b"),
            ("gg", "gg2"),
        ] {
            assert_ne!(Key::of(one), Key::of(other), "{one} {other}");
        }
    }

    #[test]
    fn same_names_differ_only_in_escapes_and_blanks() {
        const NAME: &str = "CN=Aria\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp";
        for same in [
            NAME,
            "cn = Aria\\2C Mu\\CC\\88nchen+emailAddress=a@corp.example, O=Corp ",
            "CN=\\41ria\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp",
        ] {
            assert!(is_same(NAME, same), "{same}");
        }
        for other in [
            "CN=aria\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp",
            "CN=Aria\\, M\u{fc}nchen+emailAddress=a@corp.example,O=Corp",
            "CN=Aria\\, Mu\u{308}nchen\\+emailAddress=a@corp.example,O=Corp",
            "CN=Aria\\, Mu\u{308}nchen+emailAddress=a@corp.example",
            "CN=Aria\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp,C=DE",
            "O=Corp,CN=Aria\\, Mu\u{308}nchen+emailAddress=a@corp.example",
            "CN=Aria\\\\, Mu\u{308}nchen+emailAddress=a@corp.example,O=Corp",
            "",
        ] {
            assert!(!is_same(NAME, other), "{other}");
        }
        // A Kelvin sign is no K, and a value ends where it ends.
        assert!(!is_same("CN=K", "CN=\u{212a}") && Key::of("CN=K") == Key::of("CN=\u{212a}"));
        assert!(!is_same("CN=a", "CN=a\\ ") && !is_same("CN=a", "CN=a\0") && !is_same("CN=a", "CN=a\\00"));
    }

    #[test]
    fn directory_form_is_what_active_directory_writes() {
        for (given, form) in [
            ("cn=gg,ou=Groups,dc=corp", "CN=gg,OU=Groups,DC=corp"),
            ("CN=Sales\\2C EMEA,DC=corp", "CN=Sales\\, EMEA,DC=corp"),
            ("CN=Sales\\, EMEA,DC=corp", "CN=Sales\\, EMEA,DC=corp"),
            ("CN=gg-M\\C3\\BCnchen,DC=corp", "CN=gg-M\u{fc}nchen,DC=corp"),
            ("CN=a=b,DC=corp", "CN=a\\=b,DC=corp"),
            ("CN=\\#a\\20,DC=corp", "CN=\\#a\\ ,DC=corp"),
            ("CN=a\\\\\\\"b,DC=corp", "CN=a\\\\\\\"b,DC=corp"),
            // Names without a clear form stay unchanged.
            ("CN=a+OU=b,dc=corp", "CN=a+OU=b,dc=corp"),
            ("CN=\\be,dc=corp", "CN=\\be,dc=corp"),
            ("gg", "gg"),
        ] {
            assert_eq!(directory_form(given), form);
            assert_eq!(Key::of(given), Key::of(form), "{given}");
        }
    }

    #[test]
    fn value_and_parent_are_separated() {
        for (dn, value, parent) in [
            ("CN=gg-app,OU=Groups,DC=corp", "gg-app", "OU=Groups,DC=corp"),
            ("cn = Sales\\, EMEA\\ , ou=R\\+D, dc=corp", "Sales, EMEA ", "OU=R\\+D,DC=corp"),
            ("CN=M\\C3\\BCnchen,OU=a\\2Cb", "M\u{fc}nchen", "OU=a\\,b"),
            ("CN=a\\+b+UID=1,DC=x", "a+b", "DC=x"),
            ("CN=a=b,DC=x", "a=b", "DC=x"),
        ] {
            assert_eq!(value_and_parent(dn), Some((value.to_owned(), parent.to_owned())), "{dn}");
        }
        for dn in ["CN=gg", "gg", "gg,DC=x", ""] {
            assert_eq!(value_and_parent(dn), None, "{dn}");
        }
    }

    #[test]
    fn domain_is_the_last_dcs() {
        assert_eq!(domain("CN=gg,DC=x,OU=Groups, dc=Corp ,DC=example").as_deref(), Some("Corp.example"));
        assert_eq!((domain("CN=gg,O=corp"), domain("")), (None, None));
    }

    #[test]
    fn several_names_in_one_text_are_detected() {
        const ONE: &str = "CN=gg-a,OU=Groups,DC=corp,DC=example";
        for separator in [" ", ";", "; ", ",", ", ", "|", " | ", "  ", "\",\"", "','"] {
            let text = format!("{ONE}{separator}CN=gg-b,OU=Groups,DC=corp,DC=example");
            assert!(holds_several(&text), "{text}");
        }
        for text in [
            "CN=gg-a,DC=corp,DC=example,OU=x,DC=corp",
            "CN=gg-a,DC=example;gg-b@corp.example",
            "CN=gg-a,DC=example gg-b",
            "CN=gg-a,DC=example, gg-b@corp.example",
            r"CN=gg-a,DC=example\nCN=gg-b,DC=example",
            "CN=gg-a,DC=example%0ACN=gg-b,DC=example",
            "CN=gg-a,DC=example\u{ff1b}CN=gg-b,DC=example",
            "CN=gg-a,DC=example)(CN=gg-b,DC=example",
            "CN=gg-a,OU=g,O=corp CN=gg-b,OU=g,O=corp",
            "CN=gg-a,OU=g;CN=gg-b,OU=g",
            "CN=gg-a;CN=gg-b,OU=g,DC=x",
            "CN=gg-a CN=gg-b,OU=g,DC=x",
            "CN=gg-a,dc=example cn = gg-b,dc=example",
        ] {
            assert!(holds_several(text), "{text}");
        }
        for text in [
            ONE,
            "CN=a=b,DC=x",
            "CN=gg cn\\=x,DC=x",
            "CN=R;D,DC=x",
            "CN=a\\;CN\\=b,DC=x",
            "CN=Sales\\, EMEA,OU=R|D,DC=corp,DC=example",
            "CN=level o=1,DC=x",
            "CN=gg, OU=Groups, DC=corp, DC=example ",
            "CN=gg,DC=münchen,DC=my-corp_1",
            "CN=gg,DC=example,",
            "uid=gg,ou=groups,o=corp,c=de",
            "CN=gg",
        ] {
            assert!(!holds_several(text), "{text}");
        }
    }

    #[test]
    fn names_below_a_base_are_recognised() {
        let within = |dn: &str, base: &str| Key::of(dn).is_within(&Key::of(base));
        assert!(within("CN=a,OU=Groups,DC=x", "ou=groups, dc=x"));
        assert!(within("OU=Groups,DC=x", "OU=Groups,DC=x"));
        assert!(!within("CN=a,OU=MyGroups,DC=x", "Groups,DC=x"));
        // The comma belongs to the name.
        assert!(!within("CN=a\\,OU=Groups,DC=x", "OU=Groups,DC=x"));
        assert!(!within("DC=x", "OU=Groups,DC=x"));
    }

    #[test]
    fn intended_dns_are_recognised() {
        for dn in ["CN=gg", "cn = gg,DC=x", "2.5.4.3=gg,DC=x"] {
            assert!(is_dn(dn), "{dn}");
        }
        for name in ["gg", "gg@corp.example", "=gg", "a b=c", "gg, a=b", ""] {
            assert!(!is_dn(name), "{name}");
        }
    }

    #[test]
    fn only_meaningless_blanks_are_removed() {
        let tidied = |dn| tidy(dn).unwrap();
        assert_eq!(tidied("CN = Gg , OU=Groups, DC=corp"), "CN=Gg,OU=Groups,DC=corp");
        assert_eq!(tidied("CN=a\\, b\\ ,DC=x"), "CN=a\\, b\\ ,DC=x");
        assert_eq!(tidied("CN=a\\\\,DC=x"), "CN=a\\\\,DC=x");
        for (dn, told) in [
            ("CN=Sales, EMEA,DC=corp", "a comma within a name"),
            ("CN=gg,", "each part"),
            ("CN=gg,=x", "each part"),
            ("CN=,DC=x", "no value"),
            ("CN=gg\\", "backslash"),
        ] {
            assert!(tidy(dn).unwrap_err().contains(told), "{dn}: {:?}", tidy(dn));
        }
    }

    proptest! {
        #[test]
        fn any_text_equals_itself(text in "\\PC{0,40}", base in any::<String>()) {
            assert_eq!(Key::of(&text), Key::of(&text));
            assert!(Key::of(&format!("CN=a,{base}")).is_within(&Key::of(&base)));
            if let Ok(tidied) = tidy(&text) {
                assert_eq!(Key::of(&tidied), Key::of(&text), "{tidied:?}");
                assert_eq!(tidy(&tidied).as_deref(), Ok(tidied.as_str()));
            }
        }
    }
}

//! Distinguished names, as far as two of them have to be compared (RFC 4514).
//!
//! Active Directory, vIDM and people write one and the same name differently: case, blanks around a comma, `\,` or `\2C`.
//! So names are compared part by part, each brought to one form.

/// What RFC 4514 section 2.4 wants a backslash before, wherever it stands.
const SPECIAL: &[char] = &['"', '+', ',', ';', '<', '>', '\\'];

/// A distinguished name as it is compared: its parts, outermost last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Vec<String>);

impl Key {
    /// The name brought to one form. What is no name is compared by its text.
    pub(super) fn of(dn: &str) -> Self {
        Self(parts(dn).map(one_form).collect())
    }

    /// Whether this name is `base`, or below it.
    pub(super) fn is_within(&self, base: &Self) -> bool {
        self.0.ends_with(&base.0)
    }
}

/// Whether `text` is meant as a distinguished name: it begins with a type and an equals sign, `CN=`.
pub(super) fn is_dn(text: &str) -> bool {
    let is_type = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
    };
    text.split_once('=').is_some_and(|(name, _)| is_type(name.trim()))
}

/// `dn` without the blanks that mean nothing, otherwise as it is: the form in which Active Directory writes it, and in which
/// it can be searched for.
///
/// # Errors
/// What is wrong with it, in words fit to follow a field's name.
pub(super) fn tidy(dn: &str) -> Result<String, &'static str> {
    let mut tidy = Vec::new();
    for part in parts(dn) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if !part.contains('=') || name.trim().is_empty() {
            return Err("is not a distinguished name: each of its parts needs a type and an equals sign, like \
                        CN=name,OU=unit,DC=corp,DC=example; a comma within a name is written \\,");
        }
        let value = trimmed(value);
        if value.is_empty() {
            return Err("is not a distinguished name: one of its parts has no value");
        }
        if is_escaped(value, value.len()) {
            return Err("is not a distinguished name: it ends with a backslash");
        }
        tidy.push(format!("{}={value}", name.trim()));
    }
    Ok(tidy.join(","))
}

/// The parts between commas that no backslash stands before.
fn parts(dn: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    dn.split(move |c| {
        let splits = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        splits
    })
}

/// Whether what stands at `at` has a backslash before it that is not itself escaped.
fn is_escaped(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1
}

/// `text` without the blanks around it; an escaped one belongs to it.
fn trimmed(text: &str) -> &str {
    let text = text.trim_start_matches(' ');
    let mut end = text.len();
    while text.get(..end).is_some_and(|rest| rest.ends_with(' ')) && !is_escaped(text, end - 1) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// One part in one form: lower case, escapes only where they are needed.
fn one_form(part: &str) -> String {
    let Some((name, value)) = part.split_once('=') else { return part.trim().to_lowercase() };
    format!("{}={}", name.trim().to_lowercase(), unescaped(trimmed(value)).to_lowercase())
}

fn unescaped(value: &str) -> String {
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
        // What would mean something bare keeps its backslash: `a\+b` is not `a+b`.
        if SPECIAL.contains(&char::from(byte)) {
            bytes.push(b'\\');
        }
        bytes.push(byte);
        rest = tail;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, proptest};

    #[test]
    fn one_name_in_many_spellings() {
        for (one, other) in [
            ("CN=gg,OU=Groups,DC=corp", "cn=GG,ou=groups,dc=CORP"),
            ("CN=gg,OU=Groups,DC=corp", " CN = gg , OU=Groups,  DC=corp "),
            ("CN=a\\, b,DC=corp", "cn=A\\2c b,dc=corp"),
            ("CN=été,DC=corp", "CN=\\C3\\A9t\\c3\\a9,DC=corp"),
            ("CN=ÉTÉ,DC=corp", "CN=été,DC=corp"),
            ("CN=\\#a\\=b,DC=corp", "CN=#a=b,DC=corp"),
            ("CN=\\\"q\\\"\\\\,DC=corp", "CN=\\22q\\22\\5c,DC=corp"),
        ] {
            assert_eq!(Key::of(one), Key::of(other), "{one} {other}");
        }
        for (one, other) in [
            ("CN=gg,DC=corp", "CN=gg2,DC=corp"),
            ("CN=gg,DC=corp", "CN=gg,DC=corp,DC=example"),
            ("CN=a\\+b,DC=corp", "CN=a+b,DC=corp"),
            ("CN=a\\,DC=b", "CN=a,DC=b"),
            ("CN=a\\ ,DC=b", "CN=a,DC=b"),
            ("gg", "gg2"),
        ] {
            assert_ne!(Key::of(one), Key::of(other), "{one} {other}");
        }
    }

    #[test]
    fn below_a_base() {
        let within = |dn: &str, base: &str| Key::of(dn).is_within(&Key::of(base));
        assert!(within("CN=a,OU=Groups,DC=x", "ou=groups, dc=x"));
        assert!(within("OU=Groups,DC=x", "OU=Groups,DC=x"));
        assert!(!within("CN=a,OU=MyGroups,DC=x", "Groups,DC=x"));
        // The comma belongs to the name.
        assert!(!within("CN=a\\,OU=Groups,DC=x", "OU=Groups,DC=x"));
        assert!(!within("DC=x", "OU=Groups,DC=x"));
    }

    #[test]
    fn what_is_meant_as_one() {
        for dn in ["CN=gg", "cn = gg,DC=x", "2.5.4.3=gg,DC=x"] {
            assert!(is_dn(dn), "{dn}");
        }
        for name in ["gg", "gg@corp.example", "=gg", "a b=c", "gg, a=b", ""] {
            assert!(!is_dn(name), "{name}");
        }
    }

    #[test]
    fn only_meaningless_blanks_go() {
        let tidied = |dn| tidy(dn).unwrap();
        assert_eq!(tidied("CN = Gg , OU=Groups, DC=corp"), "CN=Gg,OU=Groups,DC=corp");
        assert_eq!(tidied("CN=a\\, b\\ ,DC=x"), "CN=a\\, b\\ ,DC=x");
        assert_eq!(tidied("CN=a\\\\,DC=x"), "CN=a\\\\,DC=x");
        for (dn, told) in [
            ("CN=Sales, EMEA,DC=corp", "a comma within a name"),
            ("CN=gg,", "each of its parts"),
            ("CN=gg,=x", "each of its parts"),
            ("CN=,DC=x", "no value"),
            ("CN=gg\\", "backslash"),
        ] {
            assert!(tidy(dn).unwrap_err().contains(told), "{dn}: {:?}", tidy(dn));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_like_itself(text in "\\PC{0,40}", base in any::<String>()) {
            assert_eq!(Key::of(&text), Key::of(&text));
            assert!(Key::of(&format!("CN=a,{base}")).is_within(&Key::of(&base)));
            if let Ok(tidied) = tidy(&text) {
                assert_eq!(Key::of(&tidied), Key::of(&text), "{tidied:?}");
                assert_eq!(tidy(&tidied).as_deref(), Ok(tidied.as_str()));
            }
        }
    }
}

//! Distinguished names (RFC 4514), as far as the simulated directories need them.

/// The unescaped value of the first part of a DN, if that is a CN and not the only part.
pub(crate) fn common_name(dn: &str) -> Option<String> {
    let (attribute, rest) = dn.split_once('=')?;
    if !attribute.trim().eq_ignore_ascii_case("cn") {
        return None;
    }
    let mut name = Vec::new();
    let mut bytes = rest.bytes();
    let mut ended = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b',' => {
                ended = true;
                break;
            }
            b'\\' => {
                let escaped = bytes.next()?;
                match char::from(escaped).to_digit(16) {
                    Some(high) => {
                        let low = char::from(bytes.next()?).to_digit(16)?;
                        name.push(u8::try_from(high * 16 + low).ok()?);
                    }
                    None => name.push(escaped),
                }
            }
            _ => name.push(byte),
        }
    }
    let name = String::from_utf8(name).ok()?;
    (ended && !name.is_empty()).then_some(name)
}

/// Whether `dn` is `base` or under it. DNs are compared ignoring case.
pub(crate) fn within(dn: &str, base: &str) -> bool {
    let (dn, base) = (dn.to_lowercase(), base.to_lowercase());
    dn == base || dn.ends_with(&format!(",{base}"))
}

/// The DN without its first part; an escaped comma does not end a part.
pub(crate) fn parent(dn: &str) -> &str {
    let mut escaped = false;
    for (at, character) in dn.char_indices() {
        match character {
            '\\' if !escaped => escaped = true,
            ',' if !escaped => return dn.get(at + 1..).unwrap_or_default(),
            _ => escaped = false,
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::{common_name, parent, within};

    #[test]
    fn common_name_is_unescaped() {
        assert_eq!(common_name("CN=gg-new,OU=Groups,DC=corp,DC=example").as_deref(), Some("gg-new"));
        assert_eq!(common_name("cn=gg\\, with comma,DC=x").as_deref(), Some("gg, with comma"));
        assert_eq!(common_name("CN=gg-\\C3\\A9,DC=x").as_deref(), Some("gg-é"));
        assert_eq!(common_name("OU=Groups,DC=x"), None);
        assert_eq!(common_name("CN=alone"), None);
    }

    #[test]
    fn dn_is_within_its_base_in_any_case() {
        assert!(within("CN=a,OU=Groups,DC=x", "ou=groups,dc=x"));
        assert!(within("OU=Groups,DC=x", "OU=Groups,DC=x"));
        assert!(!within("CN=a,OU=MyGroups,DC=x", "Groups,DC=x"));
    }

    #[test]
    fn parent_begins_after_the_first_unescaped_comma() {
        assert_eq!(parent("CN=a\\, b,OU=Groups,DC=x"), "OU=Groups,DC=x");
    }
}

//! Entity tags as headers have them (RFC 9110, section 8.8.3): `"x"`, or `W/"x"` for a weak one.

/// An entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityTag {
    is_weak: bool,
    /// With its quotes.
    opaque: String,
}

impl EntityTag {
    /// Reads one tag; `None` if `text` is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (is_weak, opaque) = text.strip_prefix("W/").map_or((false, text), |opaque| (true, opaque));
        let inside = opaque.strip_prefix('"')?.strip_suffix('"')?;
        (!inside.contains('"')).then(|| Self { is_weak, opaque: opaque.to_owned() })
    }

    /// The tags of a list, `None` for each that is none. A tag may contain commas; a backslash in it escapes nothing.
    pub(crate) fn list(text: &str) -> impl Iterator<Item = Option<Self>> {
        let mut is_quoted = false;
        let ends = move |c: char| {
            is_quoted ^= c == '"';
            c == ',' && !is_quoted
        };
        text.split(ends).map(str::trim).filter(|tag| !tag.is_empty()).map(Self::parse)
    }

    /// Whether both are the same strong tag (RFC 9110, section 8.8.3.2).
    pub(crate) fn is_strongly(&self, other: &Self) -> bool {
        !self.is_weak && self == other
    }

    /// Whether both are the same tag, weak or not.
    pub(crate) fn is_weakly(&self, other: &Self) -> bool {
        self.opaque == other.opaque
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_and_compared() {
        let [strong, weak, other] = ["\"a\"", "W/\"a\"", "\"b\""].map(|text| EntityTag::parse(text).unwrap());
        assert!(strong.is_strongly(&strong) && !weak.is_strongly(&weak) && !strong.is_strongly(&weak));
        assert!(strong.is_weakly(&weak) && weak.is_weakly(&strong) && !strong.is_weakly(&other));
        for wrong in ["", "a", "\"a", "a\"", "\"", "\"a\" \"b\"", "w/\"a\"", "W/a", "*", " \"a\""] {
            assert_eq!(EntityTag::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tags_of_a_list_may_contain_commas_and_backslashes() {
        let list = r#""a,b", , W/"c\","d", e"#;
        let tags = [r#""a,b""#, r#"W/"c\""#, r#""d""#, "e"].map(EntityTag::parse);
        assert_eq!(EntityTag::list(list).collect::<Vec<_>>(), tags);
    }
}

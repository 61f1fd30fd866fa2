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
}

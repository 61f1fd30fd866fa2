//! Texts that are safe as one segment of an upstream path.
//!
//! Percent-encoding alone does not keep a text in its segment: a proxy in front of the server may decode the path before
//! routing and forward the decoded path. SDDC Manager's own nginx does (the vendor's configuration for VCF 4.4 and 9.0):
//! there `..%2Fcredentials` is another resource, `a%3Fb` a query and `x%0Ay` the resource `x`. Only characters that are the
//! same encoded and decoded are safe; this is the only list of them.

use std::fmt;

/// The longest id sent in a path, in bytes. The vendors' ids are UUIDs with 36.
pub(crate) const MAX_ID: usize = 128;

/// Why a text is not allowed in an upstream path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The text is empty: the path would address the whole collection.
    Empty,
    /// Longer than this many bytes.
    TooLong(usize),
    /// `.` and `..` change the path; longer runs of dots are not names either.
    DotsOnly,
    /// The first character that is not allowed.
    Character(char),
}

/// Checks that `text` is one path segment after any number of decodings: 1 to `longest` bytes of `[A-Za-z0-9._-]`, not only
/// dots.
///
/// # Errors
/// The fault.
pub(crate) fn check(text: &str, longest: usize) -> Result<(), Fault> {
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    let is_foreign = |c: &char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    if let Some(foreign) = text.chars().find(is_foreign) {
        return Err(Fault::Character(foreign));
    }
    if text.len() > longest {
        return Err(Fault::TooLong(longest));
    }
    if text.bytes().all(|byte| byte == b'.') {
        return Err(Fault::DotsOnly);
    }
    Ok(())
}

/// Worded to follow the name of the wrong part.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("must not be empty"),
            Self::TooLong(longest) => write!(f, "must not be longer than {longest} characters"),
            Self::DotsOnly => f.write_str("must not consist of dots only"),
            // `Debug` escapes control characters, which a terminal would interpret.
            Self::Character(foreign) => {
                write!(f, "must contain only letters, digits, \".\", \"_\" and \"-\", but contains {foreign:?}")
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Texts that leave their segment in some server or proxy, or are not plausible names.
    pub(crate) const HOSTILE: &[&str] = &[
        "",
        " ",
        ".",
        "..",
        "...",
        "../credentials",
        "..\\credentials",
        "..%2Fcredentials",
        "..%252Fcredentials",
        "%2e%2e/credentials",
        "%2E%2E%2Fhosts",
        "a/b",
        "a//b",
        "a/../b",
        "a\\b",
        "a%5Cb",
        "a?b=c",
        "a%3Fb=c",
        "a#b",
        "a%23b",
        "a;b",
        "a;/../b",
        "a b",
        " a",
        "a ",
        "a+b",
        "a&b",
        "a=b",
        "a:b",
        "a@b",
        "a%",
        "a%zz",
        "a\nb",
        "a\r\nHost: x",
        "a\tb",
        "a\0b",
        "a\u{7f}",
        "müller.example",
        "ａ",
        "‥",
        "∕credentials",
        "a\u{202e}b",
        "a\u{200b}b",
        "\u{feff}a",
        "{id}",
        "${id}",
        "*",
        "~root",
        "'a'",
        "\"a\"",
        "<a>",
        "a|b",
        "a,b",
        "(a)",
    ];

    #[test]
    fn hostile_texts_are_rejected() {
        for text in HOSTILE {
            assert!(check(text, MAX_ID).is_err(), "{text:?}");
        }
    }

    #[test]
    fn names_are_accepted() {
        for text in ["a", "corp.example", "bb65e41c-e00d-4d74-b417-db72df6024f9", "CORP_1", ".hidden", "a..b", "-", "_"]
        {
            assert_eq!(check(text, MAX_ID), Ok(()), "{text}");
        }
        assert_eq!(check(&"a".repeat(MAX_ID), MAX_ID), Ok(()));
        assert_eq!(check(&"a".repeat(MAX_ID + 1), MAX_ID), Err(Fault::TooLong(MAX_ID)));
    }

    #[test]
    fn faults_show_the_character_without_control_characters() {
        let told = |text: &str| check(text, MAX_ID).unwrap_err().to_string();
        assert!(told("a/b").ends_with("contains '/'"), "{}", told("a/b"));
        assert!(told("a\u{202e}b").ends_with(r"'\u{202e}'"), "{}", told("a\u{202e}b"));
        assert!(told("a\nb").ends_with(r"'\n'"), "{}", told("a\nb"));
    }

    proptest! {
        #[test]
        fn segments_survive_repeated_decoding(text in "[ -~äß\n]{0,40}") {
            if check(&text, MAX_ID).is_ok() {
                prop_assert_eq!(crate::upstream::segment(&text), text.clone());
                prop_assert!(!text.contains('/') && text != "." && text != "..");
            }
        }
    }
}

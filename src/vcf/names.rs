//! Names in the path of SDDC Manager's calls: checked once, and the only type that the endpoints take.
//!
//! SDDC Manager's nginx decodes a path before routing and forwards it decoded, and it serves paths that end like a picture,
//! style sheet or script as files (the vendor's `nginx.conf` for VCF 4.4 and 9.0). So neither an encoded slash nor such an
//! ending reaches the service unchanged.

use std::fmt;

use crate::error::{Error, FieldError};
use crate::upstream::path_segment::{self, MAX_ID};

/// The longest domain name (RFC 1035, section 2.3.4), in bytes.
const MAX_DOMAIN: usize = 253;

/// Endings that nginx serves as static files, in any case.
const STATIC_FILES: [&str; 7] = [".css", ".gif", ".jpeg", ".jpg", ".js", ".png", ".svg"];

const HINT: &str = "SDDC Manager's nginx decodes paths before routing, so no other characters are possible; write an \
                    international domain name in punycode (xn--…)";

const STATIC_HINT: &str = "a path with such an ending never reaches SDDC Manager's service: manage this identity source in the \
                           vSphere Client; GET …/v1/identity-providers lists it anyway";

/// The id of an identity provider: 1 to 128 of `[A-Za-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderId(String);

/// The domain name of an identity source: 1 to 253 of `[A-Za-z0-9._-]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainName(String);

/// Why a text is not allowed as a name in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It would leave its segment.
    Segment(path_segment::Fault),
    /// It ends like a static file.
    StaticFile(&'static str),
}

impl ProviderId {
    /// Checks an id.
    ///
    /// # Errors
    /// `request_invalid` for a text that is not allowed in a path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check(text, MAX_ID).map(|()| Self(text.to_owned())).map_err(|fault| fault.of("id"))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl DomainName {
    /// Checks a domain name.
    ///
    /// # Errors
    /// `request_invalid` for a text that is not allowed in a path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::check(text).map(|()| Self(text.to_owned())).map_err(|fault| fault.of("domainName"))
    }

    /// The fault of a domain name, if any.
    pub(super) fn check(text: &str) -> Result<(), Fault> {
        check(text, MAX_DOMAIN)
    }

    /// The domain name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &str, longest: usize) -> Result<(), Fault> {
    path_segment::check(text, longest).map_err(Fault::Segment)?;
    let lower = text.to_ascii_lowercase();
    match STATIC_FILES.into_iter().find(|ending| lower.ends_with(ending)) {
        Some(ending) => Err(Fault::StaticFile(ending)),
        None => Ok(()),
    }
}

impl Fault {
    /// The fix.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Segment(_) => HINT,
            Self::StaticFile(_) => STATIC_HINT,
        }
    }

    fn of(self, what: &str) -> Error {
        Error::invalid(vec![FieldError::new("", format!("{what} {self}"))]).hint(self.hint())
    }
}

/// Worded to follow the name of the wrong part.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Segment(fault) => fault.fmt(f),
            Self::StaticFile(ending) => {
                write!(f, "must not end in \"{ending}\": SDDC Manager's nginx serves such a path as a static file")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::upstream::path_segment::tests::HOSTILE;

    #[test]
    fn hostile_ids_and_domain_names_are_request_invalid() {
        for text in HOSTILE {
            for error in [ProviderId::parse(text).unwrap_err(), DomainName::parse(text).unwrap_err()] {
                assert_eq!(error.code(), ErrorCode::RequestInvalid, "{text:?}");
                assert!(error.hint_text().unwrap().contains("punycode"), "{error}");
            }
        }
    }

    #[test]
    fn static_file_endings_are_rejected_with_a_hint() {
        for text in ["corp.css", "ad.js", "AD.JS", "x.jpg", "x.jpeg", "x.png", "x.gif", "x.SvG", ".css"] {
            let error = DomainName::parse(text).unwrap_err();
            assert!(error.detail().contains("static file"), "{error}");
            assert!(error.hint_text().unwrap().contains("vSphere Client"), "{error}");
            assert!(ProviderId::parse(text).is_err(), "{text}");
        }
        for text in ["corp.example", "js", "css.example", "corp.cssx", "corp-js"] {
            assert_eq!(DomainName::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn lengths_are_bounded() {
        let text = |length| "a".repeat(length);
        assert!(ProviderId::parse(&text(128)).is_ok() && ProviderId::parse(&text(129)).is_err());
        assert!(DomainName::parse(&text(253)).is_ok() && DomainName::parse(&text(254)).is_err());
    }
}

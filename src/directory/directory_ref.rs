//! References to a directory, and the directory that was found.

use serde::Serialize;

use super::Listed;
use crate::upstream::is_uuid;

/// A directory as a caller names it.
///
/// ```
/// use idhook::directory::DirectoryRef;
///
/// assert_eq!(DirectoryRef::parse("corp.example"), DirectoryRef::Name("corp.example".to_owned()));
/// assert!(matches!(DirectoryRef::parse("BB65E41C-E00D-4D74-B417-DB72DF6024F9"), DirectoryRef::Id(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DirectoryRef {
    /// By its id.
    Id(String),
    /// By its name, or one of its domains.
    Name(String),
}

impl DirectoryRef {
    /// A UUID is an id, anything else a name. An id is converted to lower case, as UUIDs are written (RFC 9562, section 4):
    /// stored records use it as a key.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if is_uuid(text) { Self::Id(text.to_ascii_lowercase()) } else { Self::Name(text.to_owned()) }
    }

    /// The id or the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Id(text) | Self::Name(text) => text,
        }
    }
}

/// A directory in brief.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema), schemars(rename = "DirectoryName"))]
pub struct DirectorySummary {
    /// Its id, a UUID.
    pub id: String,
    /// Its name, if known: a reference by id makes no call to learn it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its kind, in the vendor's words, if known.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

impl DirectorySummary {
    /// A listed directory in brief.
    pub(crate) fn of(directory: &impl Listed) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Self { id: directory.id().to_owned(), name: text(directory.name()), kind: text(directory.kind()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuid_is_read_as_an_id() {
        let id = "66666666-7777-4888-8999-00000000000F";
        assert_eq!(DirectoryRef::parse(&format!(" {id} ")), DirectoryRef::Id(id.to_lowercase()));
        for name in [
            "corp.example",
            "",
            "66666666-7777-4888-8999-00000000000g",
            "66666666-7777-4888-8999-0",
            "66666666777748888999000000000000",
        ] {
            assert_eq!(DirectoryRef::parse(name), DirectoryRef::Name(name.to_owned()));
        }
    }
}

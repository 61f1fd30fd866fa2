//! Ids in the paths of calls: checked once, and the only type that the endpoints take.

use crate::error::{Error, FieldError, Result};
use crate::upstream::path_segment::{self, MAX_ID};

/// The id of a provider, directory or task: 1 to 128 of `[A-Za-z0-9._-]`. The vendor's are UUIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceId(String);

impl ResourceId {
    /// Checks an id; `what` names it in the error.
    ///
    /// # Errors
    /// `request_invalid` for a text that is not allowed in a path.
    pub fn parse(what: &str, text: &str) -> Result<Self> {
        match path_segment::check(text, MAX_ID) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(fault) => Err(Error::invalid(vec![FieldError::new("", format!("{what} {fault}"))])
                .hint("the ids of VCF Operations are UUIDs; GET …/identity-providers lists those of providers and directories")),
        }
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;
    use crate::upstream::path_segment::tests::HOSTILE;

    #[test]
    fn hostile_ids_are_request_invalid() {
        for text in HOSTILE {
            let error = ResourceId::parse("id", text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::RequestInvalid, "{text:?}");
        }
        assert_eq!(ResourceId::parse("id", "a-1").unwrap().as_str(), "a-1");
    }
}

//! Sync ids in embedded use: everything about a started sync, as a text.
//!
//! An id is `base64url(version ‖ request)`. Unlike the webhook's ids it is not authenticated: its user has the session and
//! could start the same sync anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::directory::SyncTarget;
use crate::error::{Error, ErrorCode, Result};
use crate::sync::SyncRequest;
use crate::upstream::path_segment::{self, MAX_ID};

/// Distinguishes these ids from the webhook's.
const VERSION: u8 = b'f';

/// Longest accepted id: a hundred groups, each with the longest name.
const MAX_LENGTH: usize = 300_000;

/// Writes an id.
pub(super) fn write(request: &SyncRequest) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(request.to_bytes().unwrap_or_default());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Parses an id for a session whose target has this name.
///
/// # Errors
/// `sync_not_found`.
pub(super) fn read(text: &str, target: &SyncTarget) -> Result<SyncRequest> {
    let request = (text.len() <= MAX_LENGTH).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten();
    let request = request.and_then(|bytes| match bytes.split_first()? {
        (&VERSION, bytes) => SyncRequest::of_bytes(target, bytes),
        _ => None,
    });
    let is_ours = |request: &SyncRequest| path_segment::check(&request.directory, MAX_ID).is_ok();
    request.filter(is_ours).ok_or_else(|| {
        Error::new(ErrorCode::SyncNotFound, "this is not the id of a sync started by embedded idhook")
            .hint("copy the id from the start's result unchanged; the webhook's ids are not valid here")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip_and_other_texts_are_rejected() {
        let request = SyncRequest::example();
        let text = write(&request);
        assert_eq!(read(&text, &SyncTarget::parse("default")).unwrap(), request);
        for text in ["", "AXsid", "ZQ", "%"] {
            assert_eq!(
                read(text, &SyncTarget::parse("default")).unwrap_err().code(),
                ErrorCode::SyncNotFound,
                "{text}"
            );
        }
    }

    #[test]
    fn forged_directory_ids_are_rejected() {
        for directory in crate::upstream::path_segment::tests::HOSTILE {
            let mut forged = SyncRequest::example();
            forged.directory = (*directory).to_owned();
            let forged = write(&forged);
            assert_eq!(
                read(&forged, &SyncTarget::parse("default")).unwrap_err().code(),
                ErrorCode::SyncNotFound,
                "{directory:?}"
            );
        }
    }
}

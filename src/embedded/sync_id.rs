//! Sync ids in embedded use: everything about a started sync, as a text.
//!
//! An id is `base64url(product ‖ request)`. Unlike the webhook's ids it is not authenticated: its user has the session and
//! could start the same sync anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::directory::{Product, SyncTarget};
use crate::error::{Error, ErrorCode, Result};
use crate::sync::SyncRequest;
use crate::upstream::path_segment::{self, MAX_ID};

/// The first byte of an id: the product, and that it is not one of the webhook's ids.
const fn first(product: Product) -> u8 {
    match product {
        Product::Vidm => b'g',
        Product::Fleet => b'G',
    }
}

/// Longest accepted id: a hundred groups, each with the longest name.
const MAX_LENGTH: usize = 300_000;

/// Writes an id.
pub(super) fn write(request: &SyncRequest) -> String {
    let mut bytes = vec![first(request.target.product)];
    bytes.extend(request.to_bytes().unwrap_or_default());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Parses an id for a session with this target.
///
/// # Errors
/// `sync_not_found`.
pub(super) fn read(text: &str, target: &SyncTarget) -> Result<SyncRequest> {
    let request = (text.len() <= MAX_LENGTH).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten();
    let request = request.and_then(|bytes| match bytes.split_first()? {
        (&product, bytes) if product == first(target.product) => SyncRequest::of_bytes(target, bytes),
        _ => None,
    });
    let is_ours = |request: &SyncRequest| path_segment::check(&request.directory, MAX_ID).is_ok();
    request.filter(is_ours).ok_or_else(|| {
        let product = target.product;
        let detail = format!("this is not the id of a sync of {product} started by embedded idhook");
        Error::new(ErrorCode::SyncNotFound, detail)
            .hint("copy the id from the start's result unchanged; ids of the webhook or of another product are not valid here")
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
    fn ids_are_valid_for_their_product_only() {
        let vidm = SyncRequest::example();
        let mut fleet = SyncRequest::example();
        fleet.target = SyncTarget::parse("fleet/default");
        for (request, other) in [(&vidm, &fleet), (&fleet, &vidm)] {
            let text = write(request);
            assert_eq!(&read(&text, &request.target).unwrap(), request);
            assert_eq!(read(&text, &other.target).unwrap_err().code(), ErrorCode::SyncNotFound);
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

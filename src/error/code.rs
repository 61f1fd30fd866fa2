//! The table of error codes: code, HTTP status, title, whose fault it is, and whether a retry can help.

use std::fmt;

use http::StatusCode;

use Fault::{Caller, Operator, Upstream};

table! {
    /// The kind of failure, as a stable code that callers may match on.
    ///
    /// Each row: code, HTTP status, title, fault, and whether the same request may succeed later.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum ErrorCode -> (&'static str, StatusCode, &'static str, Fault, bool) {
        /// The request's content does not fit the route.
        RequestInvalid => ("request_invalid", StatusCode::BAD_REQUEST, "The request is not valid", Caller, false),
        /// A literal `${…}` is left in a field: the caller's templating did not replace it.
        UnresolvedPlaceholder =>
            ("unresolved_placeholder", StatusCode::BAD_REQUEST, "A placeholder was not filled in", Caller, false),
        /// The request has no valid API key, token or signature.
        Unauthenticated =>
            ("unauthenticated", StatusCode::UNAUTHORIZED, "No valid key, token, signature or client certificate was sent", Caller, false),
        /// The request's signature matches no configured sender.
        SignatureInvalid =>
            ("signature_invalid", StatusCode::UNAUTHORIZED, "The signature matches no sender", Caller, false),
        /// The caller is known but not allowed to do this.
        Forbidden => ("forbidden", StatusCode::FORBIDDEN, "This caller is not allowed to do that", Caller, false),
        /// No such route.
        RouteNotFound => ("route_not_found", StatusCode::NOT_FOUND, "No such route", Caller, false),
        /// No target of that name is configured.
        TargetNotFound => ("target_not_found", StatusCode::NOT_FOUND, "No such target", Caller, false),
        /// The target has no such directory.
        DirectoryNotFound => ("directory_not_found", StatusCode::NOT_FOUND, "No such directory", Caller, false),
        /// The sync id was not issued by this idhook.
        SyncNotFound => ("sync_not_found", StatusCode::NOT_FOUND, "No such sync", Caller, false),
        /// The upstream returned 404.
        NotFound => ("not_found", StatusCode::NOT_FOUND, "The upstream did not find the object", Caller, false),
        /// The route exists but does not accept this method.
        MethodNotAllowed => (
            "method_not_allowed", StatusCode::METHOD_NOT_ALLOWED,
            "This route does not accept that method", Caller, false,
        ),
        /// The caller sent its request too slowly.
        RequestTimeout =>
            ("request_timeout", StatusCode::REQUEST_TIMEOUT, "The request arrived too slowly", Caller, true),
        /// More than one directory has that name.
        DirectoryAmbiguous =>
            ("directory_ambiguous", StatusCode::CONFLICT, "More than one directory matches", Caller, false),
        /// The directory is of a kind that is never synced, or it is being deleted.
        DirectoryNotSyncable =>
            ("directory_not_syncable", StatusCode::CONFLICT, "This directory cannot be synced", Caller, false),
        /// The object is not in the state that `If-Match` requires.
        PreconditionFailed => (
            "precondition_failed", StatusCode::PRECONDITION_FAILED,
            "The object has changed", Caller, false,
        ),
        /// The idempotency key was already used with a different request.
        IdempotencyKeyReused => (
            "idempotency_key_reused", StatusCode::UNPROCESSABLE_ENTITY,
            "The idempotency key was used for another request", Caller, false,
        ),
        /// A request with this idempotency key is still being processed.
        IdempotencyKeyInFlight => (
            "idempotency_key_in_flight", StatusCode::CONFLICT,
            "A request with this idempotency key is still being processed", Caller, true,
        ),
        /// The run succeeded, but the target still lacks a requested group. Only functions fail with it.
        // A repeated call fails the same way until the profile, Active Directory or the safeguards change.
        GroupAbsent => ("group_absent", StatusCode::CONFLICT, "A requested group is absent", Caller, false),
        /// The run succeeded and no requested group is absent, but a requested user is. Only functions fail with it.
        UserAbsent => ("user_absent", StatusCode::CONFLICT, "A requested user is absent", Caller, false),
        /// The directory's safeguards stopped the run. Only functions fail with it.
        SafeguardTripped =>
            ("safeguard_tripped", StatusCode::CONFLICT, "The safeguards stopped the sync", Caller, false),
        /// The run failed. Only functions fail with it.
        SyncFailed => ("sync_failed", StatusCode::BAD_GATEWAY, "The sync failed", Upstream, false),
        /// The sync was not final when the caller's time limit was reached. Only functions fail with it.
        // A repeated call joins the run if it is still active.
        SyncTimeout => ("sync_timeout", StatusCode::GATEWAY_TIMEOUT, "The sync did not end in time", Upstream, true),
        /// The target's version has no such operation.
        NotSupported =>
            ("not_supported", StatusCode::UNPROCESSABLE_ENTITY, "The target does not support this", Caller, false),
        /// The request body exceeds the limit.
        BodyTooLarge =>
            ("body_too_large", StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large", Caller, false),
        /// The route does not accept the request body's media type.
        UnsupportedMediaType => (
            "unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The request body's media type is not supported", Caller, false,
        ),
        /// The caller has sent too many requests.
        RateLimited =>
            ("rate_limited", StatusCode::TOO_MANY_REQUESTS, "Too many requests from this caller", Caller, true),
        /// This instance has reached its limit of concurrent work.
        Overloaded => ("overloaded", StatusCode::SERVICE_UNAVAILABLE, "This instance is busy", Fault::Internal, true),
        /// idhook's configuration is missing or invalid.
        NotConfigured =>
            ("not_configured", StatusCode::SERVICE_UNAVAILABLE, "idhook is not configured for this", Operator, false),
        /// No connection to the upstream could be made.
        UpstreamUnreachable =>
            ("upstream_unreachable", StatusCode::BAD_GATEWAY, "The upstream could not be reached", Upstream, true),
        /// The upstream's certificate was not trusted, or TLS failed otherwise.
        UpstreamTls =>
            ("upstream_tls", StatusCode::BAD_GATEWAY, "No trusted TLS connection to the upstream", Operator, false),
        /// The upstream rejected idhook's credentials.
        UpstreamAuth =>
            ("upstream_auth", StatusCode::BAD_GATEWAY, "The upstream rejected idhook's credentials", Operator, false),
        /// idhook's account at the upstream is not allowed to do this.
        UpstreamForbidden => (
            "upstream_forbidden", StatusCode::BAD_GATEWAY,
            "idhook's account at the upstream is not allowed to do this", Operator, false,
        ),
        /// The upstream rejected the request (4xx).
        UpstreamRejected =>
            ("upstream_rejected", StatusCode::UNPROCESSABLE_ENTITY, "The upstream rejected the request", Caller, false),
        /// The upstream failed (5xx) or closed the connection early.
        UpstreamFailed => ("upstream_failed", StatusCode::BAD_GATEWAY, "The upstream failed", Upstream, true),
        /// The upstream's response is not what its API documents.
        UpstreamInvalid => (
            "upstream_invalid", StatusCode::BAD_GATEWAY,
            "The upstream's response could not be understood", Upstream, false,
        ),
        /// The upstream did not answer in time.
        UpstreamTimeout =>
            ("upstream_timeout", StatusCode::GATEWAY_TIMEOUT, "The upstream did not respond in time", Upstream, true),
        /// The upstream is busy or throttles requests (429, 503).
        UpstreamBusy => ("upstream_busy", StatusCode::SERVICE_UNAVAILABLE, "The upstream is busy", Upstream, true),
        /// A fault in idhook itself.
        Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "idhook failed", Fault::Internal, false),
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The caller's: the same request will fail again.
    Caller,
    /// The operator's: configuration, credentials or permissions have to change.
    Operator,
    /// The upstream's or the network's.
    Upstream,
    /// idhook's own.
    Internal,
}

impl ErrorCode {
    /// The stable code in snake case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status of the webhook's response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// A short title for people, the same for every occurrence (RFC 9457 `title`).
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn fault(self) -> Fault {
        self.row().3
    }

    /// Whether the webhook returns this code. Over HTTP a failed sync is a state, returned with 200; only functions that
    /// promise success fail with these codes (`embedded::Vidm::ensure_groups`).
    #[must_use]
    pub(crate) const fn is_sent_over_http(self) -> bool {
        !matches!(
            self,
            Self::GroupAbsent | Self::UserAbsent | Self::SafeguardTripped | Self::SyncFailed | Self::SyncTimeout
        )
    }

    /// Whether the same request may succeed later without any other change.
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        self.row().4
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_with_a_status_that_fits_the_fault() {
        let mut words: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error());
            // Orchestrators repeat on any 5xx, so a caller's fault, which a retry cannot fix, must be a 4xx.
            assert_eq!(code.fault() == Fault::Caller, code.status().is_client_error(), "{code}");
        }
    }
}

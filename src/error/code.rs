//! The one table from a failure to its word, its HTTP status, its title, whose fault it is, and whether a retry can help.

use std::fmt;

use http::StatusCode;

/// What failed, as a stable word callers may match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request's content is not what the route takes.
    RequestInvalid,
    /// A literal `${…}` was left in a field by the caller's templating.
    UnresolvedPlaceholder,
    /// No caller could be recognised.
    Unauthenticated,
    /// The request's signature proves no sender.
    SignatureInvalid,
    /// The caller is known and may not do this.
    Forbidden,
    /// No such route.
    RouteNotFound,
    /// No target of that name is configured.
    TargetNotFound,
    /// vIDM has no such directory.
    DirectoryNotFound,
    /// This sync id is not one of ours.
    SyncNotFound,
    /// The upstream said 404.
    NotFound,
    /// The route exists, the method does not.
    MethodNotAllowed,
    /// The caller was too slow in sending its request.
    RequestTimeout,
    /// More than one directory goes by that name.
    DirectoryAmbiguous,
    /// The directory is of a kind that is never synced, or it is being deleted.
    DirectoryNotSyncable,
    /// The request's idempotency key came with another request before.
    IdempotencyKeyReused,
    /// A request with this idempotency key is being carried out.
    IdempotencyKeyInFlight,
    /// The run succeeded, and vIDM still lacks a group that it was to bring. Functions alone fail with it.
    GroupAbsent,
    /// The safeguards of the directory stopped the run. Functions alone fail with it.
    SafeguardTripped,
    /// The run failed. Functions alone fail with it.
    SyncFailed,
    /// The sync was not final when the caller's time limit was reached. Functions alone fail with it.
    SyncTimeout,
    /// The request body is over the bound.
    BodyTooLarge,
    /// The request body is of a media type this route does not read.
    UnsupportedMediaType,
    /// The caller asks for too much.
    RateLimited,
    /// This instance has as much to do as it takes on at once.
    Overloaded,
    /// idhook itself is not configured, or wrongly.
    NotConfigured,
    /// The upstream could not be reached at all.
    UpstreamUnreachable,
    /// The upstream's certificate was not trusted, or TLS failed otherwise.
    UpstreamTls,
    /// The upstream refused our credentials.
    UpstreamAuth,
    /// Our account at the upstream may not do this.
    UpstreamForbidden,
    /// The upstream refused the request (4xx).
    UpstreamRejected,
    /// The upstream failed (5xx), or broke off.
    UpstreamFailed,
    /// The upstream's answer is not what it should be.
    UpstreamInvalid,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The upstream asks for patience (429, 503).
    UpstreamBusy,
    /// A fault of idhook's own.
    Internal,
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
    /// Our own.
    Internal,
}

impl ErrorCode {
    /// Every code, for documents and tests.
    pub const ALL: &'static [Self] = &[
        Self::RequestInvalid,
        Self::UnresolvedPlaceholder,
        Self::Unauthenticated,
        Self::SignatureInvalid,
        Self::Forbidden,
        Self::RouteNotFound,
        Self::TargetNotFound,
        Self::DirectoryNotFound,
        Self::SyncNotFound,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::DirectoryAmbiguous,
        Self::DirectoryNotSyncable,
        Self::IdempotencyKeyReused,
        Self::IdempotencyKeyInFlight,
        Self::GroupAbsent,
        Self::SafeguardTripped,
        Self::SyncFailed,
        Self::SyncTimeout,
        Self::BodyTooLarge,
        Self::UnsupportedMediaType,
        Self::RateLimited,
        Self::Overloaded,
        Self::NotConfigured,
        Self::UpstreamUnreachable,
        Self::UpstreamTls,
        Self::UpstreamAuth,
        Self::UpstreamForbidden,
        Self::UpstreamRejected,
        Self::UpstreamFailed,
        Self::UpstreamInvalid,
        Self::UpstreamTimeout,
        Self::UpstreamBusy,
        Self::Internal,
    ];

    /// The whole table: word, HTTP status, title, fault, and whether the same request may succeed later.
    const fn row(self) -> (&'static str, StatusCode, &'static str, Fault, bool) {
        use Fault::{Caller, Operator, Upstream};
        match self {
            Self::RequestInvalid => {
                ("request_invalid", StatusCode::BAD_REQUEST, "The request is not valid", Caller, false)
            }
            Self::UnresolvedPlaceholder => {
                ("unresolved_placeholder", StatusCode::BAD_REQUEST, "A placeholder was not filled in", Caller, false)
            }
            Self::Unauthenticated => {
                ("unauthenticated", StatusCode::UNAUTHORIZED, "No valid key was given", Caller, false)
            }
            Self::SignatureInvalid => {
                ("signature_invalid", StatusCode::UNAUTHORIZED, "The signature proves no sender", Caller, false)
            }
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "This caller may not do that", Caller, false),
            Self::RouteNotFound => ("route_not_found", StatusCode::NOT_FOUND, "There is no such route", Caller, false),
            Self::TargetNotFound => {
                ("target_not_found", StatusCode::NOT_FOUND, "There is no such target", Caller, false)
            }
            Self::DirectoryNotFound => {
                ("directory_not_found", StatusCode::NOT_FOUND, "There is no such directory", Caller, false)
            }
            Self::SyncNotFound => ("sync_not_found", StatusCode::NOT_FOUND, "There is no such sync", Caller, false),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "The upstream has no such thing", Caller, false),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "This route does not take that method",
                Caller,
                false,
            ),
            Self::RequestTimeout => {
                ("request_timeout", StatusCode::REQUEST_TIMEOUT, "The request came too slowly", Caller, true)
            }
            Self::DirectoryAmbiguous => {
                ("directory_ambiguous", StatusCode::CONFLICT, "More than one directory matches", Caller, false)
            }
            Self::DirectoryNotSyncable => {
                ("directory_not_syncable", StatusCode::CONFLICT, "This directory cannot be synced", Caller, false)
            }
            Self::IdempotencyKeyReused => (
                "idempotency_key_reused",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The idempotency key belongs to another request",
                Caller,
                false,
            ),
            Self::IdempotencyKeyInFlight => (
                "idempotency_key_in_flight",
                StatusCode::CONFLICT,
                "A request with this idempotency key is being carried out",
                Caller,
                true,
            ),
            // A repeated call would meet the same: somebody has to change the profile, Active Directory or the safeguards.
            Self::GroupAbsent => ("group_absent", StatusCode::CONFLICT, "A group is not in vIDM", Caller, false),
            Self::SafeguardTripped => {
                ("safeguard_tripped", StatusCode::CONFLICT, "The safeguards stopped the sync", Caller, false)
            }
            Self::SyncFailed => ("sync_failed", StatusCode::BAD_GATEWAY, "The sync failed", Upstream, false),
            // A repeated call joins the run that goes on.
            Self::SyncTimeout => {
                ("sync_timeout", StatusCode::GATEWAY_TIMEOUT, "The sync did not end in time", Upstream, true)
            }
            Self::BodyTooLarge => {
                ("body_too_large", StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large", Caller, false)
            }
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "The request body's media type is not supported",
                Caller,
                false,
            ),
            Self::Overloaded => {
                ("overloaded", StatusCode::SERVICE_UNAVAILABLE, "This instance is busy", Fault::Internal, true)
            }
            Self::RateLimited => {
                ("rate_limited", StatusCode::TOO_MANY_REQUESTS, "Too many requests of one caller", Caller, true)
            }
            Self::NotConfigured => (
                "not_configured",
                StatusCode::SERVICE_UNAVAILABLE,
                "idhook is not configured for this",
                Operator,
                false,
            ),
            Self::UpstreamUnreachable => {
                ("upstream_unreachable", StatusCode::BAD_GATEWAY, "The upstream could not be reached", Upstream, true)
            }
            Self::UpstreamTls => {
                ("upstream_tls", StatusCode::BAD_GATEWAY, "No trusted TLS connection to the upstream", Operator, false)
            }
            Self::UpstreamAuth => {
                ("upstream_auth", StatusCode::BAD_GATEWAY, "The upstream refused our credentials", Operator, false)
            }
            Self::UpstreamForbidden => (
                "upstream_forbidden",
                StatusCode::BAD_GATEWAY,
                "Our account at the upstream may not do this",
                Operator,
                false,
            ),
            Self::UpstreamRejected => (
                "upstream_rejected",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The upstream rejected the request",
                Caller,
                false,
            ),
            Self::UpstreamFailed => ("upstream_failed", StatusCode::BAD_GATEWAY, "The upstream failed", Upstream, true),
            Self::UpstreamInvalid => (
                "upstream_invalid",
                StatusCode::BAD_GATEWAY,
                "The upstream's answer could not be understood",
                Upstream,
                false,
            ),
            Self::UpstreamTimeout => {
                ("upstream_timeout", StatusCode::GATEWAY_TIMEOUT, "The upstream did not answer in time", Upstream, true)
            }
            Self::UpstreamBusy => {
                ("upstream_busy", StatusCode::SERVICE_UNAVAILABLE, "The upstream asks for patience", Upstream, true)
            }
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "idhook failed", Fault::Internal, false),
        }
    }

    /// The stable snake-case word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status the webhook answers with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// A short human title, the same for every occurrence (RFC 9457 `title`).
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    /// Whose fault it is.
    #[must_use]
    pub const fn fault(self) -> Fault {
        self.row().3
    }

    /// Whether the webhook answers with this code. How a sync ends is no error there but the state of the sync, answered with
    /// 200; only functions that promise success fail with it (`embedded::Vidm::ensure_groups`).
    #[cfg(feature = "contract")]
    #[must_use]
    pub(crate) const fn is_sent_over_http(self) -> bool {
        !matches!(self, Self::GroupAbsent | Self::SafeguardTripped | Self::SyncFailed | Self::SyncTimeout)
    }

    /// Whether the very same request may succeed later with nobody changing anything.
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
    fn every_code_has_its_own_word_and_a_sensible_status() {
        let mut words: Vec<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), ErrorCode::ALL.len());
        for code in ErrorCode::ALL {
            assert!(code.status().is_client_error() || code.status().is_server_error());
            // What a retry cannot mend and the caller did is a 4xx: orchestrators repeat on any 5xx.
            assert_eq!(code.fault() == Fault::Caller, code.status().is_client_error(), "{code}");
        }
    }
}

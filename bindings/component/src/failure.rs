//! Problems as `error` records.

use idhook::error::{Candidate, ErrorCode, FieldError, Problem, UpstreamAnswer};

use crate::bindings::types::{
    Candidate as WitCandidate, Error, ErrorCode as Code, FieldError as WitFieldError, UpstreamEvidence,
};
use crate::numbers::unsigned;

impl From<Box<Problem>> for Error {
    fn from(problem: Box<Problem>) -> Self {
        let Problem {
            status,
            detail,
            code,
            retryable,
            retry_after,
            hint,
            errors,
            candidates,
            upstream,
            sync,
            steps,
            ..
        } = *problem;
        Self {
            code: code.into(),
            status,
            message: detail,
            hint,
            retryable,
            retry_after: retry_after.map(unsigned),
            errors: errors.into_iter().map(Into::into).collect(),
            candidates: candidates.into_iter().map(Into::into).collect(),
            upstream: upstream.map(Into::into),
            sync: sync.map(|state| state.to_string()),
            steps: (!steps.is_empty()).then(|| serde_json::to_string(&steps).unwrap_or_default()),
        }
    }
}

impl From<ErrorCode> for Code {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::RequestInvalid => Self::RequestInvalid,
            ErrorCode::DirectoryNotFound => Self::DirectoryNotFound,
            ErrorCode::SyncNotFound => Self::SyncNotFound,
            ErrorCode::NotFound => Self::NotFound,
            ErrorCode::NotSupported => Self::NotSupported,
            ErrorCode::DirectoryAmbiguous => Self::DirectoryAmbiguous,
            ErrorCode::PreconditionFailed => Self::PreconditionFailed,
            ErrorCode::DirectoryNotSyncable => Self::DirectoryNotSyncable,
            ErrorCode::GroupAbsent => Self::GroupAbsent,
            ErrorCode::UserAbsent => Self::UserAbsent,
            ErrorCode::SafeguardTripped => Self::SafeguardTripped,
            ErrorCode::SyncFailed => Self::SyncFailed,
            ErrorCode::SyncTimeout => Self::SyncTimeout,
            ErrorCode::NotConfigured => Self::NotConfigured,
            ErrorCode::UpstreamUnreachable => Self::UpstreamUnreachable,
            ErrorCode::UpstreamTls => Self::UpstreamTls,
            ErrorCode::UpstreamAuth => Self::UpstreamAuth,
            ErrorCode::UpstreamForbidden => Self::UpstreamForbidden,
            ErrorCode::UpstreamRejected => Self::UpstreamRejected,
            ErrorCode::UpstreamFailed => Self::UpstreamFailed,
            ErrorCode::UpstreamInvalid => Self::UpstreamInvalid,
            ErrorCode::UpstreamTimeout => Self::UpstreamTimeout,
            ErrorCode::UpstreamBusy => Self::UpstreamBusy,
            // The other codes concern HTTP, which does not occur here.
            _ => Self::Internal,
        }
    }
}

impl From<FieldError> for WitFieldError {
    fn from(FieldError { pointer, detail, .. }: FieldError) -> Self {
        Self { pointer, detail }
    }
}

impl From<Candidate> for WitCandidate {
    fn from(Candidate { id, name, kind }: Candidate) -> Self {
        Self { id, name, type_: kind }
    }
}

impl From<UpstreamAnswer> for UpstreamEvidence {
    fn from(answer: UpstreamAnswer) -> Self {
        let UpstreamAnswer { target, call, status, code, message, remediation, reference, details, .. } = answer;
        Self { target, call: call.to_owned(), status, code, message, remediation, reference, details }
    }
}

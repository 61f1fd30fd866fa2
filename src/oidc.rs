//! Callers with a token of an OpenID Connect issuer: a CI system, Kubernetes or Entra ID signs who its job or workload is, and no
//! key has to be kept anywhere.
//!
//! A token is a signed JSON Web Token (RFC 7515, RFC 7519). It counts if one of the issuer's keys signed it, it is in its time, it
//! is for the configured audience, and its claims have the configured values. The keys come from the issuer itself (OpenID Connect
//! Discovery 1.0), at an address from the configuration. A token never decides which address is called.

mod claim;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod issuer;
mod issuer_keys;
mod jwk;
mod token;

pub(crate) use claim::RequiredClaim;
pub(crate) use claim::text as claim_text;
pub(crate) use issuer::{Issuer, KeysAt};
pub(crate) use issuer_keys::IssuerKeys;
pub(crate) use token::Token;

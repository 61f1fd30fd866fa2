//! Entry points for fuzzers: the responses to logins.

use super::acquire_token::AcquireToken;
use super::exchange_api_token::ExchangeApiToken;
use super::well_known_url::GetWellKnownUrl;
use crate::fleet::fuzzing::NOW;
use crate::secret::Secret;
use crate::upstream::BaseUrl;
use crate::upstream::fuzzing::read;

/// Logins: tokens, and the address of the identity broker.
pub(crate) fn logins(input: &[u8]) {
    let secret = Secret::new("pw");
    read(&AcquireToken { username: "u", password: &secret, auth_source: None, now: NOW }, input);
    read(&ExchangeApiToken { token: &secret, now: NOW }, input);
    if let Some(url) = read(&GetWellKnownUrl, input) {
        assert_eq!(BaseUrl::parse(url.as_str()), Ok(url));
    }
}

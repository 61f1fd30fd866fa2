//! The two logins: an account's session token, and an API token that the identity broker exchanges.
//!
//! An account of VCF single sign-on cannot get a session token: VCF Operations refuses it with 401 and a page, without
//! looking at the password (measured by users of 9.0.2 and 9.1). Such an account needs an API token. Accounts of vCenter
//! could log in to 9.0; 9.1 has no login for them.

mod acquire_token;
mod exchange_api_token;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod well_known_url;

pub(super) use acquire_token::AcquireToken;
pub(super) use exchange_api_token::ExchangeApiToken;
pub(super) use well_known_url::GetWellKnownUrl;

use super::api::{Broker, Fleet};
use super::{Credentials, Target};
use crate::error::{Error, ErrorCode, Result};
use crate::runtime::Runtime;
use crate::secret::AccessToken;
use crate::upstream::{BaseUrl, Destination, Outbound};

/// Logs in.
///
/// # Errors
/// `upstream_auth` if the credentials are rejected; otherwise those of any call.
pub(super) async fn login<R: Runtime>(
    out: &Outbound<'_, R>,
    to: &Destination<'_, Fleet>,
    target: &Target,
) -> Result<AccessToken> {
    // Counted from before the call, so the token expires here first.
    let now = out.runtime().now();
    match &target.credentials {
        Credentials::Account { username, password, auth_source } => {
            let call = AcquireToken { username, password, auth_source: auth_source.as_deref(), now };
            out.call(to, &call, None).await.map_err(|e| account_refused(e, username))
        }
        Credentials::ApiToken { token, broker } => {
            let broker = match broker {
                Some(broker) => broker.clone(),
                None => found_broker(out, to, target).await?,
            };
            let to = Destination::<Broker> { target: &target.name, url: &broker, dialect: &() };
            out.call(&to, &ExchangeApiToken { token, now }, None).await.map_err(|e| token_refused(e, &broker))
        }
    }
}

/// The identity broker that VCF Operations names. The API token is sent there, so it must not be less protected than VCF
/// Operations itself.
async fn found_broker<R: Runtime>(
    out: &Outbound<'_, R>,
    to: &Destination<'_, Fleet>,
    target: &Target,
) -> Result<BaseUrl> {
    let broker = out.call(to, &GetWellKnownUrl, None).await.map_err(no_broker)?;
    if broker.as_str().starts_with("http:") && !target.url.as_str().starts_with("http:") {
        let detail = format!("VCF Operations names {} as its identity broker, which is not https", broker.as_str());
        return Err(Error::new(ErrorCode::NotConfigured, detail).hint("set fleet_broker_url").at(&target.name));
    }
    Ok(broker)
}

fn no_broker(error: Error) -> Error {
    const SET: &str = "set fleet_broker_url, the address of the identity broker that exchanges API tokens";
    match error.upstream_status().map(|status| status.as_u16()) {
        // This call needs no login and sends no credential, so it is no rejection of one, and may be repeated at once.
        Some(_) if error.code() == ErrorCode::UpstreamAuth => {
            error.with_code(ErrorCode::UpstreamInvalid).hint(SET)
        }
        Some(409) => error.hint(
            "this VCF Operations has no identity broker, so an API token cannot be used: log in with fleet_username and \
             fleet_password, or configure VCF single sign-on",
        ),
        Some(_) => error.hint(SET),
        None => error,
    }
}

const ACCOUNT: &str = "check user name, password and fleet_auth_source by logging in to VCF Operations with them: fleet_auth_source is \
    the name of the account's source, and for an account of VCF Operations itself it is \"local\" (\"localItem\" on some builds) \
    or not set; accounts of vCenter cannot log in to 9.1 and later";

const UNCHECKED: &str = "VCF Operations refused the login with a page and did not check the password: accounts of VCF single \
    sign-on (and of vIDM) cannot log in this way; use a local account with fleet_auth_source \"local\", or an API token \
    (fleet_api_token)";

/// Measured by users of 9.0.2: a name whose suffix is the domain of the source gets the page of single sign-on, although the
/// console accepts it; `DOMAIN\user` and a DN have their password checked.
const UPN: &str = "an account of Active Directory has to be written DOMAIN\\user (or as its DN), even if the console accepts user@domain";

const API_TOKEN: &str = "the identity broker rejects the API token: it may have expired (30 to 180 days) or been revoked, or its \
    user is inactive; make a new one in VCF Operations and set fleet_api_token";

/// A failed login of the account `username`, with its fix.
fn account_refused(error: Error, username: &str) -> Error {
    let Some(evidence) = error.evidence() else { return error };
    match evidence.status.map(|status| status.as_u16()) {
        Some(401) if evidence.is_page => {
            let error = error.with_code(ErrorCode::UpstreamAuth);
            if username.contains('@') { error.hint(format!("{UNCHECKED}; {UPN}")) } else { error.hint(UNCHECKED) }
        }
        Some(_) if error.code() == ErrorCode::UpstreamAuth => error.hint(ACCOUNT),
        Some(404..=405) => error.hint("check the target's URL: VCF Operations does not respond there"),
        _ => error,
    }
}

/// A failed exchange of an API token, with its fix.
fn token_refused(error: Error, broker: &BaseUrl) -> Error {
    match error.upstream_status().map(|status| status.as_u16()) {
        Some(_) if error.code() == ErrorCode::UpstreamAuth => error.hint(API_TOKEN),
        // Some brokers describe the rejection in another form than RFC 6749's.
        Some(400) if error.evidence().is_some_and(|said| !said.is_page) => error.hint(API_TOKEN),
        Some(404..=405) => {
            error.hint(format!("check fleet_broker_url: no identity broker responds at {}", broker.as_str()))
        }
        _ => error,
    }
}

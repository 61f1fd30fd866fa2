//! The three logins: the product's own, an OAuth client, and a domain account through an OAuth client.
//!
//! `system/login` accepts only accounts of the local System Domain (priam's source says so; its users confirmed it). A
//! domain account uses the OAuth password grant with a `domain` field, on a client that was made for it through the API.

mod oauth;
mod system;

use std::time::Duration;

pub(crate) use oauth::OauthToken;
pub(crate) use system::SystemLogin;

use crate::error::{Error, ErrorCode};
use crate::runtime::Runtime;
use crate::secret::{AccessToken, Scheme, Secret, jwt_lifetime};
use crate::upstream::Endpoint;
use crate::upstream::{Destination, Outbound};

use super::api::Vidm;
use super::{Credentials, Target};

/// The assumed lifetime of a token without one.
const UNSAID: Duration = Duration::from_secs(600);

/// A login's result.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) scheme: Scheme,
    pub(crate) token: Secret,
    /// The lifetime in the response, in seconds.
    pub(crate) expires_in: Option<u64>,
}

impl Granted {
    /// The lifetime from the response, else from the token itself, else a cautious guess.
    fn lifetime(&self) -> Duration {
        let said = self.expires_in.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        let said = said.or_else(|| jwt_lifetime(self.token.expose()).filter(|lifetime| !lifetime.is_zero()));
        said.unwrap_or(UNSAID)
    }
}

/// Logs in with `credentials`.
///
/// # Errors
/// `upstream_auth` if they are rejected; otherwise those of any call.
pub(crate) async fn login<R: Runtime>(
    out: &Outbound<'_, R>,
    to: &Destination<'_, Vidm>,
    target: &Target,
) -> Result<AccessToken, Error> {
    let tenant = target.tenant.as_deref();
    // Counted from before the call, so the token expires here first.
    let now = out.runtime().now();
    let granted = match &target.credentials {
        Credentials::System { username, password, scheme } => {
            let endpoint = SystemLogin { username, password, scheme: *scheme };
            out.call(to, &endpoint, None).await.map_err(|e| refused::<SystemLogin<'_>>(e, SYSTEM_HINT, tenant))
        }
        Credentials::Client { id, secret } => {
            let endpoint = OauthToken { client_id: id, client_secret: secret, account: None };
            out.call(to, &endpoint, None).await.map_err(|e| refused::<OauthToken<'_>>(e, CLIENT_HINT, tenant))
        }
        Credentials::Password { client_id, client_secret, username, password, domain } => {
            let account = Some(oauth::Account { username, password, domain });
            let endpoint = OauthToken { client_id, client_secret, account };
            out.call(to, &endpoint, None).await.map_err(|e| refused::<OauthToken<'_>>(e, PASSWORD_HINT, tenant))
        }
    }?;
    let lifetime = granted.lifetime();
    Ok(AccessToken::new(granted.scheme, granted.token, now, lifetime))
}

const SYSTEM_HINT: &str = "check user name and password by logging in to the console with them; this login accepts only \
    local accounts of the System Domain: an Active Directory account needs an OAuth client with the password grant \
    (client id, client secret and domain), and after several wrong passwords the account is locked for a while";

const CLIENT_HINT: &str = "check client id and secret; the OAuth client needs the grant client_credentials and the scope \
    admin (in Omnissa Access an administrator role as well)";

const PASSWORD_HINT: &str = "check client id and secret, then user name, password and domain; the OAuth client needs the \
    grant password, which only the API can set and editing in the console removes, and the scope admin; after \
    several wrong passwords the account is locked for a while";

/// A failed login with its fix. A page keeps its own hint: it says nothing about the credentials.
fn refused<E: Endpoint>(error: Error, hint: &str, tenant: Option<&str>) -> Error {
    let Some(evidence) = error.evidence() else { return error };
    let status = evidence.status.map(|status| status.as_u16());
    if evidence.is_page && matches!(status, Some(400 | 401 | 403)) {
        return error;
    }
    match status {
        // vIDM answers an unknown tenant like a wrong password.
        Some(_) if error.code() == ErrorCode::UpstreamAuth => match tenant {
            Some(tenant) => error.hint(format!("{hint}; check that the tenant in the path is right (vidm_tenant is \"{tenant}\")")),
            None => error.hint(hint),
        },
        Some(400) => error.hint(format!(
            "the response is not in vIDM's error format, so it says nothing about the credentials: check the target's URL, and \
             whether a gateway in front of vIDM lets {} through",
            E::CALL
        )),
        Some(404..=405 | 407..=414 | 416..=428) => error.hint(format!(
            "{} was not found: check the target's URL, and whether the tenant belongs in the path (vidm_tenant)",
            E::CALL
        )),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    #[test]
    fn lifetime_comes_from_response_token_or_default() {
        let jwt =
            |iat: u64, exp: u64| format!("e30.{}.s", URL_SAFE_NO_PAD.encode(format!(r#"{{"iat":{iat},"exp":{exp}}}"#)));
        for (expires_in, token, seconds) in [
            (Some(10_799), jwt(0, 5), 10_799),
            (Some(0), jwt(100, 3_700), 3_600),
            (None, jwt(1_608_207_386, 1_608_236_186), 28_800),
            (None, jwt(7, 7), 600),
            (None, "opaque".to_owned(), 600),
        ] {
            let granted = Granted { scheme: Scheme::Bearer, token: Secret::new(token), expires_in };
            assert_eq!(granted.lifetime(), Duration::from_secs(seconds), "{expires_in:?}");
        }
    }
}

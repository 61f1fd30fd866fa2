//! How an account of SDDC Manager logs in, renews its token and ends its refresh token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::LocalBoxFuture;
use sha2::{Digest as _, Sha256};

use super::{Client, Credentials, gateway, tokens};
use crate::error::{Error, Result};
use crate::runtime::Runtime;
use crate::secret::{AccessToken, Secret};
use crate::upstream::{Login, Tokens};

/// The account of a client's target.
pub(super) struct Account<'c, 'a, R>(pub(super) &'c Client<'a, R>);

impl<R: Runtime> Login for Account<'_, '_, R> {
    fn log_in(&self) -> LocalBoxFuture<'_, Result<Tokens, Error>> {
        Box::pin(async {
            match &self.0.target.credentials {
                Credentials::Account { username, password } => self.0.create_tokens(username, password).await,
                Credentials::RefreshToken(token) => {
                    self.0.refresh(token).await.map_err(tokens::expired).map_err(gateway::explained).map(Tokens::from)
                }
            }
        })
    }

    fn renew(&self, refresh_token: Secret) -> LocalBoxFuture<'_, Result<AccessToken, Error>> {
        Box::pin(async move { self.0.refresh(&refresh_token).await })
    }

    fn revoke(&self, refresh_token: Secret) -> LocalBoxFuture<'_, ()> {
        Box::pin(async move {
            let (to, refresh_token) = (self.0.destination(), &refresh_token);
            let revoke = async |form| self.0.out.call(&to, &tokens::Revoke { refresh_token, form }, None).await;
            // If it fails, the refresh token expires within a day.
            let _ = either_form(revoke).await;
        })
    }
}

impl<R: Runtime> Client<'_, R> {
    async fn create_tokens(&self, username: &str, password: &Secret) -> Result<Tokens> {
        let now = self.out.runtime().now();
        let pair = self.out.call(&self.destination(), &tokens::Create { username, password }, None).await;
        let pair = pair.map_err(tokens::refused).map_err(gateway::explained)?;
        let tokens = Tokens::from(tokens::access_token(pair.access_token, self.out.runtime().now()));
        Ok(match pair.refresh_token {
            Some(refresh_token) => tokens.renewable(refresh_token, now + tokens::REFRESH_LIFETIME),
            None => tokens,
        })
    }

    async fn refresh(&self, refresh_token: &Secret) -> Result<AccessToken> {
        let to = self.destination();
        let refresh = async |form| self.out.call(&to, &tokens::Refresh { refresh_token, form }, None).await;
        Ok(tokens::access_token(either_form(refresh).await?, self.out.runtime().now()))
    }
}

/// A call with a refresh token, as the specification says and, if that is rejected, as the vendor's own PowerShell module
/// sends it.
async fn either_form<T>(call: impl AsyncFn(tokens::Form) -> Result<T>) -> Result<T> {
    match call(tokens::Form::Quoted).await {
        Err(e) if tokens::wants_other_form(&e) => call(tokens::Form::Bare).await,
        done => done,
    }
}

/// The digest of a configured refresh token: it names the account in place of a user name. An id is random, so its digest
/// does not reveal it.
pub(super) fn digest(token: &Secret) -> String {
    let digest: [u8; 32] = Sha256::digest(token.expose()).into();
    URL_SAFE_NO_PAD.encode(digest.get(..18).unwrap_or(&digest))
}

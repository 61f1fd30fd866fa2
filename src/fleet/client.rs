//! The client: sends calls with a token.

use std::cell::{Cell, RefCell};

use bytes::Bytes;

use super::api::Fleet;
use super::login::login;
use super::node_status::GetNodeStatus;
use super::{Cache, Credentials, Target};
use crate::error::{ErrorCode, Result};
use crate::runtime::Runtime;
use crate::secret::AccessToken;
use crate::upstream::{Destination, Endpoint, Outbound, Prepared, SharedToken};

/// The hint if a call rejects the session token of a successful login.
const SESSION_REFUSED: &str = "the login succeeded, but this call rejects its token: check that the account's role in VCF Operations \
    may configure VCF single sign-on";

/// The hint if a call rejects the token that the broker gave for an API token.
const TOKEN_REFUSED: &str = "the identity broker accepted the API token, but VCF Operations rejects the broker's token: VCF Operations \
    accepts such tokens since 9.1; check its version, and that the API token's role is a VCF role such as vcf_administrator";

/// One request's view of a target: cheap to make, dropped with the request.
#[derive(Debug)]
pub struct Client<'a, R> {
    pub(super) target: &'a Target,
    pub(super) cache: &'a Cache,
    pub(super) out: &'a Outbound<'a, R>,
    /// Whether this piece of work has read the list of directories: it does not read it twice.
    pub(super) listed: Cell<bool>,
    /// Why the list that it read lacks the directories of an identity provider.
    pub(super) passed_over: RefCell<Option<String>>,
}

impl<'a, R: Runtime> Client<'a, R> {
    /// A view of `target` through `out`.
    pub fn new(target: &'a Target, cache: &'a Cache, out: &'a Outbound<'a, R>) -> Self {
        Self { target, cache, out, listed: Cell::new(false), passed_over: RefCell::default() }
    }

    fn to(&self) -> Destination<'_, Fleet> {
        Destination { target: &self.target.name, url: &self.target.url, dialect: &() }
    }

    /// Sends `endpoint` with a token and reads its response.
    pub(super) async fn call<E: Endpoint<Api = Fleet>>(&self, endpoint: &E) -> Result<E::Response> {
        let answer = Box::pin(self.send(Prepared::new(&self.to(), endpoint))).await?;
        endpoint.response(answer).map_err(|e| e.at(&self.target.name))
    }

    /// Sends `call` with a token; logs in first if there is none.
    async fn send(&self, call: Result<Prepared<'_>>) -> Result<http::Response<Bytes>> {
        let call = call?;
        let to = self.to();
        let log_in = async || login(self.out, &to, self.target).await;
        let send = async |token: AccessToken| self.out.send(&call, Some(&token)).await;
        let done = self.cache.session.with_token(&self.shared_token(), log_in, send).await;
        done.map_err(|e| match e.code() {
            // A rejected login has its own hint. VCF Operations answers with a page or with JSON; both mean the token.
            ErrorCode::UpstreamAuth if e.evidence().is_some_and(|said| !said.is_login) => {
                e.hint(match self.target.credentials {
                    Credentials::Account { .. } => SESSION_REFUSED,
                    Credentials::ApiToken { .. } => TOKEN_REFUSED,
                })
            }
            _ => e,
        })
    }

    /// The state of VCF Operations' node, in its own word. Needs no login.
    ///
    /// # Errors
    /// Those of the call.
    pub async fn node_status(&self) -> Result<String> {
        self.out.call(&self.to(), &GetNodeStatus, None).await
    }

    fn shared_token(&self) -> SharedToken<'_, R> {
        SharedToken::new(self.out.store(), self.target.account())
    }

    /// Allows one more login after rejected ones, at once. Returns whether there were any.
    pub(crate) async fn allow_login(&self) -> bool {
        self.cache.session.allow_attempt(&self.shared_token()).await
    }
}

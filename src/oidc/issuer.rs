//! An issuer of tokens and the calls that read its keys.

use bytes::Bytes;
use http::{Method, Request, Response};
use serde::Deserialize;

use super::jwk::{self, Jwk};
use crate::error::{Error, UpstreamEvidence};
use crate::retry::Repeat;
use crate::runtime::Runtime;
use crate::upstream::{Api, BaseUrl, Destination, Endpoint, Outbound, bare, invalid, read_json};

/// An issuer from the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Issuer {
    /// Its name, exactly as its tokens have it in `iss`.
    pub(crate) name: String,
    /// Where its keys are.
    pub(crate) keys: KeysAt,
}

/// Where an issuer's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeysAt {
    /// At this address: its origin, and its path with the query.
    Address(BaseUrl, String),
    /// Where the issuer's discovery document says. The issuer's name as its origin, and its path without a slash at the end.
    Discovery(BaseUrl, String),
}

impl Issuer {
    /// Reads its keys: one call if the configuration has their address, otherwise two. Also returns the document, for the store.
    ///
    /// # Errors
    /// A failed call; `upstream_invalid` if a document does not have the form of OpenID Connect Discovery 1.0 or RFC 7517.
    pub(super) async fn read_keys<R: Runtime>(&self, out: &Outbound<'_, R>) -> Result<(Vec<Jwk>, Bytes), Error> {
        let discovered;
        let (url, path) = match &self.keys {
            KeysAt::Address(url, path) => (url, path),
            KeysAt::Discovery(url, path) => {
                discovered = out.call(&self.at(url), &Discovery { issuer: &self.name, url, path }, None).await?;
                (&discovered.0, &discovered.1)
            }
        };
        out.call(&self.at(url), &KeySet(path), None).await
    }

    fn at<'i>(&'i self, url: &'i BaseUrl) -> Destination<'i, Provider> {
        Destination { target: &self.name, url, dialect: &() }
    }
}

/// An issuer as an upstream. Its errors have no common format.
struct Provider;

impl Api for Provider {
    type Dialect = ();

    fn read_error(_: &[u8]) -> Option<UpstreamEvidence> {
        None
    }
}

/// OpenID Connect Discovery 1.0, section 4.
struct Discovery<'i> {
    issuer: &'i str,
    url: &'i BaseUrl,
    path: &'i str,
}

impl Endpoint for Discovery<'_> {
    type Api = Provider;
    type Response = (BaseUrl, String);

    const CALL: &'static str = "GET /.well-known/openid-configuration";
    const REPEAT: Repeat = Repeat::Always;
    // The sender of a token gets the error before it is proven, so the error must not quote the response.
    const IS_LOGIN: bool = true;

    fn request(&self, (): &()) -> Result<Request<Bytes>, Error> {
        bare(Method::GET, &format!("{}/.well-known/openid-configuration", self.path), "application/json")
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Self::Response, Error> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }
        let document: Document = read_json(Self::CALL, &answer)?;
        // Section 4.3: they must be identical.
        if document.issuer != self.issuer {
            return Err(invalid(Self::CALL, &answer, "its issuer is another one")
                .hint("in oidc_callers, write the issuer exactly as its tokens and its discovery document have it"));
        }
        match BaseUrl::split(&document.jwks_uri) {
            Some((url, path)) if url.origin() == self.url.origin() => Ok((url, path)),
            _ => Err(invalid(Self::CALL, &answer, "its jwks_uri is at another host")
                .hint(
                    "set keysUrl in this issuer's entries of oidc_callers to an address of its keys that idhook can reach: that of \
                     jwks_uri, or inside a Kubernetes cluster https://kubernetes.default.svc/openid/v1/jwks",
                )),
        }
    }
}

/// A JSON Web Key Set (RFC 7517, section 5).
struct KeySet<'i>(&'i str);

impl Endpoint for KeySet<'_> {
    type Api = Provider;
    type Response = (Vec<Jwk>, Bytes);

    const CALL: &'static str = "GET jwks_uri";
    const REPEAT: Repeat = Repeat::Always;
    const IS_LOGIN: bool = true;

    fn request(&self, (): &()) -> Result<Request<Bytes>, Error> {
        bare(Method::GET, self.0, "application/jwk-set+json, application/json")
    }

    fn response(&self, answer: Response<Bytes>) -> Result<Self::Response, Error> {
        match jwk::read(answer.body()) {
            Some(keys) => Ok((keys, answer.into_body())),
            None => Err(invalid(Self::CALL, &answer, "it is not a JSON Web Key Set with an RSA or P-256 key")
                .hint("check the issuer, and keysUrl if it is set, in oidc_callers")),
        }
    }
}

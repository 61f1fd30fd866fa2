//! Authentication: an API key, in any of the three ways to send one, a signature, or the certificate of the connection.

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::certificate_caller;
use super::client_address::ClientAddress;
use super::log::LogLine;
use super::route::{Access, Matched};
use super::signature::{self, Signed};
use crate::api_key;
use crate::config::{ApiKey, Config, Grant, Scope, in_quotes};
use crate::error::{Error, ErrorCode, FieldError};
use crate::http::only_value;
use crate::runtime::rfc3339;
use crate::template::is_unfilled;

/// An authenticated caller.
#[derive(Debug)]
pub(super) struct Caller<'c> {
    grant: &'c Grant,
    key: usize,
}

/// The caller according to the request's head.
#[derive(Debug)]
pub(super) enum Claim<'c> {
    /// Proven by the head alone.
    Proven(Caller<'c>),
    /// To be proven by the body.
    Signed(Signed<'c>),
}

impl<'c> Claim<'c> {
    /// Finds the caller by `Authorization: Bearer KEY`, `X-API-Key: KEY` or `Authorization: Basic name:KEY`; without a key,
    /// by its signature; without both, by its client certificate, which clients in a service mesh send with every request.
    ///
    /// # Errors
    /// `request_invalid` if a header that holds a key occurs twice: a proxy may have checked the other one.
    /// `unauthenticated` or `signature_invalid` if no caller is proven.
    pub(super) fn of(request: &Parts, config: &'c Config, now: SystemTime, line: &mut LogLine) -> Result<Self, Error> {
        for name in [AUTHORIZATION, HeaderName::from_static("x-api-key")] {
            if request.headers.get_all(&name).iter().nth(1).is_some() {
                let detail = format!("the header {name} occurs more than once");
                return Err(Error::invalid(vec![FieldError::new("", detail)]).hint("send one credential"));
            }
        }
        if let Some(presented) = presented(&request.headers) {
            return of_key(config, &presented, now).map(|(_, caller)| Self::Proven(caller));
        }
        if let Some(claim) = signature::claim(request, &config.senders, now)? {
            return Ok(claim);
        }
        match certificate_caller::caller(config, &request.headers, now, line)? {
            Some(caller) => Ok(Self::Proven(caller)),
            None => Err(no_credential(&request.headers)),
        }
    }

    /// The caller, if it is proven.
    pub(super) fn proven(&self) -> Option<&Caller<'c>> {
        match self {
            Self::Proven(caller) => Some(caller),
            Self::Signed(_) => None,
        }
    }
}

impl<'c> Caller<'c> {
    /// The caller that `grant` names, authenticated by the key or secret at index `key` of its entry.
    pub(super) fn new(grant: &'c Grant, key: usize) -> Self {
        Self { grant, key }
    }

    /// The index of the key or secret in its entry, for the log.
    pub(super) fn key(&self) -> usize {
        self.key
    }

    pub(super) fn name(&self) -> &str {
        &self.grant.name
    }

    /// Whether it has `scope`.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.grant.scopes.contains(&scope)
    }

    /// Rejects a caller without the scope, or without this target.
    pub(super) fn require(&self, access: Access, matched: &Matched) -> Result<(), Error> {
        if let Some(scope) = access.filter(|scope| !self.may(*scope)) {
            return Err(self.lacks(scope));
        }
        match (matched.row.kind(), matched.target()) {
            // An unreplaced placeholder is reported later; nothing is done for it.
            (Some(kind), Some(name)) if !is_unfilled(name) => self.require_target(kind.as_str(), name),
            _ => Ok(()),
        }
    }

    /// Rejects a caller whose request comes from elsewhere than its entry allows.
    pub(super) fn require_address(&self, address: Option<ClientAddress>) -> Result<(), Error> {
        if self.grant.is_from(address.map(ClientAddress::ip)) {
            return Ok(());
        }
        let name = &self.grant.name;
        Err(match address {
            Some(address) => Error::new(ErrorCode::Forbidden, format!("caller {name} is not allowed from the address {}", address.ip()))
                .hint(format!(
                    "add the address to from in this caller's entry in {}; if it is your proxy's, set client_address_header, and check the \
                     proxy's key if proxy_key_sha256 is set",
                    self.grant.variable
                )),
            None => Error::new(ErrorCode::Forbidden, format!("caller {name} is allowed from some addresses only, and this request's address is unknown"))
                .hint("set client_address_header to the header in which your own proxy writes the client's address; with proxy_key_sha256 it \
                       counts only beside the proxy's key, so send the request through the proxy and check that both have the same key"),
        })
    }

    /// Rejects a caller that may not use this target.
    pub(super) fn require_target(&self, kind: &str, name: &str) -> Result<(), Error> {
        if self.grant.is_for(kind, name) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Forbidden, format!("caller {} is not allowed to use this target", self.grant.name))
            .hint(format!("add the target to this caller's entry in {}, or use another caller", self.grant.variable)))
    }

    /// The rejection for a missing scope.
    pub(super) fn lacks(&self, scope: Scope) -> Error {
        Error::new(ErrorCode::Forbidden, format!("caller {} lacks the scope {scope}", self.grant.name))
            .hint(format!("add {scope} to this caller's scopes in {}, or use another caller", self.grant.variable))
    }
}

/// The caller that an API key belongs to, with the key's entry.
///
/// # Errors
/// `unauthenticated` if no entry has the key, or it has expired.
pub(super) fn of_key<'c>(config: &'c Config, key: &[u8], now: SystemTime) -> Result<(&'c ApiKey, Caller<'c>), Error> {
    let Some(entry) = ApiKey::find(&config.api_keys, key) else { return Err(unknown_key(key)) };
    // Only a caller that has the key learns that it exists.
    match entry.not_after.filter(|_| entry.has_expired(now)) {
        Some(end) => Err(Error::new(
            ErrorCode::Unauthenticated,
            format!("the API key of {} expired at {}", entry.grant.name, rfc3339(end)),
        )
        .hint("make a new key with cargo xtask key, and add its digest to api_keys with a later notAfter or none")),
        None => Ok((entry, Caller::new(&entry.grant, entry.which(key).unwrap_or_default()))),
    }
}

/// The JSON Web Token in `Authorization: Bearer`, unless the request also has an `X-API-Key`, which counts before it, or several
/// credentials.
pub(super) fn bearer_token(request: &Parts) -> Option<&str> {
    let value = only_value(&request.headers, AUTHORIZATION)?;
    if request.headers.get("x-api-key").is_some_and(|key| !key.as_bytes().trim_ascii().is_empty()) {
        return None;
    }
    let (scheme, token) = scheme_and_credentials(value)?;
    let token = str::from_utf8(token).ok().filter(|token| token.is_ascii())?;
    (is_bearer(scheme) && is_jwt(token)).then_some(token)
}

/// Whether there is a Bearer token, valid or not.
pub(super) fn has_bearer(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().filter_map(scheme_and_credentials).any(|(scheme, _)| is_bearer(scheme))
}

fn is_bearer(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"bearer")
}

/// The two parts of an `Authorization`, without blanks around them.
fn scheme_and_credentials(value: &HeaderValue) -> Option<(&[u8], &[u8])> {
    let value = value.as_bytes().trim_ascii();
    let (scheme, credentials) = value.split_at_checked(value.iter().position(|byte| *byte == b' ')?)?;
    Some((scheme, credentials.trim_ascii()))
}

/// Whether `text` has the form of a signed JSON Web Token (RFC 7519).
fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3
}

/// Rejects a change that another site's web page requests: browsers add stored credentials (Basic, client certificates), and
/// name where the page is from: in `Sec-Fetch-Site` (Fetch Metadata), and without TLS, where they do not send that, in `Origin`
/// (RFC 6454). Programs send neither, but for senders of CloudEvents, whose `Origin` is their bare name. `is_sender`: whether this
/// is the name of one that may deliver here.
///
/// # Errors
/// `forbidden`.
pub(super) fn refuse_other_sites(request: &Parts, is_sender: impl Fn(&str) -> bool) -> Result<(), Error> {
    match request.method {
        Method::GET | Method::HEAD | Method::OPTIONS => Ok(()),
        _ => refuse_pages_of_other_sites(&request.headers).and_then(|()| refuse_other_origins(request, is_sender)),
    }
}

/// [`refuse_other_sites`] by `Origin` alone. Only hosts are compared: a proxy may pass `Host` on without the port, and end TLS.
pub(super) fn refuse_other_origins(request: &Parts, is_sender: impl Fn(&str) -> bool) -> Result<(), Error> {
    if request.headers.contains_key("sec-fetch-site") {
        return Ok(());
    }
    // The authority may be the address that the host listens on.
    let sent_to = request.headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let own = sent_to.as_ref().map(Authority::host).or(request.uri.host());
    let host_of = |origin: &HeaderValue| origin.to_str().ok()?.parse::<Uri>().ok()?.host().map(str::to_owned);
    let is_own = |origin| host_of(origin).is_some_and(|host| own.is_some_and(|own| own.eq_ignore_ascii_case(&host)));
    if request.headers.get_all(ORIGIN).iter().all(is_own) {
        return Ok(());
    }
    // Browsers write `null`, or a scheme in front of the host.
    let name = only_value(&request.headers, ORIGIN).and_then(|origin| origin.to_str().ok());
    if name.is_some_and(|name| name != "null" && !name.contains(':') && is_sender(name)) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Forbidden, "another site's web page requests this change (Origin)").hint(
        "call idhook from a program, or from the page that idhook itself serves; behind a proxy, pass the Host header on",
    ))
}

/// The same whatever the method is: for a `GET` that has an effect.
///
/// # Errors
/// `forbidden`.
pub(super) fn refuse_pages_of_other_sites(headers: &HeaderMap) -> Result<(), Error> {
    let sites = headers.get_all("sec-fetch-site").iter();
    let is_other = |site: &[u8]| {
        let word = site.trim_ascii();
        word.eq_ignore_ascii_case(b"cross-site") || word.eq_ignore_ascii_case(b"same-site")
    };
    if !sites.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).any(is_other) {
        return Ok(());
    }
    Err(Error::new(ErrorCode::Forbidden, "another site's web page requests this change (Sec-Fetch-Site)")
        .hint("call idhook from a program, or from the page that idhook itself serves"))
}

/// The rejection of a request without anything that proves its caller.
fn no_credential(headers: &HeaderMap) -> Error {
    const HOW: &str = "send it as Authorization: Bearer KEY, as X-API-Key: KEY, or as the password of Basic authentication; or \
                       sign the request with a secret of webhook_secrets";
    match signature::unread(headers).as_slice() {
        [] if headers.get(AUTHORIZATION).is_some_and(|value| api_key::is_in(value.as_bytes())) => Error::new(
            ErrorCode::Unauthenticated,
            "the Authorization header has an API key without the word Bearer before it",
        )
        .hint("write Authorization: Bearer KEY"),
        [] => Error::new(ErrorCode::Unauthenticated, "no API key came with the request").hint(HOW),
        names => {
            let names = names.join(", ");
            let detail = format!("no API key came with the request, and the signature in {names} is not supported");
            Error::new(ErrorCode::Unauthenticated, detail).hint(format!(
                "supported are {}; a sender without one of these needs an API key: {HOW}",
                signature::READ
            ))
        }
    }
}

/// The rejection of a key that is not configured.
fn unknown_key(presented: &[u8]) -> Error {
    let error = |detail| Error::new(ErrorCode::Unauthenticated, detail);
    match api_key::check(presented) {
        api_key::Form::Broken => error("the API key is mistyped or truncated: its checksum is wrong")
            .hint("copy the whole key, with idh_; it has 53 characters"),
        api_key::Form::Whole => error("the API key is not configured").hint(
            "add the key's SHA-256 digest to api_keys (printf %s \"$KEY\" | sha256sum), or use a key of this idhook",
        ),
        api_key::Form::Other if str::from_utf8(presented).is_ok_and(is_jwt) => {
            error("the JSON Web Token is of an issuer that is not configured")
                .hint("add the token's issuer (its claim iss) to oidc_callers, or send an API key")
        }
        api_key::Form::Other if api_key::is_in(presented) => error("there is more in the header than the API key")
            .hint("send the key alone, without quotes, and the word Bearer once: Authorization: Bearer KEY"),
        api_key::Form::Other if presented.starts_with(b"$") || presented.starts_with(b"%") => {
            error("the API key is the name of a variable that the shell did not replace")
                .hint("put the header in double quotes; PowerShell: $env:IDHOOK_KEY, cmd.exe: %IDHOOK_KEY%")
        }
        api_key::Form::Other if str::from_utf8(presented).is_ok_and(in_quotes) => {
            error("the API key is in quotes").hint("send the key alone: Authorization: Bearer KEY")
        }
        api_key::Form::Other => error("the API key is not configured")
            .hint("check the key, and that api_keys holds its SHA-256 digest (printf %s \"$KEY\" | sha256sum)"),
    }
}

/// The key as sent. `X-API-Key` comes first: proxies may add an `Authorization` of their own.
fn presented(headers: &HeaderMap) -> Option<Vec<u8>> {
    let header = headers.get("x-api-key").map(|key| key.as_bytes().trim_ascii().to_vec());
    // An empty key counts as none: the sender's variable is not set.
    header.filter(|key| !key.is_empty()).or_else(|| authorization(headers).filter(|key| !key.is_empty()))
}

fn authorization(headers: &HeaderMap) -> Option<Vec<u8>> {
    let (scheme, credentials) = scheme_and_credentials(headers.get(AUTHORIZATION)?)?;
    if is_bearer(scheme) {
        return Some(credentials.to_vec());
    }
    if scheme.eq_ignore_ascii_case(b"basic") {
        let pair = STANDARD.decode(credentials).ok()?;
        let colon = pair.iter().position(|byte| *byte == b':')?;
        return pair.get(colon + 1..).map(<[u8]>::to_vec);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::route;
    use super::*;

    /// Callers, one per line: scopes and targets.
    const CALLERS: [(&[Scope], Option<&[&str]>); 17] = [
        (Scope::ALL, None),
        (Scope::ALL, Some(&["default"])),
        (Scope::ALL, Some(&["vidm/default"])),
        (Scope::ALL, Some(&["vcf/default"])),
        (Scope::ALL, Some(&["other"])),
        (Scope::ALL, Some(&["vidm/other", "vcf/other"])),
        (Scope::ALL, Some(&[])),
        (&[], None),
        (&[Scope::VidmRead], None),
        (&[Scope::VidmSync], None),
        (&[Scope::VidmOverride], None),
        (&[Scope::VcfRead], None),
        (&[Scope::VcfWrite], None),
        (&[Scope::FleetRead], None),
        (&[Scope::FleetSync, Scope::FleetProfile], Some(&["fleet/default"])),
        (&[Scope::Admin], None),
        (&[Scope::Admin], Some(&["vcf/default"])),
    ];

    #[test]
    fn callers_reach_only_routes_of_their_scopes_and_targets() {
        let (mut allowed, mut refused) = (0, 0);
        for (scopes, targets) in CALLERS {
            let targets = targets.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            let grant = Grant { name: "a".into(), scopes: scopes.to_vec(), targets, from: None, variable: "api_keys" };
            for row in route::ROWS {
                let path = row.path.replace("{target}", "default").replace(['{', '}'], "");
                let matched = route::find(&path).unwrap();
                for operation in row.operations {
                    // The expectation, written independently from the path that a caller uses.
                    let kind = path.split('/').nth(1).filter(|kind| ["vidm", "vcf", "fleet"].contains(kind));
                    let is_for = match (&grant.targets, kind) {
                        (None, _) | (_, None) => true,
                        (Some(names), Some(kind)) => {
                            names.iter().any(|n| n == "default" || *n == format!("{kind}/default"))
                        }
                    };
                    let expected = operation.scope.is_none_or(|scope| scopes.contains(&scope)) && is_for;
                    let admitted = Caller::new(&grant, 0).require(operation.scope, &matched);
                    assert_eq!(admitted.is_ok(), expected, "{grant:?} {} {path}", operation.method);
                    assert!(admitted.is_ok() || admitted.unwrap_err().code() == ErrorCode::Forbidden);
                    *if expected { &mut allowed } else { &mut refused } += 1;
                }
            }
        }
        assert!(allowed > 100 && refused > 100, "{allowed} {refused}");
    }

    #[test]
    fn placeholder_in_a_path_does_not_stand_in_for_a_scope_or_target() {
        let targets = Some(vec!["vcf/default".to_owned()]);
        let grant =
            Grant { name: "a".into(), scopes: vec![Scope::VidmRead], targets, from: None, variable: "api_keys" };
        let require = |path, scope| Caller::new(&grant, 0).require(Some(scope), &route::find(path).unwrap());
        assert!(require("/vidm/default/v1/directories/${x}", Scope::VidmRead).is_err());
        assert!(require("/vidm/${x}/v1/directories", Scope::Admin).is_err());
        assert!(require("/vidm/${x}/v1/directories", Scope::VidmRead).is_ok());
    }

    fn with(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn key_is_read_from_three_headers() {
        for headers in [
            with("authorization", "Bearer k:1"),
            with("authorization", "bearer  k:1 "),
            with("x-api-key", "k:1"),
            with("authorization", &format!("Basic {}", STANDARD.encode("anybody:k:1"))),
        ] {
            assert_eq!(presented(&headers).unwrap(), b"k:1", "{headers:?}");
        }
    }

    #[test]
    fn other_headers_hold_no_key() {
        for value in ["k", "Bearer", "Basic !!!", "Basic bm9jb2xvbg==", "Digest k"] {
            assert_eq!(presented(&with("authorization", value)), None, "{value}");
        }
        for headers in [
            with("x-api-key", ""),
            with("x-api-key", " "),
            with("authorization", "Bearer "),
            with("authorization", "Bearer  "),
            with("authorization", &format!("Basic {}", STANDARD.encode("anybody:"))),
            HeaderMap::new(),
        ] {
            assert_eq!(presented(&headers), None, "{headers:?}");
        }
        let mut both = with("x-api-key", "");
        both.insert("authorization", "Bearer k:1".parse().unwrap());
        assert_eq!(presented(&both).unwrap(), b"k:1");
    }

    #[test]
    fn token_is_read_from_one_bearer_header_only() {
        let presented = |headers: &[(&str, &str)]| {
            let mut request = http::Request::get("/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            bearer_token(&request.body(()).unwrap().into_parts().0).map(str::to_owned)
        };
        for value in ["Bearer eyJh.b.c", "bearer  eyJh.b.c "] {
            assert_eq!(presented(&[("authorization", value)]).as_deref(), Some("eyJh.b.c"), "{value}");
        }
        for headers in [
            &[("authorization", "Basic eyJh.b.c")][..],
            &[("authorization", "eyJh.b.c")],
            &[("authorization", "Bearer idh_x")],
            &[("authorization", "Bearer eyJh.b")],
            &[("authorization", "Bearer eyJh.b.c.d")],
            &[("x-api-key", "eyJh.b.c")],
            &[("x-api-key", "k"), ("authorization", "Bearer eyJh.b.c")],
            &[("authorization", "Bearer eyJh.b.c"), ("authorization", "Bearer eyJh.b.c")],
        ] {
            assert_eq!(presented(headers), None, "{headers:?}");
        }
        assert!(presented(&[("x-api-key", " "), ("authorization", "Bearer eyJh.b.c")]).is_some());
    }
}

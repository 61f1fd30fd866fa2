//! The mount point: the part of a path that belongs to the host or proxy, not to idhook's routes.
//!
//! It comes from two sources. Under Spin it is the component's route (`route = "/idhook/..."`), elsewhere the variable
//! `base_path`. A proxy may keep the base in the path or remove it: both work. Every path that idhook returns (Location,
//! `links`) begins with it.

use http::request::Parts;
use http::{HeaderMap, Request};

use super::client_address::ClientAddress;

/// The longest base path, in bytes.
const MAX_BASE: usize = 128;

/// The base path under which the host routes requests to idhook. A binding adds it to the request's extensions if its host
/// reports one; headers from the caller are not used.
///
/// ```
/// use idhook::webhook::BasePath;
///
/// let mut request = http::Request::get("/idhook/healthz").body(()).unwrap();
/// request.headers_mut().append("spin-raw-component-route", "/idhook/...".parse().unwrap());
/// request.headers_mut().append("spin-path-info", "/healthz".parse().unwrap());
/// let base = BasePath::of_spin(request.headers(), request.uri().path()).unwrap();
/// assert_eq!(base.as_str(), "/idhook");
/// request.extensions_mut().insert(base);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BasePath(String);

impl BasePath {
    /// Spin's report for a component whose route ends in a wildcard: `spin-raw-component-route` is the route,
    /// `spin-path-info` the part that the wildcard matched. Spin appends its values to any that the caller sent, so the last
    /// ones count. `None` if the route is `/...` or has no wildcard. Only for a binding that runs under Spin.
    #[must_use]
    pub fn of_spin(headers: &HeaderMap, path: &str) -> Option<Self> {
        let last = |name: &str| headers.get_all(name).iter().next_back()?.to_str().ok();
        let rest =
            last("spin-path-info").filter(|_| last("spin-raw-component-route").is_some_and(|r| r.ends_with("/...")))?;
        let base = path.strip_suffix(rest)?.trim_end_matches('/');
        (base.starts_with('/') && base.len() <= MAX_BASE && (rest.is_empty() || rest.starts_with('/')))
            .then(|| Self(base.to_owned()))
    }

    /// The path, with a leading slash and no trailing one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Adds Spin's reports about a request to its extensions: the client's address, and the mount point. Only for a binding that
/// runs under Spin: elsewhere the caller controls these headers.
pub fn add_reports_of_spin<B>(request: &mut Request<B>) {
    let address = ClientAddress::of_spin(request.headers());
    let base = BasePath::of_spin(request.headers(), request.uri().path());
    if let Some(address) = address {
        request.extensions_mut().insert(address);
    }
    if let Some(base) = base {
        request.extensions_mut().insert(base);
    }
}

/// A request's path, split.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mounted<'p> {
    /// The prefix of every returned path; empty at the root.
    pub(super) base: &'p str,
    /// The path as the routes expect it.
    pub(super) path: &'p str,
}

/// Splits a request's path; `configured` is the variable `base_path`, or empty.
pub(super) fn mounted<'p>(request: &'p Parts, configured: &'p str) -> Mounted<'p> {
    let path = request.uri.path();
    let (hosts, path) = match request.extensions.get::<BasePath>() {
        Some(BasePath(base)) => below(path, base).map_or(("", path), |rest| (base.as_str(), rest)),
        None => ("", path),
    };
    match configured {
        "" => Mounted { base: hosts, path },
        base => Mounted { base, path: below(path, base).unwrap_or(path) },
    }
}

/// The routes' form of a returned path.
pub(super) fn route_of<'p>(place: &'p str, base: &str) -> &'p str {
    let path = place.split('?').next().unwrap_or_default();
    below(path, base).unwrap_or(path)
}

/// The part of `path` below `base`.
fn below<'p>(path: &'p str, base: &str) -> Option<&'p str> {
    path.strip_prefix(base).filter(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn of_spin(path: &str, headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        BasePath::of_spin(&map, path).map(|base| base.0)
    }

    #[test]
    fn spin_reports_the_mount_point() {
        let route = ("spin-raw-component-route", "/idhook/...");
        assert_eq!(of_spin("/idhook/healthz", &[route, ("spin-path-info", "/healthz")]).as_deref(), Some("/idhook"));
        assert_eq!(of_spin("/idhook/", &[route, ("spin-path-info", "/")]).as_deref(), Some("/idhook"));
        let tenant = ("spin-raw-component-route", "/:tenant/idhook/...");
        assert_eq!(of_spin("/a/idhook/x", &[tenant, ("spin-path-info", "/x")]).as_deref(), Some("/a/idhook"));
        // The caller's values of the same headers come first.
        let forged = [("spin-path-info", "/x/healthz"), route, ("spin-path-info", "/healthz")];
        assert_eq!(of_spin("/idhook/x/healthz", &forged).as_deref(), Some("/idhook/x"), "Spin would not report this");
        assert_eq!(of_spin("/idhook/healthz", &forged).as_deref(), Some("/idhook"));
        for (path, headers) in [
            ("/healthz", vec![("spin-raw-component-route", "/..."), ("spin-path-info", "/healthz")]),
            ("/healthz", vec![("spin-raw-component-route", "/healthz"), ("spin-path-info", "")]),
            ("/healthz", vec![route, ("spin-path-info", "/other")]),
            ("/healthz", vec![("spin-path-info", "/healthz")]),
            ("/healthz", vec![]),
        ] {
            assert_eq!(of_spin(path, &headers), None, "{path} {headers:?}");
        }
    }

    #[test]
    fn returned_path_leads_back_to_its_route() {
        assert_eq!(route_of("/idhook/vidm/a/v1/syncs/x?running=202", "/idhook"), "/vidm/a/v1/syncs/x");
        assert_eq!(route_of("/vidm/a/v1/syncs/x", ""), "/vidm/a/v1/syncs/x");
    }

    #[test]
    fn path_is_split_by_host_or_configuration() {
        let divided = |path: &str, host: Option<&str>, configured: &str| {
            let mut request = Request::get(path).body(()).unwrap();
            if let Some(base) = host {
                request.extensions_mut().insert(BasePath(base.to_owned()));
            }
            let (parts, ()) = request.into_parts();
            let Mounted { base, path } = mounted(&parts, configured);
            (base.to_owned(), path.to_owned())
        };
        for (path, host, configured, base, rest) in [
            ("/healthz", None, "", "", "/healthz"),
            ("/idhook/healthz", None, "/idhook", "/idhook", "/healthz"),
            ("/healthz", None, "/idhook", "/idhook", "/healthz"),
            ("/idhookx/healthz", None, "/idhook", "/idhook", "/idhookx/healthz"),
            ("/idhook", None, "/idhook", "/idhook", "/idhook"),
            ("/idhook/", None, "/idhook", "/idhook", "/"),
            ("/a/b/healthz", None, "/a/b", "/a/b", "/healthz"),
            ("/idhook/healthz", Some("/idhook"), "", "/idhook", "/healthz"),
            ("/other/healthz", Some("/idhook"), "", "", "/other/healthz"),
            ("/in/healthz", Some("/in"), "/out", "/out", "/healthz"),
        ] {
            assert_eq!(
                divided(path, host, configured),
                (base.to_owned(), rest.to_owned()),
                "{path} {host:?} {configured}"
            );
        }
    }
}

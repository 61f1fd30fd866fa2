//! Finds the manifest's route for a path, and the headers with which Spin reports the match to the guest.
//!
//! Spin's rules (<https://spinframework.dev/v3/http-trigger>): slashes at either end are ignored, `:name` matches one
//! segment, a trailing `/...` matches the rest or nothing; an exact segment has priority over `:name`, and that over `/...`.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use http::Uri;

/// The routes of one component, best first.
#[derive(Debug)]
pub(crate) struct Router(Vec<Route>);

#[derive(Debug)]
struct Route {
    /// As written in the manifest.
    raw: String,
    segments: Vec<Segment>,
    wildcard: bool,
}

#[derive(Debug)]
enum Segment {
    Exact(String),
    Named(String),
}

/// A path together with the route it matched.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RouteMatch<'a> {
    raw: &'a str,
    named: Vec<(&'a str, &'a str)>,
    trailing: String,
}

impl Router {
    /// Parses the routes as written in the manifest.
    pub(crate) fn new(routes: Vec<String>) -> Result<Self> {
        let mut routes = routes.into_iter().map(Route::parse).collect::<Result<Vec<_>>>()?;
        routes.sort_by_cached_key(Route::rank);
        Ok(Self(routes))
    }

    /// The best route for `path`, if any.
    pub(crate) fn route<'a>(&'a self, path: &'a str) -> Option<RouteMatch<'a>> {
        self.0.iter().find_map(|route| route.matches(path))
    }
}

impl Route {
    fn parse(raw: String) -> Result<Self> {
        let path = raw.strip_suffix('/').unwrap_or(&raw);
        let absolute = format!("/{}", path.trim_start_matches('/'));
        let (prefix, wildcard) = match absolute.strip_suffix("/...").or_else(|| absolute.strip_suffix("/*")) {
            Some(prefix) => (prefix, true),
            None => (absolute.as_str(), false),
        };
        let mut segments = Vec::new();
        for segment in prefix.split('/').filter(|segment| !segment.is_empty()) {
            ensure!(!segment.starts_with('*') && segment != ":", "route {raw:?}: {segment:?} is not a segment");
            segments.push(match segment.strip_prefix(':') {
                Some(name) => Segment::Named(name.to_owned()),
                None => Segment::Exact(segment.to_owned()),
            });
        }
        Ok(Self { raw, segments, wildcard })
    }

    /// Sorts the best route first.
    fn rank(&self) -> Vec<u8> {
        let kinds = self.segments.iter().map(|segment| match segment {
            Segment::Exact(_) => 0,
            Segment::Named(_) => 1,
        });
        kinds.chain(self.wildcard.then_some(2)).collect()
    }

    fn matches<'a>(&'a self, path: &'a str) -> Option<RouteMatch<'a>> {
        let mut rest = Some(path.trim_matches('/')).filter(|path| !path.is_empty());
        let mut named = Vec::new();
        for segment in &self.segments {
            let (first, after) = match rest?.split_once('/') {
                Some((first, after)) => (first, Some(after)),
                None => (rest?, None),
            };
            match segment {
                Segment::Exact(exact) if exact == first => {}
                Segment::Named(name) if !first.is_empty() => named.push((name.as_str(), first)),
                Segment::Exact(_) | Segment::Named(_) => return None,
            }
            rest = after;
        }
        if !self.wildcard && rest.is_some() {
            return None;
        }
        let trailing = match (self.wildcard, rest, path.ends_with('/')) {
            (false, ..) | (true, None, false) => String::new(),
            (true, None, true) => "/".to_owned(),
            (true, Some(rest), false) => format!("/{rest}"),
            (true, Some(rest), true) => format!("/{rest}/"),
        };
        Some(RouteMatch { raw: &self.raw, named, trailing })
    }
}

impl RouteMatch<'_> {
    /// The `spin-*` request headers for the match.
    pub(crate) fn headers(&self, uri: &Uri, host: &str, client: SocketAddr) -> Vec<(String, String)> {
        let path_and_query = uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = vec![
            ("spin-path-info".to_owned(), self.trailing.clone()),
            ("spin-full-url".to_owned(), format!("{}://{host}{path_and_query}", uri.scheme_str().unwrap_or("http"))),
            ("spin-matched-route".to_owned(), self.matched()),
            ("spin-base-path".to_owned(), "/".to_owned()),
            ("spin-raw-component-route".to_owned(), self.raw.to_owned()),
            ("spin-component-route".to_owned(), self.raw.strip_suffix("/...").unwrap_or(self.raw).to_owned()),
            ("spin-client-addr".to_owned(), client.to_string()),
        ];
        for (name, value) in &self.named {
            headers.push((
                format!("spin-path-match-{}", name.replace('_', "-").to_ascii_lowercase()),
                (*value).to_owned(),
            ));
        }
        headers
    }

    /// The route as written, with a leading slash and no trailing one.
    fn matched(&self) -> String {
        let absolute = if self.raw.starts_with('/') { self.raw.to_owned() } else { format!("/{}", self.raw) };
        absolute.strip_suffix('/').unwrap_or(&absolute).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::Router;

    fn router(routes: &[&str]) -> Router {
        Router::new(routes.iter().map(|route| (*route).to_owned()).collect()).unwrap()
    }

    #[test]
    fn routes_match_as_in_spin() {
        for (route, path, trailing) in [
            ("/", "/", Some("")),
            ("/", "/a", None),
            ("/a", "/a", Some("")),
            ("/a", "/a/", Some("")),
            ("a", "/a", Some("")),
            ("/a", "/ab", None),
            ("/a", "/a/b", None),
            ("/a/b.json", "/a/b.json", Some("")),
            ("/...", "/", Some("/")),
            ("/...", "/a", Some("/a")),
            ("/...", "/a/b/", Some("/a/b/")),
            ("/a/...", "/a", Some("")),
            ("/a/...", "/a/", Some("/")),
            ("/a/...", "/a/b", Some("/b")),
            ("/a/...", "/ab", None),
            ("/a/...", "/a//b", Some("//b")),
            ("/a/*", "/a/b", Some("/b")),
            ("/a/:id", "/a/7", Some("")),
            ("/a/:id", "/a", None),
            ("/a/:id", "/a/7/b", None),
            ("/a/:id/...", "/a/7/b", Some("/b")),
        ] {
            let router = router(&[route]);
            let trailing = trailing.map(str::to_owned);
            assert_eq!(router.route(path).map(|found| found.trailing), trailing, "{route} {path}");
        }
    }

    #[test]
    fn most_specific_route_wins_in_any_order() {
        for routes in [["/...", "/a/...", "/a/:id", "/a/b", "/a"], ["/a", "/a/b", "/a/:id", "/a/...", "/..."]] {
            let router = router(&routes);
            for (path, route) in [
                ("/", "/..."),
                ("/a", "/a"),
                ("/a/b", "/a/b"),
                ("/a/c", "/a/:id"),
                ("/a/c/d", "/a/..."),
                ("/b", "/..."),
            ] {
                assert_eq!(router.route(path).unwrap().raw, route, "{path}");
            }
        }
    }

    #[test]
    fn guest_gets_headers_about_the_match() {
        let router = router(&["/a/:user_id/..."]);
        let found = router.route("/a/7/b").unwrap();
        let uri = "http://h:1/a/7/b?q=1".parse().unwrap();
        let headers = found.headers(&uri, "h:1", "127.0.0.1:9".parse().unwrap());
        let pairs: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("spin-path-info", "/b"),
                ("spin-full-url", "http://h:1/a/7/b?q=1"),
                ("spin-matched-route", "/a/:user_id/..."),
                ("spin-base-path", "/"),
                ("spin-raw-component-route", "/a/:user_id/..."),
                ("spin-component-route", "/a/:user_id"),
                ("spin-client-addr", "127.0.0.1:9"),
                ("spin-path-match-user-id", "7"),
            ]
        );
    }

    #[test]
    fn wildcard_is_allowed_only_at_the_end() {
        assert!(Router::new(vec!["/a/*b/c".to_owned()]).is_err());
        assert!(Router::new(vec!["/a/:/c".to_owned()]).is_err());
    }
}

//! The base URL of a target.

use std::net::Ipv6Addr;

use http::Uri;

/// The root of a target: scheme, host and port, with no path.
///
/// ```
/// use idhook::upstream::BaseUrl;
///
/// assert_eq!(BaseUrl::parse("https://vidm.example:8443/").unwrap().as_str(), "https://vidm.example:8443");
/// assert!(BaseUrl::parse("https://vidm.example/SAAS").is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Parses `https://host[:port]`; a trailing slash is removed.
    ///
    /// # Errors
    /// The mistake, worded to follow the variable's name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim().trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| "is not a URL; use https://host or https://host:port")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("is not an absolute URL; use https://host or https://host:port");
        };
        if !matches!(scheme, "https" | "http") {
            return Err("has a scheme other than https and http");
        }
        if authority.as_str().contains('@') {
            return Err("contains credentials; move them to the variables for username and password");
        }
        // The parser accepts more: hosts that no resolver does (none, those with an empty label), anything in brackets, any digits
        // as a port.
        let place = authority.as_str();
        let (is_valid, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host.parse::<Ipv6Addr>().is_ok(), port),
            None => {
                let (host, port) = place.split_at(place.find(':').unwrap_or(place.len()));
                (!matches!(host, "" | ".") && !host.contains("..") && !host.contains(['[', ']']), port)
            }
        };
        if !is_valid || !(port.is_empty() || port.starts_with(':')) {
            return Err("has no valid host; use https://host or https://host:port");
        }
        let is_port = |port: &str| !port.starts_with('+') && port.parse::<u16>().is_ok_and(|port| port > 0);
        if port.strip_prefix(':').is_some_and(|port| !is_port(port)) {
            return Err("has a port that is not a number from 1 to 65535");
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || text.contains('#') {
            return Err("has a path; use only https://host or https://host:port, idhook adds the paths");
        }
        Ok(Self(format!("{scheme}://{authority}")))
    }

    /// A URL's origin, and its path and query; `None` if it is no URL, or has a fragment or credentials.
    #[must_use]
    pub(crate) fn split(url: &str) -> Option<(Self, String)> {
        let authority = url.find("://")? + 3;
        let at = url.get(authority..)?.find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
        let (origin, path) = url.split_at_checked(at)?;
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let is_valid = path.parse::<http::uri::PathAndQuery>().is_ok() && !path.contains('#');
        Some((Self::parse(origin).ok().filter(|_| is_valid)?, path))
    }

    /// Whether data sent there is readable in transit: there is no TLS, and it leaves this machine.
    #[must_use]
    pub(crate) fn is_readable_on_its_way(&self) -> bool {
        let Some(authority) = self.0.strip_prefix("http://") else { return false };
        let host = match authority.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => authority.split(':').next().unwrap_or_default(),
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let is_loopback = host.parse::<std::net::IpAddr>().is_ok_and(|address| match address {
            std::net::IpAddr::V4(address) => address.is_loopback(),
            std::net::IpAddr::V6(address) => {
                address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
            }
        });
        !(is_loopback || host == "localhost" || host.ends_with(".localhost"))
    }

    /// The URL, without a trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL for comparison: spellings of one origin (case, default port, the root's dot) are equal.
    pub(crate) fn origin(&self) -> String {
        let lower = self.0.to_ascii_lowercase();
        let (scheme, authority) = lower.split_once("://").unwrap_or(("", &lower));
        let default = if scheme == "http" { ":80" } else { ":443" };
        let host = authority.strip_suffix(default).unwrap_or(authority);
        format!("{scheme}://{}", host.strip_suffix('.').unwrap_or(host))
    }

    pub(super) fn join(&self, relative: &Uri) -> Result<Uri, http::uri::InvalidUri> {
        let path = relative.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        format!("{}{path}", self.0).parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_url_is_reduced_to_its_origin() {
        for (text, read) in [
            ("https://vidm.corp.example", "https://vidm.corp.example"),
            (" https://vidm.corp.example:8443/ ", "https://vidm.corp.example:8443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ] {
            assert_eq!(BaseUrl::parse(text).unwrap().as_str(), read);
        }
        for text in [
            "",
            "vidm",
            "vidm:443",
            "ftp://h",
            "https://h/SAAS",
            "https://h?x",
            "https://h#x",
            "https://u:p@h",
            "https://",
            "https://.",
            "https://a..example",
            "https://:443",
            "https://a[::1]b",
            "https://[::1]b",
            "https://[::1",
            "https://[fe80]",
            "https://[::1]:0",
            "https://h:+1",
            "https://h:8[:4]..",
        ] {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn url_is_split_into_origin_and_rest() {
        for (url, origin, path) in [
            ("https://hooks.corp.example/a/b?c=d", "https://hooks.corp.example", "/a/b?c=d"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "/"),
            ("https://h?x=y", "https://h", "/?x=y"),
        ] {
            let (base, rest) = BaseUrl::split(url).unwrap();
            assert_eq!((base.as_str(), rest.as_str()), (origin, path));
        }
        for url in
            ["", "hooks.corp.example/a", "ftp://h/a", "https://u:p@h/a", "https://h/a#b", "https://h/a b", "https:///a"]
        {
            assert!(BaseUrl::split(url).is_none(), "{url}");
        }
    }
}

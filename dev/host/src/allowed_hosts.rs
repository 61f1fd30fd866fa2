//! `allowed_outbound_hosts`: which destinations the guest may call.
//!
//! An entry is `scheme://host[:port]`; each part may be `*`, a host may be `*.suffix` or a CIDR block, a port may be a
//! half-open range `a..b`, and a port left out is the scheme's default:
//! <https://spinframework.dev/v3/http-outbound#granting-http-permissions-to-components>.

use std::net::IpAddr;
use std::ops::Range;

use anyhow::{Context as _, Result, bail, ensure};
use http::Uri;
use url::{Host, Url};

use crate::variables::Variables;

/// The destinations of one component.
#[derive(Debug, Default)]
pub(crate) struct AllowedHosts {
    entries: Vec<Entry>,
    /// The template that a variable's value made malformed, and its fault.
    malformed: Option<String>,
}

#[derive(Debug)]
struct Entry {
    /// `None`: any.
    scheme: Option<String>,
    host: AllowedHost,
    /// `None`: any.
    port: Option<Range<u32>>,
}

#[derive(Debug)]
enum AllowedHost {
    Any,
    /// With the dot before it.
    Suffix(String),
    /// The application itself, reached with a URL without authority or as `self.alt`.
    ToSelf,
    Literal(Host),
    Network(IpAddr, u8),
}

impl AllowedHosts {
    /// Expands and parses the entries. An entry whose variable is empty is skipped: an optional endpoint. An entry that a
    /// variable's value makes malformed does not prevent the start: as in Spin, every call is then rejected.
    ///
    /// # Errors
    ///
    /// An entry is malformed as written.
    pub(crate) fn parse(entries: &[String], variables: &Variables) -> Result<Self> {
        let mut parsed = Vec::new();
        for entry in entries {
            let expanded =
                variables.expand(entry).with_context(|| format!("allowed_outbound_hosts entry {entry:?}"))?;
            let templated = entry.contains("{{");
            if templated && matches!(expanded.as_str(), "" | "http://" | "https://") {
                continue;
            }
            match Entry::parse(&expanded).with_context(|| format!("allowed_outbound_hosts entry {entry:?}")) {
                Ok(entry) => parsed.push(entry),
                Err(error) if templated => {
                    return Ok(Self { entries: Vec::new(), malformed: Some(format!("{error:#}")) });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Self { entries: parsed, malformed: None })
    }

    /// Why every call is rejected, if a variable's value made an entry malformed. It shows the entry as written, not the
    /// value.
    pub(crate) fn malformed(&self) -> Option<&str> {
        self.malformed.as_deref()
    }

    /// Whether the guest may call this absolute URI.
    pub(crate) fn allows(&self, uri: &Uri) -> bool {
        let Ok(url) = Url::parse(&uri.to_string()) else {
            return false;
        };
        let Some(host) = url.host() else {
            return false;
        };
        let port = url.port().or_else(|| default_port(url.scheme()));
        self.entries.iter().any(|entry| {
            entry.allows_scheme(url.scheme())
                && entry.host.allows(&host.to_owned())
                && entry.port.as_ref().is_none_or(|range| port.is_some_and(|port| range.contains(&u32::from(port))))
        })
    }

    /// Whether the guest may call its own application.
    pub(crate) fn allows_self(&self) -> bool {
        self.entries.iter().any(|entry| {
            (entry.allows_scheme("http") || entry.allows_scheme("https"))
                && matches!(entry.host, AllowedHost::Any | AllowedHost::ToSelf)
        })
    }
}

impl Entry {
    fn parse(entry: &str) -> Result<Self> {
        let (scheme, rest) = entry.trim().split_once("://").context(
            "no scheme: an entry has the form <scheme>://<host>[:<port>], each part may be `*` and `*://*:*` allows all",
        )?;
        let (host, port) = split_port(rest)?;
        let port = match port {
            "" => {
                let port = default_port(scheme).context("the scheme has no default port: add one")?;
                Some(only(port))
            }
            "*" => None,
            port => Some(parse_port(port)?),
        };
        let scheme = match scheme {
            "*" => None,
            scheme if scheme.chars().all(char::is_alphabetic) => Some(scheme.to_owned()),
            _ => bail!("a scheme has letters only"),
        };
        Ok(Self { scheme, host: AllowedHost::parse(host)?, port })
    }

    fn allows_scheme(&self, scheme: &str) -> bool {
        self.scheme.as_deref().is_none_or(|allowed| allowed == scheme)
    }
}

/// Splits `host[:port][/]`; the colons of a bare IPv6 network belong to the host.
fn split_port(rest: &str) -> Result<(&str, &str)> {
    match rest.rsplit_once(':') {
        None => Ok((rest, "")),
        Some((host, "")) => Ok((host, "")),
        Some(_) if AllowedHost::parse(rest).is_ok() => Ok((rest, "")),
        Some((host, port)) => {
            let (port, path) = port.split_once('/').unwrap_or((port, ""));
            ensure!(path.is_empty(), "a path is not allowed in an entry");
            Ok((host, port))
        }
    }
}

fn parse_port(port: &str) -> Result<Range<u32>> {
    let number = |text: &str| text.parse::<u16>().context("a port is a number, a range a..b of numbers, or `*`");
    match port.split_once("..") {
        Some((start, end)) => Ok(u32::from(number(start)?)..u32::from(number(end)?)),
        None => Ok(only(number(port)?)),
    }
}

fn only(port: u16) -> Range<u32> {
    u32::from(port)..u32::from(port) + 1
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}

impl AllowedHost {
    fn parse(host: &str) -> Result<Self> {
        let host = host.trim();
        match host {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::ToSelf),
            _ => {}
        }
        if let Some(network) = parse_network(host) {
            return Ok(network);
        }
        let host = host.strip_suffix('/').unwrap_or(host);
        ensure!(!host.contains('/'), "a path is not allowed in an entry");
        if let Some(domain) = host.strip_prefix("*.") {
            ensure!(!domain.contains('*'), "a wildcard is allowed only at the start of a host");
            let Host::Domain(domain) = Host::parse(domain).context("the part after `*.` is not a domain")? else {
                bail!("the part after `*.` is not a domain");
            };
            return Ok(Self::Suffix(format!(".{domain}")));
        }
        ensure!(!host.contains('*'), "a wildcard is allowed only at the start of a host");
        Ok(Self::Literal(Host::parse(host).context("not a host")?))
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Suffix(suffix), Host::Domain(domain)) => domain.ends_with(suffix),
            (Self::Literal(literal), host) => literal == host,
            (Self::Network(network, length), Host::Ipv4(ip)) => same_network(*network, *length, IpAddr::V4(*ip)),
            (Self::Network(network, length), Host::Ipv6(ip)) => same_network(*network, *length, IpAddr::V6(*ip)),
            (Self::Suffix(_) | Self::Network(..) | Self::ToSelf, _) => false,
        }
    }
}

/// An address, or `address/prefix-length`.
fn parse_network(host: &str) -> Option<AllowedHost> {
    let (address, length) = match host.split_once('/') {
        Some((address, length)) => (address, Some(length.parse().ok()?)),
        None => (host, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let full = if address.is_ipv4() { 32 } else { 128 };
    let length = length.unwrap_or(full);
    (length <= full).then_some(AllowedHost::Network(address, length))
}

fn same_network(network: IpAddr, length: u8, ip: IpAddr) -> bool {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => u128::from(ip.to_bits()) << 96,
        IpAddr::V6(ip) => ip.to_bits(),
    };
    let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
    network.is_ipv4() == ip.is_ipv4() && (bits(network) ^ bits(ip)) & mask == 0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::AllowedHosts;
    use crate::variables::Variables;

    fn parse(entries: &[&str], variables: &[(&str, &str)]) -> anyhow::Result<AllowedHosts> {
        let declared =
            variables.iter().map(|(name, _)| format!("{name} = {{ required = true }}\n")).collect::<String>();
        let given: BTreeMap<_, _> = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let variables = Variables::resolve(&toml::from_str(&declared)?, &given, |_| None)?;
        AllowedHosts::parse(&entries.iter().map(|entry| (*entry).to_owned()).collect::<Vec<_>>(), &variables)
    }

    #[test]
    fn destinations_are_allowed_as_in_spin() {
        for (entry, uri, allowed) in [
            ("https://a.example", "https://a.example/x?y", true),
            ("https://a.example", "https://A.Example/", true),
            ("https://a.example", "https://a.example:443/", true),
            ("https://a.example", "https://user:p@a.example/", true),
            ("https://a.example", "http://a.example/", false),
            ("https://a.example", "https://a.example:8443/", false),
            ("https://a.example", "https://b.a.example/", false),
            ("https://a.example", "https://a.example.evil/", false),
            ("https://a.example", "https://a.example@evil.example/", false),
            ("https://a.example/", "https://a.example/", true),
            ("https://a.example:8443", "https://a.example:8443/", true),
            ("https://a.example:8443/", "https://a.example:8443/", true),
            ("https://a.example:8443", "https://a.example/", false),
            ("https://a.example:*", "https://a.example:1/", true),
            ("https://a.example:8000..8002", "https://a.example:8001/", true),
            ("https://a.example:8000..8002", "https://a.example:8002/", false),
            ("https://*.example", "https://a.b.example/", true),
            ("https://*.example", "https://example/", false),
            ("https://*", "https://anything/", true),
            ("https://*", "http://anything/", false),
            ("*://a.example:*", "http://a.example:99/", true),
            ("*://*:*", "http://127.0.0.1:3/", true),
            ("http://127.0.0.1:80", "http://127.0.0.1/", true),
            ("http://127.0.0.0/8", "http://127.1.2.3/", true),
            ("http://127.0.0.0/8", "http://128.0.0.1/", false),
            ("http://127.0.0.0/8:9", "http://127.1.2.3:9/", true),
            ("http://10.1.2.3/0", "http://1.2.3.4/", true),
            ("http://[::1]:9", "http://[::1]:9/", true),
            ("http://[::1]:9", "http://[::2]:9/", false),
            ("http://::1/128", "http://[::1]/", true),
            ("http://::/0", "http://127.0.0.1/", false),
            ("http://self", "http://self/", false),
            ("http://localhost:9", "http://localhost:9/", true),
            ("http://localhost:9", "http://127.0.0.1:9/", false),
        ] {
            let hosts = parse(&[entry], &[]).unwrap_or_else(|error| panic!("{entry}: {error:#}"));
            assert_eq!(hosts.allows(&uri.parse().unwrap()), allowed, "{entry} {uri}");
        }
    }

    #[test]
    fn calls_without_an_entry_are_rejected() {
        let hosts = AllowedHosts::default();
        assert!(!hosts.allows(&"https://a.example/".parse().unwrap()) && !hosts.allows_self());
    }

    #[test]
    fn own_application_requires_an_entry() {
        for (entry, allowed) in [
            ("http://self", true),
            ("https://self.alt", true),
            ("*://*:*", true),
            ("redis://self", false),
            ("http://a", false),
        ] {
            assert_eq!(parse(&[entry], &[]).unwrap().allows_self(), allowed, "{entry}");
        }
    }

    #[test]
    fn entries_may_be_templates() {
        let variables = [("vidm_url", "https://v.example:8443"), ("host", "h.example"), ("none", "")];
        let hosts =
            parse(&["{{ vidm_url }}", "https://{{ host }}", "{{ none }}", "https://{{ none }}"], &variables).unwrap();
        assert!(hosts.allows(&"https://v.example:8443/x".parse().unwrap()));
        assert!(hosts.allows(&"https://h.example/x".parse().unwrap()));
        assert!(!hosts.allows(&"https://other.example/x".parse().unwrap()));
    }

    #[test]
    fn malformed_entries_are_rejected() {
        for entry in [
            "a.example",
            "*",
            "",
            "https://",
            "https://a/b",
            "https://a:1/b",
            "ftp://a",
            "https://a:x",
            "https://a.*",
            "1s://a:1",
        ] {
            assert!(parse(&[entry], &[]).is_err(), "{entry}");
        }
    }

    #[test]
    fn value_that_breaks_an_entry_rejects_all_calls() {
        let hosts = parse(&["https://a.example", "https://{{ token }}"], &[("token", "hun/ter2")]).unwrap();
        assert!(!hosts.allows(&"https://a.example/".parse().unwrap()));
        let why = hosts.malformed().unwrap();
        assert!(why.contains("{{ token }}") && !why.contains("ter2"), "{why}");
    }
}

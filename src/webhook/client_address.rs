//! The address that a request came from.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::request::Parts;

use crate::config::Proxy;

/// The address of the request's sender, as the host reports it. A binding adds it to the request's extensions; headers from
/// the caller are not used.
///
/// ```
/// use idhook::webhook::ClientAddress;
///
/// let mut request = http::Request::new(());
/// request.headers_mut().append("spin-client-addr", "made up".parse().unwrap());
/// request.headers_mut().append("spin-client-addr", "192.0.2.7:50123".parse().unwrap());
/// let address = ClientAddress::of_spin(request.headers()).unwrap();
/// request.extensions_mut().insert(address);
/// assert_eq!(address.to_string(), "192.0.2.7:50123");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    ip: IpAddr,
    port: Option<u16>,
}

impl ClientAddress {
    /// The address that Spin reports in the header `spin-client-addr` (2.0 to 4.1, for WASI 0.2 and 0.3). Spin appends its
    /// value to any that the caller sent, so the last one counts. Only for a binding that runs under Spin: elsewhere the
    /// caller controls the header.
    #[must_use]
    pub fn of_spin(headers: &HeaderMap) -> Option<Self> {
        Self::read(headers.get_all("spin-client-addr").iter().next_back()?.to_str().ok()?)
    }

    /// The address in the header of the operator's proxy: the last one, which the proxy added.
    pub(super) fn of_proxy(headers: &HeaderMap, proxy: &Proxy) -> Option<Self> {
        let name = proxy.address_header(headers)?;
        Self::read(headers.get_all(name).iter().next_back()?.to_str().ok()?.rsplit(',').next()?)
    }

    /// The address of the request's sender, if it is known: where the operator's proxy writes it in a header, that one alone.
    ///
    /// A request without the proxy's key is not known to be direct. Its client can make some proxies drop the key
    /// (`Connection: X-Idhook-Proxy-Key`), and the host's address is the proxy's then.
    pub(super) fn of(request: &Parts, proxy: &Proxy) -> Option<Self> {
        match proxy.client_address_header {
            Some(_) => Self::of_proxy(&request.headers, proxy),
            None => request.extensions.get().copied(),
        }
    }

    /// The address without its port.
    pub(super) fn ip(self) -> IpAddr {
        self.ip
    }

    fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(Self { ip: address.ip(), port: Some(address.port()) });
        }
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        Some(Self { ip: bare.parse().ok()?, port: None })
    }
}

impl std::fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.ip, port).fmt(f),
            None => self.ip.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_address_comes_only_from_the_host() {
        let of = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("spin-client-addr", http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
            }
            ClientAddress::of_spin(&headers).map(|address| address.to_string())
        };
        assert_eq!(of(&["192.0.2.7:50123"]).as_deref(), Some("192.0.2.7:50123"));
        assert_eq!(of(&["6.6.6.6:6", "192.0.2.7:50123"]).as_deref(), Some("192.0.2.7:50123"));
        assert_eq!(of(&["[2001:db8::1]:80"]).as_deref(), Some("[2001:db8::1]:80"));
        assert_eq!(of(&["192.0.2.7"]).as_deref(), Some("192.0.2.7"));
        for none in ["", "somebody", "192.0.2.7:x", "192.0.2.7, 6.6.6.6", "\u{202e}1.1.1.1"] {
            assert_eq!(of(&["192.0.2.7:1", none]), None, "{none:?}");
        }
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn proxy_adds_the_last_address() {
        for (header, address) in [
            ("6.6.6.6, 192.0.2.7", Some("192.0.2.7")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("192.0.2.7, unknown", None),
        ] {
            let last = header.rsplit(',').next().and_then(ClientAddress::read);
            assert_eq!(last.map(|address| address.to_string()).as_deref(), address);
        }
    }
}

//! The operator's own proxy in front of idhook: the headers that it adds, and the key by which idhook knows it.

use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};

use super::Reader;
use super::error::Place;
use super::key_digest::{KeyDigests, MOST_KEYS, digest};
use crate::http::only_value;

/// The header in which the proxy sends its key.
pub(crate) const PROXY_KEY: HeaderName = HeaderName::from_static("x-idhook-proxy-key");

/// The variable of the key's digest.
pub(super) const KEY_VARIABLE: &str = "proxy_key_sha256";

/// The variable of the certificate's header.
const CERTIFICATE_VARIABLE: &str = "client_certificate_header";

/// The header of RFC 9440.
const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");

/// What the operator's own proxy adds to requests.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// The header in which it writes the client's address, if it does.
    pub client_address_header: Option<HeaderName>,
    /// The header in which it writes the client's certificate, which it has verified.
    pub client_certificate_header: HeaderName,
    /// The digests of its keys.
    keys: KeyDigests,
}

impl Proxy {
    /// The header with the client's address, if its value is the proxy's: no key is configured, or the request has it.
    pub(crate) fn address_header(&self, headers: &HeaderMap) -> Option<&HeaderName> {
        let is_of_proxy = self.keys.as_slice().is_empty() || self.is_sender(headers);
        self.client_address_header.as_ref().filter(|_| is_of_proxy)
    }

    /// Whether the request with these headers comes through the proxy: it has one of the proxy's keys.
    pub(crate) fn is_sender(&self, headers: &HeaderMap) -> bool {
        // A second one comes from the client.
        only_value(headers, PROXY_KEY)
            .is_some_and(|key| self.keys.position(&Sha256::digest(key.as_bytes().trim_ascii()).into()).is_some())
    }
}

/// Reads the settings. `has_callers`: there are callers that the proxy alone can prove; `has_networks`: there are callers whose
/// address is restricted.
pub(super) fn read(reader: &mut Reader<'_>, has_callers: bool, has_networks: bool) -> Proxy {
    let client_address_header = reader.header("client_address_header");
    let client_certificate_header = reader.header(CERTIFICATE_VARIABLE);
    let keys = keys(reader);
    let is_set = reader.text(KEY_VARIABLE).is_some();
    if has_callers && !is_set {
        reader.problem(
            KEY_VARIABLE,
            "is not set, so anybody could write the header with a certificate; make a key for the proxy with: openssl rand -hex 32, \
             and its digest with: printf %s \"$KEY\" | sha256sum",
        );
    } else if is_set && !has_callers && client_address_header.is_none() {
        reader.warning(KEY_VARIABLE, "has no effect; set certificate_callers or client_address_header, or remove it");
    }
    if has_networks && client_address_header.is_some() && !is_set {
        reader.warning(
            "client_address_header",
            "counts in every request, and callers have from: whoever reaches idhook without the proxy can write any address; set \
             proxy_key_sha256",
        );
    }
    if client_certificate_header.is_some() && !has_callers {
        reader.warning(CERTIFICATE_VARIABLE, "has no effect without certificate_callers; set them, or remove it");
    }
    Proxy { client_address_header, client_certificate_header: client_certificate_header.unwrap_or(CLIENT_CERT), keys }
}

fn keys(reader: &mut Reader<'_>) -> KeyDigests {
    let Some(text) = reader.text(KEY_VARIABLE) else { return KeyDigests::default() };
    let mut keys = KeyDigests::default();
    let texts: Vec<&str> = text.split(',').collect();
    if texts.len() > MOST_KEYS {
        reader.problem(KEY_VARIABLE, format!("has {} digests; use 1 to {MOST_KEYS}", texts.len()));
    }
    for (at, text) in texts.iter().enumerate() {
        let place = if texts.len() == 1 { KEY_VARIABLE.into() } else { Place::in_entry(KEY_VARIABLE, at, "") };
        match digest(text) {
            Ok(digest) => keys.push(digest),
            Err(fault) => reader.problem(place, fault),
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn digest_of(key: &str) -> String {
        Sha256::digest(key).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn read_from(variables: &[(&str, &str)], has_callers: bool) -> (Proxy, Vec<String>, Vec<String>) {
        let lookup =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let mut reader = Reader::new(&lookup);
        let proxy = read(&mut reader, has_callers, true);
        let texts = |errors: &[crate::config::ConfigError]| errors.iter().map(ToString::to_string).collect();
        (proxy, texts(&reader.problems), texts(&reader.warnings))
    }

    #[test]
    fn request_with_one_of_its_keys_comes_through_the_proxy() {
        let value = format!(" {} , {}", digest_of("old"), digest_of("new").to_uppercase());
        let (proxy, problems, warnings) = read_from(&[(KEY_VARIABLE, &value)], true);
        assert_eq!((problems.len(), warnings.len()), (0, 0), "{problems:?} {warnings:?}");
        let is_sender = |keys: &[&'static str]| {
            let headers = keys.iter().map(|key| (PROXY_KEY, HeaderValue::from_static(key))).collect();
            proxy.is_sender(&headers)
        };
        assert!(is_sender(&["old"]) && is_sender(&["new"]) && is_sender(&["new "]));
        for keys in [&[][..], &[""], &["other"], &["New"], &["new", "new"], &["new", "x"], &["x", "new"]] {
            assert!(!is_sender(keys), "{keys:?}");
        }
        let (without, ..) = read_from(&[], false);
        assert!(!without.is_sender(&HeaderMap::new()));
    }

    #[test]
    fn address_header_counts_only_beside_the_key() {
        let key = digest_of("key");
        let header = ("client_address_header", "X-Real-IP");
        let with = HeaderMap::from_iter([(PROXY_KEY, HeaderValue::from_static("key"))]);
        for (variables, direct, through) in [
            (&[header][..], true, true),
            (&[header, (KEY_VARIABLE, key.as_str())], false, true),
            (&[(KEY_VARIABLE, key.as_str())], false, false),
        ] {
            let (proxy, ..) = read_from(variables, false);
            assert_eq!(proxy.address_header(&HeaderMap::new()).is_some(), direct, "{variables:?}");
            assert_eq!(proxy.address_header(&with).is_some(), through, "{variables:?}");
        }
    }

    #[test]
    fn key_is_needed_for_certificates_and_otherwise_useful_for_addresses() {
        let key = digest_of("key");
        let says = |texts: &[String], says: &str| assert!(texts.iter().any(|text| text.contains(says)), "{texts:?}");
        says(&read_from(&[], true).1, "anybody could write the header");
        says(&read_from(&[(KEY_VARIABLE, "secret")], true).1, "is not 64 hexadecimal digits");
        says(&read_from(&[(KEY_VARIABLE, &digest_of(""))], true).1, "empty text");
        says(&read_from(&[(KEY_VARIABLE, &format!("{key},x"))], true).1, "proxy_key_sha256[1] is not 64");
        says(&read_from(&[(KEY_VARIABLE, &[key.as_str(); 9].join(","))], true).1, "has 9 digests");
        says(&read_from(&[(KEY_VARIABLE, &key)], false).2, "has no effect");
        says(&read_from(&[("client_address_header", "X-Real-IP")], false).2, "can write any address");
        let address = [(KEY_VARIABLE, key.as_str()), ("client_address_header", "X-Real-IP")];
        assert!(read_from(&address, false).2.is_empty());
        says(&read_from(&[(CERTIFICATE_VARIABLE, "Client-Cert")], false).2, "has no effect");
        assert!(
            !read_from(&[(KEY_VARIABLE, "secret")], true).1.concat().contains("secret"),
            "it may be the key itself"
        );
    }
}

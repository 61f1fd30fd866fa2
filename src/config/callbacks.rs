//! Who is told of a finished sync: receivers by name, in the JSON variable `callbacks`.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Reader;
use super::senders::signing_key;
use super::targets::is_name;
use crate::auth::Secret;
use crate::outbound::BaseUrl;

/// One receiver.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Its name, by which a start asks for it.
    pub name: String,
    /// Scheme, host and port.
    pub url: BaseUrl,
    /// Path and query; hidden, for many receivers know their senders by it.
    pub path: Secret,
    /// What messages to it are signed with, in base64.
    pub secret: Secret,
}

impl Callback {
    /// The bytes of the secret.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        STANDARD.decode(self.secret.expose()).unwrap_or_default()
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Callback> {
    let entries: Vec<BTreeMap<String, String>> = reader.json("callbacks").unwrap_or_default();
    let mut callbacks: Vec<Callback> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let mut problem = |field: &str, what: &str| reader.problem("callbacks", format!("has at [{at}]{field} {what}"));
        let take = |field: &str| entry.get(field).cloned().unwrap_or_default();
        let (name, url, secret) = (take("name"), take("url"), take("secret"));
        if !is_name(&name) || callbacks.iter().any(|callback| callback.name == name) {
            problem(".name", "no name of its own: 1 to 63 letters, digits, dots, dashes or underscores");
        }
        if !entry.keys().all(|field| ["name", "url", "secret"].contains(&field.as_str())) {
            problem("", "a field that is none of name, url, secret");
        }
        let key = signing_key(secret.trim()).map_err(|what| problem(".secret", what)).unwrap_or_default();
        match split(url.trim()) {
            Some((url, path)) => {
                let (path, secret) = (Secret::new(path), Secret::new(STANDARD.encode(key)));
                callbacks.push(Callback { name, url, path, secret });
            }
            None => problem(".url", "something other than https://host[:port]/path"),
        }
    }
    callbacks
}

/// A URL's origin, and its path and query.
fn split(url: &str) -> Option<(BaseUrl, String)> {
    let authority = url.find("://")? + 3;
    let at = url.get(authority..)?.find(['/', '?', '#']).map_or(url.len(), |at| authority + at);
    let (origin, path) = url.split_at_checked(at)?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let valid = path.parse::<http::uri::PathAndQuery>().is_ok() && !path.contains('#');
    Some((BaseUrl::parse(origin).ok().filter(|_| valid)?, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_an_origin_and_the_rest() {
        for (url, origin, path) in [
            ("https://hooks.corp.example/a/b?c=d", "https://hooks.corp.example", "/a/b?c=d"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "/"),
            ("https://h?x=y", "https://h", "/?x=y"),
        ] {
            let (base, rest) = split(url).unwrap();
            assert_eq!((base.as_str(), rest.as_str()), (origin, path));
        }
        for url in
            ["", "hooks.corp.example/a", "ftp://h/a", "https://u:p@h/a", "https://h/a#b", "https://h/a b", "https:///a"]
        {
            assert!(split(url).is_none(), "{url}");
        }
    }
}

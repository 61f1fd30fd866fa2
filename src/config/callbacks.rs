//! The receivers of messages about finished syncs, by name, in the JSON variable `callbacks`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Reader;
use super::error::Place;
use super::grant::{self, IsTarget};
use super::senders::signing_key;
use super::targets::is_name;
use crate::directory::SyncTarget;
use crate::secret::Secret;
use crate::upstream::BaseUrl;

/// The variable.
const NAME: &str = "callbacks";

/// One receiver.
#[derive(Debug, Clone)]
pub struct Callback {
    /// Its name, which a start request refers to.
    pub name: String,
    /// The targets about whose syncs it gets messages, written like those of a [`Grant`](super::Grant); `None`: all.
    pub targets: Option<Vec<String>>,
    /// Scheme, host and port.
    pub url: BaseUrl,
    /// Path and query; hidden, because many receivers authenticate senders by them.
    pub path: Secret,
    /// The signing key of its messages, in base64.
    pub secret: Secret,
}

impl Callback {
    /// Whether it gets messages about syncs of `target`.
    #[must_use]
    pub(crate) fn is_for(&self, target: &SyncTarget) -> bool {
        grant::is_among(self.targets.as_deref(), target.product.kind(), &target.name)
    }

    /// The bytes of the secret.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        STANDARD.decode(self.secret.expose()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "contract", derive(schemars::JsonSchema))]
pub(super) struct Entry {
    /// The receiver's name, which a start gives as `callback`: 1 to 63 letters, digits, dots, dashes or underscores.
    name: String,
    /// The targets whose syncs may name it: `["NAME"]`, or `"vidm/NAME"` and `"fleet/NAME"`. Without it: all.
    targets: Option<Vec<String>>,
    /// Where the state is sent: `https://host[:port]/path`.
    url: String,
    /// The signing secret: `whsec_` and the base64 of 24 to 64 bytes. The receiver has the same.
    secret: String,
}

pub(super) fn read(reader: &mut Reader<'_>, is_target: IsTarget<'_>) -> Vec<Callback> {
    let entries: Vec<Entry> = grant::entries(reader, NAME).unwrap_or_default();
    let mut callbacks: Vec<Callback> = Vec::new();
    for (at, Entry { name, targets, url, secret }) in entries.into_iter().enumerate() {
        let place = |path: &str| Place::in_entry(NAME, at, path);
        if !is_name(&name) {
            reader.wrong(place(".name"), &name, "; use 1 to 63 letters, digits, dots, dashes or underscores");
        } else if callbacks.iter().any(|callback| callback.name == name) {
            reader.problem(place(".name"), "is the name of another callback; use a different name");
        }
        grant::check_targets(reader, (NAME, at), (targets.as_deref(), "this receiver"), is_target);
        let key = signing_key(secret.trim_end_matches(['\r', '\n'])).unwrap_or_else(|why| {
            reader.problem(place(".secret"), why);
            Vec::new()
        });
        match BaseUrl::split(url.trim()) {
            Some((url, path)) => {
                if url.is_readable_on_its_way() {
                    reader.warning(place(".url"), "is http://, so messages are sent in clear text; use https://");
                }
                let (path, secret) = (Secret::new(path), Secret::new(STANDARD.encode(key)));
                callbacks.push(Callback { name, targets, url, path, secret });
            }
            // The path alone often authorises posting there.
            None => reader.problem(place(".url"), "is not the URL of a receiver; use https://host[:port]/path"),
        }
    }
    callbacks
}

//! Targets: one of each kind from plain variables, any number from the JSON variable `targets`. Each kind has its own file.

use std::fmt;

use litemap::LiteMap;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::Reader;
use super::error::{ConfigError, Place};
use super::words::{in_quotes, quoted};
use crate::directory::{Product, SyncTarget};
use crate::template::{REFUSED, is_unfilled};
use crate::upstream::BaseUrl;

mod fleet;
mod vcf;
mod vidm;

pub use fleet::FleetSettings;
pub use vcf::VcfSettings;
pub use vidm::VidmSettings;

/// Name of the targets that the plain variables describe.
pub(super) const DEFAULT: &str = "default";

/// The variables that name a target's address.
const URLS: [&str; 3] = ["vidm_url", "vcf_url", "fleet_url"];

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Entries {
    vidm: Named<VidmSettings>,
    vcf: Named<VcfSettings>,
    fleet: Named<FleetSettings>,
}

/// Entries by name: an object. `LiteMap` would also read a list of pairs.
#[derive(Default)]
struct Named<T>(LiteMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(LiteMap::new()))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Named<T> {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut fields: A) -> Result<Self, A::Error> {
        while let Some((name, entry)) = fields.next_entry()? {
            self.0.insert(name, entry);
        }
        Ok(self)
    }
}

/// The targets of each kind, by name.
pub(super) struct Targets {
    pub(super) vidm: LiteMap<String, crate::vidm::Target>,
    pub(super) vcf: LiteMap<String, crate::vcf::Target>,
    pub(super) fleet: LiteMap<String, crate::fleet::Target>,
}

impl Targets {
    /// Every name that a caller's `targets` may contain.
    pub(super) fn names(&self) -> Vec<String> {
        let kinds: [(&str, Vec<&String>); 3] = [
            (VidmSettings::KIND, self.vidm.keys().collect()),
            (VcfSettings::KIND, self.vcf.keys().collect()),
            (FleetSettings::KIND, self.fleet.keys().collect()),
        ];
        let named = |kind: &str, name: &String| [name.clone(), format!("{kind}/{name}")];
        kinds.into_iter().flat_map(|(kind, names)| names.into_iter().flat_map(move |name| named(kind, name))).collect()
    }

    /// The targets whose directories can be synced.
    pub(super) fn with_syncs(&self) -> Vec<SyncTarget> {
        let of = |product, name: &String| SyncTarget { product, name: name.clone() };
        let vidm = self.vidm.keys().map(|name| of(Product::Vidm, name));
        vidm.chain(self.fleet.keys().map(|name| of(Product::Fleet, name))).collect()
    }
}

/// The settings of a kind of target.
trait Settings: Sized {
    /// The kind, in `targets` and as the prefix of the plain variables.
    const KIND: &'static str;
    /// The prefix of the plain variables.
    const PREFIX: &'static str;
    /// The kind of target that they describe.
    type Target;

    /// The settings in the plain variables; `None` if the address is not set.
    fn plain(reader: &mut Reader<'_>) -> Option<Self>;

    /// The target; `place` is where the settings are written.
    fn target(self, name: String, place: &At, reader: &mut Reader<'_>) -> Option<Self::Target>;

    /// Reports the settings that are a mistake only if a program gives them.
    fn contradictions(&self, _: &mut Reader<'_>) {}
}

/// The settings of a target that a program gives.
pub(crate) trait IntoTarget<T> {
    /// The target, with a name for errors; or every mistake, by field name.
    fn into_target(self, name: &str) -> Result<T, Vec<ConfigError>>;
}

impl<T, S: Settings<Target = T>> IntoTarget<T> for S {
    fn into_target(self, name: &str) -> Result<T, Vec<ConfigError>> {
        let mut reader = Reader::new(&|_| None);
        self.contradictions(&mut reader);
        match self.target(name.to_owned(), &At::Prefix(""), &mut reader) {
            Some(target) if reader.problems.is_empty() => Ok(target),
            _ => Err(reader.problems),
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Targets {
    let Entries { vidm, vcf, fleet } = reader.json("targets").unwrap_or_default();
    let (vidm, vcf, fleet) = (of_kind(vidm.0, reader), of_kind(vcf.0, reader), of_kind(fleet.0, reader));
    let targets = Targets { vidm, vcf, fleet };
    if URLS.into_iter().all(|url| reader.url(url).is_none()) && reader.text("targets").is_none() {
        reader.problem(
            "vidm_url",
            "is not set, nor are vcf_url, fleet_url and targets, so there is no target; set one of them",
        );
    }
    targets
}

/// The targets of one kind: the one in the plain variables, and the `entries`.
fn of_kind<S: Settings>(entries: LiteMap<String, S>, reader: &mut Reader<'_>) -> LiteMap<String, S::Target> {
    let mut targets = LiteMap::new();
    if let Some(settings) = S::plain(reader) {
        let name = DEFAULT.to_owned();
        targets.extend(settings.target(name.clone(), &At::Prefix(S::PREFIX), reader).map(|target| (name, target)));
        if entries.contains_key(DEFAULT) {
            let url = format!("{}url", S::PREFIX);
            reader.problem(
                Place::within("targets", [S::KIND, DEFAULT]),
                format!("is named default, like the target of {url}; rename it or leave {url} empty"),
            );
        }
    }
    for (name, settings) in entries {
        if !is_name(&name) {
            reader.problem(
                Place::within("targets", [S::KIND, &name]),
                "is not a valid target name; use 1 to 63 letters, digits, dots, dashes or underscores",
            );
        }
        let place = At::Entry(S::KIND, name.clone());
        targets.extend(settings.target(name.clone(), &place, reader).map(|target| (name, target)));
    }
    targets
}

/// The SDDC Manager target that is also served at the root. `targets` is `None` if a mistake leaves them incomplete.
pub(super) fn gate(reader: &mut Reader<'_>, targets: Option<&Targets>) -> Option<String> {
    const NAME: &str = "gate";
    let name = reader.text(NAME)?.trim().to_owned();
    let known: Vec<&str> = targets?.vcf.keys().map(String::as_str).collect();
    if known.is_empty() {
        reader.problem(NAME, "needs an SDDC Manager target, and there is none; set vcf_url, or leave gate empty");
    } else if !known.contains(&name.as_str()) {
        reader.unknown(NAME, &name, &known);
    }
    Some(name)
}

/// Whether `name` is valid: 1 to 63 letters, digits, dots, dashes or underscores.
pub(super) fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Where settings are written: in variables with a prefix, in an entry of `targets`, or in a program.
enum At {
    Prefix(&'static str),
    Entry(&'static str, String),
}

impl At {
    fn field(&self, name: &str) -> Place {
        match self {
            Self::Prefix(prefix) => format!("{prefix}{name}").as_str().into(),
            Self::Entry(kind, target) => Place::within("targets", [kind, target.as_str(), name]),
        }
    }
}

fn required<T>(value: Option<T>, reader: &mut Reader<'_>, place: Place) -> Option<T> {
    if value.is_none() {
        reader.problem(place, "is not set");
    }
    value
}

fn url(url: Option<String>, reader: &mut Reader<'_>, place: Place) -> Option<BaseUrl> {
    let text = required(url.filter(|url| !url.trim().is_empty()), reader, place.clone())?;
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    match BaseUrl::parse(text) {
        Ok(url) => {
            if url.is_readable_on_its_way() {
                reader.warning(
                    place,
                    "is http://, so passwords and tokens are sent in clear text; use https://, or run idhook beside the TLS proxy",
                );
            }
            Some(url)
        }
        Err(_) if in_quotes(text) => {
            reader.problem(place, "is in quotes; remove the quotes");
            None
        }
        Err(_) if is_unfilled(text) => {
            reader.problem(place, format!("{REFUSED}; check how the variable is set"));
            None
        }
        Err(why) => {
            // A path or a query may contain a password, a host cannot.
            let may_be_secret = text.len() > 64 || text.contains(['@', '?', '#']) || reader.holds_secret(text);
            let shows = !place.is_secret() && !may_be_secret;
            let (what, fix) = why.split_once("; ").unwrap_or((why, "use https://host or https://host:port"));
            match shows {
                true => reader.problem(place, format!("is {}: {what}; {fix}", quoted(text))),
                false => reader.problem(place, format!("{what}; {fix}")),
            }
            None
        }
    }
}

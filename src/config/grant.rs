//! A caller's permissions, however it authenticates.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::DeserializeOwned;

use super::error::Place;
use super::words::meant;
use super::{Reader, credential};

table! {
    /// A permission.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum Scope -> &'static str {
        /// Read vIDM: directories, syncs, groups, health.
        VidmRead => "vidm:read",
        /// Start syncs.
        VidmSync => "vidm:sync",
        /// Add groups to a directory's sync profile.
        VidmProfile => "vidm:profile",
        /// Turn the safeguards off for a sync: with a broken LDAP filter such a sync deletes users.
        VidmOverride => "vidm:override",
        /// Read SDDC Manager's identity providers.
        VcfRead => "vcf:read",
        /// Change SDDC Manager's identity providers.
        VcfWrite => "vcf:write",
        /// Give groups roles in SDDC Manager, administrators among them.
        VcfRoles => "vcf:roles",
        /// Read VCF Operations: directories, syncs, groups, users, identity providers.
        FleetRead => "fleet:read",
        /// Start syncs in VCF Operations.
        FleetSync => "fleet:sync",
        /// Add groups to a directory's sync profile in VCF Operations, or provision them.
        FleetProfile => "fleet:profile",
        /// Change VCF Operations' identity providers.
        FleetWrite => "fleet:write",
        /// Read idhook's own state: configuration warnings, doctor.
        Admin => "admin",
        /// Read the metrics.
        Metrics => "metrics",
    }
}

impl Scope {
    /// Its name in the configuration and in responses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.row()
    }

    /// Its permissions, for the reference.
    #[cfg(feature = "contract")]
    #[must_use]
    pub const fn permits(self) -> &'static str {
        match self {
            Self::VidmRead => "Read vIDM: directories, syncs, groups, health.",
            Self::VidmSync => "Start syncs.",
            Self::VidmProfile => "Add groups to a directory's sync profile (`addToProfile`).",
            Self::VidmOverride => {
                "Start a sync without the safeguards (`ignoreSafeguards`). A broken LDAP filter then deletes users."
            }
            Self::VcfRead => "Read SDDC Manager's identity providers and sources.",
            Self::VcfWrite => "Change SDDC Manager's identity providers and sources.",
            Self::VcfRoles => {
                "Give groups roles in SDDC Manager, or take them (`roles` of an apply). Such a caller can make administrators."
            }
            Self::FleetRead => "Read VCF Operations: directories, syncs, groups, users and identity providers.",
            Self::FleetSync => "Start syncs in VCF Operations.",
            Self::FleetProfile => {
                "Add groups to a directory's sync profile in VCF Operations (`addToProfile`), or bring them in without a sync \
                 (`provision`)."
            }
            Self::FleetWrite => "Change VCF Operations' identity providers.",
            Self::Admin => "Run the doctor.",
            Self::Metrics => "Read the metrics. They name every target.",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A caller's name and permissions.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its name, for the log.
    pub name: String,
    /// Its permissions.
    pub scopes: Vec<Scope>,
    /// The targets it may use, as `NAME`, `vidm/NAME`, `vcf/NAME` or `fleet/NAME`; `None`: all.
    pub targets: Option<Vec<String>>,
    /// The networks that its requests may come from; `None`: any.
    pub from: Option<Vec<IpNet>>,
    /// The variable that defines it.
    pub variable: &'static str,
}

impl Grant {
    /// Whether the caller may use the target `name` of this `kind`, `vidm`, `vcf` or `fleet`.
    #[must_use]
    pub fn is_for(&self, kind: &str, name: &str) -> bool {
        is_among(self.targets.as_deref(), kind, name)
    }

    /// Whether its requests may come from `address`. An IPv4 address in IPv6's form is that IPv4 address. An unknown address is in
    /// no network.
    #[must_use]
    pub(crate) fn is_from(&self, address: Option<IpAddr>) -> bool {
        let Some(networks) = &self.from else { return true };
        let address = address.map(|address| address.to_canonical());
        address.is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
    }
}

/// Whether `targets`, as `NAME` or `KIND/NAME`, have the target `name` of this `kind`; `None` has all.
pub(super) fn is_among(targets: Option<&[String]>, kind: &str, name: &str) -> bool {
    let fits = |entry: &String| match entry.split_once('/') {
        Some((of_kind, named)) => of_kind == kind && named == name,
        None => entry == name,
    };
    targets.is_none_or(|entries| entries.iter().any(fits))
}

/// The entries of `variable`, a list of callers. A field with the value null is a mistake: read as absent it would restrict
/// nothing, and Terraform's `jsonencode` writes null for a value that is not set.
pub(super) fn entries<T: DeserializeOwned>(reader: &mut Reader<'_>, variable: &str) -> Option<Vec<T>> {
    let value = reader.value(variable)?;
    let entries = reader.read(variable, value.clone())?;
    for (at, entry) in value.as_array().into_iter().flatten().enumerate() {
        let fields = entry.as_object().into_iter().flatten();
        for (name, _) in fields.filter(|(_, field)| field.is_null()) {
            let place = Place::in_entry(variable, at, &format!(".{name}"));
            reader.problem(place, "is null; give it a value, or omit it");
        }
    }
    Some(entries)
}

/// Reads an address or a network in CIDR notation.
///
/// # Errors
/// The fix.
fn network(text: &str) -> Result<IpNet, &'static str> {
    let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
    let network = network.map_err(|_| "use an address or a network: 192.0.2.7, 10.20.0.0/16, 2001:db8::/32")?;
    // Probably a mistake in one of the two.
    const BEYOND: &str = "the address has bits beyond the prefix: use 10.20.0.0/16, not 10.20.1.2/16";
    if network.trunc() == network { Ok(network) } else { Err(BEYOND) }
}

/// Reads the networks in `from` of the entry `at` of `variable`.
pub(super) fn networks(reader: &mut Reader<'_>, (variable, at): (&'static str, usize), texts: &[String]) -> Vec<IpNet> {
    if texts.is_empty() {
        let place = Place::in_entry(variable, at, ".from");
        reader.problem(place, "is an empty list, so no address is allowed; omit from to allow all addresses");
    }
    let mut networks = Vec::new();
    for (which, text) in texts.iter().enumerate() {
        match network(text.trim()) {
            Ok(network) => networks.push(network),
            Err(fix) => {
                reader.wrong(Place::in_entry(variable, at, &format!(".from[{which}]")), text, format!("; {fix}"));
            }
        }
    }
    networks
}

/// The known target names.
pub(super) struct Targets<'t> {
    /// Whether a target has this name.
    pub(super) is_target: &'t dyn Fn(&str) -> bool,
    /// The names, for suggestions.
    pub(super) names: &'t [String],
}

/// The targets; `None` if a mistake leaves them incomplete.
pub(super) type IsTarget<'t> = Option<&'t Targets<'t>>;

/// Checks `targets` of the entry `at` of `variable`, which is about `whom`.
pub(super) fn check_targets(
    reader: &mut Reader<'_>,
    (variable, at): (&'static str, usize),
    (targets, whom): (Option<&[String]>, &str),
    is_target: IsTarget<'_>,
) {
    let place = |path: &str| Place::in_entry(variable, at, path);
    if let Some(Targets { is_target, names }) = is_target {
        let unknown = targets.unwrap_or_default().iter().enumerate().filter(|(_, target)| !is_target(target));
        for (which, target) in unknown {
            let known: Vec<&str> = names.iter().map(String::as_str).collect();
            let fix = match meant(target, &known) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("use NAME or KIND/NAME, one of {}", known.join(", ")),
            };
            reader.wrong(place(&format!(".targets[{which}]")), target, format!(", which is not a target; {fix}"));
        }
    }
    if targets.is_some_and(<[String]>::is_empty) {
        let detail = format!("is an empty list, so {whom} may use no target; omit targets to allow all");
        reader.problem(place(".targets"), detail);
    }
}

/// Reads the grant of the entry `at` of `variable`; `taken` collects callers' names to find duplicates.
pub(super) fn read(
    reader: &mut Reader<'_>,
    (variable, at): (&'static str, usize),
    (name, words, targets): (String, &[String], Option<Vec<String>>),
    taken: &mut Vec<String>,
    is_target: IsTarget<'_>,
) -> Grant {
    let place = |path: &str| Place::in_entry(variable, at, path);
    check_targets(reader, (variable, at), (targets.as_deref(), "this caller"), is_target);
    if name.trim().is_empty() {
        reader.problem(place(".name"), "is empty; enter the name to show in the log");
    } else if name.chars().any(|c| c.is_control() || credential::is_invisible(c)) {
        reader.problem(place(".name"), "contains an invisible character; remove it");
    } else if taken.contains(&name) {
        reader.problem(place(".name"), "is the name of another caller; use a different name");
    }
    taken.push(name.clone());
    let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    if words.is_empty() {
        reader.problem(
            place(".scopes"),
            format!("is an empty list, so this caller may do nothing; use some of {}", known.join(", ")),
        );
    }
    let mut scopes = Vec::new();
    for (which, word) in words.iter().enumerate() {
        match Scope::ALL.iter().find(|scope| scope.as_str() == word) {
            Some(scope) => scopes.push(*scope),
            None => {
                reader.unknown(place(&format!(".scopes[{which}]")), word, &known);
            }
        }
    }
    Grant { name, scopes, targets, from: None, variable }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(targets: Option<Vec<String>>, from: Option<Vec<IpNet>>) -> Grant {
        Grant { name: "a".into(), scopes: vec![], targets, from, variable: "api_keys" }
    }

    #[test]
    fn only_addresses_in_a_listed_network_pass() {
        let networks = ["10.20.0.0/16", "192.0.2.7", "2001:db8::/32"].map(|text| network(text).unwrap());
        let grant = grant(None, Some(networks.to_vec()));
        let passes = |address: &str| grant.is_from(Some(address.parse().unwrap()));
        for address in ["10.20.255.1", "192.0.2.7", "::ffff:192.0.2.7", "2001:db8:1::1"] {
            assert!(passes(address), "{address}");
        }
        for address in ["10.21.0.1", "192.0.2.8", "::ffff:10.21.0.1", "::1", "2001:db9::1"] {
            assert!(!passes(address), "{address}");
        }
        assert!(!grant.is_from(None), "an unknown address");
        assert!(!self::grant(None, Some(Vec::new())).is_from(Some("192.0.2.7".parse().unwrap())));
        assert!(self::grant(None, None).is_from(None));
    }

    #[test]
    fn networks_are_read_strictly() {
        assert_eq!(network("0.0.0.0/0").unwrap().prefix_len(), 0);
        for (text, says) in [
            ("10.20.0.5/16", "the address has bits beyond the prefix"),
            ("10.20.0.0/33", "use an address"),
            ("any", "use an address"),
            ("", "use an address"),
        ] {
            assert!(network(text).unwrap_err().starts_with(says), "{text}");
        }
    }

    #[test]
    fn null_restricts_nothing_and_is_a_mistake() {
        let entry = |fields: &str| format!(r#"[{{"name":"a","scopes":["admin"],{fields}}}]"#);
        let digest = format!(r#""sha256":"{}""#, "ab".repeat(32));
        for (variable, fields, nulls) in [
            ("api_keys", digest.as_str(), &["targets", "from", "notAfter"][..]),
            ("webhook_secrets", r#""scheme":"github","secrets":["It's a Secret"]"#, &["targets"]),
            ("oidc_callers", r#""issuer":"https://i","audience":"a","claims":{"sub":"x"}"#, &["targets", "from"]),
            ("certificate_callers", r#""subject":"CN=a""#, &["targets", "from", "san", "sha256", "issuer"]),
        ] {
            for null in nulls {
                let text = entry(&format!(r#"{fields},"{null}":null"#));
                let problems =
                    crate::config::Config::parse(|name| (name == variable).then(|| text.clone())).unwrap_err();
                let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
                let expected = format!("{variable}[0].{null} is null; give it a value, or omit it");
                assert!(told.contains(&expected), "{told:?}");
            }
        }
    }

    #[test]
    fn grant_allows_only_the_targets_it_names() {
        for (targets, vidm, vcf) in [
            (None, true, true),
            (Some(["prod"].as_slice()), true, true),
            (Some(&["vidm/prod"]), true, false),
            (Some(&["other", "vcf/prod"]), false, true),
            (Some(&["other", "vidm/other", "x/prod"]), false, false),
            (Some(&[]), false, false),
        ] {
            let named = targets.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            let grant = grant(named, None);
            assert_eq!((grant.is_for("vidm", "prod"), grant.is_for("vcf", "prod")), (vidm, vcf), "{targets:?}");
        }
    }
}

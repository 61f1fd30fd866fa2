//! Who may call: API keys, of which only a digest is configured.

use std::fmt;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Reader;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Read vIDM: directories, syncs, groups, health.
    VidmRead,
    /// Start syncs.
    VidmSync,
    /// Turn the safeguards off for a sync: a broken LDAP filter then deletes users.
    VidmOverride,
    /// Read SDDC Manager's identity providers.
    VcfRead,
    /// Change SDDC Manager's identity providers.
    VcfWrite,
    /// Look into idhook itself.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: &'static [Self] =
        &[Self::VidmRead, Self::VidmSync, Self::VidmOverride, Self::VcfRead, Self::VcfWrite, Self::Admin];

    /// Its word in the configuration and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VidmRead => "vidm:read",
            Self::VidmSync => "vidm:sync",
            Self::VidmOverride => "vidm:override",
            Self::VcfRead => "vcf:read",
            Self::VcfWrite => "vcf:write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One caller.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Its name, for the log.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The targets it may do it at, as `NAME`, `vidm/NAME` or `vcf/NAME`; `None`: all.
    pub targets: Option<Vec<String>>,
    digest: [u8; 32],
}

impl ApiKey {
    /// Whether it is good for the target `name` of this `kind`, `vidm` or `vcf`.
    #[must_use]
    pub fn is_for(&self, kind: &str, name: &str) -> bool {
        let fits = |entry: &String| match entry.split_once('/') {
            Some((of_kind, named)) => of_kind == kind && named == name,
            None => entry == name,
        };
        self.targets.as_ref().is_none_or(|entries| entries.iter().any(fits))
    }

    /// The caller that `key` belongs to. Every entry is compared, each in constant time.
    #[must_use]
    pub fn find<'k>(keys: &'k [Self], key: &[u8]) -> Option<&'k Self> {
        let digest: [u8; 32] = Sha256::digest(key).into();
        let mut found = None;
        for entry in keys {
            if bool::from(entry.digest.ct_eq(&digest)) {
                found = Some(entry);
            }
        }
        found
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    scopes: Vec<String>,
    targets: Option<Vec<String>>,
}

/// Reads the callers; `is_target` tells which names targets go by, where they are all known.
pub(super) fn read(reader: &mut Reader<'_>, is_target: Option<&dyn Fn(&str) -> bool>) -> Vec<ApiKey> {
    let Some(entries) = reader.json::<Vec<Entry>>("api_keys") else {
        if reader.text("api_keys").is_none() {
            reader.problem("api_keys", "is not set: nobody may call; write [{\"name\", \"sha256\", \"scopes\"}]");
        }
        return Vec::new();
    };
    if entries.is_empty() {
        reader.problem("api_keys", "is an empty list: nobody may call");
    }
    let mut keys: Vec<ApiKey> = Vec::new();
    for (at, entry) in entries.into_iter().enumerate() {
        let Some(digest) = hex32(&entry.sha256) else {
            reader.problem("api_keys", format!("has at [{at}].sha256 something other than 64 hexadecimal digits; make it with: printf %s \"$KEY\" | sha256sum"));
            continue;
        };
        if <[u8; 32]>::from(Sha256::digest(b"")) == digest {
            reader.problem(
                "api_keys",
                format!("has at [{at}].sha256 the digest of an empty text: the key was not set when it was made"),
            );
        }
        if let Some(is_target) = is_target
            && let Some(which) = entry.targets.iter().flatten().position(|name| !is_target(name))
        {
            reader.problem(
                "api_keys",
                format!("has at [{at}].targets[{which}] a name that no target has; write NAME, vidm/NAME or vcf/NAME as configured"),
            );
        }
        if keys.iter().any(|key| key.name == entry.name || key.digest == digest) {
            reader.problem("api_keys", format!("has at [{at}] a name or a key that stands there already"));
        }
        if entry.name.trim().is_empty() {
            reader.problem("api_keys", format!("has at [{at}] an empty name"));
        }
        let mut scopes = Vec::new();
        for word in &entry.scopes {
            match Scope::ALL.iter().find(|scope| scope.as_str() == word) {
                Some(scope) => scopes.push(*scope),
                None => {
                    let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                    reader.problem(
                        "api_keys",
                        format!("has at [{at}].scopes a word that is none of {}", known.join(", ")),
                    );
                }
            }
        }
        keys.push(ApiKey { name: entry.name, scopes, targets: entry.targets, digest });
    }
    keys
}

fn hex32(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.trim().chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).filter_map(|pair| Some(pair.first()? << 4 | pair.last()?)).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_digest_alone() {
        let key = |name: &str, text: &str| ApiKey {
            name: name.into(),
            scopes: vec![],
            targets: None,
            digest: Sha256::digest(text).into(),
        };
        let keys = [key("a", "alpha"), key("b", "beta")];
        assert_eq!(ApiKey::find(&keys, b"beta").unwrap().name, "b");
        assert!(ApiKey::find(&keys, b"gamma").is_none());
        assert!(ApiKey::find(&keys, b"").is_none());
        assert!(ApiKey::find(&[], b"alpha").is_none());
    }

    #[test]
    fn a_key_is_good_for_the_targets_it_names() {
        let key = |targets: Option<&[&str]>| ApiKey {
            name: "a".into(),
            scopes: vec![],
            targets: targets.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            digest: [0; 32],
        };
        for (targets, vidm, vcf) in [
            (None, true, true),
            (Some(["prod"].as_slice()), true, true),
            (Some(&["vidm/prod"]), true, false),
            (Some(&["other", "vcf/prod"]), false, true),
            (Some(&["other", "vidm/other", "x/prod"]), false, false),
            (Some(&[]), false, false),
        ] {
            let key = key(targets);
            assert_eq!((key.is_for("vidm", "prod"), key.is_for("vcf", "prod")), (vidm, vcf), "{targets:?}");
        }
    }

    #[test]
    fn digests_are_read_in_either_case() {
        let hex = "6CA13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090";
        assert_eq!(hex32(hex).unwrap(), <[u8; 32]>::from(Sha256::digest("abc123")));
        assert_eq!(hex32(&hex[1..]), None);
        assert_eq!(hex32(&format!("{hex}0")), None);
        assert_eq!(hex32(&"é".repeat(64)), None);
    }
}

//! What a caller may do and where, whatever it proves itself by.

use std::fmt;

/// What a caller may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Read vIDM: directories, syncs, groups, health.
    VidmRead,
    /// Start syncs.
    VidmSync,
    /// Add groups to a directory's sync profile.
    VidmProfile,
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
    pub const ALL: &'static [Self] = &[
        Self::VidmRead,
        Self::VidmSync,
        Self::VidmProfile,
        Self::VidmOverride,
        Self::VcfRead,
        Self::VcfWrite,
        Self::Admin,
    ];

    /// Its word in the configuration and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VidmRead => "vidm:read",
            Self::VidmSync => "vidm:sync",
            Self::VidmProfile => "vidm:profile",
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

/// A caller's name, and what it may do where.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its name, for the log.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The targets it may do it at, as `NAME`, `vidm/NAME` or `vcf/NAME`; `None`: all.
    pub targets: Option<Vec<String>>,
    /// The variable it stands in.
    pub variable: &'static str,
}

impl Grant {
    /// Whether it is good for the target `name` of this `kind`, `vidm` or `vcf`.
    #[must_use]
    pub fn is_for(&self, kind: &str, name: &str) -> bool {
        let fits = |entry: &String| match entry.split_once('/') {
            Some((of_kind, named)) => of_kind == kind && named == name,
            None => entry == name,
        };
        self.targets.as_ref().is_none_or(|entries| entries.iter().any(fits))
    }
}

/// Which names targets go by, where they are all known.
pub(super) type IsTarget<'t> = Option<&'t dyn Fn(&str) -> bool>;

/// Takes a mistake of one entry: the place in it and what is there.
pub(super) type Tell<'t> = &'t mut dyn FnMut(fmt::Arguments<'_>);

/// Reads one entry's grant in `variable`; `taken` are the names that callers have already.
pub(super) fn read(
    variable: &'static str,
    (name, words, targets): (String, &[String], Option<Vec<String>>),
    taken: &mut Vec<String>,
    is_target: IsTarget<'_>,
    tell: Tell<'_>,
) -> Grant {
    if let Some(is_target) = is_target
        && let Some(which) = targets.iter().flatten().position(|name| !is_target(name))
    {
        tell(format_args!(
            ".targets[{which}] a name that no target has; write NAME, vidm/NAME or vcf/NAME as configured"
        ));
    }
    if name.trim().is_empty() {
        tell(format_args!(" an empty name"));
    } else if taken.contains(&name) {
        tell(format_args!(" a name that another caller has already"));
    }
    taken.push(name.clone());
    let mut scopes = Vec::new();
    for word in words {
        match Scope::ALL.iter().find(|scope| scope.as_str() == word) {
            Some(scope) => scopes.push(*scope),
            None => {
                let known: Vec<_> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
                tell(format_args!(".scopes a word that is none of {}", known.join(", ")));
            }
        }
    }
    Grant { name, scopes, targets, variable }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_good_for_the_targets_it_names() {
        for (targets, vidm, vcf) in [
            (None, true, true),
            (Some(["prod"].as_slice()), true, true),
            (Some(&["vidm/prod"]), true, false),
            (Some(&["other", "vcf/prod"]), false, true),
            (Some(&["other", "vidm/other", "x/prod"]), false, false),
            (Some(&[]), false, false),
        ] {
            let named = targets.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            let grant = Grant { name: "a".into(), scopes: vec![], targets: named, variable: "api_keys" };
            assert_eq!((grant.is_for("vidm", "prod"), grant.is_for("vcf", "prod")), (vidm, vcf), "{targets:?}");
        }
    }
}

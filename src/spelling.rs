//! Misspelt names: whether an unknown name probably means a known one.
//!
//! Two names resemble each other if they differ only in case, in `_` and `-`, in the plural, or by at most two letters (one
//! letter if the known name has four or fewer: `note` is not `name`). An added, missing or replaced letter counts as one,
//! and so do two swapped neighbours (the "optimal string alignment" distance).

/// Longer names are not compared, in bytes. The longest known name has fewer than 40.
const MAX_NAME: usize = 64;

/// For names up to this length only one wrong letter is allowed.
const SHORT: usize = 4;

/// How a name differs from a known one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// Only in case, in `_` and `-`, or in the plural.
    Spelling,
    /// By one or two letters.
    Letters,
}

/// The known name that `name` probably means, and how it differs; `None` if it is a known name or resembles none.
pub(crate) fn resembled<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<(&'k str, Likeness)> {
    if name.is_empty() || name.len() > MAX_NAME {
        return None;
    }
    let folded = fold(name);
    let mut nearest: Option<(&str, usize)> = None;
    for candidate in known {
        if candidate == name {
            return None;
        }
        let wanted = fold(candidate);
        let allowed = if wanted.len() <= SHORT { 1 } else { 2 };
        let apart = if singular(&wanted) == singular(&folded) { 0 } else { distance(&wanted, &folded) };
        if apart <= allowed && nearest.is_none_or(|(_, so_far)| apart < so_far) {
            nearest = Some((candidate, apart));
        }
    }
    nearest.map(|(known, apart)| (known, if apart == 0 { Likeness::Spelling } else { Likeness::Letters }))
}

/// The letters of a name in lower case, without `_`, `-` and spaces.
fn fold(name: &str) -> Vec<char> {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}

/// A folded name without a plural ending.
fn singular(name: &[char]) -> String {
    let text: String = name.iter().collect();
    match (text.strip_suffix("ies"), text.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) if !stem.is_empty() => stem.to_owned(),
        _ => text,
    }
}

/// The number of wrong letters; anything above two counts as many.
fn distance(a: &[char], b: &[char]) -> usize {
    if a.len().abs_diff(b.len()) > 2 {
        return usize::MAX;
    }
    // Three rows of the table of distances between prefixes of `a` and `b`.
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(last.len());
        row.push(i + 1);
        for (j, to) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX - 2);
            let replaced = at(&last, j) + usize::from(from != to);
            let mut least = replaced.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i.checked_sub(1).zip(j.checked_sub(1)).filter(|(i, j)| {
                a.get(*i).is_some_and(|letter| letter == to) && b.get(*j).is_some_and(|letter| letter == from)
            });
            if let Some((_, j)) = swapped {
                least = least.min(at(&before, j) + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: [&str; 6] = ["directory", "groups", "dryRun", "addToProfile", "ignoreSafeguards", "callback"];

    fn meant(name: &str) -> Option<&'static str> {
        resembled(name, KNOWN).map(|(known, _)| known)
    }

    #[test]
    fn case_separators_and_plural_are_recognised() {
        for (name, known) in [
            ("group", "groups"),
            ("Groups", "groups"),
            ("GROUP", "groups"),
            ("dryrun", "dryRun"),
            ("dry_run", "dryRun"),
            ("dry-run", "dryRun"),
            ("Dry Run", "dryRun"),
            ("directories", "directory"),
            ("add_to_profiles", "addToProfile"),
            ("IGNORE_SAFEGUARD", "ignoreSafeguards"),
        ] {
            assert_eq!(resembled(name, KNOWN), Some((known, Likeness::Spelling)), "{name}");
        }
    }

    #[test]
    fn up_to_two_wrong_letters_are_recognised() {
        for (name, known) in [
            ("gruops", "groups"),
            ("grps", "groups"),
            ("groupss", "groups"),
            ("groops", "groups"),
            ("direcotry", "directory"),
            ("dircetoyr", "directory"),
            ("directoryId", "directory"),
            ("drYrunn", "dryRun"),
            ("ignoreSafegards", "ignoreSafeguards"),
            ("calback", "callback"),
        ] {
            assert_eq!(resembled(name, KNOWN), Some((known, Likeness::Letters)), "{name}");
        }
    }

    #[test]
    fn other_names_resemble_none() {
        for name in [
            "",
            "groups",
            "name",
            "type",
            "status",
            "tags",
            "repository",
            "sender",
            "group_name",
            "callbackUrl",
            "domain",
            "customProperties",
            "inputs",
            "__metadata",
            "correlation_id",
            "project",
        ] {
            assert_eq!(meant(name), None, "{name}");
        }
        assert_eq!(resembled("note", ["name"]), None, "a short name allows one wrong letter");
        assert_eq!(resembled("nam", ["name"]).unwrap().0, "name");
        assert_eq!(resembled("typ", ["name", "type"]).unwrap().0, "type");
    }

    proptest! {
        #[test]
        fn any_name_can_be_compared(name in "\\PC{0,80}") {
            let _ = meant(&name);
        }

        #[test]
        fn distance_is_symmetric(a in "[a-c]{0,6}", b in "[a-c]{0,6}") {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(distance(&letters(&a), &letters(&b)), distance(&letters(&b), &letters(&a)));
        }
    }
}

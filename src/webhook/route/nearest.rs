//! The route that a wrong path probably means.

use super::ROWS;
use crate::spelling::resembled;

/// `path` with its misspelt steps replaced, if that makes it the path of a route.
pub(super) fn nearest(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let corrected = ROWS.iter().filter_map(|row| corrected(row.path, &parts));
    corrected.filter(|(mistakes, _)| *mistakes > 0).min_by_key(|(mistakes, _)| *mistakes).map(|(_, path)| path)
}

/// How many of the path's `parts` differ from the steps of `pattern`, and the path without these mistakes.
fn corrected(pattern: &str, parts: &[&str]) -> Option<(usize, String)> {
    if pattern.split('/').count() != parts.len() {
        return None;
    }
    let mut mistakes = 0;
    let mut corrected = Vec::new();
    for (step, part) in pattern.split('/').zip(parts) {
        let is_parameter = step.starts_with('{') && !part.is_empty();
        if is_parameter || step == *part {
            corrected.push(*part);
        } else {
            resembled(part, std::iter::once(step))?;
            mistakes += 1;
            corrected.push(step);
        }
    }
    Some((mistakes, corrected.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_steps_are_corrected() {
        for (path, meant) in [
            ("/vidm/default/v1/sync", Some("/vidm/default/v1/syncs")),
            ("/vIDM/Prod/v1/syncs/", Some("/vidm/Prod/v1/syncs")),
            ("/vidm/default/v1/directory/corp.example/syncs", Some("/vidm/default/v1/directories/corp.example/syncs")),
            ("/healthZ", Some("/healthz")),
            // A route, but not below base_path.
            ("/vidm/default/v1/syncs", None),
            ("/vidm/default/v1/nonsense", None),
            ("/vidm//v1/sync", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(nearest(path).as_deref(), meant, "{path}");
        }
    }
}

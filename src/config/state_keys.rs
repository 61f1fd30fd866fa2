//! The keys of `state_key`: one plain key, or a JSON list of keys whose first one seals.

use super::Reader;
use super::error::Place;
use super::words::in_quotes;
use crate::secret::Secret;
use crate::template::is_unfilled;

/// The variable.
const NAME: &str = "state_key";

/// Fewest characters of a key.
const SHORTEST: usize = 32;

/// Fewest different characters of a key. One of 10 million random keys of 32 hexadecimal digits has fewer.
const FEWEST_DIFFERENT: usize = 8;

/// Most keys. Opening an entry tries each of them.
const MOST: usize = 8;

const MAKE_ONE: &str = "make one with: openssl rand -base64 32";

/// Reads the keys. White space, control characters and byte order marks around a key are ignored.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<Secret> {
    let Some(text) = reader.text(NAME) else { return Vec::new() };
    let text = trim(&text);
    let texts = if text.starts_with('[') {
        match serde_json::from_str::<Vec<String>>(text) {
            Ok(texts) => texts,
            Err(e) => {
                let place = format!("line {}, column {}", e.line(), e.column());
                reader.problem(NAME, format!("begins with [ but is not a JSON list of strings ({place}); use [\"KEY\", \"KEY\"], or one plain key"));
                return Vec::new();
            }
        }
    } else {
        vec![text.to_owned()]
    };
    let is_list = text.starts_with('[');
    if is_list && texts.is_empty() {
        reader.problem(NAME, "is an empty list; add a key, or leave the variable empty");
    }
    if texts.len() > MOST {
        reader.problem(NAME, format!("has more than {MOST} keys; remove the oldest"));
    }
    let mut keys: Vec<Secret> = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        let place = || if is_list { Place::in_entry(NAME, at, "") } else { NAME.into() };
        let text = trim(text);
        if let Some(fault) = fault(text) {
            reader.problem(place(), format!("{fault}; {MAKE_ONE}"));
        } else if keys.iter().any(|key| key.expose() == text) {
            reader.problem(place(), "repeats another key; list each key once");
        } else if in_quotes(text) {
            reader.warning(place(), "is in quotes; remove them unless they belong to it");
        } else if is_unfilled(text) {
            reader.problem(place(), "contains an unreplaced placeholder; check how the variable is set");
        }
        keys.push(Secret::new(text));
    }
    keys
}

fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}')
}

/// Why a text is too weak to be a key.
fn fault(key: &str) -> Option<String> {
    let characters: Vec<char> = key.chars().collect();
    if characters.len() < SHORTEST {
        return Some(format!("has {} characters and needs {SHORTEST} or more", characters.len()));
    }
    let mut different = characters.clone();
    different.sort_unstable();
    different.dedup();
    if different.len() < FEWEST_DIFFERENT {
        return Some(format!("has only {} different characters", different.len()));
    }
    // One short text repeated.
    let repeats = |period: usize| characters.iter().zip(characters.iter().skip(period)).all(|(one, two)| one == two);
    if (1..=SHORTEST / 2).any(repeats) {
        return Some("repeats a short text".to_owned());
    }
    // Characters in alphabetical order, or repeated.
    let follows = |(one, two): &(&char, &char)| u32::from(**one).abs_diff(u32::from(**two)) <= 1;
    let in_order = characters.iter().zip(characters.iter().skip(1)).filter(follows).count();
    if in_order * 4 >= characters.len() * 3 {
        return Some("counts up the alphabet".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, ConfigError};

    const ONE: &str = "pOb2TGAdDhbFxUcP3RmTTnhVPXuR0NJ8";
    const TWO: &str = "1fd28b8d51a2b5e4d7c9a60f3c8be417";

    fn parse(state_key: &str) -> Result<Vec<String>, Vec<ConfigError>> {
        let keys = r#"[{"name":"ci","sha256":"6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090","scopes":["vidm:read"]}]"#;
        let config = Config::parse(|name| match name {
            "vcf_url" => Some("https://s".to_owned()),
            "vcf_username" => Some("u@vsphere.local".to_owned()),
            "vcf_password" => Some("p".to_owned()),
            "api_keys" => Some(keys.to_owned()),
            "state_key" => Some(state_key.to_owned()),
            _ => None,
        })?;
        Ok(config.state_keys.iter().map(|key| key.expose().to_owned()).collect())
    }

    #[test]
    fn plain_key_and_list_of_keys_are_read() {
        assert_eq!(parse("").unwrap(), [""; 0]);
        assert_eq!(parse(ONE).unwrap(), [ONE]);
        assert_eq!(parse(&format!(r#"["{ONE}", "{TWO}"]"#)).unwrap(), [ONE, TWO]);
        assert_eq!(parse("the same text on every instance, long enough").unwrap().len(), 1);
    }

    #[test]
    fn blanks_around_a_key_are_ignored() {
        for around in ["\n", "\r\n", " ", "\t", "\u{feff}", "\0", "\u{a0}", "\u{2028}"] {
            assert_eq!(parse(&format!("{ONE}{around}")).unwrap(), [ONE], "{around:?}");
            assert_eq!(parse(&format!("{around}{ONE}")).unwrap(), [ONE], "{around:?}");
            assert_eq!(parse(&format!("{around}[\"{ONE}\"]{around}")).unwrap(), [ONE], "{around:?}");
        }
        assert_eq!(parse(&format!(r#"["{ONE}\n"]"#)).unwrap(), [ONE]);
    }

    #[test]
    fn weak_keys_are_rejected_by_place_and_never_shown() {
        let long = "k".repeat(32);
        for (weak, told) in [
            ("hunter2", "has 7 characters"),
            (&format!("hunter2{}", " ".repeat(40)), "has 7 characters"),
            (&long, "only 1 different"),
            ("hunterhunterhunterhunterhunterhunter", "only 6 different"),
            ("changemechangemechangemechangeme", "only 7 different"),
            ("hunter22hunter22hunter22hunter22", "only 7 different"),
            ("my-hunter2-keymy-hunter2-keymy-hunter2-key", "repeats"),
            ("0123456789abcdef0123456789abcdef", "repeats"),
            ("abcdefghijklmnopqrstuvwxyz0123456789", "counts up"),
            ("[]", "empty list; add a key"),
            ("[\"hunter2\"", "not a JSON list"),
            ("[5]", "not a JSON list"),
            (&format!(r#"["{ONE}", "hunter2"]"#), "state_key[1] has 7"),
            (&format!(r#"["{ONE}", "{ONE} "]"#), "[1] repeats another key"),
            (&format!(r#"["{ONE}", ""]"#), "[1] has 0"),
        ] {
            let problems = parse(weak).unwrap_err();
            let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
            assert!(problems.len() == 1 && shown[0].starts_with(NAME), "{weak}: {shown:?}");
            assert!(shown[0].contains(told) && !shown[0].contains("hunter"), "{weak}: {shown:?}");
        }
        let nine: Vec<_> = (0..9).map(|n| format!("{TWO}{n}")).collect();
        assert!(parse(&format!("{nine:?}")).unwrap_err()[0].detail.contains("more than 8"));
    }
}

//! The value that a variable has now, and the same with one more key.

use std::io::Read as _;

use anyhow::{Context as _, Result, ensure};
use idhook::config::Config;
use serde_json::{Map, Value, json};

use super::{Failure, Made};

/// The entries that are there.
#[derive(Debug)]
pub(super) struct Existing(Vec<Value>);

impl Existing {
    /// Reads the value of `variable` from a file, from standard input (`-`), or from the environment.
    ///
    /// # Errors
    /// When there is none, or it is not a JSON list. No part of the value is shown: it may hold secrets.
    pub(super) fn read(variable: &str, from: Option<&str>) -> Result<Self> {
        let text = match from {
            None => from_environment(variable, |name| std::env::var(name).ok())?,
            Some("-") => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
                text
            }
            Some(file) => std::fs::read_to_string(file).with_context(|| {
                Failure::new(
                    format!("cannot read {file}"),
                    "give the file with the present value, or - for standard input",
                )
            })?,
        };
        Self::parse(variable, &text)
    }

    fn parse(variable: &str, text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let entries = serde_json::from_str(text).map_err(|_| {
            Failure::new(
                format!("the present value of {variable} is not a JSON list"),
                "give the value alone, without the variable's name: [{\"name\": …}]",
            )
        })?;
        Ok(Self(entries))
    }

    /// All entries with what was made: as a new one, or as one more key of the entry with its name, whose scopes and targets
    /// stay as they are.
    ///
    /// # Errors
    /// When that entry would get other scopes or targets (`keeps_grant` is false), or idhook would reject the result.
    pub(super) fn extended(mut self, made: &Made, keeps_grant: bool) -> Result<Vec<Value>> {
        let field = if made.is_secret() { "secrets" } else { "sha256" };
        let name = made.name();
        match self.0.iter_mut().find(|entry| entry.get("name").and_then(Value::as_str) == Some(name)) {
            None => self.0.push(made.entry.clone()),
            Some(entry) => {
                ensure!(
                    keeps_grant,
                    Failure::new(
                        format!("{name} is in {} already, with its own scopes, targets and networks", made.variable),
                        "leave out --scope, --target and --from to give it a second key, or choose another --name",
                    )
                );
                ensure!(
                    entry.get("scheme") == made.entry.get("scheme"),
                    Failure::new(format!("{name} signs in another way"), "give its own scheme with --webhook")
                );
                let list = |entry: &Value| match entry.get(field) {
                    Some(Value::Array(list)) => list.clone(),
                    one => one.cloned().into_iter().collect(),
                };
                let keys = [list(entry), list(&made.entry)].concat();
                if let Some(entry) = entry.as_object_mut() {
                    entry.insert(field.to_owned(), json!(keys));
                }
            }
        }
        accepted(made.variable, &self.0, &format!("correct the present value of {}", made.variable))?;
        Ok(self.0)
    }
}

/// The value in the environment of a host; where both kinds of host have one, they must agree.
fn from_environment(variable: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String> {
    let names = ["SPIN_VARIABLE_", "IDHOOK_"].map(|prefix| format!("{prefix}{}", variable.to_uppercase()));
    let found: Vec<_> = names.iter().filter_map(|name| lookup(name).filter(|value| !value.trim().is_empty())).collect();
    match found.as_slice() {
        [value] => Ok(value.clone()),
        [one, other] if one == other => Ok(one.clone()),
        [] => Err(Failure::new(
            format!("neither {} is set", names.join(" nor ")),
            "export the present value, give it as --extend FILE, or leave out --extend to begin anew",
        )
        .into()),
        _ => Err(Failure::new(
            format!("{} have different values", names.join(" and ")),
            "unset one of them, or give the value as --extend FILE",
        )
        .into()),
    }
}

/// Checks the entries as idhook does. Targets are not known here, so those of the entries count as there.
///
/// # Errors
/// When idhook would reject them; `fix` is the instruction for that.
pub(super) fn accepted(variable: &str, entries: &[Value], fix: &str) -> Result<()> {
    let value = json!(entries).to_string();
    let targets = named_targets(entries);
    let checked = Config::parse(|name| match name {
        "targets" => Some(targets.clone()),
        name if name == variable => Some(value.clone()),
        _ => None,
    });
    let mistakes: Vec<_> = match checked {
        Ok(_) => return Ok(()),
        Err(mistakes) => mistakes.iter().filter(|one| one.variable == variable).map(ToString::to_string).collect(),
    };
    ensure!(mistakes.is_empty(), Failure::new(mistakes.join("\n"), fix));
    Ok(())
}

/// The variable `targets` with every target that an entry names.
fn named_targets(entries: &[Value]) -> String {
    let (mut vidm, mut vcf, mut fleet) = (Map::new(), Map::new(), Map::new());
    let account = json!({"url": "https://unused.invalid", "username": "u@example", "password": "unused"});
    let names = entries.iter().filter_map(|entry| entry.get("targets")?.as_array()).flatten();
    for name in names.filter_map(Value::as_str).chain(["vidm/default"]) {
        match name.split_once('/') {
            Some(("vcf", name)) => vcf.insert(name.to_owned(), account.clone()),
            Some(("fleet", name)) => fleet.insert(name.to_owned(), account.clone()),
            Some(("vidm", name)) => vidm.insert(name.to_owned(), account.clone()),
            None => vidm.insert(name.to_owned(), account.clone()),
            Some(_) => None,
        };
    }
    json!({"vidm": vidm, "vcf": vcf, "fleet": fleet}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(name: &str) -> Made {
        Made::new(name, &[], &[], None).unwrap()
    }

    fn value_of(made: &Made) -> Vec<Value> {
        serde_json::from_str(&made.value()).unwrap()
    }

    #[test]
    fn a_new_name_is_appended_and_the_others_stay() {
        let (old, new) = (made("aria"), made("ci"));
        let all = Existing::parse("api_keys", &old.value()).unwrap().extended(&new, true).unwrap();
        assert_eq!(all, [old.entry.clone(), new.entry.clone()]);
        assert_eq!(Existing::parse("api_keys", " \n").unwrap().extended(&new, true).unwrap(), [new.entry]);
        let everywhere = Made::new("all", &[], &["vidm/a", "vcf/b", "fleet/c"], None).unwrap();
        assert_eq!(Existing(Vec::new()).extended(&everywhere, true).unwrap(), [everywhere.entry]);
    }

    #[test]
    fn the_same_name_gets_a_second_digest_beside_the_first() {
        let (old, new, third) =
            (Made::new("aria", &["admin"], &["vcf/lab"], None).unwrap(), made("aria"), made("aria"));
        let twice = Existing(value_of(&old)).extended(&new, true).unwrap();
        let mut expected = old.entry.clone();
        expected["sha256"] = json!([old.entry["sha256"], new.entry["sha256"]]);
        assert_eq!(twice, [expected], "scopes and targets stay");
        let three = Existing(twice).extended(&third, true).unwrap();
        assert_eq!(three[0]["sha256"].as_array().map(Vec::len), Some(3));
        let error = Existing(value_of(&old)).extended(&new, false).unwrap_err();
        assert!(
            error.to_string().contains("aria") && error.downcast_ref::<Failure>().unwrap().fix().contains("--scope")
        );
    }

    #[test]
    fn a_rotated_secret_is_kept_beside_the_old_one() {
        let secret = || Made::new("ci", &[], &[], Some("github")).unwrap();
        let (old, new) = (secret(), secret());
        let both = Existing(value_of(&old)).extended(&new, true).unwrap();
        assert_eq!(both[0]["secrets"], json!([old.secret, new.secret]));
        let other = Made::new("ci", &[], &[], Some("gitlab")).unwrap();
        assert!(Existing(value_of(&old)).extended(&other, true).is_err());
    }

    #[test]
    fn a_value_that_idhook_would_reject_is_not_extended_and_not_shown() {
        for (text, words) in [
            ("{}", "JSON list"),
            ("api_keys=[]", "JSON list"),
            (r#"[{"name":"a","sha256":"short","scopes":["vidm:read"]}]"#, "sha256"),
        ] {
            let error =
                Existing::parse("api_keys", text).and_then(|existing| existing.extended(&made("b"), true)).unwrap_err();
            assert!(error.to_string().contains(words), "{text}: {error}");
        }
        let secret = r#"[{"name":"a","secrets":["hunter2hunter2"],"scheme":"github","scopes":["nope"]}]"#;
        let new = Made::new("b", &[], &[], Some("github")).unwrap();
        let error = Existing::parse("webhook_secrets", secret).unwrap().extended(&new, true).unwrap_err();
        assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
    }

    #[test]
    fn the_environment_of_either_host_is_read_unless_they_differ() {
        let with = |pairs: &'static [(&str, &str)]| {
            from_environment("api_keys", |name| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(with(&[("IDHOOK_API_KEYS", "[1]")]).unwrap(), "[1]");
        assert_eq!(with(&[("SPIN_VARIABLE_API_KEYS", "[2]"), ("IDHOOK_API_KEYS", " ")]).unwrap(), "[2]");
        assert!(with(&[]).unwrap_err().to_string().contains("SPIN_VARIABLE_API_KEYS"));
        assert!(with(&[("SPIN_VARIABLE_API_KEYS", "[2]"), ("IDHOOK_API_KEYS", "[1]")]).is_err());
    }
}

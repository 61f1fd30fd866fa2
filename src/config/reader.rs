//! Reads variables one by one and collects their mistakes.

use std::time::Duration;

use http::HeaderName;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::VARIABLES;
use super::error::{ConfigError, Place};
use super::variables::{self, Number, SECONDS, SECONDS_IN_WORDS, Seconds, Words};
use super::words::{in_quotes, meant, number, quoted};
use crate::template::is_unfilled;
use crate::upstream::BaseUrl;
use crate::{api_key, json};

/// A placeholder URL, which counts as unset; its host never resolves (RFC 6761, section 6.4). Spin before 4.1 does not start
/// an application with an empty allowed host, so its manifest uses this as the default.
pub const UNSET_URL: &str = "https://unset.invalid";

/// Longer values are not shown.
const LONGEST_SHOWN: usize = 64;

/// The longest base path, in bytes.
const MAX_BASE_PATH: usize = 128;

/// Collects mistakes; a configuration results only if there are none.
pub(super) struct Reader<'v> {
    lookup: &'v dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<ConfigError>,
    pub(super) warnings: Vec<ConfigError>,
    /// Every text that must not be shown anywhere.
    secrets: Vec<String>,
}

/// The first segments of idhook's own routes, `v1` of the gate's. A base path that began with one would hide these routes.
/// Tests compare them with the route table.
const OWN_ROOTS: [&str; 10] =
    ["vidm", "vcf", "fleet", "hooks", "v1", "healthz", "readyz", "metrics", "openapi.json", "openapi-3.0.json"];

impl<'v> Reader<'v> {
    pub(super) fn new(lookup: &'v dyn Fn(&str) -> Option<String>) -> Self {
        let mut secrets = Vec::new();
        for variable in VARIABLES.iter().filter(|variable| variable.secret) {
            let Some(text) = lookup(variable.name) else { continue };
            match serde_json::from_str::<Value>(text.trim_start_matches('\u{feff}')) {
                Ok(value @ (Value::Array(_) | Value::Object(_))) => {
                    hide(&value, variable.name == "state_key", &mut secrets)
                }
                _ => secrets.push(text.trim().to_owned()),
            }
        }
        Self { lookup, problems: Vec::new(), warnings: Vec::new(), secrets }
    }

    /// `text` is what is wrong and, after `; `, the fix.
    pub(super) fn problem(&mut self, place: impl Into<Place>, text: impl AsRef<str>) {
        self.problems.push(ConfigError::new(place, text.as_ref()));
    }

    /// The same for a setting that may be intended.
    pub(super) fn warning(&mut self, place: impl Into<Place>, text: impl AsRef<str>) {
        self.warnings.push(ConfigError::new(place, text.as_ref()));
    }

    /// Hides `secret` in all later messages.
    pub(super) fn hide(&mut self, secret: &str) {
        self.secrets.push(secret.trim().to_owned());
    }

    /// The same for the wrong `value` at `place`, followed by `rest`. A value in a secret variable is not shown, and neither is
    /// one that may be a secret in the wrong field.
    pub(super) fn wrong(&mut self, place: impl Into<Place>, value: &str, rest: impl AsRef<str>) {
        let (place, rest) = (place.into(), rest.as_ref());
        let is = match self.shows(&place, value) {
            true => format!("is {}", quoted(value)),
            false if rest.starts_with(';') => "is not valid".to_owned(),
            false => "is a text that is not shown".to_owned(),
        };
        self.problem(place, format!("{is}{rest}"));
    }

    /// The same for a `word` that is not one of `known`.
    pub(super) fn unknown(&mut self, place: impl Into<Place>, word: &str, known: &[&str]) {
        let rest = match meant(word, known) {
            _ if in_quotes(word) => ", with quotes around it; remove the quotes".to_owned(),
            Some(meant) => format!("; did you mean {meant:?}?"),
            None => format!("; use one of {}", known.join(", ")),
        };
        self.wrong(place, word, rest);
    }

    /// Whether a message about `place` may show `value`.
    fn shows(&self, place: &Place, value: &str) -> bool {
        !place.is_secret() && !self.may_be_secret(value)
    }

    /// Whether `value` contains a secret of the configuration, or the reverse.
    pub(super) fn holds_secret(&self, value: &str) -> bool {
        let value = value.trim();
        let is_known = |secret: &String| {
            // Every text contains some one or two letters.
            value == secret
                || secret.len() >= 4 && value.contains(secret.as_str())
                || value.len() >= 4 && secret.contains(value)
        };
        self.secrets.iter().any(is_known)
    }

    fn may_be_secret(&self, value: &str) -> bool {
        let value = value.trim();
        let has = |test: fn(&char) -> bool| value.chars().any(|c| test(&c));
        // Keys and passwords look like this: long, with letters and digits, or with characters that words do not have.
        let is_mixed = value.len() >= 12 && has(char::is_ascii_alphabetic) && has(char::is_ascii_digit);
        let has_signs = value.chars().any(|c| "@!$%&*=?#\\^~".contains(c));
        let has_prefix = ["whsec_", "idh_", "idhook_", "v1,", "sk-", "ghp_", "Bearer ", "Basic "]
            .iter()
            .any(|prefix| value.starts_with(prefix));
        value.len() > LONGEST_SHOWN || is_mixed || has_signs || has_prefix || self.holds_secret(value)
    }

    /// The variable's value, unless blank.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    /// The variable's value as a URL, unless blank or [`UNSET_URL`].
    pub(super) fn url(&self, name: &str) -> Option<String> {
        self.text(name).filter(|value| value.trim().trim_end_matches('/') != UNSET_URL)
    }

    /// The variable's value as one of a few words.
    pub(super) fn word<T: Copy, const N: usize>(&mut self, variable: &Words<T, N>) -> T {
        let text = self.text(variable.name);
        self.choice(text.as_deref(), variable, variable.name)
    }

    pub(super) fn page(&mut self) -> bool {
        self.word(&variables::PAGE)
    }

    /// The path below which idhook is served: `/`, segments of letters, digits and `._~-`, no trailing slash. Empty if it is
    /// unset, `/` or wrong.
    pub(super) fn base_path(&mut self) -> String {
        const NAME: &str = "base_path";
        let Some(text) = self.text(NAME) else { return String::new() };
        let path = text.trim().trim_end_matches('/');
        let is_segment = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte))
        };
        let mut segments = path.split('/');
        let is_path = segments.next() == Some("") && segments.all(is_segment) && path.len() <= MAX_BASE_PATH;
        match path {
            "" => String::new(),
            _ if !is_path => {
                self.wrong(NAME, path, "; use a path such as /idhook, of letters, digits and ._~-");
                String::new()
            }
            _ if path.split('/').nth(1).is_some_and(|first| OWN_ROOTS.contains(&first)) => {
                self.problem(NAME, "begins like one of idhook's own routes; use another path");
                String::new()
            }
            path => path.to_owned(),
        }
    }

    /// The URL of the documentation: `http` or `https`, a host and an optional path, no trailing slash. It is part of every
    /// problem, so it must not contain anything secret. Empty if it is unset or wrong.
    pub(super) fn docs_url(&mut self) -> String {
        const NAME: &str = "docs_url";
        let Some(text) = self.text(NAME) else { return String::new() };
        let text = text.trim().trim_end_matches('/');
        let path = BaseUrl::split(text).map(|(_, path)| path);
        if path.is_some_and(|path| !path.contains('?')) && !self.holds_secret(text) {
            return text.to_owned();
        }
        let quotes = if in_quotes(text) { " remove the quotes," } else { "" };
        let fix = format!("{quotes} use https://host[:port][/path], without user name, query and fragment");
        self.problem(NAME, format!("is not the address of a website;{fix}"));
        String::new()
    }

    /// `text` as one of the words of `variable`, in any case; blank means the default.
    pub(super) fn choice<T: Copy, const N: usize>(
        &mut self,
        text: Option<&str>,
        variable: &Words<T, N>,
        place: impl Into<Place>,
    ) -> T {
        let default = variable.default;
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return default };
        let mut choices = variable.words.iter().zip(variable.values);
        if let Some((_, value)) = choices.find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            return value;
        }
        self.unknown(place, text, &variable.words);
        default
    }

    pub(super) fn number(&mut self, variable: &Number) -> usize {
        let Number { name, default, least, most, .. } = variable;
        let Some(text) = self.text(name) else { return *default };
        match text.trim().parse() {
            Ok(number) if (*least..=*most).contains(&number) => number,
            _ => {
                self.not_a_number(name, &text, &format!("a whole number from {least} to {most}"));
                *default
            }
        }
    }

    pub(super) fn seconds(&mut self, variable: &Seconds) -> Duration {
        let Seconds { name, default, .. } = variable;
        let Some(text) = self.text(name) else { return *default };
        match number(text.trim()) {
            Some(seconds) if SECONDS.contains(&seconds) => Duration::from_secs_f64(seconds),
            _ => {
                let what = format!("a number of seconds from {SECONDS_IN_WORDS}, without a unit");
                self.not_a_number(name, &text, &what);
                *default
            }
        }
    }

    /// The name of a header.
    pub(super) fn header(&mut self, name: &str) -> Option<HeaderName> {
        let text = self.text(name)?;
        HeaderName::from_bytes(text.trim().as_bytes())
            .map_err(|_| self.problem(name, "is not a header name; use one such as X-Forwarded-For"))
            .ok()
    }

    fn not_a_number(&mut self, name: &str, text: &str, what: &str) {
        let quotes = if in_quotes(text) { ", with quotes around it" } else { "" };
        self.wrong(name, text.trim(), format!("{quotes}; use {what}"));
    }

    /// A JSON variable. Mistakes are reported by place and type only, all of them: a value may be a secret.
    pub(super) fn json<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.value(name)?;
        self.read(name, value)
    }

    /// Reads the parsed `value` of the variable `name`.
    pub(super) fn read<T: DeserializeOwned>(&mut self, name: &str, value: Value) -> Option<T> {
        json::read_all(value, &[])
            .map_err(|faults| faults.iter().for_each(|fault| self.problems.push(config_error(name, fault))))
            .ok()
    }

    /// The JSON variable `name`, parsed.
    pub(super) fn value(&mut self, name: &str) -> Option<Value> {
        let text = self.text(name)?;
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        if in_quotes(text) {
            self.problem(name, "is in quotes; remove the quotes around the JSON");
            return None;
        }
        let parsed = serde_json::from_str(text);
        let hint = match text {
            _ if parsed.is_ok() => "",
            _ if is_unfilled(text) => "; replace the placeholder ${…} or {{…}}",
            // A shell removed the quotes.
            _ if text.starts_with(['[', '{']) && !text.contains('"') => "; put names and strings in double quotes",
            _ if text.starts_with(api_key::PREFIX) => {
                "; this is a key, and an entry has its digest: cargo xtask key --name NAME prints one"
            }
            _ if text.starts_with(['\\', '\'']) || text.contains("\\\"") => "; remove the backslashes before quotes",
            _ => "",
        };
        parsed
            .map_err(|e| {
                self.problem(name, format!("is not valid JSON (line {}, column {}){hint}", e.line(), e.column()));
            })
            .ok()
    }
}

/// Collects the secrets of a JSON document: the texts below fields with a secret's name, or all of them.
fn hide(value: &Value, all: bool, secrets: &mut Vec<String>) {
    const NAMES: [&str; 5] = ["password", "secret", "sha256", "token", "key"];
    match value {
        Value::String(text) if all => secrets.push(text.trim().to_owned()),
        Value::Array(items) => items.iter().for_each(|item| hide(item, all, secrets)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_secret = NAMES.iter().any(|secret| name.to_ascii_lowercase().contains(secret));
                hide(value, all || is_secret, secrets);
            }
        }
        _ => {}
    }
}

/// A fault in a JSON variable, with a suggestion for a misspelt name.
fn config_error(variable: &str, fault: &json::Fault) -> ConfigError {
    let place = Place::at_pointer(variable, fault.pointer.clone());
    let known: Vec<&str> = fault.detail.split('`').skip(1).step_by(2).collect();
    if fault.detail.starts_with("is unknown") {
        let name = fault.pointer.rsplit('/').next().unwrap_or_default();
        let hint = match meant(name, &known) {
            Some(meant) => format!("did you mean {meant:?}?"),
            None => format!("use one of {}", known.join(", ")),
        };
        return ConfigError::new(place, &format!("is an unknown field; {hint}"));
    }
    match (fault.detail.strip_prefix("missing field "), fault.detail.as_str()) {
        (Some(_), _) => ConfigError::new(place, &format!("has no field {}; add it", known.join(", "))),
        (None, detail) => ConfigError::new(place, &detail.replace(": expected ", "; use ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::variables::ValueForm;
    use super::*;

    #[test]
    fn values_that_may_be_secrets_are_not_shown() {
        let variables = |name: &str| match name {
            "vidm_password" => Some("hunter2\n".to_owned()),
            "state_key" => Some(r#"["one key", "other key"]"#.to_owned()),
            "targets" => Some(r#"{"vidm":{"a":{"url":"https://lab","password":["pw-in-list"]}}}"#.to_owned()),
            "api_keys" => Some(r#"[{"name":"ci","sha256":"deadbeef","scopes":["vidm:reed"]}]"#.to_owned()),
            _ => None,
        };
        let reader = Reader::new(&variables);
        for secret in [
            "hunter2",
            "xhunter2x",
            "hunter",
            "one key",
            "other key",
            "pw-in-list",
            "deadbeef",
            "idh_x",
            "whsec_x",
            "S3cretPassw0rd",
            "p@ss",
            &"x".repeat(65),
        ] {
            assert!(!reader.shows(&"gate".into(), secret), "{secret}");
        }
        for word in ["vidm:reed", "30s", "a\u{200b}\n"] {
            assert!(reader.shows(&"gate".into(), word), "{word}");
            assert!(!reader.shows(&Place::in_entry("api_keys", 0, ".scopes[0]"), word), "in a secret variable: {word}");
        }
    }

    #[test]
    fn wrong_values_read_as_sentences_whether_they_are_shown_or_not() {
        let mut reader = Reader::new(&|_| None);
        reader.wrong("gate", "a\u{200b}\n", "; use b");
        reader.wrong("webhook_secrets", "horse battery", "; use b");
        reader.wrong("webhook_secrets", "horse battery", ", which is not a target; use b");
        let told: Vec<_> = reader.problems.iter().map(ToString::to_string).collect();
        let hidden = "webhook_secrets is a text that is not shown, which is not a target; use b";
        assert_eq!(told, ["gate is \"a<U+200B><U+000A>\"; use b", "webhook_secrets is not valid; use b", hidden]);
    }

    fn mistakes(variable: &str, value: &str) -> String {
        let problems = Config::parse(|name| (name == variable).then(|| value.to_owned())).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn wrong_type_is_reported_in_the_words_of_json() {
        let values = [
            "[]",
            "[1]",
            "[[]]",
            "{}",
            "5",
            "true",
            "null",
            r#""x""#,
            r#"["x"]"#,
            r#"[["a","b","c"]]"#,
            r#"{"vidm":[{}]}"#,
        ];
        let inner = ["[]", r#"["https://v"]"#, "5", "-1.5", "true", r#""x""#, "{}"];
        let one = |field: &str, value: &str| format!(r#"{{"vidm":{{"lab":{{"{field}":{value}}}}}}}"#);
        let of_target =
            ["url", "profile", "tls", "syncApi"].iter().flat_map(|field| inner.map(|value| one(field, value)));
        let of_variables = VARIABLES.iter().filter(|variable| variable.form == ValueForm::Json);
        let all = of_variables.flat_map(|variable| values.map(|value| (variable.name, value.to_owned())));
        for (variable, value) in all.chain(of_target.map(|value| ("targets", value))) {
            let told = mistakes(variable, &value);
            for word in ["struct ", "tuple", "sequence", "a map", " u8", " u16", " u32", " u64", " i64", "f64", "usize"]
            {
                assert!(!told.contains(word), "{variable}={value}: {told}");
            }
        }
        for value in ["[]", r#"[{"name":"x","url":"https://v"}]"#] {
            assert_eq!(mistakes("targets", value).lines().filter(|line| line.contains("use an object")).count(), 1);
        }
        let told = mistakes("targets", r#"{"vidm":{"lab":["https://v"]}}"#);
        assert!(told.contains("targets.vidm.lab has the wrong type; use an object"), "{told}");
    }
}

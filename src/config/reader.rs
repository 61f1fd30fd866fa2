//! Reads variables one by one and collects their mistakes.

use std::fmt::Write as _;
use std::time::Duration;

use http::HeaderName;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{ConfigError, Place};
use super::variables::{self, Number, SECONDS, SECONDS_IN_WORDS, Seconds, Words};
use super::{VARIABLES, credential};
use crate::json;
use crate::spelling::resembled;
use crate::template::is_unfilled;
use crate::upstream::BaseUrl;

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

    /// `is "value"` for the wrong value of a field that holds no secret; `is not valid` if the value may be a secret in the
    /// wrong field.
    pub(super) fn is(&self, value: &str) -> String {
        if self.may_be_secret(value) { "is not valid".to_owned() } else { format!("is {}", quoted(value)) }
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
                self.problem(
                    NAME,
                    format!("{}; use a path such as /idhook, of letters, digits and ._~-", self.is(path)),
                );
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
        let text = self.unknown(text, &variable.words);
        self.problem(place, text);
        default
    }

    /// The message for `word`, which is not one of `known`.
    pub(super) fn unknown(&self, word: &str, known: &[&str]) -> String {
        let is = self.is(word);
        if in_quotes(word) {
            return format!("{is}, with quotes around it; remove the quotes");
        }
        match meant(word, known) {
            Some(meant) => format!("{is}; did you mean {meant:?}?"),
            None => format!("{is}; use one of {}", known.join(", ")),
        }
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
        let is = self.is(text.trim());
        let quotes = if in_quotes(text) { ", with quotes around it" } else { "" };
        self.problem(name, format!("{is}{quotes}; use {what}"));
    }

    /// A JSON variable. Mistakes are reported by place and type only, all of them: a value may be a secret.
    pub(super) fn json<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        let value = self.value(name)?;
        json::read_all(value, &[])
            .map_err(|faults| faults.iter().for_each(|fault| self.problems.push(config_error(name, fault))))
            .ok()
    }

    fn value(&mut self, name: &str) -> Option<Value> {
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

/// The known word that `word` probably means.
pub(super) fn meant<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let folded = |text: &str| text.to_lowercase().replace(['.', '/', '-', '_', ' '], ":");
    let by_separator = || known.iter().find(|known| folded(known) == folded(word)).copied();
    resembled(word, known.iter().copied()).map(|(meant, _)| meant).or_else(by_separator)
}

/// Whether a text is in quotes, as `docker --env-file` and some shells leave them.
pub(super) fn in_quotes(text: &str) -> bool {
    let text = text.trim();
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else { return false };
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('„', '“'), ('«', '»')];
    text.chars().nth(1).is_some() && pairs.contains(&(first, last))
}

/// A value for display: in quotes, with invisible characters as code points.
pub(super) fn quoted(value: &str) -> String {
    let mut shown = String::from('"');
    for c in value.chars() {
        if c.is_control() || credential::is_invisible(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "<U+{:04X}>", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown.push('"');
    shown
}

/// A number as people write it: JSON's format, also with a sign, zeros or point that JSON rejects (`+5`, `05`, `.5`, `5.`).
/// std's parser of floats would cost 17 kB for this alone.
fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('+').unwrap_or(text).trim_start_matches('0');
    let digits = digits.strip_suffix('.').unwrap_or(digits);
    let zero = if digits.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" };
    serde_json::from_slice::<serde_json::Value>([zero, digits].concat().as_bytes()).ok()?.as_f64()
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::super::variables::ValueForm;
    use super::*;

    #[test]
    fn numbers_are_read_in_every_notation() {
        for text in ["0.1", ".1", "+.1", "1", "01", "+1", "1.", "1.50", "2e1", "600", "600.0", "0", "00.5", "0.000001"]
        {
            assert_eq!(number(text), text.parse().ok(), "{text}");
        }
        for text in ["-1", "1,5", "1 s", "+-1", "++1", "0x1", "inf", "NaN", "1_0", "\"1\"", "null", "1.2.3", "0 1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

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
            assert_eq!(reader.is(secret), "is not valid", "{secret}");
        }
        for (word, shown) in
            [("vidm:reed", "\"vidm:reed\""), ("30s", "\"30s\""), ("a\u{200b}\n", "\"a<U+200B><U+000A>\"")]
        {
            assert_eq!(reader.is(word), format!("is {shown}"));
        }
    }

    #[test]
    fn misspelt_words_are_recognised() {
        let known = ["vidm:read", "vidm:sync", "admin"];
        for (word, right) in [
            ("vidm:reed", "vidm:read"),
            ("vidm.read", "vidm:read"),
            ("VIDM_SYNC", "vidm:sync"),
            ("vidmsync", "vidm:sync"),
            ("Admin", "admin"),
        ] {
            assert_eq!(meant(word, &known), Some(right), "{word}");
        }
        assert_eq!(meant("everything", &known), None);
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

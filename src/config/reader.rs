//! Variables read one by one, and what is wrong with them gathered.

use std::time::Duration;

use http::HeaderName;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::typed::{self, Misfit};

/// A URL that is none, by a name that never resolves (RFC 6761, section 6.4): Spin before 4.1 starts no application with an empty
/// host among those that may be called, so its manifest has this for what is not set.
const UNSET: &str = "https://unset.invalid";

/// Mistakes as they are found; a configuration comes of it only when there are none.
pub(super) struct Reader<'v> {
    pub(super) lookup: &'v dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<Problem>,
}

impl Reader<'_> {
    pub(super) fn problem(&mut self, variable: impl Into<String>, detail: impl Into<String>) {
        self.problems.push(Problem { variable: variable.into(), detail: detail.into() });
    }

    /// The variable's value, unless it is blank.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    /// The variable's value as a URL, unless it is blank or [`UNSET`].
    pub(super) fn url(&self, name: &str) -> Option<String> {
        self.text(name).filter(|value| value.trim().trim_end_matches('/') != UNSET)
    }

    /// The variable's value as one of a few words.
    pub(super) fn word<T: Copy>(&mut self, name: &str, default: T, words: &[(&str, T)]) -> T {
        let text = self.text(name);
        self.choice(text.as_deref(), default, words, name)
    }

    pub(super) fn page(&mut self) -> bool {
        self.word("page", true, &[("true", true), ("false", false)])
    }

    /// `text` as one of a few words, in any case; blank is the default.
    pub(super) fn choice<T: Copy>(
        &mut self,
        text: Option<&str>,
        default: T,
        words: &[(&str, T)],
        place: impl Into<String>,
    ) -> T {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return default };
        if let Some((_, value)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            return *value;
        }
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        self.problem(place, format!("is none of {}", known.join(", ")));
        default
    }

    pub(super) fn number(&mut self, name: &str, default: usize, range: std::ops::RangeInclusive<usize>) -> usize {
        let Some(text) = self.text(name) else { return default };
        match text.trim().parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                self.problem(name, format!("is not a whole number from {} to {}", range.start(), range.end()));
                default
            }
        }
    }

    pub(super) fn seconds(&mut self, name: &str, default: Duration) -> Duration {
        let Some(text) = self.text(name) else { return default };
        match number(text.trim()) {
            Some(seconds) if (0.1..=600.0).contains(&seconds) => Duration::from_secs_f64(seconds),
            _ => {
                self.problem(name, "is not a number of seconds from 0.1 to 600");
                default
            }
        }
    }

    /// The name of a header.
    pub(super) fn header(&mut self, name: &str) -> Option<HeaderName> {
        let text = self.text(name)?;
        HeaderName::from_bytes(text.trim().as_bytes())
            .map_err(|_| self.problem(name, "is not the name of a header; write X-Forwarded-For, say"))
            .ok()
    }

    /// A JSON variable. What is told of a mistake is its place and kind; a value may be a secret.
    pub(super) fn json<T: DeserializeOwned>(&mut self, name: &str) -> Option<T> {
        typed::read(&self.value(name)?).map_err(|misfit| self.problem(name, mistake(&misfit))).ok()
    }

    fn value(&mut self, name: &str) -> Option<serde_json::Value> {
        let text = self.text(name)?;
        serde_json::from_slice(text.trim_start_matches('\u{feff}').as_bytes())
            .map_err(|e| self.problem(name, format!("is not valid JSON (line {}, column {})", e.line(), e.column())))
            .ok()
    }
}

/// A number as people write it: JSON's, or with what JSON would not have of sign, zeros and point (`+5`, `05`, `.5`, `5.`).
/// std's reader of numbers would be 17 kB for this alone.
fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('+').unwrap_or(text).trim_start_matches('0');
    let digits = digits.strip_suffix('.').unwrap_or(digits);
    let zero = if digits.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" };
    serde_json::from_slice::<serde_json::Value>([zero, digits].concat().as_bytes()).ok()?.as_f64()
}

/// A JSON mistake without the value it was found in: serde's own words may quote one.
fn mistake(misfit: &Misfit) -> String {
    let place = misfit.place();
    match misfit.said() {
        words if words.starts_with("unknown field") || words.starts_with("missing field") => {
            format!("has an {words}{place}").replace("an missing", "a missing")
        }
        _ => format!("has a value of the wrong kind{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_in_any_spelling() {
        for text in ["0.1", ".1", "+.1", "1", "01", "+1", "1.", "1.50", "2e1", "600", "600.0", "0", "00.5", "0.000001"]
        {
            assert_eq!(number(text), text.parse().ok(), "{text}");
        }
        for text in ["-1", "1,5", "1 s", "+-1", "++1", "0x1", "inf", "NaN", "1_0", "\"1\"", "null", "1.2.3", "0 1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}

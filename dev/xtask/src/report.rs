//! The doctor's report of a target, for people.

use console::style;
use serde_json::Value;

use crate::terminal::{Mark, hanging, say};

/// The doctor's report on a target.
#[derive(Debug)]
pub(crate) struct Report {
    /// `vidm/NAME` or `vcf/NAME`.
    pub(crate) target: String,
    /// The document: `ok` and `checks`.
    document: Value,
}

impl Report {
    /// The document of `target`. Where the hint of the check `tls` is for other hosts, `trust` takes its place.
    pub(crate) fn new(target: String, mut document: Value, trust: Option<&str>) -> Self {
        let checks = document.get_mut("checks").and_then(Value::as_array_mut);
        for check in checks.into_iter().flatten() {
            if text(check, "check") == "tls"
                && text(check, "result") == "failed"
                && let (Some(check), Some(trust)) = (check.as_object_mut(), trust)
            {
                check.insert("hint".to_owned(), trust.into());
            }
        }
        Self { target, document }
    }

    /// Whether no check failed.
    pub(crate) fn is_ok(&self) -> bool {
        self.document.get("ok") == Some(&Value::Bool(true))
    }

    /// Whether no check failed and none is a warning.
    pub(crate) fn is_clean(&self) -> bool {
        self.is_ok() && self.checks().iter().all(|check| text(check, "result") != "warning")
    }

    /// How many checks have this result.
    pub(crate) fn count(&self, result: &str) -> usize {
        self.checks().iter().filter(|check| text(check, "result") == result).count()
    }

    fn checks(&self) -> &[Value] {
        self.document.get("checks").and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The document with the target's name.
    pub(crate) fn json(&self) -> Value {
        let mut document = self.document.clone();
        if let Some(document) = document.as_object_mut() {
            document.insert("target".to_owned(), self.target.as_str().into());
        }
        document
    }

    /// Prints a line for each check, and below it how to fix what is not well.
    pub(crate) fn show(&self, indent: usize, width: usize) {
        let names = self.checks().iter().map(|check| text(check, "check").len()).max().unwrap_or(0);
        for check in self.checks() {
            let mark = mark(text(check, "result"));
            let lead = format!("{:indent$}{mark} {:<names$}  ", "", text(check, "check"));
            say(hanging(&lead, text(check, "detail"), width));
            let hint = text(check, "hint");
            if !hint.is_empty() {
                let lead = format!("{:1$}{2} ", "", indent + names + 4, style("Fix:").bold());
                say(hanging(&lead, hint, width));
            }
        }
    }

    /// One sentence about all checks.
    pub(crate) fn verdict(&self) -> (Mark, String) {
        match (self.count("failed"), self.count("warning")) {
            (0, 0) => (Mark::Good, format!("{}: all checks passed", self.target)),
            (0, warnings) => {
                (Mark::Warning, format!("{}: no check failed, {}", self.target, counted(warnings, "warning")))
            }
            (failed, _) => (Mark::Bad, format!("{}: {} failed", self.target, counted(failed, "check"))),
        }
    }
}

/// A field of a check, which is a string.
fn text<'c>(check: &'c Value, field: &str) -> &'c str {
    check.get(field).and_then(Value::as_str).unwrap_or_default()
}

fn mark(result: &str) -> Mark {
    match result {
        "ok" => Mark::Good,
        "warning" => Mark::Warning,
        "skipped" => Mark::Skipped,
        _ => Mark::Bad,
    }
}

/// `1 warning`, `2 warnings`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(results: &[(&str, &str)]) -> Report {
        let checks: Vec<_> = results
            .iter()
            .map(|(check, result)| json!({"check": check, "result": result, "hint": "for Spin"}))
            .collect();
        let ok = results.iter().all(|(_, result)| *result != "failed");
        Report::new("vidm/default".to_owned(), json!({"ok": ok, "checks": checks}), Some("--ca-file"))
    }

    #[test]
    fn a_warning_is_ok_but_not_clean() {
        let well = report(&[("reach", "ok"), ("groups", "skipped")]);
        assert!(well.is_ok() && well.is_clean());
        let warned = report(&[("reach", "ok"), ("tls", "warning")]);
        assert!(warned.is_ok() && !warned.is_clean());
        assert_eq!(warned.verdict(), (Mark::Warning, "vidm/default: no check failed, 1 warning".to_owned()));
        let failed = report(&[("reach", "failed"), ("tls", "warning")]);
        assert!(!failed.is_ok() && !failed.is_clean());
        assert_eq!(failed.verdict(), (Mark::Bad, "vidm/default: 1 check failed".to_owned()));
    }

    #[test]
    fn an_untrusted_certificate_is_fixed_by_the_option_of_this_command() {
        let json = report(&[("reach", "failed"), ("tls", "failed")]).json();
        assert_eq!((&json["checks"][0]["hint"], &json["checks"][1]["hint"]), (&json!("for Spin"), &json!("--ca-file")));
        assert_eq!(json["target"], "vidm/default");
    }
}

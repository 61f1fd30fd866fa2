//! Placeholders that a caller's template engine did not replace.
//!
//! `${…}` (ServiceNow, shells, GitHub Actions) and `{{…}}` (Ansible, n8n, Jinja, Go, Handlebars) occur in no real name of a
//! directory, group or domain, so a text with one is rejected. Other forms may be part of a name: they only cause a hint if
//! the name is not found.

/// Why a text with a placeholder is rejected.
pub(crate) const REFUSED: &str = "contains a placeholder ${…} or {{…}} that was not replaced";

/// Whether a text contains `${…}` or `{{…}}`.
#[must_use]
pub(crate) fn is_unfilled(text: &str) -> bool {
    has(text, "${", "}") || has(text, "{{", "}}")
}

/// The template syntax that a text resembles, if it is not rejected anyway; for the hint when no object has this name.
#[must_use]
pub(crate) fn resembled(text: &str) -> Option<&'static str> {
    const FORMS: [(&str, &str, &str); 9] = [
        ("$(", ")", "$(…)"),
        ("<%", "%>", "<%…%>"),
        ("{%", "%}", "{%…%}"),
        ("@{", "}", "@{…}"),
        ("#{", "}", "#{…}"),
        ("[[", "]]", "[[…]]"),
        ("<no value>", "", "<no value>"),
        ("[object ", "]", "[object …]"),
        ("${", "", "${…"),
    ];
    let form = FORMS.into_iter().find(|(from, to, _)| has(text, from, to)).map(|(_, _, form)| form);
    form.or_else(|| has(text, "{{", "").then_some("{{…")).or_else(|| has_percent_name(text).then_some("%…%"))
}

/// The hint for a name that was not found and looks like a template.
#[must_use]
pub(crate) fn hint(text: &str) -> Option<String> {
    let form = resembled(text)?;
    Some(format!(
        "the name contains {form}, which looks like an unreplaced template: check the variable's name at the caller"
    ))
}

fn has(text: &str, from: &str, to: &str) -> bool {
    text.split_once(from).is_some_and(|(_, rest)| rest.contains(to))
}

/// `%NAME%`, the form of Windows.
fn has_percent_name(text: &str) -> bool {
    let mut parts = text.split('%').skip(1);
    let is_name = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
    };
    // The last part is not followed by a percent sign.
    let count = text.matches('%').count().saturating_sub(1);
    parts.by_ref().take(count).any(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_common_engines_are_rejected() {
        for text in [
            "${x}",
            "a ${x} b",
            "${{ github.ref }}",
            "{{ vidm_group }}",
            "{{x}}",
            "{{{x}}}",
            "CN={{ name }},OU=Groups",
            "{{ .Values.group }}",
            "{{}}",
        ] {
            assert!(is_unfilled(text), "{text}");
        }
        for text in ["", "$x", "$5 {net}", "{x}", "}}{{", "{{x}", "${x", "{ {x} }", "gg-{a}{b}"] {
            assert!(!is_unfilled(text), "{text}");
        }
    }

    #[test]
    fn other_template_forms_cause_a_hint() {
        for (text, form) in [
            ("$(group)", "$(…)"),
            ("<%= group %>", "<%…%>"),
            ("{% if x %}", "{%…%}"),
            ("@{triggerBody()}", "@{…}"),
            ("#{group}", "#{…}"),
            ("[[group]]", "[[…]]"),
            ("<no value>", "<no value>"),
            ("[object Object]", "[object …]"),
            ("${group", "${…"),
            ("{{group}", "{{…"),
            ("%GROUP%", "%…%"),
            ("CN=%GROUP_NAME%,DC=corp", "%…%"),
        ] {
            assert_eq!(resembled(text), Some(form), "{text}");
        }
        for text in ["", "gg-app", "100% sure", "50% of 100%", "a@b", "#1", "[x]", "<x>", "a%20b"] {
            assert_eq!(resembled(text), None, "{text}");
        }
        assert!(hint("%GROUP%").unwrap().contains("%…%"));
    }
}

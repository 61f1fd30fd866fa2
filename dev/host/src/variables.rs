//! Application variables, the templates over them, and the component's view of both.
//!
//! A component sees only what `[component.<id>.variables]` gives it; each value there is a template over application
//! variables (`"{{ name }}"`). An application variable takes its value from the caller of this host, then from
//! `SPIN_VARIABLE_<NAME>` in the process's environment, then from its default: <https://spinframework.dev/v3/variables>.
//! Any value may be a secret, so none is ever shown.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context as _, Result, bail, ensure};

use crate::manifest::Variable;

/// Lower-case letters, digits and single underscores; begins with a letter, doesn't end with an underscore.
pub(crate) fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('_')
        && !name.contains("__")
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The resolved `[variables]` of the application.
pub(crate) struct Variables(BTreeMap<String, String>);

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Variables {
    /// Finds the value of every declared variable.
    ///
    /// # Errors
    ///
    /// Names every required variable without a value.
    pub(crate) fn resolve(
        declared: &BTreeMap<String, Variable>,
        given: &BTreeMap<String, String>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let mut values = BTreeMap::new();
        let mut missing = Vec::new();
        for (name, variable) in declared {
            let value = given
                .get(name)
                .cloned()
                .or_else(|| environment(&environment_name(name)))
                .or_else(|| variable.default.clone());
            match value {
                Some(value) => {
                    values.insert(name.clone(), value);
                }
                None => missing.push(name.as_str()),
            }
        }
        if let Some(first) = missing.first() {
            bail!(
                "no value for the required variable{} {}: pass it to this host, or set {}=... in its environment",
                if missing.len() == 1 { "" } else { "s" },
                missing.join(", "),
                environment_name(first)
            );
        }
        Ok(Self(values))
    }

    /// Expands the variables in a template.
    ///
    /// # Errors
    ///
    /// Braces do not match, or a name in them is not declared.
    pub(crate) fn expand(&self, template: &str) -> Result<String> {
        let mut out = String::new();
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once("{{") {
            let (expression, after) = after.split_once("}}").context("unmatched `{{`")?;
            let name = expression.trim();
            let value = self.0.get(name).with_context(|| format!("{name:?} is not declared in [variables]"))?;
            out.push_str(literal);
            out.push_str(value);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// One component's variables, under its own names.
    ///
    /// # Errors
    ///
    /// A template is not valid; the error names the component's variable.
    pub(crate) fn of_component(
        &self,
        component: &str,
        templates: &BTreeMap<String, String>,
    ) -> Result<ComponentVariables> {
        let mut values = BTreeMap::new();
        for (name, template) in templates {
            ensure!(is_variable_name(name), "{name:?} is not a variable name");
            let value = self.expand(template).with_context(|| format!("[component.{component}.variables] {name}"))?;
            values.insert(name.clone(), value);
        }
        Ok(ComponentVariables { component: component.to_owned(), values })
    }
}

/// The variables that the guest may read. Default: none.
#[derive(Default)]
pub(crate) struct ComponentVariables {
    component: String,
    values: BTreeMap<String, String>,
}

impl fmt::Debug for ComponentVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// Why the guest got no value; `spin:variables` has a case for each.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LookupError {
    /// The name is not a valid name.
    InvalidName(String),
    /// The component has no such variable.
    Undefined(String),
}

impl ComponentVariables {
    /// The value of `name`.
    pub(crate) fn get(&self, name: &str) -> Result<&str, LookupError> {
        if !is_variable_name(name) {
            return Err(LookupError::InvalidName(format!("{name:?}: not a lower_snake_case name")));
        }
        self.values
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| LookupError::Undefined(format!("no variable for {:?}.{name:?}", self.component)))
    }
}

fn environment_name(name: &str) -> String {
    format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{LookupError, Variables, is_variable_name};
    use crate::manifest::Variable;

    fn declared(toml: &str) -> BTreeMap<String, Variable> {
        toml::from_str(toml).unwrap()
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let declared = pairs.iter().map(|(name, _)| format!("{name} = {{ required = true }}\n")).collect::<String>();
        Variables::resolve(&self::declared(&declared), &map(pairs), |_| None).unwrap()
    }

    #[test]
    fn caller_precedes_environment_and_default() {
        let declared = declared("a = { default = 'd' }\nb = { default = 'd' }\nc = { default = 'd' }");
        let environment = |name: &str| (name != "SPIN_VARIABLE_C").then(|| format!("env {name}"));
        let resolved = Variables::resolve(&declared, &map(&[("a", "given")]), environment).unwrap();
        assert_eq!(resolved.expand("{{ a }}|{{b}}|{{  c}}").unwrap(), "given|env SPIN_VARIABLE_B|d");
    }

    #[test]
    fn missing_variable_is_named_with_a_fix() {
        let declared = declared("a = { required = true }\nb = { required = true }");
        let error = Variables::resolve(&declared, &map(&[("b", "hunter2")]), |_| None).unwrap_err().to_string();
        assert!(error.contains("variable a:") && error.contains("SPIN_VARIABLE_A"), "{error}");
        assert!(!error.contains("hunter2"));
    }

    #[test]
    fn templates_expand() {
        let variables = variables(&[("host", "h.example"), ("port", "8443")]);
        for (template, expanded) in [
            ("", ""),
            ("plain", "plain"),
            ("{{ host }}", "h.example"),
            ("https://{{host}}:{{ port }}/x", "https://h.example:8443/x"),
            ("a }} b", "a }} b"),
        ] {
            assert_eq!(variables.expand(template).unwrap(), expanded);
        }
        assert!(variables.expand("{{ host").is_err());
        assert!(variables.expand("{{ nope }}").unwrap_err().to_string().contains("\"nope\""));
    }

    #[test]
    fn component_sees_only_its_own_names() {
        let variables = variables(&[("vidm_url", "https://v"), ("token", "hunter2")]);
        let component = variables.of_component("app", &map(&[("url", "{{ vidm_url }}/SAAS")])).unwrap();
        assert_eq!(component.get("url"), Ok("https://v/SAAS"));
        assert!(matches!(component.get("vidm_url"), Err(LookupError::Undefined(_))));
        assert!(matches!(component.get("URL"), Err(LookupError::InvalidName(_))));
        let error = variables.of_component("app", &map(&[("url", "{{ no }}")])).unwrap_err();
        assert!(format!("{error:#}").contains("[component.app.variables] url"), "{error:#}");
        assert!(!format!("{variables:?} {component:?}").contains("hunter2"));
    }

    #[test]
    fn variable_names_are_checked() {
        for good in ["a", "a1", "a_b", "vidm_url"] {
            assert!(is_variable_name(good), "{good}");
        }
        for bad in ["", "1a", "_a", "a_", "a__b", "A", "a-b"] {
            assert!(!is_variable_name(bad), "{bad}");
        }
    }
}

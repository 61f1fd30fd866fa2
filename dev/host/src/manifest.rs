//! `spin.toml`, manifest version 2, as far as an HTTP application needs it.
//!
//! The tables reject unknown keys exactly where Spin's loader does, so that a misspelt key fails here and not first in
//! production. The format: <https://spinframework.dev/v3/manifest-reference>.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use crate::variables::is_variable_name;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    spin_manifest_version: toml::Value,
    #[expect(dead_code, reason = "known to Spin but not used here")]
    application: Application,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) trigger: BTreeMap<String, Vec<toml::Table>>,
    #[serde(default)]
    pub(crate) component: BTreeMap<String, Component>,
}

/// `[application]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that Spin knows but that have no effect here")]
pub(crate) struct Application {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    authors: Vec<String>,
    #[serde(default)]
    targets: Vec<toml::Value>,
    #[serde(default)]
    trigger: BTreeMap<String, toml::Table>,
    #[serde(default)]
    tool: BTreeMap<String, toml::Table>,
}

/// One entry of `[variables]`. No `Debug`: a default may be a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that Spin knows but that have no effect here")]
pub(crate) struct Variable {
    description: Option<String>,
    #[serde(default)]
    pub(crate) required: bool,
    pub(crate) default: Option<String>,
    #[serde(default)]
    secret: bool,
}

impl std::fmt::Debug for Variable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Variable").field("required", &self.required).finish_non_exhaustive()
    }
}

/// `[component.<id>]`. No derived `Debug`: its variables may hold secrets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that Spin knows but that have no effect here")]
pub(crate) struct Component {
    source: toml::Value,
    #[serde(default)]
    description: String,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    files: Vec<toml::Value>,
    #[serde(default)]
    exclude_files: Vec<String>,
    #[serde(default)]
    allowed_http_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) key_value_stores: Vec<String>,
    #[serde(default)]
    sqlite_databases: Vec<String>,
    #[serde(default)]
    ai_models: Vec<String>,
    targets: Option<Vec<toml::Value>>,
    build: Option<Build>,
    #[serde(default)]
    tool: BTreeMap<String, toml::Table>,
    dependencies_inherit_configuration: Option<bool>,
    #[serde(default)]
    dependencies: toml::Table,
    #[serde(default)]
    profile: BTreeMap<String, toml::Table>,
}

impl std::fmt::Debug for Component {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Component")
            .field("allowed_outbound_hosts", &self.allowed_outbound_hosts)
            .field("key_value_stores", &self.key_value_stores)
            .finish_non_exhaustive()
    }
}

/// `[component.<id>.build]`, which is only for `spin build`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that Spin knows but that have no effect here")]
struct Build {
    command: toml::Value,
    workdir: Option<String>,
    #[serde(default)]
    watch: Vec<String>,
}

/// One `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that Spin knows but that have no effect here")]
struct HttpTrigger {
    id: Option<String>,
    component: Option<toml::Value>,
    components: Option<toml::Table>,
    dependencies: Option<toml::Table>,
    static_response: Option<toml::Table>,
    route: TriggerRoute,
    executor: Option<Executor>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum TriggerRoute {
    Path(String),
    Private(PrivateRoute),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrivateRoute {
    private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Executor {
    r#type: String,
}

impl Manifest {
    /// Reads and checks the file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in {}", path.display()))
    }

    /// Parses and checks the text of a `spin.toml`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text).map_err(|error| without_input(&error, text))?;
        ensure!(manifest.spin_manifest_version.as_integer() == Some(2), "spin_manifest_version must be 2");
        for (name, variable) in &manifest.variables {
            ensure!(
                is_variable_name(name),
                "variable {name:?}: a name must be lower_snake_case and start with a letter"
            );
            ensure!(
                variable.required != variable.default.is_some(),
                "variable {name:?} must be `required` or have a `default`, not both"
            );
        }
        Ok(manifest)
    }

    /// The component to serve: the selected one, or the only one.
    pub(crate) fn select(&self, id: Option<&str>) -> Result<(&str, &Component)> {
        let ids = || self.component.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let (id, component) = match id {
            Some(id) => self
                .component
                .get_key_value(id)
                .with_context(|| format!("no component {id:?}; use one of {}", ids()))?,
            None => {
                let mut all = self.component.iter();
                match (all.next(), all.next()) {
                    (Some(only), None) => only,
                    (None, _) => bail!("no [component.<id>] table"),
                    _ => bail!("more than one component; select one of {}", ids()),
                }
            }
        };
        component.check().with_context(|| format!("component {id:?}"))?;
        Ok((id, component))
    }

    /// The routes to `component`, as written. Those of other components are omitted, as in `spin up --component-id`.
    pub(crate) fn routes(&self, component: &str) -> Result<Vec<String>> {
        let mut routes = Vec::new();
        for table in self.trigger.get("http").into_iter().flatten() {
            let trigger: HttpTrigger = toml::Value::Table(table.clone()).try_into().context("[[trigger.http]]")?;
            let target = match (&trigger.component, &trigger.static_response) {
                (Some(toml::Value::String(id)), None) => id,
                (None, None) => bail!("a [[trigger.http]] names no component"),
                _ => bail!("this host serves only [[trigger.http]] entries that name a [component.<id>] table"),
            };
            if let Some(executor) = &trigger.executor {
                ensure!(
                    matches!(executor.r#type.as_str(), "http" | "spin"),
                    "this host does not support the {:?} executor",
                    executor.r#type
                );
            }
            ensure!(self.component.contains_key(target), "a [[trigger.http]] names the unknown component {target:?}");
            match trigger.route {
                TriggerRoute::Path(path) if target == component => routes.push(path),
                TriggerRoute::Path(_) => {}
                TriggerRoute::Private(PrivateRoute { private }) => {
                    ensure!(private, "a route must be a path or {{ private = true }}");
                }
            }
        }
        ensure!(!routes.is_empty(), "no [[trigger.http]] names component {component:?}");
        Ok(routes)
    }
}

impl Component {
    /// Rejects settings that Spin would use and this host would silently ignore.
    fn check(&self) -> Result<()> {
        for name in self.variables.keys() {
            ensure!(
                is_variable_name(name),
                "variable {name:?}: a name must be lower_snake_case and start with a letter"
            );
        }
        for (key, used) in [
            ("files", !self.files.is_empty()),
            ("allowed_http_hosts", !self.allowed_http_hosts.is_empty()),
            ("sqlite_databases", !self.sqlite_databases.is_empty()),
            ("ai_models", !self.ai_models.is_empty()),
            ("dependencies", !self.dependencies.is_empty()),
        ] {
            ensure!(!used, "this host does not support `{key}`");
        }
        Ok(())
    }
}

/// A parse error without the source line that `toml` quotes, which may contain a secret.
fn without_input(error: &toml::de::Error, text: &str) -> anyhow::Error {
    let line = error.span().and_then(|span| text.get(..span.start)).map(|before| before.matches('\n').count() + 1);
    match line {
        Some(line) => anyhow::anyhow!("line {line}: {}", error.message()),
        None => anyhow::anyhow!("{}", error.message()),
    }
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    const MANIFEST: &str = r##"
#:schema https://example.com/spin.json
spin_manifest_version = 2

[application]
name = "app"
version = "1.0.0"
authors = ["A <a@example.com>"]

[variables]
vidm_url = { required = true }
token = { default = "hunter2", secret = true }

[[trigger.http]]
route = "/..."
component = "app"

[[trigger.http]]
id = "internal"
route = { private = true }
component = "app"

[[trigger.http]]
route = "/other"
component = "other"

[component.app]
source = "app.wasm"
allowed_outbound_hosts = ["{{ vidm_url }}"]
key_value_stores = ["default"]
[component.app.variables]
vidm_url = "{{ vidm_url }}"
[component.app.build]
command = "cargo build"
watch = ["src/**/*.rs"]

[component.other]
source = { url = "https://example.com/o.wasm", digest = "sha256:0" }
"##;

    #[test]
    fn reads_what_spin_reads() {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let (id, component) = manifest.select(Some("app")).unwrap();
        assert_eq!(id, "app");
        assert_eq!(component.allowed_outbound_hosts, ["{{ vidm_url }}"]);
        assert_eq!(component.key_value_stores, ["default"]);
        assert_eq!(manifest.routes("app").unwrap(), ["/..."]);
        assert_eq!(manifest.routes("other").unwrap(), ["/other"]);
    }

    #[test]
    fn one_of_several_components_must_be_selected() {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        assert!(manifest.select(None).unwrap_err().to_string().contains("app, other"));
        assert!(manifest.select(Some("nope")).unwrap_err().to_string().contains("\"nope\""));
    }

    #[test]
    fn misspelt_keys_are_rejected_as_in_spin() {
        for (right, wrong) in [
            ("name = \"app\"", "nam = \"app\""),
            ("secret = true", "secrt = true"),
            ("watch = [", "wach = ["),
            ("key_value_stores", "key_value_store"),
            ("[variables]", "[variable]"),
            ("spin_manifest_version = 2", "spin_manifest_version = 1"),
            ("{ required = true }", "{ required = true, default = \"x\" }"),
            ("{ required = true }", "{}"),
            ("vidm_url = {", "vidmUrl = {"),
        ] {
            let text = MANIFEST.replacen(right, wrong, 1);
            assert_ne!(text, MANIFEST);
            assert!(Manifest::parse(&text).is_err(), "{wrong}");
        }
        let text = MANIFEST.replacen("route = \"/...\"", "route = \"/...\"\nexcutor = 1", 1);
        assert!(Manifest::parse(&text).unwrap().routes("app").is_err());
    }

    #[test]
    fn unsupported_settings_are_rejected() {
        let text = MANIFEST.replacen("key_value_stores", "files = [\"a\"]\nkey_value_stores", 1);
        let error = Manifest::parse(&text).unwrap().select(Some("app")).unwrap_err();
        assert!(format!("{error:#}").contains("`files`"), "{error:#}");
        let text = MANIFEST.replacen("route = \"/...\"", "route = \"/...\"\nexecutor = { type = \"wagi\" }", 1);
        assert!(Manifest::parse(&text).unwrap().routes("app").unwrap_err().to_string().contains("wagi"));
    }

    #[test]
    fn values_are_not_shown_in_errors_or_debug_output() {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        assert!(!format!("{manifest:?}").contains("hunter2"));
        let text = MANIFEST.replacen("secret = true", "secrt = true", 1);
        let error = format!("{:?}", Manifest::parse(&text).unwrap_err());
        assert!(!error.contains("hunter2"), "{error}");
        assert!(error.contains("line 12") && error.contains("secrt"), "{error}");
    }
}

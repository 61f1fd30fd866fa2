//! A Spin manifest as `spin registry push` writes it into a registry: the locked application.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value, json};

/// The locked application of the manifest `text`, whose component is the blob `digest`.
///
/// It supports the keys that idhook's manifests use: one component, without files or dependencies, and one HTTP trigger. Any other key is an
/// error.
pub(super) fn application(text: &str, digest: &str) -> Result<Value> {
    let manifest: Value = toml::from_str(text).context("the manifest cannot be read")?;
    only(&manifest, &["spin_manifest_version", "application", "variables", "trigger", "component"])?;
    let application = member(&manifest, "application")?;
    only(application, &["name", "version", "description"])?;
    let mut metadata = application.as_object().cloned().unwrap_or_default();
    metadata.insert("trigger".to_owned(), json!({ "type": "http" }));
    metadata.insert("triggers".to_owned(), json!({}));

    let mut variables = Map::new();
    for (name, variable) in object(&manifest, "variables")? {
        only(variable, &["default", "description", "secret"])?;
        variables.insert(name.clone(), variable.clone());
    }
    let mut components = Vec::new();
    for (id, component) in object(&manifest, "component")? {
        only(component, &["source", "allowed_outbound_hosts", "key_value_stores", "variables"])?;
        components.push(json!({
            "id": id,
            "metadata": {
                "allowed_outbound_hosts": member(component, "allowed_outbound_hosts")?,
                "key_value_stores": member(component, "key_value_stores")?,
            },
            "source": { "content_type": "application/wasm", "digest": digest },
            "config": member(component, "variables")?,
        }));
    }
    ensure!(components.len() == 1, "the manifest has {} components", components.len());

    only(member(&manifest, "trigger")?, &["http"])?;
    let mut triggers = Vec::new();
    for trigger in manifest.pointer("/trigger/http").and_then(Value::as_array).context("no HTTP trigger")? {
        only(trigger, &["route", "component"])?;
        let component = member(trigger, "component")?.as_str().context("trigger.http.component is no text")?;
        // Spin numbers a second one.
        ensure!(triggers.is_empty(), "the manifest has more than one trigger");
        triggers.push(json!({
            "id": format!("{component}-http-trigger"),
            "trigger_type": "http",
            "trigger_config": trigger,
        }));
    }
    Ok(json!({
        "spin_lock_version": 0,
        "metadata": metadata,
        "variables": variables,
        "triggers": triggers,
        "components": components,
    }))
}

fn member<'v>(value: &'v Value, name: &str) -> Result<&'v Value> {
    value.get(name).with_context(|| format!("the manifest has no {name}"))
}

fn object<'v>(value: &'v Value, name: &str) -> Result<&'v Map<String, Value>> {
    member(value, name)?.as_object().with_context(|| format!("{name} of the manifest is no table"))
}

/// Fails if a table has other keys: an unsupported key must not be dropped silently.
fn only(table: &Value, known: &[&str]) -> Result<()> {
    let keys = table.as_object().context("a table of the manifest is something else")?.keys();
    let unknown: Vec<&String> = keys.filter(|key| !known.contains(&key.as_str())).collect();
    if !unknown.is_empty() {
        bail!(
            "the OCI layout does not support {unknown:?} of the manifest; add it to dev/xtask/src/release/spin_lock.rs"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "idhook"
        version = "0.1.0"
        description = "d"
        [variables]
        vidm_url = { default = "", description = "address" }
        vidm_password = { default = "", secret = true, description = "password" }
        [[trigger.http]]
        route = "/..."
        component = "idhook"
        [component.idhook]
        source = "idhook_spin.wasm"
        allowed_outbound_hosts = ["{{ vidm_url }}"]
        key_value_stores = ["default"]
        [component.idhook.variables]
        vidm_url = "{{ vidm_url }}"
    "#;

    /// As Spin 4.1 writes it for this manifest, with a digest in place of the path and without `origin`, which `spin registry push`
    /// replaces and removes.
    #[test]
    fn locked_application_is_as_spin_writes_it() {
        let expected = json!({
            "spin_lock_version": 0,
            "metadata": {
                "description": "d", "name": "idhook", "version": "0.1.0", "trigger": { "type": "http" }, "triggers": {},
            },
            "variables": {
                "vidm_password": { "description": "password", "default": "", "secret": true },
                "vidm_url": { "description": "address", "default": "" },
            },
            "triggers": [{
                "id": "idhook-http-trigger",
                "trigger_type": "http",
                "trigger_config": { "component": "idhook", "route": "/..." },
            }],
            "components": [{
                "id": "idhook",
                "metadata": { "allowed_outbound_hosts": ["{{ vidm_url }}"], "key_value_stores": ["default"] },
                "source": { "content_type": "application/wasm", "digest": "sha256:beef" },
                "config": { "vidm_url": "{{ vidm_url }}" },
            }],
        });
        assert_eq!(application(MANIFEST, "sha256:beef").unwrap(), expected);
    }

    #[test]
    fn unknown_key_of_the_manifest_is_an_error() {
        for (from, to) in [
            ("source = ", "files = [\"a\"]\nsource = "),
            ("default = \"\", description", "required = true, description"),
            ("route = ", "executor = { type = \"wagi\" }\nroute = "),
        ] {
            let error = application(&MANIFEST.replacen(from, to, 1), "sha256:beef").unwrap_err();
            assert!(error.to_string().contains("spin_lock.rs"), "{error}");
        }
    }
}

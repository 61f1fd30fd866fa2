//! The options, and the manifest if there is one, as far as they concern the component; checked.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use crate::allowed_hosts::AllowedHosts;
use crate::manifest::Manifest;
use crate::routes::Router;
use crate::variables::{ComponentVariables, Variables};
use crate::{KeyValue, Options, Runtime, Spin};

/// The component's grants, with every variable expanded.
#[derive(Debug)]
pub(crate) struct Application {
    /// `None`: the component gets every request unchanged.
    pub(crate) router: Option<Router>,
    pub(crate) variables: ComponentVariables,
    /// `None`: any.
    pub(crate) allowed_hosts: Option<AllowedHosts>,
    pub(crate) environment: Environment,
    pub(crate) key_value: KeyValue,
    pub(crate) key_value_labels: BTreeSet<String>,
}

/// The guest's environment variables.
pub(crate) struct Environment(pub(crate) BTreeMap<String, String>);

impl std::fmt::Debug for Environment {
    /// Shows only names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Application {
    /// Reads the files in the options.
    pub(crate) fn read(options: &Options) -> Result<Self> {
        let mut application = match &options.runtime {
            Runtime::Spin(spin) => Self::of_manifest(spin)?,
            Runtime::Wasmtime => Self {
                router: None,
                variables: ComponentVariables::default(),
                allowed_hosts: None,
                environment: Environment(BTreeMap::new()),
                key_value: KeyValue::denied(),
                key_value_labels: BTreeSet::new(),
            },
        };
        application.environment.0.extend(options.environment.clone());
        Ok(application)
    }

    /// Reads the manifest and this process's `SPIN_VARIABLE_*`.
    fn of_manifest(spin: &Spin) -> Result<Self> {
        let manifest = Manifest::read(&spin.manifest)?;
        let (id, component) = manifest.select(spin.component.as_deref())?;
        let variables = Variables::resolve(&manifest.variables, &spin.variables, |name| std::env::var(name).ok())?;
        for label in &component.key_value_stores {
            ensure!(spin.key_value.is_defined(label), "unknown key_value_stores label {label:?} for component {id:?}");
        }
        Ok(Self {
            router: Some(Router::new(manifest.routes(id)?)?),
            variables: variables.of_component(id, &component.variables)?,
            allowed_hosts: Some(AllowedHosts::parse(&component.allowed_outbound_hosts, &variables)?),
            environment: Environment(component.environment.clone()),
            key_value: spin.key_value.clone(),
            key_value_labels: component.key_value_stores.iter().cloned().collect(),
        })
    }
}

//! The part of the options and the manifest that one component runs on, checked.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};

use crate::Options;
use crate::allowed_hosts::AllowedHosts;
use crate::manifest::Manifest;
use crate::routes::Router;
use crate::variables::{ComponentVariables, Variables};

/// What the manifest grants the component, with every variable filled in.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) router: Router,
    pub(crate) variables: ComponentVariables,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) environment: Environment,
    pub(crate) key_value_labels: BTreeSet<String>,
}

/// The guest's environment variables.
pub(crate) struct Environment(pub(crate) BTreeMap<String, String>);

impl std::fmt::Debug for Environment {
    /// Shows the names alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Application {
    /// Reads the manifest and this process's `SPIN_VARIABLE_*`.
    pub(crate) fn read(options: &Options) -> Result<Self> {
        let manifest = Manifest::read(&options.manifest)?;
        let (id, component) = manifest.select(options.component.as_deref())?;
        let variables = Variables::resolve(&manifest.variables, &options.variables, |name| std::env::var(name).ok())?;
        for label in &component.key_value_stores {
            ensure!(
                options.key_value.is_defined(label),
                "unknown key_value_stores label {label:?} for component {id:?}"
            );
        }
        let mut environment = component.environment.clone();
        environment.extend(options.environment.clone());
        Ok(Self {
            router: Router::new(manifest.routes(id)?)?,
            variables: variables.of_component(id, &component.variables)?,
            allowed_hosts: AllowedHosts::parse(&component.allowed_outbound_hosts, &variables)?,
            environment: Environment(environment),
            key_value_labels: component.key_value_stores.iter().cloned().collect(),
        })
    }
}

//! `pyproject.toml` as the metadata of a distribution (core metadata 2.4).

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use crate::README;

/// The table `[project]`.
pub(crate) struct Project {
    table: Table,
    /// The file itself, which the source distribution contains.
    pub(crate) text: String,
}

impl Project {
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut file: Table = text.parse().context("pyproject.toml")?;
        let Some(Value::Table(table)) = file.remove("project") else {
            anyhow::bail!("pyproject.toml has no [project]")
        };
        Ok(Self { table, text: text.to_owned() })
    }

    fn field(&self, name: &str) -> &str {
        self.table.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    fn list(&self, name: &str) -> Vec<&str> {
        self.table.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// `NAME-VERSION`, as archives and folders begin.
    pub(crate) fn stem(&self) -> String {
        format!("{}-{}", self.field("name"), self.field("version"))
    }

    pub(crate) fn wheel_name(&self) -> String {
        format!("{}-py3-none-any.whl", self.stem())
    }

    pub(crate) fn sdist_name(&self) -> String {
        format!("{}.tar.gz", self.stem())
    }

    /// The text of `METADATA` and `PKG-INFO`.
    pub(crate) fn metadata(&self) -> String {
        let mut text = "Metadata-Version: 2.4\n".to_owned();
        let mut line = |name: &str, value: &str| text.push_str(&format!("{name}: {value}\n"));
        line("Name", self.field("name"));
        line("Version", self.field("version"));
        line("Summary", self.field("description"));
        line("Keywords", &self.list("keywords").join(","));
        line("License-Expression", self.field("license"));
        self.list("license-files").into_iter().for_each(|file| line("License-File", file));
        self.list("classifiers").into_iter().for_each(|classifier| line("Classifier", classifier));
        line("Requires-Python", self.field("requires-python"));
        let extras = self.table.get("optional-dependencies").and_then(Value::as_table);
        for (extra, packages) in extras.into_iter().flatten() {
            line("Provides-Extra", extra);
            for package in packages.as_array().into_iter().flatten().filter_map(Value::as_str) {
                line("Requires-Dist", &format!("{package}; extra == \"{extra}\""));
            }
        }
        line("Description-Content-Type", "text/markdown");
        format!("{text}\n{README}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_has_the_fields_of_pyproject() {
        let project = Project::read(crate::PYPROJECT).unwrap();
        assert_eq!(project.wheel_name(), "idhook-0.0.0-py3-none-any.whl");
        let metadata = project.metadata();
        let (head, body) = metadata.split_once("\n\n").unwrap();
        for line in [
            "Name: idhook",
            "License-Expression: Apache-2.0",
            "License-File: LICENSE",
            "Provides-Extra: wasmtime",
            "Requires-Dist: wasmtime>=40; extra == \"wasmtime\"",
        ] {
            assert!(head.lines().any(|one| one == line), "{line}: {head}");
        }
        assert!(body.starts_with("# idhook"));
        assert!(Project::read("[tool]").is_err());
    }
}

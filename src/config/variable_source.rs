//! Variables of a runtime that reads each of them separately and may fail on some.

use super::ConfigError;

/// The variables as the runtime read them.
///
/// ```
/// use idhook::config::VariableSource;
///
/// let mut source = VariableSource::default();
/// source.value("vcf_url", "https://sddc.example".to_owned());
/// assert!(source.are_whole());
/// source.unreadable("vcf_password");
/// assert!(!source.are_whole());
/// ```
#[derive(Default)]
pub struct VariableSource {
    values: Vec<(&'static str, String)>,
    unreadable: Vec<ConfigError>,
}

impl std::fmt::Debug for VariableSource {
    /// Shows only names.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VariableSource")
            .field("values", &self.values.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .field("unreadable", &self.unreadable)
            .finish()
    }
}

impl VariableSource {
    /// The variable `name` has this value. Unset variables are not recorded.
    pub fn value(&mut self, name: &'static str, value: String) {
        self.values.push((name, value));
    }

    /// The runtime failed to read `name`.
    pub fn unreadable(&mut self, name: &'static str) {
        self.unreadable.push(ConfigError::new(name, "could not be read from its provider; see the runtime's log"));
    }

    /// Whether every variable could be read.
    #[must_use]
    pub fn are_whole(&self) -> bool {
        self.unreadable.is_empty()
    }

    /// Looks up a variable's value by name.
    ///
    /// # Errors
    /// Some variables could not be read; a configuration without them might be wrong.
    pub(crate) fn lookup(&self) -> Result<impl Fn(&str) -> Option<String>, Vec<ConfigError>> {
        if !self.are_whole() {
            return Err(self.unreadable.clone());
        }
        Ok(|name: &str| self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone()))
    }
}

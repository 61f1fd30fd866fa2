//! Fields that a model does not know but preserves: newer versions of a server add fields.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Fields without a name in the model, unchanged. `Debug` shows only their names: values may be secret.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Extra(pub Map<String, Value>);

impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_without_values() {
        let extra: Extra = serde_json::from_str(r#"{"pin": "hunter2", "a": 1}"#).unwrap();
        assert_eq!(format!("{extra:?}"), r#"{"a", "pin"}"#);
    }
}

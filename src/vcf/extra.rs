//! What a model does not know by name and carries through all the same: newer versions of SDDC Manager add fields.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Fields the model has no name for, as they came. Its `Debug` shows their names alone: nobody knows what is in them.
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
    fn names_are_shown_and_values_are_not() {
        let extra: Extra = serde_json::from_str(r#"{"pin": "hunter2", "a": 1}"#).unwrap();
        assert_eq!(format!("{extra:?}"), r#"{"a", "pin"}"#);
    }
}

//! Reads single fields of an object whose form is not certain.

use serde_json::{Map, Value};

/// Removes the field `name` from `item` if `read` accepts it.
pub(crate) fn take<T>(item: &mut Map<String, Value>, name: &str, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
    let read = read(item.get(name)?)?;
    item.remove(name);
    Some(read)
}

/// Removes the field `name` from `item` if it is a text.
pub(crate) fn take_text(item: &mut Map<String, Value>, name: &str) -> Option<String> {
    take(item, name, |value| value.as_str().map(str::to_owned))
}

/// Removes the field `name` from `item` if it is a boolean, or one as a text.
pub(crate) fn take_flag(item: &mut Map<String, Value>, name: &str) -> Option<bool> {
    take(item, name, |value| match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(word) => word.trim().to_ascii_lowercase().parse().ok(),
        _ => None,
    })
}

//! Lists in responses.

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value};

use crate::error::Result;
use crate::upstream::{invalid, read_json};

/// The objects in the list `name` of a response, or in a response that is a list. A missing list is empty: the vendor's own
/// examples leave out empty parts.
///
/// # Errors
/// `upstream_invalid` for a response that is neither an object nor a list.
pub(super) fn items(call: &'static str, answer: &Response<Bytes>, name: &str) -> Result<Vec<Map<String, Value>>> {
    let items = match read_json(call, answer)? {
        Value::Array(items) => items,
        Value::Object(mut body) => match body.remove(name) {
            Some(Value::Array(items)) => items,
            None | Some(Value::Null) => Vec::new(),
            Some(_) => return Err(invalid(call, answer, &format!("its {name} is not a list"))),
        },
        _ => return Err(invalid(call, answer, "it is not an object")),
    };
    Ok(items.into_iter().filter_map(|item| if let Value::Object(item) = item { Some(item) } else { None }).collect())
}

/// A number of a page's `pageInfo`. The vendor's examples leave it out.
pub(super) fn page_info(body: &Map<String, Value>, name: &str) -> Option<usize> {
    body.get("pageInfo")?.get(name)?.as_u64().and_then(|number| usize::try_from(number).ok())
}

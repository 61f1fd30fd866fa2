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
    Ok(items_and_info(call, answer, name)?.0)
}

/// The same for one page of a list, with what the response says about the page.
///
/// # Errors
/// As [`items`].
pub(super) fn items_and_info(
    call: &'static str,
    answer: &Response<Bytes>,
    name: &str,
) -> Result<(Vec<Map<String, Value>>, PageInfo)> {
    let (items, info) = match read_json(call, answer)? {
        Value::Array(items) => (items, PageInfo::default()),
        Value::Object(mut body) => match body.remove(name) {
            Some(Value::Array(items)) => (items, PageInfo::of(&body)),
            None | Some(Value::Null) => (Vec::new(), PageInfo::of(&body)),
            Some(_) => return Err(invalid(call, answer, &format!("its {name} is not a list"))),
        },
        _ => return Err(invalid(call, answer, "it is not an object")),
    };
    let objects = items.into_iter().filter_map(|item| if let Value::Object(item) = item { Some(item) } else { None });
    Ok((objects.collect(), info))
}

/// Entries in a page that is requested: the documented default, which every server allows.
pub(super) const PAGE: usize = 50;

/// The `pageInfo` of a response. The vendor's examples leave it out.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct PageInfo {
    /// Entries of all pages.
    pub(super) total: Option<usize>,
    /// Entries of a full page, above 0: the vendor's own example has a size of 0.
    size: Option<usize>,
}

impl PageInfo {
    pub(super) fn of(body: &Map<String, Value>) -> Self {
        let number =
            |name: &str| body.get("pageInfo")?.get(name)?.as_u64().and_then(|number| usize::try_from(number).ok());
        Self { total: number("totalCount"), size: number("pageSize").filter(|size| *size > 0) }
    }

    /// Entries of a full page, as the server gives them.
    pub(super) fn size(self) -> usize {
        self.size.unwrap_or(PAGE)
    }
}

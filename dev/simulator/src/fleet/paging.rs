//! Pages: `page` (from 0), `pageSize`, `sortBy`, `sortOrder`, and `pageInfo`.

use super::errors::invalid_parameter;
use super::state::State;
use crate::reply::{Ask, Reply};
use crate::settings::PageCap;
use serde_json::{Value, json};

/// The default size.
const DEFAULT_SIZE: usize = 50;

/// A requested page.
pub(super) struct Page<'a> {
    number: usize,
    size: usize,
    sort_by: Option<&'a str>,
    descending: bool,
    links: Value,
}

impl<'a> Page<'a> {
    /// Reads the query. Where the parameters are `required` a missing one is 400; `sorts` are the values of `sortBy`.
    pub(super) fn of(ask: &'a Ask, state: &State, required: bool, sorts: &[&str]) -> Result<Self, Reply> {
        let number = |name: &str, default: usize| match ask.query(name) {
            None if required => Err(invalid_parameter(name, "is required")),
            None => Ok(default),
            Some(text) => text.parse::<usize>().map_err(|_| invalid_parameter(name, "is not a number")),
        };
        let (page, mut size) = (number("page", 0)?, number("pageSize", DEFAULT_SIZE)?);
        if size == 0 {
            return Err(invalid_parameter("pageSize", "must be at least 1"));
        }
        match state.settings.page_cap {
            PageCap::Shortened(most) => size = size.min(most),
            PageCap::Rejected(most) if size > most => {
                return Err(invalid_parameter("pageSize", "is too large"));
            }
            PageCap::Rejected(_) | PageCap::None => {}
        }
        let sort_by = ask.query("sortBy");
        if sort_by.is_some_and(|by| !sorts.contains(&by)) {
            return Err(invalid_parameter("sortBy", "is not a field to sort by"));
        }
        let descending = match ask.query("sortOrder") {
            None | Some("ASCENDING") => false,
            Some("DESCENDING") => true,
            Some(_) => return Err(invalid_parameter("sortOrder", "is neither ASCENDING nor DESCENDING")),
        };
        let links = if ask.query("_no_links") == Some("true") { Value::Null } else { json!([]) };
        Ok(Self { number: page, size, sort_by, descending, links })
    }

    /// Sorts rows by what a field's name makes of them.
    pub(super) fn sort<T>(&self, rows: &mut [T], key: impl Fn(&T, &str) -> String) {
        if let Some(by) = self.sort_by {
            rows.sort_by_cached_key(|row| key(row, by).to_lowercase());
            if self.descending {
                rows.reverse();
            }
        }
    }

    /// The document with this page of the rows under `name`.
    pub(super) fn cut(&self, name: &str, rows: &[Value]) -> Value {
        let page: Vec<&Value> = rows.iter().skip(self.number.saturating_mul(self.size)).take(self.size).collect();
        let mut info = json!({"totalCount": rows.len(), "page": self.number, "pageSize": self.size});
        if let (Some(by), Value::Object(fields)) = (self.sort_by, &mut info) {
            fields.insert("sortBy".to_owned(), json!(by));
            let order = if self.descending { "DESCENDING" } else { "ASCENDING" };
            fields.insert("sortOrder".to_owned(), json!(order));
        }
        let mut body = json!({name: page, "pageInfo": info});
        if let (false, Value::Object(fields)) = (self.links.is_null(), &mut body) {
            fields.insert("links".to_owned(), self.links.clone());
        }
        body
    }
}

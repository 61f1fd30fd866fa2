//! Responses with a JSON content type and a bare text: SDDC Manager sends ids, sentences and tokens like this, quoted or
//! not.

use serde_json::Value;

use crate::error::excerpt;
use crate::redact::blank_secret_fields;

/// The text of `body`, trimmed, without one pair of quotes; `None` if empty.
pub(super) fn plain(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() || text == "null" {
        return None;
    }
    // A JSON string may contain escapes; quotes are removed from other texts too.
    let unquoted = crate::json::parse(text.as_bytes()).or_else(|| {
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        Some(inner.to_owned())
    });
    let unquoted = unquoted.unwrap_or_else(|| text.to_owned());
    let unquoted = unquoted.trim();
    (!unquoted.is_empty()).then(|| unquoted.to_owned())
}

/// The text of a response to a change, for the caller. A server may return what it got, so secrets in it are blanked.
pub(super) fn message(body: &[u8]) -> Option<String> {
    let mut text = Value::String(plain(body)?);
    blank_secret_fields(&mut text);
    text.as_str().map(excerpt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_with_or_without_quotes() {
        for body in ["id", "\"id\"", " \r\n\"id\"\n", "\u{feff}id", "\"\\u0069d\""] {
            assert_eq!(plain(body.as_bytes()).as_deref(), Some("id"), "{body:?}");
        }
        assert_eq!(plain(b"\"a \\x b\"").as_deref(), Some("a \\x b"));
        assert_eq!(plain(b"{\"id\": 1}").as_deref(), Some("{\"id\": 1}"));
        for body in ["", " \n", "\"\"", "null", "\" \""] {
            assert_eq!(plain(body.as_bytes()), None, "{body:?}");
        }
        assert_eq!(plain(b"\"").as_deref(), Some("\""));
    }
}

//! Header fields that are lists (RFC 9110, section 5.6.1): items separated by commas, each with parameters after semicolons. A
//! separator within quotes separates nothing.

use http::HeaderMap;
use http::header::{HeaderName, IF_NONE_MATCH};

use crate::change::EntityTag;

/// One item of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'h>(&'h str);

/// The items of all lines of the field `name`, in their order. Lines that are not ASCII are skipped.
pub(super) fn items<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = Item<'h>> {
    lines(headers, name).flat_map(|line| split(line, ',')).filter(|item| !item.is_empty()).map(Item)
}

/// The lines of the field `name` that are ASCII.
fn lines<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
}

impl<'h> Item<'h> {
    /// The item without its parameters.
    pub(super) fn value(self) -> &'h str {
        split(self.0, ';').next().unwrap_or_default()
    }

    /// Its weight, from 0 (not acceptable) to 1 (RFC 9110, section 12.4.2). One that is absent or cannot be read is 1.
    pub(super) fn weight(self) -> f32 {
        let parameters = split(self.0, ';').skip(1).filter_map(|parameter| parameter.split_once('='));
        let mut weights = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
        let weight = weights.next().and_then(|(_, weight)| weight.trim().parse::<f32>().ok());
        weight.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(1.0)
    }
}

/// Whether the client holds the version `etag` (`If-None-Match`), by weak comparison (RFC 9110, section 13.1.2).
pub(super) fn holds_version(headers: &HeaderMap, etag: &str) -> bool {
    let Some(etag) = EntityTag::parse(etag) else { return false };
    let is_held = |line: &str| line.trim() == "*" || EntityTag::list(line).flatten().any(|tag| tag.is_weakly(&etag));
    lines(headers, &IF_NONE_MATCH).any(is_held)
}

/// The pieces of `text` between separators that are not within quotes, without blanks around them.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let ends = move |c: char| {
        let escapes = c == '\\' && is_quoted && !is_escaped;
        if c == '"' && !is_escaped {
            is_quoted = !is_quoted;
        }
        is_escaped = escapes;
        c == separator && !is_quoted
    };
    text.split(ends).map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::ACCEPT;

    use super::*;

    fn read(lines: &[&'static str]) -> Vec<(String, f32)> {
        let headers: HeaderMap = lines.iter().map(|line| (ACCEPT, HeaderValue::from_static(line))).collect();
        items(&headers, &ACCEPT).map(|item| (item.value().to_owned(), item.weight())).collect()
    }

    #[test]
    fn items_of_all_lines_have_values_and_weights() {
        let read = read(&["text/html, a/b;level=1; Q=0.5 ,", "*/* ; q=0"]);
        let expected = [("text/html", 1.0), ("a/b", 0.5), ("*/*", 0.0)];
        assert_eq!(read, expected.map(|(value, weight)| (value.to_owned(), weight)));
    }

    #[test]
    fn separators_within_quotes_separate_nothing() {
        let values = |line| read(&[line]).into_iter().map(|(value, _)| value).collect::<Vec<_>>();
        assert_eq!(values(r#"foo="a, wait=7", wait=20"#), [r#"foo="a, wait=7""#, "wait=20"]);
        assert_eq!(values(r#"foo="a\", b;c", d"#), [r#"foo="a\", b;c""#, "d"]);
        assert_eq!(values(r#""a","b"#), [r#""a""#, r#""b"#], "an open quote");
        assert_eq!(read(&[r#"a;x=";q=0""#]), [("a".to_owned(), 1.0)]);
    }

    #[test]
    fn weight_that_cannot_be_read_is_one() {
        for line in ["a;q=", "a;q=soon", "a;q=nan", "a;q=-1", "a;q=7", "a;q", "a;qs=0"] {
            assert_eq!(read(&[line]), [("a".to_owned(), 1.0)], "{line}");
        }
    }
}

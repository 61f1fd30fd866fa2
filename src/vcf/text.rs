//! Answers that are JSON by their content type and a bare text by their content: SDDC Manager sends an id, a sentence or a
//! token so, with quotes or without.

/// The text of `body`, trimmed, one pair of quotes taken off. `None` when there is none.
pub(super) fn plain(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() || text == "null" {
        return None;
    }
    // A JSON string may hold escapes; what is in quotes without being one loses them all the same.
    let unquoted = serde_json::from_str(text).ok().or_else(|| {
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        Some(inner.to_owned())
    });
    let unquoted = unquoted.unwrap_or_else(|| text.to_owned());
    let unquoted = unquoted.trim();
    (!unquoted.is_empty()).then(|| unquoted.to_owned())
}

/// Whether `text` is a UUID (RFC 9562 section 4), in small or capital letters.
pub(super) fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_had_with_quotes_or_without() {
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

    #[test]
    fn a_uuid_is_told_from_a_word() {
        assert!(is_uuid("bb65e41c-e00d-4d74-b417-db72df6024f9"));
        assert!(is_uuid("BB65E41C-E00D-4D74-B417-DB72DF6024F9"));
        for other in
            ["", "Created", "bb65e41c-e00d-4d74-b417-db72df6024f", "bb65e41c-e00d-4d74-b417-db72df6024fg", "----"]
        {
            assert!(!is_uuid(other), "{other}");
        }
    }
}

//! Texts of a line: printable, and of bounded length.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// Writes a character of JSON in printable ASCII. Non-ASCII characters and DEL occur only inside strings; control characters
/// are already escaped.
pub(super) fn write_escaped(line: &mut String, c: char) {
    if matches!(c, ' '..='~') {
        line.push(c);
        return;
    }
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(line, "\\u{unit:04x}");
    }
}

/// The beginning of `text` that takes `limit` bytes in a line, with a mark if it was cut.
pub(super) fn bounded(text: &str, limit: usize) -> String {
    const MARK: char = '…';
    let width = |c: char| match c {
        '"' | '\\' => 2,
        ' '..='~' => 1,
        _ => 6 * c.len_utf16(),
    };
    if text.chars().map(width).sum::<usize>() <= limit {
        return text.to_owned();
    }
    let mut left = limit.saturating_sub(width(MARK));
    let mut short: String = text
        .chars()
        .take_while(|c| {
            let fits = width(*c) <= left;
            left = left.saturating_sub(width(*c));
            fits
        })
        .collect();
    short.push(MARK);
    short
}

/// A short name for the sync `id` that cannot be used as the id: an id gives access to its sync.
pub(super) fn short_sync_id(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(id).get(..6).unwrap_or_default())
}

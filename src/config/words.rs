//! Words and numbers as people write them, and how they are shown.

use std::fmt::Write as _;

use super::credential;
use crate::spelling::resembled;

/// The known word that `word` probably means.
pub(super) fn meant<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let folded = |text: &str| text.to_lowercase().replace(['.', '/', '-', '_', ' '], ":");
    let by_separator = || known.iter().find(|known| folded(known) == folded(word)).copied();
    resembled(word, known.iter().copied()).map(|(meant, _)| meant).or_else(by_separator)
}

/// Whether a text is in quotes, as `docker --env-file` and some shells leave them.
pub(crate) fn in_quotes(text: &str) -> bool {
    let text = text.trim();
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else { return false };
    let pairs = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’'), ('„', '“'), ('«', '»')];
    text.chars().nth(1).is_some() && pairs.contains(&(first, last))
}

/// A value for display: in quotes, with invisible characters as code points.
pub(super) fn quoted(value: &str) -> String {
    let mut shown = String::from('"');
    for c in value.chars() {
        if c.is_control() || credential::is_invisible(c) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "<U+{:04X}>", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown.push('"');
    shown
}

/// A number as people write it: JSON's format, also with a sign, zeros or point that JSON rejects (`+5`, `05`, `.5`, `5.`).
/// std's parser of floats would cost 17 kB for this alone.
pub(super) fn number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('+').unwrap_or(text).trim_start_matches('0');
    let digits = digits.strip_suffix('.').unwrap_or(digits);
    let zero = if digits.starts_with(|c: char| c.is_ascii_digit()) { "" } else { "0" };
    serde_json::from_slice::<serde_json::Value>([zero, digits].concat().as_bytes()).ok()?.as_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_every_notation() {
        for text in ["0.1", ".1", "+.1", "1", "01", "+1", "1.", "1.50", "2e1", "600", "600.0", "0", "00.5", "0.000001"]
        {
            assert_eq!(number(text), text.parse().ok(), "{text}");
        }
        for text in ["-1", "1,5", "1 s", "+-1", "++1", "0x1", "inf", "NaN", "1_0", "\"1\"", "null", "1.2.3", "0 1"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn misspelt_words_are_recognised() {
        let known = ["vidm:read", "vidm:sync", "admin"];
        for (word, right) in [
            ("vidm:reed", "vidm:read"),
            ("vidm.read", "vidm:read"),
            ("VIDM_SYNC", "vidm:sync"),
            ("vidmsync", "vidm:sync"),
            ("Admin", "admin"),
        ] {
            assert_eq!(meant(word, &known), Some(right), "{word}");
        }
        assert_eq!(meant("everything", &known), None);
    }
}

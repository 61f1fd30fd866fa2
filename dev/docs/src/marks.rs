//! The marks around generated parts.

/// The text before and after the name of a block in its first mark.
const BEGIN: (&str, &str) = ("generated: ", "; cargo xtask docs");

/// `text` with every generated part as `block` gives it for the words between the marks.
///
/// # Errors
/// The line of a mark that has no end, or of a block that is not known.
pub(crate) fn fill(text: &str, block: impl Fn(&[&str]) -> Result<String, String>) -> Result<String, String> {
    let mut written = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').enumerate();
    let mut fence = false;
    while let Some((at, line)) = lines.next() {
        written.push_str(line);
        fence ^= line.trim_start().starts_with("```");
        let Some(words) = begin(line).filter(|_| !fence) else { continue };
        let place = |what: &str| format!("line {}: {what}", at + 1);
        let content = block(&words).map_err(|e| place(&e))?;
        let (_, end) = lines.find(|(_, line)| is_end(line)).ok_or_else(|| place("the generated block has no end"))?;
        written.push_str(&content);
        written.push_str(end);
    }
    Ok(written)
}

/// The words of a first mark.
fn begin(line: &str) -> Option<Vec<&str>> {
    let inner = comment(line)?;
    let (words, _) = inner.strip_prefix(BEGIN.0)?.split_once(BEGIN.1)?;
    Some(words.split_whitespace().collect())
}

fn is_end(line: &str) -> bool {
    comment(line) == Some("end")
}

/// The text of a comment that is alone in its line, in Markdown or in TOML.
fn comment(line: &str) -> Option<&str> {
    let line = line.trim();
    let markdown = line.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
    markdown.or_else(|| line.strip_prefix('#')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_replaced_between_their_marks() {
        let block = |words: &[&str]| match words {
            ["known", ..] => Ok(format!("{}\n", words.join("+"))),
            _ => Err("not known".to_owned()),
        };
        let text = "a\n<!-- generated: known x; cargo xtask docs -->\nold\n<!-- end -->\n# generated: known; cargo xtask docs\n# end\nb";
        let filled = fill(text, block).unwrap();
        assert_eq!(
            filled,
            "a\n<!-- generated: known x; cargo xtask docs -->\nknown+x\n<!-- end -->\n# generated: known; cargo xtask docs\nknown\n# end\nb"
        );
        assert_eq!(fill(&filled, block).unwrap(), filled);
        let shown = "```text\n<!-- generated: other; cargo xtask docs -->\n```\n";
        assert_eq!(fill(shown, block).unwrap(), shown);
        assert_eq!(fill("\n<!-- generated: other; cargo xtask docs -->\n", block), Err("line 2: not known".to_owned()));
        let open = "<!-- generated: known; cargo xtask docs -->\nold\n";
        assert_eq!(fill(open, block), Err("line 1: the generated block has no end".to_owned()));
    }
}

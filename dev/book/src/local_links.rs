//! Links to files of the project outside `docs` lead nowhere on a website: their text stays.

use std::ops::Range;
use std::path::{Component, Path};

use anyhow::Result;
use mdbook_preprocessor::book::{Book, BookItem};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Replaces links that leave the documentation by their text.
pub(crate) struct LocalLinks;

impl Preprocessor for LocalLinks {
    fn name(&self) -> &str {
        "local-links"
    }

    fn run(&self, _: &PreprocessorContext, mut book: Book) -> Result<Book> {
        book.for_each_mut(|item| {
            if let BookItem::Chapter(chapter) = item
                && let Some(path) = &chapter.source_path
            {
                chapter.content = without_links_out(&chapter.content, path);
            }
        });
        Ok(book)
    }
}

/// `text` of the page at `path`, without links that leave the documentation.
fn without_links_out(text: &str, path: &Path) -> String {
    let mut replacements: Vec<(Range<usize>, String)> = Vec::new();
    let mut open: Option<(Range<usize>, Option<Range<usize>>)> = None;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::Start(Tag::Link { dest_url, .. }) => open = leaves(path, &dest_url).then_some((range, None)),
            Event::End(TagEnd::Link) => {
                if let Some((whole, Some(inner))) = open.take() {
                    replacements.push((whole, text.get(inner).unwrap_or_default().to_owned()));
                }
            }
            _ => {
                if let Some((_, inner)) = &mut open {
                    let begin = inner.as_ref().map_or(range.start, |inner| inner.start);
                    *inner = Some(begin..range.end);
                }
            }
        }
    }
    let mut text = text.to_owned();
    for (whole, inner) in replacements.into_iter().rev() {
        text.replace_range(whole, &inner);
    }
    text
}

/// Whether a link of the page at `path` leads to a file outside the documentation.
fn leaves(path: &Path, link: &str) -> bool {
    if link.contains("://") || link.starts_with('#') || link.starts_with("mailto:") {
        return false;
    }
    let mut depth = path.parent().map_or(0, |folder| folder.components().count());
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
    }
    false
}

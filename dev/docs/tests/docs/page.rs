//! A page as the tests see it: headings, anchors, links and code blocks.

use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

/// A Markdown file.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    /// The texts of the headings.
    pub(crate) headings: Vec<String>,
    /// The anchors that a link may name after `#`.
    pub(crate) anchors: Vec<String>,
    /// Where its links and pictures lead, as written, each with its line.
    pub(crate) links: Vec<(usize, String)>,
    pub(crate) blocks: Vec<Block>,
}

/// A fenced code block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) line: usize,
    /// The first word after the fence.
    pub(crate) language: String,
    /// The second word: the variable that a JSON example is a value of.
    pub(crate) variable: Option<String>,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        Self::of(path.to_owned(), std::fs::read_to_string(path).unwrap())
    }

    fn of(path: PathBuf, text: String) -> Self {
        let (mut headings, mut anchors, mut links, mut blocks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut heading, mut block) = (None::<String>, None::<Block>);
        let line = |at: usize| text.get(..at).unwrap_or_default().lines().count().max(1);
        for (event, range) in Parser::new_ext(&text, Options::ENABLE_TABLES).into_offset_iter() {
            match event {
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    let title = heading.take().unwrap_or_default();
                    anchors.push(unique(&slug(&title), &anchors));
                    headings.push(title);
                }
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push((line(range.start) + 1, dest_url.into_string()));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                    let mut words = info.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned);
                    block = Some(Block {
                        line: line(range.start) + 1,
                        language: words.next().unwrap_or_default(),
                        variable: words.next(),
                        text: String::new(),
                    });
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(block.take()),
                Event::Text(piece) | Event::Code(piece) => {
                    heading
                        .iter_mut()
                        .chain(block.as_mut().map(|block| &mut block.text))
                        .for_each(|to| to.push_str(&piece));
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    let ids = html.split("id=\"").skip(1).filter_map(|rest| rest.split('"').next());
                    anchors.extend(ids.map(str::to_owned));
                }
                _ => {}
            }
        }
        Self { path, headings, anchors, links, blocks, text }
    }

    /// Its path from the project's folder, for messages.
    pub(crate) fn name(&self) -> String {
        self.path.strip_prefix(idhook_docs::root()).unwrap_or(&self.path).display().to_string()
    }
}

/// A heading's anchor, as GitHub and mdBook make it.
pub(crate) fn slug(title: &str) -> String {
    let kept = title.trim().chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_lowercase().to_string()),
        c if c.is_whitespace() => Some("-".to_owned()),
        _ => None,
    });
    kept.collect()
}

/// The anchor of the second heading with the same text ends in -1.
fn unique(slug: &str, taken: &[String]) -> String {
    let candidates = std::iter::once(slug.to_owned()).chain((1..).map(|n| format!("{slug}-{n}")));
    candidates.into_iter().find(|candidate| !taken.contains(candidate)).unwrap_or_default()
}

/// Every page.
pub(crate) fn all() -> Vec<Page> {
    idhook_docs::pages().unwrap().iter().map(|path| Page::read(path)).collect()
}

/// The page at this path from the project's folder.
pub(crate) fn at(path: &str) -> Page {
    Page::read(&idhook_docs::root().join(path))
}

#[test]
fn a_page_is_read_with_headings_anchors_links_and_blocks() {
    let text = "# A `b_c` (d)!\n\n[x](y.md#z) <a id=\"own\"></a>\n\n## Same\n\n## Same\n\n```json hooks\n[]\n```\n";
    let page = Page::of("a.md".into(), text.to_owned());
    assert_eq!(page.headings, ["A b_c (d)!", "Same", "Same"]);
    assert_eq!(page.anchors, ["a-b_c-d", "own", "same", "same-1"]);
    assert_eq!(page.links, [(3, "y.md#z".to_owned())]);
    let [block] = page.blocks.as_slice() else { panic!("{:?}", page.blocks) };
    assert_eq!(
        (block.language.as_str(), block.variable.as_deref(), block.text.as_str()),
        ("json", Some("hooks"), "[]\n")
    );
}

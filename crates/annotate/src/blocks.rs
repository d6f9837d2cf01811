//! The blocks of a plain text: headings, paragraphs, list items, code, quotations, tables.
//!
//! The text alone says little about what a block is; the article's HTML, where there is one, says it exactly. This
//! module must not decide what a block means, only what it is and under which heading it stands.

use crate::outline::Outline;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    Heading,
    Paragraph,
    ListItem,
    Quote,
    Table,
    Code,
}

/// A stretch of the text, in bytes, that is one block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub start: usize,
    pub end: usize,
    pub kind: BlockKind,
    /// The block that is the heading over this one, by its place in the list; none above the first heading.
    pub heading: Option<usize>,
}

/// Longest heading in characters; a longer line is a paragraph, whatever it looks like.
const HEADING_MAX: usize = 120;

/// The blocks of `text` in order, list items one by one.
pub(crate) fn blocks(text: &str, outline: &Outline) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut heading = None;
    for (start, end) in paragraphs(text) {
        let body = &text[start..end];
        let kind = kind_of(body, outline);
        match kind {
            BlockKind::ListItem => {
                blocks.extend(items(text, start, end, outline).map(|(start, end)| Block {
                    start,
                    end,
                    kind,
                    heading,
                }));
            }
            BlockKind::Heading => {
                heading = Some(blocks.len());
                blocks.push(Block { start, end, kind, heading: None });
            }
            _ => blocks.push(Block { start, end, kind, heading }),
        }
    }
    blocks
}

/// The headings of `text` in order, as far as the text alone tells them.
pub fn headings(text: &str) -> impl Iterator<Item = &str> {
    let blocks = blocks(text, &Outline::default());
    blocks.into_iter().filter(|b| b.kind == BlockKind::Heading).map(|b| &text[b.start..b.end])
}

/// Stretches between empty lines, without white space at their ends.
fn paragraphs(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut open: Option<(usize, usize)> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        if bare.trim_start().is_empty() {
            found.extend(open.take());
        } else {
            let start = open.map_or(at + (line.len() - line.trim_start().len()), |(start, _)| start);
            open = Some((start, at + bare.len()));
        }
        at += line.len();
    }
    found.extend(open);
    found
}

fn kind_of(body: &str, outline: &Outline) -> BlockKind {
    if outline.is_heading(body) {
        return BlockKind::Heading;
    }
    if outline.is_code(body) {
        return BlockKind::Code;
    }
    if outline.is_table(body) || looks_like_table(body) {
        return BlockKind::Table;
    }
    if begins_item(body.lines().next().unwrap_or(body), outline) {
        return BlockKind::ListItem;
    }
    if outline.is_quote(body) {
        return BlockKind::Quote;
    }
    if looks_like_code(body) {
        return BlockKind::Code;
    }
    if looks_like_heading(body) { BlockKind::Heading } else { BlockKind::Paragraph }
}

/// Whether a line begins an item of a list: by its marker, or because the HTML says so.
fn begins_item(line: &str, outline: &Outline) -> bool {
    marker(line) > 0 || outline.is_list_item(line)
}

/// The items of a list, each from behind its marker to the next item.
fn items(text: &str, start: usize, end: usize, outline: &Outline) -> impl Iterator<Item = (usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = start;
    for line in text[start..end].split_inclusive('\n') {
        let bare = line.trim();
        let from = at + (line.len() - line.trim_start().len());
        let skip = marker(bare);
        if !bare.is_empty() {
            match found.last_mut() {
                Some(last) if !begins_item(bare, outline) => last.1 = from + bare.len(),
                _ if skip < bare.len() => found.push((from + skip, from + bare.len())),
                _ => {}
            }
        }
        at += line.len();
    }
    found.into_iter()
}

/// The length in bytes of the list marker that `line` begins with, its spaces included; 0 where there is none.
pub(crate) fn marker(line: &str) -> usize {
    let line_start = line.len() - line.trim_start().len();
    let bare = &line[line_start..];
    for bullet in ["- ", "* ", "+ ", "• ", "– ", "· "] {
        if let Some(rest) = bare.strip_prefix(bullet) {
            return line.len() - rest.trim_start().len();
        }
    }
    let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
    if (1..=3).contains(&digits) {
        let rest = &bare[digits..];
        if let Some(rest) = rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")) {
            return line.len() - rest.trim_start().len();
        }
    }
    0
}

fn looks_like_table(body: &str) -> bool {
    let lines = body.lines().count();
    body.matches(" | ").count() + body.matches('\t').count() >= lines.max(2)
}

fn looks_like_heading(body: &str) -> bool {
    let ends_open = !body.ends_with(['.', '!', ':', ';', ',', '。', '…', '”', '"', ')']);
    let short = body.len() <= HEADING_MAX && body.split_whitespace().count() <= 12;
    short && ends_open && !body.contains('\n') && body.chars().next().is_some_and(|c| !c.is_lowercase())
}

/// Whether the lines are more likely a program's than a person's.
fn looks_like_code(body: &str) -> bool {
    let (mut lines, mut code) = (0usize, 0usize);
    for line in body.lines() {
        lines += 1;
        let bare = line.trim();
        let ends = bare.ends_with([';', '{', '}', '\\', '=']) || bare.ends_with("->") || bare.ends_with("};");
        let begins =
            ["$ ", "# ", "// ", "> ", "}", "{", "<", "@", "import ", "use ", "let ", "const ", "def ", "--"]
                .iter()
                .any(|b| bare.starts_with(b));
        let odd = bare.bytes().filter(|b| b"{}()<>=;_$|/\\[]&*".contains(b)).count();
        code += usize::from(ends || begins || odd * 6 > bare.len().max(1));
    }
    lines > 0 && code * 2 > lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str, html: Option<&str>) -> Vec<(BlockKind, String)> {
        let outline = html.map(Outline::of).unwrap_or_default();
        blocks(text, &outline).iter().map(|b| (b.kind, text[b.start..b.end].to_owned())).collect()
    }

    #[test]
    fn a_text_falls_into_its_blocks() {
        let text = "Why we moved\n\nIt was slow.\nVery slow.\n\n- one\n- two\n  more\n\n1. first\n\nlet x = 1;\nfoo(x);\n";
        use BlockKind::*;
        let expected = [
            (Heading, "Why we moved"),
            (Paragraph, "It was slow.\nVery slow."),
            (ListItem, "one"),
            (ListItem, "two\n  more"),
            (ListItem, "first"),
            (Code, "let x = 1;\nfoo(x);"),
        ];
        assert_eq!(kinds(text, None), expected.map(|(k, t)| (k, t.to_owned())));
    }

    #[test]
    fn headings_are_told_by_the_text_alone() {
        let text = "Why we moved\n\nIt was slow.\n\n- one\n\nWhat we did\n\nWe moved.";
        assert_eq!(headings(text).collect::<Vec<_>>(), ["Why we moved", "What we did"]);
    }

    #[test]
    fn the_html_says_what_the_text_cannot() {
        let text = "What broke?\n\nSELECT every row\n\nSomebody said so.";
        let html = "<h2>What broke?</h2><pre>what broke?</pre><pre><code>SELECT every\n row</code></pre><blockquote><p>Somebody said so.</p></blockquote>";
        let found: Vec<_> = kinds(text, Some(html)).into_iter().map(|(k, _)| k).collect();
        assert_eq!(found, [BlockKind::Heading, BlockKind::Code, BlockKind::Quote]);
    }

    #[test]
    fn list_items_without_markers_are_told_by_the_html() {
        let text = "It was slow.\n\nOne thing\nAnother thing\nNested\n\nDone.";
        let html = "<p>It was slow.</p><ul><li>One thing</li><li>Another thing<ul><li>Nested</li></ul></li></ul><p>Done.</p>";
        let found = kinds(text, Some(html));
        let items: Vec<_> =
            found.iter().filter(|(k, _)| *k == BlockKind::ListItem).map(|(_, t)| t.as_str()).collect();
        assert_eq!(items, ["One thing", "Another thing", "Nested"]);
    }

    #[test]
    fn each_block_knows_its_heading() {
        let text = "Intro text ends here.\n\nThe problem\n\nIt broke.\n\nIt broke again.";
        let found = blocks(text, &Outline::default());
        assert_eq!(found.iter().map(|b| b.heading).collect::<Vec<_>>(), [None, None, Some(1), Some(1)]);
    }
}

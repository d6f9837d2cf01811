//! The blocks of a plain text: headings, paragraphs, list items, code, quotations, tables.
//!
//! The extraction finds the kind of each block in the HTML. But authors also write headings, lists
//! and code as paragraphs; this module recognises those by their text. It only determines the kind
//! and the heading of each block and does not interpret what a block says.

use backissue_model as model;
pub(crate) use backissue_model::BlockKind;

/// A block: a byte range of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub start: usize,
    pub end: usize,
    pub kind: BlockKind,
    /// The index of the heading above this block. `None` above the first heading.
    pub heading: Option<usize>,
}

/// Maximum characters of a heading. A longer line is a paragraph even if it looks like a heading.
const HEADING_MAX: usize = 120;

/// The blocks of `text` in order, with separate list items. `known` are the blocks that the
/// extraction found in the HTML. If `known` is empty or belongs to another text, empty lines
/// separate the paragraphs.
pub(crate) fn blocks(text: &str, known: &[model::Block]) -> Vec<Block> {
    let stretches = by_markup(text, known).unwrap_or_else(|| paragraphs(text));
    let mut blocks: Vec<Block> = Vec::new();
    let mut heading = None;
    for (start, end, kind) in stretches {
        let body = &text[start..end];
        let kind = if kind == BlockKind::Paragraph { kind_of(body) } else { kind };
        let items_at = if kind == BlockKind::Paragraph { items_in(body) } else { None };
        if let Some(at) = items_at {
            // Lines with list markers behind a paragraph's text.
            let prose = start + body[..at].trim_end().len();
            blocks.push(Block { start, end: prose, kind, heading });
            blocks.extend(items(text, start + at, end).map(|(start, end)| Block {
                start,
                end,
                kind: BlockKind::ListItem,
                heading,
            }));
            continue;
        }
        match kind {
            BlockKind::ListItem => {
                blocks.extend(items(text, start, end).map(|(start, end)| Block {
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

/// The positions of the blocks in `known`. Returns `None` if `known` is empty or belongs to another
/// text.
fn by_markup(text: &str, known: &[model::Block]) -> Option<Vec<(usize, usize, BlockKind)>> {
    let mut last = 0;
    let place = |block: &model::Block| {
        let (start, end) = (block.span.start as usize, block.span.end as usize);
        let is_next = last <= start && start < end && text.get(start..end).is_some();
        last = end;
        is_next.then_some((start, end, block.kind))
    };
    known.iter().map(place).collect::<Option<Vec<_>>>().filter(|places| !places.is_empty())
}

/// The parts of `text` between empty lines, trimmed, each with its kind.
fn paragraphs(text: &str) -> Vec<(usize, usize, BlockKind)> {
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
    found.into_iter().map(|(start, end)| (start, end, BlockKind::Paragraph)).collect()
}

/// The kind of a paragraph, recognised by its text.
fn kind_of(body: &str) -> BlockKind {
    if looks_like_table(body) {
        BlockKind::Table
    } else if looks_like_caption(body) {
        BlockKind::Caption
    } else if marker(body) > 0 {
        BlockKind::ListItem
    } else if looks_like_code(body) {
        BlockKind::Code
    } else if looks_like_heading(body) {
        BlockKind::Heading
    } else {
        BlockKind::Paragraph
    }
}

/// The items of a list, without their markers.
fn items(text: &str, start: usize, end: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = start;
    for line in text[start..end].split_inclusive('\n') {
        let bare = line.trim();
        let from = at + (line.len() - line.trim_start().len());
        let skip = marker(bare);
        if !bare.is_empty() {
            match found.last_mut() {
                Some(last) if skip == 0 => last.1 = from + bare.len(),
                _ if skip < bare.len() => found.push((from + skip, from + bare.len())),
                _ => {}
            }
        }
        at += line.len();
    }
    found.into_iter()
}

/// The length in bytes of the list marker at the start of `line`, with its spaces; 0 if there is
/// none.
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

/// The byte position of the first list item in a paragraph that ends with a list. Returns `None` if
/// text follows the list, if there is only one item, or if the whole paragraph is a list.
fn items_in(body: &str) -> Option<usize> {
    let mut at = 0;
    let mut begin = None;
    let mut count = 0;
    for line in body.split_inclusive('\n') {
        if marker(line) > 0 {
            begin = begin.or(Some(at));
            count += 1;
        } else if begin.is_some() {
            return None;
        }
        at += line.len();
    }
    begin.filter(|begin| count > 1 && *begin > 0)
}

/// Maximum characters of a caption.
const CAPTION_MAX: usize = 400;
/// Maximum characters of a line that names the source of a picture.
const CREDIT_MAX: usize = 160;

/// Whether a paragraph or a sentence is a caption ("Figure 6: …", "Table 2 - …") or names the
/// source of a picture ("Photo by …", "Source: …").
pub(crate) fn looks_like_caption(body: &str) -> bool {
    const LABELS: [&str; 16] = [
        "figure", "fig", "table", "listing", "diagram", "chart", "graph", "image", "photo", "picture",
        "screenshot", "illustration", "exhibit", "plot", "pic", "img",
    ];
    const CREDITS: [&str; 28] = [
        "photo by", "photos by", "photograph by", "photo credit", "photo courtesy", "photo from",
        "photo via", "photo:", "image by", "images by", "image credit", "image courtesy", "image from",
        "image source", "image via", "picture by", "picture credit", "illustration by", "cover image",
        "cover photo", "header image", "credit:", "credits:", "source:", "sources:", "courtesy of",
        "screenshot of", "screenshot from",
    ];
    if body.len() > CAPTION_MAX * 4 {
        return false;
    }
    let bare = body.trim_start_matches(|c: char| !c.is_alphanumeric());
    let lower = bare.to_lowercase();
    let length = lower.chars().count();
    if length <= CREDIT_MAX && CREDITS.iter().any(|credit| lower.starts_with(credit)) {
        return true;
    }
    let label = LABELS.iter().filter(|label| lower.starts_with(**label)).max_by_key(|label| label.len());
    let Some(label) = label.filter(|_| length <= CAPTION_MAX) else { return false };
    let rest = lower[label.len()..].trim_start_matches('.').trim_start();
    let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = if number.len() < rest.len() {
        // "Figure 2a", "Table 1(b)".
        number.trim_start_matches(|c: char| matches!(c, 'a'..='f' | '(' | ')'))
    } else {
        number
    };
    let has_number = number.len() < rest.len();
    let separator = number.trim_start();
    let separated = separator.starts_with([':', '|', '–', '—'])
        || separator.starts_with("- ")
        || has_number && (separator.is_empty() || rest[..rest.len() - number.len()].ends_with('.'));
    separated && (has_number || separator.starts_with(':'))
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

/// Whether the lines look like code rather than prose.
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
    use backissue_model::Span;

    use super::*;

    fn kinds(text: &str, known: &[model::Block]) -> Vec<(BlockKind, String)> {
        blocks(text, known).iter().map(|b| (b.kind, text[b.start..b.end].to_owned())).collect()
    }

    #[test]
    fn paragraphs_are_recognised_by_how_they_look() {
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
        assert_eq!(kinds(text, &[]), expected.map(|(k, t)| (k, t.to_owned())));
    }

    #[test]
    fn markup_outweighs_looks() {
        let text = "What broke?\n\nSELECT every row\n\nSomebody said so.\n\n1. Nobody\n\nA Picture";
        use BlockKind::*;
        let known =
            [(Heading, 0..11), (Code, 13..29), (Quote, 31..48), (ListItem, 50..59), (Caption, 61..70)];
        let known =
            known.map(|(kind, at)| model::Block { span: Span { start: at.start, end: at.end }, kind });
        let expected = [
            (Heading, "What broke?"),
            (Code, "SELECT every row"),
            (Quote, "Somebody said so."),
            (ListItem, "Nobody"),
            (Caption, "A Picture"),
        ];
        assert_eq!(kinds(text, &known), expected.map(|(k, t)| (k, t.to_owned())));
    }

    #[test]
    fn captions_in_paragraphs_are_recognised() {
        for caption in [
            "Figure 6: The queue was full every night.",
            "Table 2 - Slow queries by customer",
            "Fig. 3. Errors after the deploy.",
            "Figure 2a | Latency of the old cluster",
            "Photo by Ada Lovelace on Unsplash",
            "Source: the company's report of 2019",
            "(Image credit: Acme)",
            "Image: how the broker failed.",
            "Figure 4",
        ] {
            assert_eq!(kinds(caption, &[])[0].0, BlockKind::Caption, "{caption}");
        }
        for prose in [
            "Figure 6 shows that the queue was full every night.",
            "Tables were locked: nobody could write.",
            "Table 2 was locked every night, and nobody could write to it.",
            "Images were slow to load, because each was resized at every request.",
            "Source code was lost.",
        ] {
            assert_eq!(kinds(prose, &[])[0].0, BlockKind::Paragraph, "{prose}");
        }
    }

    #[test]
    fn items_at_the_end_of_a_paragraph_are_a_list() {
        let text = "It failed for two reasons:\n* The disk was full.\n* It has one lock.";
        use BlockKind::*;
        let expected = [
            (Paragraph, "It failed for two reasons:"),
            (ListItem, "The disk was full."),
            (ListItem, "It has one lock."),
        ];
        assert_eq!(kinds(text, &[]), expected.map(|(k, t)| (k, t.to_owned())));
    }

    #[test]
    fn blocks_of_another_text_are_ignored() {
        let block = |start, end| model::Block { span: Span { start, end }, kind: BlockKind::Code };
        for known in [block(0, 90), block(1, 3), block(2, 2), block(5, 4)] {
            assert_eq!(kinds("é was lost.", &[known]), [(BlockKind::Paragraph, "é was lost.".to_owned())]);
        }
    }

    #[test]
    fn each_block_knows_its_heading() {
        let text = "Intro text ends here.\n\nThe problem\n\nIt broke.\n\nIt broke again.";
        let found = blocks(text, &[]);
        assert_eq!(found.iter().map(|b| b.heading).collect::<Vec<_>>(), [None, None, Some(1), Some(1)]);
    }
}

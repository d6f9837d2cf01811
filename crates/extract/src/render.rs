//! Renders a tree in two forms: the stored HTML, and the text for reading and search.
//!
//! Both come from the same walk, so that a position in the text can be found in the HTML. **Rules
//! of the text:**
//!
//! - One empty line separates blocks (paragraphs, headings, quotations, captions, code).
//! - List items, terms and their descriptions, table rows, and blocks inside an item have their own
//!   lines.
//! - A tab separates the cells of a row; a space separates blocks inside a cell.
//! - `<br>` is a line break, two in a row are an empty line.
//! - Preformatted text keeps its line breaks and spaces, without trailing white space and leading
//!   empty lines.
//! - Elsewhere a run of white space is one space. Images, rules and markup give no text.
//!
//! The text of an article's HTML by these rules ([`crate::plain_text`]) is the article's text. The
//! HTML contains only what [`crate::sanitise`] allows. `div`s and the like are dissolved, and loose
//! words become paragraphs.

use backissue_model::cancel::checkpoint;
use backissue_model::{Block, BlockKind, Blocks, Span};
use url::Url;

use crate::tree::{At, AttrName, Tag, Tree};

/// Maximum bytes of an article's text. The rest is dropped from both forms.
pub(crate) const LONGEST_TEXT: usize = 1 << 20;

/// Maximum bytes of an article's HTML. Like the text, it is bounded, with an allowance for markup.
pub(crate) const LONGEST_HTML: usize = 4 << 20;

/// Maximum bytes of an address. Servers and browsers do not accept longer ones.
const LONGEST_ADDRESS: usize = 4096;

/// Maximum bytes of an image's alternative text.
const LONGEST_ALT: usize = 2000;

/// An article's body in both forms.
#[derive(Debug, Default)]
pub(crate) struct Body {
    pub(crate) html: String,
    pub(crate) text: String,
    pub(crate) blocks: Blocks,
}

/// Renders the descendants of `root`, without the nodes marked in `dropped` and their descendants.
pub(crate) fn render(tree: &Tree, root: At, dropped: &[bool], base: Option<&Url>) -> Body {
    let mut walk = Walk {
        tree,
        dropped,
        base,
        body: Body::default(),
        gap: Gap::None,
        around: Around::Flow,
        loose: false,
        full: false,
        last_image: None,
        kind: BlockKind::Paragraph,
        element: 0,
        elements: 0,
        written: 0,
        words_end: 0,
    };
    walk.enter(root);
    walk.end_loose();
    let Body { html, mut text, blocks } = walk.body;
    text.truncate(text.trim_end().len());
    Body { html, text, blocks }
}

/// What separates two words. If two separators meet, the wider one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Cell,
    Line,
    Empty,
}

/// The kind of element that contains the current node, as far as it affects rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Around {
    /// Blocks are expected. Text that is not in a block needs a new paragraph.
    Flow,
    /// Text is expected. An empty line separates blocks.
    Words,
    /// Inside a list item: blocks are on separate lines.
    Item,
    /// Inside a table cell: a space separates blocks.
    Cell,
}

struct Walk<'a> {
    tree: &'a Tree,
    dropped: &'a [bool],
    base: Option<&'a Url>,
    body: Body,
    gap: Gap,
    around: Around,
    /// Whether a paragraph is open for text that is not in a block.
    loose: bool,
    full: bool,
    /// The address of the last image, and the length of the text before it.
    last_image: Option<(Url, usize)>,
    /// The kind of block of the text that is written now.
    kind: BlockKind,
    /// The number of the element that the current block belongs to. Text outside of elements counts
    /// as an element.
    element: u32,
    /// The highest such number so far.
    elements: u32,
    /// The number of the element to which text was written last.
    written: u32,
    /// Length of the HTML up to the end of the last text.
    words_end: usize,
}

impl Walk<'_> {
    fn enter(&mut self, at: At) {
        let tree = self.tree;
        for child in tree.children(at) {
            self.full |= self.body.html.len() >= LONGEST_HTML;
            if self.full {
                return;
            }
            self.node(child);
        }
    }

    fn node(&mut self, at: At) {
        checkpoint();
        if self.dropped.get(at).copied().unwrap_or(false) {
            return;
        }
        let tag = self.tree.tag(at);
        match tag {
            Tag::Text => self.words(at),
            Tag::Img => self.image(at),
            Tag::Br => self.line_break(),
            Tag::Hr => self.rule(),
            Tag::Pre | Tag::Xmp => self.preformatted(at),
            Tag::A => self.link(at),
            _ if tag.is_never_read() => {}
            Tag::Ul | Tag::Ol | Tag::Menu | Tag::Dl | Tag::Table => self.list_or_table(at, tag),
            Tag::Thead | Tag::Tbody | Tag::Tfoot => self.element(at, tag.name(), "", self.around),
            Tag::Tr => self.block(at, tag.name(), "", self.around, Gap::Line),
            Tag::Td | Tag::Th => self.cell(at, tag),
            Tag::Li => self.block(at, "li", "", Around::Item, Gap::Line),
            Tag::Dt | Tag::Dd => self.block(at, tag.name(), "", Around::Item, Gap::Line),
            Tag::H1 => self.heading(at, "h2"),
            Tag::H2 | Tag::H3 | Tag::H4 | Tag::H5 | Tag::H6 => self.heading(at, tag.name()),
            Tag::P => self.paragraph(at),
            Tag::Blockquote => self.block(at, "blockquote", "", Around::Flow, self.block_gap()),
            Tag::Figure => self.block(at, "figure", "", Around::Words, self.block_gap()),
            Tag::Figcaption => self.block(at, "figcaption", "", self.inner_words(), self.block_gap()),
            Tag::Caption => self.block(at, "caption", "", Around::Cell, Gap::Line),
            _ if tag.is_block() => self.undone_block(at),
            _ => self.inline(at, tag),
        }
    }

    /// The separator around a block.
    fn block_gap(&self) -> Gap {
        match self.around {
            Around::Flow | Around::Words => Gap::Empty,
            Around::Item => Gap::Line,
            Around::Cell => Gap::Space,
        }
    }

    /// The value of [`Around`] inside a block of text.
    fn inner_words(&self) -> Around {
        if self.around == Around::Flow { Around::Words } else { self.around }
    }

    fn widen(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn begin_loose(&mut self) {
        if self.around == Around::Flow && !self.loose {
            self.body.html.push_str("<p>");
            self.loose = true;
            self.begin_element();
            self.widen(Gap::Empty);
        }
    }

    fn end_loose(&mut self) {
        if self.loose {
            self.loose = false;
            close(&mut self.body.html, "p");
            self.widen(Gap::Empty);
        }
    }

    /// Writes an element with its own tags, on separate lines.
    fn block(&mut self, at: At, name: &str, attributes: &str, inside: Around, gap: Gap) {
        self.end_loose();
        self.widen(gap);
        let (kind, element) = (self.kind, self.element);
        if let Some(kind) = self.kind_of_block(name) {
            self.kind = kind;
            self.begin_element();
        }
        self.element(at, name, attributes, inside);
        (self.kind, self.element) = (kind, element);
        self.widen(gap);
    }

    /// The kind of block for an element's text. Returns `None` if the text belongs to the
    /// surrounding block.
    fn kind_of_block(&self, name: &str) -> Option<BlockKind> {
        let flows = matches!(self.kind, BlockKind::Paragraph | BlockKind::Quote);
        match name {
            "figcaption" | "caption" => Some(BlockKind::Caption),
            _ if self.kind == BlockKind::Table => None,
            "table" => Some(BlockKind::Table),
            "li" | "dt" | "dd" => Some(BlockKind::ListItem),
            "blockquote" if flows => Some(BlockKind::Quote),
            "p" if flows => Some(self.kind),
            "h2" | "h3" | "h4" | "h5" | "h6" => Some(BlockKind::Heading),
            _ => None,
        }
    }

    fn begin_element(&mut self) {
        self.elements += 1;
        self.element = self.elements;
    }

    /// Adds `words` to the text. They start a new block if they are the first of their element, or
    /// if `apart` says that an empty line precedes them.
    fn write(&mut self, words: &str, kind: BlockKind, apart: bool) {
        let text = &mut self.body.text;
        let blocks = &mut self.body.blocks.0;
        // LONGEST_TEXT bounds the text.
        let position = |text: &String| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let start = position(text);
        text.push_str(words);
        let end = position(text);
        match blocks.last_mut().filter(|_| self.written == self.element && !apart) {
            Some(last) => last.span.end = end,
            None if start < end => blocks.push(Block { span: Span { start, end }, kind }),
            None => {}
        }
        self.written = self.element;
    }

    /// Writes an element with its own tags. Writes nothing if it is empty.
    fn element(&mut self, at: At, name: &str, attributes: &str, inside: Around) {
        let start = self.body.html.len();
        open(&mut self.body.html, name, attributes);
        let content = self.body.html.len();
        let outside = std::mem::replace(&mut self.around, inside);
        let loose = std::mem::take(&mut self.loose);
        self.enter(at);
        self.end_loose();
        self.loose = loose;
        self.around = outside;
        if self.body.html.len() == content && !matches!(name, "td" | "th") {
            self.body.html.truncate(start);
        } else {
            close(&mut self.body.html, name);
        }
    }

    fn paragraph(&mut self, at: At) {
        if self.has_block_below(at) {
            return self.undone_block(at);
        }
        self.block(at, "p", "", self.inner_words(), self.block_gap());
    }

    fn heading(&mut self, at: At, name: &str) {
        if self.has_block_below(at) && self.tree.below(at).any(|n| self.tree.tag(n).heading().is_some()) {
            return self.undone_block(at);
        }
        // A heading is one line, so blocks inside it count as spans.
        let gap = self.block_gap();
        self.block(at, name, "", Around::Cell, gap);
    }

    /// Writes the contents of a `div` or similar element without its tags. They stay separate from
    /// what is beside them.
    fn undone_block(&mut self, at: At) {
        self.end_loose();
        self.widen(self.block_gap());
        self.enter(at);
        self.end_loose();
        self.widen(self.block_gap());
    }

    fn list_or_table(&mut self, at: At, tag: Tag) {
        if tag == Tag::Table && self.is_layout(at) {
            return self.undone_table(at);
        }
        let name = if tag == Tag::Menu { "ul" } else { tag.name() };
        let start = (tag == Tag::Ol)
            .then(|| self.tree.node(at).attr(AttrName::Start)?.trim().parse::<i32>().ok())
            .flatten()
            .map(|s| format!(" start=\"{s}\""))
            .unwrap_or_default();
        let gap = if self.around == Around::Cell { Gap::Space } else { self.block_gap() };
        let inside = if self.around == Around::Cell { Around::Cell } else { Around::Item };
        self.block(at, name, &start, inside, gap);
    }

    /// Whether a table is only layout: it has one column, or other tables or long blocks in its
    /// cells.
    fn is_layout(&self, at: At) -> bool {
        let tree = self.tree;
        let (mut rows, mut cells, mut blocks) = (0_usize, 0_usize, 0_usize);
        let mut n = at + 1;
        while n < tree.node(at).end {
            if self.dropped.get(n).copied().unwrap_or(false) {
                n = tree.node(n).end;
                continue;
            }
            match tree.tag(n) {
                Tag::Th | Tag::Caption | Tag::Thead => return false,
                Tag::Table => return true,
                Tag::Tr => rows += 1,
                Tag::Td => cells += 1,
                Tag::P | Tag::Div | Tag::Pre | Tag::H2 | Tag::H3 => blocks += 1,
                _ => {}
            }
            n += 1;
        }
        cells <= 1 || (rows > 0 && cells <= rows && blocks >= cells) || blocks > cells * 3
    }

    /// Writes a layout table without its tags. Its cells become blocks.
    fn undone_table(&mut self, at: At) {
        self.end_loose();
        let tree = self.tree;
        let mut n = at + 1;
        while n < tree.node(at).end {
            match tree.tag(n) {
                _ if self.dropped.get(n).copied().unwrap_or(false) => n = tree.node(n).end,
                Tag::Tbody | Tag::Thead | Tag::Tfoot | Tag::Tr => n += 1,
                Tag::Text => n += 1,
                _ => {
                    self.undone_block(n);
                    n = tree.node(n).end;
                }
            }
        }
    }

    fn cell(&mut self, at: At, tag: Tag) {
        let span = |name: AttrName, label: &str| {
            let value: u16 = self.tree.node(at).attr(name)?.trim().parse().ok()?;
            (value > 1 && value <= 1000).then(|| format!(" {label}=\"{value}\""))
        };
        let mut attributes = span(AttrName::Colspan, "colspan").unwrap_or_default();
        attributes.push_str(&span(AttrName::Rowspan, "rowspan").unwrap_or_default());
        self.widen(Gap::Cell);
        self.element(at, tag.name(), &attributes, Around::Cell);
        self.widen(Gap::Cell);
    }

    fn has_block_below(&self, at: At) -> bool {
        self.tree.below(at).any(|n| self.tree.tag(n).is_block())
    }

    fn inline(&mut self, at: At, tag: Tag) {
        use Tag::*;
        let name = match tag {
            B | Strong => "strong",
            I | Em | Dfn | Cite | Var => "em",
            Code | Tt => "code",
            Kbd | Samp | Sub | Sup | Mark | Q | S | Del | Ins | Small | U | Abbr => tag.name(),
            _ => return self.enter(at),
        };
        if self.has_block_below(at) {
            return self.enter(at);
        }
        self.inline_element(at, name, "");
    }

    fn inline_element(&mut self, at: At, name: &str, attributes: &str) {
        let loose = self.loose;
        let before = self.body.html.len();
        self.begin_loose();
        self.settle_space();
        let start = self.body.html.len();
        open(&mut self.body.html, name, attributes);
        let content = self.body.html.len();
        let outside = self.around;
        if outside == Around::Flow {
            self.around = Around::Words;
        }
        self.enter(at);
        self.around = outside;
        if self.body.html.len() > content {
            close(&mut self.body.html, name);
        } else if self.loose == loose {
            self.body.html.truncate(start);
        } else {
            self.loose = loose;
            self.body.html.truncate(before);
        }
    }

    fn link(&mut self, at: At) {
        let address = self
            .tree
            .node(at)
            .attr(AttrName::Href)
            .filter(|_| !self.has_block_below(at))
            .and_then(|href| absolute(href, self.base, &["http", "https", "mailto"]));
        match address {
            Some(address) => {
                let href = format!(" href=\"{}\"", escaped(address.as_str()));
                self.inline_element(at, "a", &href);
            }
            None => self.enter(at),
        }
    }

    fn image(&mut self, at: At) {
        let node = self.tree.node(at);
        let pixels = |name| node.attr(name).and_then(|v| v.trim().trim_end_matches("px").parse::<u32>().ok());
        let (width, height) = (pixels(AttrName::Width), pixels(AttrName::Height));
        if width.is_some_and(|w| w <= 2) || height.is_some_and(|h| h <= 2) {
            return;
        }
        let Some(src) = image_address(self.tree, at, self.base) else { return };
        // A placeholder and its image have the same address.
        if self.last_image.as_ref().is_some_and(|(last, text)| *last == src && *text == self.body.text.len())
        {
            return;
        }
        self.last_image = Some((src.clone(), self.body.text.len()));
        self.begin_loose();
        self.settle_space();
        let html = &mut self.body.html;
        html.push_str("<img src=\"");
        html.push_str(&escaped(src.as_str()));
        html.push_str("\" alt=\"");
        let alt = node.attr(AttrName::Alt).unwrap_or("").trim();
        html.push_str(&escaped(&alt[..alt.floor_char_boundary(LONGEST_ALT)]));
        html.push('"');
        for (name, value) in [("width", width), ("height", height)] {
            if let Some(value) = value.filter(|v| *v <= 10_000) {
                html.push_str(&format!(" {name}=\"{value}\""));
            }
        }
        html.push('>');
    }

    fn line_break(&mut self) {
        if self.around == Around::Flow && !self.loose {
            return;
        }
        if self.around == Around::Cell {
            return self.widen(Gap::Space);
        }
        self.body.html.push_str("<br>");
        let gap = if self.gap == Gap::Line { Gap::Empty } else { Gap::Line };
        self.widen(gap);
    }

    fn rule(&mut self) {
        if self.around == Around::Flow {
            self.end_loose();
            self.body.html.push_str("<hr>");
        } else {
            self.widen(self.block_gap());
        }
    }

    fn preformatted(&mut self, at: At) {
        let mut code = String::new();
        let mut numbers = Vec::new();
        self.gather_code(at, &mut code, &mut numbers);
        drop_line_numbers(&mut code, &numbers);
        let code = code.replace("\r\n", "\n").replace(['\r', '\u{0}'], "\n");
        let code = code.trim_end();
        let start = code.len() - code.trim_start_matches(['\n', ' ', '\t']).len();
        // Drops leading empty lines and keeps the first line's indentation.
        let start = code[..start].rfind('\n').map_or(0, |n| n + 1);
        let code = &code[start..];
        if code.is_empty() {
            return;
        }
        self.end_loose();
        let gap = self.block_gap().max(Gap::Line);
        self.widen(gap);
        self.settle_gap();
        let fits = self.fitting(code).len();
        let code = &code[..fits];
        let element = self.element;
        self.begin_element();
        self.write(code, BlockKind::Code, true);
        self.element = element;
        let language = language_of_code(self.tree, at);
        // The parser drops one line break after `<pre>`; our text never starts with one.
        self.body.html.push_str("<pre><code");
        if let Some(language) = language {
            self.body.html.push_str(&format!(" class=\"language-{language}\""));
        }
        self.body.html.push('>');
        escape(code, &mut self.body.html);
        self.body.html.push_str("</code></pre>");
        self.widen(gap);
    }

    /// Appends the code below a node to `code`. Adds to `numbers` each element at the start of a
    /// line that has only a number.
    fn gather_code(&self, at: At, code: &mut String, numbers: &mut Vec<LineNumber>) {
        for child in self.tree.children(at) {
            let tag = self.tree.tag(child);
            if self.dropped.get(child).copied().unwrap_or(false) {
                continue;
            }
            match tag {
                Tag::Text => code.push_str(&self.tree.node(child).text),
                Tag::Br => code.push('\n'),
                _ if tag.is_never_read() => {}
                _ => {
                    // The cells of a table row are one line of code.
                    let block = tag.is_block() && !matches!(tag, Tag::Td | Tag::Th);
                    if block && !code.is_empty() && !code.ends_with('\n') {
                        code.push('\n');
                    }
                    let start = code.len();
                    let before = code
                        .as_bytes()
                        .iter()
                        .rev()
                        .take(LONGEST_NUMBER)
                        .find(|b| !matches!(b, b' ' | b'\t'));
                    let begins_line = before.is_none_or(|b| *b == b'\n');
                    self.gather_code(child, code, numbers);
                    if begins_line {
                        let class = self.tree.node(child).attr(AttrName::Class).unwrap_or("");
                        let is_sure = matches!(tag, Tag::Td | Tag::Th)
                            || class.contains("line")
                            || class.contains("num");
                        numbers.extend(LineNumber::of(code, start, is_sure));
                    }
                    if block && !code.ends_with('\n') {
                        code.push('\n');
                    }
                }
            }
        }
    }

    fn words(&mut self, at: At) {
        let tree = self.tree;
        let text: &str = &tree.node(at).text;
        let spaced = |c: char| c.is_whitespace() || c == '\u{200b}';
        if text.starts_with(spaced) {
            self.widen(Gap::Space);
        }
        let mut first = true;
        for word in text.split(spaced).filter(|w| !w.is_empty()) {
            if matches!(self.tree.tag(tree.node(at).parent), Tag::Table | Tag::Tr | Tag::Tbody | Tag::Thead) {
                return;
            }
            if !std::mem::take(&mut first) {
                self.widen(Gap::Space);
            }
            self.begin_loose();
            let apart = self.gap == Gap::Empty;
            self.settle_gap();
            let fits = self.fitting(word).len();
            self.write(&word[..fits], self.kind, apart);
            escape(&word[..fits], &mut self.body.html);
            self.words_end = self.body.html.len();
            if self.full {
                return;
            }
        }
        if text.ends_with(spaced) {
            self.widen(Gap::Space);
        }
    }

    /// The start of `words` that is still within the maximum length.
    fn fitting<'w>(&mut self, words: &'w str) -> &'w str {
        let room = LONGEST_TEXT.saturating_sub(self.body.text.len());
        if words.len() <= room {
            return words;
        }
        self.full = true;
        &words[..words.floor_char_boundary(room)]
    }

    /// Writes the pending space now, so that it is before a tag and not inside the element.
    fn settle_space(&mut self) {
        if self.gap == Gap::Space && !self.body.text.is_empty() {
            self.settle_gap();
        }
    }

    /// Writes the pending separator, before text follows.
    fn settle_gap(&mut self) {
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        let text = &mut self.body.text;
        if gap > Gap::Space {
            text.truncate(text.trim_end_matches(' ').len());
        }
        if text.is_empty() {
            return;
        }
        // A block whose tags are dropped, inside a caption or a list item, still needs a separate
        // line.
        if gap >= Gap::Line && !self.body.html[self.words_end..].split('<').skip(1).any(breaks_line) {
            self.body.html.push_str(if gap == Gap::Empty { "<br><br>" } else { "<br>" });
        }
        match gap {
            Gap::None => {}
            Gap::Space => {
                text.push(' ');
                self.body.html.push(' ');
            }
            Gap::Cell => text.push('\t'),
            Gap::Line => text.push('\n'),
            Gap::Empty => text.push_str("\n\n"),
        }
    }
}

/// Whether a tag ends a line; `tag` is the text after its `<`.
fn breaks_line(tag: &str) -> bool {
    const INLINE: [&str; 17] = [
        "a", "abbr", "code", "del", "em", "img", "ins", "kbd", "mark", "q", "s", "samp", "small", "strong",
        "sub", "sup", "u",
    ];
    let name = tag.trim_start_matches('/');
    let name = &name[..name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len())];
    !INLINE.contains(&name)
}

/// Maximum bytes of an element with a line number.
const LONGEST_NUMBER: usize = 16;

/// A number at the start of a line of code.
struct LineNumber {
    start: usize,
    end: usize,
    number: u32,
    /// Whether the element's name says that it is a line number.
    is_sure: bool,
}

impl LineNumber {
    /// The line number that starts at `start`. Returns `None` if the code from there is more than a
    /// number.
    fn of(code: &str, start: usize, is_sure: bool) -> Option<Self> {
        if code.len() - start > LONGEST_NUMBER {
            return None;
        }
        let digits = code[start..].trim().trim_end_matches([':', '.', '|']).trim_end();
        let all = !digits.is_empty() && digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| all)?;
        let end = start + code[start..].trim_end_matches('\n').len();
        Some(Self { start, end, number, is_sure })
    }
}

/// Removes line numbers from code if each line has one and they increase by one. A line of code may
/// itself be a number, so a single number is removed only if its element's name says that it is a
/// line number.
fn drop_line_numbers(code: &mut String, numbers: &[LineNumber]) {
    // A cell and the span in it are one number.
    let mut numbers: Vec<&LineNumber> = numbers.iter().collect();
    numbers.sort_by_key(|number| number.start);
    numbers.dedup_by_key(|number| number.start);
    let rise = numbers.windows(2).all(|pair| pair[1].number == pair[0].number + 1);
    let lines = code.trim_end().lines().count();
    let enough = numbers.len() >= lines && (numbers.len() > 1 || numbers.iter().any(|n| n.is_sure));
    if enough && rise {
        let mut kept = String::with_capacity(code.len());
        let mut at = 0;
        for number in numbers {
            kept.push_str(&code[at..number.start]);
            at = number.end;
        }
        kept.push_str(&code[at..]);
        *code = kept;
    }
}

fn open(html: &mut String, name: &str, attributes: &str) {
    html.push('<');
    html.push_str(name);
    html.push_str(attributes);
    html.push('>');
}

fn close(html: &mut String, name: &str) {
    html.push_str("</");
    html.push_str(name);
    html.push('>');
}

fn escape(text: &str, html: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\u{a0}']) {
        html.push_str(&rest[..at]);
        html.push_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&nbsp;",
        });
        let step = rest[at..].chars().next().map_or(1, char::len_utf8);
        rest = &rest[at + step..];
    }
    html.push_str(rest);
}

fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    escape(text, &mut html);
    html
}

/// The absolute address of `href`. Returns `None` if its scheme is not one of `schemes`, or if it
/// is longer than [`LONGEST_ADDRESS`].
pub(crate) fn absolute(href: &str, base: Option<&Url>, schemes: &[&str]) -> Option<Url> {
    let href = href.trim();
    if href.is_empty() || href.len() > LONGEST_ADDRESS {
        return None;
    }
    let url = base.map_or_else(|| Url::parse(href), |base| base.join(href)).ok()?;
    (schemes.contains(&url.scheme()) && url.as_str().len() <= LONGEST_ADDRESS).then_some(url)
}

/// The address of an image. An image that is loaded late has its real address in another attribute,
/// or in the `<noscript>` beside it.
fn image_address(tree: &Tree, at: At, base: Option<&Url>) -> Option<Url> {
    use AttrName::*;
    let node = tree.node(at);
    let web = |value: &str| absolute(value, base, &["http", "https"]);
    let first_of_set = |set: &str| web(set.split_whitespace().next()?.trim_end_matches(','));
    let lazy = [DataSrc, DataLazySrc, DataOriginal].into_iter().find_map(|name| web(node.attr(name)?));
    lazy.or_else(|| first_of_set(node.attr(DataSrcset)?))
        .or_else(|| web(node.attr(Src)?))
        .or_else(|| first_of_set(node.attr(Srcset)?))
        .or_else(|| {
            let parent = node.parent;
            let in_picture = (tree.tag(parent) == Tag::Picture).then_some(parent)?;
            tree.children(in_picture)
                .take(32)
                .filter(|&n| tree.tag(n) == Tag::Source)
                .find_map(|n| first_of_set(tree.node(n).attr(Srcset).or(tree.node(n).attr(DataSrcset))?))
        })
}

/// The language of a code block, from `language-rust`, `lang-rust`, `highlight-source-rust` or
/// `data-lang="rust"`.
pub(crate) fn language_of_code(tree: &Tree, at: At) -> Option<String> {
    let inside = tree.children(at).filter(|&n| tree.tag(n) == Tag::Code).take(1);
    let around = tree.around(at).take(2);
    let name = [at].into_iter().chain(inside).chain(around).find_map(|n| {
        let node = tree.node(n);
        let class = node.attr(AttrName::Class).unwrap_or("");
        class
            .split_whitespace()
            .find_map(|c| {
                ["language-", "lang-", "highlight-source-", "brush:"].iter().find_map(|p| c.strip_prefix(p))
            })
            .or_else(|| node.attr(AttrName::DataLang))
            .or_else(|| node.attr(AttrName::DataLanguage))
            .map(str::to_ascii_lowercase)
    })?;
    let simple = !name.is_empty()
        && name.len() <= 20
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'#' | b'-' | b'_'));
    simple.then_some(name)
}

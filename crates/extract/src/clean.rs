//! Decides which part of the page is the article.
//!
//! It starts with the nodes that Readability kept (see [`crate::locate`]; they are called "grabbed"
//! here) and finds the element that contains them all. Within that element it drops what is hidden,
//! or marked as boilerplate by tag, role, name or words, even if Readability kept it. It restores
//! what Readability dropped between kept paragraphs if it reads like the article. The result is
//! marks on nodes; nothing is rendered here.

use backissue_model::{dates, letters};
use foldhash::HashMap;

use crate::boilerplate::{
    calls_away, ends_the_article, is_apart, is_named_a_remark, is_named_so, is_named_so_plainly,
    is_plain_call, is_unlikely, words_of_name,
};
use crate::datelines::is_only_a_date;
use crate::measure::{Measure, ends_a_sentence, holds_all, is_hidden};
use crate::metadata::is_role;
use crate::tree::{At, AttrName, Tag, Tree};

/// The element that contains the article, and the nodes in it that are not part of the article.
pub(crate) struct Part {
    pub(crate) root: At,
    /// Nodes that are dropped, with their descendants.
    pub(crate) dropped: Vec<bool>,
}

/// Metadata of the article, to recognise and drop its repetition above the text.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Known<'a> {
    pub(crate) title: Option<&'a str>,
    pub(crate) author: Option<&'a str>,
}

/// Decides which part of the page is the article.
pub(crate) fn article_part(tree: &Tree, measures: &[Measure], known: Known<'_>) -> Option<Part> {
    let total = measures.first()?.grabbed;
    if total == 0 {
        return None;
    }
    let root = root_of(tree, measures);
    let mut grabbed_upto = Vec::with_capacity(tree.nodes.len() + 1);
    grabbed_upto.push(0);
    for (at, node) in tree.nodes.iter().enumerate() {
        let text = if node.tag == Tag::Text { measures[at].grabbed } else { 0 };
        grabbed_upto.push(grabbed_upto[at] + text);
    }
    let dropped = vec![false; tree.nodes.len()];
    let title = known.title.map(letters);
    let author = known.author.map(letters).filter(|author| !author.is_empty());
    let mut cleaning = Cleaning { tree, measures, total, grabbed_upto, dropped, title, author };
    cleaning.container(root, true);
    cleaning.drop_forms(root);
    cleaning.drop_code_labels(root);
    cleaning.drop_head(root);
    cleaning.drop_after_endings(root);
    cleaning.drop_refrains(root);
    Some(Part { root, dropped: cleaning.dropped })
}

/// The deepest container of all nodes that Readability kept.
fn root_of(tree: &Tree, measures: &[Measure]) -> At {
    let mut root = holds_all(tree, measures, measures[0].grabbed);
    while !is_container(tree.tag(root)) && root != 0 {
        root = tree.node(root).parent;
    }
    root
}

fn is_container(tag: Tag) -> bool {
    use Tag::*;
    matches!(tag, Article | Body | Div | Html | Main | Section | Td | Center | Form | Span | Header | Other)
}

/// A section with at least this many characters of prose belongs to the article, whatever its
/// heading.
const ENOUGH_PROSE: u32 = 200;

/// Maximum characters of a short block: a line or two.
const SHORT: u32 = 110;

/// Parts of addresses of buttons that share a page.
const SHARERS: &[&str] = &[
    "api.whatsapp.com/send",
    "facebook.com/sharer",
    "linkedin.com/share",
    "news.ycombinator.com/submitlink",
    "reddit.com/submit",
    "twitter.com/intent",
    "twitter.com/share",
    "x.com/intent",
];

/// Segments in addresses of pages that list the posts with a tag.
const TAG_PAGES: &[&str] =
    &["categories", "category", "keyword", "label", "labels", "tag", "tagged", "tags", "topic", "topics"];

/// Maximum characters of a form together with the text around it.
const LARGEST_FORM: u32 = 400;

/// Maximum characters of a label over code.
const LONGEST_LABEL: usize = 24;

/// Maximum digits of a line number.
const LONGEST_NUMBER: usize = 4;

/// Maximum nodes of a line number.
const NODES_OF_NUMBER: usize = 4;

/// Maximum nodes in a table of contents.
const MOST_IN_CONTENTS: usize = 2000;

/// Maximum nodes in a box around a heading.
const MOST_IN_HEADING_BOX: usize = 40;

/// Maximum elements after a heading that are examined.
const MOST_BESIDE_HEADING: usize = 8;

struct Cleaning<'a> {
    tree: &'a Tree,
    measures: &'a [Measure],
    /// Number of characters that Readability kept.
    total: u32,
    /// Number of kept characters before each node, and at the end.
    grabbed_upto: Vec<u32>,
    dropped: Vec<bool>,
    /// The title's letters and digits, for comparison.
    title: Option<String>,
    /// The letters and digits of the author's name.
    author: Option<String>,
}

impl Cleaning<'_> {
    /// Processes the children of an element. `edges` says whether children before the first and
    /// after the last kept one may belong to the article.
    fn container(&mut self, at: At, edges: bool) {
        let tree = self.tree;
        let children: Vec<At> = tree.children(at).collect();
        let grabbed = |&&c: &&At| self.measures[c].grabbed > 0;
        let first = children.iter().find(grabbed).copied();
        let last = children.iter().rev().find(grabbed).copied();
        for &child in &children {
            if tree.tag(child) == Tag::Text {
                let measure = self.measures[child];
                self.dropped[child] = measure.grabbed == 0 && measure.chars > 0;
                continue;
            }
            if let Some(heading) = self.opening(child) {
                self.keep_heading(child, heading);
                continue;
            }
            if self.is_beside(child) {
                self.dropped[child] = true;
                continue;
            }
            let measure = self.measures[child];
            if measure.grabbed == 0 && measure.chars > 0 {
                let inside = first.is_some_and(|f| f < child) && last.is_some_and(|l| child < l);
                if !self.comes_back(self.core(child), inside, edges) {
                    self.dropped[child] = true;
                    continue;
                }
                self.sweep(child);
            } else if measure.grabbed == 0 && measure.images == 0 && measure.code == 0 {
                self.dropped[child] = measure.chars == 0 && !matches!(tree.tag(child), Tag::Br | Tag::Hr);
            } else if measure.grabbed < measure.chars && self.holds_blocks(child) {
                self.container(child, edges && measure.grabbed * 2 >= self.total);
            } else {
                self.sweep(child);
            }
        }
    }

    /// The heading of a section of the article, if an element is a heading or a box around one.
    /// Returns `None` if Readability did not keep the text after the heading.
    fn opening(&self, at: At) -> Option<At> {
        let tree = self.tree;
        let heading = self.heading_in(at)?;
        if is_hidden(tree, at) || is_apart(tree, at) {
            return None;
        }
        let words = tree.text(heading, 400);
        let calls = calls_away(&words) && is_plain_call(&words);
        if self.is_title(&words) || ends_the_article(&words) || calls {
            return None;
        }
        let next = tree
            .following(at)
            .take(MOST_BESIDE_HEADING)
            .find(|&n| self.measures[n].chars > 0 && self.heading_in(n).is_none())?;
        let follows = self.measures[next];
        // The first heading must be directly above prose; above it are kickers and subtitles.
        if self.grabbed_upto[at] == 0 && follows.prose == 0 {
            return None;
        }
        let reads_on = follows.prose > 0 || !is_named_so(tree, next);
        (follows.grabbed_share() > 0.5 && follows.link_share() < 0.3 && reads_on).then_some(heading)
    }

    /// The heading that makes up an element: the element itself, or the heading in a box that
    /// otherwise has only a link, a number or a sign.
    fn heading_in(&self, at: At) -> Option<At> {
        let tree = self.tree;
        let is_one = |n: &At| tree.tag(*n).heading().is_some_and(|level| level > 1);
        if is_one(&at) {
            return Some(at).filter(|&n| self.measures[n].chars > 0);
        }
        let box_of_few = tree.tag(at).is_block() && tree.below(at).len() <= MOST_IN_HEADING_BOX;
        if !box_of_few || self.measures[at].images > 0 {
            return None;
        }
        let mut headings = tree.below(at).filter(is_one);
        let heading = headings.next().filter(|&n| self.measures[n].chars > 0)?;
        let (whole, own) = (self.measures[at], self.measures[heading]);
        // A hidden heading is not counted in its ancestors.
        let linked_beside = whole.linked.checked_sub(own.linked)?;
        let unlinked_beside = whole.chars.checked_sub(own.chars)?.saturating_sub(linked_beside);
        (headings.next().is_none() && unlinked_beside <= 6).then_some(heading)
    }

    /// Keeps a heading with the number beside it, and drops links and signs beside it.
    fn keep_heading(&mut self, at: At, heading: At) {
        let tree = self.tree;
        for n in tree.below(heading) {
            let measure = self.measures[n];
            let edits = measure.linked > 0 && measure.chars <= 12 && is_named_so(tree, n);
            self.dropped[n] |= tree.tag(n) != Tag::Text && (edits || self.is_beside_in_line(n));
        }
        if at == heading {
            return;
        }
        let mut n = at + 1;
        while n < tree.node(at).end {
            if n == heading {
                n = tree.node(n).end;
            } else if tree.below(n).contains(&heading) {
                n += 1;
            } else {
                let number = tree.text(n, 16).chars().any(char::is_numeric);
                self.dropped[n] = self.measures[n].linked > 0 || !number;
                n = tree.node(n).end;
            }
        }
    }

    /// Whether an element contains blocks, and not only a line of text.
    fn holds_blocks(&self, at: At) -> bool {
        let tree = self.tree;
        let tag = tree.tag(at);
        (is_container(tag) || tag.is_block())
            && tag != Tag::Pre
            && tree.below(at).any(|n| tree.tag(n).is_block() && self.measures[n].chars > 0)
    }

    /// Drops boilerplate below a node that is kept.
    fn sweep(&mut self, at: At) {
        let tree = self.tree;
        if tree.tag(at) == Tag::Pre {
            return;
        }
        let mut n = at + 1;
        while n < tree.node(at).end {
            let tag = tree.tag(n);
            if tag == Tag::Pre {
                n = tree.node(n).end;
            } else if let Some(heading) = self.opening(n) {
                self.keep_heading(n, heading);
                n = tree.node(n).end;
            } else if tag != Tag::Text && self.is_beside(n) {
                self.dropped[n] = true;
                n = tree.node(n).end;
            } else {
                n += 1;
            }
        }
    }

    /// Whether an element is boilerplate by tag, name or words.
    fn is_beside(&self, at: At) -> bool {
        let tree = self.tree;
        let (tag, measure) = (tree.tag(at), self.measures[at]);
        if is_hidden(tree, at) {
            return true;
        }
        let node = tree.node(at);
        if !tag.is_block() {
            return self.is_beside_in_line(at);
        }
        if matches!(tag, Tag::Footer | Tag::Aside) {
            let like_the_article = measure.prose * 10 > measure.chars * 8 && measure.link_share() < 0.1;
            let wanted = measure.grabbed > 0 || is_named_a_remark(tree, at);
            return !(tag == Tag::Aside && like_the_article && !is_named_so(tree, at) && wanted);
        }
        if matches!(tag, Tag::Td | Tag::Th) {
            return self.holds_line_numbers(at)
                || node.attr(AttrName::Class).is_some_and(|c| {
                    ["gutter", "linenos", "lineno", "line-numbers", "blob-num", "crayon-nums"]
                        .iter()
                        .any(|n| c.contains(n))
                });
        }
        if matches!(tag, Tag::Tr | Tag::Tbody | Tag::Thead | Tag::Li | Tag::Dt | Tag::Dd | Tag::Caption) {
            return false;
        }
        if is_named_so(tree, at) && measure.code * 2 < measure.chars.max(1) {
            let enough = if is_named_so_plainly(tree, at) { 400 } else { 60 };
            let like_the_article = measure.prose > enough && measure.prose * 10 > measure.chars * 9;
            return !(like_the_article && measure.grabbed_share() > 0.9);
        }
        self.says_it_is_beside(at)
            || self.lists_sections_or_tags(at)
            || self.is_lone_button(at)
            || self.is_set_apart(at)
    }

    /// Whether an element is a table of contents or a row of tags: nearly all its text links to
    /// places on the page, or to pages of tags.
    fn lists_sections_or_tags(&self, at: At) -> bool {
        let (tree, measure) = (self.tree, self.measures[at]);
        if !matches!(tree.tag(at), Tag::Ul | Tag::Ol | Tag::Div | Tag::Details | Tag::Section | Tag::P)
            || measure.prose > 0
            || measure.link_share() < 0.6
            || tree.below(at).len() > MOST_IN_CONTENTS
        {
            return false;
        }
        let links = || {
            let links = tree.below(at).filter(|&n| tree.tag(n) == Tag::A && self.measures[n].chars > 0);
            links.map(|n| tree.node(n).attr(AttrName::Href).unwrap_or(""))
        };
        let leads_to_tag = |href: &str| href.split(['/', '?', ':']).any(|part| TAG_PAGES.contains(&part));
        links().nth(1).is_some() && (links().all(|href| href.starts_with('#')) || links().all(leads_to_tag))
    }

    /// Whether an element is a small box with a link, and has a class that exempts it from the
    /// styles of prose.
    fn is_set_apart(&self, at: At) -> bool {
        let (tree, measure) = (self.tree, self.measures[at]);
        let class = tree.node(at).attr(AttrName::Class).unwrap_or("");
        let is_apart =
            class.split_ascii_whitespace().any(|name| name == "not-prose" || name == "not-content");
        is_apart
            && measure.chars <= LARGEST_FORM
            && measure.linked > 0
            && measure.code == 0
            && measure.images == 0
    }

    /// Whether an element has nothing but links that look like buttons.
    fn is_lone_button(&self, at: At) -> bool {
        let (tree, measure) = (self.tree, self.measures[at]);
        if !matches!(tree.tag(at), Tag::P | Tag::Div) || !(1..SHORT).contains(&measure.chars) {
            return false;
        }
        if measure.linked != measure.chars || tree.below(at).len() > MOST_IN_HEADING_BOX {
            return false;
        }
        let is_button = |n: At| {
            let names = tree.node(n).attr(AttrName::Class).unwrap_or("").split_ascii_whitespace();
            tree.tag(n) == Tag::A
                && names.flat_map(words_of_name).any(|word| word == "button" || word == "btn")
        };
        tree.below(at).filter(|&n| tree.tag(n) == Tag::A).all(is_button)
    }

    /// Descends through boxes that contain one element and nothing else, and returns the innermost
    /// one.
    fn core(&self, at: At) -> At {
        let tree = self.tree;
        let mut core = at;
        while matches!(tree.tag(core), Tag::Div | Tag::Section | Tag::Other) {
            let mut full = tree.children(core).filter(|&c| self.measures[c].chars > 0);
            match (full.next(), full.next()) {
                (Some(only), None) if tree.tag(only) != Tag::Text => core = only,
                _ => break,
            }
        }
        core
    }

    /// Whether an element is a table cell with the line numbers of the code in the next cell.
    fn holds_line_numbers(&self, at: At) -> bool {
        let (tree, measure) = (self.tree, self.measures[at]);
        let is_last = tree.node(at).end == tree.node(tree.node(at).parent).end;
        let numbers = tree.text(at, 64);
        measure.code > 0
            && !is_last
            && numbers.starts_with('1')
            && numbers.bytes().all(|b| b.is_ascii_digit() || b == b' ')
    }

    /// Whether an inline element is not part of the text, such as an anchor beside a heading.
    fn is_beside_in_line(&self, at: At) -> bool {
        let (tree, measure) = (self.tree, self.measures[at]);
        let node = tree.node(at);
        if node.tag == Tag::A
            && measure.chars < SHORT
            && node.attr(AttrName::Href).is_some_and(|href| SHARERS.iter().any(|part| href.contains(part)))
        {
            return true;
        }
        if node.tag == Tag::A && measure.chars <= 2 && measure.images == 0 {
            let text = tree.text(at, 16);
            return matches!(text.as_str(), "#" | "¶" | "§" | "🔗" | "↩" | "↩︎" | "∞" | "^" | "link");
        }
        if matches!(node.tag, Tag::Span | Tag::A | Tag::Small | Tag::Time) && measure.chars < SHORT {
            let alone = measure.chars == self.measures[node.parent].chars;
            return alone
                && node.tag != Tag::Time
                && is_named_so(tree, at)
                && self.measures[node.parent].chars > 0
                && tree.tag(node.parent).heading().is_none();
        }
        false
    }

    /// Whether a short block asks the reader to do something.
    fn says_it_is_beside(&self, at: At) -> bool {
        let (tree, measure) = (self.tree, self.measures[at]);
        if measure.chars == 0 || measure.chars > SHORT * 2 || measure.code > 0 {
            return false;
        }
        let tag = tree.tag(at);
        if !matches!(
            tag,
            Tag::P
                | Tag::Div
                | Tag::Section
                | Tag::Span
                | Tag::Ul
                | Tag::Ol
                | Tag::Figcaption
                | Tag::Blockquote
                | Tag::H4
                | Tag::H5
                | Tag::H6
        ) {
            return false;
        }
        let words = tree.text(at, 300);
        if !calls_away(&words) {
            return false;
        }
        let sentence = measure.link_share() < 0.5 && measure.chars > 24 && ends_a_sentence(tree, at);
        // A line of the article may start with the same words ("Share the lock between jobs"). If
        // nothing else decides, it belongs to the article unless it is at the edge.
        let told_apart = is_plain_call(&words)
            || measure.linked > 0
            || words.trim_end().ends_with(':')
            || self.is_at_edge(at);
        !sentence && told_apart
    }

    /// Whether nearly all kept text is after the element, or nearly all is before it.
    fn is_at_edge(&self, at: At) -> bool {
        let before = self.grabbed_upto[at];
        let after = self.total.saturating_sub(self.grabbed_upto[self.tree.node(at).end]);
        before * 20 < self.total || after * 20 < self.total
    }

    /// Whether an element that Readability dropped belongs to the article. `inside` says whether it
    /// is between kept elements, `edges` whether it may belong to the article otherwise.
    fn comes_back(&self, at: At, inside: bool, edges: bool) -> bool {
        let (tree, measure) = (self.tree, self.measures[at]);
        let links = measure.link_share();
        let tag = tree.tag(at);
        if !inside && !edges {
            return false;
        }
        use Tag::*;
        match tag {
            P | Blockquote => self.is_paragraph(at, inside),
            Div if !self.holds_blocks(at) && measure.code == 0 && !is_unlikely(tree, at) => {
                self.is_paragraph(at, inside)
            }
            Aside => inside,
            Pre | Xmp => true,
            H1 | H2 | H3 | H4 | H5 | H6 => inside && !self.is_title(&tree.text(at, 400)),
            Figure | Figcaption | Picture => inside && links < 0.5,
            Ul | Ol | Dl => inside && links < 0.6 || links < 0.2 && measure.prose > 0,
            Table => links < 0.4,
            Div | Section | Center | Details | Other => {
                let prose = measure.prose * 2 > measure.chars && (inside || measure.prose > 60);
                let is_code = inside && measure.code * 10 > measure.chars * 8;
                links < 0.3
                    && (is_code || measure.chars < self.total / 3)
                    && (measure.code > 0 || prose)
                    && (is_code || !is_unlikely(tree, at))
                    && !tree.below(at).any(|n| matches!(tree.tag(n), Form | Textarea | Select | Input))
            }
            A | Abbr | B | Cite | Code | Em | I | Kbd | Mark | Q | S | Small | Span | Strong | Sub | Sup
            | U | Time | Var | Font => inside,
            _ => false,
        }
    }

    /// Whether a dropped paragraph belongs to the article: it has few links, or is a sentence
    /// between paragraphs.
    fn is_paragraph(&self, at: At, inside: bool) -> bool {
        let links = self.measures[at].link_share();
        links < 0.5 && (inside || self.measures[at].prose > 0)
            || inside && links < 0.8 && ends_a_sentence(self.tree, at)
    }

    /// Drops a repeated title, dates, bylines and similar lines above the first paragraph.
    fn drop_head(&mut self, root: At) {
        let tree = self.tree;
        let mut n = root + 1;
        let (mut seen, mut has_author) = (0, false);
        while n < tree.node(root).end && seen < 12 {
            if self.dropped[n] {
                n = tree.node(n).end;
                continue;
            }
            let (tag, measure) = (tree.tag(n), self.measures[n]);
            if measure.chars == 0 {
                n = if tag.is_block() || tag == Tag::Text { n + 1 } else { tree.node(n).end };
                continue;
            }
            let leaf = tag == Tag::Text || !tree.below(n).any(|b| tree.tag(b).is_block());
            if !leaf {
                n += 1;
                continue;
            }
            seen += 1;
            if measure.chars > 150 || tag == Tag::Pre || matches!(tag, Tag::Td | Tag::Th | Tag::Li) {
                break;
            }
            let line = self.line_at(n);
            let words = line.iter().map(|&part| tree.text(part, 400)).collect::<Vec<_>>().join(" ");
            let heading = tag.heading().is_some();
            let last = line.last().copied().unwrap_or(n);
            // The author's name, and the role below it.
            let is_author = !heading
                && (self.author.as_deref().is_some_and(|author| letters(&words) == author)
                    || has_author && is_role(&words));
            has_author |= is_author;
            if self.is_title(&words) || is_author || !heading && is_dateline(&words) {
                line.iter().for_each(|&part| self.dropped[part] = true);
            } else if words.len() > 80 || (!heading && ends_a_sentence(tree, last)) {
                break;
            }
            n = tree.node(last).end;
        }
    }

    /// The nodes of the line that starts at a node: the node alone, or all words and links on the
    /// line.
    fn line_at(&self, at: At) -> Vec<At> {
        let tree = self.tree;
        let ends = |n: At| tree.tag(n).is_block() || tree.tag(n) == Tag::Br;
        if ends(at) {
            return vec![at];
        }
        let parent_end = tree.node(tree.node(at).parent).end;
        std::iter::successors(Some(at), |&n| {
            Some(tree.node(n).end).filter(|&next| next < parent_end && !ends(next))
        })
        .collect()
    }

    fn is_title(&self, words: &str) -> bool {
        self.title.as_deref().is_some_and(|title| {
            let words = letters(words);
            !words.is_empty()
                && (words == title
                    || words.len() > 12 && title.contains(&words) && words.len() * 5 > title.len() * 4)
        })
    }

    /// Drops everything after a heading that ends the article.
    fn drop_after_endings(&mut self, root: At) {
        let tree = self.tree;
        let end = tree.node(root).end;
        let shown: u32 = self.measures[root].chars;
        let text_chars = |n: At| if tree.tag(n) == Tag::Text { self.measures[n].chars } else { 0 };
        // Counts all characters and those up to the current node. The difference is what follows.
        let all: u32 = (root + 1..end).map(text_chars).sum();
        let upto: Vec<u32> = (root..end)
            .scan(0, |sum, n| {
                *sum += if n == root { 0 } else { text_chars(n) };
                Some(*sum)
            })
            .collect();
        let mut before = 0_u32;
        let mut n = root + 1;
        while n < end {
            if self.dropped[n] {
                n = tree.node(n).end;
                continue;
            }
            let tag = tree.tag(n);
            if tag == Tag::Text {
                before += self.measures[n].chars;
            }
            if self.is_ending(n) {
                let mut next = tree.following(n).take(MOST_BESIDE_HEADING);
                if next.find(|&n| self.measures[n].chars > 0).is_some_and(|n| self.dropped[n]) {
                    self.dropped[n] = true;
                    n = tree.node(n).end;
                    continue;
                }
                let follows = all - upto[n - 1 - root];
                let late = follows * 3 < shown && before * 2 > follows;
                if late && self.prose_until_heading(n) < ENOUGH_PROSE {
                    self.drop_section(n);
                    n = tree.node(n).end;
                    continue;
                }
            }
            n += 1;
        }
    }

    /// Drops forms, each with the small box that describes it.
    fn drop_forms(&mut self, root: At) {
        let tree = self.tree;
        let forms = tree.below(root).filter(|&n| tree.tag(n) == Tag::Form);
        let boxes: Vec<At> = forms.filter_map(|form| self.box_of_form(form, root)).collect();
        for form in boxes {
            self.dropped[form] = true;
        }
    }

    /// The widest box around a form that has little other text. Returns `None` if the form itself
    /// has much text: on some pages one form contains the whole page.
    fn box_of_form(&self, form: At, root: At) -> Option<At> {
        let tree = self.tree;
        let is_little = |n: At| {
            let measure = self.measures[n];
            measure.chars <= LARGEST_FORM && measure.chars * 3 < self.total && measure.code == 0
        };
        let around = tree.around(form).take(5).take_while(|&n| n != root);
        let boxes = around.take_while(|&n| {
            matches!(tree.tag(n), Tag::Div | Tag::Section | Tag::Aside | Tag::Other) && is_little(n)
        });
        std::iter::once(form).filter(|&n| is_little(n)).chain(boxes).last()
    }

    /// Drops labels in a box with code: the name of the language, and "Copy".
    fn drop_code_labels(&mut self, root: At) {
        let tree = self.tree;
        let blocks: Vec<At> = tree.below(root).filter(|&n| tree.tag(n) == Tag::Pre).collect();
        for code in blocks {
            // The box may also have line numbers.
            let lines: usize = tree.below(code).map(|n| tree.node(n).text.matches('\n').count()).sum();
            let lines = lines.min(10_000) + 1;
            let is_box = |n: &At| {
                let nodes = tree.below(*n).len() - tree.below(code).len();
                let chars = self.measures[*n].chars.saturating_sub(self.measures[code].chars) as usize;
                matches!(tree.tag(*n), Tag::Div | Tag::Figure | Tag::Other)
                    && chars <= LONGEST_LABEL + LONGEST_NUMBER * lines
                    && nodes <= MOST_IN_HEADING_BOX + NODES_OF_NUMBER * lines
            };
            let Some(around) = tree.around(code).take(4).take_while(is_box).last() else { continue };
            let language = crate::render::language_of_code(tree, code);
            for n in (around + 1..code).chain(tree.node(code).end..tree.node(around).end) {
                if tree.tag(n) == Tag::Text {
                    let words = letters(&tree.node(n).text);
                    self.dropped[n] |=
                        words == "copy" || language.as_deref().is_some_and(|l| letters(l) == words);
                }
            }
        }
    }

    /// Drops short lines that repeat: labels of galleries, players and advertisements. Lines of
    /// code may repeat.
    fn drop_refrains(&mut self, root: At) {
        let tree = self.tree;
        let mut lines: HashMap<String, Vec<At>> = HashMap::default();
        let mut n = root + 1;
        while n < tree.node(root).end {
            let tag = tree.tag(n);
            if self.dropped[n]
                || matches!(
                    tag,
                    Tag::Pre | Tag::Code | Tag::Table | Tag::Ul | Tag::Ol | Tag::Dl | Tag::Blockquote
                )
            {
                n = tree.node(n).end;
                continue;
            }
            let line = matches!(tag, Tag::Div | Tag::Figcaption) && (3..60).contains(&self.measures[n].chars);
            if line && !tree.below(n).any(|b| tree.tag(b).is_block() || tree.tag(b) == Tag::Code) {
                lines.entry(letters(&tree.text(n, 200))).or_default().push(n);
            }
            n += 1;
        }
        for places in lines.values().filter(|places| places.len() >= 3) {
            for &place in places {
                self.dropped[place] = true;
            }
        }
    }

    /// Whether a heading starts something outside the article. A short bold paragraph also counts
    /// as a heading.
    fn is_ending(&self, at: At) -> bool {
        let (tree, measure) = (self.tree, self.measures[at]);
        let tag = tree.tag(at);
        if measure.chars == 0 || measure.chars > 60 {
            return false;
        }
        let stands_for_one = tag.heading().is_some()
            || matches!(tag, Tag::P | Tag::Div)
                && tree.children(at).any(|c| {
                    matches!(tree.tag(c), Tag::Strong | Tag::B | Tag::Span)
                        && self.measures[c].chars == measure.chars
                });
        stands_for_one && ends_the_article(&tree.text(at, 120))
    }

    fn prose_until_heading(&self, heading: At) -> u32 {
        let tree = self.tree;
        let mut prose = 0;
        let mut n = tree.node(heading).end;
        let end = tree.node(tree.node(heading).parent).end;
        // A section without prose in so many elements does not belong to the article. The limit
        // keeps the time linear if there are many bold lines.
        for _ in 0..400 {
            if n >= end || tree.tag(n).heading().is_some() || prose >= ENOUGH_PROSE {
                break;
            }
            if !self.dropped[n] && self.measures[n].link_share() < 0.2 {
                prose += self.measures[n].prose;
            }
            n = tree.node(n).end;
        }
        prose
    }

    /// Drops a heading and its siblings up to the next heading of its level or above.
    fn drop_section(&mut self, heading: At) {
        let tree = self.tree;
        let level = tree.tag(heading).heading().unwrap_or(6);
        self.dropped[heading] = true;
        let mut n = tree.node(heading).end;
        let end = tree.node(tree.node(heading).parent).end;
        while n < end && tree.tag(n).heading().is_none_or(|l| l > level) {
            self.dropped[n] = true;
            n = tree.node(n).end;
        }
    }
}

/// Whether a short line above the article has only a date, an author or a reading time.
fn is_dateline(line: &str) -> bool {
    let lower = line.to_lowercase();
    let lower = lower.trim_matches(|c: char| !c.is_alphanumeric());
    if lower.len() > 140 || lower.is_empty() {
        return false;
    }
    let begins = [
        "by ", "posted ", "published ", "updated ", "last updated", "written by", "author:", "date:",
        "modified", "reading time", "estimated reading",
    ];
    let rest_is_small = lower.split_whitespace().count() <= 14;
    if begins.iter().any(|b| lower.starts_with(b)) && rest_is_small {
        return true;
    }
    if lower.contains("min read") || lower.contains("minute read") || lower.contains("minutes to read") {
        return lower.split_whitespace().count() <= 20;
    }
    // A date, and a few words that are no sentence: the author, the place.
    let words = lower.split_whitespace().count();
    let sentence = line.trim_end().ends_with(['.', ':', '!', '?', ';', '…']);
    is_only_a_date(lower) || words <= 14 && !sentence && dates::in_words(lower).is_some()
}

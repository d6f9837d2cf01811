//! Finds parts of an article that Readability missed.
//!
//! Page builders put an article into several nested boxes, with an image or an advertisement
//! between them. Readability only considers the paragraphs of one box and its siblings. This module
//! climbs from the kept nodes towards the root. A box on this way belongs to the article if it
//! consists of prose, and either looks like the kept boxes or is in the same `<article>` or
//! `<main>`.

use crate::boilerplate::{is_apart, is_named_so, words_of_name};
use crate::measure::{Measure, holds_all};
use crate::tree::{At, AttrName, Tag, Tree};

/// Maximum levels to climb.
const MOST_LEVELS: usize = 14;

/// Maximum levels to descend into a box.
const DEEPEST: usize = 10;

/// Minimum characters of prose in a box that can belong to the article.
const ENOUGH: u32 = 150;

/// Marks further nodes that belong to the article. Returns whether there are any.
pub(crate) fn widen(tree: &Tree, measures: &[Measure], grabbed: &mut [bool]) -> bool {
    let Some(total) = measures.first().map(|m| m.grabbed).filter(|total| *total > 0) else { return false };
    let root = holds_all(tree, measures, total);
    let has_frame = |n: At| matches!(tree.tag(n), Tag::Article | Tag::Main);
    let in_article = tree.tag(root) == Tag::Article || tree.around(root).any(|n| tree.tag(n) == Tag::Article);
    let (mut had, mut found) = (measures[root].prose, false);
    let mut part = root;
    for above in tree.around(root).take(MOST_LEVELS) {
        let ends = matches!(tree.tag(above), Tag::Body | Tag::Html) || is_named_so(tree, above);
        if ends || measures[above].link_share() > 0.3 || has_frame(part) {
            break;
        }
        let framed = has_frame(above) || tree.around(above).any(has_frame);
        let mut walk = Walk { tree, measures, root, framed, in_article, parts: Vec::new(), prose: 0 };
        for child in tree.children(above).filter(|&c| c != part) {
            walk.take(child, 0);
        }
        if walk.prose > 0 && walk.prose * 5 >= had {
            had += walk.prose;
            found = true;
            for part in walk.parts {
                grabbed[part..tree.node(part).end].fill(true);
            }
        }
        part = above;
    }
    found
}

struct Walk<'a> {
    tree: &'a Tree,
    measures: &'a [Measure],
    /// The element that contains all kept nodes.
    root: At,
    /// Whether the kept nodes are inside `<article>` or `<main>`.
    framed: bool,
    in_article: bool,
    parts: Vec<At>,
    prose: u32,
}

impl Walk<'_> {
    /// Marks an element that consists of prose. Otherwise marks its descendants that do.
    fn take(&mut self, at: At, depth: usize) {
        let (tree, measure) = (self.tree, self.measures[at]);
        // Mails and old pages lay their parts out in tables.
        let box_tag = matches!(
            tree.tag(at),
            Tag::Div | Tag::Section | Tag::Center | Tag::Table | Tag::Tbody | Tag::Tr | Tag::Td
        );
        if !box_tag || measure.prose < ENOUGH || depth > DEEPEST || measure.link_share() > 0.15 {
            return;
        }
        if is_apart(tree, at) || is_named_so(tree, at) || self.is_another_ones(at) {
            return;
        }
        let inside: Vec<At> = tree.children(at).collect();
        // Its own words, or paragraphs between line breaks.
        let is_leaf = inside.iter().any(|&c| match tree.tag(c) {
            Tag::P | Tag::Blockquote => true,
            Tag::Text => self.measures[c].prose >= ENOUGH / 2,
            _ => false,
        });
        if is_leaf {
            let told = measure.prose + measure.code;
            if told * 10 >= measure.chars * 6 && measure.grabbed == 0 && self.looks_alike(at) {
                self.prose += measure.prose;
                self.parts.push(at);
            }
            return;
        }
        for child in inside {
            self.take(child, depth + 1);
        }
    }

    /// Whether a box has a class of the kept nodes, or is in the same `<article>` or `<main>`.
    /// Ignores the `__` and hash that bundlers add to classes.
    fn looks_alike(&self, at: At) -> bool {
        let classes = |n: At| {
            let classes = self.tree.node(n).attr(AttrName::Class).unwrap_or("").split_ascii_whitespace();
            classes.map(|class| class.split("__").next().unwrap_or(class))
        };
        let ours = || (self.root..self.tree.node(self.root).end).chain(self.tree.around(self.root).take(2));
        self.framed
            || classes(at).filter(|class| class.len() > 3).any(|class| {
                ours()
                    .filter(|&n| !self.tree.tag(n).is_never_read())
                    .take(200)
                    .any(|n| classes(n).any(|c| c == class))
            })
    }

    /// Whether a box is about another post, a comment or the author: it is another `<article>`, or
    /// its heading is a link.
    fn is_another_ones(&self, at: At) -> bool {
        let tree = self.tree;
        let is_linked_heading = |n: At| {
            tree.tag(n).heading().is_some()
                && self.measures[n].chars > 0
                && self.measures[n].link_share() > 0.8
                && tree
                    .below(n)
                    .any(|a| tree.node(a).attr(AttrName::Href).is_some_and(|href| !href.contains('#')))
        };
        let named = tree.node(at).attr(AttrName::Class).is_some_and(|class| {
            class.split_ascii_whitespace().any(|name| {
                words_of_name(name).iter().any(|w| {
                    [
                        "author", "authors", "card", "cards", "company", "discussion", "excerpt", "footer",
                        "hero",
                    ]
                    .contains(&w.as_str())
                        || ["post", "posts", "replies", "reply", "reviews", "testimonial", "testimonials"]
                            .contains(&w.as_str())
                            && !self.framed
                })
            })
        });
        named
            || tree.below(at).any(|n| {
                is_linked_heading(n)
                    || matches!(tree.tag(n), Tag::Form | Tag::Textarea)
                    || (self.in_article && tree.tag(n) == Tag::Article)
            })
    }
}

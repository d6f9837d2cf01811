//! Measures all nodes before any decision: the amount of text, the share of links, the share of
//! text that Readability kept.

use backissue_model::cancel::checkpoint;

use crate::tree::{At, AttrName, Tag, Tree};

/// Counts for a node and its descendants.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Measure {
    /// Number of characters of text, without white space.
    pub(crate) chars: u32,
    /// Number of characters inside links.
    pub(crate) linked: u32,
    /// Number of characters that Readability kept.
    pub(crate) grabbed: u32,
    /// Number of characters in code blocks.
    pub(crate) code: u32,
    /// Number of characters in paragraphs and similar elements that read like prose: they are long
    /// or end like a sentence, and have no links.
    pub(crate) prose: u32,
    /// Number of images.
    pub(crate) images: u16,
}

impl Measure {
    /// The share of links in the text, 0 to 1.
    pub(crate) fn link_share(self) -> f32 {
        share(self.linked, self.chars)
    }

    /// The share of text that the grab kept, 0 to 1.
    pub(crate) fn grabbed_share(self) -> f32 {
        share(self.grabbed, self.chars)
    }
}

fn share(part: u32, whole: u32) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 / whole as f32 }
}

/// The deepest element that contains all `total` characters that Readability kept.
pub(crate) fn holds_all(tree: &Tree, measures: &[Measure], total: u32) -> At {
    let mut root = 0;
    while let Some(child) = tree.children(root).find(|&c| measures[c].grabbed == total) {
        if tree.tag(child) == Tag::Text {
            break;
        }
        root = child;
    }
    root
}

/// Measures all nodes of `tree`. `grabbed` marks the nodes that Readability kept.
pub(crate) fn measure(tree: &Tree, grabbed: &[bool]) -> Vec<Measure> {
    let mut measures = vec![Measure::default(); tree.nodes.len()];
    for at in (0..tree.nodes.len()).rev() {
        checkpoint();
        let node = tree.node(at);
        match node.tag {
            Tag::Text => {
                let chars = count(&node.text);
                measures[at].chars = chars;
                measures[at].grabbed = if grabbed[at] { chars } else { 0 };
            }
            Tag::Img => measures[at].images = 1,
            tag if tag.is_never_read() || is_hidden(tree, at) => measures[at] = Measure::default(),
            Tag::A => measures[at].linked = measures[at].chars,
            Tag::Pre => measures[at].code = measures[at].chars,
            _ => {}
        }
        if is_prose(tree, at, measures[at]) {
            measures[at].prose = measures[at].chars;
        }
        let below = measures[at];
        if at > 0 {
            let above = &mut measures[node.parent];
            above.chars += below.chars;
            above.linked += below.linked;
            above.grabbed += below.grabbed;
            above.code += below.code;
            above.prose += below.prose;
            above.images = above.images.saturating_add(below.images);
        }
    }
    measures
}

/// Whether a paragraph, list item or bare text reads as prose.
fn is_prose(tree: &Tree, at: At, measure: Measure) -> bool {
    let long = measure.chars >= 80;
    match tree.tag(at) {
        Tag::P | Tag::Blockquote | Tag::Dd => {
            measure.prose == 0
                && measure.link_share() < 0.3
                && (long || measure.chars >= 25 && ends_a_sentence(tree, at))
        }
        Tag::Text => {
            long && tree.tag(tree.node(at).parent).is_block() && tree.tag(tree.node(at).parent) != Tag::Pre
        }
        Tag::Li => measure.prose == 0 && long && measure.link_share() < 0.3,
        _ => false,
    }
}

/// Whether a node's text ends like a sentence.
pub(crate) fn ends_a_sentence(tree: &Tree, at: At) -> bool {
    let last = (at..tree.node(at).end).rev().find(|&n| tree.tag(n) == Tag::Text && !tree.node(n).is_blank());
    last.is_some_and(|n| {
        let text = tree.node(n).text.trim_end().trim_end_matches(['"', '\'', '”', '’', ')', '»', ']']);
        text.ends_with(['.', '!', '?', ':', '…', ';', '。', '！', '？', '：', '।', '؟'])
    })
}

/// Whether an element is hidden, or asks for the reader's consent.
pub(crate) fn is_hidden(tree: &Tree, at: At) -> bool {
    let node = tree.node(at);
    if node.is_notice || node.attr(AttrName::Hidden).is_some_and(|value| value != "until-found") {
        return true;
    }
    node.attr(AttrName::Style).is_some_and(|style| {
        style.split(';').any(|rule| {
            rule.split_once(':').is_some_and(|(name, value)| {
                let is = |text: &str, what: &str| text.trim().eq_ignore_ascii_case(what);
                let value = value.split('!').next().unwrap_or("");
                is(name, "display") && is(value, "none") || is(name, "visibility") && is(value, "hidden")
            })
        })
    })
}

fn count(text: &str) -> u32 {
    let count = if text.is_ascii() {
        text.bytes().filter(|b| !b.is_ascii_whitespace()).count()
    } else {
        text.chars().filter(|c| !c.is_whitespace()).count()
    };
    u32::try_from(count).unwrap_or(u32::MAX)
}

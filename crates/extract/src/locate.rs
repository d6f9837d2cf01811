//! Locates the article on the page.
//!
//! `dom_smoothie`, an implementation of Mozilla's Readability, says which text nodes it would keep.
//! In this crate these nodes are called "grabbed". This is evidence, not the result:
//! [`crate::clean`] decides on the original page.

use dom_query::{Document, NodeData, NodeRef, TreeNode};
use dom_smoothie::{Config, ParsePolicy, Readability};

use crate::tree::{AttrName, Places, Tag, Tree};

/// Minimum characters of a result with which Readability makes no further, more lenient attempt.
/// This is Readability's own number.
const SHORT: usize = 500;

/// Returns for each node of `tree` whether Readability keeps it. `document` is the parsed `source`,
/// and `tree` was made from it. Further attempts parse `source` again.
pub(crate) fn grabbed(document: Document, source: &str, tree: &Tree, places: &Places) -> Option<Vec<bool>> {
    let mut best: Option<(usize, Vec<bool>)> = None;
    let mut first = Some(document);
    for policy in [ParsePolicy::Strict, ParsePolicy::Moderate, ParsePolicy::Clean, ParsePolicy::Raw] {
        // A second parse of the same source gives the same nodes with the same ids.
        let document = first.take().unwrap_or_else(|| Document::from(source));
        let Some((length, marks)) = attempt(document, policy, tree, places) else { continue };
        if best.as_ref().is_none_or(|(most, _)| length > *most) {
            best = Some((length, marks));
        }
        if length >= SHORT {
            break;
        }
    }
    best.map(|(_, marks)| marks)
}

fn attempt(
    document: Document,
    policy: ParsePolicy,
    tree: &Tree,
    places: &Places,
) -> Option<(usize, Vec<bool>)> {
    without_many_signs(&document);
    for notice in tree.nodes.iter().filter(|node| node.is_notice) {
        if let Some(node) = document.tree.get(&notice.id) {
            node.remove_from_parent();
        }
    }
    let config = Config { disable_json_ld: true, ..Config::default() };
    let mut page = Readability::with_document(document, None, Some(config)).ok()?;
    page.parse_with_policy(policy).ok()?;
    let mut marks = vec![false; tree.nodes.len()];
    let mut length = 0;
    for node in page.doc.select_single("#readability-page-1").nodes().first()?.descendants_it() {
        let Some(&at) = places.get(&node.id) else { continue };
        if tree.tag(at) == Tag::Text {
            length += tree.node(at).text.trim().chars().count();
        }
        marks[at] = true;
    }
    (length > 0).then_some((length, marks))
}

/// Maximum characters per text node that must be escaped.
const MOST_SIGNS: usize = 256;

/// Whether a serializer of HTML may escape this byte.
pub(crate) fn is_sign(byte: u8) -> bool {
    matches!(byte, b'&' | b'<' | b'>' | 0xC2)
}

/// Replaces characters that must be escaped, in text nodes that have very many of them.
///
/// `dom_smoothie` serializes its result, and for each such character `html5ever` 0.40 scans the
/// rest of the text node again, so that the time is quadratic. Readability only counts characters,
/// so the replacement does not change its result.
fn without_many_signs(document: &Document) {
    let signs = |text: &str| text.bytes().filter(|b| is_sign(*b)).count();
    let has_many = |node: &TreeNode| matches!(&node.data, NodeData::Text { contents } if contents.len() > MOST_SIGNS && signs(contents) > MOST_SIGNS);
    let root = document.root();
    let with_many: Vec<NodeRef<'_>> =
        root.descendants_it().filter(|node| node.query(has_many) == Some(true)).collect();
    for node in with_many {
        node.update(|node| {
            if let NodeData::Text { contents } = &mut node.data {
                let plain = |c: char| {
                    if matches!(c, '&' | '<' | '>' | '\u{80}'..='\u{bf}') { '+' } else { c }
                };
                *contents = contents.chars().map(plain).collect::<String>().into();
            }
        });
    }
}

/// Usual names of the element that contains the article's body.
const BODY_NAMES: &[&str] = &[
    "post-content", "entry-content", "article-content", "article-body", "post-body", "post__content",
    "markdown-body", "article", "content", "main",
];

/// Marks all nodes in the element that is the article by its tag or name. This is for very short
/// pages, on which Readability, which counts characters of paragraphs, chooses something else.
pub(crate) fn named_body(tree: &Tree) -> Option<Vec<bool>> {
    let named = |name: &str| {
        (0..tree.nodes.len()).find(|&at| {
            let node = tree.node(at);
            node.tag.is_block()
                && [AttrName::Class, AttrName::Id]
                    .into_iter()
                    .filter_map(|a| node.attr(a))
                    .any(|names| names.split_ascii_whitespace().any(|n| n.eq_ignore_ascii_case(name)))
        })
    };
    let says_so =
        (0..tree.nodes.len()).find(|&at| tree.node(at).attr(AttrName::Itemprop) == Some("articleBody"));
    let body = says_so
        .or_else(|| BODY_NAMES[..7].iter().find_map(|name| named(name)))
        .or_else(|| tree.first(Tag::Article))
        .or_else(|| (0..tree.nodes.len()).find(|&at| tree.node(at).attr(AttrName::Role) == Some("main")))
        .or_else(|| BODY_NAMES[7..].iter().find_map(|name| named(name)))
        .or_else(|| tree.first(Tag::Main))?;
    let mut marks = vec![false; tree.nodes.len()];
    marks[tree.below(body)].fill(true);
    Some(marks)
}

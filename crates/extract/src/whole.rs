//! Renders HTML as a whole, without searching for an article in it.

use backissue_model::Blocks;
use dom_query::Document;

use crate::decode::LARGEST_PAGE;
use crate::measure;
use crate::prefilter::prefilter;
use crate::render::{Body, render};
use crate::tree::Tree;

/// The text of HTML such as a feed's summary, by the same rules as an article's text (see the
/// module `render`).
pub fn plain_text(html: &str) -> String {
    whole(html).text
}

/// Computes the blocks of an article that was stored without them, from its HTML. The blocks are
/// those of [`backissue_model::Article::text`].
pub fn blocks(html: &str) -> Blocks {
    whole(html).blocks
}

/// Renders HTML without its hidden parts.
fn whole(html: &str) -> Body {
    let source = prefilter(&html[..html.floor_char_boundary(LARGEST_PAGE)]);
    let (tree, _) = Tree::of(&Document::from(source.html.as_str()));
    let hidden: Vec<bool> = (0..tree.nodes.len()).map(|at| measure::is_hidden(&tree, at)).collect();
    render(&tree, 0, &hidden, None)
}

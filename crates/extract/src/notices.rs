//! Detects boxes that ask for consent, mostly to cookies.
//!
//! They may contain more prose than a short article, so that Readability would choose them. So they
//! are detected first, by name and topic, and all later steps ignore them.

use foldhash::HashMap;

use crate::boilerplate::words_of_name;
use crate::tree::{At, AttrName, Tag, Tree};
use crate::words;

/// Words in the `class`, `id` and `aria-label` of such boxes.
const NAMES: &[&str] = &[
    "axeptio", "borlabs", "ccpa", "cky", "cmp", "cmpbox", "cmplz", "complianz", "consent", "consentmanager",
    "cookie", "cookiebanner", "cookiebot", "cookieconsent", "cookielaw", "cookies", "didomi", "gdpr",
    "iubenda", "klaro", "onetrust", "osano", "quantcast", "tarteaucitron", "termly", "trustarc", "truste",
    "usercentrics",
];

/// Topics of such boxes. Each box has one of these words near its beginning.
const TOPICS: &[&str] = &[
    "consent", "cookie", "datenschutz", "einwilligung", "privacy", "your data", "données personnelles",
    "privacidad",
];

/// Marks the boxes of `tree` that ask for consent.
pub(crate) fn mark(tree: &mut Tree) {
    let mut frames = HashMap::default();
    let mut at = 0;
    while at < tree.nodes.len() {
        if is_notice(tree, at, &mut frames) {
            tree.nodes[at].is_notice = true;
            at = tree.node(at).end;
        } else {
            at += 1;
        }
    }
}

fn is_notice(tree: &Tree, at: At, frames: &mut HashMap<At, usize>) -> bool {
    let node = tree.node(at);
    if !node.tag.is_block() || matches!(node.tag, Tag::Html | Tag::Body | Tag::Article | Tag::Main) {
        return false;
    }
    if node.tag.heading().is_some() || matches!(node.tag, Tag::P | Tag::Li | Tag::Pre | Tag::Table) {
        return false;
    }
    let floats = matches!(node.attr(AttrName::Role), Some("dialog" | "alertdialog" | "alert"));
    (floats || is_named(tree, at))
        && speaks_of_consent(tree, at)
        && !holds_an_article(tree, at)
        && (floats || !is_an_article(tree, at, frames))
}

fn is_named(tree: &Tree, at: At) -> bool {
    let node = tree.node(at);
    let has_name = |name: &str| {
        // `tag-cookies` and `category-gdpr` are the topic of a post.
        let words = words_of_name(name);
        let is_topic =
            words.first().is_some_and(|w| ["category", "tag", "topic", "post", "page"].contains(&w.as_str()));
        // Sourcepoint's boxes are `sp_message_container_1`.
        let is_known = words.iter().any(|word| NAMES.contains(&word.as_str()));
        !is_topic && (is_known || name.starts_with("sp_message"))
    };
    [AttrName::Class, AttrName::Id, AttrName::AriaLabel]
        .into_iter()
        .filter_map(|name| node.attr(name))
        .any(|names| names.len() <= 400 && names.split_ascii_whitespace().any(has_name))
}

fn speaks_of_consent(tree: &Tree, at: At) -> bool {
    let start = tree.text(at, 600).to_lowercase();
    TOPICS.iter().any(|topic| start.contains(topic))
}

/// Whether the element contains an article. A page may put the state of consent into the class of
/// its body.
fn holds_an_article(tree: &Tree, at: At) -> bool {
    tree.below(at).any(|n| {
        matches!(tree.tag(n), Tag::Article | Tag::Main | Tag::H1)
            || tree.node(n).attr(AttrName::Itemprop) == Some("articleBody")
    })
}

/// Whether the element is an article about consent: it has most of the text of its `<article>` or
/// `<main>`.
fn is_an_article(tree: &Tree, at: At, frames: &mut HashMap<At, usize>) -> bool {
    const LONGEST: usize = 16 << 10;
    let Some(frame) = tree.around(at).find(|&n| matches!(tree.tag(n), Tag::Article | Tag::Main)) else {
        return false;
    };
    let whole = *frames.entry(frame).or_insert_with(|| tree.text(frame, LONGEST).len());
    tree.text(at, LONGEST).len() * 2 > whole
}

/// Maximum words of a text that only asks for consent.
const MOST_WORDS: u32 = 150;

/// Whether a text only asks for consent, as on a page whose article needs scripts.
pub(crate) fn is_only_a_notice(text: &str) -> bool {
    const BEGINNINGS: &[&str] = &[
        "we use cookies", "uses cookies", "use of cookies", "we value your privacy", "your privacy",
        "wir verwenden cookies", "utilisons des cookies", "utilizamos cookies",
    ];
    let start: String = text.chars().take(200).flat_map(char::to_lowercase).collect();
    BEGINNINGS.iter().any(|words| start.contains(words))
        && text.to_lowercase().contains("cookie")
        && words::count(text) <= MOST_WORDS
}

//! Detects boilerplate on an article's page: navigation, calls to subscribe, related posts and the
//! like. It uses the names of elements, the words in them, and their tags.

use std::sync::LazyLock;

use foldhash::{HashMap, HashSet};

use crate::measure::Measure;
use crate::tree::{At, AttrName, Tag, Tree};

/// Words in `class` and `id` that mark boilerplate. Each is a whole word of a name.
const NAMES: &[&str] = &[
    "ad", "ads", "adsense", "advert", "advertisement", "advertising", "adunit", "backlinks", "articlebyline",
    "authorbio", "authorbox", "authorcard", "bio", "biography", "breadcrumb", "breadcrumbs", "byline",
    "bylines", "categories", "category", "comment", "commentlist", "comments", "consent", "cookie",
    "cookies", "copyright", "cta", "dateline", "disqus", "donation", "editlink", "edit-link", "editsection",
    "feedback", "followus", "follow", "footer", "gdpr", "giscus", "infobox-nav", "jumplink", "linenos",
    "lineno", "login", "masthead", "menu", "modal", "mailchimp", "nav", "navbar", "navigation", "navlinks",
    "newsletter", "newsletters", "onward", "outbrain", "overlay", "paging", "pager", "pagination",
    "permalink", "popular", "popup", "postmeta", "prevnext", "print", "printonly", "promo", "promos",
    "promotion", "pubdate", "rating", "ratings", "readmore", "readnext", "recirc", "recirculation",
    "recommend", "recommendation", "recommendations", "recommended", "related", "relatedarticles",
    "relatedcontent", "relatedposts", "relatedstories", "respond", "reprints", "screenreader", "sharedaddy",
    "share", "sharebar", "sharebuttons", "sharing", "sharethis", "sidebar", "signin", "signup", "skip",
    "skiplink", "social", "socials", "sponsor", "sponsored", "sponsors", "srlink", "subscribe",
    "subscription", "taboola", "tag", "tags", "taglist", "tagcloud", "teaser", "teasers", "timestamp", "toc",
    "tableofcontents", "toolbar", "tools", "tooltip", "trending", "utterances", "webring", "widget",
    "widgets", "zergnet", "headerlink", "hash-link", "heading-anchor",
];

/// Pairs of adjacent words in a name that mark boilerplate only together.
const NAME_PAIRS: &[(&str, &str)] = &[
    ("about", "author"),
    ("also", "like"),
    ("article", "meta"),
    ("article", "tools"),
    ("author", "bio"),
    ("author", "box"),
    ("author", "card"),
    ("author", "info"),
    ("author", "name"),
    ("author", "profile"),
    ("back", "top"),
    ("card", "list"),
    ("entry", "meta"),
    ("entry", "utility"),
    ("page", "actions"),
    ("post", "author"),
    ("post", "date"),
    ("post", "footer"),
    ("post", "info"),
    ("post", "meta"),
    ("post", "metadata"),
    ("post", "nav"),
    ("post", "tags"),
    ("read", "also"),
    ("read", "more"),
    ("read", "next"),
    ("reading", "time"),
    ("next", "prev"),
    ("prev", "next"),
    ("see", "also"),
    ("similar", "posts"),
    ("sign", "up"),
    ("site", "header"),
    ("screen", "reader"),
    ("sr", "only"),
    ("visually", "hidden"),
    ("table", "contents"),
    ("of", "contents"),
    ("more", "stories"),
    ("more", "from"),
    ("more", "articles"),
    ("more", "posts"),
    ("latest", "news"),
    ("latest", "posts"),
    ("recent", "posts"),
    ("top", "stories"),
    ("most", "read"),
    ("most", "popular"),
    ("mc", "embed"),
    ("story", "meta"),
    ("meta", "data"),
    ("meta", "info"),
];

/// Words of [`NAMES`] that may also be an article's topic, and so occur in the names of its parts.
const TOPICS: &[&str] =
    &["categories", "category", "overlay", "rating", "ratings", "timestamp", "tools", "tooltip"];

/// Whether an element's `class` or `id` marks it as boilerplate.
pub(crate) fn is_named_so(tree: &Tree, at: At) -> bool {
    is_named(tree, at, &|_| true)
}

/// Like [`is_named_so`], but ignores the ambiguous words in [`TOPICS`].
pub(crate) fn is_named_so_plainly(tree: &Tree, at: At) -> bool {
    is_named(tree, at, &|word| !TOPICS.contains(&word))
}

fn is_named(tree: &Tree, at: At, counts: &dyn Fn(&str) -> bool) -> bool {
    let node = tree.node(at);
    let is_sign = |name: &str| names_boilerplate(name, counts) && !tree.own_names.contains(name);
    node.attr(AttrName::Class).is_some_and(|class| class.split_ascii_whitespace().any(is_sign))
        || node
            .attr(AttrName::Id)
            .is_some_and(|id| is_given_name(tree, at, id) && id.split_ascii_whitespace().any(is_sign))
}

/// Names that usually mark boilerplate, but not on this page: their elements contain more than half
/// of the kept text. For example, page builders call every part a widget.
pub(crate) fn own_names(tree: &Tree, measures: &[Measure]) -> HashSet<String> {
    // Kept characters in the boxes of each name, and the end of the last of these boxes.
    let mut inside: HashMap<&str, (u32, At)> = HashMap::default();
    let is_box = |at: &At| measures[*at].grabbed > 0 && !matches!(tree.tag(*at), Tag::Html | Tag::Body);
    for at in (0..tree.nodes.len()).filter(is_box) {
        let class = tree.node(at).attr(AttrName::Class).unwrap_or("");
        for name in class.split_ascii_whitespace().filter(|name| names_boilerplate(name, &|_| true)) {
            let (sum, end) = inside.entry(name).or_default();
            if at >= *end {
                *sum += measures[at].grabbed;
                *end = tree.node(at).end;
            }
        }
    }
    let total = measures.first().map_or(0, |m| m.grabbed);
    inside.into_iter().filter(|(_, (sum, _))| *sum * 2 > total).map(|(name, _)| name.to_owned()).collect()
}

/// Words in the `class` of an aside that mark it as a remark within the article.
const REMARKS: &[&str] =
    &["admonition", "callout", "caution", "hint", "important", "note", "sidenote", "tip", "warning"];

/// Whether an aside's names or role show that it is a remark that belongs to the article.
pub(crate) fn is_named_a_remark(tree: &Tree, at: At) -> bool {
    let node = tree.node(at);
    let class = node.attr(AttrName::Class).unwrap_or("");
    node.attr(AttrName::Role) == Some("note")
        || words_of_name(class).iter().any(|word| REMARKS.contains(&word.as_str()))
}

/// Parts of names of elements that are unlikely to belong to the article.
const UNLIKELY: &[&str] = &[
    "-ad-", "ad-", "-ads", "banner", "combx", "comment", "coment", "community", "discuss", "embed", "extra",
    "foot", "form", "gdpr", "header", "legends", "masthead", "menu", "meta", "more", "outbrain", "promo",
    "related", "remark", "remote", "replies", "response", "rss", "share", "shoutbox", "sidebar",
    "skyscraper", "social", "sponsor", "supplemental", "popup", "teaser", "tool", "widget", "list", "card",
    "feed", "stream",
];

/// Whether the names of an element, or of a child, make it unlikely to belong to the article.
pub(crate) fn is_unlikely(tree: &Tree, at: At) -> bool {
    std::iter::once(at).chain(tree.children(at)).any(|n| {
        let node = tree.node(n);
        [node.attr(AttrName::Id), node.attr(AttrName::Class)].into_iter().flatten().any(|names| {
            let lower = names.to_ascii_lowercase();
            UNLIKELY.iter().any(|part| lower.contains(part))
        })
    })
}

/// Whether a person chose this `id`. Other ids are generated from a heading's words and do not
/// describe the element.
fn is_given_name(tree: &Tree, at: At, id: &str) -> bool {
    tree.tag(at).heading().is_none()
        && id.split(['-', '_']).filter(|w| !w.is_empty()).count() <= 3
        && !tree.children(at).take(4).any(|c| tree.tag(c).heading().is_some_and(|level| level > 1))
}

/// Whether one name in a `class` or `id` marks boilerplate. Only words for which `counts` returns
/// true are used.
fn names_boilerplate(name: &str, counts: &dyn Fn(&str) -> bool) -> bool {
    static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| NAMES.iter().copied().collect());
    // Utility classes of CSS frameworks describe an element's look or its surroundings
    // (`has-sidebar`, `md:nav`).
    if name.len() > 60
        || name.contains([':', '[', '('])
        || ["has-", "no-", "with-", "is-", "hide-", "js-"].iter().any(|p| name.starts_with(p))
    {
        return false;
    }
    let lower = name.to_ascii_lowercase();
    if KNOWN.contains(lower.as_str()) && counts(&lower) {
        return true;
    }
    let words = words_of_name(name);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.iter().any(|w| w.len() > 1 && KNOWN.contains(w) && counts(w))
        || words.windows(2).any(|pair| NAME_PAIRS.contains(&(pair[0], pair[1])))
}

/// The words of a name: `relatedPosts`, `related-posts` and `related_posts` all give `related`,
/// `posts`.
pub(crate) fn words_of_name(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        let starts = c.is_ascii_uppercase() && before.is_ascii_lowercase();
        if !c.is_ascii_alphanumeric() || starts {
            words.push(String::new());
        }
        if c.is_ascii_alphabetic()
            && let Some(word) = words.last_mut()
        {
            word.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    words.retain(|w| !w.is_empty());
    words
}

/// Whether an element is not part of the text, by its role or tag.
pub(crate) fn is_apart(tree: &Tree, at: At) -> bool {
    let node = tree.node(at);
    let role = node.attr(AttrName::Role).unwrap_or("");
    matches!(node.tag, Tag::Nav | Tag::Form | Tag::Fieldset | Tag::Select | Tag::Menu | Tag::Search)
        || matches!(
            role,
            "navigation"
                | "menu"
                | "menubar"
                | "search"
                | "alert"
                | "alertdialog"
                | "dialog"
                | "banner"
                | "contentinfo"
                | "complementary"
                | "toolbar"
                | "tablist"
        )
}

/// Words at the start of short blocks that ask the reader to do something, such as to subscribe.
const CALLS: &[&str] = &[
    "advertisement",
    "sponsored content",
    "share this",
    "share on",
    "share via",
    "share article",
    "share the",
    "tweet this",
    "follow us",
    "follow me on",
    "follow @",
    "subscribe to our",
    "subscribe to the",
    "subscribe now",
    "subscribe for",
    "subscribe via",
    "sign up for",
    "sign up to",
    "sign up now",
    "join our newsletter",
    "get our newsletter",
    "get the latest",
    "enter your email",
    "read more:",
    "read more about",
    "read also",
    "also read",
    "read next",
    "see also:",
    "related:",
    "related article",
    "related post",
    "related stor",
    "related topic",
    "related content",
    "related link",
    "related read",
    "recommended",
    "more from",
    "more on this",
    "more stories",
    "more about",
    "you may also",
    "you might also",
    "you may like",
    "trending now",
    "most popular",
    "most read",
    "watch:",
    "watch now",
    "listen to this",
    "click here to",
    "click to share",
    "tap here",
    "download our app",
    "download the app",
    "continue reading",
    "story continues",
    "article continues",
    "keep reading",
    "view comments",
    "show comments",
    "leave a comment",
    "leave a reply",
    "log in to comment",
    "log in to post",
    "post a comment",
    "add a comment",
    "comments (",
    "comments are closed",
    "be the first to comment",
    "join the conversation",
    "join the discussion",
    "discuss on",
    "discuss this",
    "comment on",
    "edit this page",
    "edit on github",
    "improve this page",
    "found a typo",
    "suggest an edit",
    "report a typo",
    "we use cookies",
    "this site uses cookies",
    "this website uses cookies",
    "by continuing",
    "accept all",
    "all rights reserved",
    "copyright ©",
    "© ",
    "(c) 20",
    "back to top",
    "skip to",
    "jump to",
    "print this",
    "email this",
    "filed under",
    "tagged with",
    "tagged:",
    "tags:",
    "tags ",
    "posted in",
    "topics:",
    "categories:",
    "category:",
    "previous post",
    "next post",
    "previous article",
    "next article",
    "older post",
    "newer post",
    "← ",
    "« previous",
    "« older",
    "newer »",
    "table of contents",
    "on this page",
    "in this article",
    "in this post",
    "like this:",
    "rate this",
    "was this",
    "did you find",
    "please enable javascript",
    "view this post on",
    "a post shared by",
    "support our",
    "support us",
    "donate",
    "thanks for reading! subscribe",
    "this post is licensed",
    "this work is licensed",
    "about the author",
    "sent from",
    "photo credit",
    "image credit",
    "get breaking news",
    "our standards:",
    "register for",
    "have a tip",
    "got a tip",
];

/// Entries of [`CALLS`] with which a sentence or heading of an article may also start.
const AMBIGUOUS_CALLS: &[&str] = &[
    "share the", "subscribe to the", "get the latest", "recommended", "more about", "keep reading",
    "jump to", "skip to", "tags ", "on this page", "in this article", "in this post", "donate",
    "by continuing", "support our", "register for", "was this", "did you find", "watch now", "sent from",
    "join the discussion",
];

/// Whether `words` start like an entry of [`CALLS`] that is unlikely to start a line of an article.
pub(crate) fn is_plain_call(words: &str) -> bool {
    let lower = words.trim_start_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    !AMBIGUOUS_CALLS.iter().any(|call| lower.starts_with(call))
}

/// Texts of headings that come after the end of an article.
const ENDINGS: &[&str] = &[
    "comments", "comment", "leave a comment", "leave a reply", "related", "related posts",
    "related articles", "related stories", "related content", "related reading", "related news",
    "related links", "related topics", "you may also like", "you might also like", "recommended",
    "recommended for you", "recommended reading", "recommended posts", "read next", "more from",
    "more stories", "more articles", "more posts", "more news", "keep reading", "share this",
    "share this post", "share this article", "share", "share on", "share via", "about the author",
    "about the authors", "subscribe", "newsletter", "subscribe to our newsletter",
    "sign up for our newsletter", "follow us", "tags", "categories", "latest posts", "latest news",
    "recent posts", "popular posts", "most popular", "most read", "trending", "top stories", "what's next",
    "post navigation", "join the conversation", "discussion", "responses", "write a comment", "like this",
    "topics", "filed under", "share this:", "like this:", "table of contents", "contents", "on this page",
    "read more", "further reading on our blog", "also on", "see also our", "editor's picks", "don't miss",
    "in this article", "in this post",
];

/// Whether a short block asks the reader to do something.
pub(crate) fn calls_away(words: &str) -> bool {
    let lower =
        words.trim_start_matches(|c: char| !c.is_alphanumeric() && !"©←→«(".contains(c)).to_lowercase();
    CALLS.iter().any(|call| lower.starts_with(call))
}

/// Whether a heading starts a section that is not part of the article.
pub(crate) fn ends_the_article(heading: &str) -> bool {
    let lower =
        heading.trim().trim_end_matches([':', '¶', '#', ' ', '…', '.']).to_lowercase().replace('’', "'");
    let without_count = lower.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
    ENDINGS.contains(&without_count)
        || (lower.len() < 60
            && ["more from ", "more in ", "more on ", "comments (", "related to ", "share this "]
                .iter()
                .any(|p| lower.starts_with(p)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        for (names, boilerplate) in [
            ("related-posts", true),
            ("RelatedPosts", true),
            ("post_share", true),
            ("nav", true),
            ("c-article__post-meta", true),
            ("has-sidebar", false),
            ("post-content", false),
            ("shareholder-value", false),
            ("md:nav", false),
            ("navigable", false),
            ("advanced", false),
        ] {
            assert_eq!(names_boilerplate(names, &|_| true), boilerplate, "{names}");
        }
    }

    #[test]
    fn calls_and_endings_are_distinguished_from_sentences() {
        assert!(calls_away("Share this post: Twitter"));
        assert!(calls_away("► Read more: How we did it"));
        assert!(!calls_away("Sharing state between services is hard."));
        assert!(ends_the_article("3 Comments"));
        assert!(ends_the_article("Related posts:"));
        assert!(!ends_the_article("Related work"));
    }
}

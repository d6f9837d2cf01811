//! Finds a site's feeds: by the links on a page, and by trying the usual addresses.

use std::collections::HashSet;

use backissue_feed::Hints;
use backissue_feed::markup::{
    Attribute, TagKind, can_be_base, decode, is_on_the_web, one_line, plain_text, tags, value,
};
use backissue_model::FeedFormat;
use url::Url;

/// A feed to which a page links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFeed {
    /// The feed's address.
    pub url: Url,
    /// The title that the link has.
    pub title: Option<String>,
    /// The format, guessed from the media type or the address.
    pub format_hint: Option<FeedFormat>,
}

/// Maximum number of returned feeds.
const MAX_FOUND: usize = 100;

/// How likely a link is the feed that a person wants. Smaller is more likely.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Promise {
    /// The page declares the feed in its head.
    Declared,
    /// The page has a link that looks like a feed.
    Linked,
    /// The page declares the feed, and it is a feed of comments.
    Comments,
}

/// The feeds to which a page links, best first: declared ones, then links that look like feeds,
/// then feeds of comments. Relative links need `hints.url`.
pub fn discover(html: &[u8], hints: &Hints) -> Vec<FoundFeed> {
    let text = decode(html, hints.media_type.as_deref());
    let mut base = hints.url.clone().filter(can_be_base);
    let mut has_base = false;
    let mut found: Vec<(Promise, FoundFeed)> = Vec::new();
    for tag in tags(&text) {
        if tag.kind == TagKind::End || !matches!(tag.name.as_str(), "base" | "link" | "a") {
            continue;
        }
        let attributes = tag.attributes();
        match tag.name.as_str() {
            "base" if !has_base => {
                if let Some(url) = address(&attributes, base.as_ref()).filter(can_be_base) {
                    base = Some(url);
                    has_base = true;
                }
            }
            "link" => found.extend(declared(&attributes, base.as_ref())),
            "a" => found.extend(linked(&attributes, base.as_ref(), &text[tag.end..])),
            _ => {}
        }
        if found.len() >= 10 * MAX_FOUND {
            break;
        }
    }
    found.sort_by_key(|(promise, _)| *promise);
    let mut known = HashSet::new();
    found
        .into_iter()
        .map(|(_, feed)| feed)
        .filter(|feed| known.insert(feed.url.clone()))
        .take(MAX_FOUND)
        .collect()
}

/// Path segments of feeds that have only some of the posts.
const NARROWER: &[&str] = &[
    "tag", "tags", "tagged", "category", "categories", "cat", "topic", "topics", "label", "labels",
    "taxonomy", "author", "authors", "user", "users", "-", "search",
];
/// Words in a feed's title that describe its format.
const FORMATS: &[&str] =
    &["rss", "rss2", "atom", "json", "feed", "xml", "rdf", "0", "1", "2", "3", "via", "subscribe"];

/// Separates the feeds of a page's posts from the others. Feeds of comments, of one tag or category
/// and of one author are others, unless the page itself is about one of these. Of a feed in several
/// formats only the first is kept. If no feed would be left, all are kept. Returns the feeds of
/// posts, and the feeds of comments, tags and authors.
pub fn of_posts(found: Vec<FoundFeed>, page: &Url) -> (Vec<FoundFeed>, Vec<FoundFeed>) {
    let mut known = HashSet::new();
    let is_meant = |feed: &FoundFeed| {
        !is_of_comments(&feed.url, feed.title.as_deref()) && (!is_narrower(&feed.url) || is_narrower(page))
    };
    let (mut posts, others): (Vec<_>, Vec<_>) = found.into_iter().partition(is_meant);
    if posts.is_empty() {
        return (others, Vec::new());
    }
    posts.retain(|feed| known.insert(without_format(feed)));
    (posts, others)
}

fn is_narrower(url: &Url) -> bool {
    let parts = url.path_segments().into_iter().flatten().map(str::to_lowercase);
    parts.into_iter().any(|part| NARROWER.contains(&part.as_str()))
        || url.query_pairs().any(|(name, _)| NARROWER.contains(&name.to_lowercase().as_str()))
}

/// A key that is equal for all formats of a feed: its title without words for formats, or else its
/// folder.
fn without_format(feed: &FoundFeed) -> String {
    let title = feed.title.as_deref().unwrap_or_default().to_lowercase();
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<&str> = words.filter(|word| !FORMATS.contains(word)).collect();
    if !words.is_empty() {
        return words.join(" ");
    }
    let path = feed.url.path().trim_end_matches('/');
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{}{folder}/", feed.url.host_str().unwrap_or_default())
}

/// The usual addresses of a site's feed, most likely first: below the page, then at the host's
/// root.
pub fn guesses(site: &Url) -> Vec<Url> {
    const USUAL: &[&str] = &[
        "feed", "feed.xml", "rss.xml", "atom.xml", "index.xml", "rss", "feed/", "feed.json", "feed.atom",
        "feeds/posts/default", "blog/feed", "blog/rss.xml", "blog/feed.xml", "blog/atom.xml",
        "blog/index.xml", "rss/", "atom", "?feed=rss2",
    ];
    let mut folder = site.clone();
    folder.set_query(None);
    folder.set_fragment(None);
    if !folder.path().ends_with('/') {
        let last = folder.path().rsplit('/').next().unwrap_or("");
        if !last.contains('.') {
            folder.set_path(&format!("{}/", folder.path()));
        }
    }
    let root = folder.join("/").ok();
    let mut known = HashSet::new();
    let under = |place: &Url| USUAL.iter().filter_map(|path| place.join(path).ok()).collect::<Vec<_>>();
    let mut all = under(&folder);
    all.extend(root.iter().flat_map(under));
    all.retain(|url| known.insert(url.clone()));
    all
}

fn address(attributes: &[Attribute], base: Option<&Url>) -> Option<Url> {
    let href = value(attributes, "href").filter(|href| !href.is_empty())?;
    let href = href.strip_prefix("feed:").map_or(href, |rest| if rest.contains("://") { rest } else { href });
    let href = href.replacen("feed://", "https://", usize::from(href.starts_with("feed://")));
    let mut url = Url::parse(&href).ok().or_else(|| base?.join(&href).ok())?;
    url.set_fragment(None);
    Some(url).filter(is_on_the_web)
}

/// The feed that a `<link rel="alternate" type="…">` declares.
fn declared(attributes: &[Attribute], base: Option<&Url>) -> Option<(Promise, FoundFeed)> {
    let relations = value(attributes, "rel")?.to_lowercase();
    let relates = relations.split_ascii_whitespace().any(|r| matches!(r, "alternate" | "feed"));
    let media_type = value(attributes, "type").unwrap_or("").to_lowercase();
    let media_type = media_type.split(';').next().unwrap_or("").trim();
    let url = address(attributes, base)?;
    let format_hint = match media_type {
        "application/rss+xml" => Some(FeedFormat::Rss2),
        "application/atom+xml" => Some(FeedFormat::Atom),
        "application/feed+json" => Some(FeedFormat::JsonFeed),
        "application/rdf+xml" => Some(FeedFormat::Rdf),
        "application/json" if url.path().contains("feed") => Some(FeedFormat::JsonFeed),
        "text/xml" | "application/xml" | "application/x.atom+xml" | "application/x-atom+xml" => None,
        "" if relations.contains("feed") || looks_like_feed(&url) => None,
        _ => return None,
    };
    if !relates || url.path().contains("/wp-json/") || url.path().contains("oembed") {
        return None;
    }
    let title = value(attributes, "title").map(one_line).filter(|title| !title.is_empty());
    let promise = if is_of_comments(&url, title.as_deref()) { Promise::Comments } else { Promise::Declared };
    Some((promise, FoundFeed { url, title, format_hint }))
}

/// The feed to which an `<a href="…">` links, if it looks like one.
fn linked(attributes: &[Attribute], base: Option<&Url>, after: &str) -> Option<(Promise, FoundFeed)> {
    let url = address(attributes, base)?;
    if !looks_like_feed(&url) {
        return None;
    }
    let end = after.char_indices().take(500).find(|(at, _)| after[*at..].starts_with("</a"));
    let title = value(attributes, "title").map(one_line);
    let title =
        title.or_else(|| end.map(|(at, _)| plain_text(&after[..at]))).filter(|title| !title.is_empty());
    let promise = if is_of_comments(&url, title.as_deref()) { Promise::Comments } else { Promise::Linked };
    Some((promise, FoundFeed { url, title, format_hint: None }))
}

/// Whether an address looks like that of a feed.
fn looks_like_feed(url: &Url) -> bool {
    let path = url.path().to_lowercase();
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or("");
    let named = matches!(
        last,
        "feed" | "feeds" | "rss" | "atom" | "rss2" | "rdf" | "index.xml" | "atom.xml" | "rss.xml"
    ) || [".rss", ".atom", ".rdf", "feed.xml", "feed.json", "rss.php", "atom.php"]
        .iter()
        .any(|end| last.ends_with(end))
        || last.ends_with(".xml") && (last.contains("feed") || last.contains("rss") || last.contains("atom"));
    let queried = url.query().is_some_and(|query| {
        ["feed=rss", "feed=atom", "format=rss", "format=feed", "type=rss"]
            .iter()
            .any(|mark| query.contains(mark))
    });
    let proxied =
        url.host_str().is_some_and(|host| host.starts_with("feeds.") || host.starts_with("feeds2."));
    named || queried || proxied || path.contains("/feeds/posts/default")
}

fn is_of_comments(url: &Url, title: Option<&str>) -> bool {
    const WORDS: &[&str] =
        &["comment", "kommentar", "comentario", "comentário", "reacties", "комментари", "コメント", "评论"];
    let in_address = [Some(url.path()), url.query()].into_iter().flatten();
    in_address.map(str::to_lowercase).any(|part| part.contains("comment"))
        || title.map(str::to_lowercase).is_some_and(|title| WORDS.iter().any(|word| title.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints() -> Hints {
        Hints { url: Url::parse("https://example.org/blog/").ok(), media_type: None }
    }

    #[test]
    fn declared_feeds_come_first_and_comments_last() {
        let page = br#"<html><head>
            <link rel="alternate" type="application/rss+xml" title="X &raquo; Comments Feed" href="/comments/feed/">
            <LINK REL='alternate' TYPE='application/atom+xml' HREF='atom.xml'>
            <link rel=alternate type="application/rss+xml; charset=utf-8" href=https://example.org/rss title="X &amp; Y">
            <link rel="alternate" type="text/html" hreflang="de" href="/de/">
            <link rel="stylesheet" href="/feed.css">
            <!-- <link rel="alternate" type="application/rss+xml" href="/old.rss"> -->
            </head><body><a href="/about">About</a> <a href="../feed.xml"><b>RSS</b></a>
            <script>var a = '<a href="/x.rss">';</script></body>"#;
        let found = discover(page, &hints());
        let urls: Vec<&str> = found.iter().map(|feed| feed.url.path()).collect();
        assert_eq!(urls, ["/blog/atom.xml", "/rss", "/feed.xml", "/comments/feed/"]);
        assert_eq!(found[0].format_hint, Some(FeedFormat::Atom));
        assert_eq!(found[1].title.as_deref(), Some("X & Y"));
        assert_eq!(found[2].title.as_deref(), Some("RSS"));
    }

    #[test]
    fn feeds_of_comments_tags_authors_and_formats_are_dropped() {
        let feed = |url: &str, title: &str| FoundFeed {
            url: Url::parse("https://blog.example/").unwrap().join(url).unwrap(),
            title: Some(title.to_owned()).filter(|title| !title.is_empty()),
            format_hint: None,
        };
        let chosen = |page: &str, feeds: &[(&str, &str)]| -> Vec<String> {
            let found = feeds.iter().map(|(url, title)| feed(url, title)).collect();
            let page = Url::parse("https://blog.example/").unwrap().join(page).unwrap();
            of_posts(found, &page).0.iter().map(|feed| feed.url.path().to_owned()).collect()
        };
        let wordpress = [("/feed/", "Acme » Feed"), ("/comments/feed/", "Acme » Comments Feed")];
        assert_eq!(chosen("/", &wordpress), ["/feed/"]);
        let tagged =
            [("/feed/", "Acme » Feed"), ("/category/databases/feed/", "Acme » Databases Category Feed")];
        assert_eq!(chosen("/", &tagged), ["/feed/"]);
        assert_eq!(chosen("/category/databases/", &tagged).len(), 2, "somebody follows a category");
        let formats = [
            ("/feed.xml", "Acme (RSS)"),
            ("/atom.xml", "Acme Atom feed"),
            ("/feed.json", "Acme - JSON Feed 1.1"),
        ];
        assert_eq!(chosen("/", &formats), ["/feed.xml"]);
        assert_eq!(chosen("/", &[("/rss.xml", ""), ("/atom.xml", "")]), ["/rss.xml"]);
        assert_eq!(chosen("/", &[("/rss.xml", "RSS"), ("/author/ann/feed", "Ann")]), ["/rss.xml"]);
        assert_eq!(
            chosen("/", &[("/feeds/posts/default", "Posts"), ("/feeds/posts/default/-/Go", "Go")]),
            ["/feeds/posts/default"]
        );
        let plain = [("/?feed=rss2", "Acme"), ("/?feed=comments-rss2", "Acme"), ("/?cat=3&feed=rss2", "Go")];
        assert_eq!(chosen("/", &plain), ["/"]);
        let drupal = [("/rss.xml", "Acme"), ("/taxonomy/term/4/feed", "Go"), ("/users/ann/feed", "Ann")];
        assert_eq!(chosen("/", &drupal), ["/rss.xml"]);
        let portuguese = [("/feed", "Acme"), ("/respostas", "Feed de comentários")];
        assert_eq!(chosen("/", &portuguese), ["/feed"]);
        let two = [("/engineering/feed", "Engineering"), ("/news/feed", "News")];
        assert_eq!(chosen("/", &two).len(), 2, "these are two blogs");
        assert_eq!(
            chosen("/", &[("/comments/feed", "Comments")]),
            ["/comments/feed"],
            "there is nothing else"
        );
    }

    #[test]
    fn base_element_counts_and_feeds_are_unique() {
        let page = b"<base href='https://cdn.example.net/site/'><link rel='alternate' type='application/rss+xml' href='a.rss'>\
            <a href='a.rss#top'>again</a>";
        let found = discover(page, &hints());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].url.as_str(), "https://cdn.example.net/site/a.rss");
    }

    #[test]
    fn guesses_are_next_to_the_page_then_at_the_root() {
        let guesses = guesses(&Url::parse("https://example.org/engineering?x=1").unwrap());
        assert_eq!(guesses[0].as_str(), "https://example.org/engineering/feed");
        assert!(guesses.iter().any(|url| url.as_str() == "https://example.org/rss.xml"));
        let unique: HashSet<_> = guesses.iter().collect();
        assert_eq!(unique.len(), guesses.len());
    }
}

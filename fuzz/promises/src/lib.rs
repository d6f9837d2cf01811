//! Properties of all parsers of network data, for any bytes.
//!
//! Each function parses bytes as one kind of document and panics if a property is violated. The
//! first property is that the parser does not panic. The fuzz targets next to this crate call only
//! these functions. The tests of this crate call them with random documents and with everything
//! that the fuzzer has found.
//!
//! This crate does not know the internals of the parsers.

use backissue_crawl::robots::Robots;
use backissue_crawl::{Shapes, discover, listing, sitemap, wordpress};
use backissue_extract::{LARGEST_PAGE, Page, extract, from_entry};
use backissue_feed::{Document, Hints, MAX_ENTRIES, opml};
use backissue_model::{Article, CanonicalUrl, Feed, dates};
use url::Url;

/// A kind of document by name, with its properties.
pub type Target = (&'static str, fn(&[u8]));

/// All kinds of documents.
pub const TARGETS: [Target; 6] = [
    ("feed", feed),
    ("page", page),
    ("robots", robots),
    ("sitemap", sitemap),
    ("opml", opml),
    ("date", date),
];

fn at(address: &str) -> Url {
    match Url::parse(address) {
        Ok(url) => url,
        Err(error) => panic!("{address}: {error}"),
    }
}

fn hints() -> Hints {
    Hints { url: Some(at("https://example.org/a/feed")), media_type: None }
}

/// Bytes as a feed, as a further document of a feed, and as a WordPress list of posts.
pub fn feed(bytes: &[u8]) {
    let hints = hints();
    let document = Document::open(bytes, &hints);
    if let Ok(feed) = document.as_ref().map_err(Clone::clone).and_then(Document::feed) {
        kept(&feed);
        for entry in feed.entries.iter().take(20) {
            if let Ok(article) = from_entry(entry, feed.site_url.as_ref()) {
                clean(&article);
            }
        }
    }
    let shift_jis = Hints { url: None, media_type: Some("text/xml; charset=shift_jis".to_owned()) };
    if let Ok(feed) = backissue_feed::parse(bytes, &shift_jis) {
        kept(&feed);
    }
    let _ = wordpress::posts(bytes);
    let Ok(document) = document else { return };
    let _ = document.paging();
    let polling_hints = document.polling_hints();
    assert!(polling_hints.pause.is_none_or(|pause| pause.is_positive()), "a pause that is none");
    assert!(polling_hints.skip_hours.len() < 24 && polling_hints.skip_days.len() < 7, "never to be asked");
}

fn kept(feed: &Feed) {
    assert!(feed.entries.len() <= MAX_ENTRIES, "{} entries", feed.entries.len());
    for entry in &feed.entries {
        assert_ne!(entry.title.as_deref(), Some(""), "an empty title is none");
        let texts = [&entry.title, &entry.author, &entry.summary, &entry.content];
        assert!(!texts.into_iter().flatten().any(|text| text.contains('\0')), "no database takes a NUL");
        entry.url.iter().chain(&entry.original_url).for_each(canonical);
    }
}

/// A canonical address does not change when it is canonicalised again, and neither does its key.
fn canonical(url: &Url) {
    let Ok(once) = CanonicalUrl::of(url) else { return };
    let twice = CanonicalUrl::of(once.as_url());
    assert_eq!(twice.as_ref().map(CanonicalUrl::as_str), Ok(once.as_str()), "{url}");
    assert_eq!(twice.map(|url| url.key()), Ok(once.key()), "{url}");
}

/// Bytes as a page: its article, its feeds, and its list of articles.
pub fn page(bytes: &[u8]) {
    let url = at("https://example.org/2024/05/a-page");
    for media_type in [None, Some("text/html; charset=windows-1252")] {
        if let Ok(article) = extract(&Page { bytes, media_type, url: Some(&url) }, None) {
            clean(&article);
        }
    }
    let _ = discover(bytes, &hints());
    judge_all(listing::read(bytes, &hints()).links.iter().map(|link| &link.url));
}

/// The stored HTML of an article is harmless, and extracting it again loses no words.
fn clean(article: &Article) {
    assert!(!article.text.contains('\0') && !article.html.contains('\0'), "no database takes a NUL");
    let html = article.html.to_ascii_lowercase();
    for active in [
        "<script", "<style", "<iframe", "<object", "<embed", "<form", "<base", "<meta", "<link", "<svg",
        "<math",
    ] {
        assert!(!html.contains(active), "{active} in {}", article.html);
    }
    assert!(article.html.len() <= 8 * LARGEST_PAGE, "{} bytes", article.html.len());
}

/// Bytes as robots.txt. It never refuses itself (RFC 9309, 2.2.2).
pub fn robots(bytes: &[u8]) {
    let robots = Robots::parse(bytes, "Backissue");
    assert_eq!(robots.refuses(&at("https://example.org/robots.txt")), None);
    let _ = robots.refuses(&at("https://example.org/a/%2a?b=$*"));
    let _ = robots.refuses(&at(
        "https://example.org/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    ));
}

/// Bytes as a sitemap.
pub fn sitemap(bytes: &[u8]) {
    if let Ok(found) = sitemap::parse(bytes, &hints()) {
        judge_all(found.pages.iter().map(|page| &page.url));
    }
}

/// Learns from half of the addresses and judges all of them. The examples are articles.
fn judge_all<'a>(urls: impl Iterator<Item = &'a Url>) {
    let urls: Vec<_> = urls.collect();
    let (examples, _) = urls.split_at(urls.len() / 2);
    let shapes = Shapes::learn(examples.iter().copied());
    for (at, url) in urls.iter().enumerate() {
        let verdict = shapes.judge(url);
        assert!(at >= examples.len() || verdict.is_article() || at >= 2_000, "{url}: {}", verdict.why());
        let _ = dates::UrlDate::guess(url, None);
        canonical(url);
    }
}

/// Bytes as a list of feeds. A written list can be parsed and has the same feeds; groups stay
/// together.
pub fn opml(bytes: &[u8]) {
    let Ok(list) = opml::read(bytes) else { return };
    if list.outlines.is_empty() {
        return;
    }
    let sorted = |mut outlines: Vec<opml::Outline>| {
        outlines.sort_by(|one, other| one.feed_url.cmp(&other.feed_url));
        outlines
    };
    let again = opml::parse(opml::write(&list.outlines).as_bytes());
    assert_eq!(again.map(sorted), Ok(sorted(list.outlines)));
}

/// Bytes as a date, in a feed, on a page and in an address. What is a date can be written, and is
/// read as the same moment.
pub fn date(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(moment) = dates::parse(text) {
        assert_eq!(dates::parse(&moment.to_string()), Some(moment), "{text}");
    }
    if let Some(moment) = dates::on_page(text) {
        assert_eq!(dates::on_page(&moment.to_string()), Some(moment), "{text}");
    }
    if let Ok(url) = Url::parse("https://a.example/").and_then(|base| base.join(text)) {
        let _ = dates::in_address(&url);
    }
}

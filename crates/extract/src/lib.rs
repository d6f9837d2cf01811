//! Page to clean article.
//!
//! A page comes as its server sent it: bytes in some encoding, an article somewhere in a frame of navigation, related
//! posts, cookie notices and scripts. [`extract`] gives the article alone, as sanitised HTML and as text, with what the page
//! says of it: title, author, date, address, language.
//!
//! ```
//! use backissue_extract::{Page, extract};
//!
//! let bytes = format!(
//!     "<title>Queues | A Blog</title><nav><a href=/>Home</a></nav><article><h1>Queues</h1><p>{}</p></article>",
//!     "The queue was full, and every worker waited for the one that held the lock. ".repeat(5),
//! );
//! let url = "https://example.com/queues".parse()?;
//! let article = extract(&Page { bytes: bytes.as_bytes(), media_type: None, url: Some(&url) }, None)?;
//! assert_eq!(article.title.as_deref(), Some("Queues"));
//! assert!(article.text.starts_with("The queue was full"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The steps, a module each: `decode` the bytes, make the source `lean`, parse it into a `tree`, `locate` what may be the
//! article, `measure` and `clean` that, `render` it as HTML and text, and let the HTML pass the gate of `sanitise`.
//!
//! This crate must not do input or output of any kind nor read the clock. It never panics, whatever the bytes; time and
//! memory are bounded by the page's size, which is bounded by [`LARGEST_PAGE`].

mod boilerplate;
mod clean;
mod coverage;
mod datelines;
mod decode;
mod linked_data;
mod locate;
mod measure;
mod metadata;
mod notices;
mod open_elements;
mod prefilter;
mod render;
mod sanitise;
mod sends_on;
mod titles;
mod tree;
mod words;

use backissue_model::{Article, Blocks, Entry, minutes_to_read};
use dom_query::Document;
use url::Url;

pub use crate::sends_on::sends_on;

use crate::metadata::Metadata;
use crate::render::Body;
use crate::tree::{AttrName, Tag, Tree};

/// Most bytes a page may have.
pub const LARGEST_PAGE: usize = 8 << 20;

/// A page as its server sent it.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The body of the answer, decompressed.
    pub bytes: &'a [u8],
    /// The Content-Type header, where there was one.
    pub media_type: Option<&'a str>,
    /// The address the page was had from, after redirects. Relative links resolve against it.
    pub url: Option<&'a Url>,
}

/// Why a page or an entry gives no article.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// The server says it is something else, or the bytes are.
    #[error("this is not an HTML page but {0}; only HTML pages can be articles")]
    NotHtml(String),
    /// More bytes than [`LARGEST_PAGE`].
    #[error("the page has {0} bytes; pages of more than {LARGEST_PAGE} bytes are not read")]
    TooLarge(usize),
    /// A page without words, or nothing on it that reads like an article, and none in the feed.
    #[error(
        "no article was found on the page; it may be empty, need scripts to show itself, or be a list of links"
    )]
    NoArticle,
    /// The feed carries neither content nor summary with words in it.
    #[error("the feed does not carry the article's text")]
    NoContent,
}

/// The article on `page`; `entry` is what the feed says of it.
///
/// Where the feed carries a body that is much fuller than what the page shows (a page behind a wall, or one that scripts
/// fill), the feed's is taken. What the page does not say of its article is taken from the entry.
///
/// # Errors
/// [`ExtractError::TooLarge`], [`ExtractError::NotHtml`], and [`ExtractError::NoArticle`] where neither page nor entry has
/// one.
pub fn extract(page: &Page<'_>, entry: Option<&Entry>) -> Result<Article, ExtractError> {
    if page.bytes.len() > LARGEST_PAGE {
        return Err(ExtractError::TooLarge(page.bytes.len()));
    }
    refuse_other_kinds(page)?;
    let source = prefilter::prefilter(&decode::decode(page.bytes, page.media_type));
    let document = Document::from(source.html.as_str());
    let (mut tree, places) = Tree::of(&document);
    notices::mark(&mut tree);
    let tree = tree;
    let mut grabbed = Some(document)
        .filter(|_| !tree.cut)
        .and_then(|document| locate::grabbed(document, &source.html, &tree, &places))
        .unwrap_or_else(|| vec![false; tree.nodes.len()]);
    let mut measures = measure::measure(&tree, &grabbed);
    if coverage::widen(&tree, &measures, &mut grabbed) {
        measures = measure::measure(&tree, &grabbed);
    }
    let mut metadata = Metadata::of(&tree, &measures, &source.json_ld, page.url);
    if let Some(entry) = entry {
        metadata = metadata.or_entry(entry);
    }
    let base = base_of(&tree, page.url, metadata.canonical_url.as_ref());
    let title = metadata.title.as_deref();
    let mut shown = body_of(&tree, &measures, title, base.as_ref());
    if words::count(&shown.text) < LIKELY
        && let Some(marks) = locate::named_body(&tree)
    {
        let named = body_of(&tree, &measure::measure(&tree, &marks), title, base.as_ref());
        if !named.text.is_empty() {
            shown = named;
        }
    }
    let body = match entry.and_then(|e| fuller(&shown, e, base.as_ref())) {
        Some(carried) => carried,
        None => shown,
    };
    article(metadata, body).ok_or(ExtractError::NoArticle)
}

/// The article as the feed carries it, for when its page cannot be had. `base` is what relative links resolve against: the
/// article's address, or the feed's.
///
/// # Errors
/// [`ExtractError::NoContent`] where neither content nor summary has words.
pub fn from_entry(entry: &Entry, base: Option<&Url>) -> Result<Article, ExtractError> {
    let metadata = Metadata::default().or_entry(entry);
    let body = [entry.content.as_deref(), entry.summary.as_deref()]
        .into_iter()
        .flatten()
        .map(|html| carried(html, entry.url.as_ref().or(base), metadata.title.as_deref()))
        .find(|body| has_words(&body.text))
        .ok_or(ExtractError::NoContent)?;
    article(metadata, body).ok_or(ExtractError::NoContent)
}

/// The text of a piece of HTML, such as a feed's summary, by the rule of an article's text (see the module `render`).
pub fn plain_text(html: &str) -> String {
    whole(html).text
}

/// The blocks of an article that was stored without them, from its HTML. They are the blocks of [`Article::text`].
pub fn blocks(html: &str) -> Blocks {
    whole(html).blocks
}

/// A piece of HTML without what is hidden.
fn whole(html: &str) -> Body {
    let source = prefilter::prefilter(within(html, LARGEST_PAGE));
    let (tree, _) = Tree::of(&Document::from(source.html.as_str()));
    let hidden: Vec<bool> = (0..tree.nodes.len()).map(|at| measure::is_hidden(&tree, at)).collect();
    render::render(&tree, 0, &hidden, None)
}

/// Words under which what the grab took is doubted.
const LIKELY: u32 = 50;

/// What of a measured page is the article.
fn body_of(tree: &Tree, measures: &[measure::Measure], title: Option<&str>, base: Option<&Url>) -> Body {
    clean::article_part(tree, measures, title)
        .map(|part| render::render(tree, part.root, &part.dropped, base))
        .unwrap_or_default()
}

/// Words of a body under which a page is taken to show no more than a beginning.
const SCANT: u32 = 250;

/// The entry's body, where it is so much fuller than what the page shows that the page cannot be showing it all. Many feeds
/// carry the body in what others keep for a summary.
fn fuller(shown: &Body, entry: &Entry, base: Option<&Url>) -> Option<Body> {
    let (content, summary) = (entry.content.as_deref(), entry.summary.as_deref());
    let html = [content, summary].into_iter().flatten().max_by_key(|html| html.len())?;
    let shown = words::count(&shown.text);
    // Even all markup taken for words, it would not be fuller.
    if html.len() < shown as usize * 2 {
        return None;
    }
    let body = carried(html, entry.url.as_ref().or(base), entry.title.as_deref());
    let carried = words::count(&body.text);
    let fuller = if shown < SCANT { carried * 10 > shown * 13 } else { carried * 10 > shown * 18 };
    (fuller && carried >= 20).then_some(body)
}

/// The body that a feed carries: all of it but what is plainly no text of it.
fn carried(html: &str, base: Option<&Url>, title: Option<&str>) -> Body {
    let source = prefilter::prefilter(within(html, LARGEST_PAGE));
    let (tree, _) = Tree::of(&Document::from(source.html.as_str()));
    let all = vec![true; tree.nodes.len()];
    let measures = measure::measure(&tree, &all);
    body_of(&tree, &measures, title, base)
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

fn article(metadata: Metadata, body: Body) -> Option<Article> {
    if !has_words(&body.text) {
        return None;
    }
    let Metadata { canonical_url, title, author, published, site_name, description, language } = metadata;
    let words = words::count(&body.text);
    let article = Article {
        canonical_url,
        title,
        author,
        published,
        site_name,
        description,
        language: language.or_else(|| metadata::recognised_language(&body.text)),
        html: sanitise::sanitise(&body.html),
        words,
        minutes: minutes_to_read(words),
        fingerprint: words::fingerprint(&body.text),
        text: body.text,
        blocks: body.blocks,
    };
    Some(article.bounded())
}

/// Longest `<base href>` that is heeded, in bytes.
const LONGEST_BASE: usize = 2048;

/// What relative addresses on a page resolve against.
fn base_of(tree: &Tree, url: Option<&Url>, canonical: Option<&Url>) -> Option<Url> {
    let told =
        tree.nodes.iter().take(400).filter(|n| n.tag == Tag::Base).find_map(|n| n.attr(AttrName::Href));
    let page = url.or(canonical);
    // A long base would be copied into every address of the page.
    told.filter(|href| href.len() <= LONGEST_BASE)
        .and_then(|href| render::absolute(href, page, &["http", "https"]))
        .or_else(|| page.cloned())
}

fn refuse_other_kinds(page: &Page<'_>) -> Result<(), ExtractError> {
    let essence = page.media_type.and_then(|m| m.split(';').next()).map(|m| m.trim().to_ascii_lowercase());
    if let Some(essence) = essence.filter(|e| !e.is_empty()) {
        let may_be = essence.contains("html")
            || matches!(
                essence.as_str(),
                "text/plain" | "application/octet-stream" | "text/xml" | "application/xml"
            );
        if !may_be {
            return Err(ExtractError::NotHtml(essence));
        }
    }
    const SIGNS: &[(&[u8], &str)] = &[
        (b"%PDF-", "a PDF document"),
        (b"\x89PNG", "an image"),
        (b"GIF8", "an image"),
        (b"\xFF\xD8\xFF", "an image"),
        (b"PK\x03\x04", "an archive"),
        (b"\x1f\x8b", "a compressed file"),
    ];
    match SIGNS.iter().find(|(sign, _)| page.bytes.starts_with(sign)) {
        Some((_, what)) => Err(ExtractError::NotHtml((*what).to_owned())),
        None => Ok(()),
    }
}

/// The start of `text`, at most `limit` bytes, cut between characters.
fn within(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

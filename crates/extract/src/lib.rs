//! Extracts the article from a page.
//!
//! A page is what its server sent: bytes in some encoding, with the article between navigation,
//! related posts, cookie notices and scripts. [`extract`] returns the article as sanitised HTML and
//! as text, with the page's metadata: title, author, date, address, language.
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
//! Each step has a module: `decode` the bytes, `prefilter` the source, parse it into a `tree`,
//! `locate` the candidate, `measure` and `clean` it, `render` it as HTML and text, and `sanitise`
//! the HTML.
//!
//! This crate does no input or output and reads no clock. It never panics. Time and memory are
//! bounded by the page's size, which [`LARGEST_PAGE`] limits.

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
mod whole;
mod words;

use backissue_model::{Article, Entry, minutes_to_read};
use dom_query::Document;
use url::Url;

pub use crate::decode::LARGEST_PAGE;
pub use crate::sends_on::sends_on;
pub use crate::whole::{blocks, plain_text};

use crate::clean::Known;
use crate::metadata::Metadata;
use crate::render::Body;
use crate::tree::{AttrName, Tag, Tree};

/// A page as its server sent it.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The response's body, decompressed.
    pub bytes: &'a [u8],
    /// The Content-Type header of the response.
    pub media_type: Option<&'a str>,
    /// The page's address after redirects. Relative links are resolved against it.
    pub url: Option<&'a Url>,
}

/// Why a page or an entry of a feed has no article.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// The document is not HTML, by its Content-Type or its bytes. Holds what it is.
    #[error("this is not an HTML page but {0}; only HTML pages can be articles")]
    NotHtml(String),
    /// The page has this many bytes, more than [`LARGEST_PAGE`].
    #[error("the page has {0} bytes; pages of more than {LARGEST_PAGE} bytes are not read")]
    TooLarge(usize),
    /// Neither the page nor the feed has text that reads like an article.
    #[error(
        "no article was found on the page; it may be empty, need scripts to show itself, or be a list of links"
    )]
    NoArticle,
    /// The feed has neither content nor summary with words.
    #[error("the feed does not carry the article's text")]
    NoContent,
}

/// Extracts the article of `page`. `entry` is the feed's entry for it.
///
/// If the feed's body is much longer than the page's (because of a paywall, or scripts that fill
/// the page), the feed's body is used. Metadata that the page lacks comes from the entry.
///
/// # Errors
/// [`ExtractError::TooLarge`], [`ExtractError::NotHtml`], and [`ExtractError::NoArticle`] if
/// neither page nor entry has one.
pub fn extract(page: &Page<'_>, entry: Option<&Entry>) -> Result<Article, ExtractError> {
    if page.bytes.len() > LARGEST_PAGE {
        return Err(ExtractError::TooLarge(page.bytes.len()));
    }
    refuse_other_kinds(page)?;
    let source = prefilter::prefilter(&decode::decode(page.bytes, page.media_type));
    let document = Document::from(source.html.as_str());
    let (mut tree, places) = Tree::of(&document);
    notices::mark(&mut tree);
    let mut grabbed = Some(document)
        .filter(|_| !tree.cut)
        .and_then(|document| locate::grabbed(document, &source.html, &tree, &places))
        .unwrap_or_else(|| vec![false; tree.nodes.len()]);
    let mut measures = measure::measure(&tree, &grabbed);
    tree.own_names = boilerplate::own_names(&tree, &measures);
    if coverage::widen(&tree, &measures, &mut grabbed) {
        measures = measure::measure(&tree, &grabbed);
    }
    let mut metadata = Metadata::of(&tree, &measures, &source.json_ld, page.url);
    if let Some(entry) = entry {
        metadata = metadata.or_entry(entry);
    }
    let base = base_of(&tree, page.url, metadata.canonical_url.as_ref());
    let known = Known { title: metadata.title.as_deref(), author: metadata.author.as_deref() };
    let mut shown = body_of(&tree, &measures, known, base.as_ref());
    if words::count(&shown.text) < LIKELY
        && let Some(marks) = locate::named_body(&tree)
    {
        let named = body_of(&tree, &measure::measure(&tree, &marks), known, base.as_ref());
        if !named.text.is_empty() {
            shown = named;
        }
    }
    if notices::is_only_a_notice(&shown.text) {
        shown = Body::default();
    }
    let body = match entry.and_then(|e| fuller(&shown, e, base.as_ref())) {
        Some(carried) => carried,
        None => shown,
    };
    article(metadata, body).ok_or(ExtractError::NoArticle)
}

/// The article in the feed, for a page that cannot be fetched. Relative links are resolved against
/// `base`, which is the article's address, or else the feed's.
///
/// # Errors
/// [`ExtractError::NoContent`] if neither content nor summary has words.
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

/// Minimum words of a body that Readability probably found completely.
const LIKELY: u32 = 50;

/// Decides what of a measured page is the article, and renders it.
fn body_of(tree: &Tree, measures: &[measure::Measure], known: Known<'_>, base: Option<&Url>) -> Body {
    clean::article_part(tree, measures, known)
        .map(|part| render::render(tree, part.root, &part.dropped, base))
        .unwrap_or_default()
}

/// A page with fewer words than this may show only the beginning of its article.
const SCANT: u32 = 250;

/// The entry's body, if it is so much longer than the page's that the page cannot be complete. Many
/// feeds have the body in the summary field.
fn fuller(shown: &Body, entry: &Entry, base: Option<&Url>) -> Option<Body> {
    let (content, summary) = (entry.content.as_deref(), entry.summary.as_deref());
    let html = [content, summary].into_iter().flatten().max_by_key(|html| html.len())?;
    let shown = words::count(&shown.text);
    // Not longer even if all its markup were words.
    if html.len() < shown as usize * 2 {
        return None;
    }
    let body = carried(html, entry.url.as_ref().or(base), entry.title.as_deref());
    let carried = words::count(&body.text);
    let fuller = if shown < SCANT { carried * 10 > shown * 13 } else { carried * 10 > shown * 18 };
    (fuller && carried >= 20).then_some(body)
}

/// Renders the body in a feed, without boilerplate.
fn carried(html: &str, base: Option<&Url>, title: Option<&str>) -> Body {
    let source = prefilter::prefilter(&html[..html.floor_char_boundary(LARGEST_PAGE)]);
    let (tree, _) = Tree::of(&Document::from(source.html.as_str()));
    let all = vec![true; tree.nodes.len()];
    let measures = measure::measure(&tree, &all);
    body_of(&tree, &measures, Known { title, author: None }, base)
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

/// Maximum bytes of a `<base href>`.
const LONGEST_BASE: usize = 2048;

/// The address against which relative addresses of a page are resolved.
fn base_of(tree: &Tree, url: Option<&Url>, canonical: Option<&Url>) -> Option<Url> {
    let told =
        tree.nodes.iter().take(400).filter(|n| n.tag == Tag::Base).find_map(|n| n.attr(AttrName::Href));
    let page = url.or(canonical);
    // Each address of the page would get a copy of a long base.
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

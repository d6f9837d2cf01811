//! Bytes to entries: feeds, feed discovery, OPML; and what leads to a blog's past: sitemaps, listing pages, feeds in several
//! documents, and which addresses are articles. And robots.txt, which says what may be asked for.
//!
//! ```
//! use backissue_feed::{Hints, parse};
//!
//! let bytes = br#"<rss version="2.0"><channel><title>Notes</title>
//!     <item><title>On caches</title><link>https://example.org/caches</link></item></channel></rss>"#;
//! let feed = parse(bytes, &Hints::default())?;
//! assert_eq!(feed.entries[0].url.as_ref().map(|url| url.as_str()), Some("https://example.org/caches"));
//! # Ok::<(), backissue_feed::FeedError>(())
//! ```
//!
//! [`parse`] reads RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0, CDF and JSON Feed, and does not give up on documents that are
//! not well formed: the bytes are decoded, read as strict XML first and, where that fails, as the
//! tag soup it is. What an element means is decided in one place, whichever of the two read it. Where the formats leave
//! room, the reading is that of Python's `feedparser`, which a generation of feed readers has made the reference.
//!
//! This crate does no input or output, reads no clock and cleans no HTML: `summary` and `content` are as hostile as they
//! came. It never panics and takes time in proportion to the bytes it is given, whatever they are.

mod addresses;
pub mod archives;
mod assembly;
mod code_pages;
mod decoding;
mod discovery;
mod elements;
mod feed_error;
mod json;
mod json_feed;
mod lenient_markup;
pub mod listing;
mod markup_text;
mod namespaces;
pub mod opml;
mod polling_hints;
mod prolog;
mod record;
pub mod robots;
pub mod sitemap;
mod strict_xml;
mod tags;
mod url_shape;

use backissue_model::{Feed, dates};
use url::Url;

pub use discovery::{FoundFeed, discover, guesses, of_posts};
pub use feed_error::FeedError;
pub use polling_hints::polling_hints;
pub use url_shape::{Shapes, UrlShape, Verdict, Why};

/// The most entries that are kept of one feed; further ones are dropped.
pub const MAX_ENTRIES: usize = 10_000;

/// The largest document that is read, in bytes: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// What is known of a document beside its bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// Where it was fetched from; relative links are resolved against it.
    pub url: Option<Url>,
    /// The `Content-Type` it was served with, parameters included. Its `charset` counts as RFC 3023 says.
    pub media_type: Option<String>,
}

/// Reads a feed.
///
/// # Errors
/// Says why the bytes are no feed: nothing there, a web page, JSON or XML of another kind, binary data, or more than
/// [`MAX_BYTES`].
pub fn parse(bytes: &[u8], hints: &Hints) -> Result<Feed, FeedError> {
    if bytes.len() > MAX_BYTES {
        return Err(FeedError::TooLarge { bytes: bytes.len() });
    }
    let mut text = decoding::decode(bytes, hints.media_type.as_deref());
    if text.contains('\0') {
        // No database takes them, and no text means them.
        text = text.replace('\0', "").into();
    }
    let content = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if content.is_empty() {
        return Err(FeedError::Empty);
    }
    if content.starts_with(['{', '[']) {
        return json_feed::parse(content, hints.url.as_ref()).map(Feed::bounded);
    }
    let prolog = prolog::read(&text);
    let strict = strict_xml::read(&prolog, hints.url.as_ref());
    strict.unwrap_or_else(|_| lenient_markup::read(&prolog, hints.url.as_ref())).finish().map(Feed::bounded)
}

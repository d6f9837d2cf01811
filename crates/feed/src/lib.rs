//! Parsers for feeds, also for those in several documents, and for lists of feeds (OPML).
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
//! [`parse`] accepts RSS 0.9x to 2.0, RDF, Atom 0.3 and 1.0, CDF and JSON Feed, well formed or not.
//! The bytes are decoded and parsed as strict XML, and if that fails, as tag soup. The meaning of
//! elements is defined in one place for both. If the formats are ambiguous, the result is that of
//! Python's `feedparser`, which many feed readers treat as the reference.
//!
//! This crate does no input or output, reads no clock and sanitises no HTML: `summary` and
//! `content` are as hostile as the document. It never panics, and its time is linear in the number
//! of bytes.

mod addresses;
pub mod archives;
mod assembly;
mod code_pages;
mod decoding;
mod elements;
mod feed_error;
mod json;
mod json_feed;
mod lenient_markup;
pub mod markup;
mod markup_text;
mod namespaces;
pub mod opml;
mod polling_hints;
mod prolog;
mod record;
mod strict_xml;
mod tags;

use backissue_model::{Feed, dates};
use url::Url;

pub use feed_error::FeedError;
pub use polling_hints::polling_hints;

/// Maximum entries of a feed; further ones are dropped.
pub const MAX_ENTRIES: usize = 10_000;

/// Maximum bytes of a document: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// What is known about a document besides its bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// Its address. Relative links are resolved against it.
    pub url: Option<Url>,
    /// The `Content-Type` it was served with, parameters included. Its `charset` counts as RFC 3023
    /// says.
    pub media_type: Option<String>,
}

/// Parses a feed.
///
/// # Errors
/// Why the bytes are no feed: an empty document, a web page, other JSON or XML, binary data, or
/// more than [`MAX_BYTES`].
pub fn parse(bytes: &[u8], hints: &Hints) -> Result<Feed, FeedError> {
    if bytes.len() > MAX_BYTES {
        return Err(FeedError::TooLarge { bytes: bytes.len() });
    }
    let mut text = decoding::decode(bytes, hints.media_type.as_deref());
    if text.contains('\0') {
        // No database stores NUL characters, and no text needs them.
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

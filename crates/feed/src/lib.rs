//! Parsers for feeds, also for those in several documents, for lists of feeds (OPML), and for lists
//! of saved links.
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
//! [`Document`] decodes the bytes once, for the entries, the hints for polling and the address
//! where the feed continues; [`parse`] is for the entries alone. They accept RSS 0.9x to 2.0, RDF,
//! Atom 0.3 and 1.0, CDF and JSON Feed, well formed or not. The bytes are decoded and parsed as
//! strict XML, and if that fails, as tag soup. The meaning of elements is defined in one place for
//! both. If the formats are ambiguous, the result is that of Python's `feedparser`, which many feed
//! readers treat as the reference.
//!
//! This crate does no input or output, reads no clock and sanitises no HTML: `summary` and
//! `content` are as hostile as the document. It never panics, and its time is linear in the number
//! of bytes.

mod addresses;
mod assembly;
mod channel;
mod code_pages;
mod decoding;
mod document;
mod elements;
mod feed_error;
mod json;
mod json_feed;
mod known_sites;
mod lenient_markup;
pub mod markup;
mod markup_text;
mod namespaces;
pub mod opml;
mod prolog;
mod record;
pub mod saved_links;
mod strict_xml;
mod tags;

use backissue_model::dates;
use url::Url;

pub use channel::Paging;
pub use document::{Document, parse};
pub use feed_error::FeedError;
pub use known_sites::{is_feed_of_links, known_feed, linked_entries};

/// Maximum entries of a feed; further ones are dropped.
pub const MAX_ENTRIES: usize = 10_000;

/// Maximum bytes of a document: 64 MiB.
pub const MAX_BYTES: usize = 64 << 20;

/// What is known about a document besides its bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hints {
    /// The document's address. Relative links are resolved against it.
    pub url: Option<Url>,
    /// The `Content-Type` of the response, with parameters. Its `charset` is used as RFC 3023 says.
    pub media_type: Option<String>,
}

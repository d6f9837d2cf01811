//! A downloaded document that should be a feed. It is decoded once, and parsed for its entries, its
//! polling hints, and the address where it continues.

use std::borrow::Cow;
use std::cell::OnceCell;

use backissue_model::{Feed, PollingHints};
use serde_json::Value;
use url::Url;

use crate::addresses::can_be_base;
use crate::channel::{Channel, Paging};
use crate::{FeedError, Hints, MAX_BYTES, decoding, json, json_feed, lenient_markup, prolog, strict_xml};

/// A decoded document, not yet parsed.
pub struct Document<'a> {
    text: Cow<'a, str>,
    url: Option<&'a Url>,
    json: OnceCell<serde_json::Result<Value>>,
}

impl<'a> Document<'a> {
    /// Decodes a document.
    ///
    /// # Errors
    /// If the document is empty or has more than [`MAX_BYTES`].
    pub fn open(bytes: &'a [u8], hints: &'a Hints) -> Result<Self, FeedError> {
        if bytes.len() > MAX_BYTES {
            return Err(FeedError::TooLarge { bytes: bytes.len() });
        }
        let mut text = decoding::decode(bytes, hints.media_type.as_deref());
        if text.contains('\0') {
            // No database stores NUL characters, and no text needs them.
            text = text.replace('\0', "").into();
        }
        let document = Self { text, url: hints.url.as_ref(), json: OnceCell::new() };
        if document.content().is_empty() { Err(FeedError::Empty) } else { Ok(document) }
    }

    /// Parses the feed.
    ///
    /// # Errors
    /// If the document is not a feed, with the reason: it is a web page, other JSON or XML, or
    /// binary data.
    pub fn feed(&self) -> Result<Feed, FeedError> {
        if let Some(json) = self.json() {
            let value = json.as_ref().map_err(|error| FeedError::BrokenJson(error.to_string()))?;
            return json_feed::parse(value, self.content().len(), self.url).map(Feed::bounded);
        }
        let prolog = prolog::read(&self.text);
        let strict = strict_xml::read(&prolog, self.url);
        strict.unwrap_or_else(|_| lenient_markup::read(&prolog, self.url)).finish().map(Feed::bounded)
    }

    /// The feed's hints about when to poll it, and its hub.
    pub fn polling_hints(&self) -> PollingHints {
        self.channel().polling_hints
    }

    /// Where the feed continues.
    pub fn paging(&self) -> Paging {
        self.channel().paging
    }

    fn channel(&self) -> Channel {
        let base = self.url.filter(|url| can_be_base(url));
        match self.json() {
            None => Channel::of_markup(self.content(), base),
            Some(Ok(feed)) => Channel::of_json(feed, self.content().len(), base),
            Some(Err(_)) => Channel::default(),
        }
    }

    fn content(&self) -> &str {
        self.text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
    }

    /// The document as a JSON value. `None` if it does not look like JSON.
    fn json(&self) -> Option<&serde_json::Result<Value>> {
        let content = self.content();
        content.starts_with(['{', '[']).then(|| self.json.get_or_init(|| json::read(content)))
    }
}

/// Parses a feed from its bytes.
///
/// # Errors
/// If the bytes are not a feed, with the reason: they are empty, a web page, other JSON or XML,
/// binary data, or more than [`MAX_BYTES`].
pub fn parse(bytes: &[u8], hints: &Hints) -> Result<Feed, FeedError> {
    Document::open(bytes, hints)?.feed()
}

//! What is asked for and what comes back.

use std::time::Duration;

use url::Url;

use crate::links::Link;

/// What the caller expects, which sets the `Accept` header and the size limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Want {
    /// A feed: RSS, Atom, RDF or JSON Feed. At most `max_bytes_feed`.
    Feed,
    /// A page. At most `max_bytes_page`.
    Page,
    /// A picture for a browser to show. At most `max_bytes_image`.
    Image,
    /// Whatever is there (discovery, sitemaps). At most `max_bytes_any`.
    Any,
    /// The start of a text whose lines count each by itself, such as robots.txt: what comes after `max_bytes_start` is left
    /// unread, which is no error.
    Start,
}

impl Want {
    pub(crate) fn accept(self) -> &'static str {
        match self {
            Self::Feed => {
                "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, \
                 application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
            }
            Self::Page => "text/html, application/xhtml+xml, application/xml;q=0.8, */*;q=0.5",
            Self::Image => "image/avif, image/webp, image/png, image/jpeg, image/gif",
            Self::Any | Self::Start => "*/*",
        }
    }
}

/// What a server gave to recognise a version of a document by; sent back to ask only for what changed (RFC 9110,
/// section 13). Both are kept exactly as the server wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Validators {
    /// The `ETag` header, quotes and `W/` included.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
}

impl Validators {
    /// Whether there is nothing to ask with.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// A successful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The address that answered, after all redirects, without fragment or credentials.
    pub url: Url,
    /// Where the address has moved for good: the last address that was reached over 301 and 308 alone, counted from the
    /// first hop. `None` when the first answer was not a permanent redirect. It carries the credentials that were asked with
    /// where they may go there, so that it can be asked next time; [`url`](Self::url) is for showing.
    pub moved_to: Option<Url>,
    /// The status code: 304 for [`Body::NotModified`], otherwise 200 to 299.
    pub status: u16,
    /// The document, or that it has not changed.
    pub body: Body,
    /// The `Content-Type` header as sent, parameters included.
    pub media_type: Option<String>,
    /// What to ask with next time. On 304 those of the request are kept where the server does not repeat them.
    pub validators: Validators,
    /// How long the server says that the answer stays fresh (`Cache-Control: max-age` less `Age`, or `Expires`); zero when
    /// it says not to keep it.
    pub cache_max_age: Option<Duration>,
    /// The links in its head (`Link`), the first fifty.
    pub links: Vec<Link>,
    /// Bytes of the body as they came over the wire, before decompression.
    pub wire_bytes: u64,
    /// Time spent on the network, redirects included; waiting for a host's turn does not count.
    pub elapsed: Duration,
}

/// The body of a successful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The document, decompressed.
    Bytes(Vec<u8>),
    /// The document is the one that the validators stand for (304).
    NotModified,
}

impl Body {
    /// The bytes, unless the document has not changed.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::NotModified => None,
        }
    }
}

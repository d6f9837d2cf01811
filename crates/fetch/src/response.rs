//! The parameters and the result of a request.

use std::time::Duration;

use url::Url;

use crate::links::Link;

/// What kind of document the caller expects. It selects the `Accept` header and the size limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Want {
    /// A feed: RSS, Atom, RDF or JSON Feed. At most `max_bytes_feed`.
    Feed,
    /// A page. At most `max_bytes_page`.
    Page,
    /// A picture for a browser to show. At most `max_bytes_image`.
    Image,
    /// Any document (discovery, sitemaps). At most `max_bytes_any`.
    Any,
    /// The start of a text in which each line is independent, such as robots.txt. Reads at most
    /// `max_bytes_start` bytes and ignores the rest.
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

/// Values that identify a version of a document. With them, the next request asks for the document
/// only if it has changed (RFC 9110, section 13). Both are exactly as the server wrote them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Validators {
    /// The `ETag` header, quotes and `W/` included.
    pub etag: Option<String>,
    /// The `Last-Modified` header.
    pub last_modified: Option<String>,
}

impl Validators {
    /// Whether there is no validator.
    pub fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// A successful response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The final address after all redirects, without fragment or credentials.
    pub url: Url,
    /// The document's new permanent address: the address that the chain of redirects reached by 301
    /// and 308 alone, counted from the first hop. `None` if the first response was not a permanent
    /// redirect.
    ///
    /// It has the request's credentials if they may be sent there, so that it can be used for the
    /// next request. Use [`url`](Self::url) for display.
    pub moved_to: Option<Url>,
    /// The status code: 304 for [`Body::NotModified`], otherwise 200 to 299.
    pub status: u16,
    /// The document, or the information that it has not changed.
    pub body: Body,
    /// The `Content-Type` header as sent, parameters included.
    pub media_type: Option<String>,
    /// The validators for the next request. After a 304, the request's validators unless the server
    /// sent new ones.
    pub validators: Validators,
    /// How long the response may be used without asking the server again, by its headers
    /// (`Cache-Control: max-age` minus `Age`, or `Expires`). Zero if it must not be stored. `None`
    /// if the headers do not say.
    pub cache_max_age: Option<Duration>,
    /// The links in its headers (`Link`), at most fifty.
    pub links: Vec<Link>,
    /// Bytes of the body on the wire, before decompression.
    pub wire_bytes: u64,
    /// Time on the network, redirects included. Waiting for a host's turn does not count.
    pub elapsed: Duration,
}

/// The body of a successful response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// The document, decompressed.
    Bytes(Vec<u8>),
    /// The document has not changed since the version of the validators (304).
    NotModified,
}

impl Body {
    /// The bytes. Returns `None` if the document has not changed.
    pub fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::NotModified => None,
        }
    }
}

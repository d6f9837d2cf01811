//! Why a document is not a feed. The messages are for the person who entered the address.

/// Why a document is not a feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The document has no bytes, or only white space.
    #[error("the document is empty; check the address, or try again later")]
    Empty,
    /// The document has more than [`MAX_BYTES`](crate::MAX_BYTES).
    #[error("the document has {bytes} bytes, more than the {} that a feed may have", crate::MAX_BYTES)]
    TooLarge {
        /// The document's size.
        bytes: usize,
    },
    /// The document is a web page.
    #[error(
        "this is a web page, not a feed; give the address of the blog's feed, or follow the page to have its feed looked for"
    )]
    WebPage,
    /// The document starts like JSON and is malformed.
    #[error("this is JSON with a mistake in it ({0}); the publisher has to mend it")]
    BrokenJson(String),
    /// The document is JSON, but not a JSON Feed.
    #[error("this is JSON but no JSON Feed: it has neither a `version` of jsonfeed.org nor a list `items`")]
    OtherJson,
    /// The document is OPML, a list of feeds.
    #[error("this is a list of feeds (OPML), not a feed; import it instead")]
    Opml,
    /// The document is a sitemap.
    #[error("this is a sitemap, not a feed; give the address of the blog's feed")]
    Sitemap,
    /// The document is XML with a root element that feeds do not have.
    #[error("this is XML that begins with <{root}>, not a feed; feeds begin with <rss>, <feed> or <rdf:RDF>")]
    OtherXml {
        /// The root element's name, at most 40 characters.
        root: String,
    },
    /// The document is neither markup nor JSON.
    #[error("this is neither XML nor JSON, so it is no feed; check the address")]
    NoMarkup,
}

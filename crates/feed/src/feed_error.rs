//! Why bytes are no feed, for the person who gave the address.

/// Why bytes are no feed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// No bytes, or only white space.
    #[error("the document is empty; check the address, or try again later")]
    Empty,
    /// More than [`MAX_BYTES`](crate::MAX_BYTES).
    #[error("the document has {bytes} bytes, more than the {} that a feed may have", crate::MAX_BYTES)]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A web page.
    #[error(
        "this is a web page, not a feed; give the address of the blog's feed, or follow the page to have its feed looked for"
    )]
    WebPage,
    /// Malformed JSON.
    #[error("this is JSON with a mistake in it ({0}); the publisher has to mend it")]
    BrokenJson(String),
    /// JSON, but no JSON Feed.
    #[error("this is JSON but no JSON Feed: it has neither a `version` of jsonfeed.org nor a list `items`")]
    OtherJson,
    /// OPML: a list of feeds.
    #[error("this is a list of feeds (OPML), not a feed; import it instead")]
    Opml,
    /// A sitemap.
    #[error("this is a sitemap, not a feed; give the address of the blog's feed")]
    Sitemap,
    /// XML whose root element is not one of a feed.
    #[error("this is XML that begins with <{root}>, not a feed; feeds begin with <rss>, <feed> or <rdf:RDF>")]
    OtherXml {
        /// The root element's name, at most 40 characters.
        root: String,
    },
    /// Neither markup nor JSON.
    #[error("this is neither XML nor JSON, so it is no feed; check the address")]
    NoMarkup,
}

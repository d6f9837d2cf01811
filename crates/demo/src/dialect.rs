//! The formats of the blogs' feeds.

use crate::blog::Blog;

/// The format of a blog's feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RSS 2.0 with full articles.
    RssWhole,
    /// RSS 2.0 with summaries and tracking parameters in its links.
    RssBrief,
    /// Atom 1.0 with summaries and relative links.
    Atom,
    /// JSON Feed 1.1 with summaries.
    Json,
}

impl Dialect {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::RssWhole | Self::RssBrief => "application/rss+xml",
            Self::Atom => "application/atom+xml",
            Self::Json => "application/feed+json",
        }
    }
}

/// The format of a blog's feed. It is always the same for a blog, and neighbouring blogs have
/// different ones.
pub fn dialect(blog: &Blog) -> Dialect {
    match blog.slug.as_str() {
        "fernhost" | "tidewater" => Dialect::RssWhole,
        "lumenpay" => Dialect::RssBrief,
        "graphite-maps" | "orchard-health" => Dialect::Atom,
        _ => Dialect::Json,
    }
}

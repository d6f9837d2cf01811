//! What a feed says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

/// 6 August 1991, when the first page of the web was made public (CERN, "A short history of the Web"): a date before it is a
/// mistake, or what a site's generator writes where it has none, as Go's zero time, the beginning of year 1.
pub const FIRST_PAGE: Timestamp = Timestamp::constant(681_436_800, 0);

/// The format a feed is written in, as far as it tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedFormat {
    /// RSS 0.91 to 0.94 and Netscape's.
    Rss0,
    /// RSS 0.90, 1.0 and 1.1, all written in RDF.
    Rdf,
    /// RSS 2.0.
    Rss2,
    /// Atom 0.3 and 1.0.
    Atom,
    /// JSON Feed 1.0 and 1.1.
    JsonFeed,
}

/// The document a source publishes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Feed {
    /// The format it is written in.
    pub format: FeedFormat,
    /// The blog's title as plain text.
    pub title: Option<String>,
    /// The blog's front page.
    pub site_url: Option<Url>,
    /// The feed's language as a BCP 47 tag, as given.
    pub language: Option<String>,
    /// Its items in the order of the document.
    pub entries: Vec<Entry>,
}

/// One item of a feed as the feed tells it, before its page is fetched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The feed's own name for the item (`guid`, `atom:id`, JSON `id`); its link where it has none.
    pub id: Option<String>,
    /// The article's address, absolute.
    pub url: Option<Url>,
    /// The article's own address where `url` leads to it through a counter of clicks (`feedburner:origLink`,
    /// `pheedo:origLink`), absolute.
    #[serde(default)]
    pub original_url: Option<Url>,
    /// The title as plain text, markup and entities undone.
    pub title: Option<String>,
    /// The author's name.
    pub author: Option<String>,
    /// When the article was published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub updated: Option<Timestamp>,
    /// The feed's short text of it, as HTML that nobody has cleaned yet.
    pub summary: Option<String>,
    /// The article's body where the feed carries it, as HTML that nobody has cleaned yet.
    pub content: Option<String>,
    /// Categories and tags, as given.
    #[serde(default)]
    pub tags: Vec<String>,
}

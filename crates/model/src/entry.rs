//! Feeds and their entries.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

/// 6 August 1991, when the first web page became public (CERN, "A short history of the Web").
///
/// An earlier date in a feed is wrong: a mistake, or the placeholder of a site generator, such as
/// Go's zero time (year 1).
pub const FIRST_PAGE: Timestamp = Timestamp::constant(681_436_800, 0);

/// The format of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeedFormat {
    /// RSS 0.91 to 0.94, including Netscape's.
    Rss0,
    /// RSS 0.90, 1.0 and 1.1, which are RDF.
    Rdf,
    /// RSS 2.0.
    Rss2,
    /// Atom 0.3 and 1.0.
    Atom,
    /// JSON Feed 1.0 and 1.1.
    JsonFeed,
}

/// The document in which a source publishes its entries.
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
    /// Its items, in document order.
    pub entries: Vec<Entry>,
}

/// One item of a feed, as the feed describes it. Its page has not been fetched yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The feed's identifier of the item (`guid`, `atom:id`, JSON `id`), else its link.
    pub id: Option<String>,
    /// The article's address, absolute.
    pub url: Option<Url>,
    /// The article's own absolute address (`feedburner:origLink`, `pheedo:origLink`), if `url` goes
    /// through a click counter.
    #[serde(default)]
    pub original_url: Option<Url>,
    /// The title as plain text, without markup and entities.
    pub title: Option<String>,
    /// The author's name.
    pub author: Option<String>,
    /// The date of publication.
    pub published: Option<Timestamp>,
    /// The date of the last change.
    pub updated: Option<Timestamp>,
    /// The feed's summary, as unsanitised HTML.
    pub summary: Option<String>,
    /// The article's body, if the feed has it, as unsanitised HTML.
    pub content: Option<String>,
    /// Categories and tags, as given.
    #[serde(default)]
    pub tags: Vec<String>,
}

//! Blogs that the archive follows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::address::serialize_bare;
use crate::{Hub, Moved, Moving, Pace, PollingHints, Slug};

/// A source's row number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(pub i64);

/// What a person, an OPML file or the starter list says of a blog to follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSource {
    /// The blog's title; empty where not known yet, in which case the feed's own is taken at the first poll.
    pub title: String,
    /// Whose blog it is, as named in statements ("Netflix"); the title where nobody says.
    pub company: Option<String>,
    /// The blog's front page.
    pub site_url: Option<Url>,
    /// The feed that is polled; none for a blog without one, whose listing page or sitemap is polled.
    pub feed_url: Option<Url>,
    /// A sitemap that lists the blog's articles.
    pub sitemap_url: Option<Url>,
    /// A page that lists the blog's articles.
    pub listing_url: Option<Url>,
}

/// A followed blog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Source {
    /// Its row.
    pub id: SourceId,
    /// Its name in addresses, unique among sources and never changed.
    pub slug: Slug,
    /// The blog's title.
    pub title: String,
    /// Whose blog it is.
    pub company: String,
    /// The blog's front page.
    #[serde(serialize_with = "serialize_bare")]
    pub site_url: Option<Url>,
    /// The feed that is polled.
    #[serde(serialize_with = "serialize_bare")]
    pub feed_url: Option<Url>,
    /// A sitemap that lists the blog's articles.
    #[serde(serialize_with = "serialize_bare")]
    pub sitemap_url: Option<Url>,
    /// A page that lists the blog's articles.
    #[serde(serialize_with = "serialize_bare")]
    pub listing_url: Option<Url>,
    /// The group a person put it in.
    pub group: Option<String>,
    /// When it was first followed.
    pub followed_at: Timestamp,
    /// When it was unfollowed, if it was and reads of it stayed.
    pub unfollowed_at: Option<Timestamp>,
    /// How many of its reads the archive shows.
    pub reads: u64,
    /// The publication date of its newest read shown.
    pub newest: Option<Timestamp>,
    /// How its polls have gone.
    pub health: Health,
}

/// How the polls of a source have gone.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Health {
    /// Whether it is polled at all.
    pub standing: Standing,
    /// When it was last asked, whatever came of it.
    pub last_poll: Option<Timestamp>,
    /// When it last answered well.
    pub last_success: Option<Timestamp>,
    /// When it will be asked next; none where it will not.
    pub next_poll: Option<Timestamp>,
    /// What went wrong at the last poll, in plain words; none after a good one.
    pub last_error: Option<String>,
    /// Polls that failed since the last good one.
    pub failures: u32,
    /// When the first of these failed; none after a good one.
    pub failing_since: Option<Timestamp>,
    /// Reads that were new at the last good answer; none where it said that nothing had changed.
    pub last_new: Option<u64>,
    /// Why it is asked next when it is; none where nothing is planned.
    pub pace: Option<Pace>,
    /// How often its feed allows requests. The JSON key keeps its first name.
    #[serde(rename = "wishes")]
    pub polling_hints: PollingHints,
    /// The address that its feed may be moving to.
    pub moving: Option<Moving>,
    /// From where its feed moved last.
    pub moved: Option<Moved>,
    /// The hub that its feed names.
    pub hub: Option<Hub>,
    /// `ETag` of the last feed, sent back in `If-None-Match`.
    pub etag: Option<String>,
    /// `Last-Modified` of the last feed, sent back in `If-Modified-Since`.
    pub last_modified: Option<String>,
}

/// Whether a source is polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Polled on its schedule.
    #[default]
    Active,
    /// Its publisher said 410 Gone: kept, but asked no more.
    Retired,
    /// It has neither a feed nor a listing page or a sitemap.
    Waiting,
    /// A person paused it: kept, but not polled until it is resumed.
    Paused,
}

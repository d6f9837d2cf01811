//! Blogs that the archive follows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::address::serialize_bare;
use crate::{Days, Hub, Limit, Moved, Moving, Pace, PollingHints, Slug};

/// A source's row number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SourceId(pub i64);

/// A blog to follow, as a person, an OPML file or the starter list describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewSource {
    /// The blog's title. If it is empty, the first poll takes the feed's own title.
    pub title: String,
    /// The company behind the blog, as statements name it ("Netflix"). If `None`, it is derived
    /// from the title.
    pub company: Option<String>,
    /// The blog's front page.
    pub site_url: Option<Url>,
    /// The feed to poll. `None` for a blog without a feed, whose listing page or sitemap is polled.
    pub feed_url: Option<Url>,
    /// A sitemap that lists the blog's articles.
    pub sitemap_url: Option<Url>,
    /// A page that lists the blog's articles.
    pub listing_url: Option<Url>,
}

/// A followed blog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Source {
    /// The source's row number.
    pub id: SourceId,
    /// Its identifier in addresses, unique among sources and never changed.
    pub slug: Slug,
    /// The blog's title.
    pub title: String,
    /// The company behind the blog.
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
    /// How long the HTML of an article is kept after its publication.
    pub keep_articles: Limit<Days>,
    /// The maximum bytes of HTML of its articles.
    pub keep_articles_size: Limit<u64>,
    /// When it was first followed.
    pub followed_at: Timestamp,
    /// When it was unfollowed. `None` if it is followed. The row stays as long as it has reads.
    pub unfollowed_at: Option<Timestamp>,
    /// Number of its reads that the archive shows.
    pub reads: u64,
    /// The publication date of its newest shown read.
    pub newest: Option<Timestamp>,
    /// The state of its polls.
    pub health: Health,
}

impl Source {
    /// Whether the source has any address. Only the source of saved pages has none.
    pub fn has_address(&self) -> bool {
        [&self.feed_url, &self.listing_url, &self.sitemap_url, &self.site_url].iter().any(|url| url.is_some())
    }
}

/// The state of a source's polls.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Health {
    /// Whether it is polled.
    pub standing: Standing,
    /// The last poll, with or without success.
    pub last_poll: Option<Timestamp>,
    /// The last successful poll.
    pub last_success: Option<Timestamp>,
    /// The next poll. `None` if none is planned.
    pub next_poll: Option<Timestamp>,
    /// The error of the last poll, in plain words. `None` if it succeeded.
    pub last_error: Option<String>,
    /// Failed polls since the last success.
    pub failures: u32,
    /// When the first of these polls failed. `None` if the last poll succeeded.
    pub failing_since: Option<Timestamp>,
    /// Number of new reads in the last successful poll. `None` if the feed had not changed.
    pub last_new: Option<u64>,
    /// The reason for the time of the next poll. `None` if none is planned.
    pub pace: Option<Pace>,
    /// The feed's hints about polling. The key in JSON is the field's former name.
    #[serde(rename = "wishes")]
    pub polling_hints: PollingHints,
    /// The address that its feed may be moving to.
    pub moving: Option<Moving>,
    /// The feed's last change of address.
    pub moved: Option<Moved>,
    /// The hub of its feed.
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
    /// The source is polled on its schedule.
    #[default]
    Active,
    /// The server answered 410 Gone. The source stays in the archive and is not polled.
    Retired,
    /// The source has no feed, no listing page and no sitemap.
    Waiting,
    /// A person paused the source. It is not polled until a person resumes it.
    Paused,
}

//! What came of polling a source, and the admission of its entries: one row for a read, however often it turns up.

use backissue_model::{CanonicalUrl, Entry};
use url::Url;

/// What came of a poll.
#[derive(Clone, Debug, PartialEq)]
pub enum PollOutcome {
    /// The feed came and was read.
    Fetched {
        /// The title it gives the blog, taken over where the source has none.
        feed_title: Option<String>,
        /// The blog's front page, taken over where the source has none.
        site_url: Option<Url>,
        /// Its language as it declares it (BCP 47).
        language: Option<String>,
        /// Its new address, where the server said that it moved for good.
        moved_to: Option<Url>,
        /// `ETag` of the answer.
        etag: Option<String>,
        /// `Last-Modified` of the answer.
        last_modified: Option<String>,
        /// Its entries that can become reads.
        admissions: Vec<Admission>,
    },
    /// The server said 304 Not Modified.
    NotModified {
        /// `ETag` of the answer; the one known stays where there is none.
        etag: Option<String>,
        /// `Last-Modified` of the answer; the one known stays where there is none.
        last_modified: Option<String>,
        /// The feed's new address, where the server said that it moved for good.
        moved_to: Option<Url>,
    },
    /// It could not be asked, or what came is no feed.
    Failed {
        /// Why, in plain words.
        error: String,
    },
    /// The server said 410 Gone: the source is asked no more.
    Gone {
        /// What it said, in plain words.
        error: String,
    },
}

/// An entry that is to become a read, or to be recognised as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Admission {
    /// The read's identity.
    pub url: CanonicalUrl,
    /// What the feed says of it.
    pub entry: Entry,
}

/// What came of admitting a feed's entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Reads new to the archive.
    pub new: u64,
    /// Entries that the archive has already.
    pub known: u64,
}

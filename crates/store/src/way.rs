//! Reads on their way: claims, results, failures. Stage and result commit together.

use backissue_model::{Article, CanonicalUrl, Entry, ReadId, SourceId, Stage};
use jiff::Timestamp;
use url::Url;

/// A read that this worker alone may move until its lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedRead {
    /// Its row.
    pub id: ReadId,
    /// How far it has come.
    pub stage: Stage,
    /// Its address.
    pub url: CanonicalUrl,
    /// The host of its address, which is what politeness is owed to.
    pub host: String,
    /// Attempts at this stage that failed before this one.
    pub attempts: u32,
    /// When the archive first saw it.
    pub first_seen: Timestamp,
    /// What the first source that named it said of it.
    pub entry: Entry,
    /// That source.
    pub source: SourceId,
    /// Whose blog that source is.
    pub company: String,
    /// The language of that source's feed, as declared (BCP 47).
    pub feed_language: Option<String>,
    /// Its article, where the stage says that there is one.
    pub article: Option<Article>,
    /// Proof of the lease.
    pub(crate) claim: i64,
}

/// What came of storing an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extracted {
    /// It is stored.
    Stored,
    /// It is the same article as another read, which now has this one's addresses and places; this row is gone, or that
    /// other one is where it was the younger.
    MergedInto(ReadId),
    /// The lease was over and somebody else has gone on; nothing was changed.
    LeaseLost,
}

/// What came of another step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It is stored.
    Done,
    /// The lease was over and somebody else has gone on; nothing was changed.
    LeaseLost,
}

/// What becomes of a read that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is tried again from then on.
    At(Timestamp),
    /// It is not tried again until somebody asks for it.
    SetAside,
}

/// A read that is not tried any more.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    /// Its row.
    pub id: ReadId,
    /// Its address.
    pub url: Url,
    /// Its title; its address where nobody gave one.
    pub title: String,
    /// The title of the source on which it turned up first.
    pub source: String,
    /// How far it came.
    pub stage: Stage,
    /// What went wrong at the last attempt.
    pub error: String,
    /// When it was set aside.
    pub since: Timestamp,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Active sources whose next poll is due.
    pub sources_due: u64,
    /// Active sources.
    pub sources_active: u64,
    /// Reads whose page is to be fetched, now or later.
    pub discovered: u64,
    /// Reads whose précis is to be made, now or later.
    pub extracted: u64,
    /// Reads that are not tried any more.
    pub set_aside: u64,
}

//! Followed blogs: table `source`.

use backissue_model::{NewSource, Source, SourceId, Standing};
use jiff::{SignedDuration, Timestamp};

use crate::{Store, StoreError};

/// What came of following a blog.
#[derive(Clone, Debug, PartialEq)]
pub struct Follow {
    /// The source, new or already followed.
    pub source: Source,
    /// Whether it was not followed before.
    pub is_new: bool,
}

/// What came of following a blog no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfollowed {
    /// Its reads that stay, because they turned up on another source too.
    pub reads_kept: u64,
    /// Its reads that left the archive.
    pub reads_dropped: u64,
}

/// Which sources to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceFilter {
    /// Only those of this standing.
    pub standing: Option<Standing>,
    /// Only those whose last poll failed.
    pub troubled_only: bool,
}

/// Which sources may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those whose next poll is due.
    Due,
    /// Every active one that was not asked since then, whatever its schedule says.
    AllNow {
        /// When the round began.
        since: Timestamp,
    },
}

/// A source that this worker alone may poll until its lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedSource {
    /// The source.
    pub source: Source,
    /// The host of its feed (else of its sitemap, listing or site), which is what politeness is owed to.
    pub host: String,
    /// Proof of the lease.
    pub(crate) claim: i64,
}

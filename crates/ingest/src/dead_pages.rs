//! Pages of one host that fail one after the other: a section of a site is gone, or the site is
//! down. After some of them, the others are not requested, so that a feed with thousands of dead
//! pages does not take hours, and its host is left alone.
//!
//! What a source names on a host counts together, because many blogs share some hosts. New posts
//! are requested all the same, and one page a while as a test: its answer ends it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use backissue_model::SourceId;
use backissue_store::{ClaimedRead, DeadPages};
use jiff::{SignedDuration, Timestamp};

/// Failures in a row after which the other pages are not requested.
const MOST_FAILURES: u32 = 20;

/// How long after the last failure a page is requested as a test: where pages are gone, and where
/// the error may pass.
const GONE_FOR: SignedDuration = SignedDuration::from_hours(24);
const DOWN_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Hosts whose failures are counted; from that on all counts begin again.
const MOST_COUNTED: usize = 10_000;

/// Failures in a row, as far as they are fewer than [`MOST_FAILURES`]. From there on the store has
/// them.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    counts: Mutex<HashMap<(SourceId, String), u32>>,
}

impl Failing {
    /// Counts one more failure of a read's page. Returns what the store should know, if anything.
    pub(crate) fn count(
        &self,
        read: &ClaimedRead,
        error: &str,
        gone: bool,
        now: Timestamp,
    ) -> Option<DeadPages> {
        let failures = match &read.dead_pages {
            Some(known) => known.failures.saturating_add(1),
            None => {
                let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
                if counts.len() >= MOST_COUNTED {
                    counts.clear();
                }
                let count = counts.entry((read.source, read.host.clone())).or_default();
                *count += 1;
                *count
            }
        };
        let is_dead = failures >= MOST_FAILURES;
        is_dead.then(|| DeadPages { failures, failed_at: now, error: error.to_owned(), gone })
    }

    /// Forgets the failures before a read's page that answered.
    pub(crate) fn forget(&self, read: &ClaimedRead) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(&(read.source, read.host.clone()));
    }
}

/// Why a read's page is not requested now. Returns `None` if it is.
pub(crate) fn left_out(read: &ClaimedRead, now: Timestamp) -> Option<&DeadPages> {
    let dead = read.dead_pages.as_ref()?;
    let pause = if dead.gone { GONE_FOR } else { DOWN_FOR };
    let is_new = read.first_seen > dead.failed_at;
    // After a clock was put back, the last failure is in the future.
    let since = now.duration_since(dead.failed_at);
    (!is_new && since < pause && since >= SignedDuration::ZERO).then_some(dead)
}

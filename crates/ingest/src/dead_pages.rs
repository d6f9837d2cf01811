//! Detects hosts whose pages fail one after the other, because a section of the site is gone or the
//! site is down. Then further pages are not requested. So a feed with thousands of dead pages does
//! not take hours, and does not burden its host.
//!
//! Failures are counted per source and host, because many blogs share some hosts. New posts are
//! still requested. One old page is requested now and then as a test, and a response to it ends
//! this state.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use backissue_model::SourceId;
use backissue_store::{ClaimedRead, DeadPages};
use jiff::{SignedDuration, Timestamp};

/// Failures in a row after which the other pages are not requested.
const MOST_FAILURES: u32 = 20;

/// The time after the last failure at which one page is requested as a test, if the pages are gone.
const GONE_FOR: SignedDuration = SignedDuration::from_hours(24);
/// The time after the last failure at which one page is requested as a test, if the error may be
/// temporary.
const DOWN_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Maximum number of hosts with counted failures. Beyond it, all counts start again.
const MOST_COUNTED: usize = 10_000;

/// Counts of failures in a row that are below [`MOST_FAILURES`]. The store has higher counts.
#[derive(Debug, Default)]
pub(crate) struct Failing {
    counts: Mutex<HashMap<(SourceId, String), u32>>,
}

impl Failing {
    /// Counts a failure of a read's page. Returns the state to store if there are
    /// [`MOST_FAILURES`].
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

    /// Resets the count for the host of a read whose page was received.
    pub(crate) fn forget(&self, read: &ClaimedRead) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.remove(&(read.source, read.host.clone()));
    }
}

/// Why a read's page is not requested now. Returns `None` if it may be requested.
pub(crate) fn left_out(read: &ClaimedRead, now: Timestamp) -> Option<&DeadPages> {
    let dead = read.dead_pages.as_ref()?;
    let pause = if dead.gone { GONE_FOR } else { DOWN_FOR };
    let is_new = read.first_seen > dead.failed_at;
    // After a clock was put back, the last failure is in the future.
    let since = now.duration_since(dead.failed_at);
    (!is_new && since < pause && since >= SignedDuration::ZERO).then_some(dead)
}

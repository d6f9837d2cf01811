//! The last versions of the archive and of its readers, so that many requests share a query.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backissue_model::ReaderId;

/// How long the result of [`crate::Store::recent_versions`] is used again.
const RECENT: Duration = Duration::from_millis(10);

/// Readers whose versions are remembered at once.
const RECENT_READERS: usize = 1_000;

/// The versions, and the number of commits when they were requested.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recent {
    pub(crate) commits: u64,
    pub(crate) asked_at: Instant,
    pub(crate) versions: (u64, Option<u64>),
}

/// The last versions of the archive and of each reader.
#[derive(Clone, Debug, Default)]
pub(crate) struct RecentVersions(Arc<Mutex<HashMap<Option<ReaderId>, Recent>>>);

impl RecentVersions {
    pub(crate) fn get(
        &self,
        reader: Option<ReaderId>,
        commits: u64,
        now: Instant,
    ) -> Option<(u64, Option<u64>)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&reader)?;
        let is_recent = known.commits == commits && now.duration_since(known.asked_at) < RECENT;
        is_recent.then_some(known.versions)
    }

    pub(crate) fn put(&self, reader: Option<ReaderId>, recent: Recent) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= RECENT_READERS {
            all.clear();
        }
        all.insert(reader, recent);
    }
}

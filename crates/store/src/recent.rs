//! Recent answers of queries that each request sends, so that many requests share a query.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::database::commits;

/// How long an answer is used again.
const RECENT: Duration = Duration::from_millis(10);

/// Number of answers that are remembered at once.
const REMEMBERED: usize = 1_000;

/// An answer, with the number of commits and the time before the query.
#[derive(Clone, Copy, Debug)]
struct Known<V> {
    commits: u64,
    asked_at: Instant,
    value: V,
}

/// The last answer by key. Clones share the answers.
#[derive(Clone, Debug)]
pub(crate) struct Recent<K, V>(Arc<Mutex<HashMap<K, Known<V>>>>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Copy + Eq + Hash, V: Copy> Recent<K, V> {
    /// The answer for `key`: the last one if it is at most 10 ms old and this process has committed
    /// nothing since, else that of `ask`.
    pub(crate) async fn or_ask<E>(&self, key: K, ask: impl Future<Output = Result<V, E>>) -> Result<V, E> {
        let (commits, asked_at) = (commits(), Instant::now());
        if let Some(value) = self.get(key, commits, asked_at) {
            return Ok(value);
        }
        let value = ask.await?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(key, Known { commits, asked_at, value });
        Ok(value)
    }

    fn get(&self, key: K, commits: u64, now: Instant) -> Option<V> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&key)?;
        (known.commits == commits && now.duration_since(known.asked_at) < RECENT).then_some(known.value)
    }
}

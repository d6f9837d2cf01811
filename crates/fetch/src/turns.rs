//! Turns per host: one request at a time, a pause between two requests, and longer pauses that a
//! host demands (holds).

use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::error::FetchError;

/// The longest hold. Then the host gets a request even if it demanded a longer pause.
const LONGEST_HOLD: Duration = Duration::from_secs(60 * 60);

/// Maximum number of hosts to remember. Above it, idle hosts are forgotten.
const HOSTS_REMEMBERED: usize = 4096;

/// Turns that several processes share. A request needs this turn in addition to the turn within its
/// process.
pub trait SharedTurns: fmt::Debug + Send + Sync {
    /// Waits until no process sends a request to the host, and `pause` has passed since the last
    /// one ended. The turn ends after `lease` if it is not ended before. Returns its number.
    fn take<'t>(
        &'t self,
        host: &'t str,
        pause: Duration,
        lease: Duration,
    ) -> Pin<Box<dyn Future<Output = Result<i64, NoTurn>> + Send + 't>>;

    /// Ends a turn. Must not block. The next request waits for `pause`, and for `hold` if the host
    /// demanded that.
    fn end(&self, host: &str, turn: i64, pause: Duration, hold: Duration);
}

/// Why a shared turn could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoTurn {
    /// Another process was told to pause the host, and this much of the pause is left.
    Held(Duration),
    /// The shared turns cannot be accessed, for this reason.
    Failed(String),
}

/// The shared turns, and the maximum time of one turn.
#[derive(Debug)]
struct Shared {
    turns: Arc<dyn SharedTurns>,
    lease: Duration,
}

/// The turns of all hosts.
#[derive(Debug)]
pub(crate) struct Turns {
    pause: Duration,
    hosts: Mutex<HashMap<String, Arc<Host>>>,
    shared: OnceLock<Shared>,
}

#[derive(Debug, Default)]
struct Host {
    /// The lock that the running request to the host holds. Waiting requests get it in order.
    turn: Arc<tokio::sync::Mutex<()>>,
    times: Mutex<Times>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Times {
    /// When the pause after the last request ends.
    ready_at: Option<Instant>,
    /// The end of the host's hold.
    held_until: Option<Instant>,
    /// The pause that the host demands between two requests, if it is longer than the configured
    /// one.
    pause: Duration,
}

/// The permission for one request to a host. Dropping it ends the turn and starts the pause, also
/// if the request was cancelled.
#[derive(Debug)]
pub(crate) struct Turn {
    host: Arc<Host>,
    pause: Duration,
    /// The turn among all processes: where it was taken, the host's name and the turn's number.
    shared: Option<(Arc<dyn SharedTurns>, String, i64)>,
    _lock: OwnedMutexGuard<()>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut times = self.host.times();
        let now = Instant::now();
        let pause = self.pause.max(times.pause);
        times.ready_at = Some(now + pause);
        if let Some((turns, host, turn)) = &self.shared {
            let hold = times.held_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
            turns.end(host, *turn, pause, hold);
        }
    }
}

impl Turn {
    /// Holds the host for `wait`, at most an hour.
    pub(crate) fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_HOLD);
        let mut times = self.host.times();
        times.held_until = times.held_until.max(Some(until));
    }
}

impl Host {
    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ready_at(&self) -> Option<Instant> {
        let times = *self.times();
        times.ready_at.max(times.held_until).filter(|at| *at > Instant::now())
    }

    fn refuse_while_held(&self, name: &str) -> Result<(), FetchError> {
        let held_until = self.times().held_until;
        let wait =
            held_until.map(|until| until.saturating_duration_since(Instant::now())).unwrap_or_default();
        if wait.is_zero() {
            return Ok(());
        }
        Err(FetchError::Held { host: name.to_owned(), wait })
    }
}

impl Turns {
    pub(crate) fn new(pause: Duration) -> Self {
        Self { pause, hosts: Mutex::default(), shared: OnceLock::new() }
    }

    /// Shares turns with other processes from now on. A turn lasts at most `lease`.
    pub(crate) fn share(&self, turns: Arc<dyn SharedTurns>, lease: Duration) {
        // They are shared once, before the first request.
        let _ = self.shared.set(Shared { turns, lease });
    }

    /// Waits for the host's turn, including the pause after the last request.
    ///
    /// # Errors
    /// [`FetchError::Held`] immediately if the host is on hold.
    pub(crate) async fn take(&self, name: &str) -> Result<Turn, FetchError> {
        let host = self.host(name);
        host.refuse_while_held(name)?;
        let lock = Arc::clone(&host.turn).lock_owned().await;
        host.refuse_while_held(name)?;
        let ready_at = host.times().ready_at;
        if let Some(at) = ready_at {
            tokio::time::sleep_until(at).await;
        }
        let shared = match self.shared.get() {
            None => None,
            Some(Shared { turns, lease }) => {
                let pause = self.pause.max(host.times().pause);
                let taken = turns.take(&key(name), pause, *lease).await;
                let turn = taken.map_err(|why| self.without_turn(&host, name, why))?;
                Some((Arc::clone(turns), key(name), turn))
            }
        };
        Ok(Turn { host, pause: self.pause, shared, _lock: lock })
    }

    fn without_turn(&self, host: &Host, name: &str, why: NoTurn) -> FetchError {
        let name = name.to_owned();
        match why {
            NoTurn::Held(wait) => {
                let until = Instant::now() + wait.min(LONGEST_HOLD);
                let mut times = host.times();
                times.held_until = times.held_until.max(Some(until));
                FetchError::Held { host: name, wait }
            }
            NoTurn::Failed(reason) => FetchError::NoTurn { host: name, reason },
        }
    }

    /// When the next request to the host may start, by pause and hold. Returns `None` if it may
    /// start now.
    pub(crate) fn ready_at(&self, name: &str) -> Option<std::time::Instant> {
        self.known(name)?.ready_at().map(Instant::into_std)
    }

    /// Sets the minimum pause after each request to the host, the running one included.
    pub(crate) fn pause_at_least(&self, name: &str, pause: Duration) {
        let host = self.host(name);
        let mut times = host.times();
        let longer = pause.saturating_sub(self.pause.max(times.pause));
        times.pause = pause;
        if let Some(ready_at) = &mut times.ready_at {
            // The last request came before the host's pause was known.
            *ready_at += longer;
        }
    }

    fn known(&self, name: &str) -> Option<Arc<Host>> {
        self.hosts().get(key(name).as_str()).cloned()
    }

    fn host(&self, name: &str) -> Arc<Host> {
        let mut hosts = self.hosts();
        if hosts.len() >= HOSTS_REMEMBERED {
            // A host with a second owner is in use.
            hosts.retain(|_, host| Arc::strong_count(host) > 1 || host.ready_at().is_some());
        }
        Arc::clone(hosts.entry(key(name)).or_default())
    }

    fn hosts(&self) -> MutexGuard<'_, HashMap<String, Arc<Host>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The key of a host: lower case, without a final dot, so that `Example.ORG.` and `example.org` are
/// the same.
fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pause_separates_turns() {
        let turns = Turns::new(Duration::from_secs(1));
        let begin = Instant::now();
        let first = turns.take("example.org").await.unwrap();
        tokio::time::advance(Duration::from_secs(5)).await;
        drop(first);
        assert!(turns.ready_at("EXAMPLE.org.").is_some());
        let _second = turns.take("example.org.").await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), 6);
        let _other = turns.take("example.com").await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), 6, "another host does not wait");
    }

    #[tokio::test(start_paused = true)]
    async fn longer_pause_counts_from_the_last_request() {
        let turns = Turns::new(Duration::from_secs(1));
        let begin = Instant::now();
        turns.take("example.org").await.unwrap();
        turns.pause_at_least("EXAMPLE.org", Duration::from_secs(10));
        turns.take("example.org").await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), 10);
        turns.take("example.org").await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), 20);
        turns.pause_at_least("example.org", Duration::ZERO);
        turns.take("example.org").await.unwrap();
        turns.take("example.org").await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), 31, "never shorter than our own pause");
    }

    #[tokio::test(start_paused = true)]
    async fn held_host_is_refused_for_at_most_an_hour() {
        let turns = Turns::new(Duration::ZERO);
        turns.take("example.org").await.unwrap().hold(Duration::from_secs(7 * 24 * 3600));
        let error = turns.take("example.org").await.unwrap_err();
        assert_eq!(error.retry_after(), Some(LONGEST_HOLD));
        assert!(error.is_transient() && error.to_string().contains("3600 seconds"), "{error}");
        tokio::time::advance(LONGEST_HOLD).await;
        assert!(turns.take("example.org").await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn waiters_are_refused_after_a_new_hold() {
        let turns = Arc::new(Turns::new(Duration::from_secs(1)));
        let first = turns.take("example.org").await.unwrap();
        let waiter = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.take("example.org").await.map(drop) }
        });
        tokio::task::yield_now().await;
        first.hold(Duration::from_secs(30));
        drop(first);
        assert!(matches!(waiter.await.unwrap(), Err(FetchError::Held { .. })));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_hosts_are_forgotten_and_held_ones_kept() {
        let turns = Turns::new(Duration::ZERO);
        turns.take("held.example").await.unwrap().hold(Duration::from_secs(60));
        for number in 0..2 * HOSTS_REMEMBERED {
            turns.take(&format!("{number}.example")).await.unwrap();
        }
        assert!(turns.hosts().len() <= HOSTS_REMEMBERED);
        assert!(turns.ready_at("held.example").is_some());
    }
}

//! The context that all steps share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use backissue_crawl::robots::Robots;
use backissue_fetch::{FetchError, Fetcher, Response, Validators, Want};
use backissue_store::Store;
use jiff::SignedDuration;
use tokio::sync::Notify;
use url::Url;

use crate::asking::Asker;
use crate::dead_pages::Failing;
use crate::meter::Meter;
use crate::robots::{Files, Permission, RobotsFiles};

/// The settings of the workers.
#[derive(Clone, Debug)]
pub struct IngestSettings {
    /// Number of workers. Each processes one claimed row at a time, and no two send requests to the
    /// same host.
    pub workers: usize,
    /// The minimum pause between two polls of a source. The actual pause depends on how often the
    /// source publishes ([`schedule`](crate::schedule)). It is also the minimum time between two
    /// responses that change a feed's address.
    pub poll_every: SignedDuration,
    /// The public address below which hubs send their requests. `None` means no subscriptions.
    pub callbacks: Option<Url>,
    /// The lease of a row: the time after which other workers may claim it. Longer than the slowest
    /// fetch.
    pub lease: SignedDuration,
    /// How long claimed work may continue after the command to stop. Unfinished work is done after
    /// the next start.
    pub grace: Duration,
    /// The size of the database in bytes above which nothing is fetched.
    pub archive_limit: u64,
    /// The model that annotates each read again after the built-in annotator.
    pub annotate_with: Option<Arc<Asker>>,
}

impl Default for IngestSettings {
    fn default() -> Self {
        Self {
            workers: 8,
            poll_every: SignedDuration::from_hours(1),
            callbacks: None,
            lease: SignedDuration::from_mins(10),
            grace: Duration::from_secs(5),
            archive_limit: u64::MAX,
            annotate_with: None,
        }
    }
}

/// How long nothing is requested after this machine turned out to be offline.
const OFFLINE_PAUSE: Duration = Duration::from_secs(30);

/// What all steps share: the archive, the network and the progress.
pub(crate) struct Context {
    pub(crate) store: Store,
    pub(crate) fetcher: Fetcher,
    pub(crate) settings: IngestSettings,
    pub(crate) meter: Meter,
    /// Wakes waiting workers when there may be more work.
    pub(crate) changed: Notify,
    /// Counts of pages that failed in a row, per host.
    pub(crate) failing: Failing,
    robots: RobotsFiles,
    /// The results of the last requests, as far as they show whether this machine is online.
    network: Mutex<Network>,
}

impl Context {
    pub(crate) fn new(store: Store, fetcher: Fetcher, settings: IngestSettings) -> Self {
        Self {
            store,
            fetcher,
            settings,
            meter: Meter::new(),
            changed: Notify::default(),
            failing: Failing::default(),
            robots: RobotsFiles::default(),
            network: Mutex::default(),
        }
    }

    /// Whether the publisher permits a request for `url`. Also applies the host's pause.
    pub(crate) async fn permission_for(&self, url: &Url) -> Permission {
        let permission = self.robots.permission_for(self.files(), url).await;
        let by = match permission {
            Permission::Granted => return permission,
            Permission::Refused(_) => "robots.txt",
            Permission::Unknown { .. } => "unknown robots.txt",
        };
        metrics::counter!("backissue_refusals_total", "by" => by).increment(1);
        permission
    }

    /// The sources of robots.txt files.
    fn files(&self) -> Files<'_> {
        Files { fetcher: &self.fetcher, shared: self.store.is_shared().then_some(&self.store) }
    }

    /// The robots.txt of the site of `url`.
    pub(crate) async fn robots_of(&self, url: &Url) -> Result<Arc<Robots>, Permission> {
        self.robots.robots_of(self.files(), url).await
    }

    /// Wakes a worker, which then checks for due work.
    pub(crate) fn look_again(&self) {
        self.changed.notify_one();
    }

    /// Requests a document, and records whether this machine is online.
    pub(crate) async fn get(
        &self,
        url: &Url,
        want: Want,
        known: &Validators,
    ) -> Result<Response, FetchError> {
        let response = self.fetcher.get(url, want, known).await;
        match &response {
            Ok(_) => self.network().answered_at = Some(Instant::now()),
            Err(error) if error.is_offline() => self.lose_network(),
            Err(_) => {}
        }
        response
    }

    /// Records that a request failed as if this machine were offline.
    pub(crate) fn lose_network(&self) {
        self.network().failed_at = Some(Instant::now());
    }

    pub(crate) fn is_offline(&self) -> bool {
        self.network().is_offline(Instant::now())
    }

    fn network(&self) -> MutexGuard<'_, Network> {
        self.network.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The results of the last requests, as far as they show whether this machine is online.
#[derive(Debug, Default)]
struct Network {
    /// When a request failed as if this machine were offline.
    failed_at: Option<Instant>,
    /// When a server answered.
    answered_at: Option<Instant>,
}

impl Network {
    /// Whether this machine is offline. Some hosts can be unreachable while others answer, so a
    /// recent response counts more than a failure.
    fn is_offline(&self, now: Instant) -> bool {
        let is_recent =
            |at: Option<Instant>| at.is_some_and(|at| now.saturating_duration_since(at) < OFFLINE_PAUSE);
        is_recent(self.failed_at) && !is_recent(self.answered_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_is_online_while_any_server_answers() {
        let start = Instant::now();
        let at = |seconds: u64| Some(start + Duration::from_secs(seconds));
        let is_offline = |failed_at, answered_at, now: u64| {
            Network { failed_at, answered_at }.is_offline(start + Duration::from_secs(now))
        };
        assert!(!is_offline(None, None, 0));
        assert!(is_offline(at(0), None, 29) && !is_offline(at(0), None, 30));
        assert!(!is_offline(at(20), at(0), 21), "twelve feeds that fail do not stop the one that answers");
        assert!(!is_offline(at(0), at(20), 21));
        assert!(is_offline(at(20), at(0), 31), "the last answer is long ago");
    }
}

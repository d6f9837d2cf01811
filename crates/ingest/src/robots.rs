//! Requests and caches the robots.txt of each site, and asks it for permissions (RFC 9309).
//!
//! It is checked before each request for a page, and for a document of a backfill. Feeds are polled
//! without a check: they are published for programs, a person has chosen to follow them, and many
//! sites exclude them only for search engines. But the host's `Crawl-delay` applies to feeds as
//! well.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backissue_crawl::robots::Robots;
use backissue_fetch::{Body, FetchError, Fetcher, Validators, Want};
use backissue_store::{RobotsTurn, SharedRobots, Store, StoreError};
use tracing::{debug, warn};
use url::Url;

/// Our name in robots.txt: the product token of our `User-Agent` (RFC 9309 section 2.2.1).
pub const PRODUCT: &str = "Backissue";

/// The maximum time to cache a file (RFC 9309 section 2.4).
const KEPT_AT_MOST: Duration = Duration::from_secs(24 * 3600);
/// The minimum time to cache a file, because publishers change it rarely.
const KEPT_AT_LEAST: Duration = Duration::from_secs(3600);

/// How long a site is paused whose robots.txt failed because of its server (section 2.3.1.4).
const LEFT_ALONE: Duration = Duration::from_secs(15 * 60);

/// How often to check whether another process has fetched a file.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Maximum number of sites in the cache. Beyond it, outdated files are removed first, then those
/// that expire soonest.
const SITES_REMEMBERED: usize = 4096;
/// Maximum bytes of all cached files. Beyond it, files are removed in the same order.
const BYTES_REMEMBERED: usize = 16 << 20;

/// The bytes that a site needs in addition to its rules, for its name and its entry.
const PER_SITE: usize = 256;

/// Whether a publisher permits a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// The request is permitted.
    Granted,
    /// This line forbids the request.
    Refused(String),
    /// robots.txt cannot be fetched now. For a while this counts as a refusal.
    Unknown {
        /// The error.
        reason: String,
        /// Whether this machine is offline.
        offline: bool,
    },
}

/// The cached robots.txt files.
#[derive(Debug, Default)]
pub(crate) struct RobotsFiles {
    sites: Mutex<HashMap<String, Site>>,
    /// The approximate size of all files in bytes.
    bytes: AtomicUsize,
}

/// The file of one site. It is locked while it is fetched, so that it is not fetched twice.
type Site = Arc<tokio::sync::Mutex<Option<Kept>>>;

#[derive(Clone, Debug)]
struct Kept {
    said: Said,
    until: Instant,
    validators: Validators,
}

#[derive(Clone, Debug)]
enum Said {
    Rules(Arc<Robots>),
    Unreachable { reason: String, offline: bool },
}

impl Kept {
    fn size(&self) -> usize {
        PER_SITE
            + match &self.said {
                Said::Rules(robots) => robots.size(),
                Said::Unreachable { reason, .. } => reason.len(),
            }
    }
}

impl RobotsFiles {
    fn site(&self, name: String) -> Site {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        if sites.len() >= SITES_REMEMBERED || self.bytes.load(Ordering::Relaxed) > BYTES_REMEMBERED {
            self.forget_some(&mut sites);
        }
        Arc::clone(sites.entry(name).or_default())
    }

    /// Removes outdated files, then those that expire soonest, until three quarters of the limits
    /// are used. Keeps files that are being fetched.
    fn forget_some(&self, sites: &mut HashMap<String, Site>) {
        let now = Instant::now();
        let mut known: Vec<(Instant, usize, String)> = Vec::with_capacity(sites.len());
        sites.retain(|name, site| {
            let Ok(kept) = site.try_lock() else { return true };
            let Some(kept) = kept.as_ref().filter(|kept| kept.until > now) else { return false };
            known.push((kept.until, kept.size(), name.clone()));
            true
        });
        known.sort_unstable();
        let mut bytes = known.iter().map(|(_, size, _)| size).sum::<usize>();
        for (_, size, name) in known {
            if bytes <= BYTES_REMEMBERED / 4 * 3 && sites.len() <= SITES_REMEMBERED / 4 * 3 {
                break;
            }
            bytes -= size;
            sites.remove(&name);
        }
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Records that the file of a site changed its size from `before` to `after` bytes.
    fn resized(&self, before: usize, after: usize) {
        self.bytes.fetch_add(after, Ordering::Relaxed);
        // In between, another task may have recomputed the sum.
        let less = |bytes: usize| Some(bytes.saturating_sub(before));
        let _ = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

impl RobotsFiles {
    /// Whether the publisher permits a request for `url`. Also applies the host's pause.
    pub(crate) async fn permission_for(&self, files: Files<'_>, url: &Url) -> Permission {
        match self.robots_of(files, url).await {
            Ok(robots) => match robots.refuses(url) {
                Some(line) => Permission::Refused(line),
                None => Permission::Granted,
            },
            Err(unknown) => unknown,
        }
    }

    /// The robots.txt of the site of `url`.
    pub(crate) async fn robots_of(&self, files: Files<'_>, url: &Url) -> Result<Arc<Robots>, Permission> {
        let Ok(file) = url.join("/robots.txt") else { return Ok(Arc::default()) };
        let site = self.site(file.origin().ascii_serialization());
        let mut kept = site.lock().await;
        let now = Instant::now();
        if kept.as_ref().is_none_or(|kept| kept.until <= now) {
            let before = kept.as_ref().map_or(0, Kept::size);
            let fetched = files.get(&file, kept.take()).await;
            self.resized(before, fetched.size());
            *kept = Some(fetched);
        }
        match kept.as_ref().map(|kept| &kept.said) {
            Some(Said::Rules(robots)) => {
                if let (Some(delay), Some(host)) = (robots.crawl_delay, url.host_str()) {
                    files.fetcher.pause_at_least(host, delay);
                }
                Ok(Arc::clone(robots))
            }
            Some(Said::Unreachable { reason, offline }) => {
                Err(Permission::Unknown { reason: reason.clone(), offline: *offline })
            }
            None => Ok(Arc::default()),
        }
    }
}

/// The sources of robots.txt files: their sites, or another process that has fetched them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Files<'a> {
    pub(crate) fetcher: &'a Fetcher,
    /// The database, if several processes share it.
    pub(crate) shared: Option<&'a Store>,
}

impl Files<'_> {
    async fn get(self, file: &Url, before: Option<Kept>) -> Kept {
        let Some(store) = self.shared else { return fetched(self.fetcher, file, before).await.0 };
        match self.get_shared(store, file, before.clone()).await {
            Ok(kept) => kept,
            Err(error) => {
                warn!(%error, %file, "the robots.txt of other workers is not known: {error}");
                fetched(self.fetcher, file, before).await.0
            }
        }
    }

    async fn get_shared(self, store: &Store, file: &Url, before: Option<Kept>) -> Result<Kept, StoreError> {
        let site = file.origin().ascii_serialization();
        let known = loop {
            match store.robots(&site, self.fetcher.longest_turn()).await? {
                RobotsTurn::Known(robots) => return Ok(Kept::of_shared(robots)),
                RobotsTurn::Fetch(known) => break known,
                RobotsTurn::Wait => tokio::time::sleep(LOOK_AGAIN).await,
            }
        };
        let before = known.clone().map(Kept::of_shared).or(before);
        let (kept, text) = fetched(self.fetcher, file, before).await;
        let left = kept.until.saturating_duration_since(Instant::now());
        let (rules, reason, pause) = match &kept.said {
            Said::Rules(robots) => {
                let rules = text.or(known.and_then(|known| known.rules)).unwrap_or_default();
                (Some(rules), String::new(), robots.crawl_delay.unwrap_or_default())
            }
            Said::Unreachable { reason, .. } => (None, reason.clone(), Duration::ZERO),
        };
        let Validators { etag, last_modified } = kept.validators.clone();
        let robots = SharedRobots { rules, reason, etag, last_modified, lasts: left };
        let pause = pause.min(self.fetcher.longest_pause());
        store.keep_robots(&site, file.host_str().unwrap_or_default(), &robots, pause).await?;
        Ok(kept)
    }
}

impl Kept {
    fn of_shared(robots: SharedRobots) -> Self {
        let SharedRobots { rules, reason, etag, last_modified, lasts } = robots;
        let said = match rules {
            Some(text) => Said::Rules(Arc::new(Robots::parse(text.as_bytes(), PRODUCT))),
            None => Said::Unreachable { reason, offline: false },
        };
        Self { said, until: Instant::now() + lasts, validators: Validators { etag, last_modified } }
    }
}

/// Requests the site's file. If there is none, returns the rules that apply then. Also returns the
/// file's text, if it was sent.
async fn fetched(fetcher: &Fetcher, file: &Url, before: Option<Kept>) -> (Kept, Option<String>) {
    let known = before.as_ref().map(|kept| kept.validators.clone()).unwrap_or_default();
    let rules = |robots: Robots, age: Duration, validators| Kept {
        said: Said::Rules(Arc::new(robots)),
        until: Instant::now() + age,
        validators,
    };
    let error = match fetcher.get(file, Want::Start, &known).await {
        Ok(response) => {
            let age = response.cache_max_age.unwrap_or(KEPT_AT_MOST).clamp(KEPT_AT_LEAST, KEPT_AT_MOST);
            return match (response.body, before) {
                (Body::Bytes(bytes), _) => {
                    let kept = rules(Robots::parse(&bytes, PRODUCT), age, response.validators);
                    (kept, Some(String::from_utf8_lossy(&bytes).into_owned()))
                }
                (Body::NotModified, Some(before)) => (Kept { until: Instant::now() + age, ..before }, None),
                (Body::NotModified, None) => {
                    (rules(Robots::default(), age, Validators::default()), Some(String::new()))
                }
            };
        }
        Err(error) => error,
    };
    debug!(%file, %error, "no robots.txt: {error}");
    if is_unavailable(&error) {
        let kept = rules(Robots::default(), KEPT_AT_MOST, Validators::default());
        return (kept, Some(String::new()));
    }
    let until = Instant::now() + LEFT_ALONE;
    if let Some(Kept { said: said @ Said::Rules(_), validators, .. }) = before {
        // The last known file applies while the site is unreachable (section 2.4).
        return (Kept { said, until, validators }, None);
    }
    let offline = error.is_offline();
    // If this machine is offline, nothing was learned about the site.
    let until = if offline { Instant::now() } else { until };
    let reason = format!("its robots.txt cannot be fetched, and without it nothing is requested: {error}");
    let said = Said::Unreachable { reason, offline };
    (Kept { said, until, validators: Validators::default() }, None)
}

/// Whether the site certainly has no file, so that everything is permitted (section 2.3.1.3). This
/// is also true if our own rules forbid requests to the site (address, port, certificate), because
/// the request for the page then gives the better error.
fn is_unavailable(error: &FetchError) -> bool {
    match error {
        FetchError::Status { status, .. } => (400..500).contains(status) && !error.is_transient(),
        FetchError::TooLarge { .. } => false,
        _ => !error.is_transient(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn files_of_many_hosts_take_bounded_memory() {
        let files = RobotsFiles::default();
        let rules: String = (0..8000).map(|n| format!("Disallow: /{n}/{}\n", "x".repeat(40))).collect();
        let robots = Arc::new(Robots::parse(format!("User-agent: *\n{rules}").as_bytes(), PRODUCT));
        for host in 0..200_u64 {
            let site = files.site(format!("https://h{host}.example"));
            let until = Instant::now() + KEPT_AT_LEAST + Duration::from_secs(host);
            let kept =
                Kept { said: Said::Rules(Arc::clone(&robots)), until, validators: Validators::default() };
            files.resized(0, kept.size());
            *site.lock().await = Some(kept);
        }
        let (mut bytes, mut newest) = (0, false);
        for (name, site) in files.sites.lock().unwrap().iter() {
            bytes += site.try_lock().unwrap().as_ref().map_or(0, Kept::size);
            newest |= name == "https://h199.example";
        }
        assert!(bytes <= BYTES_REMEMBERED + (1 << 20), "{bytes}");
        assert!(bytes > BYTES_REMEMBERED / 2, "{bytes}");
        assert!(newest);
        for host in 0..10_000 {
            files.site(format!("https://empty{host}.example"));
        }
        assert!(files.sites.lock().unwrap().len() <= SITES_REMEMBERED);
    }
}

//! Permissions by publishers: each site's robots.txt, kept for a limited time (RFC 9309).
//!
//! Checked before each request for a page or a document of a backfill. Feeds are polled without a
//! check: they are published for programs, a person has chosen to follow them, and many sites
//! exclude them only from search engines. The host's `Crawl-delay` applies to feeds as well.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backissue_crawl::robots::Robots;
use backissue_fetch::{Body, FetchError, Fetcher, Validators, Want};
use tracing::debug;
use url::Url;

/// Our name in robots.txt: the product token of our `User-Agent` (RFC 9309 section 2.2.1).
pub const PRODUCT: &str = "Backissue";

/// The maximum time to keep a file (RFC 9309 section 2.4), and the minimum, because publishers
/// change them rarely.
const KEPT_AT_MOST: Duration = Duration::from_secs(24 * 3600);
const KEPT_AT_LEAST: Duration = Duration::from_secs(3600);

/// The pause for a site whose robots.txt failed because of the server (section 2.3.1.4).
const LEFT_ALONE: Duration = Duration::from_secs(15 * 60);

/// Maximum sites, and maximum bytes of their rules. Beyond either, outdated files are forgotten
/// first, then those that expire soonest.
const SITES_REMEMBERED: usize = 4096;
const BYTES_REMEMBERED: usize = 16 << 20;

/// Bytes per site in addition to its rules: its name and its entry.
const PER_SITE: usize = 256;

/// Whether a publisher permits a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// It does.
    Granted,
    /// This line forbids it.
    Refused(String),
    /// robots.txt cannot be fetched now, which counts as a refusal for a while.
    Unknown {
        /// The error.
        reason: String,
        /// Whether this machine is offline.
        offline: bool,
    },
}

/// The robots.txt files of sites.
#[derive(Debug, Default)]
pub(crate) struct RobotsFiles {
    sites: Mutex<HashMap<String, Site>>,
    /// Approximate bytes of all files.
    bytes: AtomicUsize,
}

/// One site's file. It is locked while it is fetched, so that it is not fetched twice.
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

    /// Forgets outdated files, then those that expire soonest, until three quarters of the bounds
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

    /// Records that a site's file takes `after` bytes instead of `before`.
    fn resized(&self, before: usize, after: usize) {
        self.bytes.fetch_add(after, Ordering::Relaxed);
        // In between, another task may have recomputed the sum.
        let less = |bytes: usize| Some(bytes.saturating_sub(before));
        let _ = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

impl RobotsFiles {
    /// Whether the publisher permits a request for `url`. Also applies the host's pause.
    pub(crate) async fn permission_for(&self, fetcher: &Fetcher, url: &Url) -> Permission {
        match self.robots_of(fetcher, url).await {
            Ok(robots) => match robots.refuses(url) {
                Some(line) => Permission::Refused(line),
                None => Permission::Granted,
            },
            Err(unknown) => unknown,
        }
    }

    /// The robots.txt of the site of `url`.
    pub(crate) async fn robots_of(&self, fetcher: &Fetcher, url: &Url) -> Result<Arc<Robots>, Permission> {
        let Ok(file) = url.join("/robots.txt") else { return Ok(Arc::default()) };
        let site = self.site(file.origin().ascii_serialization());
        let mut kept = site.lock().await;
        let now = Instant::now();
        if kept.as_ref().is_none_or(|kept| kept.until <= now) {
            let before = kept.as_ref().map_or(0, Kept::size);
            let fetched = fetched(fetcher, &file, kept.take()).await;
            self.resized(before, fetched.size());
            *kept = Some(fetched);
        }
        match kept.as_ref().map(|kept| &kept.said) {
            Some(Said::Rules(robots)) => {
                if let (Some(delay), Some(host)) = (robots.crawl_delay, url.host_str()) {
                    fetcher.pause_at_least(host, delay);
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

/// The file as the site has it now, or what applies without it.
async fn fetched(fetcher: &Fetcher, file: &Url, before: Option<Kept>) -> Kept {
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
                (Body::Bytes(bytes), _) => rules(Robots::parse(&bytes, PRODUCT), age, response.validators),
                (Body::NotModified, Some(before)) => Kept { until: Instant::now() + age, ..before },
                (Body::NotModified, None) => rules(Robots::default(), age, Validators::default()),
            };
        }
        Err(error) => error,
    };
    debug!(%file, %error, "no robots.txt: {error}");
    if is_unavailable(&error) {
        return rules(Robots::default(), KEPT_AT_MOST, Validators::default());
    }
    let until = Instant::now() + LEFT_ALONE;
    if let Some(Kept { said: said @ Said::Rules(_), validators, .. }) = before {
        // The last known file applies while the site is unreachable (section 2.4).
        return Kept { said, until, validators };
    }
    let offline = error.is_offline();
    // If this machine is offline, nothing was learned about the site.
    let until = if offline { Instant::now() } else { until };
    let reason = format!("its robots.txt cannot be fetched, and without it nothing is requested: {error}");
    Kept { said: Said::Unreachable { reason, offline }, until, validators: Validators::default() }
}

/// Whether the site certainly has no file, so that everything is permitted (section 2.3.1.3). If
/// our own rules forbid the site (address, port, certificate), the request for the page gives the
/// better error.
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

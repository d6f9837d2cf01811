//! What publishers let us ask for: each site's robots.txt, kept for a while (RFC 9309).
//!
//! Asked before a page is fetched and before a document of a search for a source's past is. Feeds are polled without asking:
//! a feed is published for programs to poll, a person has chosen to follow it, and many sites keep crawlers away from it
//! only so that search engines do not show it beside the articles. Its host's `Crawl-delay` counts for it all the same.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backissue_feed::robots::Robots;
use backissue_fetch::{Body, FetchError, Validators, Want};
use tracing::debug;
use url::Url;

use crate::workers::Ingest;

/// What we call ourselves to robots.txt: the product token of our `User-Agent` (RFC 9309 section 2.2.1).
pub const PRODUCT: &str = "Backissue";

/// How long a file is kept at the most (RFC 9309 section 2.4), and at the least: publishers change them rarely.
const KEPT_AT_MOST: Duration = Duration::from_secs(24 * 3600);
const KEPT_AT_LEAST: Duration = Duration::from_secs(3600);

/// How long a site is left alone whose file could not be had because of trouble of its own (section 2.3.1.4).
const LEFT_ALONE: Duration = Duration::from_secs(15 * 60);

/// Sites remembered at the most, and bytes of their rules. Beyond either, those whose file is out of date are forgotten
/// first, then those that expire soonest.
const SITES_REMEMBERED: usize = 4096;
const BYTES_REMEMBERED: usize = 16 << 20;

/// Bytes of a site that are no rules of it: its name and the place it is kept in.
const PER_SITE: usize = 256;

/// Whether a publisher lets us ask for an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It does.
    Granted,
    /// It does not, with this line.
    Refused(String),
    /// Its robots.txt cannot be had at present, which counts as a refusal for a while.
    Unknown {
        /// Why.
        reason: String,
        /// Whether this machine has no network.
        offline: bool,
    },
}

/// The files of the sites that were asked.
#[derive(Debug, Default)]
pub(crate) struct RobotsFiles {
    sites: Mutex<HashMap<String, Site>>,
    /// Bytes of all files, about.
    bytes: AtomicUsize,
}

/// One site's file; held while it is fetched, so that nobody fetches it twice.
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

    /// Forgets what is out of date, then what expires soonest, until three quarters of the bounds are kept. A file that is
    /// being fetched stays.
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

    /// Takes note that a site's file takes `after` bytes instead of `before`.
    fn resized(&self, before: usize, after: usize) {
        self.bytes.fetch_add(after, Ordering::Relaxed);
        // Between the two, forgetting sites may replace the sum.
        let less = |bytes: usize| Some(bytes.saturating_sub(before));
        let _ = self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

impl Ingest {
    /// Whether the publisher lets us ask for `url`, and sees to it that the host gets the pause it asks for.
    pub(crate) async fn leave_to_ask(&self, url: &Url) -> Leave {
        match self.robots_of(url).await {
            Ok(robots) => match robots.refuses(url) {
                Some(line) => Leave::Refused(line),
                None => Leave::Granted,
            },
            Err(unknown) => unknown,
        }
    }

    /// The robots.txt of the site of `url`.
    pub(crate) async fn robots_of(&self, url: &Url) -> Result<Arc<Robots>, Leave> {
        let Ok(file) = url.join("/robots.txt") else { return Ok(Arc::default()) };
        let site = self.robots.site(file.origin().ascii_serialization());
        let mut kept = site.lock().await;
        let now = Instant::now();
        if kept.as_ref().is_none_or(|kept| kept.until <= now) {
            let before = kept.as_ref().map_or(0, Kept::size);
            let fetched = self.fetch_robots(&file, kept.take()).await;
            self.robots.resized(before, fetched.size());
            *kept = Some(fetched);
        }
        match kept.as_ref().map(|kept| &kept.said) {
            Some(Said::Rules(robots)) => {
                if let (Some(delay), Some(host)) = (robots.crawl_delay, url.host_str()) {
                    self.fetcher.pause_at_least(host, delay);
                }
                Ok(Arc::clone(robots))
            }
            Some(Said::Unreachable { reason, offline }) => {
                Err(Leave::Unknown { reason: reason.clone(), offline: *offline })
            }
            None => Ok(Arc::default()),
        }
    }

    async fn fetch_robots(&self, file: &Url, before: Option<Kept>) -> Kept {
        let known = before.as_ref().map(|kept| kept.validators.clone()).unwrap_or_default();
        let rules = |robots: Robots, age: Duration, validators| Kept {
            said: Said::Rules(Arc::new(robots)),
            until: Instant::now() + age,
            validators,
        };
        let error = match self.fetcher.get(file, Want::Start, &known).await {
            Ok(response) => {
                let age = response.cache_max_age.unwrap_or(KEPT_AT_MOST).clamp(KEPT_AT_LEAST, KEPT_AT_MOST);
                return match (response.body, before) {
                    (Body::Bytes(bytes), _) => {
                        rules(Robots::parse(&bytes, PRODUCT), age, response.validators)
                    }
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
            // What a site said last counts while it cannot be asked (section 2.4).
            return Kept { said, until, validators };
        }
        let offline = error.is_offline();
        // Without a network nothing was learned about the site.
        let until = if offline { Instant::now() } else { until };
        let reason = format!("its robots.txt cannot be had, and without it nothing is asked: {error}");
        Kept { said: Said::Unreachable { reason, offline }, until, validators: Validators::default() }
    }
}

/// Whether the site plainly has no file, so that everything may be asked for (section 2.3.1.3). Where the site cannot be
/// reached at all by our own rules (address, port, certificate), asking for a page will say so better.
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

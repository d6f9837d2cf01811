//! What publishers let us ask for: each site's robots.txt, kept for a while (RFC 9309).
//!
//! Asked before a page is fetched and before a document of a search for a source's past is. Feeds are polled without asking:
//! a feed is published for programs to poll, a person has chosen to follow it, and many sites keep crawlers away from it
//! only so that search engines do not show it beside the articles. Its host's `Crawl-delay` counts for it all the same.

use std::collections::HashMap;
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

/// Sites remembered before those whose file is out of date are forgotten.
const SITES_REMEMBERED: usize = 4096;

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

impl RobotsFiles {
    fn site(&self, name: String) -> Site {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        if sites.len() >= SITES_REMEMBERED {
            let now = Instant::now();
            // A file that is being fetched is in somebody's hands.
            sites.retain(|_, site| {
                site.try_lock().map_or(true, |kept| kept.as_ref().is_some_and(|kept| kept.until > now))
            });
        }
        Arc::clone(sites.entry(name).or_default())
    }
}

impl Ingest {
    /// Whether the publisher lets us ask for `url`, and sees to it that the host gets the pause it asks for.
    pub(crate) async fn leave_to_ask(&self, url: &Url) -> Leave {
        match self.robots_of(url).await {
            Ok(robots) => match robots.refuses(url) {
                Some(line) => Leave::Refused(line.to_owned()),
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
            *kept = Some(self.fetch_robots(&file, kept.take()).await);
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

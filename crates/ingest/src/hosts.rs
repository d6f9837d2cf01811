//! Tracks the hosts to which requests are being sent, so that workers pick work at other hosts
//! instead of waiting. Also limits shares: slow sites together, a single site, and the reads of a
//! single source never occupy all workers.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use backissue_fetch::Fetcher;
use backissue_model::{SourceId, site_of};
use backissue_store::BusyHost;

/// Workers wait for the end of a host's pause if it is at most this long. Longer pauses were
/// demanded by the host (`Retry-After`).
const SHORT_REST: Duration = Duration::from_secs(15);

/// How long to wait before checking again whether another process still uses a host.
const IN_USE: Duration = Duration::from_millis(500);

/// A site is slow if a request to its host took at least this long.
const SLOW: Duration = Duration::from_secs(8);
/// How long a site counts as slow after such a request.
const SLOW_FOR: Duration = Duration::from_secs(3600);

/// Maximum number of slow sites to remember. Beyond it, those that were detected first are
/// forgotten.
const MOST_SLOW: usize = 100;

/// The hosts in use, the hosts in a pause, the slow sites, and the number of workers per source.
#[derive(Debug, Default)]
pub struct Hosts {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// For each host in use, the start of the request.
    in_use: HashMap<String, Instant>,
    resting: HashMap<String, Instant>,
    slow: HashMap<String, Instant>,
    /// For each source, the number of workers that process a read of it.
    shares: HashMap<SourceId, usize>,
    /// The time when the first host that another process uses may be free.
    elsewhere: Option<Instant>,
}

/// The hosts and sources whose work must not be picked now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// Hosts. A site with all its hosts is written as `*.acme.example`.
    pub hosts: Vec<String>,
    /// Sources whose reads occupy their share of the workers.
    pub sources: Vec<SourceId>,
}

impl Inner {
    fn begin(&mut self, host: &str, now: Instant) {
        self.in_use.insert(host.to_owned(), now);
    }

    fn end(&mut self, host: &str, ready: Option<Instant>, now: Instant) {
        let site = site_of(host).to_owned();
        if self.in_use.remove(host).is_some_and(|since| now.duration_since(since) >= SLOW) {
            let oldest = self.slow.iter().min_by_key(|(_, at)| **at).map(|(site, _)| site.clone());
            if let Some(oldest) = oldest.filter(|_| self.slow.len() >= MOST_SLOW) {
                self.slow.remove(&oldest);
            }
            self.slow.insert(site, now);
        } else {
            self.slow.remove(&site);
        }
        if let Some(ready) = ready.filter(|at| *at > now) {
            self.resting.insert(host.to_owned(), ready);
        }
    }

    fn busy(&mut self, workers: usize, now: Instant) -> Busy {
        self.resting.retain(|_, ready| *ready > now);
        self.slow.retain(|_, at| now.duration_since(*at) < SLOW_FOR);
        let mut hosts: Vec<String> = self.in_use.keys().chain(self.resting.keys()).cloned().collect();
        let quarter = (workers / 4).max(1);
        let mut of_site: HashMap<&str, usize> = HashMap::new();
        let mut slow: Vec<&str> = Vec::new();
        for (host, since) in &self.in_use {
            let site = site_of(host);
            *of_site.entry(site).or_default() += 1;
            if self.slow.contains_key(site) || now.duration_since(*since) >= SLOW {
                slow.push(site);
            }
        }
        let full = of_site.iter().filter(|(_, held)| **held >= quarter).map(|(site, _)| *site);
        let mut sites: Vec<&str> = full.collect();
        if slow.len() >= quarter {
            sites.extend(slow);
            sites.extend(self.slow.keys().map(String::as_str));
        }
        sites.sort_unstable();
        sites.dedup();
        hosts.extend(sites.into_iter().map(|site| format!("*.{site}")));
        // One worker alone has nobody to keep a share for.
        let half = if workers > 1 { workers / 2 } else { usize::MAX };
        let sources = self.shares.iter().filter(|(_, held)| **held >= half).map(|(source, _)| *source);
        Busy { sources: sources.collect(), hosts }
    }
}

impl Hosts {
    /// Marks `host` as in use for one request, until the guard is dropped.
    pub fn take<'a>(&'a self, host: &str, fetcher: &'a Fetcher) -> HostInUse<'a> {
        self.lock().begin(host, Instant::now());
        HostInUse { hosts: self, fetcher, host: host.to_owned() }
    }

    /// Counts a worker that processes a read of this source, until the guard is dropped.
    pub fn share(&self, source: SourceId) -> Share<'_> {
        *self.lock().shares.entry(source).or_default() += 1;
        Share { hosts: self, source }
    }

    /// The hosts in use or in a pause, and the sources and sites that occupy their share of this
    /// number of workers.
    pub fn busy(&self, workers: usize) -> Busy {
        self.lock().busy(workers, Instant::now())
    }

    /// Adds to `busy` the hosts that other processes use according to the database.
    pub fn leave_to_others(&self, busy: &mut Busy, others: Vec<BusyHost>) {
        let mut inner = self.lock();
        let now = Instant::now();
        let foreign = others.into_iter().filter(|other| !busy.hosts.contains(&other.host));
        let foreign: Vec<BusyHost> = foreign.collect();
        let free = foreign.iter().map(|other| now + other.free_in.unwrap_or(IN_USE));
        inner.elsewhere = free.min();
        busy.hosts.extend(foreign.into_iter().map(|other| other.host));
    }

    /// The time when the first host that another process uses may be free.
    pub fn next_elsewhere(&self) -> Option<Instant> {
        self.lock().elsewhere
    }

    /// The time when the first host in a short pause is ready again.
    pub fn next_ready(&self) -> Option<Instant> {
        let soon = Instant::now() + SHORT_REST;
        self.lock().resting.values().filter(|ready| **ready <= soon).min().copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A guard that marks a host as in use for one request.
#[derive(Debug)]
pub struct HostInUse<'a> {
    hosts: &'a Hosts,
    fetcher: &'a Fetcher,
    host: String,
}

impl Drop for HostInUse<'_> {
    fn drop(&mut self) {
        let ready = self.fetcher.host_ready_at(&self.host);
        self.hosts.lock().end(&self.host, ready, Instant::now());
    }
}

/// A guard that counts a worker for a source.
#[derive(Debug)]
pub struct Share<'a> {
    hosts: &'a Hosts,
    source: SourceId,
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut inner = self.hosts.lock();
        if let Some(held) = inner.shares.get_mut(&self.source) {
            *held -= 1;
            if *held == 0 {
                inner.shares.remove(&self.source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut hosts: Vec<String>) -> Vec<String> {
        hosts.sort();
        hosts
    }

    #[test]
    fn one_source_takes_half_of_the_workers_at_most() {
        let hosts = Hosts::default();
        let mut shares: Vec<Share<'_>> = (0..3).map(|_| hosts.share(SourceId(1))).collect();
        let _other = hosts.share(SourceId(2));
        assert_eq!(hosts.busy(8).sources, []);
        shares.push(hosts.share(SourceId(1)));
        assert_eq!(hosts.busy(8).sources, [SourceId(1)]);
        assert_eq!(hosts.busy(1).sources, []);
        shares.pop();
        assert_eq!(hosts.busy(8).sources, []);
        drop(shares);
        assert_eq!(hosts.lock().shares.len(), 1, "nothing is remembered of who has no read");
    }

    #[test]
    fn one_site_takes_a_quarter_of_the_workers_at_most() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        inner.begin("a.acme.example", now);
        inner.begin("bolt.example", now);
        assert_eq!(sorted(inner.busy(8, now).hosts), ["a.acme.example", "bolt.example"]);
        inner.begin("b.acme.example", now);
        let busy = ["*.acme.example", "a.acme.example", "b.acme.example", "bolt.example"];
        assert_eq!(sorted(inner.busy(8, now).hosts), busy);
        inner.end("a.acme.example", None, now);
        assert_eq!(sorted(inner.busy(8, now).hosts), ["b.acme.example", "bolt.example"]);
    }

    #[test]
    fn slow_sites_share_a_lane() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        for n in 0..10 {
            let host = format!("www.slow{n}.example");
            inner.begin(&host, now);
            inner.end(&host, None, now + SLOW);
        }
        let later = now + SLOW;
        assert_eq!(inner.busy(8, later).hosts.len(), 0);
        inner.begin("other.slow0.example", later);
        assert_eq!(inner.busy(8, later).hosts, ["other.slow0.example"]);
        inner.begin("www.slow1.example", later);
        assert_eq!(inner.busy(8, later).hosts.len(), 12, "two of eight workers are the lane");
        inner.end("other.slow0.example", None, later);
        assert_eq!(inner.busy(8, later).hosts.len(), 1, "a site that answers at once is slow no more");
        // Who holds a worker right now is slow before the end.
        inner.begin("new.example", later);
        assert!(inner.busy(8, later + SLOW).hosts.contains(&"*.slow9.example".to_owned()));
        assert_eq!(inner.busy(8, later + SLOW_FOR * 2).hosts.len(), 4);
    }

    #[test]
    fn slow_sites_are_remembered_in_bounds() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        for n in 0..(MOST_SLOW as u32 * 2) {
            let host = format!("h{n}.example");
            inner.begin(&host, now);
            inner.end(&host, None, now + SLOW + Duration::from_millis(n.into()));
        }
        assert_eq!(inner.slow.len(), MOST_SLOW);
        assert!(inner.slow.contains_key(&format!("h{}.example", MOST_SLOW * 2 - 1)));
    }
}

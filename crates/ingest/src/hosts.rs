//! Which hosts are being asked at this moment, so that workers pick work elsewhere instead of queueing behind one host. And
//! fair shares: slow hosts have a lane of a few workers, and the pages of one source never take all of them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use backissue_fetch::Fetcher;
use backissue_model::SourceId;

/// A rest longer than this was asked for by the host itself (`Retry-After`), and nobody sits waiting for its end.
const SHORT_REST: Duration = Duration::from_secs(15);

/// A host that held a worker for so long is slow, and for how long it is taken for slow.
const SLOW: Duration = Duration::from_secs(8);
const SLOW_FOR: Duration = Duration::from_secs(3600);

/// Most hosts that are remembered as slow; those that were found so first are forgotten first.
const MOST_SLOW: usize = 400;

/// The hosts in use, those that were just used and rest, and those that are slow.
#[derive(Debug, Default)]
pub struct Hosts {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    in_use: HashMap<String, Use>,
    resting: HashMap<String, Instant>,
    slow: HashMap<String, Instant>,
}

#[derive(Debug)]
struct Use {
    since: Instant,
    /// Whose page is fetched there.
    source: Option<SourceId>,
}

/// What cannot be picked now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// Hosts that are being asked or rest, and slow ones while others hold their lane.
    pub hosts: Vec<String>,
    /// Sources whose pages hold their share of workers.
    pub sources: Vec<SourceId>,
}

impl Inner {
    fn begin(&mut self, host: &str, source: Option<SourceId>, now: Instant) {
        self.in_use.insert(host.to_owned(), Use { since: now, source });
    }

    fn end(&mut self, host: &str, ready: Option<Instant>, now: Instant) {
        let held = self.in_use.remove(host).map(|used| now.duration_since(used.since));
        if held.is_some_and(|held| held >= SLOW) {
            if self.slow.len() >= MOST_SLOW
                && let Some(oldest) =
                    self.slow.iter().min_by_key(|(_, at)| **at).map(|(host, _)| host.clone())
            {
                self.slow.remove(&oldest);
            }
            self.slow.insert(host.to_owned(), now);
        } else {
            self.slow.remove(host);
        }
        if let Some(ready) = ready.filter(|at| *at > now) {
            self.resting.insert(host.to_owned(), ready);
        }
    }

    fn busy(&mut self, workers: usize, now: Instant) -> Busy {
        self.resting.retain(|_, ready| *ready > now);
        self.slow.retain(|_, at| now.duration_since(*at) < SLOW_FOR);
        let mut hosts: Vec<String> = self.in_use.keys().chain(self.resting.keys()).cloned().collect();
        let is_slow = |host: &String, used: &Use| {
            self.slow.contains_key(host) || now.duration_since(used.since) >= SLOW
        };
        let in_lane = self.in_use.iter().filter(|(host, used)| is_slow(host, used)).count();
        if in_lane >= (workers / 4).max(1) {
            hosts.extend(self.slow.keys().filter(|host| !self.in_use.contains_key(*host)).cloned());
        }
        let mut shares: HashMap<SourceId, usize> = HashMap::new();
        for source in self.in_use.values().filter_map(|used| used.source) {
            *shares.entry(source).or_default() += 1;
        }
        let share = (workers / 2).max(1);
        let sources = shares.into_iter().filter(|(_, held)| *held >= share).map(|(source, _)| source);
        // One worker alone has nobody to keep a share for.
        let sources = sources.filter(|_| workers > 1).collect();
        Busy { hosts, sources }
    }
}

impl Hosts {
    /// Takes `host` for one request; it is given back when the guard is dropped. `source` is the one whose page is asked for.
    pub fn take<'a>(&'a self, host: &str, source: Option<SourceId>, fetcher: &'a Fetcher) -> HostInUse<'a> {
        self.lock().begin(host, source, Instant::now());
        HostInUse { hosts: self, fetcher, host: host.to_owned() }
    }

    /// Hosts that cannot be asked now, and sources that have to wait, where there are so many workers.
    pub fn busy(&self, workers: usize) -> Busy {
        self.lock().busy(workers, Instant::now())
    }

    /// When the first of the hosts that only pause between two requests can be asked again.
    pub fn next_ready(&self) -> Option<Instant> {
        let soon = Instant::now() + SHORT_REST;
        self.lock().resting.values().filter(|ready| **ready <= soon).min().copied()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A host taken for one request.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_takes_half_of_the_workers_at_most() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        for n in 0..3 {
            inner.begin(&format!("h{n}.example"), Some(SourceId(1)), now);
        }
        inner.begin("feed.example", None, now);
        assert_eq!(inner.busy(8, now).sources, []);
        inner.begin("h3.example", Some(SourceId(1)), now);
        assert_eq!(inner.busy(8, now).sources, [SourceId(1)]);
        assert_eq!(inner.busy(1, now).sources, []);
        inner.end("h0.example", None, now);
        assert_eq!(inner.busy(8, now).sources, []);
    }

    #[test]
    fn slow_hosts_share_a_lane() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        let hosts: Vec<String> = (0..10).map(|n| format!("slow{n}.example")).collect();
        for host in &hosts {
            inner.begin(host, None, now);
            inner.end(host, None, now + SLOW);
        }
        let later = now + SLOW;
        assert_eq!(inner.busy(8, later).hosts.len(), 0);
        inner.begin(&hosts[0], None, later);
        assert_eq!(inner.busy(8, later).hosts, [hosts[0].clone()]);
        inner.begin(&hosts[1], None, later);
        assert_eq!(inner.busy(8, later).hosts.len(), 10, "two of eight workers are the lane");
        inner.end(&hosts[0], None, later);
        assert_eq!(inner.busy(8, later).hosts.len(), 1, "who answers at once is slow no more");
        // Who holds a worker right now is slow before the end.
        inner.begin("new1.example", None, later);
        assert!(inner.busy(8, later + SLOW).hosts.len() > 9);
        assert_eq!(inner.busy(8, later + SLOW_FOR * 2).hosts.len(), 2);
    }

    #[test]
    fn slow_hosts_are_remembered_in_bounds() {
        let (mut inner, now) = (Inner::default(), Instant::now());
        for n in 0..(MOST_SLOW as u32 * 2) {
            let host = format!("h{n}.example");
            inner.begin(&host, None, now);
            inner.end(&host, None, now + SLOW + Duration::from_millis(n.into()));
        }
        assert_eq!(inner.slow.len(), MOST_SLOW);
        assert!(inner.slow.contains_key(&format!("h{}.example", MOST_SLOW * 2 - 1)));
    }
}

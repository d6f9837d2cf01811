//! Which hosts are being asked at this moment, so that workers pick work elsewhere instead of queueing behind one host.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use backissue_fetch::Fetcher;

/// A rest longer than this was asked for by the host itself (`Retry-After`), and nobody sits waiting for its end.
const SHORT_REST: Duration = Duration::from_secs(15);

/// The hosts in use, and those that were just used and rest.
#[derive(Debug, Default)]
pub struct Hosts {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    in_use: HashSet<String>,
    resting: HashMap<String, Instant>,
}

impl Hosts {
    /// Takes `host` for one request; it is given back when the guard is dropped.
    pub fn take<'a>(&'a self, host: &str, fetcher: &'a Fetcher) -> HostInUse<'a> {
        self.lock().in_use.insert(host.to_owned());
        HostInUse { hosts: self, fetcher, host: host.to_owned() }
    }

    /// Hosts that cannot be asked now.
    pub fn busy(&self) -> Vec<String> {
        let mut inner = self.lock();
        let now = Instant::now();
        inner.resting.retain(|_, ready| *ready > now);
        inner.in_use.iter().chain(inner.resting.keys()).cloned().collect()
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
        let mut inner = self.hosts.lock();
        inner.in_use.remove(&self.host);
        if let Some(ready) = ready.filter(|at| *at > Instant::now()) {
            inner.resting.insert(std::mem::take(&mut self.host), ready);
        }
    }
}

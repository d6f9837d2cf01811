//! Slows down attempts to guess passwords: per address, per account and in all.
//!
//! Each attempt counts as a failure before its password is verified, so that concurrent attempts
//! are counted too. After some failures, the next attempt must wait, twice as long each time. No
//! account or address is locked permanently. Memory is bounded, and nothing is stored.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Number of failures of an address after which attempts must wait.
const FREE: u32 = 5;
/// Number of failures of an account after which attempts must wait.
const FREE_OF_ACCOUNT: u32 = 10;
/// Number of failures of all addresses together after which attempts must wait.
const FREE_IN_ALL: u32 = 20;
/// The longest wait of an address.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// The longest wait because of an account or of all addresses. It also applies to a proxy on this
/// machine, through which all clients connect. It is short, because an attacker must not lock out
/// the owner.
const LONGEST_IN_ALL: Duration = Duration::from_secs(30);
/// Failures are forgotten this long after the last one.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60 * 60);
/// Maximum addresses, and accounts. The one whose last failure is oldest is dropped for a new one.
const ADDRESSES_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Throttle(Mutex<Failures>);

#[derive(Debug, Default)]
struct Failures {
    by_address: HashMap<IpAddr, Count>,
    /// Failures by the hash of the entered name, whether such an account exists or not.
    by_account: HashMap<u64, Count>,
    in_all: Option<Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    failures: u32,
    last: Instant,
}

impl Throttle {
    /// Counts an attempt as a failure, until [`Throttle::succeeded`].
    ///
    /// # Errors
    /// If the attempt is too early, the time to wait. The attempt is not counted.
    pub(crate) fn attempt(&self, address: IpAddr, account: &str, now: Instant) -> Result<(), Duration> {
        let mut failures = self.lock();
        let (address, account) = (network(address), hash(account));
        let longest = if address.is_loopback() { LONGEST_IN_ALL } else { LONGEST };
        let own = failures.by_address.get(&address).copied().filter(|count| !count.is_over(now));
        let of_account = failures.by_account.get(&account).copied().filter(|count| !count.is_over(now));
        let in_all = failures.in_all.filter(|count| !count.is_over(now));
        let waits = [
            of_account.map(|account| account.wait(FREE_OF_ACCOUNT, LONGEST_IN_ALL, now)),
            own.map(|own| own.wait(FREE, longest, now)),
            in_all.map(|all| all.wait(FREE_IN_ALL, LONGEST_IN_ALL, now)),
        ];
        let wait = waits.into_iter().flatten().max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        add(&mut failures.by_address, address, Count::after(own, now));
        add(&mut failures.by_account, account, Count::after(of_account, now));
        failures.in_all = Some(Count::after(in_all, now));
        Ok(())
    }

    /// Removes the failures of an address, and one failure of the account and of all addresses,
    /// because the last attempt succeeded.
    pub(crate) fn succeeded(&self, address: IpAddr, account: &str) {
        let mut failures = self.lock();
        failures.by_address.remove(&network(address));
        let Failures { by_account, in_all, .. } = &mut *failures;
        for count in by_account.get_mut(&hash(account)).into_iter().chain(in_all) {
            count.failures = count.failures.saturating_sub(1);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Failures> {
        // A panic while it was locked cannot have left it half changed in a way that matters.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn add<K: Copy + Eq + Hash>(counts: &mut HashMap<K, Count>, key: K, count: Count) {
    if counts.len() >= ADDRESSES_MAX && !counts.contains_key(&key) {
        let now = count.last;
        counts.retain(|_, count| !count.is_over(now));
        if counts.len() >= ADDRESSES_MAX
            && let Some(oldest) = counts.iter().min_by_key(|(_, count)| count.last).map(|(key, _)| *key)
        {
            counts.remove(&oldest);
        }
    }
    counts.insert(key, count);
}

fn hash(account: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(account.as_bytes())
}

impl Count {
    fn after(before: Option<Self>, now: Instant) -> Self {
        Self { failures: before.map_or(0, |count| count.failures).saturating_add(1), last: now }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.last) >= FORGOTTEN_AFTER
    }

    /// The remaining wait: a second after the first failure above `free`, then twice as long each
    /// time.
    fn wait(&self, free: u32, longest: Duration, now: Instant) -> Duration {
        if self.failures < free {
            return Duration::ZERO;
        }
        let whole = Duration::from_secs(1 << (self.failures - free).min(20)).min(longest);
        whole.saturating_sub(now.duration_since(self.last))
    }
}

/// The network of an address. For IPv6 it has 64 bits, because one customer has such a network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 1));

    fn v6(last: u16, network: u16) -> IpAddr {
        Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, 0, last).into()
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn guesses_from_one_address_are_slowed() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for n in 0..5 {
            assert_eq!(throttle.attempt(ONE, "one", start), Ok(()), "{n}");
        }
        assert_eq!(throttle.attempt(ONE, "one", start), Err(seconds(1)));
        assert_eq!(throttle.attempt(v6(1, 1), "one", start), Ok(()), "others need not wait");
        assert_eq!(throttle.attempt(ONE, "one", start + seconds(1)), Ok(()));
        assert_eq!(throttle.attempt(ONE, "one", start + seconds(1)), Err(seconds(2)));
        let mut now = start;
        for _ in 0..40 {
            let wait = throttle.attempt(ONE, "one", now).err().unwrap_or_default();
            assert!(wait <= LONGEST);
            now += wait;
        }
        assert!(now - start > seconds(3600), "{:?}", now - start);
        throttle.succeeded(ONE, "one");
        assert_eq!(throttle.attempt(ONE, "one", now + LONGEST_IN_ALL), Ok(()));
    }

    #[test]
    fn guesses_from_many_addresses_are_slowed_in_all() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for n in 0..20 {
            assert_eq!(throttle.attempt(v6(1, n), &n.to_string(), start), Ok(()), "{n}");
        }
        assert_eq!(throttle.attempt(ONE, "one", start), Err(seconds(1)));
        for n in 0..100 {
            let tried = throttle.attempt(v6(1, 100 + n), &n.to_string(), start + seconds(n.into()));
            let wait = tried.err().unwrap_or_default();
            assert!(wait <= LONGEST_IN_ALL);
        }
        assert_eq!(throttle.attempt(ONE, "one", start + FORGOTTEN_AFTER * 2), Ok(()));
    }

    #[test]
    fn guesses_for_one_account_are_slowed_but_never_lock_it() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for n in 0..10 {
            assert_eq!(throttle.attempt(v6(1, n), "anna", start), Ok(()), "{n}");
        }
        assert_eq!(throttle.attempt(ONE, "anna", start), Err(seconds(1)));
        assert_eq!(throttle.attempt(ONE, "ben", start), Ok(()), "another account need not wait");
        let mut now = start;
        for n in 0..100 {
            let wait = throttle.attempt(v6(2, n), "anna", now).err().unwrap_or_default();
            assert!(wait <= LONGEST_IN_ALL, "{wait:?}");
            now += wait;
        }
        throttle.succeeded(ONE, "anna");
        assert!(throttle.attempt(v6(3, 1), "anna", now).is_err(), "the guesses are not forgotten");
    }

    #[test]
    fn one_network_is_one_address_and_memory_is_bounded() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for n in 0..5 {
            assert_eq!(throttle.attempt(v6(n, 7), "one", start), Ok(()));
        }
        assert!(throttle.attempt(v6(99, 7), "one", start).is_err());
        for n in 0..30_000u32 {
            let address = IpAddr::V4(n.into());
            let _ = throttle.attempt(address, &n.to_string(), start + FORGOTTEN_AFTER * n);
        }
        for n in 0..ADDRESSES_MAX as u32 + 500 {
            throttle.lock().in_all = None;
            let (address, account) = (IpAddr::V4(n.into()), n.to_string());
            assert_eq!(throttle.attempt(address, &account, start + FORGOTTEN_AFTER * 40_000), Ok(()));
        }
        assert_eq!(throttle.lock().by_account.len(), ADDRESSES_MAX);
        assert_eq!(throttle.lock().by_address.len(), ADDRESSES_MAX);
    }
}

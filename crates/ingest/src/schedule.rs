//! When to ask again, and when to give up: pure functions of what happened and what time it is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Attempts at one arrow of a read's way before the read is set aside. With [`read_retry`]'s pauses the last one comes
/// about a day and a half after the first.
pub const READ_ATTEMPTS: u32 = 6;

/// The longest pause between two polls of a source that keeps failing.
pub const LONGEST_POLL_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// The longest a server's wish (`Retry-After`, `max-age`) is obeyed.
const LONGEST_WISH: SignedDuration = SignedDuration::from_hours(48);

/// When to poll a source again after an answer: after `every`, or later where the answer may be kept longer, up to a day.
pub fn next_poll(now: Timestamp, every: SignedDuration, max_age: Option<Duration>) -> Timestamp {
    later(now, every.max(wish(max_age).min(LONGEST_POLL_PAUSE)))
}

/// When to poll a source again after its poll failed for the `failures`-th time in a row (1 for the first): a quarter of
/// an hour, doubling up to a day, or when the server asked for it.
pub fn poll_retry(now: Timestamp, failures: u32, retry_after: Option<Duration>, seed: i64) -> Timestamp {
    let pause = doubled(SignedDuration::from_mins(15), failures, 1).min(LONGEST_POLL_PAUSE);
    later(now, jittered(pause, seed).max(wish(retry_after)))
}

/// When to try again what failed because this machine has no network: soon, for it is nobody's fault out there.
pub fn offline_retry(now: Timestamp) -> Timestamp {
    later(now, SignedDuration::from_mins(1))
}

/// When to try a read again after its `attempts`-th failure (1 for the first): five minutes, four times as long each time,
/// or when the server asked for it. None where it is to be set aside.
pub fn read_retry(
    now: Timestamp,
    attempts: u32,
    retry_after: Option<Duration>,
    seed: i64,
) -> Option<Timestamp> {
    if attempts >= READ_ATTEMPTS {
        return None;
    }
    let pause = doubled(SignedDuration::from_mins(5), attempts, 2).min(LONGEST_POLL_PAUSE);
    Some(later(now, jittered(pause, seed).max(wish(retry_after))))
}

fn wish(asked: Option<Duration>) -> SignedDuration {
    let asked = asked.and_then(|d| SignedDuration::try_from(d).ok()).unwrap_or(SignedDuration::ZERO);
    asked.min(LONGEST_WISH)
}

/// `first` times 2^(`doublings` × (`nth` − 1)).
fn doubled(first: SignedDuration, nth: u32, doublings: u32) -> SignedDuration {
    let factor = 1i32 << (nth.saturating_sub(1).min(10) * doublings).min(20);
    first.saturating_mul(factor)
}

/// Up to a fifth more, by `seed`, so that what failed together is not tried again together.
fn jittered(pause: SignedDuration, seed: i64) -> SignedDuration {
    let share = i32::try_from(seed.wrapping_mul(2_654_435_761).rem_euclid(1000)).unwrap_or(0);
    pause.saturating_add(pause / 5000 * share)
}

fn later(now: Timestamp, pause: SignedDuration) -> Timestamp {
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-05-11T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_read_is_set_aside_after_its_last_attempt_and_not_before() {
        for attempts in 1..READ_ATTEMPTS {
            assert!(read_retry(now(), attempts, None, 7).is_some(), "{attempts}");
        }
        assert_eq!(read_retry(now(), READ_ATTEMPTS, None, 7), None);
    }

    #[test]
    fn a_server_that_asks_for_patience_gets_it_up_to_two_days() {
        let asked = |hours: u64| Some(Duration::from_secs(hours * 3600));
        assert_eq!(poll_retry(now(), 1, asked(5), 1), now() + SignedDuration::from_hours(5));
        assert_eq!(poll_retry(now(), 1, asked(500), 1), now() + SignedDuration::from_hours(48));
        assert_eq!(
            next_poll(now(), SignedDuration::from_hours(1), asked(6)),
            now() + SignedDuration::from_hours(6)
        );
        assert_eq!(
            next_poll(now(), SignedDuration::from_hours(1), asked(90)),
            now() + SignedDuration::from_hours(24)
        );
        assert_eq!(
            next_poll(now(), SignedDuration::from_hours(1), None),
            now() + SignedDuration::from_hours(1)
        );
    }

    proptest! {
        #[test]
        fn pauses_grow_and_stay_within_a_day_and_a_fifth(nth in 1u32..200, seed: i64) {
            let pause = |n| poll_retry(now(), n, None, seed).duration_since(now());
            prop_assert!(pause(nth) >= SignedDuration::from_mins(15));
            prop_assert!(pause(nth) <= LONGEST_POLL_PAUSE * 6 / 5);
            prop_assert!(pause(nth + 1) >= pause(nth));
        }
    }
}

//! Decides when to poll, when to retry, and when to give up. All functions depend only on events
//! and the current time.
//!
//! A source is polled again after a tenth of the usual time between two of its reads. So on
//! average, a read is in the archive after a twentieth of that time. A source that publishes every
//! ten hours is polled hourly; one that publishes every ten days or less is polled daily. The pause
//! is at least the setting `poll_every`. It is up to a day longer if the server or the feed demands
//! that.

use std::time::Duration;

use backissue_model::{Because, Pace, PollingHints};
use backissue_store::NextPoll;
use jiff::{SignedDuration, Timestamp};

/// Maximum attempts at one step of a read. With [`read_retry`]'s pauses, the last attempt is about
/// a day and a half after the first.
pub const READ_ATTEMPTS: u32 = 6;

/// The longest pause between two polls of a source, whatever it publishes or demands, and however
/// often it fails.
pub const LONGEST_POLL_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// The longest pause that a server can demand (`Retry-After`).
const LONGEST_WISH: SignedDuration = SignedDuration::from_hours(48);

/// The longest time by which a feed's excluded hours and days can postpone a poll: over a weekend.
const LONGEST_SKIP: SignedDuration = SignedDuration::from_hours(72);

/// Number of polls in the usual time between two reads.
const POLLS_A_READ: i32 = 10;

/// Facts about a successfully polled source that decide the time of its next poll.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The times when its newest reads appeared.
    pub appeared: &'a [Timestamp],
    /// The feed's hints about polling.
    pub polling_hints: &'a PollingHints,
    /// How long the response may be used without asking the server again.
    pub max_age: Option<Duration>,
    /// Whether a hub notifies of changes, so that polls only catch what it misses.
    pub has_hub: bool,
    /// The shortest pause between two polls of any source.
    pub poll_every: SignedDuration,
    /// A number that differs between sources, so that they are not polled at the same time.
    pub seed: i64,
}

/// The time of the next poll after a successful one, and the reason; see the [module](self). Adds
/// up to a tenth of the pause, so that polls of sources are spread over time.
pub fn next_poll(now: Timestamp, known: &Answered<'_>) -> NextPoll {
    let gap = usual_gap(now, known.appeared);
    let (rhythm, because) = match gap {
        _ if known.has_hub => (LONGEST_POLL_PAUSE, Because::Hub),
        Some(gap) => (gap / POLLS_A_READ, Because::Rhythm),
        None => (LONGEST_POLL_PAUSE, Because::Rhythm),
    };
    let polling_hints = [
        (known.max_age.and_then(|age| SignedDuration::try_from(age).ok()), Because::Server),
        (known.polling_hints.pause, Because::Feed),
    ];
    let mut pace = Pace { gap, pause: within(rhythm, known.poll_every), because };
    for (wish, because) in polling_hints {
        let pause = within(wish.unwrap_or_default(), known.poll_every);
        if pause > pace.pause {
            pace = Pace { pause, because, ..pace };
        }
    }
    let soonest = later(now, with_share(pace.pause, 10, known.seed));
    let at = first_allowed(soonest, known.polling_hints, known.seed);
    if at != soonest {
        pace = Pace { pause: at.duration_since(now), because: Because::SkippedTimes, ..pace };
    }
    NextPoll { at: Some(at), pace: Some(pace) }
}

/// The next poll after a failed one, with the given time and reason.
pub fn next_try(now: Timestamp, appeared: &[Timestamp], at: Timestamp, because: Because) -> NextPoll {
    let pace = Pace { gap: usual_gap(now, appeared), pause: at.duration_since(now), because };
    NextPoll { at: Some(at), pace: Some(pace) }
}

/// The usual time between two reads: the time since the oldest of these appeared, divided by their
/// number. It grows while nothing new appears. Returns `None` if there are none.
pub fn usual_gap(now: Timestamp, appeared: &[Timestamp]) -> Option<SignedDuration> {
    let oldest = appeared.iter().min()?;
    let shares = i32::try_from(appeared.len()).unwrap_or(i32::MAX);
    Some(now.duration_since(*oldest).max(SignedDuration::ZERO) / shares)
}

/// The time of the next poll after a hub's notification: immediately, but at least a minute (or
/// `poll_every` if that is shorter) after the last poll, however many notifications arrive.
pub fn told_by_hub(now: Timestamp, last_poll: Option<Timestamp>, poll_every: SignedDuration) -> Timestamp {
    let pause = SignedDuration::from_mins(1).min(poll_every);
    last_poll.map_or(now, |last| later(last, pause).max(now).min(later(now, pause)))
}

/// The requested lease of a subscription. The hub may grant another one.
pub const HUB_LEASE: SignedDuration = SignedDuration::from_hours(10 * 24);

/// The end of a lease that a hub granted, and the time to renew it. The lease is the requested one
/// if the hub does not say, and at most a month. It is renewed after nine tenths of it, and at
/// least an hour.
pub fn hub_lease(now: Timestamp, granted: Option<u64>) -> (Timestamp, Timestamp) {
    const MONTH: SignedDuration = SignedDuration::from_hours(30 * 24);
    let granted = granted.and_then(|seconds| i64::try_from(seconds).ok()).map(SignedDuration::from_secs);
    let lease = granted.unwrap_or(HUB_LEASE).min(MONTH);
    let renewal = (lease / 10 * 9).max(SignedDuration::from_hours(1));
    (later(now, lease), later(now, renewal))
}

/// The next request to a hub that failed or did not confirm for the `attempts`-th time in a row (1
/// for the first): after an hour, doubling up to a week, or as the hub demands.
pub fn hub_retry(now: Timestamp, attempts: u32, retry_after: Option<Duration>, seed: i64) -> Timestamp {
    let pause = doubled(SignedDuration::from_hours(1), attempts, 1).min(LONGEST_HUB_PAUSE);
    later(now, with_share(pause, 5, seed).max(wish(retry_after)))
}

/// The longest pause before the next request to a hub that does not confirm, and the pause after a
/// refusal.
pub const LONGEST_HUB_PAUSE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Limits a pause to at least `poll_every`, and otherwise to at most a day.
fn within(pause: SignedDuration, poll_every: SignedDuration) -> SignedDuration {
    pause.min(LONGEST_POLL_PAUSE).max(poll_every)
}

/// The first time from `soonest` on that the feed's hints do not exclude. Returns `soonest` if none
/// is near.
fn first_allowed(soonest: Timestamp, polling_hints: &PollingHints, seed: i64) -> Timestamp {
    if is_allowed(soonest, polling_hints) {
        return soonest;
    }
    let hour = SignedDuration::from_hours(1);
    let begun = SignedDuration::from_secs(soonest.as_second().rem_euclid(3600));
    let first = later(soonest, hour - begun);
    let hours = (0..LONGEST_SKIP.as_hours()).map(|n| later(first, SignedDuration::from_hours(n)));
    let free = hours.into_iter().find(|at| is_allowed(*at, polling_hints));
    // Not all of them at the full hour.
    free.map_or(soonest, |at| later(at, share_of(hour, 2, seed)))
}

fn is_allowed(at: Timestamp, polling_hints: &PollingHints) -> bool {
    let at = jiff::tz::TimeZone::UTC.to_datetime(at);
    !polling_hints.skip_hours.contains(&at.hour())
        && !polling_hints.skip_days.contains(&at.date().weekday().to_monday_one_offset())
}

/// The next poll after the `failures`-th failure in a row (1 for the first): after 15 minutes,
/// doubling up to a day, or as the server demands.
pub fn poll_retry(now: Timestamp, failures: u32, retry_after: Option<Duration>, seed: i64) -> Timestamp {
    let pause = doubled(SignedDuration::from_mins(15), failures, 1).min(LONGEST_POLL_PAUSE);
    later(now, with_share(pause, 5, seed).max(wish(retry_after)))
}

/// The next attempt after this machine was offline: soon, because no server is at fault.
pub fn offline_retry(now: Timestamp) -> Timestamp {
    later(now, SignedDuration::from_mins(1))
}

/// The next attempt at a read after its `attempts`-th failure (1 for the first): after five
/// minutes, four times as long each time, or as the server demands. Returns `None` if it is to be
/// set aside.
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
    Some(later(now, with_share(pause, 5, seed).max(wish(retry_after))))
}

fn wish(asked: Option<Duration>) -> SignedDuration {
    let asked = asked.and_then(|d| SignedDuration::try_from(d).ok()).unwrap_or(SignedDuration::ZERO);
    asked.min(LONGEST_WISH)
}

/// The pause `first` × 2^(`doublings` × (`nth` − 1)).
fn doubled(first: SignedDuration, nth: u32, doublings: u32) -> SignedDuration {
    let factor = 1i32 << (nth.saturating_sub(1).min(10) * doublings).min(20);
    first.saturating_mul(factor)
}

/// Adds up to a `part`th to a pause, depending on `seed`, so that events at the same time are not
/// repeated at the same time.
fn with_share(pause: SignedDuration, part: i32, seed: i64) -> SignedDuration {
    pause.saturating_add(share_of(pause, part, seed))
}

/// Up to a `part`th of a pause, depending on `seed`.
fn share_of(pause: SignedDuration, part: i32, seed: i64) -> SignedDuration {
    let share = i32::try_from(seed.wrapping_mul(2_654_435_761).rem_euclid(1000)).unwrap_or(0);
    pause / (1000 * part) * share
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
    fn read_is_set_aside_after_its_last_attempt() {
        for attempts in 1..READ_ATTEMPTS {
            assert!(read_retry(now(), attempts, None, 7).is_some(), "{attempts}");
        }
        assert_eq!(read_retry(now(), READ_ATTEMPTS, None, 7), None);
    }

    #[test]
    fn retry_after_is_obeyed_up_to_two_days() {
        let asked = |hours: u64| Some(Duration::from_secs(hours * 3600));
        assert_eq!(poll_retry(now(), 1, asked(5), 1), now() + hours(5));
        assert_eq!(poll_retry(now(), 1, asked(500), 1), now() + hours(48));
    }

    fn hours(hours: i64) -> SignedDuration {
        SignedDuration::from_hours(hours)
    }

    /// Times that are these numbers of hours ago.
    fn ago(hours_ago: impl IntoIterator<Item = i64>) -> Vec<Timestamp> {
        hours_ago.into_iter().map(|ago| now() - hours(ago)).collect()
    }

    fn answered<'a>(appeared: &'a [Timestamp], polling_hints: &'a PollingHints) -> Answered<'a> {
        Answered { appeared, polling_hints, max_age: None, has_hub: false, poll_every: hours(1), seed: 0 }
    }

    fn pace(known: &Answered<'_>) -> Pace {
        next_poll(now(), known).pace.unwrap()
    }

    #[test]
    fn frequent_publishers_are_polled_often() {
        let none = PollingHints::default();
        for (what, every, asked) in [
            ("six times a day", 4, hours(1)),
            ("daily", 24, hours(24) * 9 / 100),
            ("twice a week", 84, hours(84) * 9 / 100),
            ("weekly", 168, hours(168) * 9 / 100),
            ("monthly", 720, hours(24)),
        ] {
            // Ten reads, the newest of which has just appeared.
            let appeared = ago((0..10).map(|n| n * every));
            let pace = pace(&answered(&appeared, &none));
            assert_eq!((pace.pause, pace.because), (asked, Because::Rhythm), "{what}");
        }
        assert_eq!(pace(&answered(&[], &none)).pause, hours(24), "nobody knows");
        assert_eq!(pace(&answered(&ago([-40]), &none)).pause, hours(1), "a date in the future is now");
    }

    #[test]
    fn silent_sources_are_polled_less_often() {
        let burst: Vec<i64> = (0..10).collect();
        let pause = |days: i64| {
            let appeared = ago(burst.iter().map(|hour| hour + days * 24));
            pace(&answered(&appeared, &PollingHints::default())).pause.as_hours()
        };
        assert_eq!([0, 10, 50, 100, 1000].map(pause), [1, 2, 12, 24, 24]);
    }

    #[test]
    fn server_feed_and_operator_can_delay_up_to_a_day() {
        let often = ago((0..10).map(|n| n * 4));
        let feed =
            |mins| PollingHints { pause: Some(SignedDuration::from_mins(mins)), ..PollingHints::default() };
        let age = |hours: u64| Some(Duration::from_secs(hours * 3600));
        for (mins, max_age, every, pause, because) in [
            (30, None, 1, 1, Because::Rhythm),
            (180, None, 1, 3, Because::Feed),
            (180, age(6), 1, 6, Because::Server),
            (600, age(6), 1, 10, Because::Feed),
            (100_000, age(10_000), 1, 24, Because::Server),
            (180, age(6), 8, 8, Because::Rhythm),
            (180, age(36), 36, 36, Because::Rhythm),
        ] {
            let polling_hints = feed(mins);
            let known = Answered { max_age, poll_every: hours(every), ..answered(&often, &polling_hints) };
            let pace = pace(&known);
            assert_eq!((pace.pause, pace.because), (hours(pause), because), "{mins} {max_age:?} {every}");
        }
    }

    #[test]
    fn feed_is_not_polled_at_excluded_times() {
        // A Monday, eight o'clock; an hour later is nine.
        let often = ago((0..10).map(|n| n * 4));
        let next = |hours: &[i8], days: &[i8]| {
            let polling_hints = PollingHints {
                skip_hours: hours.iter().copied().collect(),
                skip_days: days.iter().copied().collect(),
                ..PollingHints::default()
            };
            let next = next_poll(now(), &answered(&often, &polling_hints));
            (next.at.unwrap().to_string(), next.pace.unwrap().because)
        };
        let skipped = |at: &str| (at.to_owned(), Because::SkippedTimes);
        assert_eq!(next(&[8, 10], &[]), ("2026-05-11T09:00:00Z".to_owned(), Because::Rhythm));
        assert_eq!(next(&[9, 10, 11], &[]), skipped("2026-05-11T12:00:00Z"));
        assert_eq!(next(&[0, 1], &[1, 2]), skipped("2026-05-13T02:00:00Z"));
        let on_weekdays_nobody = ("2026-05-11T09:00:00Z".to_owned(), Because::Rhythm);
        assert_eq!(next(&[], &[1, 2, 3, 4, 5]), on_weekdays_nobody, "five days are too long");
    }

    #[test]
    fn feed_with_hub_is_polled_daily_and_on_notification() {
        let often = ago((0..10).map(|n| n * 4));
        let none = PollingHints::default();
        let known = Answered { has_hub: true, ..answered(&often, &none) };
        assert_eq!((pace(&known).pause, pace(&known).because), (hours(24), Because::Hub));
        let minute = SignedDuration::from_mins(1);
        let second = SignedDuration::from_secs(1);
        assert_eq!(told_by_hub(now(), None, hours(1)), now());
        assert_eq!(told_by_hub(now(), Some(now() - hours(1)), hours(1)), now());
        assert_eq!(told_by_hub(now(), Some(now() - second), hours(1)), now() + minute - second);
        assert_eq!(
            told_by_hub(now(), Some(now() + hours(9)), hours(1)),
            now() + minute,
            "the clock was set back"
        );
    }

    #[test]
    fn subscription_is_renewed_and_rarely_retried() {
        let lease = |seconds| {
            let (ends, again) = hub_lease(now(), seconds);
            (ends.duration_since(now()).as_secs(), again.duration_since(now()).as_secs())
        };
        assert_eq!(lease(None), (864_000, 777_600));
        assert_eq!(lease(Some(86_400)), (86_400, 77_760));
        assert_eq!(lease(Some(1)), (1, 3600), "no hub has us ask it all the time");
        assert_eq!(lease(Some(u64::MAX)), (864_000, 777_600), "a mistake");
        assert_eq!(lease(Some(1 << 40)), (2_592_000, 2_332_800));
        let retry = |nth| hub_retry(now(), nth, None, 0).duration_since(now());
        assert_eq!([1, 2, 9, 90].map(|nth| retry(nth).as_hours()), [1, 2, 168, 168]);
    }

    fn some_hours_ago() -> impl Strategy<Value = Vec<i64>> {
        prop::collection::vec(-100i64..100_000, 0..12)
    }

    proptest! {
        #[test]
        fn pauses_grow_and_stay_within_a_day_and_a_fifth(nth in 1u32..200, seed: i64) {
            let pause = |n| poll_retry(now(), n, None, seed).duration_since(now());
            prop_assert!(pause(nth) >= SignedDuration::from_mins(15));
            prop_assert!(pause(nth) <= LONGEST_POLL_PAUSE * 6 / 5);
            prop_assert!(pause(nth + 1) >= pause(nth));
        }

        #[test]
        fn pause_is_between_its_bounds(
            appeared in some_hours_ago(), wish in 0i64..100_000, age: u32, every in 0i64..3000, seed: i64,
        ) {
            let polling_hints = PollingHints { pause: Some(SignedDuration::from_mins(wish)), ..PollingHints::default() };
            let known = Answered {
                appeared: &ago(appeared),
                polling_hints: &polling_hints,
                max_age: Some(Duration::from_secs(age.into())),
                has_hub: false,
                poll_every: SignedDuration::from_mins(every),
                seed,
            };
            let next = next_poll(now(), &known);
            let pause = next.at.unwrap().duration_since(now());
            prop_assert!(pause >= known.poll_every && pause >= next.pace.unwrap().pause);
            prop_assert!(pause <= LONGEST_POLL_PAUSE.max(known.poll_every) * 11 / 10);
        }

        #[test]
        fn more_or_later_reads_never_lengthen_the_pause(
            appeared in some_hours_ago(), which: prop::sample::Index, later in 0i64..100_000, seed: i64,
        ) {
            let none = PollingHints::default();
            let pause = |hours: &[i64]| {
                let appeared = ago(hours.iter().copied());
                next_poll(now(), &Answered { seed, ..answered(&appeared, &none) }).at.unwrap()
            };
            let newest = appeared.iter().min().copied().unwrap_or(0);
            let mut more = appeared.clone();
            more.push(newest.min(later));
            prop_assert!(pause(&more) <= pause(&appeared));
            if !appeared.is_empty() {
                let mut moved = appeared.clone();
                moved[which.index(appeared.len())] -= later;
                prop_assert!(pause(&moved) <= pause(&appeared));
            }
        }

        #[test]
        fn longer_demand_never_shortens_the_pause(
            appeared in some_hours_ago(), wish in 0i64..3000, more in 0i64..3000, age in 0u64..100_000, seed: i64,
        ) {
            let appeared = ago(appeared);
            let at = |wish: i64, age: u64| {
                let polling_hints = PollingHints { pause: Some(SignedDuration::from_mins(wish)), ..PollingHints::default() };
                let max_age = Some(Duration::from_secs(age));
                next_poll(now(), &Answered { max_age, seed, ..answered(&appeared, &polling_hints) }).at.unwrap()
            };
            prop_assert!(at(wish + more, age) >= at(wish, age));
            prop_assert!(at(wish, age + more.unsigned_abs() * 60) >= at(wish, age));
        }

        #[test]
        fn no_poll_is_at_an_excluded_time(
            appeared in some_hours_ago(),
            skip_hours in prop::collection::btree_set(0i8..24, 0..23),
            skip_days in prop::collection::btree_set(1i8..=7, 0..=2),
            seed: i64,
        ) {
            let polling_hints = PollingHints { skip_hours, skip_days, ..PollingHints::default() };
            let at = next_poll(now(), &Answered { seed, ..answered(&ago(appeared), &polling_hints) }).at.unwrap();
            prop_assert!(is_allowed(at, &polling_hints), "{at} {polling_hints:?}");
            prop_assert!(at.duration_since(now()) <= hours(24) * 11 / 10 + LONGEST_SKIP + hours(1));
        }
    }
}

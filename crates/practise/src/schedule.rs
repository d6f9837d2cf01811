//! Computes when a card is shown next, by FSRS (Free Spaced Repetition Scheduler, version 6) with
//! its default parameters.
//!
//! It always uses the whole history of a card. So only the answers are stored, and a change of the
//! rule affects every card.

use std::sync::LazyLock;

use backissue_model::{Rated, Rating};
use fsrs::{FSRS, MemoryState, NextStates};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Number of answers in a session.
pub const SESSION: usize = 10;
/// The probability with which a reader should still know an answer when its card is shown again.
const RETENTION: f32 = 0.9;
/// The pause before a card is shown again that the reader did not know.
const SOON: SignedDuration = SignedDuration::from_mins(10);
/// The longest pause between two showings, in days: ten years.
const DAYS_MAX: f32 = 3650.0;

static SCHEDULER: LazyLock<FSRS> = LazyLock::new(FSRS::default);

/// The time at which a card with these answers is shown next. Days begin at midnight in `zone`, so
/// a card that is due is due the whole day. A card without answers is due since the beginning of
/// time.
pub fn next_showing(history: &[Rated], zone: &TimeZone) -> Timestamp {
    let mut history = history.to_vec();
    history.sort_by_key(|rated| rated.at);
    let Some(last) = history.last().copied() else { return Timestamp::MIN };
    if last.rating == Rating::Again {
        return last.at.saturating_add(SOON).unwrap_or(Timestamp::MAX);
    }
    let days = days_after(&history, zone);
    midnight(day_of(last.at, zone), days, zone).unwrap_or(Timestamp::MAX)
}

/// Number of whole days from the last answer to the next showing. `history` has the oldest answer
/// first.
fn days_after(history: &[Rated], zone: &TimeZone) -> i64 {
    let (mut memory, mut before): (Option<MemoryState>, Option<Date>) = (None, None);
    let mut interval = 0.0;
    for rated in history {
        let day = day_of(rated.at, zone);
        let elapsed = before.map_or(0, |before| days_between(before, day));
        let states = SCHEDULER.next_states(memory, RETENTION, elapsed);
        let next = chosen(states.expect("ratings and days lead to finite states"), rated.rating);
        (memory, before, interval) = (Some(next.memory), Some(day), next.interval);
    }
    // Truncation cannot lose anything: the value is whole and small.
    interval.round().clamp(1.0, DAYS_MAX) as i64
}

fn chosen(states: NextStates, rating: Rating) -> fsrs::ItemState {
    match rating {
        Rating::Again => states.again,
        Rating::Hard => states.hard,
        Rating::Good => states.good,
        Rating::Easy => states.easy,
    }
}

fn day_of(at: Timestamp, zone: &TimeZone) -> Date {
    at.to_zoned_datetime(zone.clone()).date()
}

fn days_between(from: Date, to: Date) -> u32 {
    let days = from.until(to).map_or(0, |span| span.get_days());
    u32::try_from(days).unwrap_or(0)
}

fn midnight(day: Date, days: i64, zone: &TimeZone) -> Option<Timestamp> {
    let day = day.checked_add(days.days()).ok()?;
    zone.to_timestamp(day.at(0, 0, 0, 0)).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// The days after each answer until the card is due, if each answer is given on the day on
    /// which it is due.
    fn days(ratings: &[Rating]) -> Vec<i64> {
        let zone = TimeZone::UTC;
        let (mut now, mut history, mut days) = (at("2026-05-13T09:00:00Z"), Vec::new(), Vec::new());
        for rating in ratings {
            history.push(Rated { at: now, rating: *rating });
            let next = next_showing(&history, &zone);
            days.push(i64::from(days_between(day_of(now, &zone), day_of(next, &zone))));
            now = next;
        }
        days
    }

    #[test]
    fn intervals_are_those_of_fsrs_6() {
        // Those that other implementations with the default parameters give for a retention of 0.9.
        assert_eq!(days(&[Rating::Good; 4]), [2, 11, 46, 163]);
        assert_eq!(days(&[Rating::Easy])[0], 8);
        assert_eq!(days(&[Rating::Hard]), [1]);
    }

    #[test]
    fn unknown_card_comes_again_in_ten_minutes() {
        let now = at("2026-05-13T23:55:00Z");
        let history = [Rated { at: now, rating: Rating::Again }];
        assert_eq!(next_showing(&history, &TimeZone::UTC), at("2026-05-14T00:05:00Z"));
        assert_eq!(next_showing(&[], &TimeZone::UTC), Timestamp::MIN);
    }

    #[test]
    fn card_is_due_from_midnight_in_the_archives_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        // Still the 12th in New York.
        let history = [Rated { at: at("2026-05-13T03:00:00Z"), rating: Rating::Good }];
        assert_eq!(next_showing(&history, &zone), at("2026-05-14T04:00:00Z"));
    }

    fn rating() -> impl Strategy<Value = Rating> {
        (0..4usize).prop_map(|n| Rating::ALL[n])
    }

    proptest! {
        /// Every history has a next showing after its last answer. Of two cards that were known,
        /// the better known one is never shown earlier. The order in which answers are listed does
        /// not matter.
        #[test]
        fn any_history_has_a_next_showing(
            history in prop::collection::vec((0i64..4_000_000_000, rating()), 1..12),
        ) {
            let zone = TimeZone::UTC;
            let rated = |(second, rating)| Rated { at: Timestamp::from_second(second).unwrap(), rating };
            let mut history: Vec<Rated> = history.into_iter().map(rated).collect();
            history.sort_by_key(|rated| rated.at);
            history.dedup_by_key(|rated| rated.at);
            let last = history.len() - 1;
            let mut before = Timestamp::MIN;
            for rating in Rating::ALL {
                history[last].rating = rating;
                let next = next_showing(&history, &zone);
                prop_assert!(next > history[last].at && next >= before);
                before = if rating == Rating::Again { before } else { next };
                let mut turned = history.clone();
                turned.reverse();
                prop_assert_eq!(next_showing(&turned, &zone), next);
            }
        }
    }
}

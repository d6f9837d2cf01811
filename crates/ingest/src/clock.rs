//! Checks this machine's clock: whether its time is plausible, and whether it was put back.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A day before this version of the program was made. A clock before it is wrong.
const MADE: Timestamp = Timestamp::constant(1_793_491_200, 0);

/// If a clock is put back by less than this, it is the usual small correction.
const SMALL: SignedDuration = SignedDuration::from_mins(2);

/// Whether a clock is wrong, because it is before the day on which the program was made. Undated
/// reads are filed under the day on which they are first seen, so nothing is fetched with such a
/// clock.
pub fn is_before_this_program(now: Timestamp) -> bool {
    now < MADE
}

/// Compares the clock with a monotonic one.
#[derive(Debug)]
pub(crate) struct Watched {
    wall: Timestamp,
    steady: Instant,
}

impl Watched {
    pub(crate) fn start() -> Self {
        Self { wall: Timestamp::now(), steady: Instant::now() }
    }

    /// Whether the clock was put back since the last call.
    pub(crate) fn was_put_back(&mut self) -> bool {
        let before = std::mem::replace(self, Self::start());
        is_behind(before.wall, self.steady.duration_since(before.steady), self.wall)
    }
}

fn is_behind(before: Timestamp, elapsed: Duration, now: Timestamp) -> bool {
    let elapsed = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
    before.saturating_add(elapsed).is_ok_and(|expected| expected.duration_since(now) > SMALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_before_the_program_is_wrong() {
        assert!(is_before_this_program("1986-01-01T00:00:00Z".parse().unwrap()));
        assert!(is_before_this_program("2026-10-31T23:59:59Z".parse().unwrap()));
        assert!(!is_before_this_program("2026-11-01T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn clock_that_was_put_back_is_noticed() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let ahead = at("2027-01-15T00:00:00Z");
        let ten = Duration::from_secs(10);
        assert!(is_behind(ahead, ten, at("2026-12-16T00:00:10Z")));
        assert!(!is_behind(ahead, ten, at("2027-01-15T00:00:10Z")));
        assert!(!is_behind(ahead, ten, at("2027-01-15T00:00:08Z")), "a correction");
        assert!(!is_behind(ahead, ten, at("2027-02-15T00:00:00Z")), "put forward, or asleep");
    }
}

//! Times as stored in tables, and the week of a read.

use backissue_model::{FIRST_PAGE, Week};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::database::{Row, Tried};
use crate::error::Failure;

/// How far after it was first seen a read's date may be before it counts as a mistake: two days,
/// which covers all time zones and scheduled posts.
const AHEAD: SignedDuration = SignedDuration::from_hours(48);

pub(crate) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(crate) fn opt_millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(millis)
}

impl Row {
    pub(crate) fn moment(&self, column: &str) -> Tried<Timestamp> {
        let value = self.int(column)?;
        Timestamp::from_millisecond(value).map_err(|_| Failure::Unreadable(format!("`{column}` is {value}")))
    }

    pub(crate) fn opt_moment(&self, column: &str) -> Tried<Option<Timestamp>> {
        match self.opt_int(column)? {
            None => Ok(None),
            Some(_) => self.moment(column).map(Some),
        }
    }
}

/// The time under which a read is filed: its publication date. If that is unknown, before the web
/// or in the future, the time when it was first seen.
pub(crate) fn filed_at(published: Option<Timestamp>, first_seen: Timestamp) -> Timestamp {
    let latest = first_seen.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    published.filter(|at| (FIRST_PAGE..=latest).contains(at)).unwrap_or(first_seen)
}

/// The time under which a read is filed, as [`filed_at`] computes it, and its week.
pub(crate) fn filed(published: Option<Timestamp>, first_seen: Timestamp, zone: &TimeZone) -> (i64, String) {
    let at = filed_at(published, first_seen);
    (millis(at), Week::of(at, zone).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_date_is_filed_when_first_seen() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let seen = at("2026-05-13T12:00:00Z");
        for (published, filed) in [
            (None, seen),
            (Some(at("9999-12-30T22:00:00Z")), seen),
            (Some(at("2026-05-15T12:00:01Z")), seen),
            (Some(at("2026-05-15T11:59:59Z")), at("2026-05-15T11:59:59Z")),
            (Some(at("1998-01-01T00:00:00Z")), at("1998-01-01T00:00:00Z")),
            (Some(at("1991-08-06T00:00:00Z")), at("1991-08-06T00:00:00Z")),
            (Some(at("0001-01-01T00:00:00Z")), seen),
            (Some(Timestamp::UNIX_EPOCH), seen),
        ] {
            assert_eq!(filed_at(published, seen), filed);
        }
    }
}

//! Dates, counts, kinds, forms and readers in words, as plain text.

pub use backissue_digest::words::{count, date, kind, minutes, number, span};
use backissue_model::{Form, Kind, Reader, Role};
use backissue_store::ReaderCount;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A date for a list whose heading has the year: `Tue 12 May`.
pub fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone()).date().strftime("%a %-d %b").to_string()
}

/// A past time relative to `now`: `just now`, `4 minutes ago`, `2 days ago`. After two weeks, the
/// date.
pub fn ago(then: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let past = now.duration_since(then);
    if past < SignedDuration::from_mins(1) {
        "just now".to_owned()
    } else if past > SignedDuration::from_hours(24 * 14) {
        format!("on {}", date(then, zone))
    } else {
        format!("{} ago", length(past))
    }
}

/// A future time relative to `now`: `now due`, `in 20 minutes`.
pub fn ahead(then: Timestamp, now: Timestamp) -> String {
    let left = then.duration_since(now);
    if left < SignedDuration::from_secs(30) { "now due".to_owned() } else { format!("in {}", length(left)) }
}

/// A text with a capital letter at its beginning.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A message as a sentence: it begins with a capital letter, unless it begins with an address, and
/// ends with a full stop.
pub fn sentence(text: &str) -> String {
    let whole = if text.starts_with("http") { text.to_owned() } else { capital(text) };
    if whole.ends_with(['.', '?', '!']) { whole } else { whole + "." }
}

/// How a reader logs in. `None` if the reader cannot.
pub fn logs_in_with(reader: &Reader) -> Option<&'static str> {
    match (reader.has_password, reader.has_openid) {
        _ if reader.closed.is_some() => None,
        (true, true) => Some("logs in with a password or by OpenID"),
        (true, false) => Some("logs in with a password"),
        (false, true) => Some("logs in by OpenID"),
        (false, false) => None,
    }
}

/// What a reader may do, and how the reader logs in.
pub fn standing(reader: &Reader) -> String {
    let role = match reader.role {
        Role::Operator => "Operator",
        Role::Reader => "Reader",
    };
    let how = match (logs_in_with(reader), reader.closed, reader.invited_until) {
        (Some(how), ..) => how,
        (None, Some(_), _) => "the account is closed",
        (None, None, Some(_)) => "is invited",
        (None, None, None) => "has neither password nor link",
    };
    format!("{role}, {how}")
}

/// What of a week is left to a reader: `18 unread, 3 kept, 11 sources, 2 h 40 min to read`.
pub fn left_to_read(counted: &ReaderCount) -> String {
    let mut parts = vec![match counted.unread {
        0 => "none unread".to_owned(),
        unread => format!("{} unread", number(unread)),
    }];
    if counted.kept > 0 {
        parts.push(format!("{} kept", number(counted.kept)));
    }
    parts.push(count(counted.sources, "source"));
    if counted.unread > 0 {
        parts.push(format!("{} to read", minutes(counted.minutes)));
    }
    parts.join(", ")
}

/// A duration in its largest unit: `40 seconds`, `3 hours`, `2 days`.
pub fn length(time: SignedDuration) -> String {
    let seconds = time.as_secs().unsigned_abs();
    let rounded = |unit: u64| (seconds + unit / 2) / unit;
    if seconds < 60 {
        count(seconds, "second")
    } else if seconds < 60 * 60 - 30 {
        count(rounded(60), "minute")
    } else if seconds < 36 * 60 * 60 {
        count(rounded(60 * 60), "hour")
    } else {
        count(rounded(24 * 60 * 60), "day")
    }
}

/// Whose words a problem uses.
pub fn form(form: Form) -> &'static str {
    match form {
        Form::Quoted => "In the authors’ words",
        Form::Written => "Written by a language model",
        Form::Corrected => "Corrected by a person",
    }
}

/// A sentence that describes a post without a problem.
pub fn without_problem(kind: Kind) -> &'static str {
    match kind {
        Kind::Announcement => "An announcement: a release, a product, a price or a policy.",
        Kind::Opinion => "An opinion, not centred on a single engineering problem.",
        Kind::Profile => "A profile: it is about a person or a team, not about a problem.",
        Kind::Event => "An event: a conference, a meet-up, or what was said there.",
        Kind::Tutorial => "A tutorial: how to do something.",
        Kind::Research => "Research: a method, a measurement or a finding, with no problem stated outright.",
        Kind::CaseStudy | Kind::Incident | Kind::Other => {
            "None of its sentences states a problem plainly enough to show here."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_nothing_are_left_out() {
        let counted = ReaderCount { reads: 24, unread: 18, kept: 3, noted: 1, minutes: 160, sources: 11 };
        assert_eq!(left_to_read(&counted), "18 unread, 3 kept, 11 sources, 2 h 40 min to read");
        let done = ReaderCount { unread: 0, kept: 0, minutes: 0, sources: 1, ..counted };
        assert_eq!(left_to_read(&done), "none unread, 1 source");
    }

    #[test]
    fn times_are_relative_to_now() {
        let now: Timestamp = "2026-05-17T12:00:00Z".parse().unwrap();
        let before = |seconds: i64| ago(now - SignedDuration::from_secs(seconds), now, &TimeZone::UTC);
        assert_eq!(before(20), "just now");
        assert_eq!(before(90), "2 minutes ago");
        assert_eq!(before(3590), "1 hour ago");
        assert_eq!(before(36 * 3600), "2 days ago");
        assert_eq!(before(30 * 86400), "on 17 April 2026");
        assert_eq!(ahead(now + SignedDuration::from_mins(20), now), "in 20 minutes");
        assert_eq!(ahead(now - SignedDuration::from_mins(20), now), "now due");
    }
}

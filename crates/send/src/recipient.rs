//! Recipients of weeks and alerts, and their schedules.

use backissue_digest::Choice;
use backissue_model::{DigestPart, ReaderName, Week};
use backissue_store::{OwnDigest, Subscriber};
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use crate::{Chat, Mailer};

/// A recipient of weeks and alerts.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// The operator's name for the recipient.
    pub name: String,
    /// The transport to the recipient.
    pub way: Way,
    /// The part of a week that the recipient gets.
    pub choice: Choice,
    /// The name of a saved search. The recipient gets only those reads of a week that answer it.
    /// `None` means all reads.
    pub search: Option<String>,
    /// Whether the reader's marks, labels and concepts affect the digest.
    pub is_mine: bool,
    /// Whether the recipient gets only reads with one of the reader's concepts.
    pub my_concepts: bool,
    /// The reader whose marks, concepts and saved searches are used. `None` means the first
    /// operator.
    pub reader: Option<ReaderName>,
    /// When `serve` sends the week. `None` means never.
    pub schedule: Option<Schedule>,
    /// The secret part of the address where a subscriber or a reader stops the mails. `None` for
    /// recipients of the configuration, whose names lead to it.
    pub stop_token: Option<String>,
}

/// The transport to a recipient.
#[derive(Clone, Debug)]
pub enum Way {
    /// A mail to this address.
    Mail(Box<Mailer>, String),
    /// A mail to each address that subscribed and confirmed it.
    Subscribers(Box<Mailer>),
    /// A mail to each reader who chose that and confirmed the address.
    Readers(Box<Mailer>),
    /// A message to a chat server.
    Chat(Box<Chat>),
}

/// A time in each week.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The day.
    pub weekday: Weekday,
    /// The time on that day.
    pub at: Time,
    /// The time zone of the clock.
    pub zone: TimeZone,
}

impl Recipient {
    /// The mail server, if this recipient stands for all subscribers.
    pub(crate) fn mailer_of_subscribers(&self) -> Option<&Mailer> {
        match &self.way {
            Way::Subscribers(mailer) => Some(mailer),
            Way::Mail(..) | Way::Readers(_) | Way::Chat(_) => None,
        }
    }

    /// The mail server of the recipient that stands for all readers.
    pub(crate) fn mailer_of_readers(&self) -> Option<&Mailer> {
        match &self.way {
            Way::Readers(mailer) => Some(mailer),
            Way::Mail(..) | Way::Subscribers(_) | Way::Chat(_) => None,
        }
    }

    /// What a reader chose. `None` if the saved search that it names was removed.
    pub(crate) fn of_reader(mailer: &Mailer, own: OwnDigest) -> Option<Self> {
        let OwnDigest { choice, search, .. } = &own;
        if choice.part == DigestPart::Search && search.is_none() {
            return None;
        }
        let is_search = choice.part == DigestPart::Search;
        Some(Self {
            name: own.name(),
            choice: Choice { most: choice.most as usize, ..Choice::default() },
            search: search.as_ref().filter(|_| is_search).map(ToString::to_string),
            is_mine: true,
            my_concepts: choice.part == DigestPart::Concepts,
            schedule: Some(Schedule {
                weekday: choice.weekday,
                at: Time::constant(choice.hour, 0, 0, 0),
                zone: TimeZone::get(&choice.time_zone).unwrap_or(TimeZone::UTC),
            }),
            reader: Some(own.reader_name),
            way: Way::Mail(Box::new(mailer.clone()), own.address),
            stop_token: Some(own.token),
        })
    }

    /// The same for one subscriber.
    pub(crate) fn for_subscriber(&self, mailer: &Mailer, subscriber: Subscriber) -> Self {
        Self {
            name: subscriber.name(),
            way: Way::Mail(Box::new(mailer.clone()), subscriber.address),
            stop_token: Some(subscriber.token),
            ..self.clone()
        }
    }
}

impl Schedule {
    /// The first time of the schedule after `now`.
    pub fn next_after(&self, now: Timestamp) -> Timestamp {
        let last = self.last_before(now).to_zoned_datetime(self.zone.clone()).date();
        let next = last.saturating_add(7.days());
        let moment = self.zone.to_ambiguous_timestamp(next.to_datetime(self.at)).compatible();
        moment.unwrap_or(Timestamp::MAX)
    }

    /// The week that is sent at one of its moments: the last one that had ended in its own zone.
    pub fn week_at(&self, moment: Timestamp) -> Week {
        Week::of(moment, &self.zone).previous()
    }

    /// The last of its moments that is not after `now`.
    ///
    /// A time that does not exist because of summer time counts as the time after the gap. A time
    /// that occurs twice counts as the first one.
    pub fn last_before(&self, now: Timestamp) -> Timestamp {
        let today = now.to_zoned_datetime(self.zone.clone()).date();
        let back = i64::from(self.weekday.until(today.weekday()));
        let moment = |weeks: i64| {
            let day = today.saturating_sub((back + 7 * weeks).days());
            let moment = self.zone.to_ambiguous_timestamp(day.to_datetime(self.at)).compatible();
            moment.unwrap_or(Timestamp::MIN)
        };
        [0, 1].map(moment).into_iter().find(|at| *at <= now).unwrap_or_else(|| moment(2))
    }
}

/// The time at which a week is due: the last time of the schedule before `now`. Returns `None` if
/// the archive did not know the recipient then. So a missed week is sent late, but only the last
/// one.
pub(crate) fn due(schedule: &Schedule, since: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let last = schedule.last_before(now);
    (last >= since).then_some(last)
}

/// The pause after failed attempts: five minutes after the first, then four times as long each
/// time, up to half a day.
pub fn pause_after(attempts: u32) -> SignedDuration {
    let minutes = 5_i64.saturating_mul(4_i64.saturating_pow(attempts.saturating_sub(1)));
    SignedDuration::from_mins(minutes.min(12 * 60))
}

/// Maximum attempts at a sending. Then it is given up.
pub const ATTEMPTS_MAX: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(weekday: Weekday, at: &str, zone: &str) -> Schedule {
        Schedule { weekday, at: at.parse().unwrap(), zone: TimeZone::get(zone).unwrap() }
    }

    #[test]
    fn last_moment_is_found_through_changes_of_summer_time() {
        for (weekday, at, now, last) in [
            // 2026-05-18 is a Monday; Berlin is two hours ahead of UTC.
            (Weekday::Monday, "08:00", "2026-05-18T06:00:00Z", "2026-05-18T06:00:00Z"),
            (Weekday::Monday, "08:00", "2026-05-18T05:59:59Z", "2026-05-11T06:00:00Z"),
            (Weekday::Monday, "08:00", "2026-05-24T21:00:00Z", "2026-05-18T06:00:00Z"),
            // Sunday night in UTC is Monday in Berlin.
            (Weekday::Monday, "00:30", "2026-05-17T22:45:00Z", "2026-05-17T22:30:00Z"),
            // After the change in March Berlin is two hours ahead, before it one.
            (Weekday::Monday, "08:00", "2026-03-30T12:00:00Z", "2026-03-30T06:00:00Z"),
            (Weekday::Monday, "08:00", "2026-03-29T12:00:00Z", "2026-03-23T07:00:00Z"),
            // 02:30 on 29 March does not exist there, and on 25 October it comes twice.
            (Weekday::Sunday, "02:30", "2026-03-29T12:00:00Z", "2026-03-29T01:30:00Z"),
            (Weekday::Sunday, "02:30", "2026-10-25T12:00:00Z", "2026-10-25T00:30:00Z"),
        ] {
            let found = schedule(weekday, at, "Europe/Berlin").last_before(now.parse().unwrap());
            assert_eq!(found.to_string(), last, "{weekday:?} {at} before {now}");
        }
    }

    #[test]
    fn missed_moment_is_made_up_but_none_from_before_the_recipient() {
        let monday = schedule(Weekday::Monday, "08:00", "UTC");
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let late = at("2026-05-21T12:00:00Z");
        assert_eq!(due(&monday, at("2026-05-01T00:00:00Z"), late), Some(at("2026-05-18T08:00:00Z")));
        assert_eq!(due(&monday, at("2026-05-18T08:00:01Z"), late), None);
        assert_eq!(monday.next_after(late), at("2026-05-25T08:00:00Z"));
        assert_eq!(monday.next_after(at("2026-05-25T08:00:00Z")), at("2026-06-01T08:00:00Z"));
    }

    #[test]
    fn week_of_a_moment_follows_the_own_zone() {
        // Monday morning in Auckland is Sunday evening in UTC.
        let auckland = schedule(Weekday::Monday, "08:00", "Pacific/Auckland");
        let moment = auckland.last_before("2026-05-18T00:00:00Z".parse().unwrap());
        assert_eq!(moment.to_string(), "2026-05-17T20:00:00Z");
        assert_eq!(auckland.week_at(moment).to_string(), "2026-W20");
        let utc = Schedule { zone: TimeZone::UTC, ..auckland };
        assert_eq!(utc.week_at(moment).to_string(), "2026-W19");
    }

    #[test]
    fn pauses_grow_up_to_half_a_day() {
        let minutes: Vec<i64> = (1..=6).map(|n| pause_after(n).as_mins()).collect();
        assert_eq!(minutes, [5, 20, 80, 320, 720, 720]);
        assert_eq!(pause_after(u32::MAX).as_mins(), 720);
    }
}

//! The pace of polling: how often a source is polled and why, and the feed's own hints about it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

/// When a source is polled next, and why at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// The usual time between two reads of the source. `None` if unknown.
    pub gap: Option<SignedDuration>,
    /// The pause until the next poll, without the random part that spreads polls of sources over
    /// time.
    pub pause: SignedDuration,
    /// The reason for this pause.
    pub because: Because,
}

/// The reason for the pause before the next poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// How often the source publishes.
    Rhythm,
    /// The time for which the response is fresh (`Cache-Control`, `Expires`).
    Server,
    /// The feed's minimum pause (`ttl`, `sy:updatePeriod`).
    Feed,
    /// The feed excludes hours or days (`skipHours`, `skipDays`).
    SkippedTimes,
    /// A hub notifies us of changes, so polls are rare.
    Hub,
    /// The last poll failed.
    Failure,
    /// The server demanded a pause (`Retry-After`).
    Patience,
    /// This machine was offline.
    Offline,
}

/// A feed's hints about polling: how often requests are welcome, and the hub that notifies of
/// changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PollingHints {
    /// The minimum pause between two polls: `ttl` of RSS, or `sy:updatePeriod` with
    /// `sy:updateFrequency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<SignedDuration>,
    /// Hours of the day in UTC, 0 to 23, without polls (RSS `skipHours`).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub skip_hours: BTreeSet<i8>,
    /// Days of the week in UTC, Monday 1 to Sunday 7, without polls (RSS `skipDays`).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub skip_days: BTreeSet<i8>,
    /// The hub that notifies subscribers of changes (WebSub).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<Url>,
    /// The feed's address at the hub (`rel=self`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Url>,
}

/// A permanent redirect of a feed that is not confirmed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moving {
    /// The new address, without credentials.
    pub to: Url,
    /// When the redirect was first seen. Every successful poll since then has seen it, too.
    pub since: Timestamp,
}

/// A confirmed change of a feed's address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The former address, without credentials.
    pub from: Url,
    /// When the new address was adopted.
    pub at: Timestamp,
}

/// The hub of a source's feed, and the state of the subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hub {
    /// The address of the hub.
    pub url: Url,
    /// When the subscription expires. `None` if the hub has not confirmed a subscription.
    pub ends_at: Option<Timestamp>,
    /// When the hub last notified us. `None` if it never did.
    pub told_at: Option<Timestamp>,
    /// The error of the last request to the hub, in plain words.
    pub error: Option<String>,
}

impl Hub {
    /// Whether the hub notifies us at `now`, because the subscription has not expired.
    pub fn tells(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end > now)
    }
}

impl Pace {
    /// The pace as words that follow the source's name or "it": `publishes about twice a week;
    /// polled about every 8 hours`.
    pub fn words(&self) -> String {
        match self.because {
            Because::Failure => {
                format!("its last poll failed; retried after {}", length(self.pause))
            }
            Because::Patience => "its server demanded a pause until then".to_owned(),
            Because::Offline => "this machine was offline; retried as soon as possible".to_owned(),
            _ => self.polled_words(),
        }
    }

    fn polled_words(&self) -> String {
        let often = self.gap.map_or("has had nothing new so far", frequency);
        let polled = format!("{often}; polled {}", every(self.pause));
        match self.because {
            Because::Server => {
                format!("{polled}, because its server says that a response stays fresh that long")
            }
            Because::Feed => format!("{polled}, because its feed asks not to be polled more often"),
            Because::SkippedTimes => format!("{polled}, but not at the times that its feed excludes"),
            Because::Hub => format!("{polled}, because its hub reports new entries"),
            _ => polled,
        }
    }
}

/// The frequency in words of a source with the time `gap` between two reads.
fn frequency(gap: SignedDuration) -> &'static str {
    // The boundary between two phrases is where both are equally wrong.
    match gap.as_hours() {
        ..8 => "publishes several times a day",
        8..16 => "publishes about twice a day",
        16..36 => "publishes about once a day",
        36..60 => "publishes about every second day",
        60..120 => "publishes about twice a week",
        120..252 => "publishes about once a week",
        252..504 => "publishes about every second week",
        504..1080 => "publishes about once a month",
        1080..2880 => "publishes less than once a month",
        _ => "has hardly published anything lately",
    }
}

/// The pause in words: `about every 8 hours`, `about once a day`.
fn every(pause: SignedDuration) -> String {
    match pause.as_secs() {
        3300..=3900 => "about every hour".to_owned(),
        79_200..=93_600 => "about once a day".to_owned(),
        _ => format!("about every {}", length(pause)),
    }
}

/// The duration in its largest fitting unit: `20 minutes`, `8 hours`, `2 days`.
fn length(time: SignedDuration) -> String {
    let seconds = time.as_secs().max(0);
    let (unit, name) = match seconds {
        ..90 => (1, "second"),
        90..5400 => (60, "minute"),
        5400..129_600 => (3600, "hour"),
        _ => (86_400, "day"),
    };
    let count = (seconds + unit / 2) / unit;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(gap: Option<i64>, pause: i64, because: Because) -> String {
        let (gap, pause) = (gap.map(SignedDuration::from_hours), SignedDuration::from_mins(pause));
        Pace { gap, pause, because }.words()
    }

    #[test]
    fn pace_says_how_often_and_why() {
        for (words, gap, minutes, because) in [
            ("publishes about twice a week; polled about every 8 hours", Some(84), 504, Because::Rhythm),
            ("publishes about once a month; polled about once a day", Some(720), 1440, Because::Rhythm),
            ("publishes several times a day; polled about every hour", Some(5), 60, Because::Rhythm),
            (
                "publishes several times a day; polled about every 12 hours, because its server says that a response stays fresh that long",
                Some(5),
                720,
                Because::Server,
            ),
            ("has had nothing new so far; polled about once a day", None, 1440, Because::Rhythm),
            ("its last poll failed; retried after 30 minutes", Some(5), 30, Because::Failure),
        ] {
            assert_eq!(pace(gap, minutes, because), words);
        }
    }

    #[test]
    fn json_of_older_versions_is_still_read() {
        let empty: PollingHints = serde_json::from_str("{}").unwrap();
        assert_eq!(empty, PollingHints::default());
        assert_eq!(serde_json::to_string(&empty).unwrap(), "{}");
        let pace = Pace { gap: None, pause: SignedDuration::from_hours(8), because: Because::SkippedTimes };
        let kept = serde_json::to_string(&pace).unwrap();
        assert_eq!(kept, r#"{"gap":null,"pause":"PT8H","because":"skipped-times"}"#);
        assert_eq!(serde_json::from_str::<Pace>(&kept).unwrap(), pace);
    }
}

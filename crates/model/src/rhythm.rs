//! How often a source is asked: its rhythm, what its feed wishes, and both in plain words.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;

/// When a source is asked next, and why then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// The usual time between two of its reads; none where nothing is known of it.
    pub gap: Option<SignedDuration>,
    /// The pause until it is asked next, without what is added so that sources do not all fall on one moment.
    pub pause: SignedDuration,
    /// What decided how long that is.
    pub because: Because,
}

/// What decided how long a source is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Because {
    /// How often it publishes.
    Rhythm,
    /// Its server says for how long an answer stays good (`Cache-Control`, `Expires`).
    Server,
    /// Its feed says how often it may be asked (`ttl`, `sy:updatePeriod`).
    Feed,
    /// Its feed names hours or days at which it is not to be asked (`skipHours`, `skipDays`).
    SkippedTimes,
    /// Its hub tells when there is something new.
    Hub,
    /// Its last poll failed.
    Failure,
    /// Its server asked to be left alone (`Retry-After`).
    Patience,
    /// This machine had no network.
    Offline,
}

/// What a feed says of itself beside its entries: how often it may be asked, and who tells when it has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PollingHints {
    /// The least pause between two polls: RSS `ttl`, `sy:updatePeriod` with `sy:updateFrequency`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<SignedDuration>,
    /// Hours of the day in UTC, 0 to 23, in which it is not to be asked (RSS `skipHours`).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub skip_hours: BTreeSet<i8>,
    /// Days of the week in UTC, Monday 1 to Sunday 7, on which it is not to be asked (RSS `skipDays`).
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub skip_days: BTreeSet<i8>,
    /// The hub that tells subscribers of changes (WebSub).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hub: Option<Url>,
    /// The feed's own name for itself (`rel=self`), under which the hub knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub topic: Option<Url>,
}

/// A new address that a feed's server names for good, and that is to be confirmed before it is believed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moving {
    /// Where to, without credentials.
    pub to: Url,
    /// When it was first said; every good answer since then has said it again.
    pub since: Timestamp,
}

/// That a feed's address has changed for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The address before, without credentials.
    pub from: Url,
    /// When the new one was taken over.
    pub at: Timestamp,
}

/// The hub that a source's feed names, and how the subscription there stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hub {
    /// The hub's address.
    pub url: Url,
    /// Until when it tells of changes; none where it has not confirmed that it does.
    pub ends_at: Option<Timestamp>,
    /// When it last told of one.
    pub told_at: Option<Timestamp>,
    /// What went wrong when it was asked, in plain words.
    pub error: Option<String>,
}

impl Hub {
    /// Whether it tells of changes at this moment.
    pub fn tells(&self, now: Timestamp) -> bool {
        self.ends_at.is_some_and(|end| end > now)
    }
}

impl Pace {
    /// In plain words, to follow the source's name or "it": `publishes about twice a week; asked about every 8 hours`.
    pub fn words(&self) -> String {
        match self.because {
            Because::Failure => {
                format!("its last poll failed; tried again after {}", length(self.pause))
            }
            Because::Patience => "its server asked to be left alone until then".to_owned(),
            Because::Offline => "this machine had no network; tried again as soon as may be".to_owned(),
            _ => self.asked_words(),
        }
    }

    fn asked_words(&self) -> String {
        let often = self.gap.map_or("has brought nothing new so far", frequency);
        let asked = format!("{often}; asked {}", every(self.pause));
        match self.because {
            Because::Server => format!("{asked}, for so long its server says that an answer stays good"),
            Because::Feed => format!("{asked}, for its feed asks for no more"),
            Because::SkippedTimes => format!("{asked}, but not at the times that its feed rules out"),
            Because::Hub => format!("{asked}, for its hub tells when there is something new"),
            _ => asked,
        }
    }
}

/// How often somebody publishes who does so every `gap`.
fn frequency(gap: SignedDuration) -> &'static str {
    // Between two neighbours the border lies about where both are equally wrong.
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

/// `about every 8 hours`, `about once a day`.
fn every(pause: SignedDuration) -> String {
    match pause.as_secs() {
        3300..=3900 => "about every hour".to_owned(),
        79_200..=93_600 => "about once a day".to_owned(),
        _ => format!("about every {}", length(pause)),
    }
}

/// A length of time in its largest fitting unit: `20 minutes`, `8 hours`, `2 days`.
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
    fn a_pace_says_how_often_and_why() {
        for (words, gap, minutes, because) in [
            ("publishes about twice a week; asked about every 8 hours", Some(84), 504, Because::Rhythm),
            ("publishes about once a month; asked about once a day", Some(720), 1440, Because::Rhythm),
            ("publishes several times a day; asked about every hour", Some(5), 60, Because::Rhythm),
            (
                "publishes several times a day; asked about every 12 hours, for so long its server says that an answer stays good",
                Some(5),
                720,
                Because::Server,
            ),
            ("has brought nothing new so far; asked about once a day", None, 1440, Because::Rhythm),
            ("its last poll failed; tried again after 30 minutes", Some(5), 30, Because::Failure),
        ] {
            assert_eq!(pace(gap, minutes, because), words);
        }
    }

    #[test]
    fn what_was_kept_before_there_was_more_to_keep_is_still_read() {
        let empty: PollingHints = serde_json::from_str("{}").unwrap();
        assert_eq!(empty, PollingHints::default());
        assert_eq!(serde_json::to_string(&empty).unwrap(), "{}");
        let pace = Pace { gap: None, pause: SignedDuration::from_hours(8), because: Because::SkippedTimes };
        let kept = serde_json::to_string(&pace).unwrap();
        assert_eq!(kept, r#"{"gap":null,"pause":"PT8H","because":"skipped-times"}"#);
        assert_eq!(serde_json::from_str::<Pace>(&kept).unwrap(), pace);
    }
}

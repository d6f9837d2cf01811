//! A feed's hints about polling: how often, when not, and which hub notifies of changes.

use std::collections::BTreeSet;

use backissue_model::PollingHints;
use jiff::SignedDuration;
use serde_json::Value;
use url::Url;

use crate::addresses::{Allowance, can_be_base};
use crate::{Hints, decoding, tags};

/// Maximum bytes of an element's text: enough for any number and any weekday.
const LONGEST_TEXT: usize = 40;

/// The longest credible pause in minutes, a year. A larger number is a mistake.
const LONGEST_PAUSE: i64 = 366 * 24 * 60;

/// Reads a feed's hints: `ttl`, `skipHours` and `skipDays` (RSS 2.0), `updatePeriod` and
/// `updateFrequency` (RSS 1.0's module `sy`), and the links `hub` and `self` (WebSub). Elements
/// inside entries are ignored.
///
/// If `ttl` and `sy` disagree, the longer pause counts.
pub fn polling_hints(bytes: &[u8], hints: &Hints) -> PollingHints {
    let text = decoding::decode(bytes, hints.media_type.as_deref());
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let base = hints.url.as_ref().filter(|url| can_be_base(url));
    let mut allowance = Allowance::of(text.len());
    if text.starts_with('{') {
        return of_json_feed(text, base, &mut allowance);
    }
    let mut polling_hints = PollingHints::default();
    let (mut ttl, mut period, mut frequency) = (None, None, 1);
    // Entries, images and text inputs have elements with the same names.
    let mut inside = 0usize;
    let mut skipping = None;
    for tag in tags::tags(text) {
        let (prefix, name) = tag.name.split_once(':').unwrap_or(("", &tag.name));
        let is_start = tag.kind == tags::TagKind::Start;
        match name {
            "item" | "entry" | "image" | "textinput" if is_start => inside += 1,
            "item" | "entry" | "image" | "textinput" if tag.kind == tags::TagKind::End => {
                inside = inside.saturating_sub(1);
            }
            _ if inside > 0 => {}
            "skiphours" => skipping = is_start.then_some(Skipping::Hours),
            "skipdays" => skipping = is_start.then_some(Skipping::Days),
            "hour" if is_start && skipping == Some(Skipping::Hours) => {
                polling_hints.skip_hours.extend(hour(text_at(text, tag.end)));
            }
            "day" if is_start && skipping == Some(Skipping::Days) => {
                polling_hints.skip_days.extend(day(text_at(text, tag.end)));
            }
            "ttl" if is_start && prefix.is_empty() => ttl = text_at(text, tag.end).parse::<i64>().ok(),
            "updateperiod" if is_start => period = minutes(text_at(text, tag.end)),
            "updatefrequency" if is_start => frequency = text_at(text, tag.end).parse().unwrap_or(1),
            "link" if matches!(prefix, "" | "atom" | "atom10" | "a10") => {
                let attributes = tag.attributes();
                let value = |name: &str| attributes.iter().find(|a| a.name == name).map(|a| a.value.trim());
                let relation = value("rel").unwrap_or("").to_ascii_lowercase();
                let slot = match relation.as_str() {
                    "hub" => &mut polling_hints.hub,
                    "self" => &mut polling_hints.topic,
                    _ => continue,
                };
                if slot.is_none() {
                    *slot = value("href").and_then(|href| allowance.web_address(href, base));
                }
            }
            _ => {}
        }
    }
    let ttl = ttl.filter(|minutes| (1..=LONGEST_PAUSE).contains(minutes));
    let period = period.map(|minutes| minutes / i64::from(frequency.max(1u32)));
    polling_hints.pause = ttl.max(period).filter(|minutes| *minutes > 0).map(SignedDuration::from_mins);
    forget_the_impossible(&mut polling_hints);
    polling_hints
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Skipping {
    Hours,
    Days,
}

/// A feed that excludes all hours or all days could never be polled, so that is a mistake.
fn forget_the_impossible(polling_hints: &mut PollingHints) {
    if polling_hints.skip_hours.len() == 24 {
        polling_hints.skip_hours = BTreeSet::new();
    }
    if polling_hints.skip_days.len() == 7 {
        polling_hints.skip_days = BTreeSet::new();
    }
}

fn of_json_feed(text: &str, base: Option<&Url>, allowance: &mut Allowance) -> PollingHints {
    let Ok(feed) = crate::json::read(text) else { return PollingHints::default() };
    let hubs = feed.get("hubs").and_then(Value::as_array).into_iter().flatten();
    let mut hub = None;
    for named in hubs {
        let is_websub = named.get("type").and_then(Value::as_str).is_some_and(|kind| {
            kind.eq_ignore_ascii_case("websub") || kind.eq_ignore_ascii_case("pubsubhubbub")
        });
        if is_websub && hub.is_none() {
            hub = named.get("url").and_then(Value::as_str).and_then(|url| allowance.web_address(url, base));
        }
    }
    let topic = feed.get("feed_url").and_then(Value::as_str);
    let topic = topic.and_then(|url| allowance.web_address(url, base));
    PollingHints { hub, topic, ..PollingHints::default() }
}

/// The text up to the next tag.
fn text_at(text: &str, start: usize) -> &str {
    let rest = &text[start..];
    let end = rest.char_indices().take(LONGEST_TEXT).find(|(_, c)| *c == '<').map_or(0, |(at, _)| at);
    rest[..end].trim()
}

/// An hour of the day. Some feeds write midnight as 24.
fn hour(text: &str) -> Option<i8> {
    text.parse::<i8>().ok().filter(|hour| (0..=24).contains(hour)).map(|hour| hour % 24)
}

fn day(text: &str) -> Option<i8> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    (1..).zip(DAYS).find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(number, _)| number)
}

/// Minutes of a period.
fn minutes(period: &str) -> Option<i64> {
    Some(match period.to_ascii_lowercase().as_str() {
        "hourly" => 60,
        "daily" => 24 * 60,
        "weekly" => 7 * 24 * 60,
        "monthly" => 30 * 24 * 60,
        "yearly" => 365 * 24 * 60,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(document: &str) -> PollingHints {
        let url = Url::parse("https://a.example/feed.xml").ok();
        polling_hints(document.as_bytes(), &Hints { url, media_type: None })
    }

    fn rss(channel: &str) -> PollingHints {
        read(&format!("<rss version='2.0' xmlns:sy='x'><channel>{channel}</channel></rss>"))
    }

    #[test]
    fn pause_is_read_from_ttl_and_update_period() {
        for (channel, minutes) in [
            ("<ttl>180</ttl>", Some(180)),
            ("<ttl> 60 </ttl><item><ttl>900</ttl></item>", Some(60)),
            ("<item/><ttl>60</ttl>", Some(60)),
            ("<image><ttl>60</ttl></image>", None),
            ("<ttl>0</ttl>", None),
            ("<ttl>-5</ttl>", None),
            ("<ttl>99999999999</ttl>", None),
            ("<ttl>soon</ttl>", None),
            ("<ttl>", None),
            (
                "<sy:updatePeriod> hourly </sy:updatePeriod><sy:updateFrequency>1</sy:updateFrequency>",
                Some(60),
            ),
            ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", Some(360)),
            (
                "<sy:updateFrequency>0</sy:updateFrequency><sy:updatePeriod>Weekly</sy:updatePeriod>",
                Some(10_080),
            ),
            ("<sy:updatePeriod>daily</sy:updatePeriod><ttl>60</ttl>", Some(1440)),
            ("<sy:updatePeriod>now and then</sy:updatePeriod>", None),
            ("", None),
        ] {
            assert_eq!(rss(channel).pause, minutes.map(SignedDuration::from_mins), "{channel}");
        }
    }

    #[test]
    fn excluded_hours_and_days_are_read() {
        let hours = |list: &str| rss(&format!("<skipHours>{list}</skipHours>")).skip_hours;
        assert_eq!(hours("<hour>0</hour><hour>23</hour><hour>24</hour><hour>25</hour>"), [0, 23].into());
        let all: String = (0..24).map(|hour| format!("<hour>{hour}</hour>")).collect();
        assert_eq!(hours(&all), BTreeSet::new(), "nobody means that");
        let days = rss(
            "<skipDays><day>Sunday</day><day>saturday</day><day>Caturday</day></skipDays><day>Monday</day>",
        );
        assert_eq!(days.skip_days, [6, 7].into());
    }

    #[test]
    fn hub_and_self_links_are_read() {
        let atom = read(
            "<feed xmlns='http://www.w3.org/2005/Atom'><link rel='hub' href='https://hub.example/'/><link rel='self' href='/atom'/>
             <entry><link rel='hub' href='https://evil.example/'/></entry><link rel='hub' href='https://second.example/'/></feed>",
        );
        assert_eq!(atom.hub.unwrap().as_str(), "https://hub.example/");
        assert_eq!(atom.topic.unwrap().as_str(), "https://a.example/atom");
        let rss = rss(
            "<atom:link rel='hub' href='https://hub.example/'/><atom:link rel='self' href='javascript:x'/>",
        );
        assert_eq!((rss.hub.unwrap().host_str(), rss.topic), (Some("hub.example"), None));
        let json = read(
            r#"{"version": "https://jsonfeed.org/version/1.1", "feed_url": "/feed.json", "items": [],
                "hubs": [{"type": "rssCloud", "url": "https://cloud.example/"}, {"type": "WebSub", "url": "https://hub.example/"}]}"#,
        );
        assert_eq!(json.hub.unwrap().host_str(), Some("hub.example"));
        assert_eq!(json.topic.unwrap().path(), "/feed.json");
    }
}

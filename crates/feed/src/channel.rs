//! Parses what a feed says besides its entries: how often and when to poll it, which hub notifies
//! of changes, and where it continues (RFC 5005, `next_url` of JSON Feed).

use std::collections::BTreeSet;

use backissue_model::PollingHints;
use jiff::SignedDuration;
use serde_json::Value;
use url::Url;

use crate::addresses::Allowance;
use crate::tags::{self, Tag, TagKind};

/// Maximum bytes of an element's text. Enough for any number and any weekday.
const LONGEST_TEXT: usize = 40;

/// The longest plausible pause: a year, in minutes. A larger number is a mistake.
const LONGEST_PAUSE: i64 = 366 * 24 * 60;

/// Links to the documents in which a feed continues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paging {
    /// The document with older entries (RFC 5005 section 4, `prev-archive`).
    pub previous_archive: Option<Url>,
    /// The next page of a paged feed (RFC 5005 section 3, `next`; JSON Feed, `next_url`).
    pub next: Option<Url>,
    /// Whether WordPress made the feed. Such feeds have further pages (`?paged=2`) without linking
    /// to them.
    pub is_wordpress: bool,
}

/// What a feed says besides its entries.
#[derive(Debug, Default)]
pub struct Channel {
    /// `ttl`, `skipHours` and `skipDays` (RSS 2.0), `updatePeriod` and `updateFrequency` (RSS 1.0's
    /// module `sy`), and the links `hub` and `self` (WebSub). If `ttl` and `sy` disagree, the
    /// longer pause counts.
    pub polling_hints: PollingHints,
    /// Where the feed continues.
    pub paging: Paging,
}

impl Channel {
    /// Parses a feed in XML or tag soup. Ignores elements inside entries.
    pub fn of_markup(text: &str, base: Option<&Url>) -> Self {
        let mut walk = Walk::new(text, base);
        for tag in tags::tags(text) {
            walk.tag(&tag);
        }
        walk.finish()
    }

    /// Parses a JSON Feed of `length` bytes.
    pub fn of_json(feed: &Value, length: usize, base: Option<&Url>) -> Self {
        let mut allowance = Allowance::of(length);
        let mut address = |value: Option<&Value>| {
            value.and_then(Value::as_str).and_then(|url| allowance.web_address(url, base))
        };
        let is_websub = |hub: &&Value| {
            let kind = hub.get("type").and_then(Value::as_str).unwrap_or_default();
            kind.eq_ignore_ascii_case("websub") || kind.eq_ignore_ascii_case("pubsubhubbub")
        };
        let mut hubs = feed.get("hubs").and_then(Value::as_array).into_iter().flatten().filter(is_websub);
        let hub = hubs.find_map(|hub| address(hub.get("url")));
        let topic = address(feed.get("feed_url"));
        let next = address(feed.get("next_url"));
        Self {
            polling_hints: PollingHints { hub, topic, ..PollingHints::default() },
            paging: Paging { next, ..Paging::default() },
        }
    }
}

/// The state of a pass over a feed's tags.
struct Walk<'a> {
    text: &'a str,
    base: Option<&'a Url>,
    allowance: Allowance,
    channel: Channel,
    /// Number of open entries.
    entries: usize,
    /// Number of open images and text inputs. Their elements have the same names as the channel's.
    others: usize,
    skipping: Option<Skipping>,
    ttl: Option<i64>,
    period: Option<i64>,
    frequency: u32,
}

impl<'a> Walk<'a> {
    fn new(text: &'a str, base: Option<&'a Url>) -> Self {
        Self {
            text,
            base,
            allowance: Allowance::of(text.len()),
            channel: Channel::default(),
            entries: 0,
            others: 0,
            skipping: None,
            ttl: None,
            period: None,
            frequency: 1,
        }
    }

    fn tag(&mut self, tag: &Tag<'_>) {
        let (prefix, name) = tag.name.split_once(':').unwrap_or(("", &tag.name));
        let open = match name {
            "item" | "entry" => &mut self.entries,
            "image" | "textinput" => &mut self.others,
            "link" if matches!(prefix, "" | "atom" | "atom10" | "a10") => return self.link(tag),
            _ => return self.element(prefix, name, tag),
        };
        match tag.kind {
            TagKind::Start => *open += 1,
            TagKind::End => *open = open.saturating_sub(1),
            TagKind::Empty => {}
        }
    }

    fn element(&mut self, prefix: &str, name: &str, tag: &Tag<'_>) {
        let is_start = tag.kind == TagKind::Start;
        if name == "generator" && is_start && self.entries == 0 {
            let is_wordpress = text_up_to(self.text, tag.end, 200).to_ascii_lowercase().contains("wordpress");
            self.channel.paging.is_wordpress |= is_wordpress;
        }
        if self.entries + self.others > 0 {
            return;
        }
        let text = || text_up_to(self.text, tag.end, LONGEST_TEXT).trim();
        match name {
            "skiphours" => self.skipping = is_start.then_some(Skipping::Hours),
            "skipdays" => self.skipping = is_start.then_some(Skipping::Days),
            "hour" if is_start && self.skipping == Some(Skipping::Hours) => {
                self.channel.polling_hints.skip_hours.extend(hour(text()));
            }
            "day" if is_start && self.skipping == Some(Skipping::Days) => {
                self.channel.polling_hints.skip_days.extend(day(text()));
            }
            "ttl" if is_start && prefix.is_empty() => self.ttl = text().parse().ok(),
            "updateperiod" if is_start => self.period = minutes(text()),
            "updatefrequency" if is_start => self.frequency = text().parse().unwrap_or(1),
            _ => {}
        }
    }

    fn link(&mut self, tag: &Tag<'_>) {
        if self.entries > 0 {
            return;
        }
        let attributes = tag.attributes();
        let value = |name: &str| tags::value(&attributes, name);
        let relation = value("rel").unwrap_or("").to_ascii_lowercase();
        let Channel { polling_hints, paging } = &mut self.channel;
        let slot = match relation.as_str() {
            "hub" if self.others == 0 => &mut polling_hints.hub,
            "self" if self.others == 0 => &mut polling_hints.topic,
            // Registered relations may be written as addresses.
            relation => match relation.rsplit(['/', '#']).next() {
                Some("prev-archive") => &mut paging.previous_archive,
                Some("next") => &mut paging.next,
                _ => return,
            },
        };
        if slot.is_none() {
            *slot = value("href").and_then(|href| self.allowance.web_address(href, self.base));
        }
    }

    fn finish(self) -> Channel {
        let mut channel = self.channel;
        let ttl = self.ttl.filter(|minutes| (1..=LONGEST_PAUSE).contains(minutes));
        let period = self.period.map(|minutes| minutes / i64::from(self.frequency.max(1)));
        let pause = ttl.max(period).filter(|minutes| *minutes > 0);
        channel.polling_hints.pause = pause.map(SignedDuration::from_mins);
        forget_the_impossible(&mut channel.polling_hints);
        channel
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Skipping {
    Hours,
    Days,
}

/// Removes `skipHours` or `skipDays` if they exclude all hours or all days. The feed could never be
/// polled, so this is a mistake of the publisher.
fn forget_the_impossible(polling_hints: &mut PollingHints) {
    if polling_hints.skip_hours.len() == 24 {
        polling_hints.skip_hours = BTreeSet::new();
    }
    if polling_hints.skip_days.len() == 7 {
        polling_hints.skip_days = BTreeSet::new();
    }
}

/// The text up to the next tag. Returns an empty text if there is no tag within `most` characters.
fn text_up_to(text: &str, start: usize, most: usize) -> &str {
    let rest = &text[start..];
    let end = rest.char_indices().take(most).find(|(_, c)| *c == '<').map_or(0, |(at, _)| at);
    &rest[..end]
}

/// Parses an hour of the day. Some feeds write midnight as 24.
fn hour(text: &str) -> Option<i8> {
    text.parse::<i8>().ok().filter(|hour| (0..=24).contains(hour)).map(|hour| hour % 24)
}

fn day(text: &str) -> Option<i8> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    (1..).zip(DAYS).find(|(_, name)| name.eq_ignore_ascii_case(text)).map(|(number, _)| number)
}

/// The number of minutes of an `updatePeriod`.
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
    use crate::{Document, Hints};

    fn hints() -> Hints {
        Hints { url: Url::parse("https://a.example/feed.xml").ok(), media_type: None }
    }

    fn read(document: &str) -> PollingHints {
        Document::open(document.as_bytes(), &hints()).unwrap().polling_hints()
    }

    fn paging(bytes: &[u8]) -> Paging {
        Document::open(bytes, &hints()).unwrap().paging()
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

    #[test]
    fn archived_and_paged_feeds_link_to_their_continuation() {
        let atom = br#"<feed xmlns="http://www.w3.org/2005/Atom" xmlns:fh="http://purl.org/syndication/history/1.0"><fh:archive/>
            <link rel="self" href="/feed.xml"/><link rel="prev-archive" href="/2019.atom"/>
            <entry><link rel="next" href="/wrong"/></entry></feed>"#;
        let found = paging(atom);
        assert_eq!(found.previous_archive.map(String::from).as_deref(), Some("https://a.example/2019.atom"));
        assert_eq!(found.next, None);
        let rss =
            br#"<rss xmlns:atom="x"><channel><atom:link rel="next" href="https://a.example/feed?page=2"/>
            <generator>https://wordpress.org/?v=6.5</generator><item/></channel></rss>"#;
        let found = paging(rss);
        assert_eq!(found.next.map(String::from).as_deref(), Some("https://a.example/feed?page=2"));
        assert!(found.is_wordpress);
        let json =
            br#"{"version": "https://jsonfeed.org/version/1.1", "next_url": "/feed2.json", "items": []}"#;
        assert_eq!(paging(json).next.map(String::from).as_deref(), Some("https://a.example/feed2.json"));
    }
}

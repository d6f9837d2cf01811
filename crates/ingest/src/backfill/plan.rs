//! What of a source's past is still to be read, and what was: kept as JSON in the store between two steps.

use std::collections::BTreeSet;
use std::fmt;

use backissue_fetch::Validators;
use backissue_model::Source;
use serde::{Deserialize, Serialize};
use url::Url;

use super::key_of;

/// Most documents that are read for one source.
const MOST_DOCUMENTS: usize = 1_000;

/// Most documents that wait to be read.
const MOST_WAITING: usize = 2_000;

/// Of a hundred articles in the feed, as many as have to be in the sitemaps for nothing else to be asked.
const COVERED_PERCENT: usize = 90;

/// The ways to a source's past, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Sitemaps: one or a few requests for all addresses.
    Sitemap,
    /// WordPress's own list of posts: a request for a hundred, with title and date.
    #[serde(rename = "wordpress")]
    WordPress,
    /// The documents that a feed goes on in (RFC 5005), or its pages where WordPress makes it.
    Feed,
    /// Pages that list articles, and the pages that follow them.
    Listing,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sitemap => "sitemap",
            Self::WordPress => "WordPress's list of posts",
            Self::Feed => "feed",
            Self::Listing => "listing page",
        })
    }
}

/// A document that is still to be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToRead {
    pub(super) url: Url,
    pub(super) way: Way,
    /// Its number among those that follow each other, from 1.
    #[serde(default)]
    pub(super) page: u32,
    /// Whether nothing says that it is there.
    #[serde(default)]
    pub(super) guess: bool,
}

/// A document that was read, well or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reading {
    pub(super) url: Url,
    pub(super) way: Way,
    #[serde(default)]
    pub(super) page: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) led_to: Vec<ToRead>,
    /// What is the same in two documents that list the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mark: Option<u64>,
    /// What came of it, in plain words.
    pub(super) said: String,
}

impl Reading {
    pub(super) fn of(asked: &ToRead, said: &str) -> Self {
        Self {
            url: asked.url.clone(),
            way: asked.way,
            page: asked.page,
            etag: None,
            last_modified: None,
            led_to: Vec::new(),
            mark: None,
            said: said.to_owned(),
        }
    }

    pub(super) fn validators(&self) -> Validators {
        Validators { etag: self.etag.clone(), last_modified: self.last_modified.clone() }
    }
}

/// What is still to be read of a source's past, and what was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    begun: bool,
    waiting: Vec<ToRead>,
    read: Vec<Reading>,
    /// What was read the time before, to be asked for only if it has changed.
    before: Vec<Reading>,
    /// Which of the feed's articles the documents list, by the identity of their addresses.
    covered: BTreeSet<String>,
}

impl Plan {
    /// The plan in this text; an empty one begins anew, and so does one that another version of the program wrote.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The plan as a text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The plan of another search that asks for the same documents, where they have changed.
    pub fn again(self) -> Self {
        let mut before = self.read;
        // What the last search did not come to is still known from the one before it.
        let known = |reading: &Reading, list: &[Reading]| list.iter().any(|r| r.url == reading.url);
        let older: Vec<_> = self.before.into_iter().filter(|reading| !known(reading, &before)).collect();
        before.extend(older);
        before.truncate(MOST_DOCUMENTS);
        Self { before, covered: self.covered, ..Self::default() }
    }

    pub(super) fn is_begun(&self) -> bool {
        self.begun
    }

    pub(super) fn is_finished(&self) -> bool {
        self.begun && (self.waiting.is_empty() || self.read.len() >= MOST_DOCUMENTS)
    }

    pub(super) fn finish(&mut self) {
        self.begun = true;
        self.waiting.clear();
    }

    pub(super) fn next(&self) -> Option<&ToRead> {
        self.waiting.first().filter(|_| !self.is_finished())
    }

    pub(super) fn next_host(&self) -> Option<String> {
        self.next()?.url.host_str().map(str::to_owned)
    }

    pub(super) fn readings(&self) -> &[Reading] {
        &self.read
    }

    /// What is known of a document from the time before.
    pub(super) fn known(&self, asked: &ToRead) -> Option<&Reading> {
        self.before.iter().find(|reading| reading.url == asked.url && reading.way == asked.way)
    }

    /// Everything that can be tried without having read anything: the sitemaps that robots.txt names, or those at the
    /// usual places; the feed, which may go on in other documents; the pages that most likely list articles.
    pub(super) fn begin(&mut self, source: &Source, example: &Url, folder: &str, sitemaps: &[Url]) {
        self.begun = true;
        let named = source.sitemap_url.iter().chain(sitemaps);
        let mut first: Vec<ToRead> = named.map(|url| ToRead::of(url.clone(), Way::Sitemap)).collect();
        let at = |path: &str| example.join(path).ok();
        if first.is_empty() {
            let places =
                ["/sitemap.xml".to_owned(), "/sitemap_index.xml".to_owned(), format!("{folder}sitemap.xml")];
            let guesses = places.iter().filter_map(|place| at(place));
            first.extend(guesses.map(|url| ToRead { guess: true, ..ToRead::of(url, Way::Sitemap) }));
        }
        first.extend(source.feed_url.iter().map(|url| ToRead::of(url.clone(), Way::Feed)));
        let site = source.site_url.clone().filter(|site| site.host_str().is_some());
        let pages = [source.listing_url.clone(), site, at(folder), at("/")];
        first.extend(
            pages.into_iter().flatten().map(|url| ToRead { guess: true, ..ToRead::of(url, Way::Listing) }),
        );
        self.add(first);
    }

    fn add(&mut self, more: Vec<ToRead>) {
        let mut known: BTreeSet<(Way, Option<String>)> = self
            .waiting
            .iter()
            .map(|w| (w.way, key_of(&w.url)))
            .chain(self.read.iter().map(|r| (r.way, key_of(&r.url))))
            .collect();
        for to_read in more {
            if self.waiting.len() < MOST_WAITING && known.insert((to_read.way, key_of(&to_read.url))) {
                self.waiting.push(to_read);
            }
        }
        self.waiting.sort_by_key(|w| w.way);
    }

    /// Takes note that the document which was next is done with, and goes on with what it leads to.
    pub(super) fn done(&mut self, reading: Reading, examples: &[Url]) {
        self.waiting.retain(|w| !(w.way == reading.way && w.url == reading.url));
        let way = reading.way;
        self.add(reading.led_to.clone());
        self.read.push(reading);
        self.skip_what_is_not_needed(way, examples);
    }

    /// The same for one that was what it was taken for, so that guesses at others of its sort are not made.
    pub(super) fn done_well(&mut self, reading: Reading, examples: &[Url]) {
        if reading.way == Way::Sitemap {
            self.waiting.retain(|w| w.way != Way::Sitemap || !w.guess || w.url == reading.url);
        }
        self.done(reading, examples);
    }

    /// Takes note of which of the feed's articles a document lists.
    pub(super) fn cover<'a>(&mut self, urls: impl Iterator<Item = &'a Url>, examples: &[Url]) {
        let examples: BTreeSet<String> = examples.iter().filter_map(key_of).collect();
        self.covered.extend(urls.filter_map(key_of).filter(|key| examples.contains(key)));
    }

    /// Forgets the ways that are left once one of them has told everything.
    fn skip_what_is_not_needed(&mut self, way: Way, examples: &[Url]) {
        if self.waiting.iter().any(|w| w.way == way) {
            return;
        }
        let listed = |url: &&Url| key_of(url).is_some_and(|key| self.covered.contains(&key));
        let covered = examples.iter().filter(listed).count();
        let of_way = || self.read.iter().filter(|reading| reading.way == way && reading.mark.is_some());
        let is_all = match way {
            Way::Sitemap | Way::Listing => {
                covered * 100 >= examples.len() * COVERED_PERCENT && of_way().next().is_some()
            }
            Way::WordPress => of_way().next().is_some(),
            // The feed's first document lists what it lists; only those it goes on in tell the rest.
            Way::Feed => of_way().any(|reading| reading.page > 1),
        };
        if is_all {
            self.waiting.clear();
        }
    }

    pub(super) fn has_seen(&self, mark: Option<u64>) -> bool {
        mark.is_some() && self.read.iter().any(|reading| reading.mark == mark)
    }
}

impl ToRead {
    pub(super) fn of(url: Url, way: Way) -> Self {
        Self { url, way, page: 1, guess: false }
    }
}

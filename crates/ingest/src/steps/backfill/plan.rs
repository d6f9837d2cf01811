//! The plan of a backfill: the documents that were read, and those still to be read. It is stored
//! as JSON between two steps.

use std::collections::BTreeSet;
use std::fmt;

use backissue_fetch::Validators;
use backissue_model::{CanonicalUrl, Source};
use serde::{Deserialize, Serialize};
use url::Url;

/// Maximum documents to read per source.
const MOST_DOCUMENTS: usize = 1_000;

/// Maximum documents that wait to be read.
const MOST_WAITING: usize = 2_000;

/// If sitemaps list at least this percentage of the feed's articles, no other kind of document is
/// tried.
const COVERED_PERCENT: usize = 90;

/// The kinds of documents, in the order in which a backfill tries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// Sitemaps. One or a few requests give all addresses.
    Sitemap,
    /// WordPress's list of posts. One request gives a hundred posts with titles and dates.
    #[serde(rename = "wordpress")]
    WordPress,
    /// Further documents of a feed (RFC 5005), or its pages if WordPress made it.
    Feed,
    /// Pages that list articles, and their next pages.
    Listing,
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sitemap => "sitemap",
            Self::WordPress => "WordPress's list of posts",
            Self::Feed => "feed",
            Self::Listing => "listing page",
        })
    }
}

/// A document to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ToRead {
    pub(super) url: Url,
    pub(super) way: DocumentKind,
    /// The number of the page, if the document is one of a sequence, from 1.
    #[serde(default)]
    pub(super) page: u32,
    /// Whether the address is only a guess.
    #[serde(default)]
    pub(super) guess: bool,
}

/// A document that was read, successfully or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reading {
    pub(super) url: Url,
    pub(super) way: DocumentKind,
    #[serde(default)]
    pub(super) page: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_modified: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) led_to: Vec<ToRead>,
    /// A hash of the contents, by which the next backfill detects that nothing has changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mark: Option<u64>,
    /// The result, in plain words.
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

/// The documents that are still to be read, and those that were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    begun: bool,
    waiting: Vec<ToRead>,
    read: Vec<Reading>,
    /// The documents of the previous backfill. They are parsed again only if they have changed.
    before: Vec<Reading>,
    /// The keys of the feed's articles that occur in the documents.
    covered: BTreeSet<String>,
}

impl Plan {
    /// Parses a plan. An empty text, or one of an incompatible version, gives an empty plan.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// The plan as text.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The plan of the next backfill. It starts from the beginning, but keeps what this one read,
    /// so that unchanged documents are not parsed again.
    pub fn again(self) -> Self {
        let mut before = self.read;
        // What the last backfill did not reach is still known from the one before.
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

    /// The result of the previous backfill for a document.
    pub(super) fn known(&self, asked: &ToRead) -> Option<&Reading> {
        self.before.iter().find(|reading| reading.url == asked.url && reading.way == asked.way)
    }

    /// Adds the documents that can be tried immediately: sitemaps from robots.txt or at the usual
    /// addresses, further documents of the feed, and the pages that most likely list articles.
    pub(super) fn begin(&mut self, source: &Source, example: &Url, folder: &str, sitemaps: &[Url]) {
        self.begun = true;
        let named = source.sitemap_url.iter().chain(sitemaps);
        let mut first: Vec<ToRead> =
            named.map(|url| ToRead::of(url.clone(), DocumentKind::Sitemap)).collect();
        let at = |path: &str| example.join(path).ok();
        if first.is_empty() {
            let places =
                ["/sitemap.xml".to_owned(), "/sitemap_index.xml".to_owned(), format!("{folder}sitemap.xml")];
            let guesses = places.iter().filter_map(|place| at(place));
            first.extend(guesses.map(|url| ToRead { guess: true, ..ToRead::of(url, DocumentKind::Sitemap) }));
        }
        first.extend(source.feed_url.iter().map(|url| ToRead::of(url.clone(), DocumentKind::Feed)));
        let site = source.site_url.clone().filter(|site| site.host_str().is_some());
        let pages = [source.listing_url.clone(), site, at(folder), at("/")];
        first.extend(
            pages
                .into_iter()
                .flatten()
                .map(|url| ToRead { guess: true, ..ToRead::of(url, DocumentKind::Listing) }),
        );
        self.add(first);
    }

    fn add(&mut self, more: Vec<ToRead>) {
        let mut known: BTreeSet<(DocumentKind, Option<String>)> = self
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

    /// Records that the next document is finished, and adds the documents to which it leads.
    pub(super) fn done(&mut self, reading: Reading, examples: &[Url]) {
        self.waiting.retain(|w| !(w.way == reading.way && w.url == reading.url));
        let way = reading.way;
        self.add(reading.led_to.clone());
        self.read.push(reading);
        self.skip_what_is_not_needed(way, examples);
    }

    /// Records a finished document as [`Plan::done`] does. It was of the expected kind, so further
    /// guesses for this kind are dropped.
    pub(super) fn done_well(&mut self, reading: Reading, examples: &[Url]) {
        if reading.way == DocumentKind::Sitemap {
            self.waiting.retain(|w| w.way != DocumentKind::Sitemap || !w.guess || w.url == reading.url);
        }
        self.done(reading, examples);
    }

    /// Records which of the feed's articles a document lists.
    pub(super) fn cover<'a>(&mut self, urls: impl Iterator<Item = &'a Url>, examples: &[Url]) {
        let examples: BTreeSet<String> = examples.iter().filter_map(key_of).collect();
        self.covered.extend(urls.filter_map(key_of).filter(|key| examples.contains(key)));
    }

    /// Drops the other kinds of documents when one kind has listed enough of the feed's articles.
    fn skip_what_is_not_needed(&mut self, way: DocumentKind, examples: &[Url]) {
        if self.waiting.iter().any(|w| w.way == way) {
            return;
        }
        let listed = |url: &&Url| key_of(url).is_some_and(|key| self.covered.contains(&key));
        let covered = examples.iter().filter(listed).count();
        let of_way = || self.read.iter().filter(|reading| reading.way == way && reading.mark.is_some());
        let is_all = match way {
            DocumentKind::Sitemap | DocumentKind::Listing => {
                covered * 100 >= examples.len() * COVERED_PERCENT && of_way().next().is_some()
            }
            DocumentKind::WordPress => of_way().next().is_some(),
            // The feed's first document is the feed itself. Only its further documents list more.
            DocumentKind::Feed => of_way().any(|reading| reading.page > 1),
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
    pub(super) fn of(url: Url, way: DocumentKind) -> Self {
        Self { url, way, page: 1, guess: false }
    }
}

/// A key that is equal for all spellings of an article's address.
pub(super) fn key_of(url: &Url) -> Option<String> {
    CanonicalUrl::of(url).ok().map(|url| url.key())
}

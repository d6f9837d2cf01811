//! Feeds of reads and of weeks: the same channel as Atom (RFC 4287) and as JSON Feed 1.1.
//!
//! Ids are URNs that are computed from the archive's own name. So they stay the same when the
//! archive's address changes.

pub mod atom;
pub mod json;

use backissue_model::ConceptSlug;
use backissue_store::{ReadCard, ReadSummary};
use jiff::Timestamp;
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

use crate::compose::shown;
use crate::{Digest, Site, concept_name, html, words};

/// A feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// The feed's id.
    pub id: String,
    /// The feed's title.
    pub title: String,
    /// A sentence that describes the feed.
    pub about: String,
    /// The page that lists the same reads.
    pub page: Url,
    /// The feed's own address.
    pub address: Url,
    /// The feed's entries, newest first.
    pub items: Vec<Item>,
}

/// An entry of a feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// The entry's id.
    pub id: String,
    /// The entry's title.
    pub title: String,
    /// The entry's page in the archive, if the archive's address is known.
    pub page: Option<Url>,
    /// The article's address at its publisher.
    pub original: Option<Url>,
    /// The author.
    pub author: String,
    /// The blog that published it.
    pub source: Option<ItemSource>,
    /// The date of publication.
    pub published: Timestamp,
    /// The time of the last change, so that a feed reader updates its copy.
    pub updated: Timestamp,
    /// Its concepts.
    pub concepts: Vec<ConceptSlug>,
    /// The reader's marks, for a reader app. Empty in a feed for everybody.
    pub states: Vec<State>,
    /// A sentence about the content. May be empty.
    pub summary: String,
    /// The content as HTML that this program wrote.
    pub html: String,
}

/// A mark on an entry, as Google Reader represented it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The state's identifier.
    pub term: &'static str,
    /// The state's name.
    pub label: &'static str,
}

/// The blog that a read comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemSource {
    /// The blog's id.
    pub id: String,
    /// The blog's title.
    pub title: String,
    /// The blog's page in the archive, if the archive's address is known.
    pub page: Option<Url>,
}

/// Computes ids from the archive's own name.
#[derive(Clone, Copy, Debug)]
pub struct Ids<'a> {
    /// The name, which no other archive has.
    pub archive: &'a str,
}

impl Ids<'_> {
    /// The id for the page at `path`: a UUID of version 8 (RFC 9562, section 5.8), computed from
    /// the archive's name and the path.
    pub fn of(self, path: &str) -> String {
        let hash = xxh3_128(format!("{}\n{path}", self.archive).as_bytes());
        let bits = hash & !(0xf << 76) & !(0b11 << 62) | 0x8 << 76 | 0b10 << 62;
        let hex = format!("{bits:032x}");
        format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// A read as an entry.
pub fn read(read: &ReadSummary, site: &Site, ids: Ids<'_>) -> Item {
    let card = &read.card;
    let problem = shown(&read.precis.problem).map(|problem| problem.form.said(&problem.text).into_owned());
    Item {
        id: ids.of(&format!("read/{}", card.id)),
        title: card.title.clone(),
        page: site.read(card),
        original: Some(card.url.clone()),
        author: card.author.clone().unwrap_or_else(|| card.company.clone()),
        source: Some(ItemSource {
            id: ids.of(&format!("source/{}", card.source.0)),
            title: card.source_title.clone(),
            page: site.page(&format!("/source/{}", card.source_slug)),
        }),
        published: card.filed_at,
        updated: changed(card),
        concepts: card.concepts.clone(),
        states: Vec::new(),
        summary: problem.or_else(|| card.description.clone()).unwrap_or_default(),
        html: html::read(read, site),
    }
}

/// When a read came, or last changed.
fn changed(card: &ReadCard) -> Timestamp {
    let came = card.filed_at.max(card.first_seen);
    card.revised_at.map_or(came, |revised| revised.max(came))
}

/// A week as one entry. It appears when the week has ended, at `ended`.
pub fn week(digest: &Digest, site: &Site, ids: Ids<'_>, ended: Timestamp) -> Item {
    Item {
        id: ids.of(&format!("week/{}", digest.week)),
        title: format!(
            "Week {} of {}: {}, {} with a problem",
            digest.week.number(),
            digest.week.year(),
            words::count(digest.totals.reads as u64, "read"),
            words::number(digest.totals.problems as u64),
        ),
        page: site.week(digest.week),
        original: None,
        author: site.title.clone(),
        source: None,
        published: ended,
        updated: digest.cards().map(changed).fold(ended, Ord::max),
        concepts: Vec::new(),
        states: Vec::new(),
        summary: words::tally(digest.totals),
        html: html::week(digest, site, html::Look::Plain),
    }
}

/// A text without the characters that XML 1.0 does not allow, even escaped.
fn plain(text: &str) -> String {
    text.chars()
        .filter(
            |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..),
        )
        .collect()
}

fn concept_names(slugs: &[ConceptSlug]) -> impl Iterator<Item = (&ConceptSlug, String)> {
    slugs.iter().map(|slug| (slug, concept_name(slug)))
}

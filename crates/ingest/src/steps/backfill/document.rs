//! Parses one document of a backfill. It decompresses the document but does no other input or
//! output.

use backissue_crawl::wordpress::{self, POSTS_PER_PAGE};
use backissue_crawl::{Shapes, Verdict, Why, listing, sitemap};
use backissue_feed::Hints;
use backissue_fetch::gunzip;
use backissue_model::dates::UrlDate;
use backissue_model::{CanonicalUrl, Entry};
use backissue_store::{Admission, Extent, FoundBy};
use jiff::{SignedDuration, Timestamp};
use url::Url;
use xxhash_rust::xxh3::xxh3_64;

use super::plan::{DocumentKind, ToRead, key_of};

/// Maximum sitemaps from one index.
const MOST_SITEMAPS: usize = 200;

/// The length of the longest month, 31 days.
const MONTH: SignedDuration = SignedDuration::from_secs(31 * 24 * 3600 - 1);

/// Words in the addresses of sitemaps that have no articles.
const OTHER_SITEMAPS: &[&str] = &[
    "author", "category", "categories", "image", "post_tag", "tag-", "tags", "video", "product", "forum",
    "topic",
];

/// A fetched document.
pub(super) struct Contents {
    pub(super) bytes: Vec<u8>,
    pub(super) media_type: Option<String>,
    pub(super) url: Url,
}

impl Contents {
    /// Decompresses the document if it is a compressed file.
    pub(super) async fn opened(self) -> Result<Self, String> {
        Ok(Self { bytes: gunzip(self.bytes, sitemap::MAX_BYTES).await?, ..self })
    }

    fn hints(&self) -> Hints {
        Hints { url: Some(self.url.clone()), media_type: self.media_type.clone() }
    }
}

/// An address in a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The address.
    pub url: Url,
    /// Whether the address is an article's, and why.
    pub verdict: Verdict,
    /// The best guess of its publication date, before its page is fetched.
    pub date: Option<Timestamp>,
    /// Whether the article is certainly older than the requested time span.
    pub too_old: bool,
    /// The entry, if the document is a feed or WordPress's list.
    pub(super) entry: Option<Entry>,
}

impl Candidate {
    /// Whether to admit the address as a read.
    pub fn is_taken(&self) -> bool {
        !self.too_old && (self.entry.is_some() || is_wanted(&self.verdict))
    }
}

/// A parsed document.
pub(super) struct ParsedDocument {
    pub(super) candidates: Vec<Candidate>,
    pub(super) found_by: FoundBy,
    pub(super) led_to: Vec<ToRead>,
    pub(super) mark: Option<u64>,
    pub(super) said: String,
}

/// Parses a document.
///
/// # Errors
/// Why the document is not of the expected kind, in plain words.
pub(super) fn read(
    asked: &ToRead,
    contents: &Contents,
    shapes: &Shapes,
    extent: Extent,
) -> Result<ParsedDocument, String> {
    let judge = Judge { shapes, extent };
    match asked.way {
        DocumentKind::Sitemap => of_sitemap(asked, contents, &judge),
        DocumentKind::WordPress => of_wordpress(asked, contents, &judge),
        DocumentKind::Feed => of_feed(asked, contents, &judge),
        DocumentKind::Listing => of_listing(asked, contents, &judge),
    }
}

/// The reads to admit, newest first.
pub(super) fn admissions(candidates: Vec<Candidate>) -> Vec<Admission> {
    let mut taken: Vec<Candidate> = candidates.into_iter().filter(Candidate::is_taken).collect();
    taken.sort_by_key(|candidate| std::cmp::Reverse(candidate.date));
    let admission = |candidate: Candidate| {
        let url = CanonicalUrl::of(&candidate.url).ok()?;
        // The date is a guess until the page is fetched, so it goes where the page's own date takes
        // precedence.
        let found =
            || Entry { url: Some(candidate.url.clone()), updated: candidate.date, ..Entry::default() };
        Some(Admission { url, entry: candidate.entry.clone().unwrap_or_else(found) })
    };
    taken.into_iter().filter_map(admission).collect()
}

struct Judge<'a> {
    shapes: &'a Shapes,
    extent: Extent,
}

impl Judge<'_> {
    fn address(&self, url: &Url, lastmod: Option<Timestamp>) -> Candidate {
        let date = UrlDate::guess(url, lastmod);
        // For a month, the last day may be meant.
        let latest = match UrlDate::of(url) {
            Some(UrlDate::Month(_)) => date.and_then(|at| at.checked_add(MONTH).ok()),
            _ => date,
        };
        Candidate {
            url: url.clone(),
            verdict: self.shapes.judge(url),
            date,
            too_old: self.is_too_old(latest),
            entry: None,
        }
    }

    fn is_too_old(&self, at: Option<Timestamp>) -> bool {
        self.extent.since.zip(at).is_some_and(|(since, at)| at < since)
    }

    /// A candidate for an article in a feed or an equally reliable list.
    fn told(&self, entry: Entry) -> Option<Candidate> {
        let url = entry.original_url.clone().or_else(|| entry.url.clone())?;
        let date = entry.published.or(entry.updated);
        Some(Candidate {
            verdict: Verdict::Article(Why::InFeed),
            date,
            too_old: self.is_too_old(date),
            url,
            entry: Some(entry),
        })
    }
}

fn mark_of<'a>(urls: impl Iterator<Item = &'a Url>) -> u64 {
    let keys: Vec<String> = urls.filter_map(key_of).collect();
    xxh3_64(keys.join("\n").as_bytes())
}

fn taken(candidates: &[Candidate]) -> usize {
    candidates.iter().filter(|candidate| candidate.verdict.is_article()).count()
}

fn of_sitemap(asked: &ToRead, contents: &Contents, judge: &Judge<'_>) -> Result<ParsedDocument, String> {
    let sitemap = sitemap::parse(&contents.bytes, &contents.hints()).map_err(|error| error.to_string())?;
    let candidates: Vec<Candidate> =
        sitemap.pages.iter().map(|page| judge.address(&page.url, page.lastmod)).collect();
    let lists_articles = |url: &Url| {
        let path = url.path().to_ascii_lowercase();
        !OTHER_SITEMAPS.iter().any(|word| path.contains(word))
    };
    let mut further: Vec<_> = sitemap.sitemaps.iter().filter(|s| lists_articles(&s.url)).collect();
    further.sort_by_key(|sitemap| std::cmp::Reverse(sitemap.lastmod));
    let led_to = further
        .into_iter()
        // A sitemap that has not changed since then has nothing newer.
        .filter(|sitemap| !judge.is_too_old(sitemap.lastmod))
        .take(if asked.page < 4 { MOST_SITEMAPS } else { 0 })
        .map(|s| ToRead { page: asked.page + 1, ..ToRead::of(s.url.clone(), DocumentKind::Sitemap) })
        .collect();
    let mut said = match sitemap.sitemaps.len() {
        0 => format!("{} addresses, {} of articles", candidates.len(), taken(&candidates)),
        further => format!("an index of {further} sitemaps"),
    };
    if sitemap.cut {
        said.push_str("; it has more than a sitemap may have");
    }
    Ok(ParsedDocument {
        mark: Some(mark_of(sitemap.pages.iter().chain(&sitemap.sitemaps).map(|l| &l.url))),
        candidates,
        found_by: FoundBy::Backfill,
        led_to,
        said,
    })
}

fn of_wordpress(asked: &ToRead, contents: &Contents, judge: &Judge<'_>) -> Result<ParsedDocument, String> {
    let posts = wordpress::posts(&contents.bytes).ok_or("it is no list of posts")?;
    let is_last = posts.len() < POSTS_PER_PAGE;
    let entry = |post: wordpress::Post| Entry {
        url: Some(post.url),
        title: post.title,
        published: post.published,
        updated: post.modified,
        ..Entry::default()
    };
    let candidates: Vec<Candidate> = posts
        .into_iter()
        .map(|post| match judge.shapes.judge(&post.url) {
            Verdict::Other(why @ Why::OtherHost(_)) => {
                Some(Candidate { verdict: Verdict::Other(why), ..judge.address(&post.url, post.modified) })
            }
            _ => judge.told(entry(post)),
        })
        .collect::<Option<_>>()
        .unwrap_or_default();
    let older_than_asked = !candidates.is_empty() && candidates.iter().all(|c| c.too_old);
    let next = (!is_last && !older_than_asked).then(|| next_page(&asked.url, "page", asked.page + 1));
    Ok(ParsedDocument {
        mark: Some(mark_of(candidates.iter().map(|c| &c.url))),
        said: format!("{} posts", candidates.len()),
        found_by: FoundBy::Feed,
        led_to: next
            .into_iter()
            .map(|url| ToRead { page: asked.page + 1, ..ToRead::of(url, DocumentKind::WordPress) })
            .collect(),
        candidates,
    })
}

fn of_feed(asked: &ToRead, contents: &Contents, judge: &Judge<'_>) -> Result<ParsedDocument, String> {
    let hints = contents.hints();
    let opened = backissue_feed::Document::open(&contents.bytes, &hints);
    let opened = opened.map_err(|error| error.to_string())?;
    let (feed, paging) = (opened.feed().map_err(|error| error.to_string())?, opened.paging());
    let site = feed.site_url.clone();
    let mark = Some(mark_of(feed.entries.iter().filter_map(|entry| entry.url.as_ref())));
    let candidates: Vec<Candidate> = feed.entries.into_iter().filter_map(|entry| judge.told(entry)).collect();
    let older_than_asked = !candidates.is_empty() && candidates.iter().all(|c| c.too_old);
    let mut led_to = Vec::new();
    let page = asked.page + 1;
    if !older_than_asked && !candidates.is_empty() {
        let further = paging.previous_archive.or(paging.next);
        if paging.is_wordpress && further.is_none() {
            let url = next_page(&asked.url, "paged", page);
            led_to.push(ToRead { page, guess: true, ..ToRead::of(url, DocumentKind::Feed) });
            let interface =
                site.as_ref().unwrap_or(&asked.url).join("wp-json/").ok().filter(|_| asked.page == 1);
            let posts = interface.and_then(|interface| wordpress::posts_page(&interface, 1));
            led_to
                .extend(posts.map(|url| ToRead { guess: true, ..ToRead::of(url, DocumentKind::WordPress) }));
        }
        led_to.extend(further.map(|url| ToRead { page, ..ToRead::of(url, DocumentKind::Feed) }));
    }
    let said = match led_to.is_empty() {
        true => format!("{} entries; there is no next document", candidates.len()),
        false => format!("{} entries; there is a next document", candidates.len()),
    };
    Ok(ParsedDocument { candidates, found_by: FoundBy::Feed, led_to, mark, said })
}

fn of_listing(asked: &ToRead, contents: &Contents, judge: &Judge<'_>) -> Result<ParsedDocument, String> {
    let page = listing::read(&contents.bytes, &contents.hints());
    let candidates: Vec<Candidate> = page.links.iter().map(|link| judge.address(&link.url, None)).collect();
    let articles: Vec<&Candidate> = candidates.iter().filter(|c| c.verdict.is_article()).collect();
    let older_than_asked = !articles.is_empty() && articles.iter().all(|c| c.too_old);
    let mut led_to = Vec::new();
    // A page without articles, or with only older ones, does not lead to the requested ones.
    if !articles.is_empty() && !older_than_asked {
        let next = page.next.clone();
        led_to.extend(
            next.map(|url| ToRead { page: asked.page + 1, ..ToRead::of(url, DocumentKind::Listing) }),
        );
    }
    if asked.page == 1 {
        let posts = page.wordpress.as_ref().and_then(|interface| wordpress::posts_page(interface, 1));
        led_to.extend(posts.map(|url| ToRead::of(url, DocumentKind::WordPress)));
        // Archive pages are read for their articles and next pages, not for further archives.
        led_to.extend(
            page.archives
                .iter()
                .map(|url| ToRead { page: 2, ..ToRead::of(url.clone(), DocumentKind::Listing) }),
        );
    }
    Ok(ParsedDocument {
        mark: Some(mark_of(articles.iter().map(|c| &c.url))).filter(|_| !articles.is_empty()),
        said: format!("{} links, {} to articles", page.links.len(), articles.len()),
        found_by: FoundBy::Backfill,
        led_to,
        candidates,
    })
}

/// Whether an address is probably an article's and may be missing in the archive.
fn is_wanted(verdict: &Verdict) -> bool {
    verdict.is_article() && *verdict.why() != Why::InFeed
}

/// The address with the page number `number` in this parameter.
fn next_page(url: &Url, parameter: &str, number: u32) -> Url {
    let mut next = url.clone();
    let mut pairs: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    match pairs.iter_mut().find(|(name, _)| name == parameter) {
        Some((_, value)) => *value = number.to_string(),
        None => pairs.push((parameter.to_owned(), number.to_string())),
    }
    next.query_pairs_mut().clear().extend_pairs(pairs);
    next
}

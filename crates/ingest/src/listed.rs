//! Finds the articles of a source without a feed: the new addresses on its listing page or in its
//! sitemap.
//!
//! The shapes of articles' addresses are learned from the source's articles in the archive. While
//! there are few of these, a link counts if its text looks like a title. Each page is then fetched
//! and decides whether it is an article (`found_page`).

use std::collections::HashSet;

use backissue_crawl::{Shapes, Verdict, Why, listing, sitemap};
use backissue_feed::Hints;
use backissue_fetch::gunzip;
use backissue_model::dates::UrlDate;
use backissue_model::{CanonicalUrl, Entry, Source};
use backissue_store::Admission;
use jiff::Timestamp;
use url::Url;

use crate::compute::compute;

/// Maximum number of the source's articles from which shapes are learned.
pub(crate) const EXAMPLES: u32 = 500;
/// Minimum number of articles from which shapes can be learned.
const FEWEST: usize = 3;
/// Maximum articles per poll: the first ones on a page, or the newest ones in a sitemap.
const MOST: usize = 60;

/// The address of the page or sitemap to poll.
pub(crate) fn address(source: &Source) -> Option<&Url> {
    source.listing_url.as_ref().or(source.sitemap_url.as_ref())
}

/// An address on the list, with a verdict.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listed {
    pub(crate) url: Url,
    pub(crate) date: Option<Timestamp>,
    /// Whether the address is an article's, and why.
    pub(crate) verdict: Verdict,
}

/// A parsed page or sitemap.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct List {
    pub(crate) title: Option<String>,
    pub(crate) taken: Vec<Listed>,
    pub(crate) refused: Vec<Listed>,
    /// The shapes of articles' addresses, each with its number of examples.
    pub(crate) shapes: Vec<(String, usize)>,
    pub(crate) examples: usize,
}

impl List {
    /// The articles on the list, to be admitted. If the list was read before, those without a date
    /// get the date `now`.
    pub(crate) fn admissions(&self, now: Option<Timestamp>) -> Vec<Admission> {
        let admission = |listed: &Listed| {
            let url = CanonicalUrl::of(&listed.url).ok()?;
            let entry =
                Entry { url: Some(listed.url.clone()), updated: listed.date.or(now), ..Entry::default() };
            Some(Admission { url, entry })
        };
        self.taken.iter().filter_map(admission).collect()
    }
}

/// Parses a listing page or a sitemap.
///
/// # Errors
/// If the document is neither, or lists no article. The text is in plain words.
pub(crate) async fn read(bytes: Vec<u8>, hints: Hints, known: Vec<Url>) -> Result<List, String> {
    let bytes = gunzip(bytes, sitemap::MAX_BYTES).await?;
    let read = move || listed(&bytes, &hints, &known);
    compute(read).await.unwrap_or_else(|why| Err(format!("was not read: {why}")))
}

fn listed(bytes: &[u8], hints: &Hints, known: &[Url]) -> Result<List, String> {
    let mut is_sitemap = true;
    let links: Vec<(listing::Link, Option<Timestamp>)> = match sitemap::parse(bytes, hints) {
        Ok(map) => {
            let mut pages = map.pages;
            pages.sort_by_key(|page| std::cmp::Reverse(page.lastmod));
            pages
                .into_iter()
                .map(|page| (listing::Link { url: page.url, text: String::new() }, page.lastmod))
                .collect()
        }
        Err(_) => {
            is_sitemap = false;
            listing::read(bytes, hints).links.into_iter().map(|link| (link, None)).collect()
        }
    };
    let here = hints.url.clone().ok_or("has no address")?;
    let examples: Vec<Url> = if known.len() >= FEWEST {
        known.to_vec()
    } else {
        let likely = listing::likely_articles(links.iter().map(|(link, _)| link), &here);
        likely.into_iter().map(|link| link.url.clone()).chain(known.iter().cloned()).collect()
    };
    let shapes = Shapes::learn(&examples);
    let mut list = List {
        shapes: shapes.shapes().iter().map(|shape| (shape.to_string(), shape.examples())).collect(),
        examples: shapes.examples(),
        ..List::default()
    };
    let of_example = Verdict::Article(if known.len() < FEWEST { Why::Titled } else { Why::Known });
    let examples: HashSet<Url> = examples.into_iter().collect();
    for (link, lastmod) in links {
        let date = UrlDate::guess(&link.url, lastmod);
        let verdict = if examples.contains(&link.url) { of_example.clone() } else { shapes.judge(&link.url) };
        let is_taken = verdict.is_article() && list.taken.len() < MOST;
        let part = if is_taken { &mut list.taken } else { &mut list.refused };
        part.push(Listed { url: link.url, date, verdict });
    }
    if list.taken.is_empty() {
        let what = if is_sitemap { "is a sitemap that lists" } else { "is a page that lists" };
        return Err(format!(
            "{what} no addresses of articles; `backissue backfill --dry-run` explains what it has"
        ));
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(url: &str) -> Hints {
        Hints { url: url.parse().ok(), media_type: None }
    }

    fn paths(listed: &[Listed]) -> Vec<&str> {
        listed.iter().map(|listed| listed.url.path()).collect()
    }

    const PAGE: &[u8] = br#"<a href="/about">About</a><a href="/blog/moving-to-kafka">Moving</a><a href="/blog/why-we-left-it">Why</a>
        <a href="/blog/a-queue-too-many">A queue</a><a href="/jobs/senior-queue-engineer">Jobs</a><a href="/blog/kafka">Kafka</a>"#;

    #[test]
    fn first_poll_uses_titles_and_later_ones_shapes() {
        let first = listed(PAGE, &hints("https://acme.example/blog"), &[]).unwrap();
        assert_eq!(
            paths(&first.taken)[..3],
            ["/blog/moving-to-kafka", "/blog/why-we-left-it", "/blog/a-queue-too-many"]
        );
        assert!(!paths(&first.taken).contains(&"/jobs/senior-queue-engineer"));
        let known: Vec<Url> = ["/blog/one-two-three", "/blog/two-three-four", "/blog/three-four-five"]
            .map(|path| Url::parse("https://acme.example").unwrap().join(path).unwrap())
            .into();
        let later = listed(PAGE, &hints("https://acme.example/blog"), &known).unwrap();
        assert!(paths(&later.taken).contains(&"/blog/moving-to-kafka"), "{later:?}");
        assert!(!paths(&later.taken).contains(&"/about") && !later.shapes.is_empty(), "{later:?}");
    }

    #[test]
    fn sitemap_is_newest_first_and_empty_page_is_an_error() {
        let map = br#"<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
            <url><loc>https://acme.example/blog/old-news-of-ours</loc><lastmod>2020-01-01</lastmod></url>
            <url><loc>https://acme.example/blog/new-things-we-made</loc><lastmod>2026-01-01</lastmod></url>
            <url><loc>https://acme.example/pricing</loc></url></urlset>"#;
        let list = listed(map, &hints("https://acme.example/sitemap.xml"), &[]).unwrap();
        assert_eq!(paths(&list.taken), ["/blog/new-things-we-made", "/blog/old-news-of-ours"]);
        assert!(list.admissions(None)[0].entry.updated.is_some());
        let nothing = listed(b"<a href=/about>About</a>", &hints("https://acme.example/"), &[]).unwrap_err();
        assert!(nothing.contains("lists no addresses of articles"), "{nothing}");
    }
}

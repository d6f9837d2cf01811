//! Parses the document at a feed's address, and selects the entries that can become reads.

use std::collections::HashSet;

use backissue_crawl::{FoundFeed, discover};
use backissue_feed::{Document, FeedError, Hints};
use backissue_model::{CanonicalUrl, Entry, FIRST_PAGE, Feed, PollingHints};
use backissue_store::Admission;
use jiff::Timestamp;

use crate::compute::compute;

/// The kind of document at a feed's address.
pub(crate) enum FeedResponse {
    Feed(Box<(Feed, PollingHints)>),
    /// A web page, with the feeds to which it links.
    Page(Vec<FoundFeed>),
    /// Another document, described in plain words.
    Other(String),
}

/// Parses the document from a feed's address.
pub(crate) async fn read(bytes: Vec<u8>, hints: Hints) -> FeedResponse {
    let parse = |bytes: &[u8], hints: &Hints| {
        let document = Document::open(bytes, hints)?;
        Ok((document.feed()?, document.polling_hints()))
    };
    let read = move || match parse(&bytes, &hints) {
        Ok(found) => FeedResponse::Feed(Box::new(found)),
        Err(FeedError::WebPage) => FeedResponse::Page(discover(&bytes, &hints)),
        Err(error) => FeedResponse::Other(error.to_string()),
    };
    compute(read).await.unwrap_or_else(|why| FeedResponse::Other(format!("its feed was not read: {why}")))
}

/// The entries of a feed that can become reads.
#[derive(Debug, Default)]
pub struct Named {
    /// Entries that are articles.
    pub articles: Vec<Admission>,
    /// Entries that may be other pages. Each becomes a read only if its page is an article.
    pub doubtful: Vec<Admission>,
}

/// Selects the entries of a feed that can become reads: those with a web address. Of several
/// entries with one address, the first is used. If a feed proxy gives the article's own address,
/// that is used.
///
/// A date before the web counts as no date, because site generators write a zero time on pages
/// without a date. If the other entries have dates, such an entry is a page that may not be an
/// article, as in feeds of whole sites (Hugo's feed of a home page).
pub fn named(feed: Feed) -> Named {
    let feed_dates = feed.entries.iter().any(|entry| dates(entry).any(|at| at >= FIRST_PAGE));
    let mut seen = HashSet::new();
    let mut named = Named::default();
    for mut entry in feed.entries {
        let Some(url) = entry.original_url.as_ref().or(entry.url.as_ref()) else { continue };
        let Ok(url) = CanonicalUrl::of(url) else { continue };
        if !seen.insert(url.key()) {
            continue;
        }
        let is_doubtful =
            feed_dates && dates(&entry).next().is_some() && !dates(&entry).any(|at| at >= FIRST_PAGE);
        entry.published = entry.published.filter(|at| *at >= FIRST_PAGE);
        entry.updated = entry.updated.filter(|at| *at >= FIRST_PAGE);
        let list = if is_doubtful { &mut named.doubtful } else { &mut named.articles };
        list.push(Admission { url, entry });
    }
    named
}

fn dates(entry: &Entry) -> impl Iterator<Item = Timestamp> {
    [entry.published, entry.updated].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_model::FeedFormat;

    #[test]
    fn address_is_admitted_once_and_only_on_the_web() {
        let entry = |url: &str| Entry { url: url.parse().ok(), ..Entry::default() };
        let feed = Feed {
            format: FeedFormat::Rss2,
            title: None,
            site_url: None,
            language: None,
            entries: vec![
                entry("https://example.com/a?utm_source=feed"),
                entry("http://www.example.com/a/"),
                entry("mailto:me@example.com"),
                Entry::default(),
                entry("https://example.com/b"),
                Entry {
                    original_url: "https://example.com/c".parse().ok(),
                    ..entry("https://proxy.example/~r/c")
                },
            ],
        };
        let urls: Vec<String> = named(feed).articles.into_iter().map(|a| a.url.to_string()).collect();
        assert_eq!(urls, ["https://example.com/a", "https://example.com/b", "https://example.com/c"]);
    }
    #[test]
    fn undated_page_among_dated_entries_is_doubtful() {
        let entry = |url: &str, day: Option<&str>| Entry {
            url: url.parse().ok(),
            published: day.map(|day| day.parse().unwrap()),
            ..Entry::default()
        };
        let about = entry("https://example.com/about", Some("0001-01-01T00:00:00Z"));
        let post = entry("https://example.com/post", Some("2024-03-01T08:00:00Z"));
        let undated = entry("https://example.com/undated", None);
        let paths = |entries: &[&Entry]| {
            let named = named(Feed {
                format: FeedFormat::Rss2,
                title: None,
                site_url: None,
                language: None,
                entries: entries.iter().copied().cloned().collect(),
            });
            assert!(named.doubtful.iter().all(|admission| admission.entry.published.is_none()));
            let paths = |list: Vec<Admission>| -> Vec<String> {
                list.iter().map(|admission| admission.url.as_url().path().to_owned()).collect()
            };
            (paths(named.articles), paths(named.doubtful))
        };
        let list = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        assert_eq!(paths(&[&about, &post, &undated]), (list(&["/post", "/undated"]), list(&["/about"])));
        assert_eq!(paths(&[&about, &undated]), (list(&["/about", "/undated"]), list(&[])));
    }
}

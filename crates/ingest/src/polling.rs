//! One poll of one source: feed, entries, admission.

use std::collections::HashSet;

use backissue_feed::Hints;
use backissue_fetch::{Body, FetchError, Response, Validators, Want};
use backissue_model::{CanonicalUrl, Entry, FIRST_PAGE, Feed, Source, SourceTrouble};
use backissue_store::{Admission, ClaimedSource, PollOutcome};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::schedule;
use crate::workers::{Ingest, IngestError};

/// What came of asking, before it is recorded.
struct Polled {
    outcome: PollOutcome,
    next_poll: Option<Timestamp>,
    trouble: Option<SourceTrouble>,
}

impl Ingest {
    /// Asks the source for its feed and admits what is new.
    pub(crate) async fn poll(&self, claimed: ClaimedSource) -> Result<(), IngestError> {
        let source = &claimed.source;
        let polled = self.ask(source).await;
        let unchanged = matches!(polled.outcome, PollOutcome::NotModified { .. });
        let now = Timestamp::now();
        let admitted = self.store.record_poll(&claimed, polled.outcome, now, polled.next_poll).await?;
        match polled.trouble {
            Some(trouble) => {
                warn!(source = %source.slug, reason = %trouble.reason, "{} could not be polled: {}", source.title, trouble.reason);
                self.meter.trouble(trouble);
            }
            None if unchanged => self.meter.unchanged(&source.title),
            None => {
                info!(source = %source.slug, new = admitted.new, known = admitted.known, "{}: {} new reads", source.title, admitted.new);
                self.meter.polled(&source.title, admitted.new);
            }
        }
        Ok(())
    }

    async fn ask(&self, source: &Source) -> Polled {
        let Some(feed_url) = &source.feed_url else {
            return refused(
                source,
                PollOutcome::Failed { error: "it has no feed".into() },
                "it has no feed",
                None,
            );
        };
        let known = Validators {
            etag: source.health.etag.clone(),
            last_modified: source.health.last_modified.clone(),
        };
        match self.fetcher.get(feed_url, Want::Feed, &known).await {
            Err(error) => self.not_reached(source, &error),
            Ok(response) => self.answered(source, response).await,
        }
    }

    async fn answered(&self, source: &Source, response: Response) -> Polled {
        let next_poll =
            Some(schedule::next_poll(Timestamp::now(), self.settings.poll_every, response.cache_max_age));
        let Validators { etag, last_modified } = response.validators.clone();
        let moved_to = response.moved_to.clone();
        let bytes = match response.body {
            Body::NotModified => {
                let outcome = PollOutcome::NotModified { etag, last_modified, moved_to };
                return Polled { outcome, next_poll, trouble: None };
            }
            Body::Bytes(bytes) => bytes,
        };
        let hints = Hints { url: Some(response.url), media_type: response.media_type };
        let parsed = tokio::task::spawn_blocking(move || backissue_feed::parse(&bytes, &hints)).await;
        match parsed {
            Ok(Ok(mut feed)) => {
                let (feed_title, site_url) = (feed.title.take(), feed.site_url.take());
                let language = feed.language.take();
                let named = named(feed);
                let outcome = PollOutcome::Fetched {
                    feed_title,
                    site_url,
                    language,
                    moved_to,
                    etag,
                    last_modified,
                    articles: named.articles,
                    doubtful: named.doubtful,
                };
                Polled { outcome, next_poll, trouble: None }
            }
            Ok(Err(error)) => self.no_feed(source, error.to_string()),
            Err(_) => {
                self.no_feed(source, "its feed stopped the program's parser; please report this".into())
            }
        }
    }

    fn no_feed(&self, source: &Source, reason: String) -> Polled {
        let next = schedule::poll_retry(Timestamp::now(), source.health.failures + 1, None, source.id.0);
        refused(source, PollOutcome::Failed { error: reason.clone() }, &reason, Some(next))
    }

    fn not_reached(&self, source: &Source, error: &FetchError) -> Polled {
        let reason = error.to_string();
        if error.is_gone() {
            return refused(source, PollOutcome::Gone { error: reason.clone() }, &reason, None);
        }
        let now = Timestamp::now();
        let next = if error.is_offline() {
            self.lose_network();
            schedule::offline_retry(now)
        } else {
            schedule::poll_retry(now, source.health.failures + 1, error.retry_after(), source.id.0)
        };
        let mut polled = refused(source, PollOutcome::Failed { error: reason.clone() }, &reason, Some(next));
        if let Some(trouble) = &mut polled.trouble {
            trouble.offline = error.is_offline();
        }
        polled
    }
}

fn refused(source: &Source, outcome: PollOutcome, reason: &str, next_poll: Option<Timestamp>) -> Polled {
    let trouble = SourceTrouble { source: source.title.clone(), reason: reason.to_owned(), offline: false };
    Polled { outcome, next_poll, trouble: Some(trouble) }
}

/// What a feed names that can become reads.
#[derive(Debug, Default)]
pub struct Named {
    /// Its articles.
    pub articles: Vec<Admission>,
    /// Pages that it names beside its articles, and that are articles only if they say so themselves.
    pub doubtful: Vec<Admission>,
}

/// The entries of a feed that can become reads: those with an address on the web, each address once, the first entry of
/// several counting. Where a feed proxy tells the article's own address beside its own, that one counts.
///
/// A date before the web is none: site generators write their zero time on pages that have no date. Where a feed dates other
/// entries, such a page is a page of the site, as of feeds that list whole sites (Hugo's feed of a home page).
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
    fn an_address_is_admitted_once_and_only_if_it_is_on_the_web() {
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
    fn a_page_with_a_zero_time_is_doubtful_where_other_entries_are_dated() {
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

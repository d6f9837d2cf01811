//! One poll of one source: request, parsing, admission.

use std::collections::HashSet;
use std::time::Duration;

use backissue_crawl::{FoundFeed, discover};
use backissue_feed::{Document, FeedError, Hints};
use backissue_fetch::{Body, FetchError, Response, Validators, Want};
use backissue_model::{Because, CanonicalUrl, Entry, FIRST_PAGE, Feed, PollingHints, Source, SourceTrouble};
use backissue_store::{Address, Admission, ClaimedSource, NextPoll, PollOutcome};
use jiff::Timestamp;
use tracing::{info, warn};

use crate::compute::compute;
use crate::robots::Permission;
use crate::schedule::{self, Answered};
use crate::workers::{Ingest, IngestError};
use crate::{feed_address, hubs, listed};

/// The result of a request, before it is recorded.
struct Polled {
    outcome: PollOutcome,
    again: Pacing,
    trouble: Option<SourceTrouble>,
}

/// What decides the time of the next poll.
enum Pacing {
    /// How often it publishes, unless its server or its feed demand a longer pause.
    InRhythm { max_age: Option<Duration>, polling_hints: Box<PollingHints> },
    /// The poll failed.
    At(Timestamp, Because),
    /// It is not polled again.
    Never,
}

/// What the document at a feed's address is.
pub(crate) enum FeedResponse {
    Feed(Box<(Feed, PollingHints)>),
    /// A web page, with the feeds that it names.
    Page(Vec<FoundFeed>),
    /// Something else, in plain words.
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

impl Ingest {
    /// Requests the source's feed and admits what is new.
    pub(crate) async fn poll(&self, claimed: ClaimedSource) -> Result<(), IngestError> {
        let source = &claimed.source;
        let Polled { outcome, again, trouble } = self.ask(source).await?;
        let unchanged = matches!(outcome, PollOutcome::NotModified { .. });
        let moved = match &outcome {
            PollOutcome::Fetched { address: Address::Moved(to), .. }
            | PollOutcome::NotModified { address: Address::Moved(to), .. } => {
                to.host_str().map(str::to_owned)
            }
            _ => None,
        };
        let now = Timestamp::now();
        let next = |appeared: &[Timestamp]| self.planned(source, &again, now, appeared);
        let admitted = self.store.record_poll(&claimed, outcome, now, next).await?;
        if let Some(host) = moved {
            info!(source = %source.slug, host, "the feed of {} has moved to {host}", source.title);
        }
        match trouble {
            Some(trouble) => {
                // A repeated error is not logged again.
                if source.health.last_error.as_ref() != Some(&trouble.reason) {
                    warn!(source = %source.slug, reason = %trouble.reason, "{} could not be polled: {}", source.title, trouble.reason);
                }
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

    /// The time of the source's next poll. Its newest reads appeared at these times.
    fn planned(&self, source: &Source, again: &Pacing, now: Timestamp, appeared: &[Timestamp]) -> NextPoll {
        match again {
            Pacing::InRhythm { max_age, polling_hints } => {
                let hub = source.health.hub.as_ref().filter(|_| self.settings.callbacks.is_some());
                let known = Answered {
                    appeared,
                    polling_hints,
                    max_age: *max_age,
                    has_hub: hub.is_some_and(|hub| hub.tells(now)),
                    poll_every: self.settings.poll_every,
                    seed: source.id.0,
                };
                schedule::next_poll(now, &known)
            }
            Pacing::At(at, because) => schedule::next_try(now, appeared, *at, *because),
            Pacing::Never => NextPoll::default(),
        }
    }

    async fn ask(&self, source: &Source) -> Result<Polled, IngestError> {
        let Some(feed_url) = &source.feed_url else { return self.ask_list(source).await };
        let known = Validators {
            etag: source.health.etag.clone(),
            last_modified: source.health.last_modified.clone(),
        };
        match self.fetcher.get(feed_url, Want::Feed, &known).await {
            Err(error) => Ok(self.not_reached(source, &error)),
            Ok(response) => self.answered(source, response).await,
        }
    }

    /// Requests the listing page or sitemap of a source without a feed.
    async fn ask_list(&self, source: &Source) -> Result<Polled, IngestError> {
        let failed = |error: String, again| {
            refused(source, PollOutcome::Failed { error: error.clone() }, error, again)
        };
        let Some(url) = listed::address(source) else {
            return Ok(failed("it has no feed, no listing page and no sitemap".to_owned(), Pacing::Never));
        };
        match self.permission_for(url).await {
            Permission::Granted => {}
            Permission::Refused(line) => {
                let why = format!(
                    "{url} is not polled: its publisher forbids programs to read it (robots.txt: `{line}`)"
                );
                return Ok(no_feed(source, why));
            }
            Permission::Unknown { reason, .. } => return Ok(no_feed(source, reason)),
        }
        let known = Validators {
            etag: source.health.etag.clone(),
            last_modified: source.health.last_modified.clone(),
        };
        let response = match self.fetcher.get(url, Want::Any, &known).await {
            Err(error) => return Ok(self.not_reached(source, &error)),
            Ok(response) => response,
        };
        let max_age = response.cache_max_age;
        let Validators { etag, last_modified } = response.validators.clone();
        let address = Address::Stays;
        let bytes = match response.body {
            Body::NotModified => {
                let outcome = PollOutcome::NotModified { etag, last_modified, address };
                return Ok(well(outcome, max_age, PollingHints::default()));
            }
            Body::Bytes(bytes) => bytes,
        };
        let hints = Hints { url: Some(response.url), media_type: response.media_type };
        let known = self.store.addresses_of_articles(source.id, listed::EXAMPLES).await?;
        match listed::read(bytes, hints, known).await {
            Err(why) => Ok(no_feed(source, format!("{url} {why}"))),
            Ok(found) => {
                let outcome = PollOutcome::Fetched {
                    feed_title: found.title.clone(),
                    site_url: None,
                    language: None,
                    address,
                    polling_hints: PollingHints::default(),
                    etag,
                    last_modified,
                    articles: Vec::new(),
                    doubtful: found.admissions(source.health.last_success.map(|_| Timestamp::now())),
                };
                Ok(well(outcome, max_age, PollingHints::default()))
            }
        }
    }

    async fn answered(&self, source: &Source, response: Response) -> Result<Polled, IngestError> {
        let max_age = response.cache_max_age;
        let Validators { etag, last_modified } = response.validators.clone();
        let address = match &source.feed_url {
            Some(asked) => feed_address::judge(
                asked,
                response.moved_to.clone(),
                source.health.moving.as_ref(),
                Timestamp::now(),
                self.settings.poll_every,
            ),
            None => Address::Stays,
        };
        let bytes = match response.body {
            Body::NotModified => {
                let outcome = PollOutcome::NotModified { etag, last_modified, address };
                return Ok(well(outcome, max_age, source.health.polling_hints.clone()));
            }
            Body::Bytes(bytes) => bytes,
        };
        let links = response.links;
        let hints = Hints { url: Some(response.url), media_type: response.media_type };
        match read(bytes, hints).await {
            FeedResponse::Feed(found) => {
                let (feed, mut polling_hints) = *found;
                hubs::discover(&mut polling_hints, &links, source.feed_url.as_ref());
                let outcome =
                    fetched(feed, address, polling_hints.clone(), Validators { etag, last_modified });
                Ok(well(outcome, max_age, polling_hints))
            }
            FeedResponse::Page(offered) => match self.find_again(source, offered).await? {
                Ok(found) => {
                    let address = Address::Moved(found.url);
                    let outcome = fetched(found.feed, address, found.polling_hints.clone(), found.validators);
                    Ok(well(outcome, None, found.polling_hints))
                }
                Err(why) => Ok(no_feed(source, why.to_string())),
            },
            FeedResponse::Other(why) => Ok(no_feed(source, why)),
        }
    }

    fn not_reached(&self, source: &Source, error: &FetchError) -> Polled {
        let reason = error.to_string();
        if error.is_gone() {
            return refused(source, PollOutcome::Gone { error: reason.clone() }, reason, Pacing::Never);
        }
        let now = Timestamp::now();
        let again = if error.is_offline() {
            self.lose_network();
            Pacing::At(schedule::offline_retry(now), Because::Offline)
        } else {
            let tried = |wish| schedule::poll_retry(now, source.health.failures + 1, wish, source.id.0);
            let (soonest, at) = (tried(None), tried(error.retry_after()));
            Pacing::At(at, if at > soonest { Because::Patience } else { Because::Failure })
        };
        let mut polled = refused(source, PollOutcome::Failed { error: reason.clone() }, reason, again);
        if let Some(trouble) = &mut polled.trouble {
            trouble.offline = error.is_offline();
        }
        polled
    }
}

fn fetched(
    mut feed: Feed,
    address: Address,
    polling_hints: PollingHints,
    validators: Validators,
) -> PollOutcome {
    let (feed_title, site_url) = (feed.title.take(), feed.site_url.take());
    let language = feed.language.take();
    let named = named(feed);
    PollOutcome::Fetched {
        feed_title,
        site_url,
        language,
        address,
        polling_hints,
        etag: validators.etag,
        last_modified: validators.last_modified,
        articles: named.articles,
        doubtful: named.doubtful,
    }
}

fn well(outcome: PollOutcome, max_age: Option<Duration>, polling_hints: PollingHints) -> Polled {
    Polled {
        outcome,
        again: Pacing::InRhythm { max_age, polling_hints: Box::new(polling_hints) },
        trouble: None,
    }
}

fn no_feed(source: &Source, reason: String) -> Polled {
    let next = schedule::poll_retry(Timestamp::now(), source.health.failures + 1, None, source.id.0);
    let again = Pacing::At(next, Because::Failure);
    refused(source, PollOutcome::Failed { error: reason.clone() }, reason, again)
}

fn refused(source: &Source, outcome: PollOutcome, reason: String, again: Pacing) -> Polled {
    let trouble = SourceTrouble { source: source.title.clone(), reason, offline: false };
    Polled { outcome, again, trouble: Some(trouble) }
}

/// What a feed names that can become reads.
#[derive(Debug, Default)]
pub struct Named {
    /// Its articles.
    pub articles: Vec<Admission>,
    /// Other pages. Each is an article only if its page is one.
    pub doubtful: Vec<Admission>,
}

/// The entries of a feed that can become reads: those with an address on the web, each address
/// once; the first of several entries counts. If a feed proxy gives the article's own address, that
/// one counts.
///
/// A date before the web means no date: site generators write their zero time on pages without a
/// date. If the feed dates other entries, such a page is an ordinary page of the site, as in feeds
/// of whole sites (Hugo's feed of a home page).
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

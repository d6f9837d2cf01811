//! The step that polls a source: requests its feed, parses it, and admits entries.

use std::time::Duration;

use backissue_feed::Hints;
use backissue_fetch::{Body, FetchError, Response, Validators, Want};
use backissue_model::{Because, Feed, PollingHints, Source, SourceTrouble, without_credentials};
use backissue_store::{Address, ClaimedSource, NextPoll, PollOutcome};
use jiff::Timestamp;
use tracing::{info, warn};
use url::Url;

use crate::context::Context;
use crate::error::IngestError;
use crate::feed_address::find_again;
use crate::feed_response::{FeedResponse, named, read};
use crate::robots::Permission;
use crate::schedule::{self, Answered};
use crate::{feed_address, hubs, listed};

/// The result of a request, before it is recorded.
struct Polled {
    outcome: PollOutcome,
    again: Pacing,
    trouble: Option<SourceTrouble>,
}

/// What determines the time of the next poll.
enum Pacing {
    /// The rhythm of the source, unless its server or its feed demands a longer pause.
    InRhythm { max_age: Option<Duration>, polling_hints: Box<PollingHints> },
    /// A time that is given already, with the reason for it.
    At(Timestamp, Because),
    /// It is not polled again.
    Never,
}

/// Requests the source's feed and admits new entries.
pub(crate) async fn run(cx: &Context, claimed: ClaimedSource) -> Result<(), IngestError> {
    let source = &claimed.source;
    let Polled { outcome, again, trouble } = ask(cx, source).await?;
    let unchanged = matches!(outcome, PollOutcome::NotModified { .. });
    let moved = match &outcome {
        PollOutcome::Fetched { address: Address::Moved(to), .. }
        | PollOutcome::NotModified { address: Address::Moved(to), .. } => to.host_str().map(str::to_owned),
        _ => None,
    };
    let now = Timestamp::now();
    let next = |appeared: &[Timestamp]| planned(cx, source, &again, now, appeared);
    let admitted = cx.store.record_poll(&claimed, outcome, now, next).await?;
    if let Some(host) = moved {
        info!(source = %source.slug, host, "the feed of {} has moved to {host}", source.title);
    }
    match trouble {
        Some(trouble) => {
            // A repeated error is not logged again.
            if source.health.last_error.as_ref() != Some(&trouble.reason) {
                warn!(source = %source.slug, reason = %trouble.reason, "{} could not be polled: {}", source.title, trouble.reason);
            }
            cx.meter.trouble(trouble);
        }
        None if unchanged => cx.meter.unchanged(&source.title),
        None => {
            info!(source = %source.slug, new = admitted.new, known = admitted.known, "{}: {} new reads", source.title, admitted.new);
            cx.meter.polled(&source.title, admitted.new);
        }
    }
    Ok(())
}

/// The time of the next poll. `appeared` are the times when the newest reads appeared.
fn planned(
    cx: &Context,
    source: &Source,
    again: &Pacing,
    now: Timestamp,
    appeared: &[Timestamp],
) -> NextPoll {
    match again {
        Pacing::InRhythm { max_age, polling_hints } => {
            let hub = source.health.hub.as_ref().filter(|_| cx.settings.callbacks.is_some());
            let known = Answered {
                appeared,
                polling_hints,
                max_age: *max_age,
                has_hub: hub.is_some_and(|hub| hub.tells(now)),
                poll_every: cx.settings.poll_every,
                seed: source.id.0,
            };
            schedule::next_poll(now, &known)
        }
        Pacing::At(at, because) => schedule::next_try(now, appeared, *at, *because),
        Pacing::Never => NextPoll::default(),
    }
}

async fn ask(cx: &Context, source: &Source) -> Result<Polled, IngestError> {
    let Some(feed_url) = &source.feed_url else { return ask_list(cx, source).await };
    let known =
        Validators { etag: source.health.etag.clone(), last_modified: source.health.last_modified.clone() };
    match cx.get(feed_url, Want::Feed, &known).await {
        Err(error) => Ok(not_reached(source, &error)),
        Ok(response) => answered(cx, source, response).await,
    }
}

/// Requests the listing page or sitemap of a source without a feed.
async fn ask_list(cx: &Context, source: &Source) -> Result<Polled, IngestError> {
    let failed =
        |error: String, again| refused(source, PollOutcome::Failed { error: error.clone() }, error, again);
    let Some(url) = listed::address(source) else {
        return Ok(failed("it has no feed, no listing page and no sitemap".to_owned(), Pacing::Never));
    };
    let shown = without_credentials(url);
    match cx.permission_for(url).await {
        Permission::Granted => {}
        Permission::Refused(line) => {
            let why = format!(
                "{shown} is not polled: its publisher forbids programs to read it (robots.txt: `{line}`)"
            );
            return Ok(no_feed(source, why));
        }
        Permission::Unknown { reason, .. } => return Ok(no_feed(source, reason)),
    }
    let known =
        Validators { etag: source.health.etag.clone(), last_modified: source.health.last_modified.clone() };
    let response = match cx.get(url, Want::Any, &known).await {
        Err(error) => return Ok(not_reached(source, &error)),
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
    let known = cx.store.addresses_of_articles(source.id, listed::EXAMPLES).await?;
    match listed::read(bytes, hints, known).await {
        Err(why) => Ok(no_feed(source, format!("{shown} {why}"))),
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

async fn answered(cx: &Context, source: &Source, response: Response) -> Result<Polled, IngestError> {
    let max_age = response.cache_max_age;
    let Validators { etag, last_modified } = response.validators.clone();
    let address = match &source.feed_url {
        Some(asked) => feed_address::judge(
            asked,
            response.moved_to.clone(),
            source.health.moving.as_ref(),
            Timestamp::now(),
            cx.settings.poll_every,
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
            let validators = Validators { etag, last_modified };
            let of_links = source.feed_url.as_ref().filter(|url| backissue_feed::is_feed_of_links(url));
            let outcome = match of_links {
                Some(at) => only_links(feed, at, address, polling_hints.clone(), validators),
                None => fetched(feed, address, polling_hints.clone(), validators),
            };
            Ok(well(outcome, max_age, polling_hints))
        }
        FeedResponse::Page(offered) => match find_again(cx, source, offered).await? {
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

fn not_reached(source: &Source, error: &FetchError) -> Polled {
    let reason = error.to_string();
    if error.is_gone() {
        return refused(source, PollOutcome::Gone { error: reason.clone() }, reason, Pacing::Never);
    }
    let now = Timestamp::now();
    let again = if error.is_offline() {
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

/// The outcome for a feed of links, such as an account's. Each linked page becomes a read only if
/// it is an article.
fn only_links(
    feed: Feed,
    at: &Url,
    address: Address,
    polling_hints: PollingHints,
    validators: Validators,
) -> PollOutcome {
    let mut outcome = fetched(backissue_feed::linked_entries(feed, at), address, polling_hints, validators);
    if let PollOutcome::Fetched { articles, doubtful, .. } = &mut outcome {
        doubtful.append(articles);
    }
    outcome
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

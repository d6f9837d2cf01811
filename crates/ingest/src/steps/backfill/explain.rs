//! A dry run of a backfill.

use std::time::Duration;

use backissue_crawl::Shapes;
use backissue_feed::Hints;
use backissue_fetch::{Body, Fetcher, Validators, Want};
use backissue_model::{Source, without_credentials};
use backissue_store::Extent;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::document::Candidate;
use super::plan::{DocumentKind, Plan, Reading, key_of};
use super::step::{EXAMPLES, NextTry, Search};
use crate::context::Context;
use crate::error::IngestError;
use crate::listed::{self, Listed};
use crate::robots::Permission;

/// A document that was read in a dry run.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadDocument {
    /// The document's address.
    pub url: Url,
    /// The kind of document.
    pub way: DocumentKind,
    /// The result, in plain words.
    pub said: String,
}

/// The result of a dry run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// The learned shapes of articles' addresses, each with its number of examples.
    pub shapes: Vec<(String, usize)>,
    /// Number of articles in the feed from which the shapes were learned.
    pub examples: usize,
    /// The documents that were read, in order.
    pub documents: Vec<ReadDocument>,
    /// The addresses that would be fetched, newest first, each once, up to the requested number.
    /// Includes reads that the archive has already.
    pub taken: Vec<Candidate>,
    /// Number of found addresses that are in the feed too. They are neither in `taken` nor in
    /// `refused`.
    pub in_feed: usize,
    /// The addresses that would not be fetched, each once.
    pub refused: Vec<Candidate>,
    /// The host's pause between two requests.
    pub pause: Duration,
    /// The error that stopped the dry run, if there was one.
    pub trouble: Option<String>,
}

impl Explanation {
    /// The minimum time to fetch all addresses in `taken`.
    pub fn estimate(&self) -> Duration {
        self.pause.saturating_mul(u32::try_from(self.taken.len()).unwrap_or(u32::MAX))
    }
}

/// Explains what a poll of a source without a feed would admit.
async fn explain_list(cx: &Context, source: &Source, extent: Extent) -> Result<Explanation, IngestError> {
    let trouble = |why: String| Explanation { trouble: Some(why), ..Explanation::default() };
    let Some(url) = listed::address(source) else {
        return Ok(trouble("it has no feed, no listing page and no sitemap".to_owned()));
    };
    let shown = without_credentials(url);
    if let Permission::Refused(line) = cx.permission_for(url).await {
        return Ok(trouble(format!("its publisher forbids programs to read {shown} (robots.txt: `{line}`)")));
    }
    let response = match cx.fetcher.get(url, Want::Any, &Validators::default()).await {
        Ok(response) => response,
        Err(error) => return Ok(trouble(error.to_string())),
    };
    let hints = Hints { url: Some(response.url), media_type: response.media_type };
    let Body::Bytes(bytes) = response.body else { return Ok(Explanation::default()) };
    let known = cx.store.addresses_of_articles(source.id, listed::EXAMPLES).await?;
    let list = match listed::read(bytes, hints, known).await {
        Ok(list) => list,
        Err(why) => return Ok(trouble(format!("{shown} {why}"))),
    };
    let candidates = |listed: Vec<Listed>| -> Vec<Candidate> {
        let candidate = |Listed { url, date, verdict }| {
            let too_old = extent.since.zip(date).is_some_and(|(since, at)| at < since);
            Candidate { url, verdict, date, too_old, entry: None }
        };
        listed.into_iter().map(candidate).collect()
    };
    let way = if source.listing_url.is_some() { DocumentKind::Listing } else { DocumentKind::Sitemap };
    let said = format!("{} addresses of articles, {} others", list.taken.len(), list.refused.len());
    Ok(Explanation {
        shapes: list.shapes,
        examples: list.examples,
        documents: vec![ReadDocument { url: shown, way, said }],
        taken: candidates(list.taken),
        in_feed: 0,
        refused: candidates(list.refused),
        pause: pause_of(cx, Some(url)).await,
        trouble: None,
    })
}

/// Runs a backfill without storing anything, and explains each decision.
///
/// # Errors
/// If the database fails.
pub(crate) async fn explain(
    cx: &Context,
    source: &Source,
    extent: Extent,
    stop: &CancellationToken,
) -> Result<Explanation, IngestError> {
    if source.feed_url.is_none() {
        return explain_list(cx, source, extent).await;
    }
    let mut examples = cx.store.addresses_in_feed(source.id, EXAMPLES).await?;
    if examples.is_empty()
        && let Some(feed_url) = &source.feed_url
    {
        match addresses_in(&cx.fetcher, feed_url).await {
            Ok(urls) => examples = urls,
            Err(reason) => {
                return Ok(Explanation { trouble: Some(reason), ..Explanation::default() });
            }
        }
    }
    let shapes = Shapes::learn(&examples);
    let search = Search { source, examples: &examples, shapes: &shapes, extent };
    let mut plan = Plan::default();
    let mut found: Vec<Candidate> = Vec::new();
    let mut known = std::collections::HashSet::new();
    let mut trouble = None;
    while !plan.is_finished() && !stop.is_cancelled() {
        let step = search.step(cx, &mut plan, 0).await;
        found.extend(
            step.candidates.into_iter().filter(|c| key_of(&c.url).is_some_and(|key| known.insert(key))),
        );
        if step.again != NextTry::Done {
            trouble = step.error;
            break;
        }
        trouble = step.error.or(trouble);
    }
    let pause = pause_of(cx, examples.first()).await;
    let feed: std::collections::HashSet<_> = examples.iter().filter_map(key_of).collect();
    let (in_feed, found): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|c| key_of(&c.url).is_some_and(|key| feed.contains(&key)));
    let (mut taken, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(Candidate::is_taken);
    taken.sort_by_key(|candidate| std::cmp::Reverse(candidate.date));
    taken.truncate(extent.most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX));
    let document = |reading: &Reading| ReadDocument {
        url: without_credentials(&reading.url),
        way: reading.way,
        said: reading.said.clone(),
    };
    Ok(Explanation {
        shapes: shapes.shapes().iter().map(|shape| (shape.to_string(), shape.examples())).collect(),
        examples: shapes.examples(),
        documents: plan.readings().iter().map(document).collect(),
        taken,
        in_feed: in_feed.len(),
        refused,
        pause,
        trouble,
    })
}

/// The pause between two requests to the host of `url`, if its robots.txt has been read.
async fn pause_of(cx: &Context, url: Option<&Url>) -> Duration {
    let ours = cx.fetcher.host_pause();
    let Some(url) = url else { return ours };
    let asked = cx.robots_of(url).await.ok().and_then(|robots| robots.crawl_delay).unwrap_or_default();
    ours.max(asked.min(cx.fetcher.longest_pause()))
}

/// The addresses in a feed.
async fn addresses_in(fetcher: &Fetcher, feed: &Url) -> Result<Vec<Url>, String> {
    let response = fetcher.get(feed, Want::Feed, &Validators::default()).await.map_err(|e| e.to_string())?;
    let hints = Hints { url: Some(response.url), media_type: response.media_type };
    let parsed = backissue_feed::parse(response.body.bytes().unwrap_or_default(), &hints);
    let feed = parsed.map_err(|error| error.to_string())?;
    Ok(crate::feed_response::named(feed).articles.into_iter().map(|a| a.url.as_url().clone()).collect())
}

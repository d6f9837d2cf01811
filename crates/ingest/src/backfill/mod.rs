//! Backfill: the search for what a source published before it was followed.
//!
//! The shapes of articles' addresses are learned from the source's feed ([`Shapes`]). Kinds of
//! documents are tried in the order of [`DocumentKind`]: sitemaps first, and others only if the sitemaps
//! lack articles of the feed. One step reads one document ([`plan`] selects it). Its result is
//! committed with the plan of what is still to be read, so that a stopped backfill continues. A
//! read that was found by its address alone is kept only if its page is an article ([`page`]).

mod document;
mod explain;
pub(crate) mod page;
mod plan;

use std::time::Duration;

use backissue_crawl::{Shapes, Verdict};
use backissue_fetch::{Body, FetchError, Validators, Want};
use backissue_model::{CanonicalUrl, Source};
use backissue_store::{
    ATTEMPTS_MAX, BackfillStep, ClaimedBackfill, Extent, FoundBy, NextStep, Store, StoreError,
};
use jiff::Timestamp;
use tracing::{info, warn};
use url::Url;

pub use document::Candidate;
pub use explain::{Explanation, ReadDocument};
pub use plan::{DocumentKind, Plan};

use crate::compute::compute;
use crate::robots::Permission;
use crate::schedule;
use crate::workers::{Ingest, IngestError};
use document::{Contents, read};
use plan::{Reading, ToRead};

/// Number of the feed's newest addresses from which shapes are learned.
const EXAMPLES: u32 = 500;

/// Attempts at a failing document before it is skipped. A site whose robots.txt cannot be fetched
/// is waited for.
const ATTEMPTS: u32 = 3;

/// The result of one document.
#[derive(Debug, Default)]
pub(crate) struct Step {
    /// Addresses with verdicts.
    candidates: Vec<Candidate>,
    found_by: Option<FoundBy>,
    error: Option<String>,
    again: NextTry,
    asked: bool,
}

#[derive(Debug, Default, PartialEq)]
enum NextTry {
    /// The document is finished, with or without success.
    #[default]
    Done,
    Later(Option<Duration>),
    Online,
}

/// Requests a backfill of a source. A running [`Ingest::run`] or the next [`Ingest::sync`] works on
/// it.
///
/// # Errors
/// If the database fails.
pub async fn ask_backfill(store: &Store, source: &Source, extent: Extent) -> Result<(), StoreError> {
    let again = |plan: &str| Plan::parse(plan).again().to_text();
    store.ask_backfill(source.id, &host_of(source), extent, again, Timestamp::now()).await
}

impl Ingest {
    /// Reads the next document of a backfill and records the result.
    pub(crate) async fn backfill(&self, claimed: ClaimedBackfill) -> Result<(), IngestError> {
        let source = &claimed.source;
        let examples = self.store.addresses_in_feed(source.id, EXAMPLES).await?;
        let shapes = Shapes::learn(&examples);
        let mut plan = Plan::parse(&claimed.backfill.plan);
        let extent = claimed.backfill.extent;
        let step = self.step(source, &shapes, &examples, extent, &mut plan, claimed.attempts).await;
        let now = Timestamp::now();
        let next = match step.again {
            NextTry::Done if plan.is_finished() => NextStep::Finished,
            NextTry::Done => NextStep::Now,
            NextTry::Online => NextStep::Uncounted(schedule::offline_retry(now)),
            NextTry::Later(wish) => {
                NextStep::Retry(schedule::poll_retry(now, claimed.attempts + 1, wish, source.id.0))
            }
        };
        if let Some(error) = &step.error {
            warn!(source = %source.slug, %error, "backfill of {}: {error}", source.title);
        }
        let recorded = BackfillStep {
            plan: plan.to_text(),
            host: plan.next_host().unwrap_or_else(|| host_of(source)),
            admissions: document::admissions(step.candidates),
            found_by: step.found_by.unwrap_or(FoundBy::Backfill),
            document: step.asked && step.again == NextTry::Done,
            error: step.error,
            next,
        };
        let admitted = self.store.record_backfill(&claimed, recorded, now).await?;
        if admitted.new > 0 {
            info!(source = %source.slug, new = admitted.new, "{}: {} reads from its backfill", source.title, admitted.new);
        }
        self.meter.found(admitted.new);
        Ok(())
    }

    /// Reads the plan's next document, and adds what it leads to.
    pub(crate) async fn step(
        &self,
        source: &Source,
        shapes: &Shapes,
        examples: &[Url],
        extent: Extent,
        plan: &mut Plan,
        attempts: u32,
    ) -> Step {
        if shapes.examples() == 0 {
            plan.finish();
            let error =
                "its feed has no article whose address could be learned from, so nothing was searched";
            return Step { error: Some(error.to_owned()), ..Step::default() };
        }
        if !plan.is_begun()
            && let Err(step) = self.fill(source, shapes, examples, plan).await
        {
            return step;
        }
        let Some(next) = plan.next().cloned() else { return Step::default() };
        if attempts >= ATTEMPTS_MAX {
            let said = "the program stopped while reading it";
            plan.done(Reading::of(&next, said), examples);
            return Step { error: Some(format!("{}: {said}", next.url)), asked: true, ..Step::default() };
        }
        match self.permission_for(&next.url).await {
            Permission::Granted => {}
            Permission::Refused(line) => {
                let said = format!("its publisher forbids programs to read it (robots.txt: `{line}`)");
                let error = format!("{} was not read: {said}", next.url);
                plan.done(Reading::of(&next, &said), examples);
                return Step { error: Some(error), ..Step::default() };
            }
            Permission::Unknown { reason, offline } => return self.held_up(reason, offline, None),
        }
        let known = plan.known(&next).map(Reading::validators).unwrap_or_default();
        match self.fetcher.get(&next.url, next.way.want(), &known).await {
            Ok(response) => {
                let validators = response.validators.clone();
                let contents = match response.body {
                    Body::NotModified => None,
                    Body::Bytes(bytes) => {
                        Some(Contents { bytes, media_type: response.media_type, url: response.url })
                    }
                };
                self.take_in(&next, contents, validators, shapes, examples, extent, plan).await
            }
            Err(error) if error.is_offline() || (error.is_transient() && attempts + 1 < ATTEMPTS) => {
                self.held_up(error.to_string(), error.is_offline(), error.retry_after())
            }
            Err(error) => {
                plan.done(Reading::of(&next, &error.to_string()), examples);
                // A wrong guess is not an error.
                let told = (!next.guess && !is_absent(&error)).then(|| error.to_string());
                Step { error: told, asked: true, ..Step::default() }
            }
        }
    }

    fn held_up(&self, reason: String, offline: bool, wish: Option<Duration>) -> Step {
        let again = if offline {
            self.lose_network();
            NextTry::Online
        } else {
            NextTry::Later(wish)
        };
        Step { error: Some(reason), again, asked: true, ..Step::default() }
    }

    /// Fills a new plan with documents that can be tried immediately.
    async fn fill(
        &self,
        source: &Source,
        shapes: &Shapes,
        examples: &[Url],
        plan: &mut Plan,
    ) -> Result<(), Step> {
        let Some(example) = examples.first() else { return Ok(()) };
        let robots = match self.robots_of(example).await {
            Ok(robots) => robots,
            Err(Permission::Unknown { reason, offline }) => return Err(self.held_up(reason, offline, None)),
            Err(_) => std::sync::Arc::default(),
        };
        plan.begin(source, example, &shapes.folder(), &robots.sitemaps);
        Ok(())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "what a document means depends on all of them, and there is one caller"
    )]
    async fn take_in(
        &self,
        asked: &ToRead,
        contents: Option<Contents>,
        validators: Validators,
        shapes: &Shapes,
        examples: &[Url],
        extent: Extent,
        plan: &mut Plan,
    ) -> Step {
        let Some(contents) = contents else {
            let mut reading = plan.known(asked).cloned().unwrap_or_else(|| Reading::of(asked, ""));
            reading.said = "unchanged since it was read last".to_owned();
            plan.done_well(reading, examples);
            return Step { asked: true, ..Step::default() };
        };
        let (task, to_judge) = (asked.clone(), shapes.clone());
        let document = match contents.opened().await {
            Ok(contents) => compute(move || read(&task, &contents, &to_judge, extent)).await,
            Err(reason) => Ok(Err(reason)),
        };
        let document = match document {
            Ok(Ok(document)) => document,
            Ok(Err(reason)) => {
                plan.done(Reading::of(asked, &reason), examples);
                let error = (!asked.guess).then(|| format!("{}: {reason}", asked.url));
                return Step { error, asked: true, ..Step::default() };
            }
            Err(why) => {
                let reason = why.to_string();
                plan.done(Reading::of(asked, &reason), examples);
                return Step {
                    error: Some(format!("{}: {reason}", asked.url)),
                    asked: true,
                    ..Step::default()
                };
            }
        };
        let repeated = plan.has_seen(document.mark);
        let reading = Reading {
            etag: validators.etag,
            last_modified: validators.last_modified,
            led_to: if repeated { Vec::new() } else { document.led_to },
            mark: document.mark,
            said: if repeated { "the same as one before it".to_owned() } else { document.said },
            ..Reading::of(asked, "")
        };
        plan.cover(document.candidates.iter().map(|candidate| &candidate.url), examples);
        plan.done_well(reading, examples);
        Step {
            candidates: if repeated { Vec::new() } else { document.candidates },
            found_by: Some(document.found_by),
            asked: true,
            ..Step::default()
        }
    }
}

impl DocumentKind {
    fn want(self) -> Want {
        match self {
            Self::Sitemap | Self::WordPress => Want::Any,
            Self::Feed => Want::Feed,
            Self::Listing => Want::Page,
        }
    }
}

/// Whether the server says that the document does not exist.
fn is_absent(error: &FetchError) -> bool {
    matches!(error, FetchError::Status { status: 400 | 401 | 403 | 404 | 410, .. })
}

/// The host that most likely has a source's past.
fn host_of(source: &Source) -> String {
    let addresses = [&source.site_url, &source.feed_url, &source.sitemap_url, &source.listing_url];
    addresses.into_iter().flatten().find_map(|url| url.host_str()).unwrap_or_default().to_owned()
}

/// Whether an address is an article's that may not be in the archive.
fn is_wanted(verdict: &Verdict) -> bool {
    verdict.is_article() && *verdict.why() != backissue_crawl::Why::InFeed
}

fn key_of(url: &Url) -> Option<String> {
    CanonicalUrl::of(url).ok().map(|url| url.key())
}

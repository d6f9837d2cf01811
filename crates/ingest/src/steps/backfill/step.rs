//! One step of a backfill: reads the next document of the plan.

use std::time::Duration;

use backissue_crawl::Shapes;
use backissue_fetch::{Body, FetchError, Validators, Want};
use backissue_model::{Source, without_credentials};
use backissue_store::{
    ATTEMPTS_MAX, BackfillStep, ClaimedBackfill, Extent, FoundBy, NextStep, Store, StoreError,
};
use jiff::Timestamp;
use tracing::{info, warn};
use url::Url;

use super::document::{self, Candidate, Contents, read};
use super::plan::{DocumentKind, Plan, Reading, ToRead};
use crate::compute::compute;
use crate::context::Context;
use crate::error::IngestError;
use crate::robots::Permission;
use crate::schedule;

/// Number of newest addresses in the feed from which shapes are learned.
pub(super) const EXAMPLES: u32 = 500;

/// Maximum attempts at a failing document before it is skipped. If a site's robots.txt cannot be
/// fetched, the backfill waits.
const ATTEMPTS: u32 = 3;

/// The result of one document.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// The found addresses with their verdicts.
    pub(super) candidates: Vec<Candidate>,
    pub(super) found_by: Option<FoundBy>,
    pub(super) error: Option<String>,
    pub(super) again: NextTry,
    pub(super) asked: bool,
}

#[derive(Debug, Default, PartialEq)]
pub(super) enum NextTry {
    /// The document is finished, with or without success.
    #[default]
    Done,
    Later(Option<Duration>),
    Online,
}

/// Requests a backfill of a source. A running [`Ingest::run`](crate::Ingest::run) or the next
/// [`Ingest::sync`](crate::Ingest::sync) does it.
///
/// # Errors
/// If the database fails.
pub async fn ask_backfill(store: &Store, source: &Source, extent: Extent) -> Result<(), StoreError> {
    let again = |plan: &str| Plan::parse(plan).again().to_text();
    store.ask_backfill(source.id, &host_of(source), extent, again, Timestamp::now()).await
}

/// The facts by which a backfill judges addresses.
pub(super) struct Search<'a> {
    pub(super) source: &'a Source,
    /// The newest addresses of articles in the feed.
    pub(super) examples: &'a [Url],
    /// The shapes of these addresses.
    pub(super) shapes: &'a Shapes,
    pub(super) extent: Extent,
}

/// A document as the server sent it.
struct Fetched {
    /// The contents. `None` if the document has not changed since it was last read.
    contents: Option<Contents>,
    validators: Validators,
}

/// Reads the next document of a backfill and records the result.
pub(crate) async fn run(cx: &Context, claimed: ClaimedBackfill) -> Result<(), IngestError> {
    let source = &claimed.source;
    let examples = cx.store.addresses_in_feed(source.id, EXAMPLES).await?;
    let shapes = Shapes::learn(&examples);
    let extent = claimed.backfill.extent;
    let search = Search { source, examples: &examples, shapes: &shapes, extent };
    let mut plan = Plan::parse(&claimed.backfill.plan);
    let step = search.step(cx, &mut plan, claimed.attempts).await;
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
    let admitted = cx.store.record_backfill(&claimed, recorded, now).await?;
    if admitted.new > 0 {
        info!(source = %source.slug, new = admitted.new, "{}: {} reads from its backfill", source.title, admitted.new);
    }
    cx.meter.found(admitted.new);
    Ok(())
}

fn held_up(cx: &Context, reason: String, offline: bool, wish: Option<Duration>) -> Step {
    let again = if offline {
        cx.lose_network();
        NextTry::Online
    } else {
        NextTry::Later(wish)
    };
    Step { error: Some(reason), again, asked: true, ..Step::default() }
}

impl Search<'_> {
    /// Reads the plan's next document, and adds the documents to which it leads.
    pub(super) async fn step(&self, cx: &Context, plan: &mut Plan, attempts: u32) -> Step {
        if self.shapes.examples() == 0 {
            plan.finish();
            let error =
                "its feed has no article whose address could be learned from, so nothing was searched";
            return Step { error: Some(error.to_owned()), ..Step::default() };
        }
        if !plan.is_begun()
            && let Err(step) = self.fill(cx, plan).await
        {
            return step;
        }
        let Some(next) = plan.next().cloned() else { return Step::default() };
        if attempts >= ATTEMPTS_MAX {
            let said = "the program stopped while reading it";
            plan.done(Reading::of(&next, said), self.examples);
            return Step {
                error: Some(format!("{}: {said}", without_credentials(&next.url))),
                asked: true,
                ..Step::default()
            };
        }
        match cx.permission_for(&next.url).await {
            Permission::Granted => {}
            Permission::Refused(line) => {
                let said = format!("its publisher forbids programs to read it (robots.txt: `{line}`)");
                let error = format!("{} was not read: {said}", without_credentials(&next.url));
                plan.done(Reading::of(&next, &said), self.examples);
                return Step { error: Some(error), ..Step::default() };
            }
            Permission::Unknown { reason, offline } => return held_up(cx, reason, offline, None),
        }
        let known = plan.known(&next).map(Reading::validators).unwrap_or_default();
        match cx.get(&next.url, next.way.want(), &known).await {
            Ok(response) => {
                let validators = response.validators.clone();
                let contents = match response.body {
                    Body::NotModified => None,
                    Body::Bytes(bytes) => {
                        Some(Contents { bytes, media_type: response.media_type, url: response.url })
                    }
                };
                self.take_in(&next, Fetched { contents, validators }, plan).await
            }
            Err(error) if error.is_offline() || (error.is_transient() && attempts + 1 < ATTEMPTS) => {
                held_up(cx, error.to_string(), error.is_offline(), error.retry_after())
            }
            Err(error) => {
                plan.done(Reading::of(&next, &error.to_string()), self.examples);
                // A wrong guess is not an error.
                let told = (!next.guess && !is_absent(&error)).then(|| error.to_string());
                Step { error: told, asked: true, ..Step::default() }
            }
        }
    }

    /// Fills a new plan with documents that can be tried immediately.
    async fn fill(&self, cx: &Context, plan: &mut Plan) -> Result<(), Step> {
        let Some(example) = self.examples.first() else { return Ok(()) };
        let robots = match cx.robots_of(example).await {
            Ok(robots) => robots,
            Err(Permission::Unknown { reason, offline }) => return Err(held_up(cx, reason, offline, None)),
            Err(_) => std::sync::Arc::default(),
        };
        plan.begin(self.source, example, &self.shapes.folder(), &robots.sitemaps);
        Ok(())
    }

    async fn take_in(&self, asked: &ToRead, fetched: Fetched, plan: &mut Plan) -> Step {
        let Fetched { contents, validators } = fetched;
        let Some(contents) = contents else {
            let mut reading = plan.known(asked).cloned().unwrap_or_else(|| Reading::of(asked, ""));
            reading.said = "unchanged since it was read last".to_owned();
            plan.done_well(reading, self.examples);
            return Step { asked: true, ..Step::default() };
        };
        let (task, shapes, extent) = (asked.clone(), self.shapes.clone(), self.extent);
        let document = match contents.opened().await {
            Ok(contents) => compute(move || read(&task, &contents, &shapes, extent)).await,
            Err(reason) => Ok(Err(reason)),
        };
        let document = match document {
            Ok(Ok(document)) => document,
            Ok(Err(reason)) => {
                plan.done(Reading::of(asked, &reason), self.examples);
                let error = (!asked.guess).then(|| format!("{}: {reason}", without_credentials(&asked.url)));
                return Step { error, asked: true, ..Step::default() };
            }
            Err(why) => {
                let reason = why.to_string();
                plan.done(Reading::of(asked, &reason), self.examples);
                return Step {
                    error: Some(format!("{}: {reason}", without_credentials(&asked.url))),
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
        plan.cover(document.candidates.iter().map(|candidate| &candidate.url), self.examples);
        plan.done_well(reading, self.examples);
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

/// The host that most likely has a source's older articles.
fn host_of(source: &Source) -> String {
    let addresses = [&source.site_url, &source.feed_url, &source.sitemap_url, &source.listing_url];
    addresses.into_iter().flatten().find_map(|url| url.host_str()).unwrap_or_default().to_owned()
}

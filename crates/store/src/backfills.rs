//! Backfill, the search for articles that sources published before they were followed: table
//! `backfill`.
//!
//! The row is the job. A worker claims the backfill of one source and reads one document (a
//! sitemap, a list, a feed). Its result is committed together with the plan of the documents still
//! to be read. The plan is a text that only the caller interprets.

use backissue_model::{ReadId, Source, SourceId};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::archive::touch;
use crate::database::{Row, Tried, sql, sql_of};
use crate::due::{not_among, of_due};
use crate::error::Failure;
use crate::keys::{address_key, source_list};
use crate::polls::{FoundBy, Room, admit};
use crate::sources::source_in;
use crate::times::{millis, opt_millis};
use crate::{Admission, Admitted, Store, StoreError};

/// The limits of a backfill.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// The earliest publication date. `None` means no limit.
    pub since: Option<Timestamp>,
    /// Maximum reads to admit. `None` means no limit.
    pub most: Option<u64>,
}

impl Extent {
    /// Whether `before` includes everything that `self` includes.
    fn is_within(&self, before: &Self) -> bool {
        let since = match (self.since, before.since) {
            (_, None) => true,
            (Some(since), Some(before)) => since >= before,
            (None, Some(_)) => false,
        };
        since && before.most.is_none()
    }
}

/// The state of a source's backfill.
#[derive(Clone, Debug, PartialEq)]
pub struct Backfill {
    /// The source.
    pub source: SourceId,
    /// Its limits.
    pub extent: Extent,
    /// When it was requested.
    pub asked_at: Timestamp,
    /// The caller's plan: documents that are read and still to be read.
    pub plan: String,
    /// Number of documents that were read.
    pub documents: u64,
    /// Addresses of articles in them, including known ones.
    pub found: u64,
    /// New reads.
    pub admitted: u64,
    /// When it continues. `None` if it is finished.
    pub due_at: Option<Timestamp>,
    /// When it was finished.
    pub finished_at: Option<Timestamp>,
    /// The last error, in plain words.
    pub error: Option<String>,
}

/// A claimed backfill. Only this worker may continue it until the lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedBackfill {
    /// The source.
    pub source: Source,
    /// Its state.
    pub backfill: Backfill,
    /// The host of the next document.
    pub host: String,
    /// Earlier failed attempts at the next document, including those in which the program stopped.
    pub attempts: u32,
    /// Proof of the lease.
    pub(crate) claim: i64,
}

/// The result of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct BackfillStep {
    /// The updated plan.
    pub plan: String,
    /// The host of the next document.
    pub host: String,
    /// Reads to admit, most wanted first.
    pub admissions: Vec<Admission>,
    /// Whether a feed (or an equally reliable list) names the reads, or only their addresses
    /// suggest that they are articles.
    pub found_by: FoundBy,
    /// Whether a document was read, with or without success.
    pub document: bool,
    /// The error, if there was one.
    pub error: Option<String>,
    /// How to continue.
    pub next: NextStep,
}

/// How a backfill continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// With the next document, immediately.
    Now,
    /// With the same document, from this time on, after a failed attempt.
    Retry(Timestamp),
    /// With the same document, from this time on. The attempt does not count, because the document
    /// did not cause the failure.
    Uncounted(Timestamp),
    /// Not at all: everything is read.
    Finished,
}

/// How complete the archive is for a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reach {
    /// The publication date of its oldest shown read.
    pub oldest: Option<Timestamp>,
    /// Number of its reads that are not shown yet.
    pub on_their_way: u64,
    /// Its backfill, if there was one.
    pub backfill: Option<Backfill>,
}

const BACKFILL: &str = "SELECT source_id, since, most, asked_at, plan, documents, found, admitted, due_at, finished_at, error FROM backfill";

impl Store {
    /// Requests a source's backfill. Returns whether documents that were read before are read again
    /// only if they have changed.
    ///
    /// In that case `again` derives the new plan from the old one; otherwise the plan starts as an
    /// empty text. A backfill in progress continues with the new limits and its plan.
    pub async fn ask_backfill(
        &self,
        source: SourceId,
        host: &str,
        extent: Extent,
        again: impl Fn(&str) -> String + Sync,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.retry("asking for a source's past", || async {
            let mut tx = self.database.begin_admission().await?;
            let lock = format!("{BACKFILL} WHERE source_id = $1 {}", tx.for_update());
            let before =
                tx.row(sql_of(lock).bind(source.0)).await?.as_ref().map(backfill_of_row).transpose()?;
            let plan = match before {
                Some(before) if extent.is_within(&before.extent) => match before.due_at {
                    Some(_) => before.plan,
                    None => again(&before.plan),
                },
                _ => String::new(),
            };
            let ask = sql("INSERT INTO backfill (source_id, since, most, asked_at, plan, host, due_at)
                    VALUES ($1, $2, $3, $4, $5, $6, $4)
                 ON CONFLICT (source_id) DO UPDATE SET since = excluded.since, most = excluded.most,
                    asked_at = excluded.asked_at, plan = excluded.plan, host = excluded.host,
                    due_at = excluded.due_at, documents = 0, found = 0, admitted = 0, attempts = 0,
                    claim = backfill.claim + 1, leased_until = NULL, error = NULL, finished_at = NULL");
            let ask = ask
                .bind(source.0)
                .bind(opt_millis(extent.since))
                .bind(extent.most.map(|most| i64::try_from(most).unwrap_or(i64::MAX)))
                .bind(millis(now))
                .bind(plan)
                .bind(host);
            tx.run(ask).await?;
            touch(&mut tx).await?;
            tx.commit_work().await
        })
        .await
    }

    /// A source's backfill, if there was one.
    pub async fn backfill(&self, source: SourceId) -> Result<Option<Backfill>, StoreError> {
        let query = sql_of(format!("{BACKFILL} WHERE source_id = $1")).bind(source.0);
        self.one("looking up the search for a source's past", query, backfill_of_row).await
    }

    /// How far back a source's reads go, how many are not shown yet, and the state of its backfill.
    pub async fn reach(&self, source: SourceId) -> Result<Reach, StoreError> {
        let backfill = self.backfill(source).await?;
        self.run("looking how far back a source reaches", async {
            let list = source_list(source);
            let oldest = |problem: bool| {
                sql("SELECT min(filed_at) AS oldest FROM listing WHERE list = $1 AND has_problem = $2")
                    .bind(list.clone())
                    .bind(problem)
            };
            let mut dates = Vec::new();
            for problem in [false, true] {
                if let Some(row) = self.database.row(oldest(problem)).await? {
                    dates.extend(row.opt_moment("oldest")?);
                }
            }
            let on_their_way = match self.database.row(sql(ON_THEIR_WAY).bind(source.0)).await? {
                Some(row) => row.count("reads")?,
                None => 0,
            };
            Ok(Reach { oldest: dates.into_iter().min(), on_their_way, backfill })
        })
        .await
    }

    /// Claims the backfill that has waited longest, for `lease`. Skips busy hosts, and sources
    /// whose feed has not been read, because the feed shows what an article's address looks like.
    pub async fn claim_backfill(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        busy_hosts: &[String],
    ) -> Result<Option<ClaimedBackfill>, StoreError> {
        self.retry("claiming the search for a source's past", || async {
            let candidate = format!(
                "SELECT source_id FROM backfill WHERE due_at IS NOT NULL AND due_at <= $1 {} {}
                 AND (leased_until IS NULL OR leased_until <= $1)
                 AND EXISTS (SELECT 1 FROM source s WHERE s.id = source_id AND s.last_success IS NOT NULL
                             AND s.paused_at IS NULL)
                 ORDER BY due_at, source_id LIMIT 1",
                not_among("host", 3, busy_hosts),
                self.within_limit("source_id")
            );
            let bound = |text: String| of_due(text, now, lease, busy_hosts);
            let look = format!("SELECT c.source_id, CAST($2 AS BIGINT) AS until FROM ({candidate}) AS c");
            // A lease that ran out counts as a failed attempt.
            let take = |lock: &str| {
                bound(format!(
                    "UPDATE backfill SET claim = claim + 1, leased_until = $2,
                        attempts = attempts + CASE WHEN leased_until IS NULL THEN 0 ELSE 1 END
                     WHERE source_id = ({candidate} {lock}) RETURNING source_id, claim, attempts, host"
                ))
            };
            let Some((mut tx, taken)) = self.database.begin_claim(bound(look), take).await? else {
                return Ok(None);
            };
            let id = SourceId(taken.int("source_id")?);
            let row = tx.row(sql_of(format!("{BACKFILL} WHERE source_id = $1")).bind(id.0)).await?;
            let row = row.ok_or_else(|| Failure::Unreadable("a claimed search without a row".into()))?;
            let claimed = ClaimedBackfill {
                source: source_in(&mut tx, id).await?,
                backfill: backfill_of_row(&row)?,
                host: taken.text("host")?,
                attempts: taken.small("attempts")?,
                claim: taken.int("claim")?,
            };
            tx.commit().await?;
            Ok(Some(claimed))
        })
        .await
    }

    /// Records a step in one transaction: admits its reads, up to the requested maximum, and stores
    /// the plan. A worker whose lease has ended still admits its reads, which is idempotent, but
    /// does not change the backfill.
    pub async fn record_backfill(
        &self,
        claimed: &ClaimedBackfill,
        step: BackfillStep,
        now: Timestamp,
    ) -> Result<Admitted, StoreError> {
        let step = &step;
        self.retry("recording a step of the search for a source's past", || async {
            let source = claimed.source.id;
            let mut tx = self.database.begin_admission().await?;
            let lock = format!(
                "SELECT claim, most, admitted FROM backfill WHERE source_id = $1 {}",
                tx.for_update()
            );
            let Some(row) = tx.row(sql_of(lock).bind(source.0)).await? else {
                // The source was unfollowed in the meantime.
                tx.abandon().await?;
                return Ok(Admitted::default());
            };
            let before = row.count("admitted")?;
            let most = row.opt_int("most")?.map(|most| u64::try_from(most).unwrap_or(0));
            let room = most.map(|most| most.saturating_sub(before));
            let admitted = admit(
                &mut tx,
                source,
                &step.admissions,
                step.found_by,
                Room { pages: room, ..Room::default() },
                now,
                &self.zone,
            )
            .await?;
            if row.int("claim")? == claimed.claim {
                let full = room.is_some_and(|room| admitted.new >= room);
                let (due, attempts) = match step.next {
                    _ if full => (None, "0"),
                    NextStep::Now => (Some(now), "0"),
                    NextStep::Retry(at) => (Some(at), "attempts + 1"),
                    NextStep::Uncounted(at) => (Some(at), "attempts"),
                    NextStep::Finished => (None, "0"),
                };
                let update = sql_of(format!(
                    "UPDATE backfill SET plan = $2, host = $3, documents = documents + $4, found = found + $5,
                        admitted = admitted + $6, due_at = $7, finished_at = $8, error = coalesce($9, error),
                        leased_until = NULL, attempts = {attempts} WHERE source_id = $1"
                ));
                let update = update
                    .bind(source.0)
                    .bind(step.plan.as_str())
                    .bind(step.host.as_str())
                    .bind(i64::from(step.document))
                    .bind(i64::try_from(step.admissions.len()).unwrap_or(i64::MAX))
                    .bind(i64::try_from(admitted.new).unwrap_or(i64::MAX))
                    .bind(opt_millis(due))
                    .bind(opt_millis(due.is_none().then_some(now)))
                    .bind(step.error.as_deref());
                tx.run(update).await?;
            }
            touch(&mut tx).await?;
            if admitted.new > 0 {
                tx.commit_work().await?;
            } else {
                tx.commit().await?;
            }
            Ok(admitted)
        })
        .await
    }

    /// Addresses of a source's articles in its feed, the newest `limit`.
    pub async fn addresses_in_feed(&self, source: SourceId, limit: u32) -> Result<Vec<Url>, StoreError> {
        let query = sql("SELECT url FROM place WHERE source_id = $1 AND found_by = 'feed'
             ORDER BY read_id DESC LIMIT $2");
        self.list("looking up what a feed listed", query.bind(source.0).bind(limit), |row| row.parsed("url"))
            .await
    }

    /// Addresses of a source's articles in the archive, newest first.
    pub async fn addresses_of_articles(&self, source: SourceId, limit: u32) -> Result<Vec<Url>, StoreError> {
        let query = sql("SELECT p.url FROM place p JOIN read r ON r.id = p.read_id
             WHERE p.source_id = $1 AND r.stage = 'annotated' ORDER BY p.read_id DESC LIMIT $2");
        self.list("looking up a source's articles", query.bind(source.0).bind(limit), |row| row.parsed("url"))
            .await
    }

    /// A read other than `but` that was admitted under an address.
    pub async fn admitted_under(
        &self,
        url: &backissue_model::CanonicalUrl,
        but: ReadId,
    ) -> Result<Option<ReadId>, StoreError> {
        let query = sql(crate::read_jobs::ADMITTED_BY_ANOTHER).bind(address_key(url)).bind(but.0);
        self.one("looking up an address", query, |row| row.int("read_id").map(ReadId)).await
    }
}

/// A source's reads that are not shown yet.
pub(crate) const ON_THEIR_WAY: &str = "SELECT count(*) AS reads FROM read
    WHERE source_id = $1 AND due_at IS NOT NULL AND stage <> 'annotated'";

fn backfill_of_row(row: &Row) -> Tried<Backfill> {
    Ok(Backfill {
        source: SourceId(row.int("source_id")?),
        extent: Extent {
            since: row.opt_moment("since")?,
            most: row.opt_int("most")?.map(|most| u64::try_from(most).unwrap_or(0)),
        },
        asked_at: row.moment("asked_at")?,
        plan: row.text("plan")?,
        documents: row.count("documents")?,
        found: row.count("found")?,
        admitted: row.count("admitted")?,
        due_at: row.opt_moment("due_at")?,
        finished_at: row.opt_moment("finished_at")?,
        error: row.opt_text("error")?,
    })
}

//! Claims, results and failures of reads. A stage and its result commit together.

use std::sync::LazyLock;

use backissue_model::bounds::{MAX_ERROR, MAX_TITLE, cut};
use backissue_model::{Article, CanonicalUrl, Entry, ReadId, SourceId, Stage, owns};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::archive::touch;
use crate::database::{Row, Sql, Tried, placeholders, sql, sql_listing, sql_of};
use crate::error::Failure;
use crate::polls::FoundBy;
use crate::rows::{ARTICLE, article_of};
use crate::sources::{TITLE, company_of, not_among};
use crate::times::millis;
use crate::{Store, StoreError};

/// A claimed read. Only this worker may change it until the lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedRead {
    /// Its row.
    pub id: ReadId,
    /// Its stage.
    pub stage: Stage,
    /// Its address.
    pub url: CanonicalUrl,
    /// The host of its address. Pauses between requests are counted per host.
    pub host: String,
    /// Earlier failed attempts at this stage, including those in which the program stopped.
    pub attempts: u32,
    /// When the archive first saw it.
    pub first_seen: Timestamp,
    /// The entry of the first source that named it.
    pub entry: Entry,
    /// Whether a feed has named it, this source's or another's, or only backfills.
    pub found_by: FoundBy,
    /// The first source that named it.
    pub source: SourceId,
    /// Whether that source's site is the read's site. Otherwise its feed's body never replaces a
    /// page.
    pub is_own: bool,
    /// The company behind that source.
    pub company: String,
    /// The declared language of that source's feed (BCP 47).
    pub feed_language: Option<String>,
    /// Its article, if the stage has one.
    pub article: Option<Article>,
    /// Proof of the lease.
    pub(crate) claim: i64,
}

/// The result of storing an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extracted {
    /// It is stored.
    Stored,
    /// An older read has the same article, so this read was merged into it. The older read now has
    /// this one's addresses and places, and its article if it had none. This row is gone.
    MergedInto(ReadId),
    /// The lease had ended and another worker has taken over. Nothing was changed.
    LeaseLost,
}

/// The result of another step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It is stored.
    Done,
    /// The lease had ended and another worker has taken over. Nothing was changed.
    LeaseLost,
}

/// How to continue with a failed read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It is tried again from this time on.
    At(Timestamp),
    /// It is tried again from this time on. The attempt does not count, because the read did not
    /// cause the failure.
    Uncounted(Timestamp),
    /// It is not tried again until a person requests it.
    SetAside,
}

/// A read that is not tried any more.
#[derive(Clone, Debug, PartialEq)]
pub struct SetAside {
    /// Its row.
    pub id: ReadId,
    /// Its address.
    pub url: Url,
    /// Its title, or its address if it has none.
    pub title: String,
    /// The title of the first source that named it.
    pub source: String,
    /// Its stage.
    pub stage: Stage,
    /// The error of the last attempt.
    pub error: String,
    /// When it was set aside.
    pub since: Timestamp,
}

/// The amount of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Active sources whose next poll is due.
    pub sources_due: u64,
    /// Active sources.
    pub sources_active: u64,
    /// Reads whose page is to be fetched, now or later.
    pub discovered: u64,
    /// Reads whose précis is to be made, now or later.
    pub extracted: u64,
    /// Reads that are not tried any more.
    pub set_aside: u64,
}

/// The query of claimed reads, without its conditions. `read` is `r`, `article` is `a`.
pub(crate) static CLAIMED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT r.id, r.claim, r.stage, r.url, r.host, r.attempts, r.first_seen, r.source_id, r.fingerprint,
            p.entry, CASE WHEN EXISTS (SELECT 1 FROM place f WHERE f.read_id = r.id AND f.found_by = 'feed') THEN 'feed' ELSE p.found_by END
            AS found_by, s.language AS feed_language, s.host AS source_host, s.site_url,
            coalesce(r.corrected_company, s.company) AS company, {TITLE} AS source_title, a.read_id AS has_article, {ARTICLE}
         FROM read r JOIN source s ON s.id = r.source_id
         JOIN place p ON p.read_id = r.id AND p.source_id = r.source_id
         LEFT JOIN article a ON a.read_id = r.id"
    )
});

impl Store {
    /// Ends all leases. Call it only if no other process can hold one: when the only process that
    /// uses a SQLite file starts. A process that stops properly holds no leases, so the work on
    /// these reads failed. It counts as one attempt each.
    pub async fn release_leases(&self) -> Result<(), StoreError> {
        self.run("ending old leases", async {
            let mut tx = self.database.begin().await?;
            tx.run(sql("UPDATE read SET held = 0, claim = claim + 1, attempts = attempts + 1,
                due_at = 0 WHERE due_at IS NOT NULL AND held = 1"))
                .await?;
            tx.run(sql(
                "UPDATE source SET claim = claim + 1, leased_until = NULL WHERE leased_until IS NOT NULL",
            ))
            .await?;
            tx.run(sql("UPDATE backfill SET claim = claim + 1, leased_until = NULL, attempts = attempts + 1
                 WHERE leased_until IS NOT NULL"))
                .await?;
            tx.run(sql("UPDATE subscription SET claim = claim + 1, leased_until = NULL
                 WHERE leased_until IS NOT NULL"))
                .await?;
            tx.commit().await
        })
        .await
    }

    /// Claims the newest due read at `stage`, for `lease`. Skips busy hosts if the step is a fetch.
    /// A lease that ran out counts as a failed attempt. A read with [`ATTEMPTS_MAX`] attempts is
    /// set aside and not claimed.
    pub async fn claim_read(
        &self,
        stage: Stage,
        now: Timestamp,
        lease: SignedDuration,
        busy_hosts: &[String],
    ) -> Result<Option<ClaimedRead>, StoreError> {
        self.claim_read_except(stage, now, lease, busy_hosts, &[]).await
    }

    /// The same, without the reads of sources that have their share of workers.
    pub async fn claim_read_except(
        &self,
        stage: Stage,
        now: Timestamp,
        lease: SignedDuration,
        busy_hosts: &[String],
        busy_sources: &[SourceId],
    ) -> Result<Option<ClaimedRead>, StoreError> {
        let busy = if stage == Stage::Discovered { busy_hosts } else { &[] };
        self.retry("claiming a read", || async {
            let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
            let within =
                if stage == Stage::Discovered { self.within_limit("source_id") } else { String::new() };
            let due = DueRead { now, until, stage, busy, busy_sources, within: &within, ask: None };
            self.claim_due(&due).await
        })
        .await
    }

    /// Claims what is due, and loads what its next step needs.
    pub(crate) async fn claim_due(&self, due: &DueRead<'_>) -> Tried<Option<ClaimedRead>> {
        let (mut tx, id) = loop {
            let taken = self.database.begin_claim(due.look(), |lock| due.take(lock)).await?;
            let Some((mut tx, taken)) = taken else { return Ok(None) };
            let id = taken.int("id")?;
            if taken.small("attempts")? < ATTEMPTS_MAX {
                break (tx, id);
            }
            let aside = sql(
                "UPDATE read SET held = 0, due_at = NULL, ask = NULL, error = $2, failed_at = $3 WHERE id = $1",
            );
            tx.run(aside.bind(id).bind(STOPPED).bind(millis(due.now))).await?;
            tx.commit().await?;
        };
        let query = format!("{} WHERE r.id = $1", CLAIMED.as_str());
        let row = tx.row(sql_of(query).bind(id)).await?;
        let row = row.ok_or_else(|| Failure::Unreadable("a read without its first place".into()))?;
        let claimed = claimed_of_row(&row)?;
        tx.commit().await?;
        Ok(Some(claimed))
    }

    /// Stores the error of a read and how to continue.
    pub async fn fail(
        &self,
        read: &ClaimedRead,
        error: &str,
        now: Timestamp,
        retry: Retry,
    ) -> Result<Finished, StoreError> {
        self.retry("recording a failure", || async {
            let (due, counted) = match retry {
                Retry::At(at) => (Some(millis(at)), 1_i64),
                Retry::Uncounted(at) => (Some(millis(at)), 0),
                Retry::SetAside => (None, 1),
            };
            let update = sql(
                "UPDATE read SET held = 0, due_at = $3, attempts = attempts + $6, error = $4, failed_at = $5,
                    ask = CASE WHEN CAST($3 AS BIGINT) IS NULL THEN NULL ELSE ask END
                 WHERE id = $1 AND claim = $2 AND held = 1",
            )
            .bind(read.id.0)
            .bind(read.claim)
            .bind(due)
            .bind(cut(error, MAX_ERROR).as_ref())
            .bind(millis(now))
            .bind(counted);
            let mut tx = self.database.begin().await?;
            let changed = tx.run(update).await?;
            if due.is_none() {
                // A source's page shows how many of its reads are in progress.
                touch(&mut tx).await?;
            }
            tx.commit().await?;
            Ok(if changed == 0 { Finished::LeaseLost } else { Finished::Done })
        })
        .await
    }

    /// The reads that are not tried any more, last set aside first.
    pub async fn set_aside(&self, limit: u32) -> Result<Vec<SetAside>, StoreError> {
        self.list("listing what was set aside", last_set_aside(limit), set_aside_of_row).await
    }

    /// Makes all reads due that were set aside, and returns their number.
    pub async fn retry_set_aside(&self) -> Result<u64, StoreError> {
        let update = sql("UPDATE read SET due_at = 0, attempts = 0
             WHERE due_at IS NULL AND stage <> 'annotated' AND withdrawn_at IS NULL");
        self.change("taking up what was set aside", update).await
    }

    /// The amount of work. Counts rows in progress, so use it at the start of a sync and not for
    /// pages.
    pub async fn tally(&self, now: Timestamp) -> Result<Tally, StoreError> {
        let within = self.within_limit("id");
        let query = sql_of(format!("SELECT
                (SELECT count(*) FROM source WHERE standing = 'active' AND paused_at IS NULL
                    AND next_poll <= $1 {within}) AS sources_due,
                (SELECT count(*) FROM source WHERE standing = 'active' AND paused_at IS NULL {within}) AS sources_active,
                (SELECT count(*) FROM read WHERE stage = 'discovered' AND due_at IS NOT NULL) AS discovered,
                (SELECT count(*) FROM read WHERE stage = 'extracted' AND due_at IS NOT NULL) AS extracted,
                (SELECT count(*) FROM read WHERE stage <> 'annotated' AND due_at IS NULL
                    AND withdrawn_at IS NULL) AS set_aside"));
        self.run("counting what is to do", async {
            let row = self.database.row(query.bind(millis(now))).await?;
            let row = row.ok_or_else(|| Failure::Unreadable("a count without an answer".into()))?;
            Ok(Tally {
                sources_due: row.count("sources_due")?,
                sources_active: row.count("sources_active")?,
                discovered: row.count("discovered")?,
                extracted: row.count("extracted")?,
                set_aside: row.count("set_aside")?,
            })
        })
        .await
    }

    /// The earliest time after `now` at which a source or a read becomes due, or a lease ends.
    /// Returns `None` if there is no such time. Ignores what is due already, because the worker has
    /// seen it and has skipped it.
    pub async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let query = sql(NEXT_DUE).bind(millis(now));
        Ok(self.one("looking for what is due next", query, |row| row.opt_moment("due")).await?.flatten())
    }
}

/// Attempts at one stage after which a read is not claimed any more. A worker gives up earlier on a
/// read that fails, so only a read that crashes the program reaches this.
pub const ATTEMPTS_MAX: u32 = 12;

/// The error of such a read.
const STOPPED: &str = "the program stopped while working on it";

/// The newest due read at a stage, on a host that is not busy.
pub(crate) struct DueRead<'a> {
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) stage: Stage,
    pub(crate) busy: &'a [String],
    pub(crate) busy_sources: &'a [SourceId],
    /// A condition that its source may put more into the archive, or nothing.
    pub(crate) within: &'a str,
    /// Where the stage is `annotated`: which annotator is to annotate the read again.
    pub(crate) ask: Option<&'a str>,
}

impl DueRead<'_> {
    /// A query for whether there is one.
    pub(crate) fn look(&self) -> Sql {
        self.bound(format!("SELECT c.id, CAST($2 AS BIGINT) AS until FROM ({}) AS c", self.candidate()))
    }

    /// Claims it. A lease that ran out counts as a failed attempt.
    pub(crate) fn take(&self, lock: &str) -> Sql {
        self.bound(format!(
            "UPDATE read SET claim = claim + 1, attempts = attempts + held, held = 1, due_at = $2
             WHERE id = ({} {lock}) RETURNING id, attempts",
            self.candidate()
        ))
    }

    fn candidate(&self) -> String {
        let busy = not_among("host", 4, self.busy);
        let ask =
            if self.ask.is_some() { format!("AND ask = ${}", 4 + self.busy.len()) } else { String::new() };
        let within = self.within;
        let sources = match self.busy_sources {
            [] => String::new(),
            sources => {
                let from = 4 + self.busy.len() + usize::from(self.ask.is_some());
                format!("AND source_id NOT IN ({})", placeholders(from, sources.len()))
            }
        };
        format!(
            "SELECT id FROM read WHERE stage = $3 AND due_at IS NOT NULL AND due_at <= $1 {busy} {ask} {sources} {within}
             ORDER BY filed_at DESC, id DESC LIMIT 1"
        )
    }

    fn bound(&self, statement: String) -> Sql {
        sql_listing(statement, self.busy.len() + self.busy_sources.len())
            .bind(millis(self.now))
            .bind(millis(self.until))
            .bind(self.stage.as_str())
            .bind_all(self.busy.iter().cloned())
            .bind_all(self.ask)
            .bind_all(self.busy_sources.iter().map(|source| source.0))
    }
}

/// The earliest time after a given one at which something becomes due.
pub(crate) const NEXT_DUE: &str = "SELECT min(due) AS due FROM (
        SELECT min(CASE WHEN leased_until > next_poll THEN leased_until ELSE next_poll END) AS due
        FROM source WHERE standing = 'active' AND paused_at IS NULL
        AND CASE WHEN leased_until > next_poll THEN leased_until ELSE next_poll END > $1
        UNION ALL
        SELECT min(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END) FROM backfill
        WHERE due_at IS NOT NULL AND CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END > $1
        UNION ALL
        SELECT min(due_at) FROM read WHERE due_at IS NOT NULL AND due_at > $1) AS next";

pub(crate) fn last_set_aside(limit: u32) -> Sql {
    let query = format!(
        "SELECT r.id, r.url, r.title, r.stage, r.error, r.failed_at, {TITLE} AS source
         FROM read r JOIN source s ON s.id = r.source_id
         WHERE r.due_at IS NULL AND r.stage <> 'annotated' AND r.withdrawn_at IS NULL
         ORDER BY r.failed_at DESC, r.id DESC LIMIT $1"
    );
    sql_of(query).bind(limit)
}

pub(crate) fn claimed_of_row(row: &Row) -> Tried<ClaimedRead> {
    let article = row.opt_int("has_article")?.map(|_| article_of(row)).transpose()?;
    Ok(ClaimedRead {
        id: ReadId(row.int("id")?),
        stage: row.parsed("stage")?,
        url: row.parsed("url")?,
        host: row.text("host")?,
        attempts: row.small("attempts")?,
        first_seen: row.moment("first_seen")?,
        entry: row.json("entry")?,
        found_by: row.parsed("found_by")?,
        source: SourceId(row.int("source_id")?),
        is_own: owns(
            &row.text("source_host")?,
            row.opt_parsed::<Url>("site_url")?.as_ref(),
            &row.text("host")?,
        ),
        company: company_of(row.text("company")?, &row.text("source_title")?),
        feed_language: row.opt_text("feed_language")?,
        article,
        claim: row.int("claim")?,
    })
}

fn set_aside_of_row(row: &Row) -> Tried<SetAside> {
    Ok(SetAside {
        id: ReadId(row.int("id")?),
        url: row.parsed("url")?,
        title: row.short("title", MAX_TITLE)?,
        source: row.text("source")?,
        stage: row.parsed("stage")?,
        error: row.opt_text("error")?.unwrap_or_default(),
        since: row.moment("failed_at")?,
    })
}

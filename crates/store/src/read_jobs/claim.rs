//! Claims of reads: a worker takes a due row for a while.

use std::sync::LazyLock;

use backissue_model::{Article, CanonicalUrl, Entry, ReadId, SourceId, Stage, owns};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::database::{Row, Sql, Tried, placeholders, sql, sql_listing};
use crate::dead_pages::{self, DeadPages};
use crate::due::not_among;
use crate::polls::FoundBy;
use crate::rows::{ARTICLE, article_of};
use crate::sources::{TITLE, company_of};
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
    /// The failures in a row of pages on its host, if there are many.
    pub dead_pages: Option<DeadPages>,
    /// Its article, if the stage has one.
    pub article: Option<Article>,
    /// Proof of the lease.
    pub(crate) claim: i64,
}

/// The result of another step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// It is stored.
    Done,
    /// The lease had ended and another worker has taken over. Nothing was changed.
    LeaseLost,
}

/// The query of claimed reads, without its conditions. `read` is `r`, `article` is `a`. A read
/// without its first place is found too, so that its row is reported as unreadable.
pub(crate) static CLAIMED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT r.id, r.claim, r.held, r.stage, r.url, r.host, r.attempts, r.first_seen, r.source_id, r.fingerprint,
            p.entry, CASE WHEN EXISTS (SELECT 1 FROM place f WHERE f.read_id = r.id AND f.found_by = 'feed') THEN 'feed' ELSE p.found_by END
            AS found_by, s.language AS feed_language, s.host AS source_host, s.site_url,
            coalesce(r.corrected_company, s.company) AS company, {TITLE} AS source_title,
            d.failures AS dead_failures, d.failed_at AS dead_at, d.error AS dead_error, d.gone AS dead_gone,
            a.read_id AS has_article, {ARTICLE}
         FROM read r JOIN source s ON s.id = r.source_id
         LEFT JOIN place p ON p.read_id = r.id AND p.source_id = r.source_id
         LEFT JOIN dead_pages d ON d.source_id = r.source_id AND d.host = r.host
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

    /// Claims a read as [`Store::claim_read`] does, except reads of sources that occupy their share
    /// of the workers.
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

    /// Claims the newest read that `by` must annotate again, for `lease`. The read has an article.
    /// Record the result with [`Store::finish_again`] or [`Store::fail`]. A read that is set aside
    /// then keeps its précis.
    pub async fn claim_again(
        &self,
        by: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<ClaimedRead>, StoreError> {
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        let due = DueRead {
            now,
            until,
            stage: Stage::Annotated,
            busy: &[],
            busy_sources: &[],
            within: "",
            ask: Some(by),
        };
        self.retry("claiming a read to annotate again", || self.claim_due(&due)).await
    }

    /// Loads what is due with all that its next step needs, and claims it, if no other worker has
    /// claimed it in between.
    async fn claim_due(&self, due: &DueRead<'_>) -> Tried<Option<ClaimedRead>> {
        loop {
            let Some(row) = self.database.row(due.look()).await? else { return Ok(None) };
            let mut read = claimed_of_row(&row)?;
            // A lease that ran out counts as a failed attempt.
            read.attempts += row.small("held")?;
            if read.attempts >= ATTEMPTS_MAX {
                self.database.run_alone(due.set_aside(&read)).await?;
            } else if self.database.run_alone(due.take(&read)).await? > 0 {
                read.claim += 1;
                return Ok(Some(read));
            }
        }
    }
}

/// Maximum attempts at one stage. Workers set a failing read aside earlier, so only a read that
/// crashes the program reaches this.
pub const ATTEMPTS_MAX: u32 = 12;

/// The error that is stored for such a read.
const STOPPED: &str = "the program stopped while working on it";

/// A condition for the newest due read at a stage, on a host that is not busy. For annotating
/// again, reads with a problem in the newest week come first.
pub(crate) struct DueRead<'a> {
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) stage: Stage,
    pub(crate) busy: &'a [String],
    pub(crate) busy_sources: &'a [SourceId],
    /// A condition that its source has not reached the limit of bytes. May be empty.
    pub(crate) within: &'a str,
    /// For the stage `annotated`, the annotator that must annotate the read again.
    pub(crate) ask: Option<&'a str>,
}

impl DueRead<'_> {
    /// A query for it, with what its step needs.
    pub(crate) fn look(&self) -> Sql {
        let query = format!("{} WHERE r.id = ({})", CLAIMED.as_str(), self.candidate());
        sql_listing(query, self.busy.len() + self.busy_sources.len())
            .bind(millis(self.now))
            .bind(self.stage.as_str())
            .bind_all(self.busy.iter().cloned())
            .bind_all(self.ask)
            .bind_all(self.busy_sources.iter().map(|source| source.0))
    }

    /// Claims it as it was when it was loaded.
    pub(crate) fn take(&self, read: &ClaimedRead) -> Sql {
        let take = sql("UPDATE read SET claim = claim + 1, attempts = attempts + held, held = 1, due_at = $5
             WHERE id = $1 AND claim = $2 AND stage = $3 AND due_at <= $4");
        let take = take.bind(read.id.0).bind(read.claim).bind(self.stage.as_str());
        take.bind(millis(self.now)).bind(millis(self.until))
    }

    /// Sets it aside, as it was when it was loaded.
    fn set_aside(&self, read: &ClaimedRead) -> Sql {
        let aside = sql(
            "UPDATE read SET claim = claim + 1, attempts = attempts + held, held = 0, due_at = NULL, ask = NULL,
                error = $3, failed_at = $4
             WHERE id = $1 AND claim = $2",
        );
        aside.bind(read.id.0).bind(read.claim).bind(STOPPED).bind(millis(self.now))
    }

    fn candidate(&self) -> String {
        let busy = not_among("host", 3, self.busy);
        let ask =
            if self.ask.is_some() { format!("AND ask = ${}", 3 + self.busy.len()) } else { String::new() };
        let within = self.within;
        // Of what is annotated again, reads with a problem come first in each week.
        let order = match self.ask {
            Some(_) => "week DESC, has_problem DESC, filed_at DESC, id DESC",
            None => "filed_at DESC, id DESC",
        };
        let sources = match self.busy_sources {
            [] => String::new(),
            sources => {
                let from = 3 + self.busy.len() + usize::from(self.ask.is_some());
                format!("AND source_id NOT IN ({})", placeholders(from, sources.len()))
            }
        };
        format!(
            "SELECT id FROM read WHERE stage = $2 AND due_at IS NOT NULL AND due_at <= $1 {busy} {ask} {sources} {within}
             ORDER BY {order} LIMIT 1"
        )
    }
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
        dead_pages: dead_pages::of_joined_row(row)?,
        article,
        claim: row.int("claim")?,
    })
}

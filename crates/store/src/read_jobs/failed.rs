//! Failures of reads: when a step is retried, and which reads are set aside.

use backissue_model::bounds::{MAX_ERROR, MAX_TITLE, cut};
use backissue_model::{ReadId, Stage};
use jiff::Timestamp;
use url::Url;

use super::claim::{ClaimedRead, Finished};
use crate::archive::touch;
use crate::database::{Row, Sql, Tried, sql, sql_of};
use crate::sources::TITLE;
use crate::times::millis;
use crate::{Store, StoreError};

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

impl Store {
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

    /// Makes all reads due that were set aside, and returns their number. Pages that failed one
    /// after the other are requested again.
    pub async fn retry_set_aside(&self) -> Result<u64, StoreError> {
        self.retry("taking up what was set aside", || async {
            let mut tx = self.database.begin().await?;
            let update = sql("UPDATE read SET due_at = 0, attempts = 0
                 WHERE due_at IS NULL AND stage <> 'annotated' AND withdrawn_at IS NULL");
            let taken_up = tx.run(update).await?;
            tx.run(sql("DELETE FROM dead_pages")).await?;
            tx.commit_work().await?;
            Ok(taken_up)
        })
        .await
    }
}

pub(crate) fn last_set_aside(limit: u32) -> Sql {
    let query = format!(
        "SELECT r.id, r.url, r.title, r.stage, r.error, r.failed_at, {TITLE} AS source
         FROM read r JOIN source s ON s.id = r.source_id
         WHERE r.due_at IS NULL AND r.stage <> 'annotated' AND r.withdrawn_at IS NULL
         ORDER BY r.failed_at DESC, r.id DESC LIMIT $1"
    );
    sql_of(query).bind(limit)
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

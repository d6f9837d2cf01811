//! Counts of pages that failed one after the other: table `dead_pages`, by source and host.

use backissue_model::bounds::{MAX_ERROR, cut};
use backissue_model::{Slug, SourceId};
use jiff::Timestamp;

use crate::database::{Row, Tried, sql, sql_of};
use crate::sources::TITLE;
use crate::times::millis;
use crate::{Store, StoreError};

/// Failures in a row of pages on one host that one source names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadPages {
    /// The number of failures.
    pub failures: u32,
    /// The time of the last failure.
    pub failed_at: Timestamp,
    /// The error of the last failure.
    pub error: String,
    /// Whether that error is permanent.
    pub gone: bool,
}

/// A source with such failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadHost {
    /// The source's name in addresses.
    pub source: Slug,
    /// The source's title.
    pub title: String,
    /// The host of the pages.
    pub host: String,
    /// Their failures.
    pub pages: DeadPages,
}

impl Store {
    /// Records that pages on a host, named by one source, failed one after the other.
    pub async fn record_dead_pages(
        &self,
        source: SourceId,
        host: &str,
        dead: &DeadPages,
    ) -> Result<(), StoreError> {
        let upsert = sql("INSERT INTO dead_pages (source_id, host, failures, failed_at, error, gone)
             SELECT id, $2, $3, $4, $5, $6 FROM source WHERE id = $1
             ON CONFLICT (source_id, host) DO UPDATE SET failures = excluded.failures,
                failed_at = excluded.failed_at, error = excluded.error, gone = excluded.gone");
        let upsert = upsert
            .bind(source.0)
            .bind(host)
            .bind(i64::from(dead.failures))
            .bind(millis(dead.failed_at))
            .bind(cut(&dead.error, MAX_ERROR).as_ref())
            .bind(i64::from(dead.gone));
        self.change("recording pages that fail", upsert).await.map(|_| ())
    }

    /// Deletes the failures of a host's pages, because one page was received.
    pub async fn forget_dead_pages(&self, source: SourceId, host: &str) -> Result<(), StoreError> {
        let delete = sql("DELETE FROM dead_pages WHERE source_id = $1 AND host = $2");
        self.change("forgetting pages that failed", delete.bind(source.0).bind(host)).await.map(|_| ())
    }

    /// The hosts whose pages fail one after the other, those with most failures first.
    pub async fn dead_hosts(&self) -> Result<Vec<DeadHost>, StoreError> {
        let query = format!(
            "SELECT s.slug, {TITLE} AS title, d.host, d.failures AS dead_failures, d.failed_at AS dead_at,
                d.error AS dead_error, d.gone AS dead_gone
             FROM dead_pages d JOIN source s ON s.id = d.source_id
             WHERE s.unfollowed_at IS NULL ORDER BY d.failures DESC, s.id, d.host"
        );
        self.list("listing pages that fail", sql_of(query), |row| {
            Ok(DeadHost {
                source: Slug::of(&row.text("slug")?),
                title: row.text("title")?,
                host: row.text("host")?,
                pages: of_row(row)?,
            })
        })
        .await
    }
}

/// The failures in a row, from a left join with table `dead_pages`. Returns `None` if there are
/// none.
pub(crate) fn of_joined_row(row: &Row) -> Tried<Option<DeadPages>> {
    row.opt_int("dead_failures")?.map(|_| of_row(row)).transpose()
}

fn of_row(row: &Row) -> Tried<DeadPages> {
    Ok(DeadPages {
        failures: row.small("dead_failures")?,
        failed_at: row.moment("dead_at")?,
        error: row.text("dead_error")?,
        gone: row.int("dead_gone")? != 0,
    })
}

//! How much work there is, and when the next is due.

use jiff::Timestamp;

use crate::database::{sql, sql_of};
use crate::error::Failure;
use crate::times::millis;
use crate::{Store, StoreError};

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

impl Store {
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
    /// Returns `None` if there is no such time. Ignores rows that are due already, because the
    /// worker has skipped them.
    pub async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        let query = sql(NEXT_DUE).bind(millis(now));
        Ok(self.one("looking for what is due next", query, |row| row.opt_moment("due")).await?.flatten())
    }
}

/// The query for the earliest time after a given one at which a row becomes due.
pub(crate) const NEXT_DUE: &str = "SELECT min(due) AS due FROM (
        SELECT min(CASE WHEN leased_until > next_poll THEN leased_until ELSE next_poll END) AS due
        FROM source WHERE standing = 'active' AND paused_at IS NULL
        AND CASE WHEN leased_until > next_poll THEN leased_until ELSE next_poll END > $1
        UNION ALL
        SELECT min(CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END) FROM backfill
        WHERE due_at IS NOT NULL AND CASE WHEN leased_until > due_at THEN leased_until ELSE due_at END > $1
        UNION ALL
        SELECT min(due_at) FROM read WHERE due_at IS NOT NULL AND due_at > $1) AS next";

/// The rows that wait for one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queue {
    /// The step: `poll`, `fetch`, `annotate`, `annotate again` or `send`.
    pub step: String,
    /// Number of rows that wait for it, now or later.
    pub waiting: u64,
    /// Since when the row that waits longest has been ready for work. `None` if none is ready.
    pub due_since: Option<Timestamp>,
}

impl Store {
    /// The rows that wait for each step. Reads the queues, not the archive.
    pub async fn queues(&self, now: Timestamp) -> Result<Vec<Queue>, StoreError> {
        let query = sql(QUEUES).bind(millis(now));
        self.list("measuring queues", query, |row| {
            Ok(Queue {
                step: row.text("step")?,
                waiting: row.count("waiting")?,
                due_since: row.opt_moment("due_since")?,
            })
        })
        .await
    }

    /// The number of annotated reads, by the counters of weeks.
    pub async fn shown(&self) -> Result<u64, StoreError> {
        let query = sql("SELECT CAST(coalesce(sum(reads), 0) AS BIGINT) AS reads FROM week_count");
        Ok(self.one("counting reads", query, |row| row.count("reads")).await?.unwrap_or_default())
    }
}

const QUEUES: &str = "SELECT 'poll' AS step, count(*) AS waiting,
        min(CASE WHEN next_poll <= $1 AND coalesce(leased_until, 0) <= $1 THEN next_poll END) AS due_since
    FROM source WHERE standing = 'active' AND paused_at IS NULL AND next_poll IS NOT NULL
    UNION ALL
    SELECT 'fetch', count(*), min(CASE WHEN due_at <= $1 THEN due_at END)
    FROM read WHERE stage = 'discovered' AND due_at IS NOT NULL
    UNION ALL
    SELECT 'annotate', count(*), min(CASE WHEN due_at <= $1 THEN due_at END)
    FROM read WHERE stage = 'extracted' AND due_at IS NOT NULL
    UNION ALL
    SELECT 'annotate again', count(*), min(CASE WHEN due_at <= $1 THEN due_at END)
    FROM read WHERE ask IS NOT NULL AND due_at IS NOT NULL
    UNION ALL
    SELECT 'send', count(*), min(CASE WHEN due_at <= $1 THEN due_at END)
    FROM sending WHERE sent_at IS NULL AND given_up = 0";

//! Weeks that have reads: table `week_count`.

use backissue_model::Week;

use crate::database::{Row, Tried, sql, sql_of};
use crate::{Store, StoreError, WeekCount};

/// The newest week with reads.
pub(crate) const NEWEST_WEEK: &str = "SELECT week FROM week_count WHERE reads > 0 ORDER BY week DESC LIMIT 1";

impl Store {
    /// The newest week with reads.
    pub async fn newest_week(&self) -> Result<Option<Week>, StoreError> {
        self.one("looking for the newest week", sql(NEWEST_WEEK), |row| row.parsed("week")).await
    }

    /// The counts of a week, zero if it has no reads.
    pub async fn week_count(&self, week: Week) -> Result<WeekCount, StoreError> {
        let query =
            sql("SELECT week, reads, problems FROM week_count WHERE week = $1").bind(week.to_string());
        let found = self.one("counting a week", query, week_of_row).await?;
        Ok(found.unwrap_or(WeekCount { week, reads: 0, problems: 0 }))
    }

    /// All weeks with reads, newest first.
    pub async fn weeks(&self) -> Result<Vec<WeekCount>, StoreError> {
        let query = sql("SELECT week, reads, problems FROM week_count WHERE reads > 0 ORDER BY week DESC");
        self.list("listing weeks", query, week_of_row).await
    }

    /// The weeks with reads around `week`, newest first: at most `older` up to and with it, and at
    /// most `newer` after it.
    pub async fn weeks_around(
        &self,
        week: Week,
        older: u32,
        newer: u32,
    ) -> Result<Vec<WeekCount>, StoreError> {
        let counted = "SELECT week, reads, problems FROM week_count WHERE reads > 0 AND";
        let after = sql_of(format!("{counted} week > $1 ORDER BY week LIMIT $2"));
        let up_to = sql_of(format!("{counted} week <= $1 ORDER BY week DESC LIMIT $2"));
        self.run("looking for the weeks around", async {
            let mut rows = self.database.rows(after.bind(week.to_string()).bind(newer)).await?;
            rows.reverse();
            rows.extend(self.database.rows(up_to.bind(week.to_string()).bind(older)).await?);
            rows.iter().map(week_of_row).collect()
        })
        .await
    }

    /// The nearest weeks with reads before and after `week`, the older one first.
    pub async fn neighbours(&self, week: Week) -> Result<(Option<Week>, Option<Week>), StoreError> {
        let older = "SELECT week FROM week_count WHERE week < $1 AND reads > 0 ORDER BY week DESC LIMIT 1";
        let newer = "SELECT week FROM week_count WHERE week > $1 AND reads > 0 ORDER BY week LIMIT 1";
        self.run("looking for the weeks around", async {
            let older = self.database.row(sql(older).bind(week.to_string())).await?;
            let newer = self.database.row(sql(newer).bind(week.to_string())).await?;
            let parsed = |row: Option<Row>| row.map(|row| row.parsed("week")).transpose();
            Ok((parsed(older)?, parsed(newer)?))
        })
        .await
    }

    /// Number of annotated reads. Reads one row per week.
    pub async fn reads_annotated(&self) -> Result<u64, StoreError> {
        let query = sql("SELECT coalesce(CAST(sum(reads) AS BIGINT), 0) AS reads FROM week_count");
        Ok(self.one("counting reads", query, |row| row.count("reads")).await?.unwrap_or(0))
    }
}

fn week_of_row(row: &Row) -> Tried<WeekCount> {
    Ok(WeekCount { week: row.parsed("week")?, reads: row.count("reads")?, problems: row.count("problems")? })
}

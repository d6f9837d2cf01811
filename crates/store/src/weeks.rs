//! Weeks that have reads: table `week_count`.

use std::collections::BTreeMap;

use backissue_model::Week;
use jiff::tz::TimeZone;

use crate::archive::touch;
use crate::database::{Row, Tried, Tx, placeholders, sql, sql_once};
use crate::{Store, StoreError, WeekCount};

impl Store {
    /// The newest week with reads.
    pub async fn newest_week(&self) -> Result<Option<Week>, StoreError> {
        let query = sql("SELECT week FROM week_count WHERE reads > 0 ORDER BY week DESC LIMIT 1");
        self.one("looking for the newest week", query, |row| row.parsed("week")).await
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
}

impl Store {
    /// Number of annotated reads. Reads one row per week.
    pub async fn reads_annotated(&self) -> Result<u64, StoreError> {
        let query = sql("SELECT coalesce(CAST(sum(reads) AS BIGINT), 0) AS reads FROM week_count");
        Ok(self.one("counting reads", query, |row| row.count("reads")).await?.unwrap_or(0))
    }
}

fn week_of_row(row: &Row) -> Tried<WeekCount> {
    Ok(WeekCount { week: row.parsed("week")?, reads: row.count("reads")?, problems: row.count("problems")? })
}

/// Computes the week of all reads in this time zone, and recounts the weeks.
pub(crate) async fn file_anew(tx: &mut Tx, zone: &TimeZone) -> Tried<()> {
    const BATCH: i64 = 2000;
    touch(tx).await?;
    let mut after = i64::MIN;
    loop {
        let query = sql("SELECT id, filed_at, week FROM read WHERE id > $1 ORDER BY id LIMIT $2");
        let rows = tx.rows(query.bind(after).bind(BATCH)).await?;
        let Some(last) = rows.last() else { break };
        after = last.int("id")?;
        let mut moved: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for row in &rows {
            let week = Week::of(row.moment("filed_at")?, zone).to_string();
            if week != row.text("week")? {
                moved.entry(week).or_default().push(row.int("id")?);
            }
        }
        for (week, ids) in moved {
            let update = format!(
                "UPDATE read SET week = $1, changed = (SELECT version FROM archive WHERE id = 1) WHERE id IN ({})",
                placeholders(2, ids.len())
            );
            tx.run(sql_once(update).bind(week).bind_all(ids)).await?;
        }
    }
    count_anew(tx).await
}

/// Recounts all weeks from the reads.
pub(crate) async fn count_anew(tx: &mut Tx) -> Tried<()> {
    tx.run(sql("DELETE FROM week_count")).await?;
    tx.run(sql(
        "INSERT INTO week_count (week, reads, problems)
         SELECT week, count(*), CAST(sum(has_problem) AS BIGINT) FROM read WHERE stage = 'annotated' GROUP BY week",
    ))
    .await?;
    Ok(())
}

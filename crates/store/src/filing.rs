//! Files reads under their weeks, and recounts the weeks (table `week_count`).

use std::collections::BTreeMap;

use backissue_model::Week;
use jiff::tz::TimeZone;

use crate::database::{Tried, Tx, placeholders, sql, sql_once};

/// Computes the week of all reads in this time zone, and recounts the weeks. The
/// caller has called `touch`.
pub(crate) async fn file_anew(tx: &mut Tx, zone: &TimeZone) -> Tried<()> {
    const BATCH: i64 = 2000;
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

/// Recounts all weeks, and the facets of each week's reads.
pub(crate) async fn count_anew(tx: &mut Tx) -> Tried<()> {
    for statement in [
        "DELETE FROM week_count",
        "INSERT INTO week_count (week, reads, problems)
         SELECT week, count(*), CAST(sum(has_problem) AS BIGINT) FROM read WHERE stage = 'annotated' GROUP BY week",
        "DELETE FROM tally WHERE list > 'week/' AND list < 'week0'",
        "INSERT INTO tally (list, facet, reads)
         SELECT 'week/' || r.week, l.list, count(*) FROM read r JOIN listing l ON l.read_id = r.id
         WHERE r.stage = 'annotated' GROUP BY r.week, l.list",
        "INSERT INTO tally (list, facet, reads)
         SELECT 'week/' || week, 'kind/' || kind, count(*) FROM read WHERE stage = 'annotated' GROUP BY week, kind",
        "INSERT INTO tally (list, facet, reads)
         SELECT 'week/' || week, 'form/' || problem_form, count(*) FROM read
         WHERE stage = 'annotated' AND has_problem = 1 GROUP BY week, problem_form",
    ] {
        tx.run(sql(statement)).await?;
    }
    Ok(())
}

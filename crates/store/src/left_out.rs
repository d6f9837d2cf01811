//! The archive without the reads of some sources, for a site that anybody can read.
//!
//! Each connection has temporary views with the names of the tables. Both databases use a temporary
//! view before a table of the same name. So the queries of pages leave out these reads without any
//! change.

use backissue_model::Source;

use crate::database::{Database, sql_of};
use crate::sources::{SOURCE, source_of_row};
use crate::{Store, StoreError};

impl Store {
    /// The archive without the reads that one of these sources named first, with new connections
    /// that only read. Returns it with the number of reads that it leaves out.
    pub async fn without(
        &self,
        is_left_out: impl Fn(&Source) -> bool + Sync,
    ) -> Result<(Self, u64), StoreError> {
        self.run("leaving sources out", async {
            let rows = self.database.rows(sql_of(SOURCE.to_owned())).await?;
            let mut left_out = Vec::new();
            for row in &rows {
                let source = source_of_row(row)?;
                if is_left_out(&source) {
                    left_out.push(source.id.0.to_string());
                }
            }
            if left_out.is_empty() {
                // `NOT IN (NULL)` would leave all out; no row has this number.
                left_out.push("0".to_owned());
            }
            let ids = left_out.join(", ");
            let query = format!(
                "SELECT count(*) AS reads FROM read WHERE stage = 'annotated' AND source_id IN ({ids})"
            );
            let reads = self.database.row(sql_of(query)).await?.map_or(Ok(0), |row| row.count("reads"))?;
            let views = match &self.database {
                Database::Sqlite { .. } => views(&ids, "main."),
                Database::Postgres(_) => views(&ids, ""),
            };
            let database = Database::open_with(&self.location, views).await?;
            Ok((Self { database, ..self.clone() }, reads))
        })
        .await
    }
}

/// The views, in an order in which PostgreSQL resolves names to the tables and not to earlier
/// views. The tally is correct only for the list of all reads, and not for kinds and forms, because
/// pages of a site show no others.
fn views(ids: &str, schema: &str) -> String {
    format!(
        "CREATE TEMP VIEW week_count AS
            SELECT w.week, w.reads - coalesce(x.reads, 0) AS reads, w.problems - coalesce(x.problems, 0) AS problems
            FROM {schema}week_count w LEFT JOIN
                (SELECT week, count(*) AS reads, CAST(sum(has_problem) AS BIGINT) AS problems FROM {schema}read
                 WHERE stage = 'annotated' AND source_id IN ({ids}) GROUP BY week) x ON x.week = w.week;
         CREATE TEMP VIEW tally AS
            SELECT t.list, t.facet, t.reads - coalesce(x.reads, 0) AS reads
            FROM {schema}tally t LEFT JOIN
                (SELECT l.list, count(*) AS reads FROM {schema}read r JOIN {schema}listing l ON l.read_id = r.id
                 WHERE r.stage = 'annotated' AND r.source_id IN ({ids}) GROUP BY l.list) x ON x.list = t.facet
            WHERE t.list = 'all';
         CREATE TEMP VIEW read AS SELECT * FROM {schema}read WHERE source_id NOT IN ({ids});
         CREATE TEMP VIEW source AS SELECT * FROM {schema}source WHERE id NOT IN ({ids});"
    )
}

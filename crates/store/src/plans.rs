//! Query plans, for tests: the work for a page must not grow with the archive.

use std::collections::BTreeMap;

use crate::database::{Database, Sql, Tried, read_by};
use crate::{Store, StoreError};

/// Tables that grow with the archive, or with what readers do in it. Corrections are few and not
/// among them.
const GROWING: [&str; 18] = [
    "address", "action", "article", "card", "card_answer", "gone", "highlight", "label", "listing", "mark",
    "merged", "note", "place", "precis", "read", "refused", "search_hit", "tally",
];

/// Indices that have only the rows for which a statement asks, in its order, so that scanning them
/// is not wasted work.
const EXACT: [&str; 5] = ["read_aside", "read_asked", "read_due", "read_practisable", "read_way"];

/// The query plan of a statement.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The statement, without its values.
    pub statement: String,
    /// The database's plan, one line per step.
    pub steps: Vec<String>,
    is_run: bool,
}

impl Plan {
    /// The steps that read more than `most` rows. SQLite does not count rows, so there these are
    /// the steps that read the whole of a table that grows, or of its index.
    pub fn steps_over(&self, most: f64) -> Vec<&str> {
        let is_over = |step: &str| {
            if self.is_run {
                rows_of(step).is_some_and(|rows| rows > most)
            } else {
                let mut words = step.trim_start().split(' ');
                words.next() == Some("SCAN")
                    && words.next().is_some_and(|name| self.is_growing(name))
                    && !words.next_back().is_some_and(|index| EXACT.contains(&index))
            }
        };
        self.steps.iter().map(String::as_str).filter(|step| is_over(step)).collect()
    }

    /// Whether a table that grows has this name, or gets it in the statement.
    fn is_growing(&self, name: &str) -> bool {
        let named = |table: &&str| {
            ["FROM", "JOIN"]
                .iter()
                .any(|before| self.statement.contains(&format!("{before} {table} {name} ")))
        };
        GROWING.contains(&name) || GROWING.iter().any(named)
    }
}

/// The rows that a step of PostgreSQL's plan read: `(actual rows=12.00 loops=3)`, or
/// `Rows Removed by Filter: 12`.
fn rows_of(step: &str) -> Option<f64> {
    if let Some((_, removed)) = step.split_once("Rows Removed by Filter: ") {
        return removed.parse().ok();
    }
    let (_, actual) = step.split_once("actual rows=")?;
    let (rows, loops) = actual.split_once(" loops=")?;
    let loops: f64 = loops.trim_end_matches(')').parse().ok()?;
    Some(rows.parse::<f64>().ok()? * loops)
}

/// Runs work, and returns the plans of the different statements by which it read from this archive,
/// with the values of the last time. Statements of tasks that the work spawns are not among them.
///
/// # Errors
/// If the database fails to explain a statement.
pub async fn plans(store: &Store, work: impl Future<Output = ()>) -> Result<Vec<Plan>, StoreError> {
    let seen = read_by(work).await;
    store.run("explaining statements", explained(&store.database, seen)).await
}

async fn explained(database: &Database, seen: BTreeMap<String, Sql>) -> Tried<Vec<Plan>> {
    let (explain, column, is_run) = match database {
        Database::Sqlite { .. } => ("EXPLAIN QUERY PLAN ", "detail", false),
        Database::Postgres(_) => ("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ", "QUERY PLAN", true),
    };
    let mut plans = Vec::new();
    for (statement, sql) in seen {
        let rows = database.rows(sql.with_prefix(explain)).await?;
        let steps = rows.iter().map(|row| row.text(column)).collect::<Tried<_>>()?;
        plans.push(Plan { statement, steps, is_run });
    }
    Ok(plans)
}

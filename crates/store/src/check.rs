//! The database checks of `backissue doctor`.

use backissue_model::bounds::cut;
use backissue_model::{Entry, Precis, Stage};

use crate::archive::known_schema;
use crate::counters::pairs;
use crate::database::{Database, Row, Tried, sql, sql_of, sql_once};
use crate::error::Failure;
use crate::rows::{ARTICLE, article_of};
use crate::{Store, StoreError};

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The name of the check, e.g. `integrity`.
    pub name: &'static str,
    /// Whether it passed.
    pub ok: bool,
    /// The details, in plain words.
    pub detail: String,
}

impl Store {
    /// Checks the database: its file, its references, its counters against a recount, its schema,
    /// its size. Reads everything, so the time grows with the archive. A check that fails to run is
    /// a finding too.
    pub async fn check(&self) -> Vec<Finding> {
        let mut findings = vec![self.found("schema", self.schema().await)];
        findings.push(self.found("integrity", self.integrity().await));
        findings.push(self.found("references", self.references().await));
        for (name, good, query) in recounts() {
            let found = self.differences(query, good).await;
            findings.push(self.found(name, found));
        }
        findings.push(self.found("size", self.size().await));
        findings
    }

    /// Loads every read as its page does: its article with blocks, its précis, and the entries of
    /// its sources. Each quote must be in the text at its span. Takes about as long as a backup.
    pub async fn check_rows(&self) -> Finding {
        let found = self.rows().await;
        self.found("rows", found)
    }

    async fn rows(&self) -> Tried<(bool, String)> {
        let query = sql_of(format!(
            "SELECT r.id, r.stage, r.fingerprint, {ARTICLE}, p.body, p.said FROM read r
             JOIN article a ON a.read_id = r.id LEFT JOIN precis p ON p.read_id = r.id
             WHERE r.id > $1 ORDER BY r.id LIMIT {ROWS_AT_ONCE}"
        ));
        let entries = sql_of(format!(
            "SELECT read_id, source_id, entry FROM place WHERE (read_id, source_id) > ($1, $2)
             ORDER BY read_id, source_id LIMIT {ROWS_AT_ONCE}"
        ));
        let (mut wrong, mut checked) = (Vec::new(), 0_u64);
        let mut after = 0;
        loop {
            let rows = self.database.rows(query.clone().bind(after)).await?;
            let Some(last) = rows.last() else { break };
            after = last.int("id")?;
            checked += rows.len() as u64;
            for row in &rows {
                if let Err(failure) = of_read(row) {
                    wrong.push(format!("read {}: {}", row.int("id")?, self.why(failure)));
                }
            }
        }
        let mut after = (0, 0);
        loop {
            let rows = self.database.rows(entries.clone().bind(after.0).bind(after.1)).await?;
            let Some(last) = rows.last() else { break };
            after = (last.int("read_id")?, last.int("source_id")?);
            for row in &rows {
                if let Err(failure) = row.json::<Entry>("entry") {
                    wrong.push(format!("read {}: {}", row.int("read_id")?, self.why(failure)));
                }
            }
        }
        let first = wrong.first().map(|first| format!("{} wrong, for instance {first}", wrong.len()));
        let ok = first.is_none();
        Ok((ok, first.unwrap_or_else(|| format!("{checked} articles can be read, with their quotes"))))
    }

    fn why(&self, failure: Failure) -> String {
        match failure {
            Failure::Unreadable(what) => what,
            other => other.at(&self.location, "checking it").to_string(),
        }
    }

    fn found(&self, name: &'static str, result: Tried<(bool, String)>) -> Finding {
        match result {
            Ok((ok, detail)) => Finding { name, ok, detail },
            Err(failure) => {
                let error: StoreError = failure.at(&self.location, "checking it");
                Finding { name, ok: false, detail: error.to_string() }
            }
        }
    }

    async fn schema(&self) -> Tried<(bool, String)> {
        let query = sql("SELECT CAST(max(version) AS BIGINT) AS version FROM _sqlx_migrations");
        let version = match self.database.row(query).await? {
            Some(row) => row.opt_int("version")?.unwrap_or(0),
            None => 0,
        };
        let known = known_schema(&self.database);
        Ok((version == known, format!("version {version}; this program knows {known}")))
    }

    async fn integrity(&self) -> Tried<(bool, String)> {
        if let Database::Postgres(_) = self.database {
            let row = self.database.row(sql("SELECT version() AS version")).await?;
            let version = row.map_or_else(|| Ok("PostgreSQL".to_owned()), |row| row.text("version"))?;
            return Ok((true, format!("the server answers and checks its files itself: {version}")));
        }
        let rows = self.database.rows(sql("PRAGMA integrity_check(20)")).await?;
        let lines: Vec<String> = rows.iter().map(|row| row.text("integrity_check")).collect::<Tried<_>>()?;
        let ok = lines == ["ok"];
        let found = lines.join("; ");
        let damaged = || {
            format!(
                "the file is damaged: {found}; restore a backup, or move it away to start with a new archive"
            )
        };
        Ok((ok, if ok { "the file is sound".into() } else { damaged() }))
    }

    async fn references(&self) -> Tried<(bool, String)> {
        if let Database::Sqlite { .. } = self.database {
            let rows = self.database.rows(sql("PRAGMA foreign_key_check")).await?;
            if let Some(row) = rows.first() {
                let tables = (row.text("table")?, row.text("parent")?);
                return Ok((
                    false,
                    format!(
                        "{} rows refer to missing rows, the first from {} to {}",
                        rows.len(),
                        tables.0,
                        tables.1
                    ),
                ));
            }
        }
        Ok((true, "every reference is valid".into()))
    }

    async fn differences(&self, query: String, good: &'static str) -> Tried<(bool, String)> {
        let query = sql_once(format!(
            "SELECT count(*) AS n, CAST(min(what) AS TEXT) AS example FROM ({query}) AS wrong"
        ));
        let Some(row) = self.database.row(query).await? else { return Ok((true, good.into())) };
        let wrong = row.count("n")?;
        let example = row.opt_text("example")?.unwrap_or_default();
        Ok((
            wrong == 0,
            if wrong == 0 { good.into() } else { format!("{wrong} wrong, for instance {example}") },
        ))
    }

    async fn size(&self) -> Tried<(bool, String)> {
        let Some(row) = self.database.row(sql("SELECT count(*) AS reads FROM read")).await? else {
            return Ok((true, String::new()));
        };
        let megabytes = self.try_bytes().await?.div_ceil(1_000_000);
        Ok((true, format!("{} reads in {megabytes} MB", row.count("reads")?)))
    }
}

/// Maximum reads whose rows are in memory at the same time.
const ROWS_AT_ONCE: u32 = 200;

/// Checks that an article and its précis can be read and agree.
fn of_read(row: &Row) -> Tried<()> {
    let article = article_of(row)?;
    if let Some(block) = article.blocks.iter().find(|block| block.span.of(&article.text).is_empty()) {
        return Err(Failure::Unreadable(format!("its text has no bytes {:?}", block.span)));
    }
    for column in ["body", "said"] {
        let Some(precis) = row.opt_json::<Precis>(column)? else { continue };
        if row.parsed::<Stage>("stage")? != Stage::Annotated {
            // Of an earlier text, until the next one is made.
            continue;
        }
        let statements = [&precis.problem, &precis.approach, &precis.outcome].into_iter().flatten();
        let mut evidence = statements.flat_map(|statement| &statement.evidence);
        if let Some(evidence) = evidence.find(|evidence| !evidence.holds_in(&article.text)) {
            return Err(Failure::Unreadable(format!(
                "its text does not have the quote “{}” where it was",
                cut(&evidence.quote, 80)
            )));
        }
    }
    Ok(())
}

/// Redundant data, each with a query for rows in which the copies differ.
fn recounts() -> [(&'static str, &'static str, String); 5] {
    let weeks = both_ways(
        "SELECT week AS what, reads, problems FROM week_count WHERE reads <> 0 OR problems <> 0",
        "SELECT week AS what, count(*) AS reads, CAST(sum(has_problem) AS BIGINT) AS problems
         FROM read WHERE stage = 'annotated' GROUP BY week",
    );
    let tallies = both_ways(
        "SELECT list || ' ' || facet AS what, reads FROM tally WHERE reads <> 0",
        &format!(
            "SELECT list || ' ' || facet AS what, count(*) AS reads FROM ({}) AS pair WHERE list <> facet
             GROUP BY list, facet",
            pairs("", "")
        ),
    );
    let firsts = both_ways(
        "SELECT 'source ' || source_id AS what, reads FROM first_count WHERE reads <> 0",
        "SELECT 'source ' || source_id AS what, count(*) AS reads FROM read WHERE stage = 'annotated' GROUP BY source_id",
    );
    let lists = both_ways(
        "SELECT list || ' ' || read_id AS what, kind, has_problem, filed_at FROM listing
         WHERE list > 'source/' AND list < 'source0'",
        "SELECT 'source/' || p.source_id || ' ' || r.id AS what, r.kind, r.has_problem, r.filed_at
         FROM place p JOIN read r ON r.id = p.read_id WHERE r.stage = 'annotated'",
    );
    let rows = "SELECT 'read ' || r.id AS what FROM read r
         WHERE NOT EXISTS (SELECT 1 FROM address d WHERE d.read_id = r.id AND d.how = 'admitted')
            OR NOT EXISTS (SELECT 1 FROM place p WHERE p.read_id = r.id AND p.source_id = r.source_id)
            OR (r.stage <> 'discovered' AND NOT EXISTS (SELECT 1 FROM article a WHERE a.read_id = r.id))
            OR (r.stage = 'annotated' AND NOT EXISTS (SELECT 1 FROM precis p WHERE p.read_id = r.id))
            OR (r.stage = 'annotated' AND (r.kind IS NULL OR (r.due_at IS NULL) <> (r.ask IS NULL)))"
        .to_owned();
    [
        ("reads", "every read has its address, its place and what its stage says", rows),
        ("week counts", "the counters of weeks are right", weeks),
        ("lists", "every read is on the lists of its sources", lists),
        ("source counts", "the counters of sources are right", firsts),
        ("list counts", "the counters of lists are right", tallies),
    ]
}

/// The rows that only one of two queries returns.
fn both_ways(one: &str, other: &str) -> String {
    format!(
        "SELECT what FROM (SELECT * FROM ({one}) AS a EXCEPT SELECT * FROM ({other}) AS b) AS ab
         UNION ALL SELECT what FROM (SELECT * FROM ({other}) AS c EXCEPT SELECT * FROM ({one}) AS d) AS cd"
    )
}

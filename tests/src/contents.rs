//! Reads the contents of an archive directly from its database, without the program's code, so that
//! two archives can be compared row by row. Leaves out what differs between correct runs: ids of
//! rows, and times.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Row};

/// A row's columns, as text.
type Columns = Vec<Option<String>>;

/// The rows of an archive. Those of each table are sorted by an identifying key.
#[derive(Debug, PartialEq, Eq)]
pub struct Contents {
    tables: BTreeMap<&'static str, BTreeMap<String, Columns>>,
}

/// For each table the identifying columns, then the columns to compare. Both databases have them.
const TABLES: [(&str, &str); 4] = [
    (
        "read",
        "SELECT r.url, r.title, r.author, r.description, CAST(r.published AS TEXT), r.week, r.stage, r.kind, r.problem,
            r.concepts, CAST(r.minutes AS TEXT), r.fingerprint, r.error, r.ask, CAST(r.held AS TEXT),
            CASE WHEN r.due_at IS NULL THEN 'done' ELSE 'due' END, a.canonical_url, a.title, a.author, a.site_name,
            a.description, a.language, CAST(a.words AS TEXT), a.html, a.text, p.annotator, p.version, p.body
         FROM read r LEFT JOIN article a ON a.read_id = r.id LEFT JOIN precis p ON p.read_id = r.id",
    ),
    (
        "place",
        "SELECT r.url || ' on ' || s.slug, p.url, p.found_by, CAST(p.updated AS TEXT), p.entry
         FROM place p JOIN read r ON r.id = p.read_id JOIN source s ON s.id = p.source_id",
    ),
    (
        "address",
        "SELECT d.key || ' of ' || r.url, d.url, d.how FROM address d JOIN read r ON r.id = d.read_id",
    ),
    (
        "source",
        "SELECT slug, title, company, host, site_url, feed_url, language, standing, etag, last_modified,
            CAST(failures AS TEXT), last_error FROM source",
    ),
];

impl Contents {
    /// The contents of a SQLite file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of_sqlite(file: &Path) -> anyhow::Result<Self> {
        let options = SqliteConnectOptions::new().filename(file);
        in_runtime(async {
            let mut connection = SqliteConnection::connect_with(&options).await?;
            let mut tables = BTreeMap::new();
            for (table, query) in TABLES {
                let rows = sqlx::query(query).fetch_all(&mut connection).await?;
                let columns =
                    |row: &sqlx::sqlite::SqliteRow| (0..row.len()).map(|n| row.try_get(n)).collect();
                tables.insert(table, by_identity(rows.iter().map(columns))?);
            }
            connection.close().await?;
            Ok(Self { tables })
        })
    }

    /// The contents of a PostgreSQL database.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn of_postgres(url: &str) -> anyhow::Result<Self> {
        in_runtime(async {
            let mut connection = PgConnection::connect(url).await?;
            let mut tables = BTreeMap::new();
            for (table, query) in TABLES {
                let rows = sqlx::query(query).fetch_all(&mut connection).await?;
                let columns = |row: &sqlx::postgres::PgRow| (0..row.len()).map(|n| row.try_get(n)).collect();
                tables.insert(table, by_identity(rows.iter().map(columns))?);
            }
            connection.close().await?;
            Ok(Self { tables })
        })
    }

    /// Number of reads.
    pub fn reads(&self) -> usize {
        self.tables["read"].len()
    }

    /// For each read its address, stage, and error if there is one.
    pub fn ways(&self) -> BTreeMap<&str, (&str, Option<&str>)> {
        const STAGE: usize = 6;
        const ERROR: usize = 12;
        self.tables["read"]
            .iter()
            .map(|(url, row)| {
                (url.as_str(), (row[STAGE].as_deref().unwrap_or_default(), row[ERROR].as_deref()))
            })
            .collect()
    }

    /// The differences between two archives, one per line, shortened. Empty if they are equal.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (table, rows) in &self.tables {
            let others = &other.tables[table];
            let missing = others.keys().filter(|key| !rows.contains_key(*key));
            found.extend(missing.map(|key| format!("{table}: {key} is missing")));
            for (key, row) in rows {
                match others.get(key) {
                    None => found.push(format!("{table}: {key} is not in the other")),
                    Some(same) if same == row => {}
                    Some(different) => found.push(first_difference(table, key, row, different)),
                }
            }
        }
        found
    }
}

fn first_difference(table: &str, key: &str, one: &Columns, other: &Columns) -> String {
    let at = one.iter().zip(other).position(|(one, other)| one != other).unwrap_or_default();
    format!("{table}: {key}: column {at} is {:.200?} and not {:.200?}", one[at], other[at])
}

fn by_identity(
    rows: impl Iterator<Item = Result<Columns, sqlx::Error>>,
) -> anyhow::Result<BTreeMap<String, Columns>> {
    let mut found = BTreeMap::new();
    for row in rows {
        let row = row?;
        let key = row[0].clone().unwrap_or_default();
        anyhow::ensure!(found.insert(key.clone(), row).is_none(), "{key} is there twice");
    }
    Ok(found)
}

/// Runs a future on a separate thread, so that it works inside and outside a runtime.
fn in_runtime<T: Send>(work: impl Future<Output = anyhow::Result<T>> + Send) -> anyhow::Result<T> {
    std::thread::scope(|scope| {
        let run = || tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work);
        scope.spawn(run).join().map_err(|_| anyhow::anyhow!("the thread that reads the database stopped"))?
    })
}

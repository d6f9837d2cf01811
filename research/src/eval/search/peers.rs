//! The systems with which ours is compared.

use std::collections::HashMap;

use anyhow::Context;
use backissue_search::meanings;
use backissue_store::ReadText;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

use super::super::minilm::MiniLm;

/// The fields of a read in the databases, each with its weight there.
const FIELDS: [(&str, f32); 7] = [
    ("title", 6.0),
    ("problem", 4.0),
    ("approach", 3.0),
    ("outcome", 2.0),
    ("concepts", 2.0),
    ("technologies", 2.0),
    ("text", 1.0),
];

fn fields(read: &ReadText) -> [String; 7] {
    let of = |s: &Option<backissue_model::Statement>| s.as_ref().map_or_else(String::new, |s| s.text.clone());
    let precis = &read.precis;
    let concepts: Vec<&str> = precis.concepts.iter().map(|concept| concept.as_str()).collect();
    [
        read.card.title.clone(),
        of(&precis.problem),
        of(&precis.approach),
        of(&precis.outcome),
        concepts.join(" ").replace('-', " "),
        precis.technologies.join(" "),
        // PostgreSQL refuses more than a megabyte of words, and NUL.
        read.text.chars().filter(|char| *char != '\0').take(400_000).collect(),
    ]
}

/// The words of a query without stop words (unless there are no others), joined by OR, which is
/// better for long questions than requiring all words.
fn words(text: &str) -> Vec<String> {
    const STOP: [&str; 36] = [
        "a", "an", "and", "are", "as", "at", "be", "by", "do", "does", "for", "from", "how", "i", "in", "is",
        "it", "its", "my", "no", "not", "of", "on", "or", "our", "that", "the", "this", "to", "we", "what",
        "when", "why", "with", "you", "your",
    ];
    let all: Vec<String> = text
        .split(|char: char| !char.is_alphanumeric() && char != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let telling: Vec<String> = all.iter().filter(|word| !STOP.contains(&word.as_str())).cloned().collect();
    if telling.is_empty() { all } else { telling }
}

/// SQLite's full-text search: BM25 with weights by field, Porter's stemmer.
pub struct Fts5(tokio::sync::Mutex<SqliteConnection>);

impl Fts5 {
    /// An index of these reads.
    ///
    /// # Errors
    /// If SQLite fails.
    pub async fn of(reads: &[ReadText]) -> anyhow::Result<Self> {
        let mut db = SqliteConnection::connect("sqlite::memory:").await?;
        let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        let create = format!(
            "CREATE VIRTUAL TABLE reads USING fts5(url UNINDEXED, {names}, tokenize = 'porter unicode61')"
        );
        sqlx::query(AssertSqlSafe(create)).execute(&mut db).await?;
        for read in reads {
            let insert = format!("INSERT INTO reads (url, {names}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
            let mut insert = sqlx::query(AssertSqlSafe(insert)).bind(read.card.url.to_string());
            for field in fields(read) {
                insert = insert.bind(field);
            }
            insert.execute(&mut db).await?;
        }
        Ok(Self(db.into()))
    }

    /// The addresses of the best reads for each query.
    ///
    /// # Errors
    /// If SQLite fails.
    pub async fn ask(&self, queries: &[&str], limit: usize) -> anyhow::Result<Vec<Vec<String>>> {
        let weights: Vec<String> = FIELDS.iter().map(|(_, weight)| weight.to_string()).collect();
        let query = format!(
            "SELECT url FROM reads WHERE reads MATCH ? ORDER BY bm25(reads, 0, {}) LIMIT ?",
            weights.join(", ")
        );
        let mut db = self.0.lock().await;
        let mut lists = Vec::new();
        for text in queries {
            let any: Vec<String> = words(text).iter().map(|word| format!("\"{word}\"")).collect();
            let rows = sqlx::query(AssertSqlSafe(query.clone()))
                .bind(any.join(" OR "))
                .bind(i64::try_from(limit)?)
                .fetch_all(&mut *db)
                .await?;
            lists.push(rows.iter().map(|row| row.get("url")).collect());
        }
        Ok(lists)
    }
}

/// PostgreSQL's full-text search: English stemmer, cover density, weights by field.
pub struct PostgresText(tokio::sync::Mutex<PgConnection>);

impl PostgresText {
    /// An index of these reads in a separate database.
    ///
    /// # Errors
    /// If PostgreSQL fails.
    pub async fn of(server: &str, reads: &[ReadText]) -> anyhow::Result<Self> {
        let mut db = PgConnection::connect(server).await.context("the database server of the evaluation")?;
        sqlx::query("CREATE TEMPORARY TABLE reads (url text, words tsvector)").execute(&mut db).await?;
        for read in reads {
            let [title, problem, approach, outcome, concepts, technologies, text] = fields(read);
            sqlx::query(
                "INSERT INTO reads VALUES ($1, setweight(to_tsvector('english', $2), 'A')
                    || setweight(to_tsvector('english', $3), 'B') || setweight(to_tsvector('english', $4), 'C')
                    || to_tsvector('english', $5))",
            )
            .bind(read.card.url.to_string())
            .bind(title)
            .bind(problem)
            .bind([approach, outcome, concepts, technologies].join("\n"))
            .bind(text)
            .execute(&mut db)
            .await?;
        }
        sqlx::query("CREATE INDEX ON reads USING gin (words)").execute(&mut db).await?;
        Ok(Self(db.into()))
    }

    /// The addresses of the best reads for each query.
    ///
    /// # Errors
    /// If PostgreSQL fails.
    pub async fn ask(&self, queries: &[&str], limit: usize) -> anyhow::Result<Vec<Vec<String>>> {
        let mut db = self.0.lock().await;
        let mut lists = Vec::new();
        for text in queries {
            let any: Vec<String> = words(text).iter().map(|word| format!("'{word}'")).collect();
            // The weights are for D, C, B, A. 1 divides by the logarithm of a document's length,
            // which is best here.
            let rows = sqlx::query(
                "SELECT url FROM reads, to_tsquery('english', $1) AS asked WHERE words @@ asked
                 ORDER BY ts_rank(ARRAY[0.15, 0.4, 0.7, 1.0], words, asked, 1) DESC, url LIMIT $2",
            )
            .bind(any.join(" | "))
            .bind(i64::try_from(limit)?)
            .fetch_all(&mut *db)
            .await?;
            lists.push(rows.iter().map(|row| row.get("url")).collect());
        }
        Ok(lists)
    }
}

/// The original model's vectors of the texts for which ours has vectors.
pub struct Sentences {
    model: MiniLm,
    reads: HashMap<String, Vec<Vec<f32>>>,
}

impl Sentences {
    /// The vectors of these reads.
    ///
    /// # Errors
    /// If the model is unavailable.
    pub fn of(reads: &[ReadText]) -> anyhow::Result<Self> {
        let mut model = MiniLm::start()?;
        let mut vectors = HashMap::new();
        for read in reads {
            let texts = meanings(read).into_iter().flatten();
            let all = texts.map(|text| model.vector(&text)).collect::<anyhow::Result<_>>()?;
            vectors.insert(read.card.url.to_string(), all);
        }
        Ok(Self { model, reads: vectors })
    }

    /// The addresses of the nearest reads for each query.
    ///
    /// # Errors
    /// If the model has ended.
    pub fn ask(&mut self, queries: &[&str], limit: usize) -> anyhow::Result<Vec<Vec<String>>> {
        let mut lists = Vec::new();
        for text in queries {
            let asked = self.model.vector(text)?;
            let like = |vector: &Vec<f32>| vector.iter().zip(&asked).map(|(a, b)| a * b).sum::<f32>();
            let mut near: Vec<(f32, &String)> = self
                .reads
                .iter()
                .map(|(url, vectors)| (vectors.iter().map(like).fold(f32::MIN, f32::max), url))
                .collect();
            near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
            lists.push(near.into_iter().take(limit).map(|(_, url)| url.clone()).collect());
        }
        Ok(lists)
    }
}

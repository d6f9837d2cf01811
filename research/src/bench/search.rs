//! Search in generated archives of several sizes, compared with SQLite's full-text search of the
//! same reads.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use backissue_model::{ConceptSlug, Form, Kind, ReadId, Slug, Week};
use backissue_search::meaning::{Embedder, Embedding};
use backissue_search::{Blend, By, Document, Index, Query, Ranker, Typing};
use backissue_store::{Location, Store};
use backissue_tests::chance::Random;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sqlx::{Connection, Row, SqliteConnection};

use crate::archive;
use crate::eval::search::queries;
use crate::eval::statistics::percentile;
use crate::table::table;

/// The arguments of `cargo xtask bench search`.
#[derive(Debug, clap::Args)]
pub struct Search {
    /// Sizes of the archive, in reads
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000, 1_000_000])]
    reads: Vec<u32>,
    /// Where to keep what is built, for further runs
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

/// How often our search answers each question. With one answer each, the 95th percentile would be
/// that of only 95 answers. FTS5, which takes seconds, answers once.
const ROUNDS: usize = 5;

/// The texts from which reads are generated.
struct Stuff {
    paragraphs: Vec<String>,
    titles: Vec<String>,
    problems: Vec<String>,
    concepts: Vec<ConceptSlug>,
}

impl Search {
    /// Measures and prints the result.
    ///
    /// # Errors
    /// If test data is missing, or the disk is full.
    pub fn run(self) -> anyhow::Result<()> {
        tokio::runtime::Runtime::new()?.block_on(self.measure())
    }

    async fn measure(self) -> anyhow::Result<()> {
        let fresh = tempfile::tempdir()?;
        let folder = self.keep.as_deref().unwrap_or(fresh.path());
        std::fs::create_dir_all(folder)?;
        let stuff = Stuff::of_real_reads(fresh.path()).await?;
        let asked: Vec<String> = queries::load()?.into_iter().map(|judged| judged.query).collect();
        println!(
            "{} questions of `eval/search.jsonl`, each asked alone; reads put together of {} real paragraphs; the best 10 of FTS5, up \
             to 200 and their counts of ours:\n",
            asked.len(),
            stuff.paragraphs.len()
        );
        let (mut builds, mut times) = (Vec::new(), Vec::new());
        for reads in self.reads {
            one_size(folder, &stuff, &asked, reads, &mut builds, &mut times).await?;
        }
        let head = ["reads", "index", "built in, s", "on disk, MiB", "in memory, MiB", "of files, MiB"];
        println!("{}", table(&head, &builds));
        println!("{}", table(&["reads", "searched by", "p50, ms", "p95, ms", "p99, ms"], &times));
        Ok(())
    }
}

async fn one_size(
    folder: &Path,
    stuff: &Stuff,
    asked: &[String],
    reads: u32,
    builds: &mut Vec<Vec<String>>,
    times: &mut Vec<Vec<String>>,
) -> anyhow::Result<()> {
    let embedder = Embedder::built_in();
    let ours = folder.join(format!("index-{reads}"));
    let before = Resident::now()?;
    let (index, built) = built(&ours, stuff, embedder, reads)?;
    let ranker = Ranker::new(index);
    ranker.warm(embedder.dimensions())?;
    for (name, by) in [("words", By::Words), ("meaning", By::Meaning), ("both", By::Both)] {
        let blend = Blend { by, ..Blend::default() };
        let mut took = Vec::new();
        for round in 0..=ROUNDS {
            for text in asked {
                let began = Instant::now();
                let query = Query::parse(text);
                let meaning = (by != By::Words).then(|| embedder.embed(&query.words())).flatten();
                ranker.rank_and_count(&query, meaning.as_ref(), &blend, Typing::Done)?;
                // The first round loads the files into memory.
                if round > 0 {
                    took.push(began.elapsed());
                }
            }
        }
        times.push(row(reads, &format!("ours, {name}"), took));
    }
    builds.push(built_row(reads, "ours", built, size(&ours)?, before)?);
    drop(ranker);

    let before = Resident::now()?;
    let file = folder.join(format!("fts5-{reads}.sqlite"));
    let (mut db, built) = filled(&file, stuff, embedder, reads).await?;
    let mut took = Vec::new();
    for round in 0..2 {
        for text in asked {
            let began = Instant::now();
            let words: Vec<String> = text
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .filter(|word| word.chars().count() > 2)
                .map(|word| format!("\"{word}\""))
                .collect();
            let rows = sqlx::query(
                "SELECT rowid FROM reads WHERE reads MATCH ? ORDER BY bm25(reads, 1.5, 1, 1, 3) LIMIT 10",
            )
            .bind(words.join(" OR "))
            .fetch_all(&mut db)
            .await?;
            ensure!(rows.iter().all(|row| row.try_get::<i64, _>(0).is_ok()), "rows without numbers");
            if round > 0 {
                took.push(began.elapsed());
            }
        }
    }
    times.push(row(reads, "FTS5, words", took));
    builds.push(built_row(reads, "FTS5", built, size(&file)?, before)?);
    db.close().await?;
    Ok(())
}

/// Our index of this many reads, and its build time. No time if the index was kept from an earlier
/// run.
fn built(
    folder: &Path,
    stuff: &Stuff,
    embedder: &Embedder,
    reads: u32,
) -> anyhow::Result<(Index, Option<Duration>)> {
    let began = Instant::now();
    let index = Index::open(folder)?;
    let end = u64::from(reads) + 1;
    if index.position() == end {
        return Ok((index, None));
    }
    let mut writer = index.writer()?.context("somebody else writes the index")?;
    for number in 0..reads {
        writer.put(&stuff.read(number, embedder))?;
        if (number + 1).is_multiple_of(50_000) {
            writer.commit(u64::from(number))?;
        }
    }
    writer.commit(end)?;
    Ok((index, Some(began.elapsed())))
}

/// FTS5 with the same reads, and its build time. No time if it was kept from an earlier run.
async fn filled(
    file: &Path,
    stuff: &Stuff,
    embedder: &Embedder,
    reads: u32,
) -> anyhow::Result<(SqliteConnection, Option<Duration>)> {
    let began = Instant::now();
    let mut db = SqliteConnection::connect(&format!("sqlite://{}?mode=rwc", file.display())).await?;
    let marked: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut db).await?;
    if marked == i64::from(reads) {
        return Ok((db, None));
    }
    ensure!(marked == 0, "{} is of {marked} reads; remove it", file.display());
    sqlx::query("CREATE VIRTUAL TABLE reads USING fts5(title, problem, concepts, text, content='', tokenize='porter unicode61')")
        .execute(&mut db)
        .await?;
    let mut number = 0;
    while number < reads {
        sqlx::query("BEGIN").execute(&mut db).await?;
        for _ in 0..50_000.min(reads - number) {
            let read = stuff.read(number, embedder);
            let concepts: Vec<&str> = read.concepts.iter().map(ConceptSlug::as_str).collect();
            sqlx::query("INSERT INTO reads (rowid, title, problem, concepts, text) VALUES (?, ?, ?, ?, ?)")
                .bind(i64::from(number))
                .bind(&read.title)
                .bind(read.problem.as_deref().unwrap_or_default())
                .bind(concepts.join(" "))
                .bind(&read.text)
                .execute(&mut db)
                .await?;
            number += 1;
        }
        sqlx::query("COMMIT").execute(&mut db).await?;
    }
    sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA user_version = {reads}"))).execute(&mut db).await?;
    Ok((db, Some(began.elapsed())))
}

impl Stuff {
    async fn of_real_reads(folder: &Path) -> anyhow::Result<Self> {
        let store = Store::open(&Location::Sqlite(folder.join("archive.sqlite")), &TimeZone::UTC).await?;
        archive::fill(&store).await?;
        let reads = archive::reads(&store).await?;
        store.close().await;
        let paragraphs = reads.iter().flat_map(|read| read.text.split("\n\n"));
        let paragraphs = paragraphs.filter(|text| (60..1200).contains(&text.len())).map(str::to_owned);
        let problems = reads.iter().filter_map(|read| read.precis.problem.as_ref());
        Ok(Self {
            paragraphs: paragraphs.collect(),
            titles: reads.iter().map(|read| read.card.title.clone()).collect(),
            problems: problems.map(|problem| problem.text.clone()).collect(),
            concepts: reads.iter().flat_map(|read| read.precis.concepts.clone()).collect(),
        })
    }

    /// The generated read with this number, which is always the same: 8 to 24 paragraphs. Every
    /// second read has a problem.
    fn read(&self, number: u32, embedder: &Embedder) -> Document {
        let mut random = Random(u64::from(number) + 1);
        let title = format!("{}: {}", any(&mut random, &self.titles), any(&mut random, &self.titles));
        let problem = number
            .is_multiple_of(2)
            .then(|| format!("{} {}", any(&mut random, &self.problems), any(&mut random, &self.problems)));
        let paragraphs: Vec<&str> =
            (0..8 + random.below(17)).map(|_| any(&mut random, &self.paragraphs).as_str()).collect();
        let text = paragraphs.join("\n\n");
        let beginning: Vec<&str> = text.split_whitespace().take(60).collect();
        let meant =
            [problem.as_ref().map(|problem| format!("{title}. {problem}")), Some(beginning.join(" "))];
        let embedded = meant.iter().flatten().filter_map(|text| embedder.embed(text));
        let filed_at =
            Timestamp::UNIX_EPOCH + SignedDuration::from_hours(380_000 + i64::from(number % 110_000));
        Document {
            id: ReadId(i64::from(number) + 1),
            company: format!("Company {}", random.below(500)),
            sources: vec![Slug::of(&format!("blog-{}", random.below(500)))],
            kind: Kind::ALL[random.below(Kind::ALL.len())],
            week: Week::of(filed_at, &TimeZone::UTC),
            filed_at,
            approach: None,
            outcome: None,
            form: problem.as_ref().map(|_| Form::Quoted),
            description: None,
            concepts: (0..3).map(|_| any(&mut random, &self.concepts).clone()).collect(),
            technologies: vec!["Kafka".to_owned()],
            fingerprint: None,
            confidence: 0.3,
            vectors: embedded.map(Embedding::into_bytes).collect(),
            title,
            problem,
            text,
        }
    }
}

/// A random element of the list.
fn any<'l, T>(random: &mut Random, list: &'l [T]) -> &'l T {
    &list[random.below(list.len())]
}

fn row(reads: u32, name: &str, took: Vec<Duration>) -> Vec<String> {
    let mut took: Vec<f64> = took.iter().map(|took| took.as_secs_f64() * 1000.0).collect();
    took.sort_by(f64::total_cmp);
    let at = |percent| format!("{:.1}", percentile(&took, percent));
    vec![reads.to_string(), name.to_owned(), at(50.0), at(95.0), at(99.0)]
}

fn built_row(
    reads: u32,
    name: &str,
    built: Option<Duration>,
    disk: u64,
    before: Resident,
) -> anyhow::Result<Vec<String>> {
    let mib = |bytes: u64| (bytes >> 20).to_string();
    let built = built.map_or_else(|| "kept".to_owned(), |took| format!("{:.0}", took.as_secs_f64()));
    let now = Resident::now()?;
    let (own, of_files) = (now.own.saturating_sub(before.own), now.of_files.saturating_sub(before.of_files));
    Ok(vec![reads.to_string(), name.to_owned(), built, mib(disk), mib(own), mib(of_files)])
}

/// Bytes of a file, or of all files below a folder.
fn size(path: &Path) -> anyhow::Result<u64> {
    if path.is_file() {
        return Ok(path.metadata()?.len());
    }
    std::fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

/// Memory of this process, in bytes.
struct Resident {
    /// Private memory.
    own: u64,
    /// Pages of mapped files, which the system can reclaim.
    of_files: u64,
}

impl Resident {
    fn now() -> anyhow::Result<Self> {
        let status =
            std::fs::read_to_string("/proc/self/status").context("this bench needs Linux's /proc")?;
        let bytes = |name: &str| -> anyhow::Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next());
            Ok(kib.with_context(|| format!("no {name} of this process"))?.parse::<u64>()? << 10)
        };
        Ok(Self { own: bytes("RssAnon:")?, of_files: bytes("RssFile:")? })
    }
}

//! Fills a store with generated annotated reads of realistic sizes, for benchmarks and tests.
//!
//! An article has about 9 KB of text and 20 KB of HTML, like the blogs of the shared test data.
//! Words repeat as in prose, so that compression is as effective. The same seed gives the same
//! reads.

use std::collections::HashMap;

use backissue_model::{
    CanonicalUrl, ConceptSlug, Evidence, Form, Kind, MadeBy, NewSource, Precis, SourceId, Stage, Statement,
    minutes_to_read,
};
use jiff::{SignedDuration, Timestamp};

use crate::archive::touch;
use crate::counters::count_anew;
use crate::database::{Database, Tried, Tx, insertion, sql, sql_of};
use crate::error::Failure;
use crate::keys::{address_key, concept_list, source_list};
use crate::rows::to_json;
use crate::times::{filed, millis};
use crate::{Store, StoreError};

/// Number of sources. One has an eighth of the reads, some have many, most have few.
const SOURCES: u64 = 400;
/// Reads per statement.
const BATCH: u32 = 100;
/// The newest date: Saturday, 31 October 2026.
const NEWEST: i64 = 1_793_440_800;
const DAY: u64 = 86_400;
/// Number of weeks over which the reads are spread: fifteen years.
const WEEKS: u64 = 780;
/// Number of reads in the two newest weeks, even in a small archive, so that a week's page is full.
const NEWEST_WEEKS: u64 = 220;

const CONCEPTS: &[&str] = &[
    "caching", "rate-limiting", "sharding", "replication", "load-balancing", "observability", "migrations",
    "multi-tenancy", "tail-latency", "consensus", "queues", "stream-processing", "batch-processing",
    "search", "feature-flags", "deployment", "incident-response", "capacity-planning", "schema-design",
    "indexing", "machine-learning", "recommendation", "mobile", "web-performance", "api-design",
    "service-mesh", "containers", "security", "privacy", "testing", "monorepo", "build-systems",
    "data-quality", "cost", "networking", "storage", "concurrency", "garbage-collection", "compression",
    "time-series",
];

const WORDS: &[&str] = &[
    "the", "a", "of", "to", "and", "in", "we", "our", "that", "for", "with", "is", "was", "on", "it", "as",
    "this", "by", "from", "at", "when", "which", "each", "one", "every", "service", "request", "latency",
    "cache", "tenant", "queue", "shard", "replica", "database", "index", "traffic", "deploy", "rollback",
    "metric", "alert", "cluster", "node", "partition", "throughput", "memory", "disk", "network", "client",
    "server", "timeout", "retry", "budget", "pipeline", "event", "stream", "batch", "worker", "schema",
    "migration", "query", "plan", "lock", "transaction", "commit", "log", "snapshot", "backup", "failover",
    "region", "zone", "capacity", "spike", "percentile", "second", "minute", "engineer", "team", "customer",
    "incident", "review", "change", "code", "test", "build", "release", "because", "before", "after",
    "while", "until", "more", "less", "than", "only", "also", "then", "could", "would", "had", "were", "not",
    "but", "their", "them", "these", "first", "second", "new", "old", "slow", "fast", "large", "small",
    "whole", "same", "other", "many", "most", "few", "single", "global", "local", "consistent", "stale",
];

/// The articles of generated reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Articles {
    /// All articles have a realistic length.
    Long,
    /// Only this many of the newest articles have a realistic length; the others have two
    /// paragraphs. For archives that would not fit on the disk.
    LongUpTo(u32),
}

/// Adds `reads` annotated reads on up to 400 sources, dated over fifteen years, with random choices
/// from `seed`. The two newest weeks are full, and from 1,000 reads on no week is empty.
///
/// # Errors
/// If the database fails.
pub async fn generate(store: &Store, reads: u32, seed: u64) -> Result<(), StoreError> {
    generate_with(store, reads, seed, Articles::Long).await
}

/// Adds reads as [`generate`] does, with these articles.
///
/// # Errors
/// If the database fails.
pub async fn generate_with(
    store: &Store,
    reads: u32,
    seed: u64,
    articles: Articles,
) -> Result<(), StoreError> {
    let mut dice = Dice(seed ^ 0x9e37_79b9_7f4a_7c15);
    let mut sources = Vec::new();
    for number in 0..SOURCES.min(reads.into()) {
        sources.push(store.follow(&blog(number), moment(NEWEST - (WEEKS * 7 * DAY) as i64)).await?.source.id);
    }
    let paragraphs: Vec<String> = (0..3000).map(|_| paragraph(&mut dice)).collect();
    let doing = "filling it with made-up reads";
    let mut made = 0;
    while made < reads {
        let count = BATCH.min(reads - made);
        let batch: Vec<Made> = (made..made + count)
            .map(|n| Made::up(n, seed, articles, &sources, &paragraphs, &mut dice))
            .collect();
        store_batch(store, &batch).await.map_err(|f| f.at(&store.location, doing))?;
        made += count;
    }
    let counted = async {
        let mut tx = store.database.begin_admission().await?;
        touch(&mut tx).await?;
        count_anew(&mut tx).await?;
        tx.commit().await
    };
    counted.await.map_err(|f: Failure| f.at(&store.location, doing))?;
    // PostgreSQL does this by itself, SQLite only when it is told to, which no archive does.
    if let Database::Postgres(_) = &store.database {
        let analyzed = store.database.run_alone(sql("ANALYZE")).await;
        analyzed.map_err(|failure| failure.at(&store.location, doing))?;
    }
    Ok(())
}

/// A generated read.
struct Made {
    url: CanonicalUrl,
    source: SourceId,
    published: Timestamp,
    title: String,
    text: String,
    html: String,
    precis: Precis,
}

impl Made {
    fn up(
        number: u32,
        seed: u64,
        articles: Articles,
        sources: &[SourceId],
        paragraphs: &[String],
        dice: &mut Dice,
    ) -> Self {
        // The minimum of two random numbers: low-numbered sources have most of the reads.
        let all = sources.len();
        let source = if dice.below(8) == 0 { 0 } else { dice.index(all).min(dice.index(all)) };
        let length = match articles {
            Articles::LongUpTo(long) if number >= long => 2,
            _ => 14 + dice.below(12),
        };
        let address = format!("https://blog{source}.example/{seed}/posts/{number}");
        let chosen: Vec<&String> = (0..length).map(|_| &paragraphs[dice.index(paragraphs.len())]).collect();
        let text = chosen.iter().map(|p| p.as_str()).collect::<Vec<_>>().join("\n\n");
        let html = chosen.iter().map(|paragraph| marked_up(paragraph)).collect::<String>();
        let form = if number.is_multiple_of(4) { Form::Written } else { Form::Quoted };
        let precis = precis(&text, form, dice);
        Self {
            url: address.parse().expect("the address is built of plain parts"),
            source: sources[source],
            published: published(number, dice),
            title: sentence(dice, 7),
            text,
            html,
            precis,
        }
    }
}

fn published(number: u32, dice: &mut Dice) -> Timestamp {
    let number = u64::from(number);
    let week = match number {
        0..NEWEST_WEEKS => number % 2,
        NEWEST_WEEKS..1000 => number - NEWEST_WEEKS,
        _ => dice.below(WEEKS),
    };
    // The newest date is a Saturday.
    moment(NEWEST - (week * 7 * DAY + dice.below(5 * DAY)) as i64)
}

fn precis(text: &str, form: Form, dice: &mut Dice) -> Precis {
    let kind = match dice.below(100) {
        0..40 => Kind::CaseStudy,
        40..50 => Kind::Incident,
        50..58 => Kind::Research,
        58..72 => Kind::Tutorial,
        72..88 => Kind::Announcement,
        88..93 => Kind::Opinion,
        93..97 => Kind::Profile,
        97..99 => Kind::Event,
        _ => Kind::Other,
    };
    let end = text.find('.').map_or(text.len(), |dot| dot + 1);
    let statement = || Statement {
        text: text[..end].to_owned(),
        evidence: Evidence::at(text, 0, end).into_iter().collect(),
        confidence: 0.7,
        form,
    };
    let problem = (kind <= Kind::Research).then(statement);
    let approach = problem.clone().filter(|_| dice.below(3) > 0);
    let mut concepts: Vec<ConceptSlug> = Vec::new();
    for _ in 0..=dice.below(4) {
        let name = CONCEPTS[dice.index(CONCEPTS.len()).min(dice.index(CONCEPTS.len()))];
        let slug: ConceptSlug = name.parse().expect("the list holds concepts' names");
        if !concepts.contains(&slug) {
            concepts.push(slug);
        }
    }
    let made_by =
        MadeBy { annotator: "generated".into(), version: "1".into(), model: None, prompt_version: None };
    Precis { kind, problem, approach, outcome: None, concepts, technologies: vec!["Kafka".into()], made_by }
}

async fn store_batch(store: &Store, batch: &[Made]) -> Tried<()> {
    let mut tx = store.database.begin_admission().await?;
    let ids = insert_reads(&mut tx, store, batch).await?;
    let mut addresses = sql_of(insertion("address (key, url, read_id, how)", batch.len()));
    let mut places = sql_of(insertion("place (read_id, source_id, url, seen_at, entry)", batch.len()));
    let mut articles = sql_of(insertion(
        "article (read_id, title, language, words, minutes, fetched_at, html, text)",
        batch.len(),
    ));
    let mut made = sql_of(insertion("precis (read_id, annotator, version, annotated_at, body)", batch.len()));
    let mut lines = Vec::new();
    for (read, id) in batch.iter().zip(ids) {
        let (at, words) = (millis(read.published), words_of(&read.text));
        addresses = addresses.bind(address_key(&read.url)).bind(read.url.as_str()).bind(id).bind("admitted");
        let entry = r#"{"id":null,"url":null,"title":null,"author":null,"published":null,"updated":null,"summary":null,"content":null,"tags":[]}"#;
        places = places.bind(id).bind(read.source.0).bind(read.url.as_str()).bind(at).bind(entry);
        articles = articles
            .bind(id)
            .bind(read.title.as_str())
            .bind("en")
            .bind(words)
            .bind(minutes_to_read(words))
            .bind(at)
            .bind(read.html.as_str())
            .bind(read.text.as_str());
        made = made.bind(id).bind("generated").bind("1").bind(at).bind(to_json(&read.precis)?);
        let lists = read.precis.concepts.iter().map(concept_list).chain([source_list(read.source)]);
        lines.extend(lists.map(|list| (list, id, read)));
    }
    for statement in [addresses, places, articles, made] {
        tx.run(statement).await?;
    }
    insert_lines(&mut tx, &lines).await?;
    tx.commit().await
}

/// The ids of the new rows, in order.
async fn insert_reads(tx: &mut Tx, store: &Store, batch: &[Made]) -> Tried<Vec<i64>> {
    let into = "read (url, host, source_id, first_seen, published, filed_at, week, title, author, description, minutes,
            kind, problem, has_problem, concepts, stage, problem_leads, problem_form, practisable)";
    let mut insert = sql_of(insertion(into, batch.len()) + " RETURNING id, url");
    for read in batch {
        let (filed_at, week) = filed(Some(read.published), read.published, &store.zone);
        let form = read.precis.problem.as_ref().map_or(Form::default(), |problem| problem.form);
        let problem = read.precis.problem.as_ref().map(|problem| problem.text.as_str());
        let concepts: Vec<&str> = read.precis.concepts.iter().map(ConceptSlug::as_str).collect();
        insert = insert
            .bind(read.url.as_str())
            .bind(read.url.host())
            .bind(read.source.0)
            .bind(millis(read.published))
            .bind(millis(read.published))
            .bind(filed_at)
            .bind(week)
            .bind(read.title.as_str())
            .bind("Ada Example")
            .bind(read.text.chars().take(250).collect::<String>())
            .bind(minutes_to_read(words_of(&read.text)))
            .bind(read.precis.kind.as_str())
            .bind(problem)
            .bind(problem.is_some())
            .bind(concepts.join(" "))
            .bind(Stage::Annotated.as_str())
            .bind(problem.is_some())
            .bind(form.as_str())
            .bind(read.precis.approach.is_some());
    }
    let rows = tx.rows(insert).await?;
    let ids: HashMap<String, i64> =
        rows.iter().map(|row| Ok((row.text("url")?, row.int("id")?))).collect::<Tried<_>>()?;
    let id = |read: &Made| {
        let found = ids.get(read.url.as_str()).copied();
        found.ok_or_else(|| Failure::Unreadable(format!("a new read lost its address {}", read.url)))
    };
    batch.iter().map(id).collect()
}

async fn insert_lines(tx: &mut Tx, lines: &[(String, i64, &Made)]) -> Tried<()> {
    for lines in lines.chunks(BATCH as usize) {
        let into = "listing (list, read_id, kind, has_problem, filed_at, practisable)";
        let mut insert = sql_of(insertion(into, lines.len()));
        for (list, id, read) in lines {
            insert = insert
                .bind(list.as_str())
                .bind(*id)
                .bind(read.precis.kind.as_str())
                .bind(read.precis.problem.is_some())
                .bind(millis(read.published))
                .bind(list.starts_with("concept/") && read.precis.approach.is_some());
        }
        tx.run(insert).await?;
    }
    Ok(())
}

fn blog(number: u64) -> NewSource {
    NewSource {
        title: format!("Blog {number} Engineering"),
        company: Some(format!("Company {number}")),
        site_url: format!("https://blog{number}.example/").parse().ok(),
        feed_url: format!("https://blog{number}.example/feed.xml").parse().ok(),
        sitemap_url: None,
        listing_url: None,
    }
}

fn moment(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn words_of(text: &str) -> u32 {
    u32::try_from(text.split_whitespace().count()).unwrap_or(u32::MAX)
}

fn paragraph(dice: &mut Dice) -> String {
    let sentences = 3 + dice.below(4);
    (0..sentences).map(|_| format!("{}.", sentence(dice, 16))).collect::<Vec<_>>().join(" ")
}

fn sentence(dice: &mut Dice, words: u64) -> String {
    let count = words / 2 + 1 + dice.below(words);
    let words: Vec<&str> =
        (0..count).map(|_| WORDS[dice.index(WORDS.len()).min(dice.index(WORDS.len()))]).collect();
    let mut sentence = words.join(" ");
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}

/// A paragraph with about as much markup as in articles: links, emphasis, a figure.
fn marked_up(paragraph: &str) -> String {
    let (start, rest) = paragraph.split_at(paragraph.find(' ').unwrap_or(0));
    format!(
        "<p><strong>{start}</strong>{rest} <a href=\"https://docs.example.com/guides/{start}/reference?version=2\" \
         rel=\"noopener noreferrer\">reference</a></p>\n<figure><img src=\"https://images.example.com/{start}/diagram-large.png\" \
         alt=\"{start}\" width=\"1200\" height=\"800\"><figcaption>{start}: how requests reach the service and what \
         answers them</figcaption></figure>\n<pre><code>let answer = cache.get(key).await?;\nmetrics.count(\"{start}\");\n\
         </code></pre>\n"
    )
}

/// Pseudo-random numbers (SplitMix64; Steele, Lea and Flood 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn index(&mut self, len: usize) -> usize {
        (self.next() % len as u64) as usize
    }
}

//! Compares searches by judged queries: ours by words, by meaning and by both, the full-text search
//! of two databases, and the embeddings from which ours were distilled.

mod floor;
mod peers;
pub mod queries;
mod tuning;

use std::path::PathBuf;

use anyhow::Context;
use backissue_search::{Blend, By, Embedders, Search};
use backissue_store::{Location, Store};
use backissue_tests::postgres::Cluster;
use jiff::tz::TimeZone;

use self::peers::{Fts5, PostgresText, Sentences};
use self::queries::{DEPTH, Half, Judged, Kind, Urls};
use super::statistics::{bootstrap, mean};
use crate::archive;
use crate::table::table;

/// The arguments of `cargo xtask eval search`.
#[derive(Debug, clap::Args)]
pub struct Evaluation {
    /// The queries to use: those for reporting, those for tuning, or all
    #[arg(long, value_enum, default_value_t = Half::Reporting)]
    half: Half,
    /// Print first, for each query, where each system ranks the relevant reads
    #[arg(long)]
    queries: bool,
    /// Write the reads among a system's best 10 that have not been judged, one JSON object per
    /// line, for judging
    #[arg(long, value_name = "FILE")]
    unjudged: Option<PathBuf>,
    /// Write the scores by words and by meaning for each query, one JSON object per line, for
    /// choosing the blend
    #[arg(long, value_name = "FILE")]
    proposals: Option<PathBuf>,
    /// Instead of figures, determine how close a read must be to be shown, on the tuning half, and
    /// report on the other half
    #[arg(long)]
    floor: bool,
    /// Instead of figures, find better weights and print them; use with `--half tuning`
    #[arg(long)]
    tune: bool,
}

/// Number of best results of each system that people judged.
const POOL: usize = 10;

/// A system's answers: a list of addresses per query.
struct Answers {
    name: &'static str,
    lists: Vec<Vec<String>>,
}

impl Evaluation {
    /// Builds the archive, runs all queries on all systems, and prints the result.
    ///
    /// # Errors
    /// If test data is missing, or a system fails.
    pub fn run(self) -> anyhow::Result<()> {
        tokio::runtime::Runtime::new()?.block_on(self.measure())
    }

    async fn measure(self) -> anyhow::Result<()> {
        let half = if self.floor { Half::All } else { self.half };
        let judged: Vec<Judged> = queries::load()?.into_iter().filter(|judged| half.holds(judged)).collect();
        let folder = tempfile::tempdir()?;
        eprintln!("making the archive");
        let store =
            Store::open(&Location::Sqlite(folder.path().join("archive.sqlite")), &TimeZone::UTC).await?;
        archive::fill(&store).await?;
        let reads = archive::reads(&store).await?;
        let search = Search::open(store, &folder.path().join("index"), Embedders::BuiltIn).await?;
        search.catch_up(|_| ()).await?;
        eprintln!("asking");
        let texts: Vec<&str> = judged.iter().map(|judged| judged.query.as_str()).collect();
        let urls: Urls = reads.iter().map(|read| (read.card.id, read.card.url.to_string())).collect();
        if self.floor {
            return floor::learn(&search, &judged, &urls, &reads).await;
        }
        if self.tune {
            return tuning::tune(&search, &judged, &urls).await;
        }
        if let Some(path) = &self.proposals {
            return proposals(&search, &judged, &urls, path).await;
        }
        let mut systems = Vec::new();
        for (name, by) in [("both", By::Both), ("words only", By::Words), ("meaning only", By::Meaning)] {
            let mut lists = Vec::new();
            for text in &texts {
                let ranking = search.ranking(text, &Blend { by, ..Blend::default() }).await?;
                let best = ranking.reads.iter().take(DEPTH);
                lists.push(best.filter_map(|read| urls.get(&read.id).cloned()).collect());
            }
            systems.push(Answers { name, lists });
        }
        let fts5 = Fts5::of(&reads).await?;
        systems.push(Answers { name: "SQLite FTS5", lists: fts5.ask(&texts, DEPTH).await? });
        let cluster = Cluster::start()?;
        let postgres = PostgresText::of(cluster.url(), &reads).await?;
        systems.push(Answers { name: "PostgreSQL full text", lists: postgres.ask(&texts, DEPTH).await? });
        match Sentences::of(&reads) {
            Ok(mut full) => {
                systems.push(Answers { name: "MiniLM vectors (ceiling)", lists: full.ask(&texts, DEPTH)? })
            }
            Err(why) => println!("The ceiling is left out: {why:#}\n"),
        }
        if let Some(path) = &self.unjudged {
            unjudged(&systems, &judged, path)?;
        }
        if self.queries {
            by_query(&systems, &judged);
        }
        report(&systems, &judged, reads.len(), self.half);
        Ok(())
    }
}

fn report(systems: &[Answers], judged: &[Judged], reads: usize, half: Half) {
    println!("# Search over {reads} reads: {} judged queries, the {half} half\n", judged.len());
    println!("Intervals hold 95 of 100 bootstrap draws of the queries.\n");
    for kind in [Some(Kind::Paraphrase), Some(Kind::Exact), Some(Kind::Topic), None] {
        let asked: Vec<usize> =
            (0..judged.len()).filter(|at| kind.is_none_or(|kind| judged[*at].kind == kind)).collect();
        let name = kind.map_or("All", Kind::heading);
        println!("## {name} ({} queries)\n", asked.len());
        let ceiling = systems.iter().find(|s| s.name.starts_with("MiniLM"));
        let ndcg = |system: &Answers, drawn: &[usize]| {
            mean(drawn.iter().map(|at| judged[asked[*at]].ndcg(&system.lists[asked[*at]])))
        };
        let everything: Vec<usize> = (0..asked.len()).collect();
        let ceiling = ceiling.map(|ceiling| ndcg(ceiling, &everything));
        let rows = systems.iter().map(|system| {
            let estimate = bootstrap(asked.len(), |drawn| ndcg(system, drawn));
            let over = |figure: &dyn Fn(&Judged, &[String]) -> f64| {
                format!("{:.3}", mean(asked.iter().map(|at| figure(&judged[*at], &system.lists[*at]))))
            };
            vec![
                system.name.to_owned(),
                format!("{:.3} ({:.3} to {:.3})", estimate.value, estimate.low, estimate.high),
                ceiling
                    .map_or_else(String::new, |ceiling| format!("{:.0} %", 100.0 * estimate.value / ceiling)),
                over(&|judged, list| judged.reciprocal_rank(list)),
                over(&|judged, list| judged.recall(list)),
                over(&|judged, list| judged.share_judged(list)),
            ]
        });
        let head = ["system", "nDCG@10", "of the ceiling", "MRR@10", "recall@20", "judged@10"];
        println!("{}", table(&head, &rows.collect::<Vec<_>>()));
    }
}

fn by_query(systems: &[Answers], judged: &[Judged]) {
    for (at, query) in judged.iter().enumerate() {
        println!("{} [{}] {}", query.id, query.kind.heading(), query.query);
        for (url, grade) in query.grades.iter().filter(|(_, grade)| **grade >= 2) {
            let place = |system: &Answers| system.lists[at].iter().position(|other| other == url);
            let places = systems.iter().map(|s| match place(s) {
                Some(place) => format!("{:>3}", place + 1),
                None => "  -".to_owned(),
            });
            println!("   {grade} {} {url}", places.collect::<Vec<_>>().join(" "));
        }
    }
    println!();
}

/// Writes found reads that have not been judged.
fn unjudged(systems: &[Answers], judged: &[Judged], path: &PathBuf) -> anyhow::Result<()> {
    let mut lines = String::new();
    for (at, query) in judged.iter().enumerate() {
        let mut urls: Vec<&String> =
            systems.iter().flat_map(|system| system.lists[at].iter().take(POOL)).collect();
        urls.retain(|url| !query.grades.contains_key(*url));
        urls.sort();
        urls.dedup();
        lines += &serde_json::json!({ "id": query.id, "query": query.query, "urls": urls }).to_string();
        lines.push('\n');
    }
    std::fs::write(path, lines).with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes the candidates of both searches for each query.
async fn proposals(search: &Search, judged: &[Judged], urls: &Urls, path: &PathBuf) -> anyhow::Result<()> {
    let mut lines = String::new();
    for query in judged {
        let mut said = serde_json::Map::new();
        for (name, by) in [("words", By::Words), ("meaning", By::Meaning)] {
            let plain = Blend {
                by,
                problem: 0.0,
                confidence: 0.0,
                recency: 0.0,
                least_similarity: -1.0,
                least_closeness: f32::MIN,
                ..Blend::default()
            };
            let ranking = search.ranking(&query.query, &plain).await?;
            let reads = ranking.reads.iter().map(|read| {
                let says = if by == By::Words { read.words_score } else { read.similarity };
                serde_json::json!([urls.get(&read.id), says])
            });
            said.insert(name.to_owned(), reads.collect());
        }
        lines +=
            &serde_json::json!({ "id": query.id, "kind": query.kind.heading(), "said": said }).to_string();
        lines.push('\n');
    }
    std::fs::write(path, lines).with_context(|| format!("{} cannot be written", path.display()))
}

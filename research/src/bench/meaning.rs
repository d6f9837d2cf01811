//! The search for the nearest vectors: its time, misses and memory.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use backissue_search::meaning::{EXACT_MAX, Embedder, Embedding, Row, Vectors};

use crate::distill::sentences;
use crate::labels::REPORTING;
use crate::table::table;

/// Number of words of a question.
const WORDS: usize = 9;

/// The arguments of `cargo xtask bench meaning`.
#[derive(Debug, clap::Args)]
pub struct Meaning {
    /// Number of vectors
    #[arg(long, value_delimiter = ',', default_values_t = [20_000, 100_000, 200_000, 1_000_000, 2_000_000])]
    vectors: Vec<u32>,
    /// Number of questions
    #[arg(long, default_value_t = 200)]
    questions: usize,
}

impl Meaning {
    /// Measures and prints the result.
    pub fn run(self) -> anyhow::Result<()> {
        let embedder = Embedder::built_in();
        let sentences = sentences::of_blogs(|_| true)?;
        // The questions come from other blogs than most of the searched sentences.
        let asked: Vec<String> = sentences::of_blogs(|host| REPORTING.contains(&host))?;
        let asked: Vec<String> = asked.iter().filter_map(|sentence| excerpt(sentence)).collect();
        let step = (asked.len() / self.questions.max(1)).max(1);
        let asked: Vec<Embedding> = asked
            .iter()
            .step_by(step)
            .take(self.questions)
            .filter_map(|words| embedder.embed(words))
            .collect();
        println!(
            "{} questions of {WORDS} words among vectors of {} sentences and of halves of two of them joined:\n",
            asked.len(),
            sentences.len()
        );
        let mut rows = vec![];
        for count in &self.vectors {
            rows.push(measured(embedder, &sentences, &asked, *count));
        }
        let head = ["vectors", "MiB", "built in, s", "p50, ms", "p95, ms", "recall@10", "recall@100"];
        println!("{}", table(&head, &rows));
        Ok(())
    }
}

fn measured(embedder: &Embedder, sentences: &[String], asked: &[Embedding], count: u32) -> Vec<String> {
    let texts = (0..count).map(|number| joined(sentences, number as usize));
    let made: Vec<Option<Embedding>> = texts.map(|text| embedder.embed(&text)).collect();
    let kept = || (0..).zip(&made).filter_map(|(row, it)| Some((row, it.as_ref()?.as_bytes())));
    let began = Instant::now();
    let vectors = Vectors::new(embedder.dimensions(), kept());
    let built = began.elapsed();
    // Exact, in parts so small that each is compared completely.
    let all: Vec<_> = kept().collect();
    let parts: Vec<Vectors> =
        all.chunks(EXACT_MAX).map(|part| Vectors::new(embedder.dimensions(), part.iter().copied())).collect();
    let exactly = |query: &Embedding, limit: usize| {
        let mut rows: Vec<Row> = parts.iter().flat_map(|part| part.nearest(query, limit, None)).collect();
        rows.sort_by(|one, other| other.similarity.total_cmp(&one.similarity));
        rows.truncate(limit);
        rows
    };
    let (mut times, mut recall) = (vec![], [0.0, 0.0]);
    for query in asked {
        let began = Instant::now();
        let found = vectors.nearest(query, 100, None);
        times.push(began.elapsed());
        let exact = exactly(query, 100);
        for (recall, limit) in recall.iter_mut().zip([10, 100]) {
            let found: HashSet<u32> = found.iter().take(limit).map(|row| row.row).collect();
            let wanted = &exact[..limit.min(exact.len())];
            // Among equals, any is correct.
            let least = wanted.last().map_or(0.0, |row| row.similarity);
            let hits =
                wanted.iter().filter(|row| found.contains(&row.row) || row.similarity <= least).count();
            *recall += hits as f64 / wanted.len().max(1) as f64 / asked.len() as f64;
        }
    }
    times.sort();
    let at = |share: f64| milliseconds(times[((times.len() - 1) as f64 * share) as usize]);
    vec![
        count.to_string(),
        (vectors.memory() >> 20).to_string(),
        format!("{:.1}", built.as_secs_f64()),
        at(0.5),
        at(0.95),
        format!("{:.3}", recall[0]),
        format!("{:.3}", recall[1]),
    ]
}

/// The sentence with this number. Beyond the number of sentences, the first half of one joined with
/// the second half of another.
fn joined(sentences: &[String], number: usize) -> String {
    let Some(other) = number.checked_sub(sentences.len()) else { return sentences[number].clone() };
    let one = &sentences[other % sentences.len()];
    // A step without a common factor with most sizes, so that pairs do not repeat.
    let other = &sentences[(other * 7919 + other / sentences.len()) % sentences.len()];
    let half = |sentence: &str| sentence.floor_char_boundary(sentence.len() / 2);
    format!("{} {}", &one[..half(one)], &other[half(other)..])
}

/// Some words from the middle of a sentence, if it is long enough.
fn excerpt(sentence: &str) -> Option<String> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let from = words.len().checked_sub(WORDS * 2)? / 2;
    Some(words[from..from + WORDS].join(" "))
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

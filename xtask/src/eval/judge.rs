//! How close what was said comes to what a person said, by three measures, and how close a sentence of the article could.

use backissue_model::Span;

use super::minilm::MiniLm;
use crate::rouge::{Rouge, rouge};

/// Longest statement in characters, and so the longest pair of sentences that the oracle may choose.
const STATEMENT_MAX: usize = 240;
/// The oracle pairs this many sentences, the best by themselves. Pairing all of them lifts its ROUGE by 0.008 at most, and
/// would have the model read a hundred times as much.
const PAIRED: usize = 10;

/// A measure of similarity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// F1 over words.
    Rouge1,
    /// F1 over the longest common subsequence of words.
    RougeL,
    /// Cosine of the vectors of all-MiniLM-L6-v2.
    Cosine,
}

impl Measure {
    /// Its name in a table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rouge1 => "ROUGE-1",
            Self::RougeL => "ROUGE-L",
            Self::Cosine => "MiniLM cosine",
        }
    }
}

/// Who measures.
pub struct Judge {
    minilm: Option<MiniLm>,
}

impl Judge {
    /// With all measures that can be had here; says so where one cannot.
    pub fn new() -> Self {
        match MiniLm::start() {
            Ok(minilm) => Self { minilm: Some(minilm) },
            Err(error) => {
                println!("THE COSINE OF all-MiniLM-L6-v2 IS LEFT OUT: {error:#}\n");
                Self { minilm: None }
            }
        }
    }

    /// The measures it has.
    pub fn measures(&self) -> &'static [Measure] {
        match self.minilm {
            Some(_) => &[Measure::Rouge1, Measure::RougeL, Measure::Cosine],
            None => &[Measure::Rouge1, Measure::RougeL],
        }
    }

    /// How close `said` comes to `wanted`: 1 is the same, 0 nothing in common.
    ///
    /// # Errors
    /// Where the model has ended.
    pub fn score(&mut self, measure: Measure, said: &str, wanted: &str) -> anyhow::Result<f64> {
        let Rouge { one, l } = rouge(said, wanted);
        match (measure, &mut self.minilm) {
            (Measure::Rouge1, _) => Ok(one),
            (Measure::RougeL, _) => Ok(l),
            (Measure::Cosine, Some(minilm)) => minilm.cosine(said, wanted),
            (Measure::Cosine, None) => anyhow::bail!("the cosine is not measured here"),
        }
    }

    /// How close the article's own sentences can come to `wanted`: the best one, or the best pair of the ten best in their
    /// order that is no longer than a statement may be; 0 where there is no sentence.
    ///
    /// # Errors
    /// Where the model has ended.
    pub fn oracle(&mut self, measure: Measure, sentences: &[&str], wanted: &str) -> anyhow::Result<f64> {
        let mut scored = Vec::with_capacity(sentences.len());
        for (at, sentence) in sentences.iter().enumerate() {
            scored.push((self.score(measure, sentence, wanted)?, at));
        }
        scored.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut best = scored.first().map_or(0.0, |&(score, _)| score);
        scored.truncate(PAIRED);
        scored.sort_by_key(|&(_, at)| at);
        for (number, &(_, first)) in scored.iter().enumerate() {
            for &(_, second) in &scored[number + 1..] {
                let pair = format!("{} {}", sentences[first], sentences[second]);
                if pair.chars().count() <= STATEMENT_MAX {
                    best = best.max(self.score(measure, &pair, wanted)?);
                }
            }
        }
        Ok(best)
    }
}

/// What stands at these spans.
pub fn quoted<'t>(text: &'t str, spans: &[Span]) -> Vec<&'t str> {
    spans.iter().map(|span| &text[span.start as usize..span.end as usize]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oracle(sentences: &[&str], wanted: &str) -> f64 {
        Judge { minilm: None }.oracle(Measure::Rouge1, sentences, wanted).unwrap()
    }

    #[test]
    fn the_oracle_takes_the_best_sentence_or_pair() {
        assert_eq!(oracle(&["A cat.", "The queue was full.", "Dogs."], "the queue was full"), 1.0);
        assert_eq!(oracle(&["The queue", "A cat.", "was full."], "the queue was full"), 1.0);
        assert_eq!(oracle(&[], "the queue was full"), 0.0);
        // Two words of three each, and together three of four and three, unless that is longer than a statement may be.
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(oracle(&["Queue full x.", "Lock."], "queue full lock"), 6.0 / 7.0));
        let long = format!("Queue full {}.", "x".repeat(STATEMENT_MAX));
        assert!(near(oracle(&[&long, "Lock."], "queue full lock"), 4.0 / 6.0));
    }
}

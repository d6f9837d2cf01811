//! LexRank (Erkan & Radev 2004, "LexRank: Graph-based Lexical Centrality as Salience in Text Summarization").
//!
//! Sentences vote for those that they resemble, and votes of sentences that have many count more. This is the paper's
//! *continuous* form: the votes' weights are the idf-modified cosines themselves, so that there is no threshold to choose.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::rouge::words;

/// Probability of a jump to any sentence instead of along a vote; the paper's d.
const JUMP: f64 = 0.15;
/// The ranks are settled where a round changes them by less than this in sum.
const SETTLED: f64 = 1e-9;

/// How rare words are among many articles.
pub struct Rarity {
    articles: f64,
    with: HashMap<String, f64>,
}

impl Rarity {
    /// As in these articles.
    pub fn among<'a>(articles: impl Iterator<Item = &'a str>) -> Self {
        let mut rarity = Self { articles: 0.0, with: HashMap::new() };
        for article in articles {
            rarity.articles += 1.0;
            for word in words(article).into_iter().collect::<HashSet<_>>() {
                *rarity.with.entry(word).or_default() += 1.0;
            }
        }
        rarity
    }

    /// Inverse document frequency, log N / n.
    fn of(&self, word: &str) -> f64 {
        (self.articles / self.with.get(word).copied().unwrap_or(1.0)).ln()
    }
}

/// The place of the most central sentence, the first of equals; none where there is no sentence.
pub fn central(sentences: &[&str], rarity: &Rarity) -> Option<usize> {
    let ranks = ranks(&similarities(sentences, rarity));
    (0..ranks.len()).rev().max_by(|&a, &b| ranks[a].total_cmp(&ranks[b]))
}

/// The idf-modified cosine of every two sentences; a sentence's with itself is 1.
fn similarities(sentences: &[&str], rarity: &Rarity) -> Vec<Vec<f64>> {
    let vectors: Vec<BTreeMap<String, f64>> = sentences.iter().map(|s| vector(s, rarity)).collect();
    let mut matrix = vec![vec![0.0; vectors.len()]; vectors.len()];
    for (at, a) in vectors.iter().enumerate() {
        matrix[at][at] = 1.0;
        for (other, b) in vectors.iter().enumerate().take(at) {
            let cosine: f64 = a.iter().filter_map(|(word, weight)| Some(weight * b.get(word)?)).sum();
            matrix[at][other] = cosine;
            matrix[other][at] = cosine;
        }
    }
    matrix
}

/// A sentence's words weighted by how often they occur in it and how rare they are, of length 1.
fn vector(sentence: &str, rarity: &Rarity) -> BTreeMap<String, f64> {
    let mut weights: BTreeMap<String, f64> = BTreeMap::new();
    for word in words(sentence) {
        let rare = rarity.of(&word);
        *weights.entry(word).or_default() += rare;
    }
    let length = weights.values().map(|w| w * w).sum::<f64>().sqrt();
    weights.retain(|_, weight| *weight > 0.0);
    weights.values_mut().for_each(|weight| *weight /= length);
    weights
}

/// How central each sentence is, summing to 1: where a reader would be who follows votes for ever and jumps now and then.
fn ranks(similarities: &[Vec<f64>]) -> Vec<f64> {
    let count = similarities.len() as f64;
    let votes: Vec<f64> = similarities.iter().map(|row| row.iter().sum()).collect();
    let mut ranks = vec![1.0 / count; similarities.len()];
    loop {
        let next: Vec<f64> = (0..ranks.len())
            .map(|at| {
                let voted: f64 =
                    (0..ranks.len()).map(|by| ranks[by] * similarities[by][at] / votes[by]).sum();
                JUMP / count + (1.0 - JUMP) * voted
            })
            .collect();
        let change: f64 = next.iter().zip(&ranks).map(|(a, b)| (a - b).abs()).sum();
        ranks = next;
        if change < SETTLED {
            return ranks;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_gives_its_middle_the_most() {
        // With b = (1 - a) / 2, a = 0.05 + 0.85 (a / 3 + b) gives a = 0.475 / (1 + 0.85 / 6).
        let star = vec![vec![1.0, 1.0, 1.0], vec![1.0, 1.0, 0.0], vec![1.0, 0.0, 1.0]];
        let ranks = ranks(&star);
        let middle = 0.475 / (1.0 + 0.85 / 6.0);
        assert!((ranks[0] - middle).abs() < 1e-8, "{ranks:?}");
        assert!((ranks[1] - (1.0 - middle) / 2.0).abs() < 1e-8 && (ranks[1] - ranks[2]).abs() < 1e-8);
    }

    #[test]
    fn rare_words_make_sentences_alike() {
        let rarity = Rarity::among(["the queue", "the lock", "the queue lock", "the cat"].into_iter());
        let found = similarities(&["the lock", "the cat", "the queue lock"], &rarity);
        // "the" is everywhere and weighs nothing; "queue" and "lock" weigh the same.
        assert!(found[0][1].abs() < 1e-9);
        assert!((found[0][2] - 0.5f64.sqrt()).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn the_most_central_sentence_shares_its_words_with_the_others() {
        let rarity = Rarity::among(["queue", "lock", "cat", "none"].into_iter());
        assert_eq!(central(&["cat", "queue lock", "queue", "lock"], &rarity), Some(1));
        assert_eq!(central(&[], &rarity), None);
        assert_eq!(central(&["the", "the"], &Rarity::among(["the"].into_iter())), Some(0));
    }
}

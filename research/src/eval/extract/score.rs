//! Measures how much of an article was extracted, and how much other text.
//!
//! The measure is that of the public article extraction benchmark
//! (scrapinghub/article-extraction-benchmark). A word is a run of letters, digits and underscores,
//! and a text is the bag of its runs of four words. Precision and recall are computed for each page
//! and averaged over the pages. F1 is computed from the two averages.

use std::collections::HashMap;

use dom_query::Document;

use super::article::{Article, Part, letters};
use super::systems::Extracted;

/// The measures of one page.
#[derive(Clone, Copy, Debug)]
pub struct Score {
    /// The share of the extracted text that belongs to the article. `None` if nothing was
    /// extracted.
    pub precision: Option<f64>,
    /// The share of the article that was extracted. `None` if it has no words.
    pub recall: Option<f64>,
}

impl Score {
    /// Compares an extracted text with the right one.
    pub fn of(gold: &str, found: &str) -> Self {
        let (gold, found) = (shingles(gold), shingles(found));
        let common: usize =
            gold.iter().map(|(shingle, count)| found.get(shingle).map_or(0, |f| *f.min(count))).sum();
        let share = |bag: &HashMap<Vec<&str>, usize>| {
            let whole = bag.values().sum::<usize>();
            (whole > 0).then(|| common as f64 / whole as f64)
        };
        Self { precision: share(&found), recall: share(&gold) }
    }
}

/// Precision, recall and F1 of many pages.
pub fn over<'a>(scores: impl IntoIterator<Item = &'a Score>) -> [f64; 3] {
    let (mut precision, mut recall) = ((0.0, 0.0), (0.0, 0.0));
    for score in scores {
        for (sum, value) in [(&mut precision, score.precision), (&mut recall, score.recall)] {
            if let Some(value) = value {
                sum.0 += value;
                sum.1 += 1.0;
            }
        }
    }
    let mean = |(sum, count): (f64, f64)| if count > 0.0 { sum / count } else { 0.0 };
    let (p, r) = (mean(precision), mean(recall));
    [p, r, if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 }]
}

fn shingles(text: &str) -> HashMap<Vec<&str>, usize> {
    let words: Vec<&str> =
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    let mut bag = HashMap::new();
    if words.is_empty() {
        return bag;
    }
    for shingle in words.windows(4.min(words.len())) {
        *bag.entry(shingle.to_vec()).or_default() += 1;
    }
    bag
}

/// Counts of one kind of block in an article.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    /// Number of such blocks in the article.
    pub all: usize,
    /// Number of them that are still of this kind after extraction.
    pub kept: usize,
}

impl std::iter::Sum for Kept {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |a, b| Self { all: a.all + b.all, kept: a.kept + b.kept })
    }
}

fn kept(wanted: Vec<String>, mut found: Vec<String>) -> Kept {
    let all = wanted.len();
    let is_there = |want: &String| {
        let at = found.iter().position(|one| one == want)?;
        Some(found.swap_remove(at))
    };
    Kept { all, kept: wanted.iter().filter_map(is_there).count() }
}

/// Counts the headings that are still headings with the same words. Some generators number them.
pub fn headings(article: &Article, extracted: &Extracted) -> Kept {
    let words = |text: &str| letters(text).trim_start_matches(|c: char| c.is_ascii_digit()).to_owned();
    let wanted = article.texts(|part| matches!(part, Part::Heading { .. })).into_iter().map(words);
    let document = Document::from(extracted.html.as_str());
    let found = document.select("h1, h2, h3, h4, h5, h6");
    kept(wanted.collect(), found.nodes().iter().map(|node| words(&node.text())).collect())
}

/// Counts the code blocks that are still preformatted with the same lines.
pub fn code(article: &Article, extracted: &Extracted) -> Kept {
    let lines = |text: &str| {
        let lines: Vec<&str> = text.trim_matches('\n').lines().map(str::trim_end).collect();
        lines.join("\n").trim().to_owned()
    };
    let wanted = article.texts(|part| matches!(part, Part::Code { .. })).into_iter().map(lines);
    let document = Document::from(extracted.html.as_str());
    let found = document.select("pre");
    kept(wanted.collect(), found.nodes().iter().map(|node| lines(&node.text())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_and_recall_are_of_runs_of_four_words() {
        let score = Score::of("one two three four five", "zero one two three four");
        assert_eq!((score.precision, score.recall), (Some(0.5), Some(0.5)));
        let nothing = Score::of("one two three four", "");
        assert_eq!((nothing.precision, nothing.recall), (None, Some(0.0)));
        // A page of which nothing was taken has no precision, but its recall counts.
        assert_eq!(over([&Score::of("a b c d", "a b c d"), &nothing]), [1.0, 0.5, 2.0 / 3.0]);
    }

    #[test]
    fn a_part_counts_once() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let kept = kept(texts(&["a", "a", "b"]), texts(&["a", "b", "c"]));
        assert_eq!((kept.all, kept.kept), (3, 2));
    }
}

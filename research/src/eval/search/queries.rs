//! The judged queries in `eval/search.jsonl`, and the measures of a ranking.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use anyhow::Context;
use backissue_model::ReadId;
use serde::Deserialize;

use super::super::statistics::ratio;
use crate::workspace::workspace;

/// The kind of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A problem in other words than the article's.
    Paraphrase,
    /// An exact name, error or option.
    Exact,
    /// A broad topic.
    Topic,
}

impl Kind {
    /// Its name in tables.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Paraphrase => "Paraphrased",
            Self::Exact => "Exact",
            Self::Topic => "Topic",
        }
    }
}

/// A half of the queries.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Half {
    /// Those for reporting only
    Reporting,
    /// Those for tuning
    Tuning,
    /// Both
    All,
}

impl Half {
    /// Whether a query belongs to this half. Odd numbers are for tuning.
    pub fn holds(self, judged: &Judged) -> bool {
        let is_odd = judged.id.ends_with(['1', '3', '5', '7', '9']);
        match self {
            Self::Reporting => !is_odd,
            Self::Tuning => is_odd,
            Self::All => true,
        }
    }
}

impl fmt::Display for Half {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reporting => "reporting",
            Self::Tuning => "tuning",
            Self::All => "whole, not one",
        })
    }
}

/// A query with the judgements of the reads that any system found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// Its number.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// The typed text.
    pub query: String,
    /// The article from which it was written.
    #[expect(dead_code, reason = "told for people who read the file")]
    written_from: String,
    /// The relevance of reads, by address: 3 exactly relevant, 2 clearly helpful, 1 partly
    /// relevant, 0 not at all.
    pub grades: BTreeMap<String, u8>,
}

/// The judged queries, in file order.
///
/// # Errors
/// If the file is missing or malformed, with its line.
pub fn load() -> anyhow::Result<Vec<Judged>> {
    let path = workspace().join("eval/search.jsonl");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let parse = |(at, line)| {
        serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), at + 1))
    };
    text.lines().enumerate().map(parse).collect()
}

impl Judged {
    fn grade(&self, url: &str) -> u8 {
        self.grades.get(url).copied().unwrap_or(0)
    }

    /// The normalised discounted cumulative gain of the first ten (Järvelin & Kekäläinen 2002),
    /// with gain 2^grade - 1.
    pub fn ndcg(&self, list: &[String]) -> f64 {
        let gain = |grade: u8| f64::from((1u32 << grade) - 1);
        let discounted = |grades: &mut dyn Iterator<Item = u8>| -> f64 {
            grades.take(10).zip(2u32..).map(|(grade, place)| gain(grade) / f64::from(place).log2()).sum()
        };
        let mut best: Vec<u8> = self.grades.values().copied().collect();
        best.sort_unstable_by(|a, b| b.cmp(a));
        let found = discounted(&mut list.iter().map(|url| self.grade(url)));
        ratio(found, discounted(&mut best.into_iter()))
    }

    /// The reciprocal rank of the first clearly relevant read among the first ten; 0 if there is
    /// none.
    pub fn reciprocal_rank(&self, list: &[String]) -> f64 {
        let first = list.iter().take(10).position(|url| self.grade(url) >= 2);
        first.map_or(0.0, |at| 1.0 / (at + 1) as f64)
    }

    /// The share of clearly relevant reads among the first twenty.
    pub fn recall(&self, list: &[String]) -> f64 {
        let all = self.grades.values().filter(|grade| **grade >= 2).count();
        let found = list.iter().take(20).filter(|url| self.grade(url) >= 2).count();
        ratio(found as f64, all as f64)
    }

    /// The share of the first ten that have been judged. Others count as not relevant.
    pub fn share_judged(&self, list: &[String]) -> f64 {
        let ten = &list[..list.len().min(10)];
        ratio(ten.iter().filter(|url| self.grades.contains_key(*url)).count() as f64, ten.len() as f64)
    }
}

/// Number of results of a ranking that are examined.
pub const DEPTH: usize = 20;

/// The address of each read.
pub type Urls = HashMap<ReadId, String>;

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(grades: &[(&str, u8)]) -> Judged {
        Judged {
            id: "x01".into(),
            kind: Kind::Exact,
            query: "q".into(),
            written_from: "a".into(),
            grades: grades.iter().map(|(url, grade)| ((*url).to_owned(), *grade)).collect(),
        }
    }

    fn list(urls: &[&str]) -> Vec<String> {
        urls.iter().map(|url| (*url).to_owned()).collect()
    }

    #[test]
    fn measures_match_their_definitions() {
        let judged = judged(&[("a", 3), ("b", 2), ("c", 1), ("d", 0)]);
        let ideal = 7.0 + 3.0 / 3f64.log2() + 1.0 / 2.0;
        assert!((judged.ndcg(&list(&["a", "b", "c"])) - 1.0).abs() < 1e-12);
        assert!((judged.ndcg(&list(&["x", "a"])) - 7.0 / 3f64.log2() / ideal).abs() < 1e-12);
        assert_eq!(judged.ndcg(&[]), 0.0);
        assert_eq!(judged.reciprocal_rank(&list(&["c", "d", "b"])), 1.0 / 3.0);
        assert_eq!(judged.recall(&list(&["c", "d", "b"])), 0.5);
        assert_eq!(judged.share_judged(&list(&["c", "x"])), 0.5);
    }

    #[test]
    fn judged_queries_are_complete_and_mixed() {
        let all = load().unwrap();
        assert!(all.len() >= 80);
        for half in [Half::Reporting, Half::Tuning] {
            let of = |kind| all.iter().filter(|judged| half.holds(judged) && judged.kind == kind).count();
            assert!(of(Kind::Paraphrase) >= 20 && of(Kind::Exact) >= 10 && of(Kind::Topic) >= 10);
        }
        for judged in all {
            assert!(judged.grades.values().any(|grade| *grade >= 2), "{}: nothing answers it", judged.id);
            assert!(judged.grades.values().all(|grade| *grade <= 3), "{}", judged.id);
        }
    }
}

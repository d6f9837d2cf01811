//! What the features weigh, read from `data/weights.toml`, which `cargo xtask train` makes from the labelled reads.
//!
//! All models are linear, so that anybody can read in the file why a sentence was chosen. This module must not look at
//! articles.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use backissue_model::Kind;
use serde::{Deserialize, Serialize};

use crate::cues::{Cues, Field};
use crate::features::{self, PASSAGE};
use crate::stems::hash;

/// The form of `data/weights.toml`. Maps are sorted, so that training twice makes the same file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsFile {
    /// How good a sentence is as a problem, an approach, an outcome.
    pub problem: RankFile,
    /// The same for approaches.
    pub approach: RankFile,
    /// The same for outcomes.
    pub outcome: RankFile,
    /// What sort of post it is: for each feature a weight for each kind, in the order of [`Kind::ALL`].
    pub kind: BTreeMap<String, [f32; Kind::ALL.len()]>,
    /// How likely a word of the vocabulary that is found says what the article is about.
    pub concept: BTreeMap<String, f32>,
    /// A concept whose log odds lie under this is a passing mention.
    pub concept_bar: f32,
}

/// How one part of a précis is chosen.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RankFile {
    /// Log odds that the best passage is one that people accept.
    pub sure: BTreeMap<String, f32>,
    /// Features of a sentence, by [`crate::features`]' names.
    pub sentence: BTreeMap<String, f32>,
}

/// The weights, ready for use.
pub(crate) struct Weights {
    ranks: [Rank; 3],
    pub kind: BTreeMap<String, [f32; Kind::ALL.len()]>,
    pub concept: BTreeMap<String, f32>,
    pub concept_bar: f32,
    /// A number for the file, for who asks which weights made a précis.
    pub fingerprint: u32,
}

/// The weights of one part of a précis.
pub(crate) struct Rank {
    pub sure: BTreeMap<String, f32>,
    sentence: Vec<f32>,
    /// For what a passage holds beside its sentence.
    pub passage: [f32; PASSAGE.len()],
}

static BUILTIN: LazyLock<Weights> = LazyLock::new(|| {
    let text = include_str!("../data/weights.toml");
    let file: WeightsFile =
        toml::from_str(text).expect("the weights in the program are those its tests have parsed");
    let folded = hash(text);
    Weights { fingerprint: (folded >> 32) as u32 ^ folded as u32, ..Weights::of(&file, Cues::builtin()) }
});

impl Weights {
    pub(crate) fn builtin() -> &'static Self {
        &BUILTIN
    }

    pub(crate) fn of(file: &WeightsFile, cues: &Cues) -> Self {
        let names = features::names(cues);
        let rank = |file: &RankFile| Rank {
            sure: file.sure.clone(),
            sentence: names.iter().map(|name| file.sentence.get(name).copied().unwrap_or_default()).collect(),
            passage: PASSAGE.map(|name| file.sentence.get(name).copied().unwrap_or_default()),
        };
        Self {
            ranks: [rank(&file.problem), rank(&file.approach), rank(&file.outcome)],
            kind: file.kind.clone(),
            concept: file.concept.clone(),
            concept_bar: file.concept_bar,
            fingerprint: 0,
        }
    }

    pub(crate) fn rank(&self, field: Field) -> &Rank {
        &self.ranks[field as usize]
    }
}

impl Rank {
    /// How good a sentence with these features is, without what a passage adds.
    pub(crate) fn score(&self, features: &[f32]) -> f32 {
        features.iter().zip(&self.sentence).map(|(value, weight)| value * weight).sum()
    }
}

/// Log odds of named features.
pub(crate) fn log_odds(weights: &BTreeMap<String, f32>, features: &[(&str, f32)]) -> f32 {
    features.iter().map(|(name, value)| weights.get(*name).copied().unwrap_or_default() * value).sum()
}

/// The probability that log odds stand for.
pub(crate) fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_for_something_that_is_there() {
        let file: WeightsFile =
            toml::from_str(include_str!("../data/weights.toml")).expect("the file is well-formed");
        let mut names = features::names(Cues::builtin());
        names.extend(PASSAGE.map(str::to_owned));
        for rank in [&file.problem, &file.approach, &file.outcome] {
            for name in rank.sentence.keys() {
                assert!(
                    names.contains(name),
                    "`{name}` is no feature of a sentence; run `cargo xtask train`"
                );
            }
            let all = rank.sentence.values().chain(rank.sure.values());
            assert!(all.copied().all(f32::is_finite) && !rank.sentence.is_empty());
        }
        assert!(!file.kind.is_empty() && !file.concept.is_empty());
    }
}

//! The weights of features, parsed from `data/weights.toml`, which `cargo xtask train` computes
//! from the labelled reads.
//!
//! All models are linear, so that a person can see in the file why a sentence was chosen. This
//! module does not read articles.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use backissue_model::{Kind, Sureness};
use serde::{Deserialize, Serialize};

use crate::cues::{Cues, Field};
use crate::features::{self, PASSAGE};
use crate::stems::hash;

/// The form of `data/weights.toml`. Maps are sorted, so that training twice gives the same file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WeightsFile {
    /// Weights for choosing the problem.
    pub problem: RankFile,
    /// Weights for choosing the approach.
    pub approach: RankFile,
    /// Weights for choosing the outcome.
    pub outcome: RankFile,
    /// Weights for the kind of post: for each feature one weight per kind, in the order of
    /// [`Kind::ALL`].
    pub kind: BTreeMap<String, [f32; Kind::ALL.len()]>,
    /// Weights for the log odds that the article is about a concept that it mentions.
    pub concept: BTreeMap<String, f32>,
    /// Minimum log odds of a concept. A concept below it is only mentioned in passing.
    pub concept_bar: f32,
}

/// The weights for choosing one part of a précis.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RankFile {
    /// Minimum probabilities for showing a passage.
    pub bars: Bars,
    /// Weights for the log odds that people accept a passage.
    pub sure: BTreeMap<String, f32>,
    /// Weights for the log odds that a passage does not mislead. Only problems have labels for
    /// this; for other parts it is empty.
    #[serde(default)]
    pub not_misleading: BTreeMap<String, f32>,
    /// Weights of a sentence's features, by the names in [`crate::features`].
    pub sentence: BTreeMap<String, f32>,
    /// Weights of the words and pairs of words of a sentence.
    #[serde(default)]
    pub words: BTreeMap<String, f32>,
}

/// The minimum for each level of sureness. A passage below it gets a lower confidence.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bars {
    /// Minimum probability of a *likely* passage.
    pub likely: f32,
    /// Minimum [`quality`] of a *sure* passage. A quality is never greater than its probability, so
    /// this must not be below [`Sureness::SURE`].
    pub sure: f32,
}

impl Bars {
    /// The highest confidence that a passage with this probability and quality may have.
    fn ceiling(self, probability: f32, quality: f32) -> f32 {
        if probability < self.likely {
            ALMOST_LIKELY
        } else if quality < self.sure {
            ALMOST_SURE
        } else {
            1.0
        }
    }
}

/// The exponent of the probability that a passage does not mislead, in [`quality`]. It says how
/// much worse a misleading problem is than none. On blogs that were not used for training, higher
/// exponents removed more good passages than misleading ones.
const WARINESS: i32 = 2;

/// The quality by which passages for one part are compared. `good` is the probability that people
/// accept the passage, `not_misleading` the probability that it does not mislead.
pub fn quality(good: f32, not_misleading: f32) -> f32 {
    good * not_misleading.powi(WARINESS)
}

/// The highest confidence of a passage that must not be shown as sure.
pub(crate) const ALMOST_SURE: f32 = Sureness::SURE - 0.01;
/// The highest confidence of a passage that must not be shown.
pub(crate) const ALMOST_LIKELY: f32 = Sureness::LIKELY - 0.01;

/// The weights as arrays, in the order of the features.
pub(crate) struct Weights {
    ranks: [Rank; 3],
    /// For each word and pair of words, as a hash, its weights for the three parts.
    words: HashMap<u64, [f32; 3]>,
    pub kind: BTreeMap<String, [f32; Kind::ALL.len()]>,
    pub concept: BTreeMap<String, f32>,
    pub concept_bar: f32,
    /// A hash of the file. A précis stores it to show which weights made it.
    pub fingerprint: u32,
}

/// The weights for one part of a précis.
pub(crate) struct Rank {
    sure: BTreeMap<String, f32>,
    not_misleading: BTreeMap<String, f32>,
    bars: Bars,
    sentence: Vec<f32>,
    /// Weights of the features of a passage, in the order of [`PASSAGE`].
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
            not_misleading: file.not_misleading.clone(),
            bars: file.bars,
            sentence: names.iter().map(|name| file.sentence.get(name).copied().unwrap_or_default()).collect(),
            passage: PASSAGE.map(|name| file.sentence.get(name).copied().unwrap_or_default()),
        };
        let mut words: HashMap<u64, [f32; 3]> = HashMap::new();
        for (part, file) in [&file.problem, &file.approach, &file.outcome].into_iter().enumerate() {
            for (named, weight) in &file.words {
                words.entry(hash(named)).or_default()[part] = *weight;
            }
        }
        Self {
            words,
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

    /// The scores for the three parts of a sentence with these features. The features of a passage
    /// are not included.
    pub(crate) fn scores(&self, features: &[f32], ngrams: &[u64]) -> [f32; 3] {
        let sum = |rank: &Rank| -> f32 {
            features.iter().zip(&rank.sentence).map(|(value, weight)| value * weight).sum()
        };
        let mut scores = [sum(&self.ranks[0]), sum(&self.ranks[1]), sum(&self.ranks[2])];
        for weights in ngrams.iter().filter_map(|words| self.words.get(words)) {
            scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += weight);
        }
        scores
    }
}

impl Rank {
    /// The [`quality`] of a passage with these features, and its confidence. For a part without
    /// weights in `not_misleading`, qualities are only good for comparing passages.
    pub(crate) fn judge(&self, features: &[(&str, f32)]) -> (f32, f32) {
        let good = probability(log_odds(&self.sure, features));
        let quality = quality(good, probability(log_odds(&self.not_misleading, features)));
        (quality, good.min(self.bars.ceiling(good, quality)))
    }
}

/// The log odds for features by name: the sum of value times weight. An unknown feature has weight
/// 0.
pub(crate) fn log_odds(weights: &BTreeMap<String, f32>, features: &[(&str, f32)]) -> f32 {
    features.iter().map(|(name, value)| weights.get(*name).copied().unwrap_or_default() * value).sum()
}

/// Converts log odds to a probability.
pub(crate) fn probability(log_odds: f32) -> f32 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_problem_must_not_mislead() {
        let odds = |log_odds: f32| [("bias".to_owned(), log_odds)].into();
        let confidence = |good, not_misleading| {
            let bars = Bars { likely: 0.35, sure: 0.5 };
            let problem = RankFile {
                bars,
                sure: odds(good),
                not_misleading: odds(not_misleading),
                ..RankFile::default()
            };
            let weights = Weights::of(&WeightsFile { problem, ..WeightsFile::default() }, Cues::builtin());
            weights.rank(Field::Problem).judge(&[("bias", 1.0)]).1
        };
        let good = probability(2.0);
        assert_eq!(confidence(2.0, 4.0), good);
        assert_eq!(confidence(2.0, 1.0), ALMOST_SURE, "it may mislead");
        assert_eq!(confidence(-0.5, 4.0), probability(-0.5), "it is likely");
        assert_eq!(confidence(-0.7, 4.0), ALMOST_LIKELY);
    }

    #[test]
    fn every_weight_has_its_feature() {
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
            let all = rank.sentence.values().chain(rank.sure.values()).chain(rank.not_misleading.values());
            assert!(all.copied().all(f32::is_finite) && !rank.sentence.is_empty());
        }
        assert!(!file.problem.not_misleading.is_empty());
        assert!(!file.kind.is_empty() && !file.concept.is_empty());
    }
}

//! Chooses the sentence for each part of the précis and words it.
//!
//! A part is there at all where the article as a whole speaks for it; then the best sentence that can be worded is it. This
//! module must not know what a feature is worth.

use backissue_model::{Evidence, Kind, Statement};

use crate::Text;
use crate::cues::{Cues, Field};
use crate::features::{Measured, WORDING, has_sign, quote, yes};
use crate::kinds::KindOdds;
use crate::statement::{STATEMENT_MAX, Wording, first_clause, fitted, joined, third_person};
use crate::style;
use crate::weights::{Weights, log_odds, probability};

/// A statement and the numbers of the sentences it was made of.
pub(crate) struct Chosen {
    pub statement: Statement,
    pub sentences: Vec<usize>,
}

/// A sentence worded for a part of the précis, and how good it is.
pub(crate) struct Candidate {
    pub score: f32,
    pub wording: Wording,
    pub sentences: Vec<usize>,
}

/// How many of the best sentences are tried before a part is given up.
const TRIES: usize = 40;

/// A part of the précis that is looked for in an article.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub article: &'a Text<'a>,
    pub measured: &'a Measured,
    pub field: Field,
    /// Sentences that serve for another part already.
    pub used: &'a [usize],
    pub cues: &'a Cues,
}

impl Part<'_> {
    /// The statement, where the article has this part and a sentence that can be worded.
    pub(crate) fn choose(self, kinds: &KindOdds, weights: &Weights) -> Option<Chosen> {
        let rank = weights.rank(self.field);
        let (best, features) = self.best_and_signs(kinds, weights)?;
        if log_odds(&rank.present, &features) < 0.0 {
            return None;
        }
        best.chosen(self.article.text, self.measured, probability(log_odds(&rank.sure, &features)))
    }

    /// The best that can be said, and as named features what speaks for the article having this part and for this being it.
    pub(crate) fn best_and_signs(
        self,
        kinds: &KindOdds,
        weights: &Weights,
    ) -> Option<(Candidate, Vec<(&'static str, f32)>)> {
        let order = self.measured.best_first(self.field, weights);
        let best = self.best(&order, weights)?;
        let mut features = presence(&order, kinds);
        features.push(("bias", 1.0));
        features.push(("chosen", best.score));
        features.push(("second", order.get(1).map_or(0.0, |(_, score)| *score)));
        Some((best, features))
    }

    /// The best sentence that can be worded.
    fn best(self, order: &[(usize, f32)], weights: &Weights) -> Option<Candidate> {
        let rank = weights.rank(self.field);
        let most_gained: f32 = rank.wording.iter().map(|w| w.max(0.0)).sum();
        let mut best: Option<Candidate> = None;
        for &(at, score) in order.iter().filter(|(at, _)| !self.used.contains(at)).take(TRIES) {
            // Wording can add no more than this.
            if best.as_ref().is_some_and(|found| found.score >= score + most_gained) {
                break;
            }
            let Some((wording, sentences)) = self.worded(at) else { continue };
            let took = taken(&wording, &sentences);
            let score =
                score + took.iter().zip(rank.wording).map(|(value, weight)| value * weight).sum::<f32>();
            if best.as_ref().is_none_or(|found| score > found.score) {
                best = Some(Candidate { score, wording, sentences });
            }
        }
        best
    }

    /// The sentence at `at` as a statement that is written as one must be, with the one before it where it leans on that one.
    pub(crate) fn worded(self, at: usize) -> Option<(Wording, Vec<usize>)> {
        let (wording, sentences) = self.in_third_person(at)?;
        let text = style::statement(&wording.text).ok()?;
        // What has no word of trouble, lack or need may be near the problem, but does not tell it.
        if self.field == Field::Problem && !has_sign(&text, self.field, self.cues) {
            return None;
        }
        Some((Wording { text, ..wording }, sentences))
    }

    /// The sentence at `at` in the third person, with the one before it where it leans on that one and both fit.
    fn in_third_person(self, at: usize) -> Option<(Wording, Vec<usize>)> {
        let Self { article, measured, field, used, cues } = self;
        let of =
            |at: usize| third_person(quote(article.text, &measured.sentences[at]), article.company, cues);
        let keeps = |text: &str| has_sign(text, field, cues);
        let own = of(at)?;
        let leans = measured.measures[at].leans;
        let before = at.checked_sub(1).filter(|before| {
            leans
                && !measured.measures[*before].leans
                && !used.contains(before)
                && measured.sentences[*before].block == measured.sentences[at].block
        });
        if let Some(before) = before {
            let both = of(before).filter(|first| first.text.ends_with('.')).and_then(|first| {
                let whole = joined(&first, &own);
                if whole.text.chars().count() <= STATEMENT_MAX {
                    return Some(whole);
                }
                let first = first_clause(&first, cues).unwrap_or(first);
                fitted(joined(&first, &own), cues, |text| {
                    text.split_once("; ").is_some_and(|(_, second)| keeps(second))
                })
            });
            if let Some(both) = both {
                return Some((both, vec![before, at]));
            }
        }
        // Without what it leans on it would say nothing, or something else.
        if leans {
            return None;
        }
        Some((fitted(own, cues, keeps)?, vec![at]))
    }
}

/// What the whole article says about having a part, as named features. `order` holds its sentences' scores, best first.
fn presence(order: &[(usize, f32)], kinds: &KindOdds) -> Vec<(&'static str, f32)> {
    let score = |at: usize| order.get(at).map_or(0.0, |(_, score)| *score);
    let mut features: Vec<(&'static str, f32)> =
        Kind::ALL.iter().zip(kinds.probabilities).map(|(kind, p)| (kind.as_str(), p)).collect();
    features.push(("best", score(0)));
    features.push(("third", score(2)));
    features.push(("gap", score(0) - median(order)));
    features.push(("sentences", (order.len() as f32).max(1.0).ln() / 5.0));
    features
}

fn median(order: &[(usize, f32)]) -> f32 {
    order.get(order.len() / 2).map_or(0.0, |(_, score)| *score)
}

/// What the wording took, in the order of [`WORDING`].
pub(crate) fn taken(wording: &Wording, sentences: &[usize]) -> [f32; WORDING.len()] {
    [wording.cut, wording.conjugated, sentences.len() > 1].map(yes)
}

impl Candidate {
    /// The candidate as a statement of which one may be `sure`, 0 to 1.
    pub(crate) fn chosen(self, text: &str, measured: &Measured, sure: f32) -> Option<Chosen> {
        let evidence: Vec<Evidence> = self
            .sentences
            .iter()
            .map(|&at| measured.sentences[at].span)
            .map(|span| Evidence::at(text, span.start as usize, span.end as usize))
            .collect::<Option<_>>()?;
        let confidence = (sure.clamp(0.05, 0.95) * 100.0).round() / 100.0;
        Some(Chosen {
            statement: Statement { text: self.wording.text, evidence, confidence },
            sentences: self.sentences,
        })
    }
}

//! Chooses the sentence for each part of the précis and words it.
//!
//! A part is there at all where the article as a whole speaks for it; then the best sentence that can be worded is it. This
//! module must not know what a feature is worth.

use backissue_model::{Evidence, Kind, Statement};

use crate::Text;
use crate::cues::{Cues, Field};
use crate::features::{Measured, WORDING, has_sign, quote};
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
const TRIES: usize = 12;

/// The statement for `field`, where the article has this part and a sentence that can be worded; none of `used` serves again.
pub(crate) fn choose(
    article: &Text<'_>,
    measured: &Measured,
    field: Field,
    kinds: &KindOdds,
    used: &[usize],
    cues: &Cues,
    weights: &Weights,
) -> Option<Chosen> {
    let rank = weights.rank(field);
    let (best, features) = sureness(article, measured, field, kinds, used, cues, weights)?;
    if log_odds(&rank.present, &features) < 0.0 {
        return None;
    }
    best.chosen(article.text, measured, probability(log_odds(&rank.sure, &features)))
}

/// The best that can be said for `field`, and as named features what speaks for the article having this part and for this
/// being it.
pub(crate) fn sureness(
    article: &Text<'_>,
    measured: &Measured,
    field: Field,
    kinds: &KindOdds,
    used: &[usize],
    cues: &Cues,
    weights: &Weights,
) -> Option<(Candidate, Vec<(&'static str, f32)>)> {
    let order = measured.best_first(field, weights);
    let best = best(article, measured, field, &order, used, cues, weights)?;
    let mut features = presence(&order, kinds);
    features.push(("bias", 1.0));
    features.push(("chosen", best.score));
    features.push(("second", order.get(1).map_or(0.0, |(_, score)| *score)));
    Some((best, features))
}

/// What the whole article says about having a part, as named features. `order` holds its sentences' scores, best first.
pub(crate) fn presence(order: &[(usize, f32)], kinds: &KindOdds) -> Vec<(&'static str, f32)> {
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

/// The best sentence that can be worded.
fn best(
    article: &Text<'_>,
    measured: &Measured,
    field: Field,
    order: &[(usize, f32)],
    used: &[usize],
    cues: &Cues,
    weights: &Weights,
) -> Option<Candidate> {
    let most_gained: f32 = weights.rank(field).wording.iter().map(|w| w.max(0.0)).sum();
    let mut best: Option<Candidate> = None;
    for &(at, score) in order.iter().filter(|(at, _)| !used.contains(at)).take(TRIES) {
        // Wording can add no more than this.
        if best.as_ref().is_some_and(|found| found.score >= score + most_gained) {
            break;
        }
        let Some(candidate) = candidate(article, measured, field, at, score, used, cues, weights) else {
            continue;
        };
        if best.as_ref().is_none_or(|found| candidate.score > found.score) {
            best = Some(candidate);
        }
    }
    best
}

/// The sentence at `at`, worded, and what it is worth then; none where it cannot be worded.
#[expect(clippy::too_many_arguments, reason = "one call, of which none is worth a type of its own")]
pub(crate) fn candidate(
    article: &Text<'_>,
    measured: &Measured,
    field: Field,
    at: usize,
    score: f32,
    used: &[usize],
    cues: &Cues,
    weights: &Weights,
) -> Option<Candidate> {
    let (wording, sentences) = worded(article, measured, field, at, used, cues)?;
    let took = taken(&wording, &sentences);
    let cost: f32 = took.iter().zip(weights.rank(field).wording).map(|(value, weight)| value * weight).sum();
    Some(Candidate { score: score + cost, wording, sentences })
}

/// What the wording took, in the order of [`WORDING`].
pub(crate) fn taken(wording: &Wording, sentences: &[usize]) -> [f32; WORDING.len()] {
    [wording.cut, wording.conjugated, sentences.len() > 1].map(|is| if is { 1.0 } else { 0.0 })
}

/// The sentence at `at` as a statement that is written as one must be, with the one before it where it leans on that one.
pub(crate) fn worded(
    article: &Text<'_>,
    measured: &Measured,
    field: Field,
    at: usize,
    used: &[usize],
    cues: &Cues,
) -> Option<(Wording, Vec<usize>)> {
    let (wording, sentences) = in_third_person(article, measured, field, at, used, cues)?;
    let text = style::statement(&wording.text).ok()?;
    Some((Wording { text, ..wording }, sentences))
}

/// The sentence at `at` in the third person, with the one before it where it leans on that one and both fit.
fn in_third_person(
    article: &Text<'_>,
    measured: &Measured,
    field: Field,
    at: usize,
    used: &[usize],
    cues: &Cues,
) -> Option<(Wording, Vec<usize>)> {
    let of = |at: usize| third_person(quote(article.text, &measured.sentences[at]), article.company, cues);
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

//! Chooses the sentence for each part of the précis and words it.
//!
//! The best sentence that can be worded wins, if it reaches the threshold; otherwise the part is absent. This module must
//! not weigh signs.

use backissue_model::{Evidence, Statement};

use crate::Text;
use crate::cues::{Cues, Field, Weights};
use crate::rank::{Measured, has_sign, quote};
use crate::statement::{STATEMENT_MAX, Wording, first_clause, fitted, joined, third_person};

/// A statement and the numbers of the sentences it was made of.
pub(crate) struct Chosen {
    pub statement: Statement,
    pub sentences: Vec<usize>,
}

/// What a kind of post asks of a sentence beyond the field's weights.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// Added to the threshold.
    pub bar: f32,
    /// Added to the score of sentences among the first paragraphs.
    pub lead: f32,
}

/// How many of the best sentences are tried before a part is given up.
const TRIES: usize = 12;

/// The statement for `field` whose score reaches the field's threshold and what the kind asks above it.
pub(crate) fn choose(
    article: &Text<'_>,
    measured: &Measured,
    field: Field,
    asked: Asked,
    used: &[usize],
    cues: &Cues,
) -> Option<Chosen> {
    let weights = cues.weights(field);
    let wanted = weights.threshold + asked.bar;
    // What follows from the problem stands behind it.
    let from = used.first().map_or(0, |first| first + 1);
    let mut order: Vec<(usize, f32)> = measured
        .measures
        .iter()
        .enumerate()
        .filter(|(at, _)| *at >= from && !used.contains(at))
        .map(|(at, measures)| {
            let lead = if measures.first_paragraph { asked.lead } else { 0.0 };
            (at, measures.score(field, cues) + lead)
        })
        .filter(|(_, score)| *score >= wanted)
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut best: Option<(f32, Wording, Vec<usize>)> = None;
    for (at, score) in order.into_iter().take(TRIES) {
        // Wording only ever takes from the score.
        if best.as_ref().is_some_and(|(found, ..)| *found >= score) {
            break;
        }
        let Some((wording, sentences)) = worded(article, measured, field, at, used, cues) else { continue };
        let score = score + cost(&wording, sentences.len() > 1, weights);
        if score >= wanted && best.as_ref().is_none_or(|(found, ..)| score > *found) {
            best = Some((score, wording, sentences));
        }
    }
    let (score, wording, sentences) = best?;
    statement(article, measured, wording, sentences, score - wanted)
}

/// How far the best sentence for a problem lies above the threshold, before wording; negative below it.
pub(crate) fn best_problem_score(measured: &Measured, cues: &Cues) -> f32 {
    let best = measured.measures.iter().map(|m| m.score(Field::Problem, cues)).fold(f32::MIN, f32::max);
    best - cues.weights(Field::Problem).threshold
}

fn cost(wording: &Wording, is_joined: bool, weights: &Weights) -> f32 {
    let on = |is: bool, weight: f32| if is { weight } else { 0.0 };
    on(wording.cut, weights.cut) + on(wording.conjugated, weights.conjugated) + on(is_joined, weights.joined)
}

/// The sentence at `at` as a statement, with the one before it where it leans on that one and both fit.
fn worded(
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

fn statement(
    article: &Text<'_>,
    measured: &Measured,
    wording: Wording,
    sentences: Vec<usize>,
    above: f32,
) -> Option<Chosen> {
    let evidence: Vec<Evidence> = sentences
        .iter()
        .map(|&at| measured.sentences[at].span)
        .map(|span| Evidence::at(article.text, span.start as usize, span.end as usize))
        .collect::<Option<_>>()?;
    Some(Chosen {
        statement: Statement { text: wording.text, evidence, confidence: confidence(above) },
        sentences,
    })
}

/// A half at the threshold, rising to 0.95 well above it.
fn confidence(above: f32) -> f32 {
    let sure = 1.0 / (1.0 + (-above * 0.55).exp());
    (sure.clamp(0.05, 0.95) * 100.0).round() / 100.0
}

//! Ranks an article's sentences for each part of the précis.
//!
//! This module never changes a sentence.

use crate::cues::Field;
use crate::features::Measured;
use crate::weights::Weights;

/// The scores of an article's sentences for each part. Scores for different parts are not
/// comparable.
#[derive(Default)]
pub(crate) struct Scores([Vec<f32>; 3]);

impl Scores {
    pub(crate) fn of(measured: &Measured, weights: &Weights) -> Self {
        let mut scores = Self::default();
        for measures in &measured.measures {
            let of_parts = weights.scores(&measures.features, &measures.ngrams);
            scores.0.iter_mut().zip(of_parts).for_each(|(scores, score)| scores.push(score));
        }
        scores
    }

    /// The scores for `field`, in the order of the sentences.
    pub(crate) fn of_part(&self, field: Field) -> &[f32] {
        &self.0[field as usize]
    }

    /// The highest score for `field`.
    pub(crate) fn best(&self, field: Field) -> f32 {
        self.of_part(field).iter().copied().fold(f32::MIN, f32::max)
    }

    /// The sentences and their scores for `field`, best first.
    pub(crate) fn best_first(&self, field: Field) -> Vec<(usize, f32)> {
        let mut order: Vec<(usize, f32)> = self.of_part(field).iter().copied().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        order
    }
}

//! Ranks an article's sentences for each part of the précis.
//!
//! This module never changes a sentence.

use crate::cues::Field;
use crate::features::{Measured, Measures};
use crate::weights::Weights;

impl Measures {
    /// The score of the sentence as `field`; comparable within one field only.
    pub(crate) fn score(&self, field: Field, weights: &Weights) -> f32 {
        weights.rank(field).score(&self.features, &self.ngrams)
    }
}

impl Measured {
    /// The sentences and their scores for `field`, best first.
    pub(crate) fn best_first(&self, field: Field, weights: &Weights) -> Vec<(usize, f32)> {
        let mut order: Vec<(usize, f32)> =
            self.measures.iter().enumerate().map(|(at, m)| (at, m.score(field, weights))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        order
    }
}

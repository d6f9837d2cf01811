//! Fits a linear model of choices, which gives the probability of each candidate of a choice.
//!
//! All models have this form: sentences of an article (one candidate per sentence), kinds (nine
//! candidates, with a weight per feature and kind), and yes or no (two candidates, of which "no"
//! has no features). Nothing is random, so the same choices give the same weights.

use std::collections::HashMap;

/// Feature numbers with their values.
pub type Features = Vec<(u32, f32)>;

/// A choice: its candidates, and the target share of each.
pub struct Choice {
    /// The features of each candidate.
    pub candidates: Vec<Features>,
    /// A share for each candidate, 0 to 1; they sum to 1.
    pub targets: Vec<f32>,
}

impl Choice {
    /// A choice between yes and no.
    pub fn binary(features: Features, yes: bool) -> Self {
        let yes = if yes { 1.0 } else { 0.0 };
        Self { candidates: vec![Features::new(), features], targets: vec![1.0 - yes, yes] }
    }
}

/// Assigns consecutive numbers to the names of features.
#[derive(Default)]
pub struct Numbers {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Numbers {
    /// The number of the feature `name`. Assigns a new one if necessary.
    pub fn of(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).expect("fewer features than 2^32");
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// All names, by number.
    pub fn names(&self) -> &[String] {
        &self.names
    }
}

/// Number of steps. After them the choices no longer change.
const STEPS: i32 = 150;

/// The weights that make the choices most likely, regularised towards `expected`.
///
/// Minimises the cross-entropy, summed over choices, plus half the sum of `l2 * (weight -
/// expected)²`, by Adam (Kingma and Ba 2015) over all choices at once.
pub fn fit(choices: &[&Choice], expected: &[f32], l2: f32) -> Vec<f32> {
    const FIRST: f32 = 0.9;
    const SECOND: f32 = 0.999;
    let mut weights = expected.to_vec();
    let (mut mean, mut square) = (vec![0.0f32; weights.len()], vec![0.0f32; weights.len()]);
    let scale = 1.0 / choices.len().max(1) as f32;
    for step in 1..=STEPS {
        let mut slope: Vec<f32> =
            weights.iter().zip(expected).map(|(weight, expected)| (weight - expected) * l2 * scale).collect();
        for choice in choices {
            let shares = shares(choice, &weights);
            for ((features, share), target) in choice.candidates.iter().zip(shares).zip(&choice.targets) {
                let error = (share - target) * scale;
                for (number, value) in features {
                    slope[*number as usize] += error * value;
                }
            }
        }
        // Large steps first, small ones at the end.
        let rate = 0.1 * (1.0 - step as f32 / (STEPS + 1) as f32);
        for at in 0..weights.len() {
            mean[at] = FIRST * mean[at] + (1.0 - FIRST) * slope[at];
            square[at] = SECOND * square[at] + (1.0 - SECOND) * slope[at] * slope[at];
            let mean = mean[at] / (1.0 - FIRST.powi(step));
            let square = square[at] / (1.0 - SECOND.powi(step));
            weights[at] -= rate * mean / (square.sqrt() + 1e-8);
        }
    }
    weights
}

/// The share of each candidate with these weights.
pub fn shares(choice: &Choice, weights: &[f32]) -> Vec<f32> {
    let scores: Vec<f32> = choice.candidates.iter().map(|features| score(features, weights)).collect();
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f32> = scores.iter().map(|score| (score - most).exp()).collect();
    let all: f32 = powers.iter().sum();
    powers.iter().map(|power| power / all).collect()
}

/// The weighted sum of the features.
pub fn score(features: &[(u32, f32)], weights: &[f32]) -> f32 {
    features.iter().map(|(number, value)| weights[*number as usize] * value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odds_are_learned_with_regularisation() {
        // Three of four are yes: the log odds of the only feature are ln 3.
        let choices: Vec<Choice> = (0..4).map(|at| Choice::binary(vec![(0, 1.0)], at > 0)).collect();
        let choices: Vec<&Choice> = choices.iter().collect();
        let free = fit(&choices, &[0.0], 0.0);
        assert!((free[0] - 3.0f32.ln()).abs() < 0.01, "{free:?}");
        let held = fit(&choices, &[0.0], 10.0);
        assert!(held[0] > 0.0 && held[0] < 0.2, "{held:?}");
        let expected = fit(&choices, &[2.0], 1e6);
        assert!((expected[0] - 2.0).abs() < 0.01, "{expected:?}");
    }

    #[test]
    fn better_candidate_is_learned() {
        let choice = || Choice {
            candidates: vec![vec![(0, 1.0)], vec![(1, 1.0)], vec![(0, 1.0), (1, 1.0)]],
            targets: vec![0.0, 1.0, 0.0],
        };
        let weights = fit(&[&choice(), &choice()], &[0.0, 0.0], 0.1);
        assert!(weights[1] > 0.0 && weights[0] < 0.0);
    }
}

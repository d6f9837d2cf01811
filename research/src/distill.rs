//! Makes the built-in embedder, `crates/search/data/embedder.bin`: a vector for each word piece of
//! all-MiniLM-L6-v2, such that their sums approximate that model's sentence vectors.
//!
//! It starts like model2vec (Tulkens & van Dongen 2024): each piece goes through the model alone,
//! and counts less the more common it is (smooth inverse frequency, Arora et al. 2017). Then one
//! linear map brings sums of these vectors closest to the model's vectors of real sentences, in
//! their principal directions. So even a piece that no sentence contains is adapted. Finally, each
//! piece is corrected by regularised least squares over the sentences. All sentences come from the
//! training blogs, and no query of an evaluation is used.
//!
//! Nothing is random, and everything but the model's own vectors is computed in a fixed order.
//! Those agree within 1e-5 between machines, so a byte of the file may differ by one.

mod algebra;
pub mod sentences;
mod teacher;

use std::fs;

use anyhow::Context;
use backissue_search::meaning::{Distilled, Pieces};

use crate::distill::algebra::{Matrix, Sums};
use crate::distill::teacher::{DIMENSIONS as TEACHER_DIMENSIONS, Teacher};
use crate::labels::REPORTING;
use crate::workspace::workspace;

/// The file of the embedder in the workspace.
const FILE: &str = "crates/search/data/embedder.bin";

/// Dimensions of the embedder: a power of two, for the rotation.
const DIMENSIONS: usize = 256;

/// The weight of a piece with this share of all pieces is halved.
const COMMON: f64 = 1e-3;

/// The number of pseudo-counts, in addition to the pieces in the sentences. They are distributed by
/// rank in the vocabulary (Zipf).
const BEYOND: f64 = 20_000.0;

/// The regularisation of the map.
const MAP_HELD_BACK: f64 = 1.0;

/// The regularisation of a piece, in equivalent sentences.
const PIECE_HELD_BACK: f32 = 3.0;

/// Number of steps of least squares. Further steps do not change the third digit.
const STEPS: usize = 15;

/// Make the built-in embedder of all-MiniLM-L6-v2
#[derive(clap::Args, Debug)]
pub struct Distill {
    /// Maximum number of sentences, evenly distributed
    #[arg(long)]
    sentences: Option<usize>,
    /// Only print the result, without writing the file
    #[arg(long)]
    dry_run: bool,
}

impl Distill {
    /// Distils the embedder and writes its file.
    pub fn run(self) -> anyhow::Result<()> {
        let mut teacher = Teacher::start()?;
        let vocabulary = teacher.vocabulary()?;
        let pieces = Pieces::new(&vocabulary).context("the model's vocabulary lacks [UNK]")?;
        let mut sentences = sentences::of_blogs(|host| !REPORTING.contains(&host))?;
        if let Some(most) = self.sentences.filter(|most| *most < sentences.len()) {
            sentences = (0..most).map(|at| sentences[at * sentences.len() / most].clone()).collect();
        }
        println!("{} sentences of the training blogs", sentences.len());

        let names: Vec<&str> = vocabulary.lines().collect();
        let alone: Vec<String> =
            names.iter().map(|name| name.strip_prefix("##").unwrap_or(name).to_owned()).collect();
        let alone = teacher.vectors("pieces", &alone)?;
        let targets = teacher.vectors("sentences", &sentences)?;
        let numbers: Vec<Vec<u32>> = sentences.iter().map(|sentence| pieces.of(sentence)).collect();

        let begun = begun(alone, &shares(&numbers, names.len()));
        let directions = algebra::principal(&targets, DIMENSIONS);
        let targets = targets.times(&directions);
        let begun = mapped(&begun, &numbers, &targets);
        let before = likeness(&begun, &numbers, &targets);
        let corrected = corrected(&begun, &numbers, &targets);
        let after = likeness(&corrected, &numbers, &targets);
        println!(
            "mean cosine with the model's vectors: {before:.4} after the map, {after:.4} after the correction"
        );

        let mut vectors: Vec<Vec<f32>> = vec![];
        for (name, row) in names.iter().zip(corrected.rows()) {
            vectors.push(if means_something(name) { algebra::rotated(row) } else { vec![] });
        }
        let kept = vectors.iter().filter(|vector| !vector.is_empty()).count();
        let provenance = format!(
            "Word-piece embeddings distilled from sentence-transformers/all-MiniLM-L6-v2, licensed under Apache-2.0\n\
             (sha256 of model.safetensors {}).\n\
             Made by `cargo xtask distill` of {} sentences of five blogs; {kept} of {} pieces, {DIMENSIONS} dimensions,\n\
             COMMON {COMMON}, MAP_HELD_BACK {MAP_HELD_BACK}, PIECE_HELD_BACK {PIECE_HELD_BACK}, STEPS {STEPS}.\n\
             The method is told in xtask/src/distill.rs and docs/ARCHITECTURE.md.\n",
            teacher::WEIGHTS_SHA256,
            sentences.len(),
            names.len(),
        );
        let bytes = Distilled { provenance, vocabulary: vocabulary.clone(), vectors }.to_bytes();
        println!("{kept} of {} pieces, {} bytes", names.len(), bytes.len());
        if self.dry_run {
            return Ok(());
        }
        let path = workspace().join(FILE);
        fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        println!("{} written", path.display());
        Ok(())
    }
}

/// The share of each piece, with its pseudo-count.
fn shares(numbers: &[Vec<u32>], pieces: usize) -> Vec<f64> {
    let harmonic: f64 = (1..=pieces).map(|rank| 1.0 / rank as f64).sum();
    let mut counts: Vec<f64> = (1..=pieces).map(|rank| BEYOND / harmonic / rank as f64).collect();
    for number in numbers.iter().flatten() {
        counts[*number as usize] += 1.0;
    }
    let all: f64 = counts.iter().sum();
    counts.iter().map(|count| count / all).collect()
}

/// The initial vectors of pieces: without their common direction, and weighted by rarity.
fn begun(mut alone: Matrix, shares: &[f64]) -> Matrix {
    let mut mean = vec![0.0f32; TEACHER_DIMENSIONS];
    for row in alone.rows() {
        mean.iter_mut().zip(row).for_each(|(mean, number)| *mean += number);
    }
    let count = shares.len() as f32;
    for (at, share) in shares.iter().enumerate() {
        let telling = (COMMON / (COMMON + share)) as f32;
        alone
            .row_mut(at)
            .iter_mut()
            .zip(&mean)
            .for_each(|(number, mean)| *number = (*number - mean / count) * telling);
    }
    alone
}

/// Maps the pieces to the target's directions, by the linear map with which their sums are closest
/// to the targets.
fn mapped(begun: &Matrix, numbers: &[Vec<u32>], targets: &Matrix) -> Matrix {
    let sums = Sums::of_length_one(begun, numbers);
    let sums = sums.of(begun);
    let map = algebra::ridge(&sums, targets, MAP_HELD_BACK);
    begun.times(&map)
}

/// Corrects the pieces so that their sums are closest to the targets.
fn corrected(begun: &Matrix, numbers: &[Vec<u32>], targets: &Matrix) -> Matrix {
    let sums = Sums::of_length_one(begun, numbers);
    let wanting = targets.minus(&sums.of(begun));
    let correction = sums.least_squares(&wanting, PIECE_HELD_BACK * sums.mean_weight().powi(2), STEPS);
    begun.plus(&correction)
}

/// The mean cosine between the sentences' sums and their targets.
fn likeness(pieces: &Matrix, numbers: &[Vec<u32>], targets: &Matrix) -> f64 {
    let sums = Sums::of_length_one(pieces, numbers).of(pieces);
    let cosine = |(one, other): (&[f32], &[f32])| {
        let product = |a: &[f32], b: &[f32]| f64::from(algebra::product(a, b));
        product(one, other) / (product(one, one) * product(other, other)).sqrt().max(1e-12)
    };
    sums.rows().zip(targets.rows()).map(cosine).sum::<f64>() / numbers.len() as f64
}

/// Whether a piece gets a vector. Special tokens get none, nor do letters of scripts that the model
/// has not learned.
fn means_something(name: &str) -> bool {
    let is_mark = name.starts_with('[') && name.ends_with(']') && name.len() > 2;
    !is_mark && !name.chars().any(|character| character.is_alphabetic() && character > '\u{24F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_other_scripts_have_no_vector() {
        for (name, means) in
            [("[unused7]", false), ("[CLS]", false), ("[", true), ("##ing", true), ("é", true), ("中", false)]
        {
            assert_eq!(means_something(name), means, "{name}");
        }
    }

    /// Sentences correct two pieces that had wrong vectors. A third piece stays.
    #[test]
    fn sentences_correct_their_pieces() {
        let begun = Matrix::of(2, vec![1.0, 0.1, 0.1, 1.0, 1.0, 1.0]);
        let numbers: Vec<Vec<u32>> = (0..100).map(|at| vec![at % 2]).collect();
        let targets = Matrix::of(
            2,
            (0..100).flat_map(|at| if at % 2 == 0 { [0.0, 1.0] } else { [1.0, 0.0] }).collect(),
        );
        let corrected = corrected(&begun, &numbers, &targets);
        assert!(likeness(&begun, &numbers, &targets) < 0.2);
        assert!(likeness(&corrected, &numbers, &targets) > 0.99, "{corrected:?}");
        assert_eq!(corrected.row(2), [1.0, 1.0]);
    }
}

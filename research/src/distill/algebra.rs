//! Linear algebra for the distillation: dense matrices with a few hundred columns, and sums of
//! rows.
//!
//! Everything is computed in a fixed order on one thread, so that the result is the same on all
//! machines with IEEE 754.

/// Rows of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    columns: usize,
    numbers: Vec<f32>,
}

impl Matrix {
    /// A matrix from its rows, one after another.
    pub fn of(columns: usize, numbers: Vec<f32>) -> Self {
        assert_eq!(numbers.len() % columns, 0, "every row is whole");
        Self { columns, numbers }
    }

    fn zeros(rows: usize, columns: usize) -> Self {
        Self { columns, numbers: vec![0.0; rows * columns] }
    }

    /// Its rows.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, f32> {
        self.numbers.chunks_exact(self.columns)
    }

    /// A row.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.numbers[at * self.columns..][..self.columns]
    }

    /// A row, to change.
    pub fn row_mut(&mut self, at: usize) -> &mut [f32] {
        &mut self.numbers[at * self.columns..][..self.columns]
    }

    fn len(&self) -> usize {
        self.numbers.len() / self.columns
    }

    /// Their product.
    pub fn times(&self, other: &Self) -> Self {
        let mut product = Self::zeros(self.len(), other.columns);
        for (at, row) in self.rows().enumerate() {
            let sum = product.row_mut(at);
            for (factor, other) in row.iter().zip(other.rows()) {
                add(sum, *factor, other);
            }
        }
        product
    }

    /// Their sum.
    pub fn plus(&self, other: &Self) -> Self {
        let mut sum = self.clone();
        add(&mut sum.numbers, 1.0, &other.numbers);
        sum
    }

    /// Their difference.
    pub fn minus(&self, other: &Self) -> Self {
        let mut difference = self.clone();
        add(&mut difference.numbers, -1.0, &other.numbers);
        difference
    }
}

fn add(to: &mut [f32], factor: f32, other: &[f32]) {
    for (to, other) in to.iter_mut().zip(other) {
        *to += factor * other;
    }
}

/// The dot product.
pub fn product(one: &[f32], other: &[f32]) -> f32 {
    one.iter().zip(other).map(|(a, b)| a * b).sum()
}

/// The product of `one` transposed and `other`, in double precision: a row for each column of
/// `one`.
fn crossed(one: &Matrix, other: &Matrix) -> Vec<Vec<f64>> {
    let mut crossed = vec![vec![0.0f64; other.columns]; one.columns];
    for (one, other) in one.rows().zip(other.rows()) {
        for (number, row) in one.iter().zip(&mut crossed) {
            for (sum, other) in row.iter_mut().zip(other) {
                *sum += f64::from(number * other);
            }
        }
    }
    crossed
}

/// The `count` principal directions of the rows, largest first, as columns. Products of rows in
/// these directions alone approximate the originals best.
pub fn principal(rows: &Matrix, count: usize) -> Matrix {
    let (reach, directions) = eigen(crossed(rows, rows));
    let mut order: Vec<usize> = (0..reach.len()).collect();
    order.sort_by(|one, other| reach[*other].total_cmp(&reach[*one]));
    let numbers = directions.iter().flat_map(|row| order[..count].iter().map(|at| row[*at] as f32));
    Matrix::of(count, numbers.collect())
}

/// Eigenvalues and eigenvectors (columns) of a symmetric matrix, by Jacobi's rotations in cyclic
/// order.
fn eigen(mut matrix: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let size = matrix.len();
    let mut vectors: Vec<Vec<f64>> =
        (0..size).map(|row| (0..size).map(|column| f64::from(row == column)).collect()).collect();
    let all: f64 = matrix.iter().flatten().map(|number| number * number).sum();
    loop {
        let mut off = 0.0;
        for p in 0..size {
            for q in p + 1..size {
                let between = matrix[p][q];
                off += between * between;
                if between * between <= 1e-24 * all {
                    continue;
                }
                let half = (matrix[q][q] - matrix[p][p]) / (2.0 * between);
                let tangent = half.signum() / (half.abs() + (half * half + 1.0).sqrt());
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                // The vectors are stored as rows here, so that both rotations run along rows.
                for rows in [&mut matrix, &mut vectors] {
                    let (before, after) = rows.split_at_mut(q);
                    for (a, b) in before[p].iter_mut().zip(&mut after[0]) {
                        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
                    }
                }
                for row in &mut matrix {
                    let (a, b) = (row[p], row[q]);
                    (row[p], row[q]) = (cosine * a - sine * b, sine * a + cosine * b);
                }
            }
        }
        if off <= 1e-18 * all {
            break;
        }
    }
    let values = (0..size).map(|at| matrix[at][at]).collect();
    let columns = (0..size).map(|row| (0..size).map(|column| vectors[column][row]).collect()).collect();
    (values, columns)
}

/// The matrix that maps `rows` closest to `targets`, regularised: ridge regression (Hoerl & Kennard
/// 1970).
pub fn ridge(rows: &Matrix, targets: &Matrix, held_back: f64) -> Matrix {
    let (mut left, mut right) = (crossed(rows, rows), crossed(rows, targets));
    let size = left.len();
    for (at, row) in left.iter_mut().enumerate() {
        row[at] += held_back;
    }
    // Gaussian elimination. The matrix is positive definite, so no pivoting is needed.
    for at in 0..size {
        let (above, below) = left.split_at_mut(at + 1);
        let (right_above, right_below) = right.split_at_mut(at + 1);
        for (row, right) in below.iter_mut().zip(right_below) {
            let factor = row[at] / above[at][at];
            row.iter_mut().zip(&above[at]).for_each(|(number, other)| *number -= factor * other);
            right.iter_mut().zip(&right_above[at]).for_each(|(number, other)| *number -= factor * other);
        }
    }
    for at in (0..size).rev() {
        let (above, below) = right.split_at_mut(at + 1);
        for (below, factor) in below.iter().zip(&left[at][at + 1..]) {
            above[at].iter_mut().zip(below).for_each(|(number, other)| *number -= factor * other);
        }
        above[at].iter_mut().for_each(|number| *number /= left[at][at]);
    }
    Matrix::of(targets.columns, right.iter().flatten().map(|number| *number as f32).collect())
}

/// For each sentence, the rows that are added up, and the factor of the sum.
pub struct Sums<'s> {
    numbers: &'s [Vec<u32>],
    weights: Vec<f32>,
    rows: usize,
}

impl<'s> Sums<'s> {
    /// Sums that have length 1 for these rows.
    pub fn of_length_one(rows: &Matrix, numbers: &'s [Vec<u32>]) -> Self {
        let plain = Self { numbers, weights: vec![1.0; numbers.len()], rows: rows.len() };
        let weights = plain.of(rows).rows().map(|sum| 1.0 / product(sum, sum).sqrt().max(1e-6)).collect();
        Self { weights, ..plain }
    }

    /// The mean factor.
    pub fn mean_weight(&self) -> f32 {
        self.weights.iter().sum::<f32>() / self.weights.len() as f32
    }

    /// The sums of these rows.
    pub fn of(&self, rows: &Matrix) -> Matrix {
        let mut sums = Matrix::zeros(self.numbers.len(), rows.columns);
        for (at, (numbers, weight)) in self.numbers.iter().zip(&self.weights).enumerate() {
            let sum = sums.row_mut(at);
            for number in numbers {
                add(sum, *weight, rows.row(*number as usize));
            }
        }
        sums
    }

    /// For each row, the sum of the sentences that contain it.
    fn back(&self, sentences: &Matrix) -> Matrix {
        let mut rows = Matrix::zeros(self.rows, sentences.columns);
        for ((numbers, weight), sentence) in self.numbers.iter().zip(&self.weights).zip(sentences.rows()) {
            for number in numbers {
                add(rows.row_mut(*number as usize), *weight, sentence);
            }
        }
        rows
    }

    /// For each row, the sum of its squared factors.
    fn squares(&self) -> Vec<f32> {
        let mut squares = vec![0.0; self.rows];
        for (numbers, weight) in self.numbers.iter().zip(&self.weights) {
            let mut sorted = numbers.clone();
            sorted.sort_unstable();
            for same in sorted.chunk_by(|one, other| one == other) {
                squares[same[0] as usize] += (same.len() as f32 * weight).powi(2);
            }
        }
        squares
    }

    /// The rows whose sums are closest to `targets`, regularised.
    ///
    /// Uses conjugate gradients on the normal equations, per column, with a diagonal preconditioner
    /// (Hestenes & Stiefel 1952). Without it, common pieces would take hundreds of steps.
    pub fn least_squares(&self, targets: &Matrix, held_back: f32, steps: usize) -> Matrix {
        let columns = targets.columns;
        let measure: Vec<f32> = self.squares().iter().map(|square| 1.0 / (square + held_back)).collect();
        let measured = |matrix: &Matrix| {
            let mut measured = matrix.clone();
            for (at, measure) in measure.iter().enumerate() {
                measured.row_mut(at).iter_mut().for_each(|number| *number *= measure);
            }
            measured
        };
        let products = |one: &Matrix, other: &Matrix| {
            let mut products = vec![0.0f64; columns];
            for (one, other) in one.rows().zip(other.rows()) {
                products
                    .iter_mut()
                    .zip(one.iter().zip(other))
                    .for_each(|(sum, (a, b))| *sum += f64::from(a * b));
            }
            products
        };
        let mut found = Matrix::zeros(self.rows, columns);
        let mut left = self.back(targets);
        let mut near = measured(&left);
        let mut way = near.clone();
        let mut gain = products(&left, &near);
        for _ in 0..steps {
            let mut effect = self.back(&self.of(&way));
            add(&mut effect.numbers, held_back, &way.numbers);
            let share = quotients(&gain, &products(&way, &effect));
            for at in 0..self.rows {
                let (way, effect) = (way.row(at), effect.row(at));
                found
                    .row_mut(at)
                    .iter_mut()
                    .zip(way)
                    .zip(&share)
                    .for_each(|((x, way), share)| *x += share * way);
                left.row_mut(at)
                    .iter_mut()
                    .zip(effect)
                    .zip(&share)
                    .for_each(|((x, effect), share)| *x -= share * effect);
            }
            near = measured(&left);
            let gained = products(&left, &near);
            let keep = quotients(&gained, &gain);
            for at in 0..self.rows {
                let near = near.row(at);
                way.row_mut(at)
                    .iter_mut()
                    .zip(near)
                    .zip(&keep)
                    .for_each(|((x, near), keep)| *x = near + keep * *x);
            }
            gain = gained;
        }
        found
    }
}

fn quotients(of: &[f64], by: &[f64]) -> Vec<f32> {
    of.iter().zip(by).map(|(of, by)| if *by > 1e-30 { (of / by) as f32 } else { 0.0 }).collect()
}

/// Rotates a vector so that each dimension has a part of all directions: alternating signs, then
/// the Walsh–Hadamard matrix. Angles stay. Bytes lose less if no dimension is larger than the
/// others, and the signs are about equally informative.
pub fn rotated(vector: &[f32]) -> Vec<f32> {
    assert!(vector.len().is_power_of_two(), "Hadamard's matrix is of a power of two");
    let mut state = 1u32;
    let mut turned: Vec<f32> = vector
        .iter()
        .map(|number| {
            // A linear congruential generator (numbers of Numerical Recipes), whose highest bit is
            // random enough.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            if state >> 31 == 0 { *number } else { -number }
        })
        .collect();
    let mut half = 1;
    while half < turned.len() {
        for block in turned.chunks_exact_mut(half * 2) {
            let (one, other) = block.split_at_mut(half);
            for (a, b) in one.iter_mut().zip(other) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (turned.len() as f32).sqrt();
    turned.iter().map(|number| number * scale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: &Matrix, other: &Matrix) -> bool {
        one.minus(other).numbers.iter().all(|number| number.abs() < 1e-3)
    }

    fn some(rows: usize, columns: usize) -> Matrix {
        let number = |at: usize| ((at * 7919 + 13) % 101) as f32 / 101.0 - 0.5;
        Matrix::of(columns, (0..rows * columns).map(number).collect())
    }

    #[test]
    fn principal_directions_keep_most_of_the_rows() {
        // Rows of a plane in five dimensions.
        let rows = some(40, 2).times(&some(2, 5));
        let directions = principal(&rows, 2);
        let back = Matrix::of(5, (0..2).flat_map(|at| directions.rows().map(move |row| row[at])).collect());
        assert!(near(&rows.times(&directions).times(&back), &rows));
        let reach = |at: usize| rows.times(&directions).rows().map(|row| row[at] * row[at]).sum::<f32>();
        assert!(reach(0) > reach(1));
    }

    #[test]
    fn existing_linear_map_is_found() {
        let (rows, map) = (some(60, 6), some(6, 3));
        assert!(near(&ridge(&rows, &rows.times(&map), 1e-6), &map));
        let held = ridge(&rows, &rows.times(&map), 1e9);
        assert!(held.numbers.iter().all(|number| number.abs() < 1e-6));
    }

    #[test]
    fn pieces_are_found_from_their_sums() {
        let pieces = some(12, 4);
        let numbers: Vec<Vec<u32>> =
            (0..80u32).map(|at| vec![at % 12, at * at % 12, at / 7 % 12, at % 5]).collect();
        let sums = Sums::of_length_one(&pieces, &numbers);
        let found = sums.least_squares(&sums.of(&pieces), 1e-6, 40);
        assert!(near(&sums.of(&found), &sums.of(&pieces)));
    }

    #[test]
    fn rotation_keeps_lengths_and_spreads() {
        let mut vector = vec![0.0; 64];
        vector[3] = 2.0;
        let turned = rotated(&vector);
        assert!((product(&turned, &turned) - 4.0).abs() < 1e-5);
        assert!(turned.iter().all(|number| (number.abs() - 0.25).abs() < 1e-6));
        assert!(turned.iter().any(|number| *number > 0.0) && turned.iter().any(|number| *number < 0.0));
    }
}

//! Finds the embeddings nearest to a given one.
//!
//! Up to [`EXACT_MAX`] vectors are all compared. With more, a first pass compares codes: one sign
//! bit per dimension, so that the number of different bits approximates the angle (Charikar 2002).
//! The vectors with the fewest different bits are then compared exactly. docs/BENCHMARKS.md has the
//! cost and the misses.
//!
//! The loops are written so that the compiler vectorises them. `fearless_simd` compiles them for
//! several processors and selects at run time.

use std::collections::HashSet;

use fearless_simd::{Level, Simd, dispatch};

use super::embedding::{Embedding, dot};

/// Maximum vectors that are all compared; that takes less than a millisecond.
pub const EXACT_MAX: usize = 20_000;

/// A part with at most this many vectors has no codes; its vectors are all compared.
const FEW: usize = 1_000;

/// Minimum number of codes whose vectors are compared exactly.
const CANDIDATES: usize = 8_000;

/// Candidates per requested result, if many results are requested.
const CANDIDATES_EACH: usize = 20;

/// Bits per word of a code.
const WORD: usize = 64;

/// A row and its similarity to the requested vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The row's number.
    pub row: u32,
    /// The cosine of the angle between the requested vector and the nearest vector of the row.
    pub similarity: f32,
}

/// Embeddings of one dimension with the numbers of their rows. A row may have several.
#[derive(Clone, Debug, Default)]
pub struct Vectors {
    dimensions: usize,
    /// The bytes of all vectors, one after another.
    bytes: Vec<i8>,
    /// The factor from a dot product to a cosine: 1 / length.
    shrink: Vec<f32>,
    /// The row of each vector.
    rows: Vec<u32>,
    /// The codes of all vectors, one after another. Empty if there are few vectors.
    codes: Vec<u64>,
}

impl Vectors {
    /// The vectors of `rows`, each with the number of its row. Drops vectors of other dimensions
    /// and zero vectors, which are near to nothing.
    pub fn new<'v>(dimensions: usize, rows: impl IntoIterator<Item = (u32, &'v [i8])>) -> Self {
        Self::with_codes_above(dimensions, rows, FEW)
    }

    fn with_codes_above<'v>(
        dimensions: usize,
        rows: impl IntoIterator<Item = (u32, &'v [i8])>,
        few: usize,
    ) -> Self {
        let rows = rows.into_iter();
        let count = rows.size_hint().0;
        let mut vectors = Self { dimensions, ..Self::default() };
        vectors.bytes.reserve(count * dimensions);
        vectors.shrink.reserve(count);
        vectors.rows.reserve(count);
        for (row, bytes) in rows {
            let square = dot(bytes, bytes);
            if bytes.len() == dimensions && square > 0 {
                vectors.bytes.extend_from_slice(bytes);
                vectors.shrink.push(1.0 / (square as f32).sqrt());
                vectors.rows.push(row);
            }
        }
        if vectors.len() > few {
            vectors.codes.reserve_exact(vectors.len() * dimensions.div_ceil(WORD));
            for vector in vectors.bytes.chunks_exact(dimensions) {
                vectors.codes.extend(code(vector));
            }
        }
        vectors
    }

    /// Number of vectors.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of dimensions.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Bytes in memory.
    pub fn memory(&self) -> usize {
        self.bytes.capacity()
            + (self.shrink.capacity() + self.rows.capacity()) * 4
            + self.codes.capacity() * 8
    }

    /// The rows nearest to `query` among those that `allowed` accepts: nearest first, each once, at
    /// most `limit`. Empty if `query` has another dimension. Ties are in order of row number.
    pub fn nearest(
        &self,
        query: &Embedding,
        limit: usize,
        allowed: Option<&dyn Fn(u32) -> bool>,
    ) -> Vec<Row> {
        self.nearest_among(self.len(), query, limit, allowed)
    }

    /// Like [`Vectors::nearest`], if these are a part of `all` vectors and the results of all parts
    /// are merged.
    pub fn nearest_among(
        &self,
        all: usize,
        query: &Embedding,
        limit: usize,
        allowed: Option<&dyn Fn(u32) -> bool>,
    ) -> Vec<Row> {
        if query.dimensions() != self.dimensions || limit == 0 || self.is_empty() {
            return vec![];
        }
        if self.codes.is_empty() || all <= EXACT_MAX {
            return self.nearest_of_all(query, limit, allowed);
        }
        let of_all = CANDIDATES.max(limit.saturating_mul(CANDIDATES_EACH));
        let share = of_all as f64 * self.len() as f64 / all as f64;
        // A part may have more than its share of the nearest vectors.
        self.nearest_of_codes(query, limit, (share as usize).max(limit), allowed)
    }

    fn nearest_of_all(
        &self,
        query: &Embedding,
        limit: usize,
        allowed: Option<&dyn Fn(u32) -> bool>,
    ) -> Vec<Row> {
        let mut similarities = vec![0.0f32; self.len()];
        let level = Level::new();
        dispatch!(level, simd => simd.vectorize(
            #[inline(always)]
            || self.compare_all(query.as_bytes(), &mut similarities)
        ));
        let scale = 1.0 / length(query);
        let row = |at: usize| Row { row: self.rows[at], similarity: similarities[at] * scale };
        // Calling `allowed` may be expensive, so the best are checked first, and more only if too
        // few pass.
        let mut some = (limit * 4).max(64);
        let mut order: Vec<u32> = (0..self.len() as u32).collect();
        loop {
            let some_now = some.min(order.len());
            if some_now < order.len() {
                order.select_nth_unstable_by(some_now, |one, other| {
                    similarities[*other as usize].total_cmp(&similarities[*one as usize])
                });
            }
            let rows = order[..some_now].iter().map(|at| row(*at as usize));
            let best = best(rows.filter(|row| is_allowed(allowed, row.row)).collect(), limit);
            if best.len() == limit || some_now == order.len() {
                return best;
            }
            some *= 8;
        }
    }

    fn nearest_of_codes(
        &self,
        query: &Embedding,
        limit: usize,
        wanted: usize,
        allowed: Option<&dyn Fn(u32) -> bool>,
    ) -> Vec<Row> {
        let mut differing = vec![0u16; self.len()];
        let code: Vec<u64> = code(query.as_bytes()).collect();
        let level = Level::new();
        dispatch!(level, simd => simd.vectorize(
            #[inline(always)]
            || differ_all(&code, &self.codes, &mut differing)
        ));
        let counts = counts(&differing, self.dimensions);
        let mut some = wanted;
        let candidates = loop {
            let (most, reached) = within(&counts, some);
            let mut candidates = Vec::with_capacity(reached);
            dispatch!(level, simd => simd.vectorize(
                #[inline(always)]
                || near(&differing, most, &mut candidates)
            ));
            candidates.retain(|at| is_allowed(allowed, self.rows[*at]));
            if candidates.len() >= wanted || reached == self.len() {
                break candidates;
            }
            some = some.saturating_mul(8);
        };
        let scale = 1.0 / length(query);
        let mut rows = Vec::with_capacity(candidates.len());
        dispatch!(level, simd => simd.vectorize(
            #[inline(always)]
            || rows.extend(candidates.iter().map(|at| Row {
                row: self.rows[*at],
                similarity: self.compare(query.as_bytes(), *at) * scale,
            }))
        ));
        best(rows, limit)
    }

    #[inline(always)]
    fn compare_all(&self, query: &[i8], similarities: &mut [f32]) {
        let vectors = self.bytes.chunks_exact(self.dimensions);
        for ((similarity, vector), shrink) in similarities.iter_mut().zip(vectors).zip(&self.shrink) {
            *similarity = dot(query, vector) as f32 * shrink;
        }
    }

    #[inline(always)]
    fn compare(&self, query: &[i8], at: usize) -> f32 {
        dot(query, &self.bytes[at * self.dimensions..][..self.dimensions]) as f32 * self.shrink[at]
    }
}

fn is_allowed(allowed: Option<&dyn Fn(u32) -> bool>, row: u32) -> bool {
    allowed.is_none_or(|allowed| allowed(row))
}

fn length(query: &Embedding) -> f32 {
    (dot(query.as_bytes(), query.as_bytes()) as f32).sqrt()
}

/// The nearest of `rows`, each once.
fn best(mut rows: Vec<Row>, limit: usize) -> Vec<Row> {
    rows.sort_unstable_by(|one, other| {
        other.similarity.total_cmp(&one.similarity).then(one.row.cmp(&other.row))
    });
    let mut seen = HashSet::with_capacity(limit.min(rows.len()));
    rows.retain(|row| seen.len() < limit && seen.insert(row.row));
    rows
}

/// The signs of a vector's numbers, 64 per word.
fn code(vector: &[i8]) -> impl Iterator<Item = u64> {
    vector
        .chunks(WORD)
        .map(|bytes| bytes.iter().rev().fold(0, |word, byte| (word << 1) | u64::from(*byte > 0)))
}

#[inline(always)]
fn differ_all(code: &[u64], codes: &[u64], differing: &mut [u16]) {
    // With a constant length, a code's words stay in registers. 256 and 384 dimensions are most
    // common.
    match code.len() {
        4 => differ_all_of::<4>(code, codes, differing),
        6 => differ_all_of::<6>(code, codes, differing),
        _ => {
            for (differing, other) in differing.iter_mut().zip(codes.chunks_exact(code.len())) {
                *differing = differ(code, other);
            }
        }
    }
}

#[inline(always)]
fn differ_all_of<const WORDS: usize>(code: &[u64], codes: &[u64], differing: &mut [u16]) {
    let (code, codes) = (&code[..WORDS], codes.as_chunks::<WORDS>().0);
    for (differing, other) in differing.iter_mut().zip(codes) {
        *differing = differ(code, other);
    }
}

/// The number of different bits.
#[inline(always)]
fn differ(one: &[u64], other: &[u64]) -> u16 {
    one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones() as u16).fold(0, u16::wrapping_add)
}

/// A histogram of the numbers of different bits.
fn counts(differing: &[u16], dimensions: usize) -> Vec<usize> {
    // Four histograms in turn: neighbours are often equal, and this way they do not wait for each
    // other.
    let mut counts = vec![[0; 4]; dimensions.next_multiple_of(WORD) + 1];
    for four in differing.chunks(4) {
        for (of_place, differing) in four.iter().enumerate() {
            counts[usize::from(*differing)][of_place] += 1;
        }
    }
    counts.iter().map(|counts| counts.iter().sum()).collect()
}

/// Appends the indices of the codes that differ in at most `most` bits.
#[inline(always)]
fn near(differing: &[u16], most: u16, places: &mut Vec<usize>) {
    const AT_ONCE: usize = 64;
    for (first, some) in (0..).step_by(AT_ONCE).zip(differing.chunks(AT_ONCE)) {
        // Few do, so whole chunks are skipped with one test.
        if some.iter().fold(false, |any, differing| any | (*differing <= most)) {
            let near = some.iter().enumerate().filter(|(_, differing)| **differing <= most);
            places.extend(near.map(|(at, _)| first + at));
        }
    }
}

/// The smallest number of bits within which there are at least `some` codes, and the number of
/// these codes. All codes if there are fewer.
fn within(counts: &[usize], some: usize) -> (u16, usize) {
    let mut reached = 0;
    for (differing, count) in (0..).zip(counts) {
        reached += count;
        if reached >= some {
            return (differing, reached);
        }
    }
    (u16::MAX, reached)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reproducible vectors of small numbers, with a direction per group.
    fn clustered(count: u32, dimensions: usize, groups: u32) -> Vec<(u32, Vec<i8>)> {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        let mut number = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            // The mean of four even numbers is small about as often as in a real embedding.
            state.to_le_bytes()[..4].iter().map(|byte| i16::from(*byte as i8) / 4).sum::<i16>() as i8
        };
        let centres: Vec<Vec<i8>> =
            (0..groups).map(|_| (0..dimensions).map(|_| number()).collect()).collect();
        (0..count)
            .map(|row| {
                let centre = &centres[(row % groups) as usize];
                (row, centre.iter().map(|byte| byte / 2 + number() / 2).collect())
            })
            .collect()
    }

    fn vectors(rows: &[(u32, Vec<i8>)]) -> Vectors {
        let dimensions = rows[0].1.len();
        Vectors::with_codes_above(dimensions, rows.iter().map(|(row, bytes)| (*row, bytes.as_slice())), 0)
    }

    fn embedding(bytes: &[i8]) -> Embedding {
        Embedding::from_bytes(bytes.to_vec()).unwrap()
    }

    /// The expected result, computed by brute force.
    fn plainly(
        rows: &[(u32, Vec<i8>)],
        query: &Embedding,
        limit: usize,
        allowed: impl Fn(u32) -> bool,
    ) -> Vec<Row> {
        let rows = rows.iter().filter(|(row, _)| allowed(*row));
        best(
            rows.filter_map(|(row, bytes)| {
                Some(Row { row: *row, similarity: Embedding::from_bytes(bytes.clone())?.similarity(query) })
            })
            .collect(),
            limit,
        )
    }

    fn assert_same(found: &[Row], expected: &[Row]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.similarity - expected.similarity).abs() < 1e-5, "{found:?} is not {expected:?}");
        }
    }

    #[test]
    fn row_with_several_vectors_is_returned_once() {
        let rows = [(7, vec![100, 0, 0]), (3, vec![0, 100, 0]), (7, vec![0, 90, 10]), (9, vec![0, 0, 0])];
        let found = vectors(&rows).nearest(&embedding(&[0, 1, 0]), 10, None);
        assert_eq!(found.iter().map(|row| row.row).collect::<Vec<_>>(), [3, 7]);
        assert!((found[0].similarity - 1.0).abs() < 1e-6 && found[1].similarity > 0.99);
        assert_eq!(vectors(&rows).nearest(&embedding(&[0, 1, 0]), 1, None).len(), 1);
    }

    #[test]
    fn incomparable_vectors_are_dropped() {
        let rows = [(1, vec![1i8, 2, 3]), (2, vec![1, 2]), (3, vec![0, 0, 0])];
        let vectors = vectors(&rows);
        assert_eq!(vectors.len(), 1);
        assert!(vectors.nearest(&embedding(&[1, 2]), 5, None).is_empty());
        assert!(vectors.nearest(&embedding(&[1, 2, 3]), 0, None).is_empty());
        assert!(Vectors::new(3, []).nearest(&embedding(&[1, 2, 3]), 5, None).is_empty());
    }

    #[test]
    fn few_allowed_rows_are_all_found() {
        let rows = clustered(30_000, 96, 40);
        let allowed = |row: u32| row % 3_001 == 5;
        let vectors = vectors(&rows);
        let query = embedding(&rows[17].1);
        // Few vectors are all compared; with many, codes are used.
        for all in [30_000, 300_000] {
            let found = vectors.nearest_among(all, &query, 20, Some(&allowed));
            assert_same(&found, &plainly(&rows, &query, 20, allowed));
        }
    }

    #[test]
    fn codes_find_the_results_of_a_full_comparison() {
        let rows = clustered(60_000, 256, 300);
        let vectors = vectors(&rows);
        let (mut hits, mut all) = (0, 0);
        for (_, bytes) in rows.iter().step_by(6_001) {
            let query = embedding(bytes);
            let expected: HashSet<u32> =
                plainly(&rows, &query, 10, |_| true).iter().map(|row| row.row).collect();
            let found = vectors.nearest_of_codes(&query, 10, CANDIDATES, None);
            hits += found.iter().filter(|row| expected.contains(&row.row)).count();
            all += expected.len();
        }
        assert!(hits * 100 >= all * 98, "{hits} of {all}");
    }

    proptest! {
        #[test]
        fn full_scan_is_exact(
            rows in prop::collection::vec((0u32..20, prop::collection::vec(any::<i8>(), 5)), 1..80),
            query in prop::collection::vec(1i8..100, 5),
            limit in 1usize..30,
        ) {
            let query = embedding(&query);
            assert_same(
                &vectors(&rows).nearest(&query, limit, Some(&|row| row != 3)),
                &plainly(&rows, &query, limit, |row| row != 3),
            );
            // So few vectors are all candidates.
            assert_same(
                &vectors(&rows).nearest_of_codes(&query, limit, CANDIDATES, None),
                &plainly(&rows, &query, limit, |_| true),
            );
        }
    }
}

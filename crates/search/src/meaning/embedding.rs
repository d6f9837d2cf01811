//! A vector of small integers.

/// The meaning of a text: a direction, with one byte per dimension.
///
/// Only the direction counts. So the numbers are scaled until the largest fills a byte, which is
/// most exact, and [`similarity`](Self::similarity) is independent of the scale.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Embedding(Box<[i8]>);

impl Embedding {
    /// The direction of a vector of any length and dimension. Returns `None` if it is zero or not
    /// finite.
    pub fn of(vector: &[f32]) -> Option<Self> {
        let largest = vector.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
        if !vector.iter().all(|number| number.is_finite()) || largest < f32::MIN_POSITIVE {
            return None;
        }
        // Rounds half away from zero, never beyond ±127.
        Some(Self(vector.iter().map(|number| (number / largest * 127.0).round() as i8).collect()))
    }

    /// The embedding with these bytes. Returns `None` if all of them are 0.
    pub fn from_bytes(bytes: Vec<i8>) -> Option<Self> {
        bytes.iter().any(|byte| *byte != 0).then(|| Self(bytes.into_boxed_slice()))
    }

    /// Its bytes for storage, one per dimension.
    pub fn as_bytes(&self) -> &[i8] {
        &self.0
    }

    /// Its bytes for storage, one per dimension.
    pub fn into_bytes(self) -> Vec<i8> {
        self.0.into_vec()
    }

    /// Number of dimensions.
    pub fn dimensions(&self) -> usize {
        self.0.len()
    }

    /// The cosine of the angle to another embedding: 1 for the same meaning, about 0 for unrelated
    /// ones. 0 for embeddings of different dimensions, which come from different embedders.
    pub fn similarity(&self, other: &Self) -> f32 {
        if self.dimensions() != other.dimensions() {
            return 0.0;
        }
        let length = |bytes: &[i8]| (dot(bytes, bytes) as f32).sqrt();
        (dot(&self.0, &other.0) as f32 / length(&self.0) / length(&other.0)).clamp(-1.0, 1.0)
    }
}

/// The dot product, exact up to 131,072 dimensions, which no embedder has. Uses wrapping
/// arithmetic: overflow checks in debug builds would prevent vector instructions.
#[inline(always)]
pub(super) fn dot(one: &[i8], other: &[i8]) -> i32 {
    one.iter()
        .zip(other)
        .map(|(a, b)| i32::from(i16::from(*a).wrapping_mul(i16::from(*b))))
        .fold(0, i32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_direction_of_a_vector_counts() {
        let one = Embedding::of(&[0.5, -0.25, 0.0]).unwrap();
        assert_eq!(one.as_bytes(), [127, -64, 0]);
        assert_eq!(Embedding::of(&[5e20, -2.5e20, 0.0]).unwrap(), one);
        assert_eq!(Embedding::from_bytes(one.as_bytes().to_vec()).unwrap(), one);
        assert!((one.similarity(&one) - 1.0).abs() < 1e-6);
        let opposite = Embedding::of(&[-1.0, 0.5, 0.0]).unwrap();
        assert!((one.similarity(&opposite) + 1.0).abs() < 1e-6);
        assert_eq!(one.similarity(&Embedding::of(&[1.0]).unwrap()), 0.0);
    }

    #[test]
    fn zero_and_infinite_vectors_are_refused() {
        for vector in [&[] as &[f32], &[0.0, -0.0], &[1.0, f32::NAN], &[f32::INFINITY, 1.0]] {
            assert!(Embedding::of(vector).is_none(), "{vector:?}");
        }
        assert!(Embedding::from_bytes(vec![0, 0]).is_none());
    }

    proptest! {
        #[test]
        fn bytes_preserve_the_angle(pair in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 64..256)) {
            let (one, other): (Vec<f32>, Vec<f32>) = pair.into_iter().unzip();
            let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let exact = product(&one, &other) / (product(&one, &one) * product(&other, &other)).sqrt();
            let kept = Embedding::of(&one).unwrap().similarity(&Embedding::of(&other).unwrap());
            prop_assert!((exact - kept).abs() < 0.01, "{exact} became {kept}");
        }
    }
}

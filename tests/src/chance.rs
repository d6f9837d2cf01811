//! Reproducible random numbers.

/// A generator of random numbers, SplitMix64 (Steele, Lea & Flood 2014). It gives the same numbers
/// on every machine.
pub struct Random(pub u64);

impl Random {
    /// A random number from 0 to `bound`, excluding `bound`. Returns 0 if `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        ((u128::from(mixed) * bound as u128) >> 64) as usize
    }
}

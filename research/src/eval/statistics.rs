//! Statistics: means with intervals, agreement beyond chance, precision and recall.

use std::collections::BTreeSet;

use backissue_tests::chance::Random;

/// Number of resamples per interval.
const DRAWS: usize = 2000;

/// A figure with its 95 % confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure for these reads.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// The `figure` of all `reads`, with its percentile bootstrap interval (Efron & Tibshirani 1993).
/// The resamples are always the same, so that two systems are compared on the same ones.
pub fn bootstrap(reads: usize, figure: impl Fn(&[usize]) -> f64) -> Estimate {
    let all: Vec<usize> = (0..reads).collect();
    let mut random = Random(1);
    let mut drawn: Vec<f64> =
        (0..DRAWS).map(|_| figure(&all.iter().map(|_| random.below(reads)).collect::<Vec<_>>())).collect();
    drawn.sort_by(f64::total_cmp);
    Estimate { value: figure(&all), low: percentile(&drawn, 2.5), high: percentile(&drawn, 97.5) }
}

/// The mean; 0 if there are no values.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
    let (sum, count) = values.into_iter().fold((0.0, 0usize), |(sum, count), v| (sum + v, count + 1));
    ratio(sum, count as f64)
}

/// `part` divided by `whole`; 0 if the whole is 0.
pub fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

/// The percentile of sorted values (nearest rank); 0 if there are no values.
pub fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// The agreement of two people's judgements beyond chance (Cohen 1960): 1 is perfect, 0 is chance.
///
/// If both always say the same, agreement by chance would be 1 too, and the result is 1.
pub fn kappa<T: Ord>(pairs: &[(T, T)]) -> f64 {
    let all = pairs.len() as f64;
    let share = |hits: usize| ratio(hits as f64, all);
    let observed = share(pairs.iter().filter(|(a, b)| a == b).count());
    let values: BTreeSet<&T> = pairs.iter().flat_map(|(a, b)| [a, b]).collect();
    let said_by =
        |value: &T, pick: fn(&(T, T)) -> &T| share(pairs.iter().filter(|p| pick(p) == value).count());
    let chance: f64 = values.into_iter().map(|v| said_by(v, |p| &p.0) * said_by(v, |p| &p.1)).sum();
    if chance == 1.0 { 1.0 } else { (observed - chance) / (1.0 - chance) }
}

/// The overlap of two sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overlap {
    /// Number of elements in both sets.
    pub shared: usize,
    /// Number of elements in the output that is measured.
    pub said: usize,
    /// Number of elements in the reference, which people made.
    pub wanted: usize,
}

impl Overlap {
    /// The overlap of output and reference, each element counted once.
    pub fn of<T: Ord>(said: &[T], wanted: &[T]) -> Self {
        let said: BTreeSet<&T> = said.iter().collect();
        let wanted: BTreeSet<&T> = wanted.iter().collect();
        Self { shared: said.intersection(&wanted).count(), said: said.len(), wanted: wanted.len() }
    }

    /// The overlap of two sets of names, ignoring case.
    pub fn of_names(said: &[String], wanted: &[String]) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_lowercase()).collect::<Vec<_>>();
        Self::of(&lower(said), &lower(wanted))
    }

    /// The share of the output that is in the reference.
    pub fn precision(self) -> f64 {
        ratio(self.shared as f64, self.said as f64)
    }

    /// The share of the reference that is in the output.
    pub fn recall(self) -> f64 {
        ratio(self.shared as f64, self.wanted as f64)
    }

    /// The harmonic mean of both; 1 if both sets are empty.
    pub fn f1(self) -> f64 {
        let all = self.said + self.wanted;
        if all == 0 { 1.0 } else { 2.0 * self.shared as f64 / all as f64 }
    }
}

impl std::iter::Sum for Overlap {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |a, b| Self {
            shared: a.shared + b.shared,
            said: a.said + b.said,
            wanted: a.wanted + b.wanted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn kappa_corrects_for_chance() {
        // 20 and 15 of 50 are agreed as yes and no, 5 and 10 not: a textbook's 0.4.
        let mut pairs = vec![(true, true); 20];
        pairs.extend([(true, false); 5]);
        pairs.extend([(false, true); 10]);
        pairs.extend([(false, false); 15]);
        assert!(near(kappa(&pairs), 0.4), "{}", kappa(&pairs));
        assert!(near(kappa(&[('a', 'a'), ('b', 'b'), ('c', 'c')]), 1.0));
        assert!(near(kappa(&[('a', 'b'), ('b', 'a')]), -1.0));
        assert!(near(kappa(&[('a', 'a'), ('a', 'a')]), 1.0));
    }

    #[test]
    fn overlaps_are_summed_or_averaged() {
        let one = Overlap::of(&["caching", "queues", "queues"], &["caching"]);
        assert_eq!(one, Overlap { shared: 1, said: 2, wanted: 1 });
        assert!(near(one.precision(), 0.5) && near(one.recall(), 1.0) && near(one.f1(), 2.0 / 3.0));
        assert_eq!(Overlap::of_names(&["DEX".to_owned()], &["dex".to_owned()]).shared, 1);
        let none: Overlap = Overlap::of::<&str>(&[], &[]);
        assert!(near(none.f1(), 1.0) && near(none.precision(), 0.0));
        let both: Overlap = [one, Overlap { shared: 1, said: 2, wanted: 3 }].into_iter().sum();
        assert_eq!(both, Overlap { shared: 2, said: 4, wanted: 4 });
    }

    #[test]
    fn percentiles_are_values_that_occur() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();
        assert!(near(percentile(&sorted, 50.0), 50.0) && near(percentile(&sorted, 99.0), 99.0));
        assert!(near(percentile(&sorted, 0.0), 1.0) && near(percentile(&sorted, 100.0), 100.0));
        assert!(near(percentile(&[7.0], 2.5), 7.0) && near(percentile(&[], 50.0), 0.0));
    }

    #[test]
    fn intervals_are_correct_and_reproducible() {
        let values: Vec<f64> = (0..100).map(|n| f64::from(n % 2)).collect();
        let figure = |drawn: &[usize]| mean(drawn.iter().map(|&at| values[at]));
        let once = bootstrap(values.len(), figure);
        assert!(near(once.value, 0.5));
        // A mean of a hundred coins has a standard deviation of 0.05; 1.96 times that covers 95 of
        // 100.
        assert!((once.low - 0.402).abs() < 0.02 && (once.high - 0.598).abs() < 0.02, "{once:?}");
        assert_eq!(once, bootstrap(values.len(), figure));
        assert_eq!(bootstrap(0, |_| 0.0), Estimate { value: 0.0, low: 0.0, high: 0.0 });
    }
}

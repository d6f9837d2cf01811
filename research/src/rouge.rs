//! ROUGE (Lin 2004, "ROUGE: A Package for Automatic Evaluation of Summaries"): how many words two
//! sentences share.
//!
//! Words are compared in lower case and without endings, like in the reference script with `-m`,
//! but with a short list of endings instead of Porter's rules. Common words count.

use std::collections::HashMap;

/// The agreement of two texts, each 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rouge {
    /// F1 over words.
    pub one: f64,
    /// F1 over the longest common subsequence of words.
    pub l: f64,
}

/// The agreement of `said` with `wanted`. Empty texts have no agreement.
pub fn rouge(said: &str, wanted: &str) -> Rouge {
    let (said, wanted) = (words(said), words(wanted));
    if said.is_empty() || wanted.is_empty() {
        return Rouge::default();
    }
    let f1 = |shared: usize| 2.0 * shared as f64 / (said.len() + wanted.len()) as f64;
    Rouge { one: f1(shared(&said, &wanted)), l: f1(longest_common(&said, &wanted)) }
}

/// The words of a text in the form for comparison.
pub fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(stem).collect()
}

fn stem(word: &str) -> String {
    let lower = word.to_lowercase();
    let cut = ["ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "ly", "y", "e"]
        .iter()
        .find_map(|end| lower.strip_suffix(end).filter(|rest| rest.chars().count() >= 3))
        .map(str::to_owned);
    cut.unwrap_or(lower)
}

fn shared(a: &[String], b: &[String]) -> usize {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for word in b {
        *left.entry(word).or_default() += 1;
    }
    let take = |word: &&String| match left.get_mut(word.as_str()) {
        Some(n) if *n > 0 => {
            *n -= 1;
            true
        }
        _ => false,
    };
    a.iter().filter(take).count()
}

fn longest_common(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0usize; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (at, y) in b.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if x == y { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_their_order_are_counted() {
        let same = rouge("The queues failed.", "the queue fails");
        assert_eq!(same, Rouge { one: 1.0, l: 1.0 });
        let turned = rouge("queue the", "the queue");
        assert_eq!(turned, Rouge { one: 1.0, l: 0.5 });
        // Two of four words on one side, two of two on the other.
        let half = rouge("the queue was full", "the queue");
        assert!((half.one - 2.0 / 3.0).abs() < 1e-9 && (half.l - 2.0 / 3.0).abs() < 1e-9);
        // A word counts at most as often as on the other side.
        assert!((rouge("the the the", "the cat").one - 0.4).abs() < 1e-9);
        assert_eq!(rouge("", "the cat"), Rouge::default());
    }
}

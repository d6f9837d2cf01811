//! The meaningful words of a text, without their endings, as hashes.
//!
//! This module does not know what a word means.

use std::collections::HashSet;
use std::sync::LazyLock;

/// The meaningful words of a text, each as a hash of its stem.
pub(crate) fn stems(text: &str) -> impl Iterator<Item = u64> + '_ {
    meaningful(text).map(stem)
}

/// The words of a text that are not stop words.
fn meaningful(text: &str) -> impl Iterator<Item = &str> {
    words(text).filter(|word| word.len() > 2 && !STOPPED.contains(&hash(word)))
}

/// Words of letters and digits.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’').filter(|word| !word.is_empty())
}

/// The share of the `wanted` stems that are in `stems`, 0 to 1.
pub(crate) fn share(wanted: &HashSet<u64>, stems: &[u64]) -> f32 {
    if wanted.is_empty() || stems.is_empty() {
        return 0.0;
    }
    let found = stems.iter().filter(|s| wanted.contains(s)).collect::<HashSet<_>>().len();
    // A title of twenty words need not be repeated completely.
    (found as f32 / wanted.len().clamp(3, 8) as f32).min(1.0)
}

/// The hash of a word in lower case without its ending.
fn stem(word: &str) -> u64 {
    hash(ending_cut(word))
}

/// The FNV-1a hash of a text in lower case.
pub(crate) fn hash(text: &str) -> u64 {
    hash_more(0xcbf2_9ce4_8422_2325, text)
}

/// The hash of the text with the hash `before`, followed by `text`.
pub(crate) fn hash_more(before: u64, text: &str) -> u64 {
    text.bytes()
        .fold(before, |hash, b| (hash ^ u64::from(b.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3))
}

/// The word without its grammatical ending, such as `-ing` or `-s`.
fn ending_cut(word: &str) -> &str {
    let bare = word.trim_end_matches("'s").trim_end_matches("’s");
    ["ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "ly", "y", "e"]
        .iter()
        .find_map(|end| bare.strip_suffix(end).filter(|rest| rest.len() >= 3))
        .unwrap_or(bare)
}

/// The hashes of [`STOPWORDS`], for a fast look-up of each word of an article.
static STOPPED: LazyLock<HashSet<u64>> = LazyLock::new(|| STOPWORDS.iter().map(|word| hash(word)).collect());

const STOPWORDS: &[&str] = &[
    "the", "and", "for", "are", "was", "were", "that", "this", "with", "from", "have", "has", "had", "not",
    "but", "you", "your", "our", "its", "it's", "they", "their", "them", "there", "these", "those", "which",
    "what", "when", "where", "who", "why", "how", "can", "could", "will", "would", "should", "may", "might",
    "must", "into", "onto", "than", "then", "also", "just", "only", "more", "most", "some", "any", "all",
    "each", "every", "other", "such", "very", "much", "many", "about", "over", "under", "after", "before",
    "while", "because", "been", "being", "does", "did", "don't", "one", "two", "use", "used", "using",
    "like", "make", "made", "way", "get", "got", "new", "now", "let",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_share_a_stem() {
        for (a, b) in
            [("Caching", "cached"), ("failures", "failure"), ("queries", "query"), ("isolation", "Isolated")]
        {
            let same = stem(a) == stem(b);
            // "isolation" and "isolated" are the limit of so simple a rule.
            assert_eq!(same, a != "isolation", "{a} {b}");
        }
    }
}

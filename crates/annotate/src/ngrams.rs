//! The words and pairs of neighbouring words of a sentence, as features with trained weights.
//!
//! This module does not know the meaning of words.

use crate::stems::{hash, hash_more};

/// Each word and each pair of neighbouring words of a sentence once, as hashes, sorted.
///
/// Punctuation marks count as words, and all numbers as one word.
pub(crate) fn ngrams(plain: &str) -> Vec<u64> {
    let mut found = Vec::new();
    let mut before = None;
    for word in tokens(plain) {
        found.push(hash(word));
        if let Some(before) = before {
            found.push(hash_more(hash_more(hash(before), " "), word));
        }
        before = Some(word);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The same words and pairs as [`ngrams`], as text such as "we had". The hash of the text is the
/// feature.
pub(crate) fn ngram_names(plain: &str) -> Vec<String> {
    let words: Vec<String> = tokens(plain).map(str::to_lowercase).collect();
    let mut names: Vec<String> = words.windows(2).map(|pair| pair.join(" ")).collect();
    names.extend(words);
    names.sort_unstable();
    names.dedup();
    names
}

/// The words, numbers and punctuation marks of a sentence. Each number is "0".
fn tokens(plain: &str) -> impl Iterator<Item = &str> {
    let mut rest = plain;
    std::iter::from_fn(move || {
        let start = rest.find(|c: char| c.is_ascii_alphanumeric() || ".,:;?!".contains(c))?;
        rest = &rest[start..];
        let first = rest.as_bytes()[0];
        let length = |is: fn(char) -> bool| rest.find(|c: char| !is(c)).unwrap_or(rest.len());
        let end = match first {
            b'0'..=b'9' => length(|c| c.is_ascii_digit()),
            _ if first.is_ascii_alphabetic() => length(|c| c.is_ascii_alphabetic() || c == '\''),
            _ => 1,
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(if first.is_ascii_digit() { "0" } else { token })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_and_names_are_the_same_features() {
        for sentence in ["It didn't scale: 90 of 300 jobs failed.", "", "Größe, 3.5 GB"] {
            let mut of_names: Vec<u64> = ngram_names(sentence).iter().map(|name| hash(name)).collect();
            of_names.sort_unstable();
            assert_eq!(ngrams(sentence), of_names, "{sentence}");
        }
        let names = ngram_names("It didn't scale: 90 failed.");
        for name in ["didn't", "it didn't", ":", ": 0", "0 failed", "failed ."] {
            assert!(names.iter().any(|found| found == name), "{name} in {names:?}");
        }
    }
}

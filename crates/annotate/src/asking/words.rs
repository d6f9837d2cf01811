//! Words of texts: their parts, their forms, and whether they carry meaning.
//!
//! This module must not know what a word names.

use std::collections::HashSet;

use crate::technologies::opens_a_sentence;

/// The words of `text` in lower case.
pub(super) fn words(text: &str) -> HashSet<String> {
    text.split_whitespace().flat_map(pieces).map(str::to_lowercase).collect()
}

/// The words of `text` that carry meaning, and names and figures of any length.
pub(super) fn telling(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |word: &str| word.contains(|c: char| c.is_uppercase() || c.is_ascii_digit());
    text.split_whitespace().flat_map(pieces).filter(move |word| carries(word) || is_name(word))
}

/// The share of the telling words of `claim` that `text` has in some form, from 0 to 1.
pub(super) fn shared(text: &str, claim: &str) -> f32 {
    let known = words(text);
    let all: Vec<&str> = telling(claim).collect();
    let had = all.iter().filter(|word| has(&known, word)).count();
    had as f32 / all.len().max(1) as f32
}

/// Whether `words` has the word in some form.
pub(super) fn has(words: &HashSet<String>, word: &str) -> bool {
    let lower = word.to_lowercase();
    words.contains(&lower) || words.iter().any(|known| same_word(known, &lower))
}

/// Whether `text` has `name` as whole words in this spelling.
pub(super) fn has_words(text: &str, name: &str) -> bool {
    places(text, name).next().is_some()
}

/// Where `text` has `name` as whole words in this spelling.
fn places(text: &str, name: &str) -> impl Iterator<Item = usize> {
    text.match_indices(name).map(|(at, _)| at).filter(move |at| {
        !text[..*at].ends_with(char::is_alphanumeric)
            && !text[*at + name.len()..].starts_with(char::is_alphanumeric)
    })
}

/// Whether a sentence has `name` as a name: in the marks of code, or each word with a capital
/// letter or a digit. The first word of a sentence has a capital letter anyway, so it must be in
/// the title too.
pub(super) fn names(sentence: &str, title: &str, name: &str) -> bool {
    let is_marked = |c: char| c.is_uppercase() || c.is_ascii_digit();
    let is_odd = |word: &str| word.chars().skip(1).any(is_marked);
    let words = || name.split_whitespace();
    let is_name = words().all(|word| word.starts_with(is_marked) || is_odd(word));
    sentence.contains(&format!("`{name}`"))
        || is_name && {
            let is_beyond_doubt = words().any(is_odd) || has_words(title, name);
            places(sentence, name).any(|at| is_beyond_doubt || !opens_a_sentence(&sentence[..at]))
        }
}

/// Whether two words are forms of the same word: equal except for endings of at most three letters.
pub(super) fn same_word(one: &str, other: &str) -> bool {
    let alike = one
        .chars()
        .zip(other.chars())
        .take_while(|(a, b)| a == b || a.to_lowercase().eq(b.to_lowercase()))
        .count();
    let long = one.chars().count().max(other.chars().count());
    let endings = [one, other].map(|word| word.chars().skip(alike).collect::<String>());
    let plural = alike >= 2 && endings.concat() == "s";
    // "plotting" and "plot", "debugged" and "debug".
    let doubled = alike >= 3 && {
        let [short, longer] =
            if endings[0].is_empty() { [one, endings[1].as_str()] } else { [other, endings[0].as_str()] };
        endings.iter().any(String::is_empty)
            && longer.chars().next().is_some_and(|c| short.ends_with(c) && !"aeiou".contains(c))
            && matches!(longer.get(1..), Some("ing" | "ed" | "er" | "ers"))
    };
    let lettered = endings.iter().all(|ending| ending.chars().all(char::is_alphabetic));
    plural || doubled || (alike >= 4 && alike + 3 >= long && lettered)
}

/// The parts of a word at hyphens and slashes: "Kafka-based" and "CPU/GPU" have two.
pub(super) fn pieces(word: &str) -> impl Iterator<Item = &str> {
    word.split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’' | '+' | '#'))
        // "C++" is one word, "Ignition+TurboFan" are two.
        .flat_map(|piece| {
            let is_sum = piece.trim_end_matches('+').contains('+');
            piece.split(move |c| is_sum && c == '+')
        })
        .map(|piece| piece.trim_end_matches("'s").trim_end_matches("’s"))
        .map(|piece| piece.trim_matches(|c: char| matches!(c, '\'' | '’')))
        .filter(|piece| piece.contains(char::is_alphanumeric))
}

/// Whether a word carries meaning.
pub(super) fn carries(word: &str) -> bool {
    word.chars().count() >= 4 && !EMPTY.contains(&word.to_lowercase().as_str())
}

/// Words that carry no meaning.
const EMPTY: &[&str] = &[
    "about", "after", "also", "although", "among", "another", "around", "because", "been", "before", "being",
    "between", "both", "cannot", "could", "does", "doing", "done", "down", "during", "each", "every", "from",
    "have", "having", "instead", "into", "itself", "made", "make", "makes", "making", "many", "might",
    "more", "most", "much", "must", "need", "needed", "needs", "once", "only", "onto", "other", "over",
    "rather", "same", "several", "should", "since", "some", "such", "than", "that", "their", "them",
    "themselves", "then", "there", "these", "they", "this", "those", "through", "under", "until", "upon",
    "used", "uses", "using", "very", "wanted", "wants", "well", "were", "what", "when", "where", "whether",
    "which", "while", "whose", "will", "with", "within", "without", "would",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_are_one_word_and_other_words_are_not() {
        for (one, other) in [
            ("plotting", "plot"),
            ("debug", "debugged"),
            ("mounting", "mounted"),
            ("lock", "locks"),
            ("isolation", "isolated"),
            ("API", "apis"),
        ] {
            assert!(same_word(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("lock", "load"),
            ("contention", "container"),
            ("p95", "p99"),
            ("add", "adding-machine"),
            ("pin", "pinned-up"),
            ("read", "ready-made"),
        ] {
            assert!(!same_word(one, other), "{one} {other}");
        }
    }
}

//! Decides whether a sentence can be understood without the one before it.
//!
//! This module does not choose sentences.

use crate::cues::Cues;
use crate::style::plain_word;

/// Whether the sentence depends on the one before: it starts with "This", "It" or "Although they",
/// or it says "this" about something that it has not named.
pub(crate) fn leans(plain: &str, cues: &Cues) -> bool {
    let begins = |word: &String| {
        plain.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
            && !plain[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '\'')
    };
    let words: Vec<String> = plain.split_whitespace().map(plain_word).collect();
    let opens = words.first().is_some_and(|first| cues.leaning.openers.contains(first));
    let early = words.iter().skip(1).take(2).any(|word| cues.leaning.pronouns.contains(word));
    cues.leaning.words.iter().any(begins)
        || opens && early
        || points_back(plain, &words, cues)
        || names_only_it(plain, &words)
        || points_to_one_of_two(plain)
}

/// Whether the start of the sentence refers to something that a heading cannot explain: "They",
/// "The latter".
pub(crate) fn needs_a_sentence(plain: &str, cues: &Cues) -> bool {
    let begins = |word: &String| {
        plain.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
            && !plain[word.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '\'')
    };
    cues.leaning.without_heading.iter().any(begins) || points_to_one_of_two(plain)
}

/// Whether the sentence says "the latter" or "the former" without first naming two things.
fn points_to_one_of_two(plain: &str) -> bool {
    let lower = plain.to_ascii_lowercase();
    let at = ["the latter", "the former"].iter().filter_map(|words| lower.find(words)).min();
    at.is_some_and(|at| {
        ![" and ", " or ", " nor ", " than ", " to "].iter().any(|word| lower[..at].contains(word))
    })
}

/// Number of words at a sentence's start in which "it" can only refer to the sentence before.
const BEGINNING: usize = 9;

/// Whether "it", "them" or "there" in the first clause refers to the sentence before, as in "We use
/// it to". Phrases such as "it is hard", "makes it possible" and "there are" do not count.
fn names_only_it(plain: &str, words: &[String]) -> bool {
    const AFTER_IT: [&str; 20] = [
        "is", "are", "was", "were", "has", "had", "have", "takes", "took", "becomes", "became", "will",
        "would", "can", "could", "may", "might", "seems", "seemed", "turned",
    ];
    const BEFORE_IT: [&str; 12] =
        ["make", "makes", "made", "making", "find", "found", "keep", "that", "where", "when", "why", "how"];
    let clause = plain
        .split_whitespace()
        .take(BEGINNING)
        .position(|word| word.ends_with([',', ';', ':']) || word == "–" || word == "—")
        .map_or(BEGINNING, |end| end + 1);
    let refers = |at: &usize| match words[*at].as_str() {
        "it" | "there" => {
            let next = words.get(at + 1).map_or("", String::as_str);
            !AFTER_IT.contains(&next) && !BEFORE_IT.contains(&words[at - 1].as_str())
        }
        "them" => true,
        _ => false,
    };
    (1..clause.min(words.len())).any(|at| refers(&at))
}

/// Whether "this", "those" or "that time" refers to something outside the sentence: no clause
/// precedes it, and its noun was not mentioned.
fn points_back(plain: &str, words: &[String], cues: &Cues) -> bool {
    let ends: Vec<bool> = plain.split_whitespace().map(|word| word.ends_with([',', ';', ':'])).collect();
    let mut clause_before = false;
    for at in 1..words.len() {
        clause_before |= ends[at - 1];
        let next = words.get(at + 1).map_or("", String::as_str);
        let points = match words[at].as_str() {
            "this" | "these" | "those" => !cues.leaning.present_times.iter().any(|time| time == next),
            "such" => next != "as",
            "that" => cues.leaning.pointed_at.iter().any(|noun| noun == next),
            _ => false,
        };
        if points && !clause_before && !words[..at].iter().any(|word| word == next) {
            return true;
        }
    }
    false
}

/// The start of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening<'s> {
    /// The sentence without "However,", "Recently," and similar words at the start.
    pub rest: &'s str,
    /// Number of words that join it to the sentence before: 1 for "However,", 0 for none.
    pub joining: usize,
}

/// Removes lead-ins at the start of a sentence.
pub(crate) fn opening<'s>(sentence: &'s str, cues: &Cues) -> Opening<'s> {
    let mut rest = sentence.trim();
    let (mut words, mut joining) = (0, 0);
    for _ in 0..3 {
        let lead = cues.leaning.lead_ins.iter().find(|lead| {
            rest.get(..lead.len()).is_some_and(|head| head.eq_ignore_ascii_case(lead))
                && rest[lead.len()..].starts_with(' ')
                && (lead.ends_with([',', ':']) || !belongs_on(&rest[lead.len()..]))
        });
        let Some(lead) = lead else { break };
        let after = rest[lead.len()..].trim_start();
        if after.split_whitespace().count() < 4 {
            break;
        }
        words += lead.split_whitespace().count();
        if cues.leaning.joining.contains(lead) {
            joining = words;
        }
        rest = after;
    }
    Opening { rest, joining }
}

/// Whether the lead-in at the start of `rest` belongs to the words after it, as in "but for" and
/// "and that".
fn belongs_on(rest: &str) -> bool {
    let next = rest.split_whitespace().next().map(plain_word).unwrap_or_default();
    ["far", "many", "much", "long", "that", "for", "enough", "hard", "then", "not", "only"]
        .contains(&next.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentence_that_points_back_leans() {
        let cues = Cues::builtin();
        for sentence in [
            "In the worst month this touched 7,400 databases.",
            "They were slow.",
            "Such queues were slow.",
            "The disk filled up during those nights.",
            "The queue was full at that time.",
            "We use it to open our code to the public.",
            "A lot was happening there.",
            "Most tracing libraries use it, but its performance is not ideal.",
            "The above code was slow.",
            "We chose the latter for its speed.",
        ] {
            assert!(leans(sentence, cues), "{sentence}");
        }
        for sentence in [
            "The cache was cold, and this slowed the tracking page.",
            "The disk was full this morning.",
            "Systems such as queues were slow.",
            "Acme found that the queue was full.",
            "Two copies make it possible to lose one.",
            "In most clusters there are three proxies.",
            "When the cache is cold, we fill it from the database.",
            "Of locks and queues, the latter were slow.",
        ] {
            assert!(!leans(sentence, cues), "{sentence}");
        }
    }

    #[test]
    fn lead_ins_are_removed_and_joining_words_counted() {
        let cues = Cues::builtin();
        for (sentence, rest, joining) in [
            ("However, the queue was always full.", "the queue was always full.", 1),
            ("But, as a result, the queue was full.", "the queue was full.", 4),
            ("Recently, the queue was always full.", "the queue was always full.", 0),
            ("But for one queue all was well.", "But for one queue all was well.", 0),
            ("However, it broke.", "However, it broke.", 0),
            ("Turns out they were slow at night.", "they were slow at night.", 0),
        ] {
            assert_eq!(opening(sentence, cues), Opening { rest, joining }, "{sentence}");
        }
    }
}

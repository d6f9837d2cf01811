//! Finds the words of a query in a text, and the passage of an article with most of them.
//!
//! These functions use only the texts and not the index.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::compile::Correction;
use super::tokens::stem;
use super::units::units;
use crate::Query;

/// The words of a query in any form, to be found in texts.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// Words in lower case, each with the number of its word in the query.
    words: HashMap<String, usize>,
    /// Stems, with the same numbers.
    stems: HashMap<String, usize>,
    /// Phrases as lower-case words, with the same numbers.
    phrases: Vec<(Vec<String>, usize)>,
    /// The first letters of all words above, so that most words of a text can be skipped quickly.
    letters: HashSet<char>,
    count: usize,
}

impl Marks {
    /// The words and phrases of `query`, and the replacements in `corrections`.
    pub fn of(query: &Query, corrections: &[Correction]) -> Self {
        let mut marks = Self::default();
        for phrase in query.phrases() {
            let parts = units(phrase).flat_map(|unit| unit.parts()).map(|(_, part)| part.to_lowercase());
            let parts: Vec<String> = parts.collect();
            marks.letters.extend(parts.first().and_then(|part| part.chars().next()));
            if !parts.is_empty() {
                marks.phrases.push((parts, marks.count));
                marks.count += 1;
            }
        }
        for word in query.wanted() {
            marks.add(word, corrections);
        }
        marks
    }

    fn add(&mut self, word: &str, corrections: &[Correction]) {
        for unit in units(word) {
            let whole = unit.whole();
            for (_, part) in unit.parts() {
                if whole.is_some() && part.chars().nth(1).is_none() {
                    continue;
                }
                let part = part.to_lowercase();
                let instead = corrections.iter().filter(|correction| correction.typed == part);
                instead.flat_map(|correction| &correction.instead).for_each(|other| self.add_word(other));
                self.add_word(&part);
                self.count += 1;
            }
            if let Some(whole) = whole {
                self.add_word(&whole);
                self.count += 1;
            }
        }
    }

    fn add_word(&mut self, word: &str) {
        self.letters.extend(word.chars().next());
        let root = stem(word).unwrap_or_else(|| word.to_owned());
        self.letters.extend(root.chars().next());
        self.stems.entry(root).or_insert(self.count);
        self.words.entry(word.to_owned()).or_insert(self.count);
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of the query's word that this word matches.
    fn word(&self, word: &str) -> Option<usize> {
        if let Some(known) = self.words.get(word) {
            return Some(*known);
        }
        let root = stem(word);
        self.stems.get(root.as_deref().unwrap_or(word)).copied()
    }

    /// All matches in `text`, in order and without overlaps, each with the number of its word in
    /// the query.
    fn found_in(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let mut found: Vec<(Range<usize>, usize)> = Vec::new();
        // The last words of the text, as many as the longest phrase has.
        let mut behind: Vec<(Range<usize>, String)> = Vec::new();
        let longest = self.phrases.iter().map(|(phrase, _)| phrase.len()).max().unwrap_or(0);
        for unit in units(text) {
            if let Some(number) = unit.whole().and_then(|whole| self.words.get(&whole).copied()) {
                push(&mut found, unit.start..unit.start + unit.text.len(), number);
            }
            for (start, part) in unit.parts() {
                let range = start..start + part.len();
                let may_be = part.chars().next().is_some_and(|c| {
                    self.letters.contains(&c) || c.to_lowercase().any(|c| self.letters.contains(&c))
                });
                if longest == 0 && !may_be {
                    continue;
                }
                let word = part.to_lowercase();
                if may_be && let Some(number) = self.word(&word) {
                    push(&mut found, range.clone(), number);
                }
                if longest > 0 {
                    behind.push((range, word));
                    self.end_phrases(&behind, &mut found);
                    if behind.len() >= longest {
                        behind.remove(0);
                    }
                }
            }
        }
        found
    }

    /// Adds the matching phrases that end with the last of these words.
    fn end_phrases(&self, behind: &[(Range<usize>, String)], found: &mut Vec<(Range<usize>, usize)>) {
        for (phrase, number) in &self.phrases {
            let Some(first) = behind.len().checked_sub(phrase.len()) else { continue };
            let there = &behind[first..];
            if there.iter().map(|(_, word)| word).eq(phrase) {
                push(found, there[0].0.start..there[there.len() - 1].0.end, *number);
            }
        }
    }
}

/// Adds a match, and merges earlier ones that it covers.
fn push(found: &mut Vec<(Range<usize>, usize)>, mut range: Range<usize>, number: usize) {
    while let Some((last, _)) = found.last() {
        if last.end <= range.start {
            break;
        }
        if last.start <= range.start && range.end <= last.end {
            return;
        }
        range = range.start.min(last.start)..range.end.max(last.end);
        found.pop();
    }
    found.push((range, number));
}

/// The byte ranges in `text` that match the query, in order and without overlaps.
pub fn highlights(text: &str, marks: &Marks) -> Vec<Range<usize>> {
    if marks.is_empty() {
        return Vec::new();
    }
    marks.found_in(text).into_iter().map(|(range, _)| range).collect()
}

/// A passage of an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Its text as in the article, line breaks included.
    pub text: String,
    /// Its start in the article, in bytes.
    pub start: usize,
    /// The byte ranges in [`Passage::text`] that match the query, in order.
    pub highlights: Vec<Range<usize>>,
}

/// Maximum passages of a text that are compared. Each may have hundreds of matches.
const MOST_BEGINNINGS: usize = 2000;

/// The passage of `text` with the most different words of the query, the first of several.
///
/// It has at most `most` characters, and starts and ends at the boundary of a sentence or block if
/// possible. Returns `None` if the text has no word of the query.
pub fn passage(text: &str, marks: &Marks, most: usize) -> Option<Passage> {
    if marks.is_empty() || most == 0 {
        return None;
    }
    let found = marks.found_in(text);
    let borders = borders(text);
    let mut best: Option<(usize, Range<usize>)> = None;
    let mut last_begin = None;
    let mut begins = 0;
    for (at, (range, _)) in found.iter().enumerate() {
        let begin = beginning(text, &borders, range, most);
        if last_begin == Some(begin) {
            continue;
        }
        last_begin = Some(begin);
        begins += 1;
        if begins > MOST_BEGINNINGS {
            break;
        }
        let reach = forward(text, begin, most);
        let inside = found[at..].iter().take_while(|(range, _)| range.end <= reach);
        let mut different: Vec<usize> = inside.clone().map(|(_, number)| *number).collect();
        different.sort_unstable();
        different.dedup();
        let last = inside.last().map_or(range.end.min(reach), |(range, _)| range.end);
        if best.as_ref().is_none_or(|(count, _)| different.len() > *count) {
            best = Some((different.len(), begin..end(text, &borders, last, reach)));
        }
    }
    let (_, bounds) = best?;
    let body = text[bounds.clone()].trim_end();
    let inside = found
        .iter()
        .filter(|(range, _)| range.start >= bounds.start && range.end <= bounds.start + body.len());
    let highlights = inside.map(|(range, _)| range.start - bounds.start..range.end - bounds.start).collect();
    Some(Passage { text: body.to_owned(), start: bounds.start, highlights })
}

/// Starts of sentences and blocks, and the end of the text.
fn borders(text: &str) -> Vec<usize> {
    let mut borders = vec![text.len() - text.trim_start().len()];
    let (mut before, mut ends) = (' ', false);
    // Whether a sentence or block has ended since the last word, and whether a line break ended it.
    let (mut ended, mut by_line) = (false, false);
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            let here = ends || (c == '\n' && before == '\n');
            (ended, by_line) = (ended || here, by_line || (here && c == '\n'));
        } else {
            if ended && (by_line || !c.is_lowercase()) && borders.last() != Some(&at) {
                borders.push(at);
            }
            (ended, by_line) = (false, false);
        }
        let stop = matches!(c, '.' | '!' | '?' | '…') || (ends && matches!(c, ')' | '"' | '”' | '’'));
        ends = stop || matches!(c, '。' | '！' | '？');
        before = c;
    }
    borders.push(text.len());
    borders
}

/// The start of a passage around `range`: the start of its sentence, or of a word shortly before it
/// if the sentence is long.
fn beginning(text: &str, borders: &[usize], range: &Range<usize>, most: usize) -> usize {
    let number = borders.partition_point(|border| *border <= range.start).saturating_sub(1);
    let sentence = borders[number].min(range.start);
    if range.end <= forward(text, sentence, most) {
        return sentence;
    }
    let room = most / 3;
    let earliest =
        text[..range.start].char_indices().rev().take(room).last().map_or(range.start, |(at, _)| at);
    let gap = text[earliest..range.start].char_indices().find(|(_, c)| c.is_whitespace());
    gap.map_or(range.start, |(at, c)| earliest + at + c.len_utf8())
}

/// The byte position `most` characters after `begin`, or the end.
fn forward(text: &str, begin: usize, most: usize) -> usize {
    text[begin..].char_indices().nth(most).map_or(text.len(), |(at, _)| begin + at)
}

/// The end of a passage that contains `last` and may extend to `reach`: the last boundary, else
/// between two words.
fn end(text: &str, borders: &[usize], last: usize, reach: usize) -> usize {
    if reach == text.len() {
        return reach;
    }
    let border = borders[borders.partition_point(|border| *border <= reach).saturating_sub(1)];
    if border >= last {
        return border;
    }
    let gap =
        text[..reach].char_indices().rev().take_while(|(at, _)| *at >= last).find(|(_, c)| c.is_whitespace());
    gap.map_or(reach, |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(text: &str, query: &str) -> Vec<String> {
        let marks = Marks::of(&Query::parse(query), &[]);
        highlights(text, &marks).into_iter().map(|range| text[range].to_owned()).collect()
    }

    #[test]
    fn all_forms_of_a_word_are_highlighted() {
        for (text, query, expected) in [
            ("Caching a cache that was cached", "cache", vec!["Caching", "cache", "cached"]),
            ("How do we do it: block or unblock", "how do we block", vec!["block"]),
            ("curl: SSL_ERROR_SYSCALL, errors", "ssl_error_syscall", vec!["SSL_ERROR_SYSCALL", "errors"]),
            ("In C++, not in C, O(n log n)", "C++ O(n log n)", vec!["C++", "O(n log n)"]),
            ("the rate limiter's limit rate", "\"rate limiter\"", vec!["rate limiter"]),
            ("multi-tenant and multitenant", "multitenant", vec!["multi-tenant", "multitenant"]),
            ("nothing here", "cache", vec![]),
            ("nothing here", "", vec![]),
        ] {
            assert_eq!(marked(text, query), expected, "{query} in {text}");
        }
    }

    #[test]
    fn corrections_are_highlighted() {
        let query = Query::parse("postgers");
        let marks =
            Marks::of(&query, &[Correction { typed: "postgers".into(), instead: vec!["postgres".into()] }]);
        assert_eq!(highlights("On Postgres.", &marks).first(), Some(&(3..11)));
    }

    #[test]
    fn passage_is_the_sentence_with_most_words() {
        let text = "We like queues. Work waits in a queue.\n\nOne tenant filled the queue and starved the others. \
                    We gave each tenant its own. It was fine after that, and nobody was called at night again.";
        let marks = Marks::of(&Query::parse("tenant starves queue"), &[]);
        let passage = passage(text, &marks, 60).unwrap();
        assert_eq!(passage.text, "One tenant filled the queue and starved the others.");
        assert_eq!(&text[passage.start..passage.start + passage.text.len()], passage.text);
        let lit: Vec<&str> = passage.highlights.iter().map(|range| &passage.text[range.clone()]).collect();
        assert_eq!(lit, ["tenant", "queue", "starved"]);
    }

    #[test]
    fn long_sentence_is_cut_between_words() {
        let text = format!("{} needle {}", "word ".repeat(100), "word ".repeat(100));
        let marks = Marks::of(&Query::parse("needle"), &[]);
        let passage = passage(&text, &marks, 50).unwrap();
        assert!(passage.text.chars().count() <= 50);
        assert!(passage.text.contains("needle") && passage.text.starts_with("word"), "{passage:?}");
    }

    #[test]
    fn text_without_query_words_has_no_passage() {
        assert_eq!(passage("A text.", &Marks::of(&Query::parse("needle"), &[]), 50), None);
    }

    proptest! {
        #[test]
        fn passages_are_part_of_any_text(text in "(\\PC|cache|tenant|[.\n ]){0,80}", most in 1usize..60) {
            let marks = Marks::of(&Query::parse("caching \"tenant cache\" x"), &[]);
            if let Some(passage) = passage(&text, &marks, most) {
                prop_assert!(passage.text.chars().count() <= most);
                prop_assert_eq!(&text[passage.start..passage.start + passage.text.len()], &passage.text);
                for range in &passage.highlights {
                    prop_assert!(passage.text.get(range.clone()).is_some_and(|text| !text.is_empty()));
                }
            }
            let lit = highlights(&text, &marks);
            prop_assert!(lit.windows(2).all(|pair| pair[0].end <= pair[1].start));
            prop_assert!(lit.iter().all(|range| text.get(range.clone()).is_some()));
        }
    }
}

//! Finds words of the archive that the user probably meant: within an edit distance of one or two,
//! or starting with the typed text.

use std::collections::HashMap;

use tantivy::Term;
use tantivy::query::FuzzyTermQuery;
use tantivy::termdict::TermDictionary;

use super::tokens::STEM;
use crate::{SearchError, Searcher};

/// A word in fewer reads than this may be a typo.
const RARE: u64 = 3;
/// A word replaces an existing one only if it is this many times as frequent.
const MUCH_MORE: u64 = 10;
/// Minimum letters of a word to be corrected by one edit.
const SHORTEST: usize = 4;
/// Minimum letters of a word to be corrected by two edits.
const LONG: usize = 8;
/// Maximum replacements per word.
const MOST_INSTEAD: usize = 3;
/// Minimum letters of an unfinished word that is completed.
const SHORTEST_BEGINNING: usize = 2;
/// Maximum completions of an unfinished word.
const MOST_LONGER: usize = 8;
/// Maximum words per segment that are scanned for completions, so that two letters cost no more
/// than a word.
const MOST_SCANNED: usize = 2_000;

/// The words of the archive.
pub(super) struct Dictionary<'a>(pub(super) &'a Searcher);

/// Words that the user may have meant by `word`, best first: fewest edits, then most frequent.
/// Empty if the word, with its terms `forms`, is frequent enough.
pub(super) fn similar(
    dictionary: &Dictionary<'_>,
    word: &str,
    forms: &[String],
) -> Result<Vec<String>, SearchError> {
    let letters = word.chars().count();
    if letters < SHORTEST || !word.chars().all(char::is_alphabetic) {
        return Ok(Vec::new());
    }
    let known = dictionary.frequency(forms)?;
    if known >= RARE {
        return Ok(Vec::new());
    }
    let enough = if known == 0 { 1 } else { known * MUCH_MORE };
    let furthest = if letters >= LONG { 2 } else { 1 };
    for edits in 1..=furthest {
        let mut found = dictionary.within(word, edits)?;
        found.remove(word);
        let best = most_frequent(found, enough, MOST_INSTEAD);
        if !best.is_empty() {
            return Ok(best);
        }
    }
    Ok(Vec::new())
}

/// The most frequent words that start with `beginning` and are longer.
pub(super) fn beginning_with(
    dictionary: &Dictionary<'_>,
    beginning: &str,
) -> Result<Vec<String>, SearchError> {
    if beginning.chars().count() < SHORTEST_BEGINNING {
        return Ok(Vec::new());
    }
    let mut found = dictionary.beginning(beginning)?;
    found.remove(beginning);
    Ok(most_frequent(found, 1, MOST_LONGER))
}

fn most_frequent(found: HashMap<String, u64>, enough: u64, most: usize) -> Vec<String> {
    let mut found: Vec<(String, u64)> = found.into_iter().filter(|(_, times)| *times >= enough).collect();
    found.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    found.into_iter().take(most).map(|(word, _)| word).collect()
}

impl Dictionary<'_> {
    /// The number of reads with a word in any form.
    fn frequency(&self, forms: &[String]) -> Result<u64, SearchError> {
        let field = self.0.fields().anywhere;
        forms.iter().map(|form| self.0.frequency(&Term::from_field_text(field, form))).sum()
    }

    /// Words at an edit distance of at most `edits` that share the first letter, with their
    /// frequency.
    fn within(&self, word: &str, edits: u8) -> Result<HashMap<String, u64>, SearchError> {
        let first: String = word.chars().take(1).collect();
        let fuzzy = FuzzyTermQuery::new(Term::from_field_text(self.0.fields().anywhere, word), edits, true);
        self.tallied(|terms, tally| {
            let automaton = fuzzy.automaton().map_err(|error| self.0.reading(&error))?;
            let stream = terms.search(automaton).ge(&first).lt(behind(&first));
            let mut stream = stream.into_stream().map_err(|error| self.0.reading(&error.into()))?;
            while stream.advance() {
                tally(stream.key(), stream.value().doc_freq);
            }
            Ok(())
        })
    }

    /// Words with this beginning, with their frequency.
    fn beginning(&self, beginning: &str) -> Result<HashMap<String, u64>, SearchError> {
        self.tallied(|terms, tally| {
            let stream = terms.range().ge(beginning).lt(behind(beginning));
            let mut stream = stream.into_stream().map_err(|error| self.0.reading(&error.into()))?;
            let mut scanned = 0;
            while scanned < MOST_SCANNED && stream.advance() {
                tally(stream.key(), stream.value().doc_freq);
                scanned += 1;
            }
            Ok(())
        })
    }

    /// Adds up the results of `look` in the dictionaries of all segments.
    fn tallied(
        &self,
        look: impl Fn(&TermDictionary, &mut dyn FnMut(&[u8], u32)) -> Result<(), SearchError>,
    ) -> Result<HashMap<String, u64>, SearchError> {
        let mut found: HashMap<String, u64> = HashMap::new();
        for segment in self.0.inner().segment_readers() {
            let inverted = segment.inverted_index(self.0.fields().anywhere);
            let inverted = inverted.map_err(|error| self.0.reading(&error))?;
            look(inverted.terms(), &mut |key, times| {
                if let Ok(word) = std::str::from_utf8(key)
                    && !word.starts_with(STEM)
                    && word.chars().all(char::is_alphabetic)
                {
                    *found.entry(word.to_owned()).or_default() += u64::from(times);
                }
            })?;
        }
        Ok(found)
    }
}

/// The first text in sort order after all texts that start with `beginning`.
fn behind(beginning: &str) -> Vec<u8> {
    let mut end = beginning.as_bytes().to_vec();
    // UTF-8 never contains byte 0xff, so the last byte can be incremented.
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}

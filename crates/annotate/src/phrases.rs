//! Finds many phrases in a text in one pass, as whole words, ignoring ASCII case.
//!
//! A phrase that ends in `*` matches any ending (`fail*` finds `failed`). This module does not know
//! the meaning of phrases.

use aho_corasick::{AhoCorasick, MatchKind};

/// Phrases, each with its meaning.
#[derive(Debug)]
pub(crate) struct Phrases<T> {
    automaton: AhoCorasick,
    entries: Vec<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    open_end: bool,
    meaning: T,
}

/// The byte range of a found phrase, and its meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit<'p, T> {
    pub start: usize,
    pub end: usize,
    pub meaning: &'p T,
}

impl<T> Phrases<T> {
    /// A matcher for `phrases`. If two phrases match at the same position, the longer one wins.
    ///
    /// # Errors
    /// The automaton could not be built. This needs phrases of hundreds of megabytes.
    pub(crate) fn new(
        phrases: impl IntoIterator<Item = (String, T)>,
    ) -> Result<Self, aho_corasick::BuildError> {
        let mut patterns = Vec::new();
        let mut entries = Vec::new();
        for (phrase, meaning) in phrases {
            let open_end = phrase.ends_with('*');
            patterns.push(phrase.trim_end_matches('*').to_owned());
            entries.push(Entry { open_end, meaning });
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&patterns)?;
        Ok(Self { automaton, entries })
    }

    /// The phrases in `text` that are whole words, from left to right, without overlaps.
    pub(crate) fn find(&self, text: &str) -> Vec<Hit<'_, T>> {
        let mut hits: Vec<Hit<'_, T>> = self.find_all(text).collect();
        hits.sort_by_key(|hit| (hit.start, usize::MAX - hit.end));
        let mut covered = (0, 0);
        hits.retain(|hit| {
            let inside = hit.end <= covered.1 && (hit.start, hit.end) != covered;
            if !inside && hit.end > covered.1 {
                covered = (hit.start, hit.end);
            }
            !inside
        });
        hits
    }

    /// All phrases in `text` that are whole words, including overlaps, sorted by end.
    pub(crate) fn find_all<'p, 't>(
        &'p self,
        text: &'t str,
    ) -> impl Iterator<Item = Hit<'p, T>> + use<'p, 't, T> {
        self.automaton.find_overlapping_iter(text).filter_map(move |found| {
            let entry = &self.entries[found.pattern().as_usize()];
            // Most matches are inside a longer word, so rejecting them must only look at the
            // neighbours.
            let begins = !text[..found.start()].chars().next_back().is_some_and(is_word);
            if !begins || found.end() == found.start() {
                return None;
            }
            let rest = &text[found.end()..];
            let goes_on = rest.chars().next().is_some_and(is_word);
            if goes_on && !entry.open_end {
                return None;
            }
            let more = if goes_on { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { 0 };
            Some(Hit { start: found.start(), end: found.end() + more, meaning: &entry.meaning })
        })
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(phrases: &[&str], text: &str) -> Vec<String> {
        let phrases = Phrases::new(phrases.iter().map(|p| ((*p).to_owned(), ()))).unwrap();
        phrases.find(text).iter().map(|h| text[h.start..h.end].to_owned()).collect()
    }

    #[test]
    fn only_whole_words_count_and_the_longest_wins() {
        let list = ["cache", "cache miss", "fail*", "raft"];
        assert_eq!(
            found(&list, "Caches? A CACHE miss failed; drafts of Raft."),
            ["CACHE miss", "failed", "Raft"]
        );
        assert_eq!(found(&list, "äcache cacheß cache_key cache"), ["cache"]);
    }

    #[test]
    fn endless_word_takes_linear_time() {
        // Earlier, each of a hundred thousand matches scanned to the end of the word.
        let text = "cache".repeat(100_000);
        let started = std::time::Instant::now();
        assert_eq!(found(&["cache", "cac*", "he"], &text), [text.as_str()]);
        assert!(started.elapsed() < std::time::Duration::from_secs(5), "{:?}", started.elapsed());
    }

    #[test]
    fn phrase_may_have_two_meanings() {
        let both = Phrases::new([("duplicates".to_owned(), 1), ("duplicates".to_owned(), 2)]).unwrap();
        assert_eq!(both.find("no duplicates").len(), 2);
    }
}

//! Highlights: passages of an article that a reader marked. Finds them again in the text.
//!
//! A passage is stored as a quote with its context (W3C Web Annotation Data Model,
//! TextQuoteSelector) and not as a position, so that it can be found after the article changed.
//! White space is ignored, because a browser's selection has other white space than the article's
//! text.

use std::collections::HashMap;
use std::ops::Range;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::bounds::first_chars;
use crate::signs::clean;
use crate::{NoteText, ReadId, WritingError};

/// Maximum characters of a highlighted passage.
pub const QUOTE_MAX: usize = 2_000;
/// Maximum characters of a remark on a highlight.
pub const HIGHLIGHT_REMARK_MAX: usize = 10_000;
/// Characters of context before and after a passage.
const CONTEXT: usize = 32;
/// A changed passage is still found if at most one of this many words differs.
const WORDS_PER_EDIT: usize = 5;
/// Maximum steps for finding changed passages in one text, about 0.1 s of work. When they are used
/// up, the other passages are only searched for unchanged.
const STEPS_MAX: usize = 20_000_000;

/// A passage of a text with its context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quote {
    /// The text of the passage.
    pub exact: String,
    /// Up to 32 characters before the passage.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Up to 32 characters after the passage.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub suffix: String,
}

/// A passage that a reader marked, possibly with a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// The highlight's row number.
    pub id: i64,
    /// The read whose article has the passage.
    pub read: ReadId,
    /// The passage.
    pub quote: Quote,
    /// The remark in Markdown; may be empty.
    pub remark: NoteText,
    /// A number that grows with each change of the remark.
    pub version: i64,
    /// When it was made.
    pub made_at: Timestamp,
    /// When its remark was last changed.
    pub changed_at: Timestamp,
}

impl Quote {
    /// Makes a quote from the texts of a form or a file. Removes control characters and cuts the
    /// context.
    ///
    /// # Errors
    /// [`WritingError::QuoteEmpty`] or [`WritingError::QuoteTooLong`].
    pub fn new(exact: &str, prefix: &str, suffix: &str) -> Result<Self, WritingError> {
        let exact = clean(exact);
        let exact = exact.trim();
        let characters = exact.chars().count();
        if characters == 0 {
            return Err(WritingError::QuoteEmpty);
        }
        if characters > QUOTE_MAX {
            return Err(WritingError::QuoteTooLong(characters));
        }
        Ok(Self {
            exact: exact.to_owned(),
            prefix: last(&clean(prefix)).to_owned(),
            suffix: first_chars(&clean(suffix), CONTEXT).to_owned(),
        })
    }

    /// The passage at these bytes of a text, with its context.
    fn at(text: &str, place: &Range<usize>) -> Self {
        Self {
            exact: clean(&text[place.clone()]),
            prefix: clean(last(&text[..place.start])),
            suffix: clean(first_chars(&text[place.end..], CONTEXT)),
        }
    }
}

/// Makes a remark from the text of a form.
///
/// # Errors
/// [`WritingError::RemarkTooLong`].
pub fn remark_of(text: &str) -> Result<NoteText, WritingError> {
    let remark = NoteText::from(text.to_owned());
    let characters = remark.characters();
    if characters > HIGHLIGHT_REMARK_MAX {
        return Err(WritingError::RemarkTooLong(characters));
    }
    Ok(remark)
}

fn last(text: &str) -> &str {
    text.char_indices().rev().nth(CONTEXT - 1).map_or(text, |(start, _)| &text[start..])
}

/// The result of a search for a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotePlace {
    /// The passage was found.
    At {
        /// The passage in its present form, with its present context.
        quote: Quote,
        /// Number of bytes before the passage, without white space.
        start: usize,
        /// The text of the passage without white space.
        solid: String,
    },
    /// The passage occurs several times, and the context does not decide which one is meant.
    Several,
    /// The passage does not occur.
    Nowhere,
}

/// A text, prepared for finding passages.
#[derive(Debug)]
pub struct QuotedText<'t> {
    text: &'t str,
    /// The text without white space.
    solid: String,
    /// For each byte of `solid`, its position in the text.
    places: Vec<u32>,
    /// The words of the text, computed when they are first needed.
    words: Option<Words>,
    steps: usize,
}

/// The words of a text as numbers, with their byte ranges.
#[derive(Debug, Default)]
struct Words {
    numbers: HashMap<String, u32>,
    words: Vec<(u32, Range<usize>)>,
}

impl<'t> QuotedText<'t> {
    /// Prepares a text for finding passages.
    pub fn of(text: &'t str) -> Self {
        let (mut solid, mut places) = (String::with_capacity(text.len()), Vec::with_capacity(text.len()));
        for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
            solid.push(c);
            // A text of 4 GiB cannot be stored.
            places.extend((0..c.len_utf8()).map(|byte| u32::try_from(at + byte).unwrap_or(u32::MAX)));
        }
        Self { text, solid, places, words: None, steps: STEPS_MAX }
    }

    /// Finds a passage. An exact match is used if it is the only one, or if its context matches
    /// too. Without an exact match, a changed one is used if no other place is similar.
    pub fn find(&mut self, quote: &Quote) -> QuotePlace {
        let exact = solid(&quote.exact);
        if exact.is_empty() {
            return QuotePlace::Nowhere;
        }
        let all: Vec<usize> = self.solid.match_indices(&exact).map(|(at, _)| at).collect();
        match all[..] {
            [] => self.find_changed(quote),
            [only] => self.at(only..only + exact.len()),
            _ => match self.by_context(quote, &all, exact.len()) {
                Some(at) => self.at(at..at + exact.len()),
                None => QuotePlace::Several,
            },
        }
    }

    /// The position of the first match with the whole context. Otherwise the only match with the
    /// same text before it, or the same text after it.
    fn by_context(&self, quote: &Quote, all: &[usize], length: usize) -> Option<usize> {
        let (prefix, suffix) = (solid(&quote.prefix), solid(&quote.suffix));
        if prefix.is_empty() && suffix.is_empty() {
            return None;
        }
        let before = |at: &usize| self.solid[..*at].ends_with(&prefix);
        let after = |at: &usize| self.solid[*at + length..].starts_with(&suffix);
        if let Some(both) = all.iter().find(|at| before(at) && after(at)) {
            return Some(*both);
        }
        let half = |at: &&usize| (!prefix.is_empty() && before(at)) || (!suffix.is_empty() && after(at));
        let mut halves = all.iter().filter(half);
        halves.next().copied().filter(|_| halves.next().is_none())
    }

    fn at(&self, place: Range<usize>) -> QuotePlace {
        let whole = self.places[place.start] as usize..self.places[place.end - 1] as usize + 1;
        QuotePlace::At {
            quote: Quote::at(self.text, &whole),
            start: place.start,
            solid: self.solid[place].to_owned(),
        }
    }

    /// Finds the only place with the words of the passage and few edits.
    fn find_changed(&mut self, quote: &Quote) -> QuotePlace {
        let text = self.text;
        let words = self.words.get_or_insert_with(|| Words::of(text));
        let pattern = words.numbers_of(&quote.exact);
        let allowed = pattern.len() / WORDS_PER_EDIT;
        if allowed == 0 {
            return QuotePlace::Nowhere;
        }
        let steps = words.words.len() * pattern.len();
        if steps > self.steps {
            return QuotePlace::Nowhere;
        }
        self.steps -= steps;
        // What comes half as near makes the place doubtful.
        let near = words.near(&pattern, 2 * allowed);
        let distance = |found: &&Near| (found.edits, found.words.len().abs_diff(pattern.len()));
        let Some(best) = near.iter().min_by_key(distance).filter(|best| best.edits <= allowed) else {
            return QuotePlace::Nowhere;
        };
        let is_apart =
            |other: &Near| other.words.end <= best.words.start || best.words.end <= other.words.start;
        if near.iter().any(is_apart) {
            return QuotePlace::Several;
        }
        let place = words.words[best.words.start].1.start..words.words[best.words.end - 1].1.end;
        let start = solid(&text[..place.start]).len();
        QuotePlace::At { quote: Quote::at(text, &place), start, solid: solid(&text[place]) }
    }
}

/// A range of words that becomes the pattern by this number of edits.
struct Near {
    edits: usize,
    words: Range<usize>,
}

impl Words {
    fn of(text: &str) -> Self {
        let mut words = Self::default();
        for place in words_in(text) {
            let next = u32::try_from(words.numbers.len()).unwrap_or(u32::MAX);
            let number = *words.numbers.entry(text[place.clone()].to_lowercase()).or_insert(next);
            words.words.push((number, place));
        }
        words
    }

    /// The words of `text` as numbers of this text's words. Unknown words are `None`.
    fn numbers_of(&self, text: &str) -> Vec<Option<u32>> {
        let number = |place: Range<usize>| self.numbers.get(&text[place].to_lowercase()).copied();
        words_in(text).map(number).collect()
    }

    /// All ranges of words that become the pattern by at most `bound` edits. This is Sellers'
    /// algorithm on words, with Ukkonen's cut-off.
    fn near(&self, pattern: &[Option<u32>], bound: usize) -> Vec<Near> {
        let (length, far) = (pattern.len(), bound + 1);
        // Edits and start of the best match of the first words of the pattern that ends here.
        let mut column: Vec<(usize, usize)> = (0..=length).map(|edits| (edits, 0)).collect();
        let mut last = bound.min(length);
        let mut near = Vec::new();
        for (at, (word, _)) in self.words.iter().enumerate() {
            let top = (last + 1).min(length);
            if top > last {
                column[top] = (far, at);
            }
            let mut diagonal = column[0];
            column[0] = (0, at + 1);
            for row in 1..=top {
                let differs = usize::from(pattern[row - 1] != Some(*word));
                let replaced = (diagonal.0 + differs, diagonal.1);
                let added = (column[row].0 + 1, column[row].1);
                let removed = (column[row - 1].0 + 1, column[row - 1].1);
                diagonal = column[row];
                column[row] =
                    [replaced, added, removed].into_iter().min_by_key(|way| way.0).unwrap_or(replaced);
            }
            last = top;
            while column[last].0 > bound {
                last -= 1;
            }
            let (edits, start) = column[length];
            if last == length && start <= at {
                near.push(Near { edits, words: start..at + 1 });
            }
        }
        near
    }
}

/// The byte range of each word: consecutive letters and digits.
fn words_in(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, c) = rest.find(|(_, c)| c.is_alphanumeric())?;
        let mut end = start + c.len_utf8();
        while let Some((at, c)) = rest.next_if(|(_, c)| c.is_alphanumeric()) {
            end = at + c.len_utf8();
        }
        Some(start..end)
    })
}

fn solid(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "It failed at noon.\n\nA queue per tenant kept one customer from slowing everyone down.\n\n\
                        It failed at noon. Then it failed again, and größer.";

    fn quote(exact: &str, prefix: &str, suffix: &str) -> Quote {
        Quote::new(exact, prefix, suffix).unwrap()
    }

    /// The found passage with its context.
    fn found(text: &str, exact: &str, prefix: &str, suffix: &str) -> Option<Quote> {
        match QuotedText::of(text).find(&quote(exact, prefix, suffix)) {
            QuotePlace::At { quote, start, solid: words } => {
                assert_eq!(words, solid(&quote.exact));
                assert!(solid(text)[start..].starts_with(&words), "{start} in {text:?}");
                Some(quote)
            }
            QuotePlace::Several | QuotePlace::Nowhere => None,
        }
    }

    #[test]
    fn quote_is_found_whatever_its_white_space() {
        let there = found(TEXT, " A queue per\r\n\ttenant ", "", "").unwrap();
        assert_eq!(
            there,
            quote("A queue per tenant", "It failed at noon.\n\n", " kept one customer from slowing e")
        );
        assert_eq!(there.suffix.chars().count(), CONTEXT);
        assert_eq!(found(TEXT, "größer.", "", "").unwrap().suffix, "");
        assert_eq!(found(TEXT, "größt", "", ""), None);
        let across = found(TEXT, "everyone down. It failed", "", "").unwrap();
        assert_eq!(across.exact, "everyone down.\n\nIt failed");
    }

    #[test]
    fn context_decides_between_equal_passages() {
        assert_eq!(QuotedText::of(TEXT).find(&quote("It failed at noon.", "", "")), QuotePlace::Several);
        assert_eq!(found(TEXT, "It failed at noon.", "", " A queue").unwrap().prefix, "");
        assert_eq!(
            found(TEXT, "It failed at noon.", "everyone down.", " Then it").unwrap().suffix,
            " Then it failed again, and größe"
        );
        assert_eq!(
            found(TEXT, "It failed at noon.", "everyone down.", " But it").unwrap().prefix,
            "er from slowing everyone down.\n\n",
            "half of the context is enough if only one place has it"
        );
        assert_eq!(found(TEXT, "It failed at noon.", "x", "y"), None);
        assert!(found(TEXT, "A queue per tenant", "gone", "gone").is_some(), "there is only one");
    }

    #[test]
    fn changed_passage_is_found_only_at_one_place() {
        let changed = "A queue for each tenant keeps one customer from slowing everyone else down.";
        let text = TEXT.replace("A queue per tenant kept one customer from slowing everyone down.", changed);
        let old = "A queue per tenant kept one customer from slowing everyone down.";
        assert_eq!(found(&text, old, "", ""), None, "four of eleven words are too many");
        let edited =
            TEXT.replace("kept one", "keeps one").replace("slowing everyone", "slowing, say, everyone");
        let there = found(&edited, old, "", "").unwrap();
        assert_eq!(there.exact, "A queue per tenant keeps one customer from slowing, say, everyone down");
        let twice = format!("{edited} {edited}");
        assert_eq!(QuotedText::of(&twice).find(&quote(old, "", "")), QuotePlace::Several);
        let steps = "Step 1: start the first node. Step 2: start the first node.";
        assert_eq!(
            QuotedText::of(steps).find(&quote("Step 3: start the first node.", "", "")),
            QuotePlace::Several
        );
        assert_eq!(found("It fails at noon", "It failed at noon", "", ""), None, "too short to be sure");
        assert_eq!(found("", old, "", ""), None);
    }

    #[test]
    fn hostile_quotes_and_texts_take_bounded_time() {
        let before = std::time::Instant::now();
        let text = "a ".repeat(40_000);
        let mut text = QuotedText::of(&text);
        for n in 0..500 {
            let words = format!("b{n} ").repeat(40) + &"a ".repeat(400);
            assert!(!matches!(text.find(&quote(&words, "", "")), QuotePlace::At { .. }), "{n}");
        }
        assert!(before.elapsed() < std::time::Duration::from_secs(20), "{:?}", before.elapsed());
    }

    #[test]
    fn quotes_are_bounded_and_without_control_characters() {
        assert_eq!(Quote::new(" \r\n\0", "", ""), Err(WritingError::QuoteEmpty));
        assert_eq!(Quote::new(&"é".repeat(2001), "", ""), Err(WritingError::QuoteTooLong(2001)));
        let long = "ü".repeat(500);
        let cut = quote("a\0b\u{1b}", &format!("{long}x"), &format!("y{long}"));
        assert_eq!(
            (cut.exact.as_str(), cut.prefix.chars().count(), cut.suffix.chars().count()),
            ("ab", 32, 32)
        );
        assert!(cut.prefix.ends_with('x') && cut.suffix.starts_with('y'));
        assert_eq!(remark_of(&"é".repeat(10_001)), Err(WritingError::RemarkTooLong(10_001)));
        assert_eq!(remark_of(" \n").unwrap().as_str(), "");
    }
}

//! Converts units to terms, for the index and for queries.
//!
//! A word's exact form is always a term. If its stem differs, the marked stem is a term too:
//! `caches` gives `caches` and `~cach`, but `block` gives only `block`. So all forms of a word are
//! found by its marked stem and by the stem as a word. This takes half the space of two fields, and
//! phrases can still be exact.

use std::collections::VecDeque;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use super::units::{Unit, units};

/// The character that marks a stem.
pub(crate) const STEM: char = '~';

/// The stem of a lower-case word, if it differs from the word.
pub(crate) fn stem(word: &str) -> Option<String> {
    thread_local! {
        static STEMMER: Stemmer = Stemmer::new(Algorithm::English);
    }
    if word.len() < 3 || !word.chars().all(char::is_alphabetic) {
        return None;
    }
    let stem = STEMMER.with(|stemmer| stemmer.stem(word).into_owned());
    (stem != word && !stem.is_empty()).then_some(stem)
}

/// The terms of a text.
#[derive(Clone, Default)]
pub(crate) struct Words;

impl Tokenizer for Words {
    type TokenStream<'a> = Terms<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Terms<'a> {
        Terms { units: Box::new(units(text)), position: 0, waiting: VecDeque::new(), token: Token::default() }
    }
}

/// An iterator over terms. All terms of a part have the same position. The term for a whole unit
/// has the position of its first part.
pub(crate) struct Terms<'a> {
    units: Box<dyn Iterator<Item = Unit<'a>> + 'a>,
    position: usize,
    waiting: VecDeque<Token>,
    token: Token,
}

impl Terms<'_> {
    fn push(&mut self, text: String, from: usize, to: usize, position: usize) {
        let stem = stem(&text);
        self.waiting.push_back(token(text, from, to, position));
        if let Some(stem) = stem {
            self.waiting.push_back(token(format!("{STEM}{stem}"), from, to, position));
        }
    }

    fn take_apart(&mut self, unit: Unit<'_>) {
        if let Some(whole) = unit.whole() {
            self.push(whole, unit.start, unit.start + unit.text.len(), self.position);
        }
        for (start, part) in unit.parts() {
            self.push(part.to_lowercase(), start, start + part.len(), self.position);
            self.position += 1;
        }
    }
}

fn token(text: String, offset_from: usize, offset_to: usize, position: usize) -> Token {
    Token { offset_from, offset_to, position, text, position_length: 1 }
}

impl TokenStream for Terms<'_> {
    fn advance(&mut self) -> bool {
        while self.waiting.is_empty() {
            let Some(unit) = self.units.next() else { return false };
            self.take_apart(unit);
        }
        if let Some(token) = self.waiting.pop_front() {
            self.token = token;
        }
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<(String, usize)> {
        let mut words = Words;
        let mut stream = words.token_stream(text);
        let mut found = Vec::new();
        stream.process(&mut |token| found.push((token.text.clone(), token.position)));
        found
    }

    #[test]
    fn exact_forms_and_stems_share_a_position() {
        let expected = [("we", 0), ("block", 1), ("caches", 2), ("~cach", 2)];
        assert_eq!(terms("We block caches"), expected.map(|(t, p)| (t.to_owned(), p)));
    }

    #[test]
    fn name_is_indexed_whole_and_in_parts() {
        let expected = [("foobar", 0), ("foo", 0), ("bar", 1), ("it", 2)];
        assert_eq!(terms("foo::bar it"), expected.map(|(t, p)| (t.to_owned(), p)));
    }
}

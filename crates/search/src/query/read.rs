//! Parses a query into its parts.

use super::filter::{Filter, NAMES, Reading};
use super::text::{MOST_TERMS, begins_exclusion, has_letters, is_quote};
use super::{Piece, Query, Sense};

/// Maximum notes on a query, which may be a page of pasted text.
const MOST_NOTES: usize = 5;
/// Maximum bytes of text that a note repeats.
const QUOTED_MAX: usize = 60;

impl Query {
    /// Parses what a person typed. Every text is a valid query.
    pub fn parse(text: &str) -> Self {
        // A line break is a space, also within a cost and a phrase.
        let spaced = backissue_model::collapsed(text);
        let mut reader = Reader { rest: &spaced, query: Query::default() };
        while reader.next_piece() {}
        reader.finish(text)
    }
}

struct Reader<'a> {
    rest: &'a str,
    query: Query,
}

impl<'a> Reader<'a> {
    /// Parses the next part. Returns false at the end of the text.
    fn next_piece(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() {
            return false;
        }
        if self.query.pieces.len() >= MOST_TERMS {
            self.note(format!("Only the first {MOST_TERMS} words were searched."));
            self.rest = "";
            return false;
        }
        let without = left_out(self.rest);
        let body = without.unwrap_or(self.rest);
        let sense = if without.is_some() { Sense::Without } else { Sense::Only };
        if let Some((phrase, rest)) = quoted(body) {
            self.rest = rest;
            self.push_phrase(phrase, sense);
        } else if body.starts_with(is_quote) {
            self.note(
                "A quotation mark is not closed; the text after it was searched without it.".to_owned(),
            );
            self.rest = body.trim_start_matches(is_quote);
        } else if let Some((name, value, rest)) = named(body) {
            self.push_filter(name, value, rest, sense);
        } else {
            self.push_word(body, sense);
        }
        true
    }

    fn push_phrase(&mut self, phrase: &str, sense: Sense) {
        match sense {
            _ if !has_letters(phrase) => {}
            Sense::Only => self.query.pieces.push(Piece::Phrase(phrase.trim().to_owned())),
            Sense::Without => self.query.pieces.push(Piece::Without(phrase.trim().to_owned())),
        }
    }

    fn push_filter(&mut self, name: &str, value: &str, rest: &'a str, sense: Sense) {
        match Filter::read(name, value) {
            Reading::Filter(filter) => {
                self.rest = rest;
                self.query.pieces.push(Piece::Filter(filter, sense));
            }
            Reading::NoSuchValue(reason) => {
                let stop = if reason.ends_with('?') { "" } else { ";" };
                self.note(format!("“{}” {reason}{stop} “{name}:” was searched as words.", short(value)));
                self.take_as_words(rest);
            }
            Reading::NoSuchFilter => {
                let names = NAMES.map(|name| format!("{name}:")).join(" ");
                self.note(format!(
                    "“{}:” is not a filter and was searched as a word; filters are {names}",
                    short(name)
                ));
                self.take_as_words(rest);
            }
        }
    }

    /// Takes everything up to `rest` as words.
    fn take_as_words(&mut self, rest: &'a str) {
        let taken = &self.rest[..self.rest.len() - rest.len()];
        self.rest = rest;
        for word in taken.split(char::is_whitespace) {
            self.push_plain(word);
        }
    }

    /// Takes `text` as a word, or as several if the whole would be parsed as something else.
    fn push_plain(&mut self, text: &str) {
        let word = left_out(text).unwrap_or(text);
        if word.contains(is_quote) {
            word.split(is_quote).for_each(|part| self.push_plain(part));
        } else if is_filter(word) {
            word.split_inclusive(':').for_each(|part| self.push_plain(part));
        } else if has_letters(word) && self.query.pieces.len() < MOST_TERMS {
            self.query.pieces.push(Piece::Word(word.to_owned()));
        }
    }

    fn push_word(&mut self, body: &'a str, sense: Sense) {
        let end = word_end(body);
        let (word, rest) = body.split_at(end);
        self.rest = rest;
        if !has_letters(word) {
            if word == "-" {
                self.note(
                    "A “-” with a space after it excludes nothing; write it directly before the word."
                        .to_owned(),
                );
            }
        } else if sense == Sense::Without {
            let parts: Vec<_> = word.split(is_quote).filter(|part| !part.trim().is_empty()).collect();
            self.query.pieces.push(Piece::Without(parts.join(" ")));
        } else {
            self.push_plain(word);
        }
    }

    fn note(&mut self, note: String) {
        if self.query.notes.len() < MOST_NOTES && !self.query.notes.contains(&note) {
            self.query.notes.push(note);
        }
    }

    fn finish(mut self, text: &str) -> Query {
        let nothing_else = self.query.pieces.iter().all(|piece| matches!(piece, Piece::Without(_)));
        if nothing_else && !self.query.pieces.is_empty() {
            self.note("The query has only exclusions, so they were searched as words.".to_owned());
            for piece in std::mem::take(&mut self.query.pieces) {
                if let Piece::Without(words) = piece {
                    words.split_whitespace().for_each(|word| self.push_plain(word));
                }
            }
        }
        self.query.open_ended = text.ends_with(char::is_alphanumeric);
        self.query
    }
}

/// The text after a leading `-`. Returns `None` if the `-` does not exclude anything.
fn left_out(text: &str) -> Option<&str> {
    text.strip_prefix('-').filter(|rest| begins_exclusion(rest))
}

/// The quoted phrase at the start of `text`, and the rest.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix(is_quote)?;
    let end = inner.find(is_quote)?;
    let behind = inner[end..].chars().next().map_or(end, |c| end + c.len_utf8());
    Some((&inner[..end], &inner[behind..]))
}

/// `name:value` at the start of `text`, and the rest. Times, addresses and paths of code do not
/// count.
fn named(text: &str) -> Option<(&str, &str, &str)> {
    let (name, after) = text.split_once(':')?;
    let is_name = (2..=20).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphabetic());
    if !is_name || after.starts_with([':', '/', '\\']) {
        return None;
    }
    if let Some((value, rest)) = quoted(after) {
        return (!value.trim().is_empty()).then_some((name, value, rest));
    }
    let (value, rest) = after.split_at(word_end(after));
    let value = value.trim_matches(is_quote);
    has_letters(value).then_some((name, value, rest))
}

/// Whether a word is a filter with its value.
fn is_filter(word: &str) -> bool {
    named(word).is_some_and(|(name, value, _)| matches!(Filter::read(name, value), Reading::Filter(_)))
}

/// The end of the word at the start of `text`: at white space, or after the closing bracket of a
/// cost such as `O(n log n)`.
fn word_end(text: &str) -> usize {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    match crate::words::units::units(&text[..text.floor_char_boundary(64)]).next() {
        Some(unit) if unit.text.ends_with(')') && unit.start < end => end.max(unit.start + unit.text.len()),
        _ => end,
    }
}

/// The start of a text, as a note repeats it.
fn short(text: &str) -> String {
    if text.len() <= QUOTED_MAX {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(QUOTED_MAX)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pieces(text: &str) -> Vec<String> {
        let told = |piece: &Piece| match piece {
            Piece::Word(word) => word.clone(),
            Piece::Phrase(phrase) => format!("\"{phrase}\""),
            Piece::Without(words) => format!("-[{words}]"),
            Piece::Filter(filter, Sense::Only) => format!("+{filter}"),
            Piece::Filter(filter, Sense::Without) => format!("-{filter}"),
        };
        Query::parse(text).pieces.iter().map(told).collect()
    }

    #[test]
    fn query_is_split_into_parts() {
        for (text, expected) in [
            ("noisy neighbours", vec!["noisy", "neighbours"]),
            ("\"rate limiter\" slow", vec!["\"rate limiter\"", "slow"]),
            ("“rate limiter”", vec!["\"rate limiter\""]),
            ("cache -redis -\"cache aside\"", vec!["cache", "-[redis]", "-[cache aside]"]),
            (
                "company:\"New York Times\" KIND:incident",
                vec!["+company:\"New York Times\"", "+kind:incident"],
            ),
            ("x -company:acme", vec!["x", "-company:acme"]),
            ("is:UNREAD -is:noted label:\"To Read\"", vec!["+is:unread", "-is:noted", "+label:\"to read\""]),
            ("week:2026-w20 before:2024-05", vec!["+week:2026-W20", "+before:2024-05"]),
            ("at 12:30 https://a.b/c?d=e", vec!["at", "12:30", "https://a.b/c?d=e"]),
            ("std::fs::read a::b", vec!["std::fs::read", "a::b"]),
            ("sort in O(n log n) time", vec!["sort", "in", "O(n log n)", "time"]),
            ("--compilation_config", vec!["--compilation_config"]),
            ("cost -5 degrees", vec!["cost", "-5", "degrees"]),
            ("C++ vs C#", vec!["C++", "vs", "C#"]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
            assert!(Query::parse(text).notes.is_empty(), "{text}: {:?}", Query::parse(text).notes);
        }
    }

    #[test]
    fn invalid_filters_become_words_with_a_note() {
        for (text, expected) in [
            ("kind:nonsense cache", vec!["kind:nonsense", "cache"]),
            ("\"open end", vec!["open", "end"]),
            ("foo:bar", vec!["foo:bar"]),
            ("\"company:acme slow", vec!["+company:acme", "slow"]),
            ("queue -\"dead letter", vec!["queue", "dead", "letter"]),
            ("kind:\"company:x -slow\"", vec!["kind:", "company:", "x", "slow"]),
            ("a - b", vec!["a", "b"]),
            ("before:yesterday", vec!["before:yesterday"]),
            ("is:liked", vec!["is:liked"]),
            ("concept:\"no such thing\"", vec!["concept:", "no", "such", "thing"]),
            ("-Xmx4g", vec!["Xmx4g"]),
            ("-kind:nonsense", vec!["kind:nonsense"]),
        ] {
            assert_eq!(pieces(text), expected, "{text}");
            assert_eq!(Query::parse(text).notes.len(), 1, "{text}: {:?}", Query::parse(text).notes);
        }
    }

    #[test]
    fn pasted_page_is_cut() {
        let query = Query::parse(&"kind:x \"y z\" word ".repeat(10_000));
        assert_eq!(query.pieces.len(), MOST_TERMS);
        assert!(query.notes.len() <= MOST_NOTES);
    }

    proptest! {
        #[test]
        fn any_text_is_a_query(text in "(\\PC|[-\":O()]|company:|week:|before:|label:|is:|\\s){0,60}") {
            let query = Query::parse(&text);
            prop_assert!(query.pieces.len() <= MOST_TERMS);
            for (filter, _) in query.filters() {
                let again: Vec<_> = Query::parse(&filter.to_string()).filters().map(|(f, _)| f.to_string()).collect();
                prop_assert_eq!(again, [filter.to_string()]);
            }
        }

        // Without brackets: they would join words to a cost that a quotation mark between them
        // separates.
        #[test]
        fn any_query_round_trips_through_text(text in "([\\PC--(]|[-\":O]|company:|week:|before:|\\s){0,60}") {
            let query = Query::parse(&text);
            prop_assert_eq!(&Query::parse(&query.to_string()).pieces, &query.pieces, "written as {}", query);
        }
    }
}

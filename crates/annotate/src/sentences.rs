//! Splits a plain text into sentences, as spans.
//!
//! Rule-based: a full stop ends a sentence unless an abbreviation, an initial or a list number
//! precedes it, and only if the text after it looks like the start of a sentence. Versions
//! (`1.2.3`), file names (`main.rs`) and addresses have no space after their stops and stay whole.
//! Code blocks and tables have no sentences. This module does not judge sentences.

use backissue_model::Span;
use backissue_model::cancel::checkpoint;

use crate::blocks::{Block, BlockKind, blocks};

/// The sentences of `text` in order, without white space, list markers or quotation marks around
/// them. Skips headings, code, tables and captions. A text over 4 GiB is cut there, because
/// [`Span`] has 32 bits.
pub fn sentences(text: &str) -> Vec<Span> {
    let blocks = blocks(text, &[]);
    sentences_in(text, &blocks).into_iter().map(|s| s.span).collect()
}

/// A sentence and the index of its block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sentence {
    pub span: Span,
    pub block: usize,
}

/// The sentences of all blocks that have any.
pub(crate) fn sentences_in(text: &str, blocks: &[Block]) -> Vec<Sentence> {
    let mut found = Vec::new();
    for (number, block) in blocks.iter().enumerate() {
        checkpoint();
        if matches!(block.kind, BlockKind::Heading | BlockKind::Code | BlockKind::Table | BlockKind::Caption)
        {
            continue;
        }
        split(&text[block.start..block.end], |start, end| {
            let start = u32::try_from(block.start + start);
            let end = u32::try_from(block.start + end);
            if let (Ok(start), Ok(end)) = (start, end) {
                found.push(Sentence { span: Span { start, end }, block: number });
            }
        });
    }
    found
}

/// Words with a full stop that never end a sentence.
const ABBREVIATIONS: &[&str] = &[
    "e.g", "i.e", "eg", "ie", "vs", "cf", "approx", "ca", "resp", "al", "incl", "excl", "viz", "a.k.a",
    "w.r.t",
];
/// Abbreviations that count only in this spelling. In another one they are words: "9 ms. Then" ends
/// a sentence.
const HONORIFICS: &[&str] = &["Dr", "Mr", "Mrs", "Ms", "Prof", "St", "Sr", "Jr"];
/// Words with a full stop that do not end a sentence if a number follows.
const NUMBERED: &[&str] = &[
    "no", "nos", "fig", "figs", "eq", "eqs", "sec", "ch", "vol", "pp", "p", "v", "ver", "ref", "refs", "jan",
    "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec",
];

/// Calls `each` with the start and end of each sentence in the text of one block.
fn split(body: &str, mut each: impl FnMut(usize, usize)) {
    let mut start = 0;
    let mut chars = body.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let wide = matches!(c, '。' | '！' | '？');
        if !wide && !matches!(c, '.' | '!' | '?' | '…') {
            continue;
        }
        let mut end = at + c.len_utf8();
        while let Some(&(next_at, next)) = chars.peek() {
            if !matches!(next, '.' | '!' | '?' | '…' | ')' | ']' | '"' | '”' | '’' | '\'' | '»' | '。' | '」')
            {
                break;
            }
            end = next_at + next.len_utf8();
            chars.next();
        }
        if wide || ends_here(body, start, at, end) {
            emit(body, start, end, &mut each);
            start = end;
        }
    }
    emit(body, start, body.len(), &mut each);
}

/// Whether the stop at `at`, with closing marks up to `end`, ends the sentence that starts at
/// `start`.
fn ends_here(body: &str, start: usize, at: usize, end: usize) -> bool {
    let rest = &body[end..];
    if rest.trim_start().is_empty() {
        return true;
    }
    if !rest.starts_with(char::is_whitespace) {
        return false;
    }
    let next = rest.trim_start().trim_start_matches(['"', '“', '‘', '\'', '(', '[', '«', '¿', '¡', '*', '`']);
    if next.chars().next().is_none_or(char::is_lowercase) {
        return false;
    }
    if !body[at..].starts_with('.') {
        return true;
    }
    let before = &body[start..at];
    let word_at = before
        .rfind(|c: char| c.is_whitespace() || c == '(' || c == '[')
        .map_or(0, |p| p + before[p..].chars().next().map_or(1, char::len_utf8));
    let word = &before[word_at..];
    let among = |list: &[&str]| list.iter().any(|a| a.eq_ignore_ascii_case(word));
    let numbered = next.starts_with(|c: char| c.is_ascii_digit()) && among(NUMBERED);
    if among(ABBREVIATIONS) || HONORIFICS.contains(&word) || numbered {
        return false;
    }
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase) && word != "I";
    let list_number = word_at == 0 && !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    !initial && !list_number
}

/// Reports a trimmed range, unless it is empty.
fn emit(body: &str, start: usize, end: usize, each: &mut impl FnMut(usize, usize)) {
    let piece = &body[start..end];
    let from = start + (piece.len() - piece.trim_start().len());
    let to = start + piece.trim_end().len();
    if from < to && body[from..to].chars().any(char::is_alphanumeric) {
        each(from, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(text: &str) -> Vec<&str> {
        sentences(text).iter().map(|s| &text[s.start as usize..s.end as usize]).collect()
    }

    #[test]
    fn stops_inside_a_sentence_do_not_end_it() {
        for one in [
            "We moved from 1.2.3 to 2.0 in May.",
            "Open src/main.rs. in vain.",
            "In Fig. 3 and No. 4 it fell.",
            "Use a cache, e.g. Redis, or none at all.",
            "Dr. Ada measured 3.5 ms vs. 4.1 ms.",
            "The paper of J. Dean et al. Showed it.",
            "Node.js and Next.js were slow.",
            "See https://example.com/a.html for more.",
            "It was up (i.e. It did answer).",
        ] {
            assert_eq!(texts(one), [one]);
        }
    }

    #[test]
    fn sentences_end_at_their_full_stops() {
        let text =
            "It broke. \"Again?\" asked Ada. Yes! It took 3 ms. 40 people saw it.\nThen (at last.) We slept…";
        assert_eq!(
            texts(text),
            [
                "It broke.", "\"Again?\" asked Ada.", "Yes!", "It took 3 ms.", "40 people saw it.",
                "Then (at last.)", "We slept…"
            ]
        );
    }

    #[test]
    fn code_tables_headings_and_list_markers_are_no_sentences() {
        let text = "The fix\n\nIt works.\n\nlet a = b;\nfoo(a);\n\n- Fast. Really.\n2. Cheap\n\na | b | c\n1 | 2 | 3";
        assert_eq!(texts(text), ["It works.", "Fast.", "Really.", "Cheap"]);
    }

    #[test]
    fn scripts_without_spaces_are_split_too() {
        assert_eq!(texts("数据库很慢。我们换了索引。"), ["数据库很慢。", "我们换了索引。"]);
    }

    proptest! {
        #[test]
        fn any_text_gives_ordered_spans(text in "(\\PC|[.!?。\n -]|- |1\\. ){0,80}") {
            let mut last = 0;
            for span in sentences(&text) {
                prop_assert!(span.start >= last && span.start < span.end);
                prop_assert!(text.get(span.start as usize..span.end as usize).is_some());
                last = span.end;
            }
        }
    }
}

//! Detects whether a text is English. The built-in annotator knows signs and grammar of no other
//! language.
//!
//! This module does not detect other languages.

use crate::blocks::{Block, BlockKind};

/// Words that are frequent in English texts and rare in texts of other languages.
const ENGLISH: &[&str] = &[
    "the", "of", "and", "to", "that", "with", "are", "this", "it", "for", "from", "have", "not", "you", "by",
    "on", "as",
];

/// Maximum words that are examined.
const ENOUGH: usize = 600;
/// A text with at least this many words and no declared language must contain a word of
/// [`ENGLISH`].
const SHORT: usize = 8;
/// Minimum words for a decision by the text. For shorter texts, the declared language decides.
const TOO_FEW: usize = 25;
/// Minimum share of words of [`ENGLISH`] in an English text. English prose has 0.25 to 0.4; with
/// much code, 0.15. Dutch, the most similar language, stays below 0.1.
const SHARE: f32 = 0.12;

/// Whether an article is English. Lists and code have few of the words in [`ENGLISH`], so
/// paragraphs decide. If the paragraphs are short, the title and lists are included. If all of it
/// is short, the language that the page declares decides.
pub(crate) fn is_english(title: &str, text: &str, blocks: &[Block], declared: Option<&str>) -> bool {
    let of = |is: fn(BlockKind) -> bool| {
        blocks.iter().filter(move |block| is(block.kind)).map(|block| &text[block.start..block.end])
    };
    let paragraphs = of(|kind| kind == BlockKind::Paragraph);
    let prose = [title].into_iter().chain(of(|kind| !matches!(kind, BlockKind::Code | BlockKind::Table)));
    let (mut words, mut english) = counted(paragraphs);
    if words < TOO_FEW {
        (words, english) = counted(prose.clone());
    }
    if words < TOO_FEW {
        let declared_english = match declared {
            Some(tag) => tag.get(..2).is_some_and(|l| l.eq_ignore_ascii_case("en")),
            None => words < SHORT || english > 0,
        };
        let length: usize = prose.clone().map(str::len).sum();
        let other_letters = prose.flat_map(str::bytes).filter(|b| !b.is_ascii()).count();
        return declared_english && other_letters * 4 <= length;
    }
    english as f32 >= SHARE * words as f32
}

/// A text with at least this many words and no word of [`ENGLISH`] is certainly not English.
const WITHOUT: usize = 20;

/// Whether a text is certainly not English: it has at least [`WITHOUT`] words, and none of them is
/// in [`ENGLISH`].
pub(crate) fn is_not_english(text: &str) -> bool {
    let (words, english) = counted(std::iter::once(text));
    words >= WITHOUT && english == 0
}

/// The number of words, and how many of them are in [`ENGLISH`].
fn counted<'t>(stretches: impl Iterator<Item = &'t str>) -> (usize, usize) {
    let (mut words, mut english) = (0, 0);
    let all = stretches.flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    for word in all.filter(|word| !word.is_empty()).take(ENOUGH) {
        words += 1;
        english += usize::from(ENGLISH.iter().any(|known| known.eq_ignore_ascii_case(word)));
    }
    (words, english)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::blocks;

    #[test]
    fn declared_language_decides_only_short_texts() {
        let german = "Die Warteschlange war voll, und der Dienst antwortete nicht mehr, bis wir in der Nacht die Grenze \
                      angehoben hatten. In diesem Beitrag erzählen wir, was in jener Nacht geschah und was wir gelernt haben.";
        let dutch = "De wachtrij was vol en de dienst gaf geen antwoord meer tot we in de nacht de limiet hadden verhoogd. In dit \
                     artikel is te lezen wat er is gebeurd en wat we hebben geleerd van deze storing met de database.";
        let english = "The queue was full and the service did not answer any more until we raised the limit in the night. This is \
                       what happened, and what we have learnt from it since.";
        for (text, declared, expected) in [
            (german, Some("en"), false),
            (dutch, Some("en"), false),
            (english, Some("de"), true),
            ("Rust 1.2", Some("en-GB"), true),
            ("Rust 1.2", Some("fr"), false),
            ("数据库很慢", None, false),
            ("Warum unsere Cluster jede Nacht ausfielen und niemand es sah", None, false),
            ("How the nine o'clock stampede ended", None, true),
        ] {
            let blocks = blocks(text, &[]);
            assert_eq!(is_english("", text, &blocks, declared), expected, "{text}");
        }
    }
}

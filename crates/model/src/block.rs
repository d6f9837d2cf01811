//! The blocks of an article's text: headings, paragraphs, list items, code.

use std::fmt::{self, Write as _};
use std::ops::Deref;
use std::str::FromStr;

use serde::Serialize;

use crate::Span;

/// The kind of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BlockKind {
    /// A heading of any level.
    Heading,
    /// A paragraph, or text between other blocks that has no element.
    Paragraph,
    /// The text of a list item without its nested blocks, or a term or description of a description
    /// list.
    ListItem,
    /// A paragraph of a quotation.
    Quote,
    /// A whole table.
    Table,
    /// Preformatted text.
    Code,
    /// A caption of a figure or table.
    Caption,
}

/// A block: a span of an article's text with its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Block {
    /// Its span in the text, in bytes.
    pub span: Span,
    /// Its kind.
    pub kind: BlockKind,
}

/// The blocks of an article, in order and without overlaps.
///
/// They are stored as text, one block per word: the letter of its kind, its first byte and the byte
/// after its last, as in `h0-12 p14-90`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Blocks(pub Vec<Block>);

/// The text is not a list of blocks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a block; expected a kind's letter and two positions, as in `p14-90`")]
pub struct BlocksError(String);

impl BlockKind {
    const LETTERS: [(Self, char); 7] = [
        (Self::Heading, 'h'),
        (Self::Paragraph, 'p'),
        (Self::ListItem, 'l'),
        (Self::Quote, 'q'),
        (Self::Table, 't'),
        (Self::Code, 'c'),
        (Self::Caption, 'f'),
    ];

    fn letter(self) -> char {
        Self::LETTERS.into_iter().find(|(kind, _)| *kind == self).map_or('p', |(_, letter)| letter)
    }
}

impl Deref for Blocks {
    type Target = [Block];

    fn deref(&self) -> &[Block] {
        &self.0
    }
}

impl fmt::Display for Blocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Block { span, kind }) in self.iter().enumerate() {
            if at > 0 {
                f.write_char(' ')?;
            }
            write!(f, "{}{}-{}", kind.letter(), span.start, span.end)?;
        }
        Ok(())
    }
}

impl FromStr for Blocks {
    type Err = BlocksError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let block = |word: &str| {
            let letter = word.chars().next()?;
            let (kind, _) = BlockKind::LETTERS.into_iter().find(|(_, of_kind)| *of_kind == letter)?;
            let (start, end) = word[1..].split_once('-')?;
            let span = Span { start: start.parse().ok()?, end: end.parse().ok()? };
            (span.start < span.end).then_some(Block { span, kind })
        };
        let blocks =
            text.split_whitespace().map(|word| block(word).ok_or_else(|| BlocksError(word.to_owned())));
        blocks.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_round_trip_through_text() {
        let kinds = BlockKind::LETTERS.into_iter().zip((0..).step_by(10));
        let blocks = Blocks(
            kinds.map(|((kind, _), start)| Block { span: Span { start, end: start + 9 }, kind }).collect(),
        );
        assert_eq!(blocks.to_string(), "h0-9 p10-19 l20-29 q30-39 t40-49 c50-59 f60-69");
        assert_eq!(blocks.to_string().parse(), Ok(blocks));
        assert_eq!("".parse(), Ok(Blocks::default()));
    }

    #[test]
    fn malformed_block_is_named() {
        for wrong in ["x1-2", "p", "p12", "p2-1", "p1-1", "p-1-2", "é1-2", "p1-99999999999"] {
            let error = format!("h0-1 {wrong}").parse::<Blocks>().unwrap_err();
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }
}

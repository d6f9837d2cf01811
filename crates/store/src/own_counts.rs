//! How much a reader made: marks, notes and everything else that is the reader's own.

use backissue_model::ReaderId;

use crate::database::{Row, Tried, sql};
use crate::{Store, StoreError};

/// How much a reader made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnCounts {
    /// Reads that the reader keeps, is done with or hides.
    pub marks: u64,
    /// Notes with a text.
    pub notes: u64,
    /// Highlights that were not removed.
    pub highlights: u64,
    /// Labels, counted per read.
    pub labels: u64,
    /// Cards that will be shown again.
    pub cards: u64,
    /// Answers to cards.
    pub answers: u64,
    /// Saved searches.
    pub searches: u64,
    /// Tokens of programs.
    pub tokens: u64,
    /// Webhooks.
    pub webhooks: u64,
}

impl OwnCounts {
    /// The counts that are not zero, in words: `3 marks, 2 notes and 1 token`. `None` if all are.
    pub fn in_words(&self) -> Option<String> {
        let all = [
            (self.marks, "mark", "marks"),
            (self.notes, "note", "notes"),
            (self.highlights, "highlight", "highlights"),
            (self.labels, "label", "labels"),
            (self.cards, "card", "cards"),
            (self.answers, "answer", "answers"),
            (self.searches, "saved search", "saved searches"),
            (self.tokens, "token", "tokens"),
            (self.webhooks, "webhook", "webhooks"),
        ];
        let made = all.into_iter().filter(|(count, ..)| *count > 0);
        let words = made.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }));
        let mut words: Vec<String> = words.collect();
        let last = words.pop()?;
        Some(if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) })
    }
}

impl Store {
    /// How much a reader made. Nothing if there is no such reader.
    pub async fn own_counts(&self, reader: ReaderId) -> Result<OwnCounts, StoreError> {
        let query = sql("SELECT
                (SELECT count(*) FROM mark WHERE reader_id = $1
                    AND (kept_at IS NOT NULL OR done_at IS NOT NULL OR hidden_at IS NOT NULL)) AS marks,
                (SELECT count(*) FROM note WHERE reader_id = $1 AND text <> '') AS notes,
                (SELECT count(*) FROM highlight WHERE reader_id = $1 AND removed_at IS NULL) AS highlights,
                (SELECT count(*) FROM label WHERE reader_id = $1) AS labels,
                (SELECT count(*) FROM card WHERE reader_id = $1) AS cards,
                (SELECT count(*) FROM card_answer WHERE reader_id = $1) AS answers,
                (SELECT count(*) FROM saved_search WHERE reader_id = $1) AS searches,
                (SELECT count(*) FROM token WHERE reader_id = $1) AS tokens,
                (SELECT count(*) FROM webhook WHERE reader_id = $1) AS webhooks");
        let made = self.one("counting what a reader made", query.bind(reader.0), counts_of_row);
        Ok(made.await?.unwrap_or_default())
    }
}

fn counts_of_row(row: &Row) -> Tried<OwnCounts> {
    Ok(OwnCounts {
        marks: row.count("marks")?,
        notes: row.count("notes")?,
        highlights: row.count("highlights")?,
        labels: row.count("labels")?,
        cards: row.count("cards")?,
        answers: row.count("answers")?,
        searches: row.count("searches")?,
        tokens: row.count("tokens")?,
        webhooks: row.count("webhooks")?,
    })
}

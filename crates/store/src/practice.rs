//! Practising with reads: tables `card` and `card_answer`.
//!
//! The answers are stored unchanged. The time when a card is shown next is computed from them by
//! the caller's rule ([`NextShowing`]). The time is stored, too, so that due cards can be found.

use std::collections::HashMap;

use backissue_model::{CardAnswer, Deck, Label, NoteText, Precis, Rated, Rating, ReadId, ReaderId};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cards::NOT_HIDDEN;
use crate::database::{Row, Sql, Tried, Tx, Value, placeholders, sql, sql_listing, sql_of, sql_once};
use crate::error::Failure;
use crate::keys::concept_list;
use crate::marks::{existing, new_number};
use crate::pages::{CARD, card_of_row};
use crate::times::millis;
use crate::{ReadCard, Store, StoreError};

/// A rule that computes when a card with these answers is shown next. Days begin at midnight in the
/// archive's time zone.
pub type NextShowing = fn(&[Rated], &TimeZone) -> Timestamp;

/// Maximum reads that a caller can skip.
const SKIPPED_MAX: usize = 100;
/// Maximum answers of a session that are listed.
const SESSION_MAX: i64 = 100;
/// Maximum number to which due cards are counted.
const DUE_MAX: i64 = 1000;

/// A read of a deck with what is on its card.
#[derive(Clone, Debug, PartialEq)]
pub struct DeckCard {
    /// The read.
    pub card: ReadCard,
    /// The précis.
    pub precis: Precis,
    /// The reader's labels for it.
    pub labels: Vec<Label>,
    /// The reader's last answer that has a text; empty if there is none.
    pub answer: NoteText,
}

impl Store {
    /// The next read of a deck for a reader: the card that has been due for longest, or else a read
    /// that the reader has not rated yet. Skips reads that the reader hides, and reads without a
    /// likely problem and approach.
    pub async fn draw(
        &self,
        reader: ReaderId,
        deck: &Deck,
        skipped: &[ReadId],
        now: Timestamp,
    ) -> Result<Option<ReadId>, StoreError> {
        self.run("drawing a card", async {
            let due = self.drawn(Drawing::due(reader, deck, now), skipped).await?;
            if due.is_some() { Ok(due) } else { self.drawn(Drawing::unseen(reader, deck), skipped).await }
        })
        .await
    }

    async fn drawn(&self, drawing: Drawing, skipped: &[ReadId]) -> Tried<Option<ReadId>> {
        let row = self.database.row(drawing.query(skipped)).await?;
        row.map(|row| row.int("id").map(ReadId)).transpose()
    }

    /// How many cards of the reader are due, counted up to 1,000.
    pub async fn due_cards(&self, reader: ReaderId, now: Timestamp) -> Result<u64, StoreError> {
        let Drawing { from, conditions, values, .. } = Drawing::due(reader, &Deck::Everything, now);
        let query = format!(
            "SELECT count(*) AS cards FROM (SELECT r.id FROM {from} WHERE {} LIMIT {DUE_MAX}) AS due",
            conditions.join(" AND ")
        );
        let query = sql_of(query).bind_all(values);
        Ok(self.one("counting cards", query, |row| row.count("cards")).await?.unwrap_or(0))
    }

    /// Whether a deck has a card.
    pub async fn has_cards(&self, reader: ReaderId, deck: &Deck) -> Result<bool, StoreError> {
        let found = self.run("looking for a card", self.drawn(Drawing::all(reader, deck), &[])).await?;
        Ok(found.is_some())
    }

    /// All decks with a card: the shelf, everything, labels by name, and concepts by slug.
    pub async fn decks(&self, reader: ReaderId) -> Result<Vec<Deck>, StoreError> {
        let mut decks = Vec::new();
        for deck in [Deck::Shelf, Deck::Everything] {
            if self.has_cards(reader, &deck).await? {
                decks.push(deck);
            }
        }
        self.run("listing decks", async {
            for row in self.database.rows(Drawing::labels(reader)).await? {
                decks.push(Deck::Label(row.parsed("name")?));
            }
            for row in self.database.rows(Drawing::concepts(reader)).await? {
                decks.push(Deck::Concept(row.parsed("slug")?));
            }
            Ok(decks)
        })
        .await
    }

    /// At most `limit` cards of a deck in the order in which they are drawn first.
    pub async fn deck(&self, reader: ReaderId, deck: &Deck, limit: u32) -> Result<Vec<DeckCard>, StoreError> {
        self.run("listing a deck", async {
            let Drawing { from, order, conditions, values } = Drawing::all(reader, deck);
            let query = format!(
                "SELECT {CARD}, p.body FROM {from} JOIN source s ON s.id = r.source_id
                 JOIN precis p ON p.read_id = r.id
                 WHERE {} ORDER BY {order} LIMIT {limit}",
                conditions.join(" AND ")
            );
            let rows = self.database.rows(sql_of(query).bind_all(values)).await?;
            let (mut labels, mut answers) = (HashMap::new(), HashMap::new());
            let reads = rows.iter().map(|row| row.int("id").map(ReadId)).collect::<Tried<Vec<_>>>()?;
            for some in reads.chunks(500) {
                labels.extend(self.labels_of(reader, some).await?);
                answers.extend(self.last_answers(reader, some).await?);
            }
            let card = |row: &Row| {
                let card = card_of_row(row)?;
                Ok(DeckCard {
                    precis: row.json("body")?,
                    labels: labels.remove(&card.id).unwrap_or_default(),
                    answer: answers.remove(&card.id).unwrap_or_default(),
                    card,
                })
            };
            rows.iter().map(card).collect()
        })
        .await
    }

    async fn last_answers(&self, reader: ReaderId, reads: &[ReadId]) -> Tried<HashMap<ReadId, NoteText>> {
        let query = format!(
            "SELECT read_id, text FROM card_answer WHERE reader_id = $1 AND text <> '' AND read_id IN ({})
             ORDER BY answered_at, id",
            placeholders(2, reads.len())
        );
        let query = sql_listing(query, reads.len()).bind(reader.0).bind_all(reads.iter().map(|id| id.0));
        let rows = self.database.rows(query).await?;
        rows.iter()
            .map(|row| Ok((ReadId(row.int("read_id")?), NoteText::stored(row.text("text")?))))
            .collect()
    }

    /// Stores a reader's answer about a read's problem, without a rating.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader or read; otherwise if the database
    /// fails.
    pub async fn answer_card(
        &self,
        reader: ReaderId,
        read: ReadId,
        text: &NoteText,
        now: Timestamp,
    ) -> Result<CardAnswer, StoreError> {
        let kept = self
            .retry("keeping an answer", || async {
                let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
                let Some(read) = existing(&mut tx, read).await? else {
                    tx.abandon().await?;
                    return Ok(Some(None));
                };
                // Cards that were turned over and left.
                let tidy = sql("DELETE FROM card_answer WHERE reader_id = $1 AND read_id = $2 
                    AND rating IS NULL AND text = ''");
                tx.run(tidy.bind(reader.0).bind(read.0)).await?;
                let number = new_number(&mut tx, "card_answer", reader).await?;
                let insert = sql("INSERT INTO card_answer (id, reader_id, read_id, text, answered_at)
                 VALUES ($1, $2, $3, $4, $5) RETURNING id, read_id, text, rating, answered_at");
                let insert =
                    insert.bind(number).bind(reader.0).bind(read.0).bind(text.as_str()).bind(millis(now));
                let row = tx.row(insert).await?;
                let row = row.ok_or_else(|| Failure::Unreadable("an answer without a row".into()))?;
                let answer = answer_of_row(&row)?;
                tx.commit().await?;
                Ok(Some(Some(answer)))
            })
            .await?;
        self.done_to(kept, reader, read)
    }

    /// Stores the rating of an answer, and when the card is shown next. A later rating of the same
    /// answer replaces an earlier one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the reader has no such answer; otherwise if the database fails.
    pub async fn rate_card(
        &self,
        reader: ReaderId,
        answer: i64,
        rating: Rating,
        next: NextShowing,
    ) -> Result<CardAnswer, StoreError> {
        let update = sql("UPDATE card_answer SET rating = $3 WHERE id = $1 AND reader_id = $2
             RETURNING id, read_id, text, rating, answered_at");
        let update = update.bind(answer).bind(reader.0).bind(rating.as_str());
        let rated = self.change_answer("rating an answer", reader, update, next).await?;
        rated.ok_or_else(|| self.not_found(format!("answer {answer}")))
    }

    /// Removes an answer, and with it the effect of its rating on the card.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the reader has no such answer; otherwise if the database fails.
    pub async fn remove_answer(
        &self,
        reader: ReaderId,
        answer: i64,
        next: NextShowing,
    ) -> Result<CardAnswer, StoreError> {
        let delete = sql("DELETE FROM card_answer WHERE id = $1 AND reader_id = $2
             RETURNING id, read_id, text, rating, answered_at");
        let delete = delete.bind(answer).bind(reader.0);
        let removed = self.change_answer("removing an answer", reader, delete, next).await?;
        removed.ok_or_else(|| self.not_found(format!("answer {answer}")))
    }

    /// Changes one answer by a statement that returns it, and updates its card.
    async fn change_answer(
        &self,
        doing: &'static str,
        reader: ReaderId,
        statement: Sql,
        next: NextShowing,
    ) -> Result<Option<CardAnswer>, StoreError> {
        self.retry(doing, || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let Some(row) = tx.row(statement.clone()).await? else {
                tx.abandon().await?;
                return Ok(None);
            };
            let answer = answer_of_row(&row)?;
            schedule(&mut tx, reader, answer.read, next, &self.zone).await?;
            tx.commit().await?;
            Ok(Some(answer))
        })
        .await
    }

    /// One answer of a reader's.
    pub async fn card_answer(&self, reader: ReaderId, id: i64) -> Result<Option<CardAnswer>, StoreError> {
        let query = sql(
            "SELECT id, read_id, text, rating, answered_at FROM card_answer WHERE reader_id = $1 AND id = $2",
        );
        self.one("looking up an answer", query.bind(reader.0).bind(id), answer_of_row).await
    }

    /// A reader's answers about a read, the newest first.
    pub async fn card_answers(&self, reader: ReaderId, read: ReadId) -> Result<Vec<CardAnswer>, StoreError> {
        let query = sql("SELECT id, read_id, text, rating, answered_at FROM card_answer
             WHERE reader_id = $1 AND read_id = $2 AND (rating IS NOT NULL OR text <> '')
             ORDER BY answered_at DESC, id DESC");
        self.list("looking up answers", query.bind(reader.0).bind(read.0), answer_of_row).await
    }

    /// The number of the reader's last answer; 0 if there is none.
    pub async fn last_answer(&self, reader: ReaderId) -> Result<i64, StoreError> {
        let query =
            sql("SELECT coalesce(max(id), 0) AS id FROM card_answer WHERE reader_id = $1").bind(reader.0);
        Ok(self.one("looking up the last answer", query, |row| row.int("id")).await?.unwrap_or(0))
    }

    /// The reader's rated answers with an id above `after`, oldest first, at most 100.
    pub async fn answers_after(&self, reader: ReaderId, after: i64) -> Result<Vec<CardAnswer>, StoreError> {
        let query = sql("SELECT id, read_id, text, rating, answered_at FROM card_answer
             WHERE reader_id = $1 AND id > $2 AND rating IS NOT NULL ORDER BY id LIMIT $3");
        self.list(
            "looking up a session's answers",
            query.bind(reader.0).bind(after).bind(SESSION_MAX),
            answer_of_row,
        )
        .await
    }
}

/// A selection of reads and their order. `$1` is the reader.
pub(crate) struct Drawing {
    from: &'static str,
    order: &'static str,
    conditions: Vec<String>,
    values: Vec<Value>,
}

/// The same condition as `r.practisable = 1`, in a form for which SQLite does not use the index of
/// all such reads.
const PRACTISABLE: &str = "r.practisable > 0";

/// Joins a read to a row that names it. With `CROSS JOIN`, SQLite starts with the row. Without it,
/// SQLite may scan all reads.
fn joined(table: &str) -> String {
    format!("r.id = {table}.read_id")
}

impl Drawing {
    /// All cards of a deck, in the order of the deck's index.
    fn all(reader: ReaderId, deck: &Deck) -> Self {
        let (from, order) = match deck {
            Deck::Shelf => ("mark d CROSS JOIN read r", "d.kept_at DESC, d.read_id DESC"),
            Deck::Label(_) => ("label d CROSS JOIN read r", "r.filed_at DESC, r.id DESC"),
            Deck::Concept(_) => ("listing d CROSS JOIN read r", "d.filed_at DESC, d.read_id DESC"),
            Deck::Everything => ("read r", "r.filed_at DESC, r.id DESC"),
        };
        let mut drawing = Self::along(from, order, reader);
        if *deck == Deck::Everything {
            drawing.conditions.push("r.practisable = 1".to_owned());
        } else {
            drawing.conditions.extend([joined("d"), PRACTISABLE.to_owned()]);
        }
        drawing.conditions.extend(drawing_conditions(deck, &mut drawing.values));
        drawing
    }

    /// Cards of a deck that have no time to be shown next.
    pub(crate) fn unseen(reader: ReaderId, deck: &Deck) -> Self {
        let mut drawing = Self::all(reader, deck);
        drawing
            .conditions
            .push("NOT EXISTS (SELECT 1 FROM card c WHERE c.reader_id = $1 AND c.read_id = r.id)".to_owned());
        drawing
    }

    /// Cards of a deck that are due, in the order of the index of due cards.
    pub(crate) fn due(reader: ReaderId, deck: &Deck, now: Timestamp) -> Self {
        let mut drawing = Self::along("card c CROSS JOIN read r", "c.due_at, c.read_id", reader);
        drawing.values.push(millis(now).into());
        drawing.conditions.extend([joined("c"), PRACTISABLE.to_owned()]);
        drawing.conditions.extend(["c.reader_id = $1".to_owned(), "c.due_at <= $2".to_owned()]);
        let table = match deck {
            Deck::Shelf => "mark",
            Deck::Label(_) => "label",
            Deck::Concept(_) => "listing",
            Deck::Everything => return drawing,
        };
        let of_deck = drawing_conditions(deck, &mut drawing.values).join(" AND ");
        drawing
            .conditions
            .push(format!("EXISTS (SELECT 1 FROM {table} d WHERE d.read_id = r.id AND {of_deck})"));
        drawing
    }

    /// The labels with a card.
    fn labels(reader: ReaderId) -> Sql {
        let Self { from, conditions, values, .. } = Self::along("label d CROSS JOIN read r", "", reader);
        let query = format!(
            "SELECT DISTINCT d.name FROM {from}
             WHERE d.reader_id = $1 AND {} AND {PRACTISABLE} AND {} ORDER BY d.name",
            joined("d"),
            conditions.join(" AND ")
        );
        sql_of(query).bind_all(values)
    }

    /// The concepts with a card. Looks for one card per concept of the archive: without `OFFSET`,
    /// PostgreSQL would join all cards of all concepts.
    pub(crate) fn concepts(reader: ReaderId) -> Sql {
        let Self { from, conditions, values, .. } = Self::along("listing d CROSS JOIN read r", "", reader);
        let query = format!(
            "SELECT substr(t.facet, 9) AS slug FROM tally t
             WHERE t.list = 'all' AND substr(t.facet, 1, 8) = 'concept/' AND t.reads > 0 AND EXISTS (
                SELECT 1 FROM {from} WHERE d.list = t.facet AND d.practisable = 1 AND {} AND {PRACTISABLE} AND {}
                LIMIT 1 OFFSET 0)
             ORDER BY t.facet",
            joined("d"),
            conditions.join(" AND ")
        );
        sql_of(query).bind_all(values)
    }

    fn along(from: &'static str, order: &'static str, reader: ReaderId) -> Self {
        let conditions = vec!["r.stage = 'annotated'".to_owned(), NOT_HIDDEN.to_owned()];
        Self { from, order, conditions, values: vec![reader.0.into()] }
    }

    /// The first of them that is not skipped.
    pub(crate) fn query(mut self, skipped: &[ReadId]) -> Sql {
        let skipped = &skipped[..skipped.len().min(SKIPPED_MAX)];
        if !skipped.is_empty() {
            let these = placeholders(self.values.len() + 1, skipped.len());
            self.conditions.push(format!("r.id NOT IN ({these})"));
            self.values.extend(skipped.iter().map(|id| Value::from(id.0)));
        }
        let Self { from, order, conditions, values } = self;
        let text =
            format!("SELECT r.id FROM {from} WHERE {} ORDER BY {order} LIMIT 1", conditions.join(" AND "));
        let query = if skipped.is_empty() { sql_of(text) } else { sql_once(text) };
        query.bind_all(values)
    }
}

/// The conditions under which a row `d` belongs to the deck.
fn drawing_conditions(deck: &Deck, values: &mut Vec<Value>) -> Vec<String> {
    let mut with = |condition: &str, value: Value| {
        values.push(value);
        format!("{condition} = ${}", values.len())
    };
    match deck {
        Deck::Shelf => vec!["d.reader_id = $1".to_owned(), "d.kept_at IS NOT NULL".to_owned()],
        Deck::Label(label) => vec!["d.reader_id = $1".to_owned(), with("d.name", label.as_str().into())],
        Deck::Concept(slug) => {
            vec![with("d.list", concept_list(slug).into()), "d.practisable = 1".to_owned()]
        }
        Deck::Everything => Vec::new(),
    }
}

/// Computes from the reader's answers about a read when its card is shown next, and stores it.
pub(crate) async fn schedule(
    tx: &mut Tx,
    reader: ReaderId,
    read: ReadId,
    next: NextShowing,
    zone: &TimeZone,
) -> Tried<()> {
    let query = sql("SELECT rating, answered_at FROM card_answer
         WHERE reader_id = $1 AND read_id = $2 AND rating IS NOT NULL ORDER BY answered_at, id");
    let rows = tx.rows(query.bind(reader.0).bind(read.0)).await?;
    let rated = |row: &Row| Ok(Rated { at: row.moment("answered_at")?, rating: row.parsed("rating")? });
    let history = rows.iter().map(rated).collect::<Tried<Vec<_>>>()?;
    if history.is_empty() {
        let delete = sql("DELETE FROM card WHERE reader_id = $1 AND read_id = $2");
        tx.run(delete.bind(reader.0).bind(read.0)).await?;
        return Ok(());
    }
    let upsert = sql("INSERT INTO card (reader_id, read_id, due_at) VALUES ($1, $2, $3)
         ON CONFLICT (reader_id, read_id) DO UPDATE SET due_at = excluded.due_at");
    tx.run(upsert.bind(reader.0).bind(read.0).bind(millis(next(&history, zone)))).await?;
    Ok(())
}

pub(crate) fn answer_of_row(row: &Row) -> Tried<CardAnswer> {
    Ok(CardAnswer {
        id: row.int("id")?,
        read: ReadId(row.int("read_id")?),
        text: NoteText::stored(row.text("text")?),
        at: row.moment("answered_at")?,
        rating: row.opt_parsed("rating")?,
    })
}

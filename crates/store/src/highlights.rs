//! Highlights of readers: table `highlight`.
//!
//! A highlight is stored as the article's own words with their context. Its position is found when
//! the article is shown ([`backissue_model::QuotedText`]), so nothing here depends on the article's
//! present text. A removed highlight keeps its row for a while, so that it can be restored.

use std::collections::HashMap;

use backissue_model::{
    HIGHLIGHT_REMARK_MAX, Highlight, NoteText, Quote, QuotePlace, QuotedText, ReadId, ReaderId,
};
use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use crate::database::{Row, Tried, Tx, placeholders, sql, sql_listing};
use crate::error::Failure;
use crate::marks::{existing, new_number, united};
use crate::times::millis;
use crate::{Store, StoreError};

/// Maximum highlights of a read.
pub const HIGHLIGHTS_MAX: usize = 500;
/// Number of a reader's removed highlights that can be restored.
const REMOVED_KEPT: i64 = 100;

/// The result of adding a highlight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Highlighted {
    /// The read has it.
    Added(Highlight),
    /// The article does not have the passage. Nothing was changed.
    NotInText,
    /// The article has the passage several times, and the context does not decide which one is
    /// meant. Nothing was changed.
    SeveralTimes,
    /// The read already has [`HIGHLIGHTS_MAX`] highlights. Nothing was changed.
    TooMany,
    /// The passage is highlighted already, and the two remarks would have this many characters
    /// together. Nothing was changed.
    RemarkTooLong(usize),
}

/// The result of changing a remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemarkSaved {
    /// The highlight with its new remark.
    Saved(Highlight),
    /// The current highlight. It has changed since the version that the caller saw, so nothing was
    /// saved.
    Conflict(Highlight),
}

impl Store {
    /// The reader's highlights of a read, oldest first.
    pub async fn highlights(&self, reader: ReaderId, read: ReadId) -> Result<Vec<Highlight>, StoreError> {
        let highlights = self.run("looking up highlights", self.highlights_of(reader, &[read])).await;
        Ok(highlights?.remove(&read).unwrap_or_default())
    }

    pub(crate) async fn highlights_of(
        &self,
        reader: ReaderId,
        reads: &[ReadId],
    ) -> Tried<HashMap<ReadId, Vec<Highlight>>> {
        let query = format!(
            "SELECT id, read_id, exact, prefix, suffix, remark, version, made_at, changed_at FROM highlight
             WHERE reader_id = $1 AND removed_at IS NULL AND read_id IN ({}) ORDER BY read_id, made_at, id",
            placeholders(2, reads.len())
        );
        let query = sql_listing(query, reads.len()).bind(reader.0).bind_all(reads.iter().map(|id| id.0));
        let mut highlights: HashMap<ReadId, Vec<Highlight>> = HashMap::new();
        for row in self.database.rows(query).await? {
            let highlight = highlight_of_row(&row)?;
            highlights.entry(highlight.read).or_default().push(highlight);
        }
        Ok(highlights)
    }

    /// Highlights a passage of a read's article. A passage that is highlighted already gets the
    /// remark in addition to its own.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader or read; otherwise if the database
    /// fails.
    pub async fn add_highlight(
        &self,
        reader: ReaderId,
        read: ReadId,
        wanted: &Quote,
        remark: &NoteText,
        now: Timestamp,
    ) -> Result<Highlighted, StoreError> {
        const ADDING: &str = "adding a highlight";
        let query = sql("SELECT text FROM article
             WHERE read_id = coalesce((SELECT into_id FROM merged WHERE id = $1), $1)");
        let text = self.one(ADDING, query.bind(read.0), |row| row.text("text")).await?;
        let place = QuotedText::of(&text.unwrap_or_default()).find(wanted);
        let added = self.retry(ADDING, || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let Some(read) = existing(&mut tx, read).await? else {
                tx.abandon().await?;
                return Ok(Some(None));
            };
            let done = match &place {
                QuotePlace::Nowhere => Highlighted::NotInText,
                QuotePlace::Several => Highlighted::SeveralTimes,
                QuotePlace::At { quote, .. } => add(&mut tx, reader, read, quote, remark, now).await?,
            };
            match done {
                Highlighted::Added(_) => tx.commit().await?,
                _ => tx.abandon().await?,
            }
            Ok(Some(Some(done)))
        });
        self.done_to(added.await?, reader, read)
    }

    /// Changes the remark on a highlight. `seen` is the last version that the caller knows.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the reader has no such highlight; otherwise if the database
    /// fails.
    pub async fn save_remark(
        &self,
        reader: ReaderId,
        id: i64,
        remark: &NoteText,
        seen: i64,
        now: Timestamp,
    ) -> Result<RemarkSaved, StoreError> {
        let saved = self.retry("saving a remark", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let Some(row) = tx.row(sql(HIGHLIGHT).bind(reader.0).bind(id)).await? else {
                tx.abandon().await?;
                return Ok(None);
            };
            let there = highlight_of_row(&row)?;
            if there.remark == *remark || there.version != seen {
                tx.abandon().await?;
                let same = there.remark == *remark;
                return Ok(Some(if same { RemarkSaved::Saved(there) } else { RemarkSaved::Conflict(there) }));
            }
            let update =
                sql("UPDATE highlight SET remark = $2, version = version + 1, changed_at = $3 WHERE id = $1");
            tx.run(update.bind(id).bind(remark.as_str()).bind(millis(now))).await?;
            tx.commit().await?;
            let version = there.version + 1;
            Ok(Some(RemarkSaved::Saved(Highlight {
                remark: remark.clone(),
                version,
                changed_at: now,
                ..there
            })))
        });
        saved.await?.ok_or_else(|| self.not_found(format!("highlight {id}")))
    }

    /// Removes a highlight. It can be restored until a hundred others are removed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if the reader has no such highlight; otherwise if the database
    /// fails.
    pub async fn remove_highlight(
        &self,
        reader: ReaderId,
        id: i64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let removed = self.retry("removing a highlight", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(false) };
            let update = sql(
                "UPDATE highlight SET removed_at = $3 WHERE reader_id = $1 AND id = $2 AND removed_at IS NULL",
            );
            if tx.run(update.bind(reader.0).bind(id).bind(millis(now))).await? == 0 {
                tx.abandon().await?;
                return Ok(false);
            }
            let forget =
                sql("DELETE FROM highlight WHERE reader_id = $1 AND removed_at IS NOT NULL AND id NOT IN (
                    SELECT id FROM highlight WHERE reader_id = $1 AND removed_at IS NOT NULL
                    ORDER BY removed_at DESC, id DESC LIMIT $2)");
            tx.run(forget.bind(reader.0).bind(REMOVED_KEPT)).await?;
            tx.commit().await?;
            Ok(true)
        });
        if removed.await? { Ok(()) } else { Err(self.not_found(format!("highlight {id}"))) }
    }

    /// Restores a removed highlight. Returns `None` if the reader has removed no such highlight, or
    /// too long ago, or if the read has [`HIGHLIGHTS_MAX`] others now.
    pub async fn restore_highlight(
        &self,
        reader: ReaderId,
        id: i64,
    ) -> Result<Option<Highlight>, StoreError> {
        let restored = self.retry("restoring a highlight", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let update = sql("UPDATE highlight SET removed_at = NULL
                 WHERE reader_id = $1 AND id = $2 AND removed_at IS NOT NULL");
            if tx.run(update.bind(reader.0).bind(id)).await? == 0 {
                tx.abandon().await?;
                return Ok(None);
            }
            let row = tx.row(sql(HIGHLIGHT).bind(reader.0).bind(id)).await?;
            let row = row.ok_or_else(|| Failure::Unreadable("a highlight without a row".into()))?;
            let highlight = highlight_of_row(&row)?;
            if count(&mut tx, reader, highlight.read).await? > HIGHLIGHTS_MAX {
                tx.abandon().await?;
                return Ok(None);
            }
            tx.commit().await?;
            Ok(Some(highlight))
        });
        restored.await
    }

    /// Whether the reader has a highlight that was not removed.
    pub async fn has_highlight(&self, reader: ReaderId, id: i64) -> Result<bool, StoreError> {
        let query = sql(HIGHLIGHT).bind(reader.0).bind(id);
        Ok(self.one("looking up a highlight", query, |_| Ok(())).await?.is_some())
    }

    /// Whether the reader can restore a highlight.
    pub async fn is_removed_highlight(&self, reader: ReaderId, id: i64) -> Result<bool, StoreError> {
        let query =
            sql("SELECT id FROM highlight WHERE reader_id = $1 AND id = $2 AND removed_at IS NOT NULL");
        let query = query.bind(reader.0).bind(id);
        Ok(self.one("looking up a removed highlight", query, |_| Ok(())).await?.is_some())
    }
}

const HIGHLIGHT: &str = "SELECT id, read_id, exact, prefix, suffix, remark, version, made_at, changed_at
    FROM highlight WHERE reader_id = $1 AND id = $2 AND removed_at IS NULL";

/// The remark on the highlight of these words. Returns `None` if there is no such highlight.
async fn remark_of(tx: &mut Tx, reader: ReaderId, read: ReadId, quote: &Quote) -> Tried<Option<String>> {
    let query = sql("SELECT remark FROM highlight
         WHERE reader_id = $1 AND read_id = $2 AND key = $3 AND removed_at IS NULL");
    let there = tx.row(query.bind(reader.0).bind(read.0).bind(key(quote))).await?;
    there.map(|row| row.text("remark")).transpose()
}

/// The existing remark joined with another one.
fn with_remark(there: Option<&str>, more: &NoteText) -> String {
    match there {
        Some(there) if more.is_empty() => there.to_owned(),
        there => united(there.unwrap_or_default(), more.as_str()),
    }
}

/// Adds a highlight with these words, or the remark to the one that is there.
async fn add(
    tx: &mut Tx,
    reader: ReaderId,
    read: ReadId,
    quote: &Quote,
    remark: &NoteText,
    now: Timestamp,
) -> Tried<Highlighted> {
    let there = remark_of(tx, reader, read, quote).await?;
    let remark = with_remark(there.as_deref(), remark);
    let characters = remark.chars().count();
    if characters > HIGHLIGHT_REMARK_MAX {
        return Ok(Highlighted::RemarkTooLong(characters));
    }
    let row = upsert(tx, reader, read, quote, &remark, (now, now)).await?;
    if count(tx, reader, read).await? > HIGHLIGHTS_MAX {
        return Ok(Highlighted::TooMany);
    }
    highlight_of_row(&row).map(Highlighted::Added)
}

/// Writes a highlight with this remark. Its row of the same words, removed or not, is replaced.
async fn upsert(
    tx: &mut Tx,
    reader: ReaderId,
    read: ReadId,
    quote: &Quote,
    remark: &str,
    (made, changed): (Timestamp, Timestamp),
) -> Tried<Row> {
    let upsert = sql(
        "INSERT INTO highlight (id, reader_id, read_id, key, exact, prefix, suffix, remark, version, made_at, changed_at)
         VALUES ($10, $1, $2, $3, $4, $5, $6, $7, 1, $8, $9)
         ON CONFLICT (reader_id, read_id, key) DO UPDATE SET
            made_at = CASE WHEN highlight.removed_at IS NULL THEN highlight.made_at ELSE excluded.made_at END,
            changed_at = CASE WHEN highlight.removed_at IS NULL AND highlight.remark = excluded.remark
                THEN highlight.changed_at ELSE excluded.changed_at END,
            version = CASE WHEN highlight.remark = excluded.remark THEN highlight.version ELSE highlight.version + 1 END,
            remark = excluded.remark, removed_at = NULL
         RETURNING id, read_id, exact, prefix, suffix, remark, version, made_at, changed_at",
    );
    let upsert = upsert
        .bind(reader.0)
        .bind(read.0)
        .bind(key(quote))
        .bind(quote.exact.as_str())
        .bind(quote.prefix.as_str())
        .bind(quote.suffix.as_str())
        .bind(remark)
        .bind(millis(made))
        .bind(millis(changed))
        .bind(new_number(tx, "highlight", reader).await?);
    tx.row(upsert).await?.ok_or_else(|| Failure::Unreadable("a highlight without a row".into()))
}

/// Adds an imported highlight, whether or not the article has its passage.
pub(crate) async fn import(
    tx: &mut Tx,
    reader: ReaderId,
    read: ReadId,
    quote: &Quote,
    remark: &NoteText,
    times: (Timestamp, Timestamp),
) -> Tried<Imported> {
    let there = remark_of(tx, reader, read, quote).await?;
    let united = with_remark(there.as_deref(), remark);
    if there.as_ref() == Some(&united) {
        return Ok(Imported::Done);
    }
    let characters = united.chars().count();
    if characters > HIGHLIGHT_REMARK_MAX {
        return Ok(Imported::RemarkTooLong(characters));
    }
    if there.is_none() && count(tx, reader, read).await? >= HIGHLIGHTS_MAX {
        return Ok(Imported::TooMany);
    }
    upsert(tx, reader, read, quote, &united, times).await?;
    Ok(Imported::Done)
}

/// The result of importing a highlight. Only `Done` changes anything.
pub(crate) enum Imported {
    Done,
    TooMany,
    RemarkTooLong(usize),
}

async fn count(tx: &mut Tx, reader: ReaderId, read: ReadId) -> Tried<usize> {
    let count = sql("SELECT count(*) AS highlights FROM highlight
         WHERE reader_id = $1 AND read_id = $2 AND removed_at IS NULL");
    let row = tx.row(count.bind(reader.0).bind(read.0)).await?;
    Ok(usize::try_from(row.map_or(Ok(0), |row| row.count("highlights"))?).unwrap_or(usize::MAX))
}

/// Moves the highlights of a read to the read it is merged into. Two highlights with the same words
/// become one with both remarks.
pub(crate) async fn hand_over(tx: &mut Tx, into: ReadId, from: ReadId) -> Tried<()> {
    for statement in [
        "UPDATE highlight SET
            remark = CASE WHEN highlight.removed_at IS NOT NULL OR highlight.remark = '' OR highlight.remark = o.remark
                    THEN o.remark
                WHEN o.remark = '' THEN highlight.remark
                ELSE highlight.remark || '\n\n---\n\n' || o.remark END,
            version = highlight.version + o.version + 1, removed_at = NULL,
            made_at = CASE WHEN o.made_at < highlight.made_at THEN o.made_at ELSE highlight.made_at END,
            changed_at = CASE WHEN o.changed_at > highlight.changed_at THEN o.changed_at ELSE highlight.changed_at END
         FROM highlight o
         WHERE highlight.read_id = $1 AND o.read_id = $2 AND o.removed_at IS NULL
            AND o.reader_id = highlight.reader_id AND o.key = highlight.key",
        "DELETE FROM highlight WHERE read_id = $2 AND EXISTS (SELECT 1 FROM highlight o
            WHERE o.read_id = $1 AND o.reader_id = highlight.reader_id AND o.key = highlight.key)",
        "UPDATE highlight SET read_id = $1 WHERE read_id = $2",
    ] {
        tx.run(sql(statement).bind(into.0).bind(from.0)).await?;
    }
    Ok(())
}

/// A key that is equal for the same words with the same context.
fn key(quote: &Quote) -> String {
    let all = format!("{}\0{}\0{}", quote.exact, quote.prefix, quote.suffix);
    format!("{:032x}", xxh3_128(all.as_bytes()))
}

fn highlight_of_row(row: &Row) -> Tried<Highlight> {
    Ok(Highlight {
        id: row.int("id")?,
        read: ReadId(row.int("read_id")?),
        quote: quote_of_row(row)?,
        remark: NoteText::stored(row.text("remark")?),
        version: row.int("version")?,
        made_at: row.moment("made_at")?,
        changed_at: row.moment("changed_at")?,
    })
}

fn quote_of_row(row: &Row) -> Tried<Quote> {
    Ok(Quote { exact: row.text("exact")?, prefix: row.text("prefix")?, suffix: row.text("suffix")? })
}

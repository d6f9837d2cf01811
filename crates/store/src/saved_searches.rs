//! Searches that readers saved, and the new reads that answer them: tables `saved_search` and
//! `search_hit`. `alerts` has what is sent about them.
//!
//! The store does not search. A caller with an index compares reads with the searches, and stores
//! the result together with the version of the archive up to which it compared. Only one of several
//! processes can store the result from one version on, so nothing is counted twice.

use std::collections::HashMap;

use backissue_model::{ReadId, ReaderId, SavedQuestion, SearchName};
use jiff::Timestamp;

use crate::database::{Row, Tried, Tx, placeholders, sql, sql_listing};
use crate::error::Failure;
use crate::marks::new_number;
use crate::pages::{CARD, card_of_row};
use crate::times::millis;
use crate::webhooks::tell_hits;
use crate::{ReadCard, Store, StoreError};

/// Maximum saved searches of a reader.
pub const SEARCHES_MAX: usize = 100;
/// Reads per statement.
const STRETCH: usize = 500;

/// A search that a reader saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedSearch {
    /// Its id.
    pub id: i64,
    /// The reader who saved it.
    pub reader: ReaderId,
    /// The reader's name for it.
    pub name: SearchName,
    /// The question.
    pub question: SavedQuestion,
    /// The recipient that gets new answers at once.
    pub recipient: Option<String>,
    /// When it was saved.
    pub since: Timestamp,
    /// The version of the archive up to which reads were compared with it.
    pub compared: u64,
    /// New reads that answer it.
    pub answers: u64,
    /// Number of these reads that the reader has not seen yet.
    pub unseen: u64,
}

/// The changed fields of a saved search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchChange {
    /// The reader's name for it.
    pub name: SearchName,
    /// The recipient that gets new answers at once.
    pub recipient: Option<String>,
}

/// The result of saving or changing a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchSaved {
    /// It is saved, under this id.
    Saved(i64),
    /// Another one has the name.
    NameTaken,
    /// The reader has [`SEARCHES_MAX`] of them.
    TooMany,
    /// The reader has no such search.
    Missing,
}

/// A read that may be new to a saved search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewRead {
    /// The read.
    pub id: ReadId,
    /// When the archive saw it first.
    pub first_seen: Timestamp,
    /// The version of the archive with its last change.
    pub changed: u64,
}

/// The result of comparing reads with one saved search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// The search.
    pub search: i64,
    /// The version from which on reads were compared.
    pub from: u64,
    /// The new reads that answer it.
    pub answers: Vec<ReadId>,
    /// The new reads that do not.
    pub others: Vec<ReadId>,
}

/// A saved search as it is taken to another archive.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OwnSearch {
    /// The reader's name for it.
    pub name: SearchName,
    /// The question.
    pub question: SavedQuestion,
    /// The recipient that gets new answers at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
}

impl Store {
    /// The reader's saved searches by name.
    pub async fn saved_searches(&self, reader: ReaderId) -> Result<Vec<SavedSearch>, StoreError> {
        let query = sql("SELECT s.id, s.reader_id, s.name, s.question, s.recipient, s.since, s.compared,
                count(r.id) AS answers,
                count(CASE WHEN h.found_at > s.seen_at THEN r.id END) AS unseen
             FROM saved_search s LEFT JOIN search_hit h ON h.search_id = s.id AND h.holds = 1
                LEFT JOIN read r ON r.id = h.read_id AND r.stage = 'annotated'
             WHERE s.reader_id = $1
             GROUP BY s.id, s.reader_id, s.name, s.question, s.recipient, s.since, s.compared
             ORDER BY s.name");
        self.list("listing saved searches", query.bind(reader.0), search_of_row).await
    }

    /// The reader's saved search of this name.
    pub async fn saved_search(
        &self,
        reader: ReaderId,
        name: &str,
    ) -> Result<Option<SavedSearch>, StoreError> {
        let all = self.saved_searches(reader).await?;
        Ok(all.into_iter().find(|search| search.name.as_str() == name))
    }

    /// Saves a search. Reads that are already in the archive do not count as new answers.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn save_search(
        &self,
        reader: ReaderId,
        own: &OwnSearch,
        now: Timestamp,
    ) -> Result<SearchSaved, StoreError> {
        let saved = self.retry("saving a search", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let saved = insert(&mut tx, reader, own, now).await?;
            match saved {
                SearchSaved::Saved(_) => tx.commit().await?,
                _ => tx.abandon().await?,
            }
            Ok(Some(saved))
        });
        saved.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Renames a saved search, and sets or removes its recipient. Answers that wait to be sent go
    /// to the new recipient; without one they are not sent.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn change_search(
        &self,
        reader: ReaderId,
        id: i64,
        change: &SearchChange,
    ) -> Result<SearchSaved, StoreError> {
        let saved = self.retry("changing a saved search", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let taken = sql("SELECT id FROM saved_search WHERE reader_id = $1 AND name = $2 AND id <> $3");
            let taken = taken.bind(reader.0).bind(change.name.as_str()).bind(id);
            if tx.row(taken).await?.is_some() {
                tx.abandon().await?;
                return Ok(Some(SearchSaved::NameTaken));
            }
            let update =
                sql("UPDATE saved_search SET name = $3, recipient = $4 WHERE reader_id = $1 AND id = $2");
            let update = update.bind(reader.0).bind(id).bind(change.name.as_str());
            if tx.run(update.bind(change.recipient.as_deref())).await? == 0 {
                tx.abandon().await?;
                return Ok(Some(SearchSaved::Missing));
            }
            if change.recipient.is_none() {
                tx.run(sql("UPDATE search_hit SET waits = 0 WHERE search_id = $1").bind(id)).await?;
            }
            tx.commit().await?;
            Ok(Some(SearchSaved::Saved(id)))
        });
        saved.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Stores that the reader has seen the answers to a saved search. Returns whether there is one.
    pub async fn see_answers(&self, reader: ReaderId, id: i64, now: Timestamp) -> Result<bool, StoreError> {
        let update = sql("UPDATE saved_search SET seen_at = $3 WHERE reader_id = $1 AND id = $2");
        self.change_own(reader, update.bind(reader.0).bind(id).bind(millis(now))).await
    }

    /// Removes a saved search with its answers. Returns whether there was one.
    pub async fn remove_search(&self, reader: ReaderId, id: i64) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM saved_search WHERE reader_id = $1 AND id = $2");
        self.change_own(reader, delete.bind(reader.0).bind(id)).await
    }

    async fn change_own(
        &self,
        reader: ReaderId,
        statement: crate::database::Sql,
    ) -> Result<bool, StoreError> {
        let done = self.retry("changing a saved search", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let changed = tx.run(statement.clone()).await?;
            tx.commit().await?;
            Ok(Some(changed > 0))
        });
        done.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// The last new reads that answer a saved search and that the reader has not seen, the newest
    /// first.
    pub async fn unseen_answers(&self, search: i64, limit: u32) -> Result<Vec<ReadCard>, StoreError> {
        let query = crate::database::sql_of(format!(
            "SELECT {CARD} FROM search_hit h JOIN saved_search q ON q.id = h.search_id
                JOIN read r ON r.id = h.read_id JOIN source s ON s.id = r.source_id
             WHERE h.search_id = $1 AND h.holds = 1 AND h.found_at > q.seen_at AND r.stage = 'annotated'
             ORDER BY h.found_at DESC, r.filed_at DESC, r.id DESC LIMIT $2"
        ));
        self.list("listing answers to a saved search", query.bind(search).bind(limit), card_of_row).await
    }

    /// Which of these reads are new answers to saved searches of the reader: the names and
    /// questions of these, by name.
    pub async fn answered_by(
        &self,
        reader: ReaderId,
        reads: &[ReadId],
    ) -> Result<HashMap<ReadId, Vec<(SearchName, SavedQuestion)>>, StoreError> {
        self.run("looking up what reads answer", async {
            let mut answered: HashMap<ReadId, Vec<(SearchName, SavedQuestion)>> = HashMap::new();
            for some in reads.chunks(STRETCH) {
                let query = format!(
                    "SELECT h.read_id, s.name, s.question FROM search_hit h
                        JOIN saved_search s ON s.id = h.search_id
                     WHERE s.reader_id = $1 AND h.holds = 1 AND h.read_id IN ({})
                     ORDER BY s.name",
                    placeholders(2, some.len())
                );
                let query = sql_listing(query, some.len()).bind(reader.0);
                for row in self.database.rows(query.bind_all(some.iter().map(|id| id.0))).await? {
                    let search = (row.parsed("name")?, row.parsed("question")?);
                    answered.entry(ReadId(row.int("read_id")?)).or_default().push(search);
                }
            }
            Ok(answered)
        })
        .await
    }

    /// All saved searches that were not compared with the archive up to `version`.
    pub async fn searches_behind(&self, version: u64) -> Result<Vec<SavedSearch>, StoreError> {
        let query = sql("SELECT id, reader_id, name, question, recipient, since, compared,
                CAST(0 AS BIGINT) AS answers, CAST(0 AS BIGINT) AS unseen
             FROM saved_search WHERE compared < $1 ORDER BY id");
        let version = i64::try_from(version).unwrap_or(i64::MAX);
        self.list("listing saved searches", query.bind(version), search_of_row).await
    }

    /// The reads that changed after the first version and up to the second one, and that the
    /// archive saw first at `since` or later.
    pub async fn new_reads(
        &self,
        after: u64,
        up_to: u64,
        since: Timestamp,
    ) -> Result<Vec<NewRead>, StoreError> {
        let query = sql("SELECT id, first_seen, changed FROM read
             WHERE stage = 'annotated' AND changed > $1 AND changed <= $2 AND first_seen >= $3
             ORDER BY changed, id");
        let version = |version| i64::try_from(version).unwrap_or(i64::MAX);
        let query = query.bind(version(after)).bind(version(up_to)).bind(millis(since));
        self.list("looking up new reads", query, |row| {
            Ok(NewRead {
                id: ReadId(row.int("id")?),
                first_seen: row.moment("first_seen")?,
                changed: row.count("changed")?,
            })
        })
        .await
    }

    /// Stores the result of comparing reads, up to a version of the archive, with searches of one
    /// reader. Skips a search for which another process has stored it. Returns the number of new
    /// answers.
    pub async fn store_compared(
        &self,
        reader: ReaderId,
        compared: &[Compared],
        up_to: u64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let is_answered = compared.iter().any(|one| !one.answers.is_empty() || !one.others.is_empty());
        self.retry("storing answers to saved searches", || async {
            // A change of answers changes the reader's pages. Without one they stay valid.
            let tx =
                if is_answered { self.begin_of(reader).await? } else { Some(self.database.begin().await?) };
            let Some(mut tx) = tx else { return Ok(0) };
            let mut new = 0;
            for one in compared {
                new += store_one(&mut tx, one, up_to, now).await?;
            }
            tx.commit().await?;
            Ok(new)
        })
        .await
    }

    /// The reader's saved searches for another archive.
    pub async fn own_searches(&self, reader: ReaderId) -> Result<Vec<OwnSearch>, StoreError> {
        let all = self.saved_searches(reader).await?.into_iter();
        let own = |SavedSearch { name, question, recipient, .. }| OwnSearch { name, question, recipient };
        Ok(all.map(own).collect())
    }

    /// Adds saved searches from another archive, in one transaction. A search that exists already
    /// stays unchanged. Returns those that were refused, with the reason.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn take_in_searches(
        &self,
        reader: ReaderId,
        searches: &[OwnSearch],
        now: Timestamp,
    ) -> Result<Vec<(SearchName, SearchSaved)>, StoreError> {
        let taken = self.retry("taking in saved searches", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let mut refused = Vec::new();
            for own in searches {
                let there = sql("SELECT question FROM saved_search WHERE reader_id = $1 AND name = $2");
                let there = tx.row(there.bind(reader.0).bind(own.name.as_str())).await?;
                let there = there.map(|row| row.text("question")).transpose()?;
                if there.as_deref() == Some(own.question.as_str()) {
                    continue;
                }
                match insert(&mut tx, reader, own, now).await? {
                    SearchSaved::Saved(_) => {}
                    why => refused.push((own.name.clone(), why)),
                }
            }
            tx.commit().await?;
            Ok(Some(refused))
        });
        taken.await?.ok_or_else(|| self.no_reader(reader))
    }
}

/// Inserts a search that starts at the archive's version.
async fn insert(tx: &mut Tx, reader: ReaderId, own: &OwnSearch, now: Timestamp) -> Tried<SearchSaved> {
    let taken = sql("SELECT id FROM saved_search WHERE reader_id = $1 AND name = $2");
    if tx.row(taken.bind(reader.0).bind(own.name.as_str())).await?.is_some() {
        return Ok(SearchSaved::NameTaken);
    }
    let count = sql("SELECT count(*) AS searches FROM saved_search WHERE reader_id = $1").bind(reader.0);
    let count = tx.row(count).await?.map_or(Ok(0), |row| row.count("searches"))?;
    if count >= SEARCHES_MAX as u64 {
        return Ok(SearchSaved::TooMany);
    }
    let insert =
        sql("INSERT INTO saved_search (reader_id, name, question, recipient, since, seen_at, compared, id)
         SELECT $1, $2, $3, $4, $5, $5, version, $6 FROM archive WHERE id = 1 RETURNING id");
    let insert = insert.bind(reader.0).bind(own.name.as_str()).bind(own.question.as_str());
    let insert = insert.bind(own.recipient.as_deref()).bind(millis(now));
    let number = new_number(tx, "saved_search", reader).await?;
    let row = tx.row(insert.bind(number)).await?;
    let row = row.ok_or_else(|| Failure::Unreadable("a saved search without a row".into()))?;
    Ok(SearchSaved::Saved(row.int("id")?))
}

async fn store_one(tx: &mut Tx, one: &Compared, up_to: u64, now: Timestamp) -> Tried<u64> {
    let version = |version| i64::try_from(version).unwrap_or(i64::MAX);
    let advance = sql("UPDATE saved_search SET compared = $3 WHERE id = $1 AND compared = $2");
    let advance = advance.bind(one.search).bind(version(one.from)).bind(version(up_to));
    if tx.run(advance).await? == 0 {
        return Ok(0);
    }
    let mut new = 0;
    for some in one.answers.chunks(STRETCH) {
        let again = format!(
            "UPDATE search_hit SET holds = 1 WHERE search_id = $1 AND holds = 0 AND read_id IN ({})",
            placeholders(2, some.len())
        );
        let again = sql_listing(again, some.len()).bind(one.search);
        tx.run(again.bind_all(some.iter().map(|id| id.0))).await?;
        // Only what a feed brought is sent at once, as a backfill finds old reads, and only for
        // operators, who choose recipients.
        let insert = format!(
            "INSERT INTO search_hit (search_id, read_id, found_at, waits)
             SELECT q.id, r.id, $2, CASE WHEN q.recipient IS NOT NULL
                AND EXISTS (SELECT 1 FROM reader o
                    WHERE o.id = q.reader_id AND o.role = 'operator' AND o.closed_at IS NULL)
                AND EXISTS (SELECT 1 FROM place p WHERE p.read_id = r.id AND p.found_by = 'feed')
                THEN 1 ELSE 0 END
             FROM saved_search q JOIN read r ON r.id IN ({}) AND r.stage = 'annotated'
             WHERE q.id = $1
             ON CONFLICT (search_id, read_id) DO NOTHING",
            placeholders(3, some.len())
        );
        let insert = sql_listing(insert, some.len()).bind(one.search).bind(millis(now));
        new += tx.run(insert.bind_all(some.iter().map(|id| id.0))).await?;
        tell_hits(tx, one.search, some, now).await?;
    }
    for some in one.others.chunks(STRETCH) {
        let update = format!(
            "UPDATE search_hit SET holds = 0 WHERE search_id = $1 AND read_id IN ({})",
            placeholders(2, some.len())
        );
        let update = sql_listing(update, some.len()).bind(one.search);
        tx.run(update.bind_all(some.iter().map(|id| id.0))).await?;
    }
    Ok(new)
}

fn search_of_row(row: &Row) -> Tried<SavedSearch> {
    Ok(SavedSearch {
        id: row.int("id")?,
        reader: ReaderId(row.int("reader_id")?),
        name: row.parsed("name")?,
        question: row.parsed("question")?,
        recipient: row.opt_text("recipient")?,
        since: row.moment("since")?,
        compared: row.count("compared")?,
        answers: row.count("answers")?,
        unseen: row.count("unseen")?,
    })
}

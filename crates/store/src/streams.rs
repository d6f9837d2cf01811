//! Lists of reads for reader apps, in the order in which the archive first saw them.
//!
//! An app requests the ids of new and of unread reads, newest first, of everything or of one of its
//! folders. The id of a read is also its position in such a list.

use std::collections::{BTreeSet, HashMap};

use backissue_model::{ConceptSlug, Label, Mark, Marks, ReadId, ReaderId, SourceId};
use jiff::Timestamp;

use crate::cards::{Mine, NOT_HIDDEN};
use crate::database::{Sql, Tried, Tx, Value, placeholders, sql, sql_listing, sql_of};
use crate::keys::concept_list;
use crate::marks::{Action, change, read_of_row};
use crate::merge::{merged_into, merged_of_rows};
use crate::times::millis;
use crate::{LABELS_MAX, ReadSummary, Store, StoreError};

/// The reads from which a list is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// All reads.
    All,
    /// Reads that this source named first.
    Source(SourceId),
    /// Reads of the sources in a group.
    Group(String),
    /// Reads with a concept.
    Concept(ConceptSlug),
    /// Reads with a label of the reader.
    Label(Label),
    /// Reads with this mark or note of the reader.
    Mine(Mine),
}

/// Which reads of a stream a list contains. All conditions apply. Reads that the reader hides are
/// never included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFilter {
    /// The stream.
    pub stream: Stream,
    /// Only reads with all of these marks and notes.
    pub only: Vec<Mine>,
    /// Only those that the reader does not keep.
    pub not_kept: bool,
    /// Only those that the archive saw first at this time or later.
    pub since: Option<Timestamp>,
    /// Only those that the archive saw first at this time or earlier.
    pub until: Option<Timestamp>,
}

/// A read with the reader's marks and labels, for an app.
#[derive(Clone, Debug)]
pub struct StreamItem {
    /// The read.
    pub read: ReadSummary,
    /// Its article as safe HTML.
    pub html: String,
    /// The last date of change that a source gave.
    pub updated: Option<Timestamp>,
    /// The reader's marks.
    pub marks: Marks,
    /// The reader's labels.
    pub labels: Vec<Label>,
}

/// A mark or label that an app sets on reads, or removes from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A mark of the reader.
    Mark(Mark),
    /// A label of the reader.
    Label(Label),
}

/// The result of [`Store::tag_reads`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tagged {
    /// All tags are set and removed.
    Done,
    /// There is no read with this id. Nothing was changed.
    NoSuchRead(ReadId),
    /// This read would have too many labels. Nothing was changed.
    TooManyLabels(ReadId),
}

impl StreamFilter {
    /// A filter that selects everything in a stream.
    pub fn all_of(stream: Stream) -> Self {
        Self { stream, only: Vec::new(), not_kept: false, since: None, until: None }
    }

    /// The statement that selects the reads of the list. `rest` follows the conditions.
    fn query(&self, reader: ReaderId, after: Option<(ReadId, bool)>, rest: &str) -> Sql {
        // `$1` is the reader, although not every list depends on it.
        let mut values: Vec<Value> = vec![reader.0.into()];
        let mut conditions = vec!["r.stage = 'annotated'".to_owned(), NOT_HIDDEN.to_owned()];
        let mut add = |condition: &str, value: Value| {
            values.push(value);
            conditions.push(condition.replace("$n", &format!("${}", values.len())));
        };
        match &self.stream {
            Stream::All => {}
            Stream::Source(source) => add("r.source_id = $n", source.0.into()),
            Stream::Group(group) => {
                add("r.source_id IN (SELECT id FROM source WHERE in_group = $n)", group.as_str().into());
            }
            Stream::Concept(concept) => {
                add("r.id IN (SELECT read_id FROM listing WHERE list = $n)", concept_list(concept).into());
            }
            Stream::Label(label) => add(
                "r.id IN (SELECT read_id FROM label WHERE reader_id = $1 AND name = $n)",
                label.as_str().into(),
            ),
            Stream::Mine(_) => {}
        }
        if let Some(since) = self.since {
            add("r.first_seen >= $n", millis(since).into());
        }
        if let Some(until) = self.until {
            add("r.first_seen <= $n", millis(until).into());
        }
        let mut order = "DESC";
        if let Some((after, oldest_first)) = after {
            if oldest_first {
                order = "ASC";
            }
            if after.0 > 0 {
                add(if oldest_first { "r.id > $n" } else { "r.id < $n" }, after.0.into());
            }
        }
        let of_stream = if let Stream::Mine(mine) = self.stream { Some(mine) } else { None };
        for mine in self.only.iter().copied().chain(of_stream) {
            conditions.push(mine.condition("r.id", 1));
        }
        if self.not_kept {
            conditions.push(format!("NOT {}", Mine::Kept.condition("r.id", 1)));
        }
        let query = format!(
            "SELECT r.id AS read_id FROM read r WHERE {} ORDER BY r.id {order} {rest}",
            conditions.join(" AND ")
        );
        sql_of(query).bind_all(values)
    }
}

impl Store {
    /// The reads of a list: at most `limit` after the read `after`, newest first unless
    /// `oldest_first`.
    pub async fn stream(
        &self,
        reader: ReaderId,
        filter: &StreamFilter,
        after: Option<ReadId>,
        oldest_first: bool,
        limit: u32,
    ) -> Result<Vec<ReadId>, StoreError> {
        let after = (after.unwrap_or(ReadId(0)), oldest_first);
        let query = filter.query(reader, Some(after), &format!("LIMIT {limit}"));
        self.list("listing reads for an app", query, read_of_row).await
    }

    /// For each source, the number of reads that the reader has neither done nor hidden, and when
    /// the archive first saw its newest read. Loads the reader's marks, and no other reads.
    pub async fn unread_by_source(
        &self,
        reader: ReaderId,
    ) -> Result<Vec<(SourceId, u64, Timestamp)>, StoreError> {
        let query = sql("SELECT f.source_id, f.reads - coalesce(d.reads, 0) AS unread, f.newest
             FROM first_count f LEFT JOIN
                (SELECT r.source_id, count(*) AS reads FROM mark m JOIN read r ON r.id = m.read_id
                 WHERE m.reader_id = $1 AND (m.done_at IS NOT NULL OR m.hidden_at IS NOT NULL)
                    AND r.stage = 'annotated' GROUP BY r.source_id) AS d ON d.source_id = f.source_id
             WHERE f.reads > coalesce(d.reads, 0) ORDER BY f.source_id");
        self.list("counting unread reads", query.bind(reader.0), |row| {
            Ok((SourceId(row.int("source_id")?), row.count("unread")?, row.moment("newest")?))
        })
        .await
    }

    /// These reads, in this order, with what an app shows of them. Skips those that are not in the
    /// archive. The id of a merged read means the read it was merged into.
    pub async fn stream_items(
        &self,
        reader: ReaderId,
        reads: &[ReadId],
    ) -> Result<Vec<StreamItem>, StoreError> {
        if reads.is_empty() {
            return Ok(Vec::new());
        }
        let merged = self.run("looking up merged reads", self.merged(reads)).await?;
        let reads: Vec<ReadId> = reads.iter().map(|id| *merged.get(id).unwrap_or(id)).collect();
        let found = self.summaries_of_reads(&reads).await?;
        self.run("looking up reads for an app", async {
            let mut marks = self.try_marks(reader, &reads).await?;
            let mut labels = self.labels_of(reader, &reads).await?;
            let query = format!(
                "SELECT a.read_id, a.html, (SELECT max(p.updated) FROM place p WHERE p.read_id = a.read_id) AS updated
                 FROM article a WHERE a.read_id IN ({})",
                placeholders(1, reads.len())
            );
            let query = sql_listing(query, reads.len()).bind_all(reads.iter().map(|id| id.0));
            let mut articles = HashMap::new();
            for row in self.database.rows(query).await? {
                articles.insert(read_of_row(&row)?, (row.text("html")?, row.opt_moment("updated")?));
            }
            let item = |read: ReadSummary| {
                let id = read.card.id;
                let (html, updated) = articles.remove(&id)?;
                let (marks, labels) =
                    (marks.remove(&id).unwrap_or_default(), labels.remove(&id).unwrap_or_default());
                Some(StreamItem { read, html, updated, marks, labels })
            };
            Ok(found.into_iter().filter_map(item).collect())
        })
        .await
    }

    /// Sets and removes marks and labels of these reads, all or nothing. A read with a new label is
    /// kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn tag_reads(
        &self,
        reader: ReaderId,
        reads: &[ReadId],
        tags: &[(Tag, bool)],
        now: Timestamp,
    ) -> Result<Tagged, StoreError> {
        let done = self.retry("tagging reads", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let there = match existing_of(&mut tx, reads).await? {
                Ok(there) => there,
                Err(missing) => {
                    tx.abandon().await?;
                    return Ok(Some(Tagged::NoSuchRead(missing)));
                }
            };
            for (tag, set) in tags {
                if let Some(full) = set_tag(&mut tx, reader, &there, tag, set.then_some(now)).await? {
                    tx.abandon().await?;
                    return Ok(Some(Tagged::TooManyLabels(full)));
                }
            }
            tx.commit().await?;
            Ok(Some(Tagged::Done))
        });
        done.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// Marks all reads of a list as done.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn mark_stream_done(
        &self,
        reader: ReaderId,
        filter: &StreamFilter,
        now: Timestamp,
    ) -> Result<Action, StoreError> {
        let mut filter = filter.clone();
        filter.only.push(Mine::Unread);
        self.mark_found_done("marking reads as done", reader, filter.query(reader, None, ""), now).await
    }
}

/// The reads with these ids, locked against deletion; or the first id without a read.
async fn existing_of(tx: &mut Tx, reads: &[ReadId]) -> Tried<Result<Vec<ReadId>, ReadId>> {
    let mut missing = None;
    // A read that was merged while its lock was awaited has a new id.
    for _ in 0..2 {
        let merged = merged_of_rows(&tx.rows(merged_into(reads)).await?)?;
        let of = |id: &ReadId| *merged.get(id).unwrap_or(id);
        // Two ids can be of one read.
        let wanted: BTreeSet<ReadId> = reads.iter().map(of).collect();
        let lock = tx.for_key_share();
        let query = format!(
            "SELECT id AS read_id FROM read WHERE id IN ({}) ORDER BY id {lock}",
            placeholders(1, wanted.len())
        );
        let query = sql_listing(query, wanted.len()).bind_all(wanted.iter().map(|id| id.0));
        let there: Vec<ReadId> = tx.rows(query).await?.iter().map(read_of_row).collect::<Tried<_>>()?;
        missing = reads.iter().find(|id| !there.contains(&of(id))).copied();
        if missing.is_none() {
            return Ok(Ok(there));
        }
    }
    Ok(Err(missing.unwrap_or(ReadId(0))))
}

/// Sets or removes one tag on these reads. Returns a read that would then have too many labels.
async fn set_tag(
    tx: &mut Tx,
    reader: ReaderId,
    reads: &[ReadId],
    tag: &Tag,
    since: Option<Timestamp>,
) -> Tried<Option<ReadId>> {
    let label = match tag {
        Tag::Mark(mark) => return change(tx, reader, reads, *mark, since).await.map(|_| None),
        Tag::Label(label) => label,
    };
    let these = |from| placeholders(from, reads.len());
    let on_reads = |text: String| sql_listing(text, reads.len()).bind(reader.0);
    let ids = || reads.iter().map(|id| id.0);
    if since.is_none() {
        let delete =
            format!("DELETE FROM label WHERE reader_id = $1 AND name = $2 AND read_id IN ({})", these(3));
        tx.run(on_reads(delete).bind(label.as_str()).bind_all(ids())).await?;
        return Ok(None);
    }
    let insert = format!(
        "INSERT INTO label (reader_id, read_id, name) SELECT CAST($1 AS BIGINT), id, CAST($2 AS TEXT) FROM read
         WHERE id IN ({}) ON CONFLICT (reader_id, read_id, name) DO NOTHING",
        these(3)
    );
    tx.run(on_reads(insert).bind(label.as_str()).bind_all(ids())).await?;
    let full = format!(
        "SELECT read_id FROM label WHERE reader_id = $1 AND read_id IN ({}) GROUP BY read_id
         HAVING count(*) > {LABELS_MAX} ORDER BY read_id LIMIT 1",
        these(2)
    );
    if let Some(row) = tx.row(on_reads(full).bind_all(ids())).await? {
        return read_of_row(&row).map(Some);
    }
    change(tx, reader, reads, Mark::Keep, since).await.map(|_| None)
}

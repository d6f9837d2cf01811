//! Lists of reads for reader apps, in the order in which the archive saw them.
//!
//! An app wants the numbers of new and of unread reads, the newest ones first, of everything or of
//! one of its folders. The number of a read is the position in such a list.

use std::collections::HashMap;

use backissue_model::{ConceptSlug, Label, Mark, ReadId, ReaderId, SourceId};
use jiff::Timestamp;

use crate::cards::{Mine, NOT_HIDDEN};
use crate::database::{Sql, Value, sql, sql_of};
use crate::keys::concept_list;
use crate::marks::{Action, change, existing, read_of_row};
use crate::times::millis;
use crate::{Store, StoreError};

/// What a list is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stream {
    /// All reads.
    All,
    /// Those of a source, which named them first.
    Source(SourceId),
    /// Those of the sources in a group.
    Group(String),
    /// Those with a concept.
    Concept(ConceptSlug),
    /// Those with a label of the reader.
    Label(Label),
    /// Those with which the reader did this.
    Mine(Mine),
}

/// Which reads of a stream a list contains; all conditions apply. What the reader hides is never in
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFilter {
    /// What the list is of.
    pub stream: Stream,
    /// Only those with which the reader did all of this.
    pub only: Vec<Mine>,
    /// Only those that the reader does not keep.
    pub not_kept: bool,
    /// Only those that the archive saw first at this time or later.
    pub since: Option<Timestamp>,
    /// Only those that the archive saw first at this time or earlier.
    pub until: Option<Timestamp>,
}

impl StreamFilter {
    /// Everything in a stream.
    pub fn all_of(stream: Stream) -> Self {
        Self { stream, only: Vec::new(), not_kept: false, since: None, until: None }
    }

    /// Selects the reads of the list, with `rest` behind the conditions.
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
    /// The reads of a list: at most `limit` after the read `after`, the newest first unless
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

    /// How many reads of each source the reader has neither done nor hidden, and when the archive
    /// first saw the newest of them. Reads every read that is shown.
    pub async fn unread_by_source(
        &self,
        reader: ReaderId,
    ) -> Result<Vec<(SourceId, u64, Timestamp)>, StoreError> {
        let query = sql("SELECT r.source_id, count(*) AS unread, max(r.first_seen) AS newest FROM read r
             LEFT JOIN mark m ON m.read_id = r.id AND m.reader_id = $1
             WHERE r.stage = 'annotated' AND m.done_at IS NULL AND m.hidden_at IS NULL
             GROUP BY r.source_id ORDER BY r.source_id");
        self.list("counting unread reads", query.bind(reader.0), |row| {
            Ok((SourceId(row.int("source_id")?), row.count("unread")?, row.moment("newest")?))
        })
        .await
    }

    /// The reader's labels on these reads. Skips reads without labels.
    pub async fn labels_on(
        &self,
        reader: ReaderId,
        reads: &[ReadId],
    ) -> Result<HashMap<ReadId, Vec<Label>>, StoreError> {
        if reads.is_empty() {
            return Ok(HashMap::new());
        }
        self.run("looking up labels", self.labels_of(reader, reads)).await
    }

    /// Sets or removes a mark on these reads at once. Skips those that are not in the archive.
    /// Returns how many there are.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn mark_reads(
        &self,
        reader: ReaderId,
        reads: &[ReadId],
        mark: Mark,
        set: bool,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let done = self.retry("marking reads", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let mut there = Vec::new();
            for read in reads {
                there.extend(existing(&mut tx, *read).await?);
            }
            // Two numbers can be of one read, if it was merged.
            there.sort_unstable();
            there.dedup();
            change(&mut tx, reader, &there, mark, set.then_some(now)).await?;
            tx.commit().await?;
            Ok(Some(there.len()))
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

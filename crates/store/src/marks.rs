//! Marks of readers on reads: tables `mark` and `action`.
//!
//! Each change by a reader increments the reader's version in the same transaction, which also
//! serialises that reader's changes. `merge` and `sources` handle marks when reads are merged or
//! removed.

use std::collections::HashMap;

use backissue_model::{Label, Mark, Marks, ReadId, ReaderId, Week};
use jiff::Timestamp;

use crate::database::{Row, Sql, Tried, Tx, placeholders, sql, sql_listing, sql_of, sql_once};
use crate::error::Failure;
use crate::rows::to_json;
use crate::times::millis;
use crate::weeks::NEWEST_WEEK;
use crate::{Mine, Store, StoreError};

/// Number of a reader's actions that can be undone.
const ACTIONS_KEPT: i64 = 100;

/// Reads, each with the time of its mark before a change.
type Earlier = Vec<(ReadId, Option<i64>)>;

/// A change of marks that can be undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its id.
    pub id: i64,
    /// The mark that was set or removed.
    pub mark: Mark,
    /// Whether it was set.
    pub set: bool,
    /// The changed reads.
    pub reads: Vec<ReadId>,
}

/// A reader's counts for a list of reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReaderCount {
    /// Reads.
    pub reads: u64,
    /// Number of reads that are neither done nor hidden.
    pub unread: u64,
    /// Number of kept reads.
    pub kept: u64,
    /// Number of reads with a note.
    pub noted: u64,
    /// Minutes to read the unread reads.
    pub minutes: u64,
    /// The sources that name them.
    pub sources: u64,
}

impl Store {
    /// The archive's version, like [`Store::archive_version`], and the reader's version, which
    /// grows with each of the reader's changes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn versions(&self, reader: ReaderId) -> Result<(u64, u64), StoreError> {
        let query = sql("SELECT a.version, r.version AS reader_version FROM archive a
             LEFT JOIN reader r ON r.id = $1 WHERE a.id = 1");
        let found = async {
            let row = self.database.row(query.bind(reader.0)).await?;
            let row = row.ok_or_else(|| Failure::Unreadable("table `archive` is empty".into()))?;
            Ok((row.count("version")?, row.opt_int("reader_version")?))
        };
        let (archive, reader_version) = self.run("reading the archive's version", found).await?;
        let reader_version = reader_version.ok_or_else(|| self.no_reader(reader))?;
        Ok((archive, u64::try_from(reader_version).unwrap_or(0)))
    }

    /// The versions as [`Store::versions`] returns them. `None` stands for a person who is not
    /// logged in. Many requests share a query: the answer may be 10 ms old, but is never older than
    /// the last commit of this process.
    ///
    /// # Errors
    /// As [`Store::versions`].
    pub async fn recent_versions(&self, reader: Option<ReaderId>) -> Result<(u64, Option<u64>), StoreError> {
        let ask = async {
            match reader {
                Some(reader) => self.versions(reader).await.map(|(archive, own)| (archive, Some(own))),
                None => self.archive_version().await.map(|archive| (archive, None)),
            }
        };
        self.recent_versions.or_ask(reader, ask).await
    }

    /// The reader's marks on these reads, in one query. Skips reads without marks.
    pub async fn marks(
        &self,
        reader: ReaderId,
        reads: &[ReadId],
    ) -> Result<HashMap<ReadId, Marks>, StoreError> {
        self.run("looking up marks", self.try_marks(reader, reads)).await
    }

    pub(crate) async fn try_marks(
        &self,
        reader: ReaderId,
        reads: &[ReadId],
    ) -> Tried<HashMap<ReadId, Marks>> {
        if reads.is_empty() {
            return Ok(HashMap::new());
        }
        let these = placeholders(2, reads.len());
        let query = format!(
            "SELECT read_id, kept_at, done_at, hidden_at, CAST(0 AS BIGINT) AS noted FROM mark
             WHERE reader_id = $1 AND read_id IN ({these})
             UNION ALL
             SELECT read_id, NULL, NULL, NULL, CAST(1 AS BIGINT) FROM note
             WHERE reader_id = $1 AND text <> '' AND read_id IN ({these})"
        );
        let query = sql_listing(query, reads.len()).bind(reader.0).bind_all(reads.iter().map(|id| id.0));
        let mut marks: HashMap<ReadId, Marks> = HashMap::new();
        for row in self.database.rows(query).await? {
            let of = marks.entry(ReadId(row.int("read_id")?)).or_default();
            if row.yes("noted")? {
                of.noted = true;
            } else {
                of.kept = row.opt_moment("kept_at")?;
                of.done = row.opt_moment("done_at")?;
                of.hidden = row.opt_moment("hidden_at")?;
            }
        }
        Ok(marks)
    }

    /// Sets or removes a mark on a read. The id of a merged read means the read it was merged into.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader or read; otherwise if the database
    /// fails.
    pub async fn mark(
        &self,
        reader: ReaderId,
        read: ReadId,
        mark: Mark,
        set: bool,
        now: Timestamp,
    ) -> Result<Action, StoreError> {
        let done = self.retry("marking a read", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let Some(read) = existing(&mut tx, read).await? else {
                tx.abandon().await?;
                return Ok(Some(None));
            };
            let action = change(&mut tx, reader, &[read], mark, set.then_some(now)).await?;
            tx.commit().await?;
            Ok(Some(Some(action)))
        });
        self.done_to(done.await?, reader, read)
    }

    /// Marks all reads of a week as done that are neither done nor hidden.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn mark_week_done(
        &self,
        reader: ReaderId,
        week: Week,
        now: Timestamp,
    ) -> Result<Action, StoreError> {
        let query = format!(
            "SELECT r.id AS read_id FROM read r WHERE r.week = $1 AND r.stage = 'annotated' AND {} ORDER BY r.id",
            Mine::Unread.condition("r.id", 2)
        );
        let query = sql_of(query).bind(week.to_string()).bind(reader.0);
        self.mark_found_done("marking a week as done", reader, query, now).await
    }

    /// Marks the reads that a query finds as done.
    pub(crate) async fn mark_found_done(
        &self,
        doing: &'static str,
        reader: ReaderId,
        query: Sql,
        now: Timestamp,
    ) -> Result<Action, StoreError> {
        let done = self.retry(doing, || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let rows = tx.rows(query.clone()).await?;
            let reads: Vec<ReadId> = rows.iter().map(read_of_row).collect::<Tried<_>>()?;
            let action = change(&mut tx, reader, &reads, Mark::Done, Some(now)).await?;
            tx.commit().await?;
            Ok(Some(action))
        });
        done.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// The reader's action with this id. Returns `None` if it was undone, is too old, or belongs to
    /// another reader.
    pub async fn action(&self, reader: ReaderId, id: i64) -> Result<Option<Action>, StoreError> {
        let query = sql(ACTION).bind(reader.0).bind(id);
        self.one("looking up what was done", query, |row| Ok(action_of(row)?.0)).await
    }

    /// Undoes an action: restores the former mark of each read, unless it was changed again.
    /// Returns `None` if this reader has no such action.
    pub async fn undo(&self, reader: ReaderId, id: i64) -> Result<Option<Action>, StoreError> {
        let undone = self.retry("undoing what was done", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let Some(row) = tx.row(sql(ACTION).bind(reader.0).bind(id)).await? else {
                tx.abandon().await?;
                return Ok(None);
            };
            let (action, earlier) = action_of(&row)?;
            for (read, before) in &earlier {
                // Marks follow a read that was merged in the meantime.
                let Some(read) = existing(&mut tx, *read).await? else { continue };
                let (column, is) = (column(action.mark), if action.set { "NOT NULL" } else { "NULL" });
                let update = format!(
                    "UPDATE mark SET {column} = $3 WHERE reader_id = $1 AND read_id = $2 AND {column} IS {is}"
                );
                tx.run(sql_of(update).bind(reader.0).bind(read.0).bind(*before)).await?;
            }
            tx.run(sql("DELETE FROM action WHERE id = $1").bind(id)).await?;
            tx.commit().await?;
            Ok(Some(action))
        });
        undone.await
    }

    /// The reader's counts for a week. Reads each of the week's rows.
    pub async fn reader_week(&self, reader: ReaderId, week: Week) -> Result<ReaderCount, StoreError> {
        let query = sql_of(week_counted("$2")).bind(reader.0).bind(week.to_string());
        let counted = self.one("counting a reader's week", query, reader_count_of_row);
        Ok(counted.await?.unwrap_or_default())
    }

    /// The newest week with reads, and the reader's counts for it. Reads each of the week's rows.
    pub async fn reader_newest_week(
        &self,
        reader: ReaderId,
    ) -> Result<Option<(Week, ReaderCount)>, StoreError> {
        let query = sql_of(week_counted(&format!("({NEWEST_WEEK})"))).bind(reader.0);
        let counted = self.one("counting a reader's newest week", query, |row| {
            let Some(week) = row.opt_parsed("week")? else { return Ok(None) };
            Ok(Some((week, reader_count_of_row(row)?)))
        });
        Ok(counted.await?.flatten())
    }

    /// All reads with which the reader did this.
    pub async fn reads_of(&self, reader: ReaderId, mine: Mine) -> Result<Among, StoreError> {
        let query = sql(match mine {
            Mine::Unread => {
                "SELECT read_id FROM mark WHERE reader_id = $1 AND (done_at IS NOT NULL OR hidden_at IS NOT NULL)"
            }
            Mine::Kept => "SELECT read_id FROM mark WHERE reader_id = $1 AND kept_at IS NOT NULL",
            Mine::Done => "SELECT read_id FROM mark WHERE reader_id = $1 AND done_at IS NOT NULL",
            Mine::Noted => "SELECT read_id FROM note WHERE reader_id = $1 AND text <> ''",
            Mine::Hidden => "SELECT read_id FROM mark WHERE reader_id = $1 AND hidden_at IS NOT NULL",
        });
        let reads = self.list("listing a reader's reads", query.bind(reader.0), read_of_row).await?;
        Ok(if mine == Mine::Unread { Among::AllBut(reads) } else { Among::These(reads) })
    }

    /// All reads with this label of the reader.
    pub async fn reads_labelled(&self, reader: ReaderId, label: &Label) -> Result<Vec<ReadId>, StoreError> {
        let query = sql("SELECT read_id FROM label WHERE reader_id = $1 AND name = $2");
        let query = query.bind(reader.0).bind(label.as_str());
        self.list("listing the reads with a label", query, read_of_row).await
    }

    /// Starts a transaction that changes a reader's data. Returns `None` if there is no such
    /// reader.
    pub(crate) async fn begin_of(&self, reader: ReaderId) -> Tried<Option<Tx>> {
        let mut tx = self.database.begin().await?;
        let raise = sql("UPDATE reader SET version = version + 1 WHERE id = $1");
        if tx.run(raise.bind(reader.0)).await? == 0 {
            tx.abandon().await?;
            return Ok(None);
        }
        Ok(Some(tx))
    }

    /// The result of a change to a read. The outer `None` means that there is no such reader, the
    /// inner one that there is no such read.
    pub(crate) fn done_to<T>(
        &self,
        done: Option<Option<T>>,
        reader: ReaderId,
        read: ReadId,
    ) -> Result<T, StoreError> {
        done.ok_or_else(|| self.no_reader(reader))?.ok_or_else(|| self.not_found(format!("read {read}")))
    }

    pub(crate) fn no_reader(&self, reader: ReaderId) -> StoreError {
        self.not_found(format!("reader {reader}"))
    }

    pub(crate) fn not_found(&self, what: String) -> StoreError {
        StoreError::NotFound { location: (*self.location).clone(), what }
    }
}

/// A set of reads. A set of reads with a mark is small; a set of reads without it is most of the
/// archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Among {
    /// These reads.
    These(Vec<ReadId>),
    /// All reads except these.
    AllBut(Vec<ReadId>),
}

/// A condition: the read whose id is in `column` is kept, or has a note, label, highlight, answer,
/// rating or correction, so it must stay in the archive.
pub(crate) fn is_held(column: &str) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM mark x WHERE x.read_id = {column} AND x.kept_at IS NOT NULL)
          OR EXISTS (SELECT 1 FROM note x WHERE x.read_id = {column} AND x.text <> '')
          OR EXISTS (SELECT 1 FROM label x WHERE x.read_id = {column})
          OR EXISTS (SELECT 1 FROM highlight x WHERE x.read_id = {column} AND x.removed_at IS NULL)
          OR EXISTS (SELECT 1 FROM card_answer x WHERE x.read_id = {column}
              AND (x.text <> '' OR x.rating IS NOT NULL))
          OR EXISTS (SELECT 1 FROM correction x WHERE x.read_id = {column}))"
    )
}

/// Counts a week's reads for the reader `$1`. `week` is an expression.
fn week_counted(week: &str) -> String {
    let count = |condition: &str, value: &str| {
        format!("coalesce(CAST(sum(CASE WHEN {condition} THEN {value} ELSE 0 END) AS BIGINT), 0)")
    };
    let is_unread = "m.done_at IS NULL AND m.hidden_at IS NULL";
    format!(
        "SELECT max(r.week) AS week, count(*) AS reads, {unread} AS unread, {kept} AS kept, {noted} AS noted,
            {minutes} AS minutes,
            (SELECT count(*) FROM tally t WHERE t.list = 'week/' || {week}
                AND t.facet > 'source/' AND t.facet < 'source0' AND t.reads > 0) AS sources
         FROM read r LEFT JOIN mark m ON m.read_id = r.id AND m.reader_id = $1
            LEFT JOIN note n ON n.read_id = r.id AND n.reader_id = $1 AND n.text <> ''
         WHERE r.week = {week} AND r.stage = 'annotated'",
        unread = count(is_unread, "1"),
        kept = count("m.kept_at IS NOT NULL", "1"),
        noted = count("n.read_id IS NOT NULL", "1"),
        minutes = count(is_unread, "r.minutes"),
    )
}

fn reader_count_of_row(row: &Row) -> Tried<ReaderCount> {
    Ok(ReaderCount {
        reads: row.count("reads")?,
        unread: row.count("unread")?,
        kept: row.count("kept")?,
        noted: row.count("noted")?,
        minutes: row.count("minutes")?,
        sources: row.count("sources")?,
    })
}

const ACTION: &str = "SELECT id, mark, value, earlier FROM action WHERE reader_id = $1 AND id = $2";

/// The column of a mark.
pub(crate) fn column(mark: Mark) -> &'static str {
    match mark {
        Mark::Keep => "kept_at",
        Mark::Done => "done_at",
        Mark::Hide => "hidden_at",
    }
}

/// The read with this id, or the read it was merged into. It stays in the archive until the
/// transaction ends.
pub(crate) async fn existing(tx: &mut Tx, read: ReadId) -> Tried<Option<ReadId>> {
    let lock = tx.for_key_share();
    let query = format!(
        "SELECT id FROM read WHERE id = coalesce((SELECT into_id FROM merged WHERE id = $1), $1) {lock}"
    );
    // A read that was merged while its lock was awaited has a new id.
    for _ in 0..2 {
        if let Some(row) = tx.row(sql_of(query.clone()).bind(read.0)).await? {
            return row.int("id").map(ReadId).map(Some);
        }
    }
    Ok(None)
}

pub(crate) fn read_of_row(row: &Row) -> Tried<ReadId> {
    row.int("read_id").map(ReadId)
}

/// Sets or removes a mark if that changes anything, and records the former state.
pub(crate) async fn change(
    tx: &mut Tx,
    reader: ReaderId,
    reads: &[ReadId],
    mark: Mark,
    since: Option<Timestamp>,
) -> Tried<Action> {
    let column = column(mark);
    let mut earlier = Earlier::new();
    for some in reads.chunks(500) {
        let query = format!(
            "SELECT read_id, {column} AS before FROM mark WHERE reader_id = $1 AND read_id IN ({})",
            placeholders(2, some.len())
        );
        let query = sql_listing(query, some.len()).bind(reader.0).bind_all(some.iter().map(|id| id.0));
        let mut before: HashMap<i64, Option<i64>> = HashMap::new();
        for row in tx.rows(query).await? {
            before.insert(row.int("read_id")?, row.opt_int("before")?);
        }
        let before = |id: &ReadId| before.get(&id.0).copied().flatten();
        let changed: Vec<_> = some
            .iter()
            .filter(|id| before(id).is_some() != since.is_some())
            .map(|id| (*id, before(id)))
            .collect();
        set(tx, reader, column, &changed, since).await?;
        earlier.extend(changed);
    }
    let id = new_number(tx, "action", reader).await?;
    let insert = sql("INSERT INTO action (id, reader_id, mark, value, earlier) VALUES ($1, $2, $3, $4, $5)")
        .bind(id)
        .bind(reader.0)
        .bind(mark.as_str());
    tx.run(insert.bind(since.is_some()).bind(to_json(&earlier)?)).await?;
    let forget = sql("DELETE FROM action WHERE reader_id = $1
         AND id <= (SELECT id FROM action WHERE reader_id = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)");
    tx.run(forget.bind(reader.0).bind(ACTIONS_KEPT)).await?;
    let reads = earlier.into_iter().map(|(read, _)| read).collect();
    Ok(Action { id, mark, set: since.is_some(), reads })
}

/// The id for a new row of the reader in this table. Pages show it, so it must not reveal what
/// other readers do. So it is computed from the reader's id and version instead of being counted
/// over all readers. [`Store::begin_of`] has started the transaction.
pub(crate) async fn new_number(tx: &mut Tx, table: &'static str, reader: ReaderId) -> Tried<i64> {
    let query = sql_of(format!(
        "SELECT version, (SELECT max(id) FROM {table} WHERE reader_id = $1) AS newest FROM reader WHERE id = $1"
    ));
    let row = tx.row(query.bind(reader.0)).await?;
    let row = row.ok_or_else(|| Failure::Unreadable("a reader is gone".into()))?;
    let least = (reader.0 << 32) + row.int("version")?;
    // An older version of the program counted over all readers.
    Ok(row.opt_int("newest")?.map_or(least, |newest| least.max(newest + 1)))
}

async fn set(
    tx: &mut Tx,
    reader: ReaderId,
    column: &str,
    changed: &[(ReadId, Option<i64>)],
    since: Option<Timestamp>,
) -> Tried<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let rows: Vec<String> = (3..3 + changed.len()).map(|n| format!("($1, ${n}, $2)")).collect();
    let upsert = format!(
        "INSERT INTO mark (reader_id, read_id, {column}) VALUES {}
         ON CONFLICT (reader_id, read_id) DO UPDATE SET {column} = excluded.{column}",
        rows.join(", ")
    );
    let upsert = if changed.len() == 1 { sql_of(upsert) } else { sql_once(upsert) };
    tx.run(upsert.bind(reader.0).bind(since.map(millis)).bind_all(changed.iter().map(|(id, _)| id.0)))
        .await?;
    Ok(())
}

fn action_of(row: &Row) -> Tried<(Action, Earlier)> {
    let earlier: Earlier = row.json("earlier")?;
    let action = Action {
        id: row.int("id")?,
        mark: row.parsed("mark")?,
        set: row.yes("value")?,
        reads: earlier.iter().map(|(read, _)| *read).collect(),
    };
    Ok((action, earlier))
}

/// Joins two notes. A text that the other note contains is not repeated.
pub(crate) fn united(there: &str, more: &str) -> String {
    const BETWEEN: &str = "\n\n---\n\n";
    let continues =
        |text: &str, start: &str| text.strip_prefix(start).is_some_and(|rest| rest.starts_with('\n'));
    if there.is_empty() || continues(more, there) {
        return more.to_owned();
    }
    if continues(there, more) {
        return there.to_owned();
    }
    let mut parts: Vec<&str> = there.split(BETWEEN).collect();
    for part in more.split(BETWEEN) {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts.join(BETWEEN)
}

#[cfg(test)]
mod tests {
    use super::united;

    #[test]
    fn united_notes_lose_nothing_and_repeat_nothing() {
        for (there, more, expected) in [
            ("", "a", "a"),
            ("a", "a", "a"),
            ("a", "b", "a\n\n---\n\nb"),
            ("a\n\n---\n\nb", "b", "a\n\n---\n\nb"),
            ("a\n\n---\n\nb", "b\n\n---\n\nc", "a\n\n---\n\nb\n\n---\n\nc"),
            // One is the other, written on.
            ("a", "a\nmore", "a\nmore"),
            ("a\nmore", "a", "a\nmore"),
            // One contains the other, and is another note all the same.
            ("catalogue", "cat", "catalogue\n\n---\n\ncat"),
            (
                "We should do this never",
                "We should do this",
                "We should do this never\n\n---\n\nWe should do this",
            ),
        ] {
            assert_eq!(united(there, more), expected, "{there:?} and {more:?}");
        }
    }
}

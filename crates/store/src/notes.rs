//! Notes and labels of readers: tables `note` and `label`.
//!
//! Only a caller that has seen the last version of a note can change it, so that no change is lost.

use std::collections::{HashMap, HashSet};

use backissue_model::{ConceptSlug, Highlight, Label, Note, NoteText, ReadId, ReaderId};
use jiff::Timestamp;

use crate::database::{Row, Tried, Value, placeholders, sql, sql_listing, sql_of};
use crate::keys::concept_list;
use crate::marks::{change, existing};
use crate::pages::{CARD, card_of_row};
use crate::sources::company_of;
use crate::times::millis;
use crate::{ReadCard, Store, StoreError};

/// Maximum labels of a read.
pub const LABELS_MAX: usize = 20;
/// A concept counts as one of the reader's if the reader keeps at least this many reads with it.
const INTEREST_READS: u64 = 3;
/// Maximum labels and other groups of a shelf.
const GROUPS_MAX: i64 = 200;
/// Maximum reads that are listed with a group.
pub const GROUP_SHOWN: usize = 5;
/// Maximum groups of a shelf that are listed.
const GROUPS_SHOWN: usize = 30;
/// Number of notes per query while words are searched in them.
const NOTES_AT_ONCE: u32 = 200;

/// The result of saving a note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteSaved {
    /// The saved note.
    Saved(Note),
    /// The current note. It has changed since the version that the caller saw, so nothing was
    /// saved.
    Conflict(Note),
}

/// The result of adding a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Labelled {
    /// The read has the label, and is kept.
    Added,
    /// The read already has [`LABELS_MAX`] labels. Nothing was changed.
    TooMany,
}

/// A read with its reader's note, highlights and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Own {
    /// The read.
    pub card: ReadCard,
    /// When it was kept. `None` if it is not kept.
    pub kept: Option<Timestamp>,
    /// The note; empty if there is none.
    pub note: Note,
    /// The reader's highlights, oldest first.
    pub highlights: Vec<Highlight>,
    /// The reader's labels, in alphabetical order.
    pub labels: Vec<Label>,
}

/// The order of a shelf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ShelfOrder {
    /// Last kept first.
    #[default]
    Kept,
    /// Last published first.
    Published,
    /// Shortest first.
    Minutes,
}

/// Which kept reads a shelf shows; all conditions apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShelfFilter {
    /// Only those with this label.
    pub label: Option<Label>,
    /// Only those that this source named first.
    pub source: Option<backissue_model::SourceId>,
    /// Only those with this concept.
    pub concept: Option<ConceptSlug>,
    /// Only of this week.
    pub week: Option<backissue_model::Week>,
}

/// How a shelf is grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShelfBy {
    /// The reader's labels; a read with several is in several groups.
    Label,
    /// Concepts; a read with several is in several groups.
    Concept,
    /// The source that named a read first.
    Company,
    /// The week a read is filed under.
    Week,
}

/// A group of a shelf.
#[derive(Clone, Debug, PartialEq)]
pub struct ShelfGroup {
    /// The label, the slug of the concept or source, or the week. `None` for reads without a label
    /// or concept.
    pub name: Option<String>,
    /// Number of reads.
    pub reads: u64,
    /// The first reads, at most [`GROUP_SHOWN`].
    pub items: Vec<Own>,
}

/// A position in a shelf or a list of notes, after one of its reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnCursor {
    key: i64,
    id: i64,
}

impl std::fmt::Display for OwnCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.key, self.id)
    }
}

impl std::str::FromStr for OwnCursor {
    type Err = crate::CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (key, id) = text.split_once('.')?;
            Some(Self { key: key.parse().ok()?, id: id.parse().ok()? })
        };
        parse().ok_or_else(|| crate::CursorError(text.to_owned()))
    }
}

/// A page of a shelf or of a list of notes.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnPage {
    /// Its reads.
    pub items: Vec<Own>,
    /// Where the next page starts. `None` at the end.
    pub next: Option<OwnCursor>,
}

/// Values by which a shelf can be filtered, with their number of reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShelfGroups {
    /// Labels, in alphabetical order.
    pub labels: Vec<(Label, u64)>,
    /// Concepts, the most frequent first.
    pub concepts: Vec<(ConceptSlug, u64)>,
    /// Companies, by the source that named a read first: slug, company, reads.
    pub sources: Vec<(backissue_model::Slug, String, u64)>,
    /// Weeks, newest first.
    pub weeks: Vec<(backissue_model::Week, u64)>,
}

impl Store {
    /// The reader's note on a read.
    pub async fn note(&self, reader: ReaderId, read: ReadId) -> Result<Note, StoreError> {
        let query = sql(NOTE).bind(reader.0).bind(read.0);
        Ok(self.one("looking up a note", query, note_of_row).await?.unwrap_or_else(nothing))
    }

    /// Saves the note on a read. `seen` is the last version that the caller knows. An empty text
    /// removes the note.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader or read; otherwise if the database
    /// fails.
    pub async fn save_note(
        &self,
        reader: ReaderId,
        read: ReadId,
        text: &NoteText,
        seen: i64,
        now: Timestamp,
    ) -> Result<NoteSaved, StoreError> {
        let saved = self.retry("saving a note", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let Some(read) = existing(&mut tx, read).await? else {
                tx.abandon().await?;
                return Ok(Some(None));
            };
            let row = tx.row(sql(NOTE).bind(reader.0).bind(read.0)).await?;
            let note = row.as_ref().map_or(Ok(nothing()), note_of_row)?;
            if note.text == *text || note.version != seen {
                tx.abandon().await?;
                let same = note.text == *text;
                return Ok(Some(Some(if same { NoteSaved::Saved(note) } else { NoteSaved::Conflict(note) })));
            }
            let upsert = sql("INSERT INTO note (reader_id, read_id, text, version, made_at, changed_at)
                 VALUES ($1, $2, $3, 1, $4, $4)
                 ON CONFLICT (reader_id, read_id) DO UPDATE SET
                    text = excluded.text, version = note.version + 1, changed_at = excluded.changed_at");
            tx.run(upsert.bind(reader.0).bind(read.0).bind(text.as_str()).bind(millis(now))).await?;
            let row = tx.row(sql(NOTE).bind(reader.0).bind(read.0)).await?;
            let note = row.as_ref().map_or(Ok(nothing()), note_of_row)?;
            tx.commit().await?;
            Ok(Some(Some(NoteSaved::Saved(note))))
        });
        self.done_to(saved.await?, reader, read)
    }

    /// The reader's labels of a read.
    pub async fn labels(&self, reader: ReaderId, read: ReadId) -> Result<Vec<Label>, StoreError> {
        let labels = self.run("looking up labels", self.labels_of(reader, &[read])).await;
        Ok(labels?.remove(&read).unwrap_or_default())
    }

    /// The reads among these that have a label of the reader.
    pub async fn labelled(&self, reader: ReaderId, reads: &[ReadId]) -> Result<HashSet<ReadId>, StoreError> {
        if reads.is_empty() {
            return Ok(HashSet::new());
        }
        let labels = self.run("looking up labels", self.labels_of(reader, reads)).await?;
        Ok(labels.into_keys().collect())
    }

    /// The concepts that the reader keeps at least three reads on.
    pub async fn concepts_of_interest(&self, reader: ReaderId) -> Result<HashSet<ConceptSlug>, StoreError> {
        let kept = self.shelf_groups(reader).await?.concepts.into_iter();
        Ok(kept.filter(|(_, reads)| *reads >= INTEREST_READS).map(|(concept, _)| concept).collect())
    }

    /// All labels of the reader, at most 200, in alphabetical order.
    pub async fn all_labels(&self, reader: ReaderId) -> Result<Vec<Label>, StoreError> {
        let query = sql("SELECT DISTINCT name FROM label WHERE reader_id = $1 ORDER BY name LIMIT $2");
        let query = query.bind(reader.0).bind(GROUPS_MAX);
        self.list("listing labels", query, |row| row.parsed("name")).await
    }

    /// All labels of the reader, in alphabetical order, each with the number of its shown reads.
    pub async fn counted_labels(&self, reader: ReaderId) -> Result<Vec<(Label, u64)>, StoreError> {
        let query = sql("SELECT l.name, count(*) AS reads FROM label l JOIN read r ON r.id = l.read_id
             WHERE l.reader_id = $1 AND r.stage = 'annotated' GROUP BY l.name ORDER BY l.name");
        self.list("counting labels", query.bind(reader.0), |row| {
            Ok((row.parsed("name")?, row.count("reads")?))
        })
        .await
    }

    /// Adds a label to a read, and keeps the read.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader or read; otherwise if the database
    /// fails.
    pub async fn add_label(
        &self,
        reader: ReaderId,
        read: ReadId,
        label: &Label,
        now: Timestamp,
    ) -> Result<Labelled, StoreError> {
        let added = self.retry("adding a label", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let Some(read) = existing(&mut tx, read).await? else {
                tx.abandon().await?;
                return Ok(Some(None));
            };
            let insert = sql("INSERT INTO label (reader_id, read_id, name) VALUES ($1, $2, $3)
                 ON CONFLICT (reader_id, read_id, name) DO NOTHING");
            tx.run(insert.bind(reader.0).bind(read.0).bind(label.as_str())).await?;
            let count = sql("SELECT count(*) AS labels FROM label WHERE reader_id = $1 AND read_id = $2");
            let labels =
                tx.row(count.bind(reader.0).bind(read.0)).await?.map_or(Ok(0), |row| row.count("labels"))?;
            if labels > LABELS_MAX as u64 {
                tx.abandon().await?;
                return Ok(Some(Some(Labelled::TooMany)));
            }
            change(&mut tx, reader, &[read], backissue_model::Mark::Keep, Some(now)).await?;
            tx.commit().await?;
            Ok(Some(Some(Labelled::Added)))
        });
        self.done_to(added.await?, reader, read)
    }

    /// Removes a label from a read. The read stays kept.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader or read; otherwise if the database
    /// fails.
    pub async fn remove_label(
        &self,
        reader: ReaderId,
        read: ReadId,
        label: &Label,
    ) -> Result<(), StoreError> {
        let removed = self.retry("removing a label", || async {
            let Some(mut tx) = self.begin_of(reader).await? else { return Ok(None) };
            let Some(read) = existing(&mut tx, read).await? else {
                tx.abandon().await?;
                return Ok(Some(None));
            };
            let delete = sql("DELETE FROM label WHERE reader_id = $1 AND read_id = $2 AND name = $3");
            tx.run(delete.bind(reader.0).bind(read.0).bind(label.as_str())).await?;
            tx.commit().await?;
            Ok(Some(Some(())))
        });
        self.done_to(removed.await?, reader, read)
    }

    /// A page of the reader's shelf: at most `limit` (at most 200) reads after the cursor. All
    /// orders but [`ShelfOrder::Kept`] read the whole shelf.
    pub async fn shelf(
        &self,
        reader: ReaderId,
        filter: &ShelfFilter,
        order: ShelfOrder,
        after: Option<&OwnCursor>,
        limit: u32,
    ) -> Result<OwnPage, StoreError> {
        let limit = limit.clamp(1, 200);
        let found = async {
            let rows = self.shelf_rows(reader, filter, order, after, limit + 1).await?;
            self.own_page(reader, rows, limit).await
        };
        self.run("listing a shelf", found).await
    }

    /// The rows of at most `limit` cards of the reader's shelf after the cursor.
    pub(crate) async fn shelf_rows(
        &self,
        reader: ReaderId,
        filter: &ShelfFilter,
        order: ShelfOrder,
        after: Option<&OwnCursor>,
        limit: u32,
    ) -> Tried<Vec<Row>> {
        let (key, descending) = key_of(order);
        let (than, direction) = if descending { ("<", "DESC") } else { (">", "ASC") };
        let (narrow, values) = narrowed(filter, 5);
        let query = format!(
            "SELECT {CARD}, {key} AS own_key FROM mark m CROSS JOIN read r JOIN source s ON s.id = r.source_id
             WHERE r.id = m.read_id AND m.reader_id = $1 AND m.kept_at IS NOT NULL AND r.stage = 'annotated'
                AND ({key}, m.read_id) {than} ($2, $3) {narrow}
             ORDER BY {key} {direction}, m.read_id {direction} LIMIT $4"
        );
        let query = with_cursor(sql_of(query).bind(reader.0), after, descending).bind(limit).bind_all(values);
        self.database.rows(query).await
    }

    /// The reader's shelf in at most 30 groups, each with its first reads in this order. Labels are
    /// sorted by name, weeks from new to old, concepts and companies by number of reads. Reads the
    /// whole shelf.
    pub async fn shelf_by(
        &self,
        reader: ReaderId,
        filter: &ShelfFilter,
        order: ShelfOrder,
        by: ShelfBy,
    ) -> Result<Vec<ShelfGroup>, StoreError> {
        self.run("grouping a shelf", self.try_shelf_by(reader, filter, order, by)).await
    }

    async fn try_shelf_by(
        &self,
        reader: ReaderId,
        filter: &ShelfFilter,
        order: ShelfOrder,
        by: ShelfBy,
    ) -> Tried<Vec<ShelfGroup>> {
        let (join, name) = match by {
            ShelfBy::Label => {
                ("LEFT JOIN label g ON g.reader_id = m.reader_id AND g.read_id = r.id", "g.name")
            }
            ShelfBy::Concept => (
                "LEFT JOIN listing g ON g.read_id = r.id AND substr(g.list, 1, 8) = 'concept/'",
                "substr(g.list, 9)",
            ),
            ShelfBy::Company => ("", "s.slug"),
            ShelfBy::Week => ("", "r.week"),
        };
        let (key, descending) = key_of(order);
        let direction = if descending { "DESC" } else { "ASC" };
        let (narrow, values) = narrowed(filter, 2);
        let query = format!(
            "SELECT k.name, k.id, k.reads FROM (
                SELECT {name} AS name, r.id, count(*) OVER (PARTITION BY {name}) AS reads,
                    row_number() OVER (PARTITION BY {name} ORDER BY {key} {direction}, r.id {direction}) AS nth
                FROM mark m CROSS JOIN read r JOIN source s ON s.id = r.source_id {join}
                WHERE r.id = m.read_id AND m.reader_id = $1 AND m.kept_at IS NOT NULL AND r.stage = 'annotated' {narrow}
             ) k WHERE k.nth <= {GROUP_SHOWN} ORDER BY k.name, k.nth"
        );
        let rows = self.database.rows(sql_of(query).bind(reader.0).bind_all(values)).await?;
        let mut groups: Vec<(Option<String>, u64, Vec<ReadId>)> = Vec::new();
        for row in &rows {
            let (name, read) = (row.opt_text("name")?, ReadId(row.int("id")?));
            match groups.last_mut() {
                Some((last, _, reads)) if *last == name => reads.push(read),
                _ => groups.push((name, row.count("reads")?, vec![read])),
            }
        }
        sort_groups(&mut groups, by);
        groups.truncate(GROUPS_SHOWN);
        self.with_reads(reader, groups).await
    }

    async fn with_reads(
        &self,
        reader: ReaderId,
        groups: Vec<(Option<String>, u64, Vec<ReadId>)>,
    ) -> Tried<Vec<ShelfGroup>> {
        let mut reads: Vec<ReadId> = groups.iter().flat_map(|(_, _, reads)| reads.clone()).collect();
        reads.sort_unstable();
        reads.dedup();
        let own: HashMap<ReadId, Own> = self
            .with_words(reader, self.try_cards(&reads).await?)
            .await?
            .into_iter()
            .map(|own| (own.card.id, own))
            .collect();
        let group = |(name, reads, first): (Option<String>, u64, Vec<ReadId>)| ShelfGroup {
            name,
            reads,
            items: first.iter().filter_map(|read| own.get(read).cloned()).collect(),
        };
        Ok(groups.into_iter().map(group).collect())
    }

    /// A page of the reads with a note or highlights of the reader, last changed first: at most
    /// `limit` (at most 200) after the cursor. With `words`, only reads that have each of them in
    /// their title, the note, a highlighted passage or a remark, in any case. With words,
    /// everything that the reader wrote is examined.
    pub async fn notes(
        &self,
        reader: ReaderId,
        words: &str,
        after: Option<&OwnCursor>,
        limit: u32,
    ) -> Result<OwnPage, StoreError> {
        self.run("listing notes", self.try_notes(reader, words, after, limit.clamp(1, 200))).await
    }

    async fn try_notes(
        &self,
        reader: ReaderId,
        words: &str,
        after: Option<&OwnCursor>,
        limit: u32,
    ) -> Tried<OwnPage> {
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        let batch = if words.is_empty() { limit + 1 } else { NOTES_AT_ONCE };
        let most = limit as usize;
        let (mut found, mut after) = (Vec::new(), after.copied());
        loop {
            let query = with_cursor(written(batch).bind(reader.0), after.as_ref(), true);
            let rows = self.database.rows(query).await?;
            let is_last = rows.len() < batch as usize;
            let cards = rows.iter().map(card_of_row).collect::<Tried<Vec<_>>>()?;
            let own = self.with_words(reader, cards).await?;
            for (row, own) in rows.iter().zip(own) {
                let cursor = cursor_of_row(row)?;
                after = Some(cursor);
                if has_words(&own, &words) {
                    found.push((cursor, own));
                }
            }
            if is_last || found.len() > most {
                let next =
                    if found.len() > most { found.get(most - 1).map(|(cursor, _)| *cursor) } else { None };
                let items = found.into_iter().take(most).map(|(_, own)| own).collect();
                return Ok(OwnPage { items, next });
            }
        }
    }

    /// The page of these rows, of which there may be more than `limit`.
    async fn own_page(&self, reader: ReaderId, mut rows: Vec<Row>, limit: u32) -> Tried<OwnPage> {
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = match rows.last() {
            Some(row) if more => Some(cursor_of_row(row)?),
            _ => None,
        };
        let cards = rows.iter().map(card_of_row).collect::<Tried<Vec<_>>>()?;
        Ok(OwnPage { items: self.with_words(reader, cards).await?, next })
    }

    /// Adds the reader's notes, highlights and labels to these reads, with four queries in all.
    async fn with_words(&self, reader: ReaderId, cards: Vec<ReadCard>) -> Tried<Vec<Own>> {
        let reads: Vec<ReadId> = cards.iter().map(|card| card.id).collect();
        let (mut notes, mut labels) =
            (self.notes_of(reader, &reads).await?, self.labels_of(reader, &reads).await?);
        let mut highlights = self.highlights_of(reader, &reads).await?;
        let marks = self.try_marks(reader, &reads).await?;
        let own = |card: ReadCard| Own {
            kept: marks.get(&card.id).and_then(|marks| marks.kept),
            note: notes.remove(&card.id).unwrap_or_else(nothing),
            highlights: highlights.remove(&card.id).unwrap_or_default(),
            labels: labels.remove(&card.id).unwrap_or_default(),
            card,
        };
        Ok(cards.into_iter().map(own).collect())
    }

    async fn notes_of(&self, reader: ReaderId, reads: &[ReadId]) -> Tried<HashMap<ReadId, Note>> {
        let query = format!(
            "SELECT read_id, text, version, made_at, changed_at FROM note WHERE reader_id = $1 AND read_id IN ({})",
            placeholders(2, reads.len())
        );
        let query = sql_listing(query, reads.len()).bind(reader.0).bind_all(reads.iter().map(|id| id.0));
        let rows = self.database.rows(query).await?;
        rows.iter().map(|row| Ok((ReadId(row.int("read_id")?), note_of_row(row)?))).collect()
    }

    pub(crate) async fn labels_of(
        &self,
        reader: ReaderId,
        reads: &[ReadId],
    ) -> Tried<HashMap<ReadId, Vec<Label>>> {
        let query = format!(
            "SELECT read_id, name FROM label WHERE reader_id = $1 AND read_id IN ({}) ORDER BY read_id, name",
            placeholders(2, reads.len())
        );
        let query = sql_listing(query, reads.len()).bind(reader.0).bind_all(reads.iter().map(|id| id.0));
        let mut labels: HashMap<ReadId, Vec<Label>> = HashMap::new();
        for row in self.database.rows(query).await? {
            labels.entry(ReadId(row.int("read_id")?)).or_default().push(row.parsed("name")?);
        }
        Ok(labels)
    }

    /// Values by which the reader's shelf can be filtered, at most 200 of each kind. Reads the
    /// whole shelf.
    pub async fn shelf_groups(&self, reader: ReaderId) -> Result<ShelfGroups, StoreError> {
        self.run("counting a shelf", self.try_shelf_groups(reader)).await
    }

    async fn try_shelf_groups(&self, reader: ReaderId) -> Tried<ShelfGroups> {
        const KEPT: &str = "mark m CROSS JOIN read r
            WHERE r.id = m.read_id AND m.reader_id = $1 AND m.kept_at IS NOT NULL AND r.stage = 'annotated'";
        let rows =
            async |query: String| self.database.rows(sql_of(query).bind(reader.0).bind(GROUPS_MAX)).await;
        let mut groups = ShelfGroups::default();
        let labels = format!(
            "SELECT l.name, count(*) AS reads FROM label l WHERE l.reader_id = $1
                AND l.read_id IN (SELECT r.id FROM {KEPT}) GROUP BY l.name ORDER BY l.name LIMIT $2"
        );
        for row in rows(labels).await? {
            groups.labels.push((row.parsed("name")?, row.count("reads")?));
        }
        let concepts = format!(
            "SELECT substr(l.list, 9) AS slug, count(*) AS reads FROM listing l
             WHERE substr(l.list, 1, 8) = 'concept/' AND l.read_id IN (SELECT r.id FROM {KEPT})
             GROUP BY l.list ORDER BY reads DESC, l.list LIMIT $2"
        );
        for row in rows(concepts).await? {
            groups.concepts.push((row.parsed("slug")?, row.count("reads")?));
        }
        let sources = format!(
            "SELECT s.slug, s.title, s.host, s.company, k.reads FROM
                (SELECT r.source_id, count(*) AS reads FROM {KEPT} GROUP BY r.source_id) k
             JOIN source s ON s.id = k.source_id ORDER BY k.reads DESC, s.slug LIMIT $2"
        );
        for row in rows(sources).await? {
            let slug = backissue_model::Slug::of(&row.text("slug")?);
            groups.sources.push((slug, company_of_row(&row)?, row.count("reads")?));
        }
        let weeks = format!(
            "SELECT r.week, count(*) AS reads FROM {KEPT} GROUP BY r.week ORDER BY r.week DESC LIMIT $2"
        );
        for row in rows(weeks).await? {
            groups.weeks.push((row.parsed("week")?, row.count("reads")?));
        }
        Ok(groups)
    }
}

/// The sort key of an order, and whether it is descending.
fn key_of(order: ShelfOrder) -> (&'static str, bool) {
    match order {
        ShelfOrder::Kept => ("m.kept_at", true),
        ShelfOrder::Published => ("r.filed_at", true),
        ShelfOrder::Minutes => ("r.minutes", false),
    }
}

/// The conditions of a filter on read `r` of reader `$1`, and their values from `$from` on.
fn narrowed(filter: &ShelfFilter, from: usize) -> (String, Vec<Value>) {
    let (mut conditions, mut values) = (String::new(), Vec::new());
    let mut and = |condition: &str, value: Value| {
        let place = format!("${}", from + values.len());
        conditions.push_str(&format!(" AND {}", condition.replace('?', &place)));
        values.push(value);
    };
    if let Some(label) = &filter.label {
        let has = "EXISTS (SELECT 1 FROM label l WHERE l.reader_id = $1 AND l.read_id = r.id AND l.name = ?)";
        and(has, label.as_str().into());
    }
    if let Some(concept) = &filter.concept {
        let has = "EXISTS (SELECT 1 FROM listing l WHERE l.read_id = r.id AND l.list = ?)";
        and(has, concept_list(concept).into());
    }
    if let Some(source) = filter.source {
        and("r.source_id = ?", source.0.into());
    }
    if let Some(week) = filter.week {
        and("r.week = ?", week.to_string().into());
    }
    (conditions, values)
}

/// Sorts groups that are already sorted by name. The group without a name comes last.
fn sort_groups(groups: &mut [(Option<String>, u64, Vec<ReadId>)], by: ShelfBy) {
    groups.sort_by(|(one, one_reads, _), (other, other_reads, _)| {
        let named = one.is_none().cmp(&other.is_none());
        named.then_with(|| match by {
            ShelfBy::Label => one.cmp(other),
            ShelfBy::Week => other.cmp(one),
            ShelfBy::Concept | ShelfBy::Company => other_reads.cmp(one_reads).then_with(|| one.cmp(other)),
        })
    });
}

fn cursor_of_row(row: &Row) -> Tried<OwnCursor> {
    Ok(OwnCursor { key: row.int("own_key")?, id: row.int("id")? })
}

/// The reads with a note or highlights of reader `$1`, before the cursor in `$2` and `$3`: each
/// read once, at the time of the last change. Both halves follow an index.
fn written(limit: u32) -> crate::database::Sql {
    let reads = "JOIN source s ON s.id = r.source_id
         WHERE r.stage = 'annotated' AND w.reader_id = $1 AND (w.changed_at, w.read_id) < ($2, $3)";
    let order = format!("ORDER BY w.changed_at DESC, w.read_id DESC LIMIT {limit}");
    // With `+ 0`, SQLite does not take the index of all highlights by time for it.
    let newer = "(h.changed_at + 0, h.id) > (w.changed_at, w.id)";
    sql_of(format!(
        "SELECT * FROM (SELECT {CARD}, w.changed_at AS own_key FROM note w JOIN read r ON r.id = w.read_id {reads}
            AND w.text <> '' AND NOT EXISTS (SELECT 1 FROM highlight h WHERE h.reader_id = $1
                AND h.read_id = w.read_id AND h.removed_at IS NULL AND h.changed_at + 0 > w.changed_at)
         {order}) AS noted
         UNION ALL
         SELECT * FROM (SELECT {CARD}, w.changed_at AS own_key FROM highlight w JOIN read r ON r.id = w.read_id {reads}
            AND w.removed_at IS NULL AND NOT EXISTS (SELECT 1 FROM highlight h WHERE h.reader_id = $1
                AND h.read_id = w.read_id AND h.removed_at IS NULL AND {newer})
            AND NOT EXISTS (SELECT 1 FROM note n WHERE n.reader_id = $1 AND n.read_id = w.read_id AND n.text <> ''
                AND n.changed_at >= w.changed_at)
         {order}) AS highlighted
         ORDER BY own_key DESC, id DESC LIMIT {limit}"
    ))
}

/// Whether all of these words, which are in lower case, are in the read's title or in what its
/// reader wrote or highlighted.
fn has_words(own: &Own, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let marked = own.highlights.iter().flat_map(|h| [h.quote.exact.as_str(), h.remark.as_str()]);
    let texts = [own.card.title.as_str(), own.note.text.as_str()].into_iter().chain(marked);
    let texts: Vec<String> = texts.map(str::to_lowercase).collect();
    words.iter().all(|word| texts.iter().any(|text| text.contains(word)))
}

fn company_of_row(row: &Row) -> Tried<String> {
    let (title, host) = (row.text("title")?, row.text("host")?);
    Ok(company_of(row.text("company")?, if title.is_empty() { &host } else { &title }))
}

fn with_cursor(
    query: crate::database::Sql,
    after: Option<&OwnCursor>,
    descending: bool,
) -> crate::database::Sql {
    let start = if descending { i64::MAX } else { i64::MIN };
    let (key, id) = after.map_or((start, start), |cursor| (cursor.key, cursor.id));
    query.bind(key).bind(id)
}

const NOTE: &str =
    "SELECT read_id, text, version, made_at, changed_at FROM note WHERE reader_id = $1 AND read_id = $2";

fn nothing() -> Note {
    Note { text: NoteText::default(), version: 0, made_at: None, changed_at: None }
}

fn note_of_row(row: &Row) -> Tried<Note> {
    let text = row.text("text")?;
    Ok(Note {
        text: NoteText::stored(text),
        version: row.int("version")?,
        made_at: row.opt_moment("made_at")?,
        changed_at: row.opt_moment("changed_at")?,
    })
}

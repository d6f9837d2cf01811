//! Changes since a version, for consumers such as a search index (`read.changed`, table `gone`).
//!
//! Each commit that changes what is shown of a read gives it the archive's new version. These
//! commits are serialised, because each locks the archive's row from its `touch` to its end. So a
//! consumer that has seen a version has seen all earlier ones.

use std::collections::HashMap;

use backissue_model::{Fingerprint, Precis, ReadId, Slug};

use crate::cards::ReadCard;
use crate::database::{Row, Sql, Tried, placeholders, sql, sql_listing};
use crate::pages::{CARD, card_of_row};
use crate::{Store, StoreError};

/// Maximum changes per call.
const CHANGES_MAX: u32 = 1000;

/// A position in the order of changes. The default is before all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChangeMark {
    version: i64,
    id: i64,
}

impl ChangeMark {
    /// After everything up to this version of the archive.
    pub fn after_version(version: u64) -> Self {
        if version == 0 {
            return Self::default();
        }
        Self { version: i64::try_from(version).unwrap_or(i64::MAX), id: i64::MAX }
    }
}

/// The searchable text of a read, and what results show of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadText {
    /// Its fields in lists.
    pub card: ReadCard,
    /// Its précis.
    pub precis: Precis,
    /// The article as plain text.
    pub text: String,
    /// The fingerprint of its text. `None` if the text is too short.
    pub fingerprint: Option<Fingerprint>,
    /// The slugs of its sources, the first one first.
    pub sources: Vec<Slug>,
}

/// A batch of changes, oldest first. A read with several changes appears once, in its current
/// state.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// Reads that are new or changed.
    pub reads: Vec<ReadText>,
    /// Reads that left the archive.
    pub gone: Vec<ReadId>,
    /// Where the next batch starts. `None` if there are no more changes.
    pub next: Option<ChangeMark>,
    /// The version of the archive whose changes are complete with this batch.
    pub version: u64,
}

impl Store {
    /// At most `limit` (at most 1,000) changes after the mark.
    pub async fn changes(&self, after: ChangeMark, limit: u32) -> Result<Changes, StoreError> {
        let limit = limit.clamp(1, CHANGES_MAX);
        self.run("looking up what changed", async {
            let rows = self.database.rows(changed_after(after, limit)).await?;
            let (mut kept, mut gone) = (Vec::new(), Vec::new());
            let mut last = after;
            for row in &rows {
                last = ChangeMark { version: row.int("changed")?, id: row.int("id")? };
                let list = if row.yes("gone")? { &mut gone } else { &mut kept };
                list.push(ReadId(last.id));
            }
            let full = rows.len() == limit as usize;
            // A full batch may end in the middle of a version. The version before it is complete.
            let version = if full { last.version - 1 } else { last.version };
            let mut reads = self.try_texts(&kept).await?;
            // Reads that left in the meantime appear as gone in a later batch.
            let place: HashMap<ReadId, usize> = kept.iter().enumerate().map(|(at, id)| (*id, at)).collect();
            reads.sort_by_key(|read| place.get(&read.card.id).copied());
            Ok(Changes {
                reads,
                gone,
                next: full.then_some(last),
                version: u64::try_from(version).unwrap_or(0),
            })
        })
        .await
    }

    /// These reads with their texts, in this order. Skips reads that are not in the archive or not
    /// annotated.
    pub async fn texts(&self, ids: &[ReadId]) -> Result<Vec<ReadText>, StoreError> {
        self.run("looking up reads", async {
            let mut there: HashMap<ReadId, ReadText> =
                self.try_texts(ids).await?.into_iter().map(|read| (read.card.id, read)).collect();
            Ok(ids.iter().filter_map(|id| there.remove(id)).collect())
        })
        .await
    }

    async fn try_texts(&self, ids: &[ReadId]) -> Tried<Vec<ReadText>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let these = placeholders(1, ids.len());
        let query = format!(
            "SELECT {CARD}, r.fingerprint, a.text AS a_text, p.body
             FROM read r JOIN source s ON s.id = r.source_id
             JOIN article a ON a.read_id = r.id JOIN precis p ON p.read_id = r.id
             WHERE r.id IN ({these}) AND r.stage = 'annotated'"
        );
        let numbers = || ids.iter().map(|id| id.0);
        let rows = self.database.rows(sql_listing(query, ids.len()).bind_all(numbers())).await?;
        let query = format!(
            "SELECT p.read_id, s.slug FROM place p JOIN source s ON s.id = p.source_id JOIN read r ON r.id = p.read_id
             WHERE p.read_id IN ({these})
             ORDER BY p.read_id, CASE WHEN p.source_id = r.source_id THEN 0 ELSE 1 END, p.seen_at, p.source_id"
        );
        let mut sources: HashMap<i64, Vec<Slug>> = HashMap::new();
        for row in self.database.rows(sql_listing(query, ids.len()).bind_all(numbers())).await? {
            sources.entry(row.int("read_id")?).or_default().push(Slug::of(&row.text("slug")?));
        }
        rows.iter().map(|row| text_of_row(row, &mut sources)).collect()
    }
}

fn text_of_row(row: &Row, sources: &mut HashMap<i64, Vec<Slug>>) -> Tried<ReadText> {
    let card = card_of_row(row)?;
    Ok(ReadText {
        sources: sources.remove(&card.id.0).unwrap_or_default(),
        card,
        precis: row.json("body")?,
        text: row.text("a_text")?,
        fingerprint: row.opt_parsed("fingerprint")?,
    })
}

/// Both kinds of change come from one statement, so that they are consistent.
pub(crate) fn changed_after(after: ChangeMark, limit: u32) -> Sql {
    sql("SELECT changed, id, CAST(0 AS BIGINT) AS gone FROM read WHERE stage = 'annotated' AND (changed, id) > ($1, $2)
         UNION ALL
         SELECT changed, read_id AS id, CAST(1 AS BIGINT) AS gone FROM gone WHERE (changed, read_id) > ($1, $2)
         ORDER BY changed, id LIMIT $3")
    .bind(after.version)
    .bind(after.id)
    .bind(limit)
}

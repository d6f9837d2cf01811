//! Merges two reads into one (table `merged`).

use std::collections::HashMap;

use backissue_model::ReadId;

use crate::counters::mark_gone;
use crate::database::{Row, Sql, Tried, Tx, placeholders, sql, sql_listing};
use crate::{Store, corrections, highlights};

impl Store {
    /// For the merged reads among these, the reads into which they were merged.
    pub(crate) async fn merged(&self, reads: &[ReadId]) -> Tried<HashMap<ReadId, ReadId>> {
        if reads.is_empty() {
            return Ok(HashMap::new());
        }
        merged_of_rows(&self.database.rows(merged_into(reads)).await?)
    }
}

/// The statement of [`Store::merged`], for a transaction.
pub(crate) fn merged_into(reads: &[ReadId]) -> Sql {
    let query = format!("SELECT id, into_id FROM merged WHERE id IN ({})", placeholders(1, reads.len()));
    sql_listing(query, reads.len()).bind_all(reads.iter().map(|id| id.0))
}

/// The result of [`merged_into`].
pub(crate) fn merged_of_rows(rows: &[Row]) -> Tried<HashMap<ReadId, ReadId>> {
    rows.iter().map(|row| Ok((ReadId(row.int("id")?), ReadId(row.int("into_id")?)))).collect()
}

/// Moves all data of a read to another one, and deletes the read. Returns whether it had
/// corrections.
pub(crate) async fn absorb(tx: &mut Tx, into: ReadId, from: ReadId) -> Tried<bool> {
    mark_gone(tx, "$1", from.0).await?;
    for statement in [
        "UPDATE place SET read_id = $1 WHERE read_id = $2
         AND source_id NOT IN (SELECT source_id FROM place WHERE read_id = $1)",
        // If both have an address, the read that was admitted under it keeps it.
        "DELETE FROM address WHERE read_id = $2 AND how <> 'admitted'
         AND key IN (SELECT key FROM address WHERE read_id = $1)",
        "DELETE FROM address WHERE read_id = $1 AND key IN (SELECT key FROM address WHERE read_id = $2)",
        "UPDATE address SET read_id = $1 WHERE read_id = $2",
        "UPDATE read SET title_key = coalesce(title_key, (SELECT o.title_key FROM read o WHERE o.id = $2)) WHERE id = $1",
        "UPDATE merged SET into_id = $1 WHERE into_id = $2",
        "INSERT INTO merged (into_id, id) VALUES ($1, $2)",
    ] {
        tx.run(sql(statement).bind(into.0).bind(from.0)).await?;
    }
    hand_over(tx, into, from).await?;
    let corrected = corrections::hand_over(tx, into, from).await?;
    tx.run(sql("DELETE FROM read WHERE id = $1").bind(from.0)).await?;
    Ok(corrected)
}

/// Moves marks, notes, labels, answers, highlights and hits of saved searches to the read into
/// which another is merged.
async fn hand_over(tx: &mut Tx, into: ReadId, from: ReadId) -> Tried<()> {
    for statement in [
        // If only one of the two is hidden, the result is not hidden.
        "INSERT INTO mark (reader_id, read_id, kept_at, done_at, hidden_at)
         SELECT reader_id, $1, kept_at, done_at, hidden_at FROM mark WHERE read_id = $2
         ON CONFLICT (reader_id, read_id) DO UPDATE SET
            kept_at = coalesce(mark.kept_at, excluded.kept_at), done_at = coalesce(mark.done_at, excluded.done_at),
            hidden_at = CASE WHEN excluded.hidden_at IS NULL THEN NULL ELSE mark.hidden_at END",
        // Two notes become one. Its version exceeds both, so that an open form with either is
        // reported as a conflict.
        "INSERT INTO note (reader_id, read_id, text, version, made_at, changed_at)
         SELECT reader_id, $1, text, version, made_at, changed_at FROM note WHERE read_id = $2
         ON CONFLICT (reader_id, read_id) DO UPDATE SET
            text = CASE WHEN note.text = '' THEN excluded.text
                WHEN excluded.text = '' OR excluded.text = note.text THEN note.text
                ELSE note.text || '\n\n---\n\n' || excluded.text END,
            version = note.version + excluded.version + 1,
            made_at = CASE WHEN excluded.made_at < note.made_at THEN excluded.made_at ELSE note.made_at END,
            changed_at = CASE WHEN excluded.changed_at > note.changed_at THEN excluded.changed_at ELSE note.changed_at END",
        "INSERT INTO label (reader_id, read_id, name) SELECT reader_id, $1, name FROM label WHERE read_id = $2
         ON CONFLICT (reader_id, read_id, name) DO NOTHING",
        "UPDATE card_answer SET read_id = $1 WHERE read_id = $2",
        // Shown at the earlier of the two moments; the next answer counts all that were given.
        "INSERT INTO card (reader_id, read_id, due_at) SELECT reader_id, $1, due_at FROM card WHERE read_id = $2
         ON CONFLICT (reader_id, read_id) DO UPDATE SET
            due_at = CASE WHEN excluded.due_at < card.due_at THEN excluded.due_at ELSE card.due_at END",
        // An answer to a saved search is sent once, under whichever of its reads.
        "INSERT INTO search_hit (search_id, read_id, found_at, holds, waits, alert_id)
         SELECT search_id, $1, found_at, holds, waits, alert_id FROM search_hit WHERE read_id = $2
         ON CONFLICT (search_id, read_id) DO UPDATE SET
            holds = CASE WHEN excluded.holds = 1 THEN 1 ELSE search_hit.holds END,
            waits = CASE WHEN excluded.waits = 1 THEN search_hit.waits ELSE 0 END,
            alert_id = coalesce(search_hit.alert_id, excluded.alert_id)",
    ] {
        let statement = sql(statement).bind(into.0).bind(from.0);
        tx.run(statement).await?;
    }
    for statement in ["DELETE FROM note WHERE read_id = $1", "DELETE FROM label WHERE read_id = $1"] {
        tx.run(sql(statement).bind(from.0)).await?;
    }
    highlights::hand_over(tx, into, from).await
}

//! Makes one read of two (table `merged`).

use backissue_model::ReadId;

use crate::changes::mark_gone;
use crate::corrections;
use crate::database::{Tried, Tx, sql};
use crate::marks::hand_over;

/// Moves all that belongs to a read to another one, and deletes it. Returns whether it had
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

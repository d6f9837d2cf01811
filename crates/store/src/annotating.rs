//! Storing a précis: table `precis`, the columns of `read` that come from it, and the lists its read is on.

use std::collections::HashSet;

use backissue_model::{ConceptSlug, Precis, Stage};
use jiff::Timestamp;

use crate::archive::touch;
use crate::counters::{Sign, Which, count, list_on_sources};
use crate::database::{Tried, Tx, retried, sql};
use crate::keys::concept_list;
use crate::rows::to_json;
use crate::times::millis;
use crate::{ClaimedRead, Finished, Store, StoreError};

impl Store {
    /// Stores a read's précis. From then on the read is shown.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn finish_annotate(
        &self,
        read: &ClaimedRead,
        precis: &Precis,
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        let stored = retried(|| self.try_finish_annotate(read, precis, now)).await;
        stored.map_err(|f| f.at(&self.location, "storing a précis"))
    }

    async fn try_finish_annotate(
        &self,
        read: &ClaimedRead,
        precis: &Precis,
        now: Timestamp,
    ) -> Tried<Finished> {
        let concepts = distinct(&precis.concepts);
        let mut tx = self.database.begin().await?;
        let update = sql(
            "UPDATE read SET stage = 'annotated', due_at = NULL, held = 0, claim = claim + 1, attempts = 0, error = NULL,
                failed_at = NULL, kind = $4, problem = $5, has_problem = $6, concepts = $7
             WHERE id = $1 AND claim = $2 AND held = 1 AND stage = $3",
        )
        .bind(read.id.0)
        .bind(read.claim)
        .bind(Stage::Extracted.as_str())
        .bind(precis.kind.as_str())
        .bind(precis.problem.as_ref().map(|problem| problem.text.as_str()))
        .bind(precis.problem.is_some())
        .bind(concepts.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(" "));
        if tx.run(update).await? == 0 {
            tx.abandon().await?;
            return Ok(Finished::LeaseLost);
        }
        insert_precis(&mut tx, read, precis, now).await?;
        touch(&mut tx).await?;
        list_on_sources(&mut tx, &[read.id]).await?;
        for concept in concepts {
            let insert = sql("INSERT INTO listing (list, read_id, kind, has_problem, filed_at)
                 SELECT $2, id, kind, has_problem, filed_at FROM read WHERE id = $1");
            tx.run(insert.bind(read.id.0).bind(concept_list(concept))).await?;
        }
        count(&mut tx, &Which::These(vec![read.id]), Sign::More).await?;
        tx.commit().await?;
        Ok(Finished::Done)
    }
}

async fn insert_precis(tx: &mut Tx, read: &ClaimedRead, precis: &Precis, now: Timestamp) -> Tried<()> {
    let insert = sql(
        "INSERT INTO precis (read_id, annotator, version, annotated_at, body) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (read_id) DO UPDATE SET annotator = excluded.annotator, version = excluded.version,
            annotated_at = excluded.annotated_at, body = excluded.body",
    );
    let insert = insert
        .bind(read.id.0)
        .bind(precis.made_by.annotator.as_str())
        .bind(precis.made_by.version.as_str())
        .bind(millis(now))
        .bind(to_json(precis)?);
    tx.run(insert).await?;
    Ok(())
}

/// Each concept once, in their order.
fn distinct(concepts: &[ConceptSlug]) -> Vec<&ConceptSlug> {
    let mut seen = HashSet::new();
    concepts.iter().filter(|concept| seen.insert(*concept)).collect()
}

//! Stores a précis: table `precis`, its columns in `read`, and its read's lists.

use std::collections::HashSet;

use backissue_model::{ConceptSlug, Form, Precis, Stage, Statement, Sureness};
use jiff::Timestamp;

use crate::archive::touch;
use crate::asking::{Refused, set_refused};
use crate::counters::{Sign, Which, count, list_on_sources};
use crate::database::{Tried, Tx, sql, sql_of};
use crate::keys::concept_list;
use crate::rows::to_json;
use crate::times::millis;
use crate::{ClaimedRead, Finished, Store, StoreError};

impl Store {
    /// Stores a read's précis, so that the read is shown.
    pub async fn finish_annotate(
        &self,
        read: &ClaimedRead,
        precis: &Precis,
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        self.retry("storing a précis", || self.try_finish_annotate(read, precis, None, now)).await
    }

    /// Stores a read's précis like [`Store::finish_annotate`], and requests another one by `by`
    /// ([`Store::claim_again`]).
    pub async fn finish_annotate_and_ask(
        &self,
        read: &ClaimedRead,
        precis: &Precis,
        by: &str,
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        self.retry("storing a précis", || self.try_finish_annotate(read, precis, Some(by), now)).await
    }

    async fn try_finish_annotate(
        &self,
        read: &ClaimedRead,
        precis: &Precis,
        ask: Option<&str>,
        now: Timestamp,
    ) -> Tried<Finished> {
        let mut tx = self.database.begin().await?;
        if !holds_lease(&mut tx, read, Stage::Extracted).await? {
            tx.abandon().await?;
            return Ok(Finished::LeaseLost);
        }
        end_lease(&mut tx, read, precis, ask.map(|by| (by, now))).await?;
        insert_precis(&mut tx, read, precis, now).await?;
        set_refused(&mut tx, read.id, &[]).await?;
        touch(&mut tx).await?;
        list_on_sources(&mut tx, &[read.id]).await?;
        list_on_concepts(&mut tx, read, precis).await?;
        count(&mut tx, &Which::These(vec![read.id]), Sign::More).await?;
        tx.commit().await?;
        Ok(Finished::Done)
    }

    /// Stores the new précis of a read that was annotated again, and what was refused of it. The
    /// former one was shown until now.
    pub async fn finish_again(
        &self,
        read: &ClaimedRead,
        precis: &Precis,
        refused: &[Refused],
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        self.retry("storing a new précis", || async {
            let mut tx = self.database.begin().await?;
            if !holds_lease(&mut tx, read, Stage::Annotated).await? {
                tx.abandon().await?;
                return Ok(Finished::LeaseLost);
            }
            touch(&mut tx).await?;
            let which = Which::These(vec![read.id]);
            count(&mut tx, &which, Sign::Less).await?;
            end_lease(&mut tx, read, precis, None).await?;
            insert_precis(&mut tx, read, precis, now).await?;
            set_refused(&mut tx, read.id, refused).await?;
            tx.run(sql("DELETE FROM listing WHERE read_id = $1").bind(read.id.0)).await?;
            list_on_sources(&mut tx, &[read.id]).await?;
            list_on_concepts(&mut tx, read, precis).await?;
            count(&mut tx, &which, Sign::More).await?;
            tx.commit().await?;
            Ok(Finished::Done)
        })
        .await
    }
}

/// Whether this worker still holds the lease. The row stays locked until the transaction ends.
async fn holds_lease(tx: &mut Tx, read: &ClaimedRead, stage: Stage) -> Tried<bool> {
    let lock = tx.for_update();
    let query =
        format!("SELECT id FROM read WHERE id = $1 AND claim = $2 AND held = 1 AND stage = $3 {lock}");
    Ok(tx.row(sql_of(query).bind(read.id.0).bind(read.claim).bind(stage.as_str())).await?.is_some())
}

/// Ends the lease, stores what lists show of the précis, and sets the next annotator and time.
async fn end_lease(
    tx: &mut Tx,
    read: &ClaimedRead,
    precis: &Precis,
    ask: Option<(&str, Timestamp)>,
) -> Tried<()> {
    let update = sql(
        "UPDATE read SET stage = 'annotated', due_at = $6, ask = $7, held = 0, claim = claim + 1, attempts = 0, error = NULL,
            failed_at = NULL, kind = $2, problem = $3, has_problem = $4, concepts = $5,
            problem_leads = $8, problem_form = $9, practisable = $10
         WHERE id = $1",
    );
    let update = update
        .bind(read.id.0)
        .bind(precis.kind.as_str())
        .bind(precis.problem.as_ref().map(|problem| problem.text.as_str()))
        .bind(precis.problem.is_some())
        .bind(distinct(&precis.concepts).iter().map(|c| c.as_str()).collect::<Vec<_>>().join(" "))
        .bind(ask.map(|(_, from)| millis(from)))
        .bind(ask.map(|(by, _)| by))
        .bind(precis.problem.as_ref().is_some_and(|problem| problem.sureness() == Sureness::Sure))
        .bind(precis.problem.as_ref().map_or(Form::default(), |problem| problem.form).as_str())
        .bind(is_shown(precis.problem.as_ref()) && is_shown(precis.approach.as_ref()));
    tx.run(update).await?;
    Ok(())
}

/// The certainty of problem and outcome, in thousandths. 0 if one of them is not shown.
fn start_of(precis: &Precis) -> i64 {
    match (&precis.problem, &precis.outcome) {
        (Some(problem), Some(outcome)) if is_shown(Some(problem)) && is_shown(Some(outcome)) => {
            // At most 1,000.
            (1000.0 * problem.confidence * outcome.confidence).round() as i64
        }
        _ => 0,
    }
}

fn is_shown(statement: Option<&Statement>) -> bool {
    statement.is_some_and(|statement| statement.sureness().is_shown())
}

async fn list_on_concepts(tx: &mut Tx, read: &ClaimedRead, precis: &Precis) -> Tried<()> {
    for concept in distinct(&precis.concepts) {
        let insert = sql("INSERT INTO listing (list, read_id, kind, has_problem, filed_at, start)
             SELECT $2, id, kind, has_problem, filed_at, $3 FROM read WHERE id = $1");
        tx.run(insert.bind(read.id.0).bind(concept_list(concept)).bind(start_of(precis))).await?;
    }
    Ok(())
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

/// Each concept once, in order.
fn distinct(concepts: &[ConceptSlug]) -> Vec<&ConceptSlug> {
    let mut seen = HashSet::new();
    concepts.iter().filter(|concept| seen.insert(*concept)).collect()
}

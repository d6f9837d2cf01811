//! Stores a précis: table `precis`, its columns in `read`, and its read's lists.

use backissue_model::{Precis, Stage};
use jiff::Timestamp;

use crate::archive::{touch, touching};
use crate::asking::{Refused, forgetting_refused, set_refused};
use crate::counters::{Sign, Which, count, counting, listing_on_sources};
use crate::database::{Sql, Tried, Tx, sql};
use crate::rows::to_json;
use crate::shown::{listing_precis, showing_precis};
use crate::times::millis;
use crate::webhooks::telling_annotated;
use crate::{ClaimedRead, Finished, Store, StoreError, corrections};

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

    /// Stores a read's précis as [`Store::finish_annotate`] does, and requests another one by `by`
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
        if !end_lease(&mut tx, read, Stage::Extracted, ask.map(|by| (by, now))).await? {
            tx.abandon().await?;
            return Ok(Finished::LeaseLost);
        }
        let beside = vec![forgetting_refused(read.id), touching()];
        let shown = keep_precis(&mut tx, read, precis, now, beside).await?;
        list(&mut tx, read, &shown).await?;
        let mut counted = counting(&Which::These(vec![read.id]), Sign::More);
        counted.push(telling_annotated(read.id, now));
        tx.together(counted).await?;
        tx.commit().await?;
        Ok(Finished::Done)
    }

    /// Stores the new précis of a read that was annotated again, and the refused fields. The former
    /// précis was shown until now.
    pub async fn finish_again(
        &self,
        read: &ClaimedRead,
        precis: &Precis,
        refused: &[Refused],
        now: Timestamp,
    ) -> Result<Finished, StoreError> {
        self.retry("storing a new précis", || async {
            let mut tx = self.database.begin().await?;
            if !end_lease(&mut tx, read, Stage::Annotated, None).await? {
                tx.abandon().await?;
                return Ok(Finished::LeaseLost);
            }
            touch(&mut tx).await?;
            let which = Which::These(vec![read.id]);
            count(&mut tx, &which, Sign::Less).await?;
            let shown = keep_precis(&mut tx, read, precis, now, Vec::new()).await?;
            set_refused(&mut tx, read.id, refused).await?;
            tx.run(sql("DELETE FROM listing WHERE read_id = $1").bind(read.id.0)).await?;
            list(&mut tx, read, &shown).await?;
            count(&mut tx, &which, Sign::More).await?;
            tx.commit().await?;
            Ok(Finished::Done)
        })
        .await
    }
}

/// Ends the lease, and sets the next annotator and time. Returns false if this worker does not hold
/// the lease any more. The row stays locked until the transaction ends.
async fn end_lease(
    tx: &mut Tx,
    read: &ClaimedRead,
    stage: Stage,
    ask: Option<(&str, Timestamp)>,
) -> Tried<bool> {
    let update = sql(
        "UPDATE read SET stage = 'annotated', due_at = $4, ask = $5, held = 0, claim = claim + 1, attempts = 0, error = NULL,
            failed_at = NULL
         WHERE id = $1 AND claim = $2 AND held = 1 AND stage = $3",
    );
    let update = update.bind(read.id.0).bind(read.claim).bind(stage.as_str());
    let update = update.bind(ask.map(|(_, from)| millis(from))).bind(ask.map(|(by, _)| by));
    Ok(tx.run(update).await? > 0)
}

/// Stores a précis with the read's corrections, and returns it so. Runs the statements `beside` in
/// the same round trip.
async fn keep_precis(
    tx: &mut Tx,
    read: &ClaimedRead,
    said: &Precis,
    now: Timestamp,
    beside: Vec<Sql>,
) -> Tried<Precis> {
    let (precis, said) = corrections::shown(tx, read.id, said).await?;
    let body = to_json(&precis)?;
    // It compares with the stored précis, so it comes before the one that replaces that.
    let show = showing_precis(read.id, &precis, Some((body.as_str(), now)));
    let insert = sql(
        "INSERT INTO precis (read_id, annotator, version, annotated_at, body, said) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (read_id) DO UPDATE SET annotator = excluded.annotator, version = excluded.version,
            annotated_at = excluded.annotated_at, body = excluded.body, said = excluded.said",
    );
    let insert = insert
        .bind(read.id.0)
        .bind(precis.made_by.annotator.as_str())
        .bind(precis.made_by.version.as_str())
        .bind(millis(now))
        .bind(body)
        .bind(said);
    let mut statements = vec![show, insert];
    statements.extend(beside);
    tx.together(statements).await?;
    Ok(precis)
}

/// Adds a read to the lists of its sources and of its concepts.
async fn list(tx: &mut Tx, read: &ClaimedRead, precis: &Precis) -> Tried<()> {
    let mut statements = vec![listing_on_sources(&[read.id])];
    statements.extend(listing_precis(read.id, precis));
    tx.together(statements).await
}

//! Stores a précis: table `precis`, its columns in `read`, and its read's lists.

use backissue_model::{Precis, Stage};
use jiff::Timestamp;

use super::claim::holds_lease;
use crate::archive::touch;
use crate::asking::{Refused, set_refused};
use crate::counters::{Sign, Which, count, list_on_sources};
use crate::database::{Tried, Tx, sql};
use crate::rows::to_json;
use crate::shown::{list_precis, show_precis};
use crate::times::millis;
use crate::webhooks::tell_annotated;
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
        end_lease(&mut tx, read, ask.map(|by| (by, now))).await?;
        let shown = keep_precis(&mut tx, read, precis, now).await?;
        set_refused(&mut tx, read.id, &[]).await?;
        touch(&mut tx).await?;
        list_on_sources(&mut tx, &[read.id]).await?;
        list_precis(&mut tx, read.id, &shown).await?;
        count(&mut tx, &Which::These(vec![read.id]), Sign::More).await?;
        tell_annotated(&mut tx, read.id, now).await?;
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
            end_lease(&mut tx, read, None).await?;
            let shown = keep_precis(&mut tx, read, precis, now).await?;
            set_refused(&mut tx, read.id, refused).await?;
            tx.run(sql("DELETE FROM listing WHERE read_id = $1").bind(read.id.0)).await?;
            list_on_sources(&mut tx, &[read.id]).await?;
            list_precis(&mut tx, read.id, &shown).await?;
            count(&mut tx, &which, Sign::More).await?;
            tx.commit().await?;
            Ok(Finished::Done)
        })
        .await
    }
}

/// Ends the lease, and sets the next annotator and time.
async fn end_lease(tx: &mut Tx, read: &ClaimedRead, ask: Option<(&str, Timestamp)>) -> Tried<()> {
    let update = sql(
        "UPDATE read SET stage = 'annotated', due_at = $2, ask = $3, held = 0, claim = claim + 1, attempts = 0, error = NULL,
            failed_at = NULL
         WHERE id = $1",
    );
    let update = update.bind(read.id.0).bind(ask.map(|(_, from)| millis(from)));
    tx.run(update.bind(ask.map(|(by, _)| by))).await?;
    Ok(())
}

/// Stores a précis with the read's corrections, and returns it so.
async fn keep_precis(tx: &mut Tx, read: &ClaimedRead, said: &Precis, now: Timestamp) -> Tried<Precis> {
    let (precis, said) = corrections::shown(tx, read.id, said).await?;
    let body = to_json(&precis)?;
    let revised = sql("UPDATE read SET revised_at = $2
         WHERE id = $1 AND EXISTS (SELECT 1 FROM precis WHERE read_id = $1 AND body <> $3)");
    tx.run(revised.bind(read.id.0).bind(millis(now)).bind(body.as_str())).await?;
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
    tx.run(insert).await?;
    show_precis(tx, read.id, &precis).await?;
    Ok(precis)
}

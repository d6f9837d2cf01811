//! Repairs the effects of a wrong clock.

use jiff::{SignedDuration, Timestamp};

use crate::database::sql;
use crate::times::millis;
use crate::{Store, StoreError};

/// Farther ahead than anything except subscriptions is ever scheduled. The longest accepted server
/// demand is two days, and a feed's excluded hours and days postpone its next poll by at most three
/// more.
const FARTHEST: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Store {
    /// Makes everything due that is scheduled farther ahead than possible, and ends its leases.
    /// Otherwise, after a clock was ahead and was corrected, sources and reads would wait until the
    /// wrong time. Call it when a process starts to work on the archive.
    pub async fn forget_wrong_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        self.run("undoing what a wrong clock has done", async {
            let farthest = millis(now.saturating_add(FARTHEST).unwrap_or(Timestamp::MAX));
            // A query that does not lock. It rarely finds anything.
            let look =
                sql("SELECT CAST(1 AS BIGINT) AS found WHERE EXISTS (SELECT 1 FROM read WHERE due_at > $1)
                    OR EXISTS (SELECT 1 FROM source WHERE next_poll > $1 OR last_poll > $1
                        OR leased_until > $1)
                    OR EXISTS (SELECT 1 FROM backfill WHERE due_at > $1 OR leased_until > $1)
                    OR EXISTS (SELECT 1 FROM subscription WHERE asked_at > $1 OR leased_until > $1)
                    OR EXISTS (SELECT 1 FROM sending WHERE due_at > $1)
                    OR EXISTS (SELECT 1 FROM recipient WHERE since > $1)");
            if self.database.row(look.bind(farthest)).await?.is_none() {
                return Ok(());
            }
            let mut tx = self.database.begin().await?;
            for due in [
                sql("UPDATE read SET due_at = $2, held = 0, claim = claim + 1 WHERE due_at > $1"),
                sql("UPDATE source SET next_poll = $2 WHERE next_poll > $1"),
                // A poll of all sources skips those that were polled since it began.
                sql("UPDATE source SET last_poll = $2 WHERE last_poll > $1"),
                sql("UPDATE backfill SET due_at = $2 WHERE due_at > $1"),
                // A hub is used again after weeks, so the last request is the better evidence.
                sql("UPDATE subscription SET due_at = $2, asked_at = $2 WHERE asked_at > $1"),
                sql("UPDATE sending SET due_at = $2 WHERE due_at > $1"),
                sql("UPDATE recipient SET since = $2 WHERE since > $1"),
            ] {
                tx.run(due.bind(farthest).bind(millis(now))).await?;
            }
            for lease in [
                sql("UPDATE source SET leased_until = NULL, claim = claim + 1 WHERE leased_until > $1"),
                sql("UPDATE backfill SET leased_until = NULL, claim = claim + 1 WHERE leased_until > $1"),
                sql("UPDATE subscription SET leased_until = NULL, claim = claim + 1 WHERE leased_until > $1"),
            ] {
                tx.run(lease.bind(farthest)).await?;
            }
            tx.commit().await
        })
        .await
    }
}

//! What a clock that was wrong has left behind.

use jiff::{SignedDuration, Timestamp};

use crate::database::{Tried, sql};
use crate::times::millis;
use crate::{Store, StoreError};

/// Farther ahead than anything but a hub is ever put off: the longest wish of a server that is obeyed has two days, and the hours and
/// days that a feed rules out put its next poll off by three more.
const FARTHEST: SignedDuration = SignedDuration::from_hours(7 * 24);

impl Store {
    /// Makes due what is put off farther than anything ever is. A clock that was ahead when it was put off, and is right again,
    /// would otherwise keep a source from being asked and a read from being fetched until the wrong moment comes; leases that
    /// were given by it end. For the start of a process that works on the archive.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn forget_wrong_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        self.try_forget_wrong_clock(now)
            .await
            .map_err(|f| f.at(&self.location, "undoing what a wrong clock has done"))
    }

    async fn try_forget_wrong_clock(&self, now: Timestamp) -> Tried<()> {
        let farthest = millis(now.saturating_add(FARTHEST).unwrap_or(Timestamp::MAX));
        // A look that waits for nobody; there is hardly ever anything.
        let look =
            sql("SELECT CAST(1 AS BIGINT) AS found WHERE EXISTS (SELECT 1 FROM read WHERE due_at > $1)
                OR EXISTS (SELECT 1 FROM source WHERE next_poll > $1 OR last_poll > $1 OR leased_until > $1)
                OR EXISTS (SELECT 1 FROM backfill WHERE due_at > $1 OR leased_until > $1)
                OR EXISTS (SELECT 1 FROM subscription WHERE asked_at > $1 OR leased_until > $1)");
        if self.database.row(look.bind(farthest)).await?.is_none() {
            return Ok(());
        }
        let mut tx = self.database.begin().await?;
        for due in [
            sql("UPDATE read SET due_at = $2, held = 0, claim = claim + 1 WHERE due_at > $1"),
            sql("UPDATE source SET next_poll = $2 WHERE next_poll > $1"),
            // A round that asks all sources leaves out those that were asked since it began.
            sql("UPDATE source SET last_poll = $2 WHERE last_poll > $1"),
            sql("UPDATE backfill SET due_at = $2 WHERE due_at > $1"),
            // A hub is asked again after weeks, so that when it was asked tells more than when it is due.
            sql("UPDATE subscription SET due_at = $2, asked_at = $2 WHERE asked_at > $1"),
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
    }
}

//! Notices and repairs the effects of a wrong clock.
//!
//! A read without a usable date is filed when it was first seen, so a wrong clock files it wrongly.

use backissue_model::ReadId;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::archive::{set, touch};
use crate::corrections::{apply, lock};
use crate::counters::{Sign, Which, count};
use crate::database::{Sql, Tried, Tx, sql};
use crate::times::millis;
use crate::{Store, StoreError};

/// The maximum time ahead for which anything except subscriptions is scheduled. The longest
/// accepted server demand is two days, and a feed's excluded hours and days postpone its next poll
/// by at most three more.
const FARTHEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The date of the first version of this program. A read that was first seen before it was fetched
/// under a wrong clock.
const FIRST_VERSION: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// If the clock is behind the archive's last poll by less than this, it is the usual small
/// correction of a clock.
const BEHIND: SignedDuration = SignedDuration::from_hours(24);

/// If a clock has been behind for this long, it counts as right: the archive's last known time was
/// wrong.
const BELIEVED: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How often the time of the last poll is stored.
const STORED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// The names of settings: the archive's last known time, the reads in doubt, and that reads from
/// before [`FIRST_VERSION`] were looked for.
const LAST_KNOWN: &str = "clock/last known";
const IN_DOUBT: &str = "clock/in doubt";
const EARLY_READS: &str = "clock/early reads";

/// The reads that were admitted while the clock was behind the archive's last known time.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Doubt {
    /// The id of the last read before them.
    after: i64,
    /// When it began, by that clock.
    since: i64,
}

impl Store {
    /// Corrects what a wrong clock has scheduled or filed. Makes everything due that is scheduled
    /// farther ahead than possible, and ends its leases. Otherwise, after a clock was ahead and was
    /// corrected, sources and reads would wait until the wrong time. Files reads again that a wrong
    /// clock filed in the future, or before the first version of this program. Call it when a
    /// process starts to work on the archive.
    pub async fn forget_wrong_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        self.file_early_reads(now).await?;
        self.run("undoing what a wrong clock has done", async {
            let farthest = millis(now.saturating_add(FARTHEST).unwrap_or(Timestamp::MAX));
            // A query that does not lock. It rarely finds anything.
            let look =
                sql("SELECT CAST(1 AS BIGINT) AS found WHERE EXISTS (SELECT 1 FROM read WHERE due_at > $1)
                    OR EXISTS (SELECT 1 FROM read WHERE filed_at > $1)
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
            let ahead = sql("SELECT id FROM read WHERE filed_at > $1 AND first_seen > $1 ORDER BY id");
            see_now(&mut tx, ahead.bind(farthest), now, &self.zone).await?;
            tx.commit().await
        })
        .await
    }

    /// Accepts the clock as right, whatever the archive's last known time is. Call it when the
    /// clock was put back while the program ran.
    pub async fn believe_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        self.run("believing the clock", async {
            let mut tx = self.database.begin_admission().await?;
            believe(&mut tx, now).await?;
            tx.commit().await
        })
        .await
    }

    /// Files the reads again that were first seen before the first version of this program. Does
    /// this once per archive, because nothing is fetched any more under such a clock.
    async fn file_early_reads(&self, now: Timestamp) -> Result<(), StoreError> {
        if now < FIRST_VERSION {
            return Ok(());
        }
        self.run("looking for reads of a wrong clock", async {
            if self.setting(EARLY_READS).await?.is_some() {
                return Ok(());
            }
            let mut tx = self.database.begin_admission().await?;
            let early = sql("SELECT id FROM read WHERE first_seen < $1 ORDER BY id");
            see_now(&mut tx, early.bind(millis(FIRST_VERSION)), now, &self.zone).await?;
            set(&mut tx, EARLY_READS, "filed").await?;
            tx.commit().await
        })
        .await
    }
}

/// Compares the clock with the archive's last known time, before a poll at `now` admits its
/// entries. If the clock is behind, new reads are recorded as in doubt. When the clock has caught
/// up, these reads count as first seen now.
pub(crate) async fn judge(tx: &mut Tx, now: Timestamp, zone: &TimeZone) -> Tried<()> {
    let moment = millis(now);
    let last_known = match value(tx, LAST_KNOWN).await?.and_then(|text| text.parse().ok()) {
        Some(known) => Some(known),
        None => {
            let row = tx.row(sql("SELECT max(last_poll) AS last_poll FROM source")).await?;
            row.map(|row| row.opt_int("last_poll")).transpose()?.flatten()
        }
    };
    let doubt: Option<Doubt> = value(tx, IN_DOUBT).await?.and_then(|text| serde_json::from_str(&text).ok());
    let is_behind = last_known.is_some_and(|known: i64| moment + in_millis(BEHIND) < known);
    match (is_behind, doubt) {
        (true, None) => {
            let row = tx.row(sql("SELECT coalesce(max(id), 0) AS id FROM read")).await?;
            let after = row.map(|row| row.int("id")).transpose()?.unwrap_or(0);
            let doubt = serde_json::to_string(&Doubt { after, since: moment }).unwrap_or_default();
            set(tx, IN_DOUBT, &doubt).await?;
            // What was only a source's last poll is overwritten by this one.
            set(tx, LAST_KNOWN, &last_known.unwrap_or(moment).to_string()).await
        }
        (true, Some(doubt)) if moment - doubt.since < in_millis(BELIEVED) => Ok(()),
        (true, Some(_)) => believe(tx, now).await,
        (false, Some(doubt)) => {
            let known = last_known.unwrap_or(moment) - in_millis(BEHIND);
            let doubted = sql("SELECT id FROM read WHERE id > $1 AND first_seen < $2 ORDER BY id");
            see_now(tx, doubted.bind(doubt.after).bind(known), now, zone).await?;
            believe(tx, now).await
        }
        (false, None) if last_known.is_none_or(|known| moment - known >= in_millis(STORED_EVERY)) => {
            set(tx, LAST_KNOWN, &moment.to_string()).await
        }
        (false, None) => Ok(()),
    }
}

async fn believe(tx: &mut Tx, now: Timestamp) -> Tried<()> {
    tx.run(sql("DELETE FROM setting WHERE name = $1").bind(IN_DOUBT)).await?;
    set(tx, LAST_KNOWN, &millis(now).to_string()).await
}

/// Sets the time when these reads were first seen to now, and files them again. A date that is the
/// wrong clock's own is removed: links on a list get the time at which they were found.
async fn see_now(tx: &mut Tx, which: Sql, now: Timestamp, zone: &TimeZone) -> Tried<()> {
    let rows = tx.rows(which).await?;
    let ids: Vec<ReadId> = rows.iter().map(|row| row.int("id").map(ReadId)).collect::<Tried<_>>()?;
    if ids.is_empty() {
        return Ok(());
    }
    // Reads before the archive's row, like other transactions.
    for read in &ids {
        lock(tx, *read).await?;
    }
    touch(tx).await?;
    for batch in ids.chunks(200) {
        let which = Which::These(batch.to_vec());
        count(tx, &which, Sign::Less).await?;
        for read in batch {
            let update = sql("UPDATE read SET first_seen = $2,
                    published = CASE WHEN abs(published - first_seen) < 60000 THEN NULL ELSE published END
                 WHERE id = $1");
            tx.run(update.bind(read.0).bind(millis(now))).await?;
            apply(tx, *read, zone).await?;
        }
        count(tx, &which, Sign::More).await?;
    }
    Ok(())
}

async fn value(tx: &mut Tx, name: &str) -> Tried<Option<String>> {
    let row = tx.row(sql("SELECT value FROM setting WHERE name = $1").bind(name)).await?;
    row.map(|row| row.text("value")).transpose()
}

fn in_millis(duration: SignedDuration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

//! Reads that a person hides from everybody (`read.withdrawn_at`), and reads that a person merges.
//!
//! A hidden read keeps its row, so that its feed does not add it again, and everything that readers
//! wrote about it. It returns to the stage before `annotated` and is not due, so it is on no list,
//! on no page and in no index.

use backissue_model::bounds::MAX_TITLE;
use backissue_model::{ReadId, Stage};
use jiff::Timestamp;

use crate::archive::touch;
use crate::corrections::{self, lock, show_corrected};
use crate::counters::{Sign, Which, count, list_on_sources, mark_gone};
use crate::database::{Row, Tried, Tx, sql, sql_of};
use crate::marks::existing;
use crate::merge::absorb;
use crate::polls::lock_reads;
use crate::sources::TITLE;
use crate::times::millis;
use crate::{Store, StoreError};

/// A read that is hidden from everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    /// The read.
    pub id: ReadId,
    /// Its title.
    pub title: String,
    /// Its source's title.
    pub source: String,
    /// When it was hidden.
    pub since: Timestamp,
}

/// The result of merging two reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum United {
    /// The other read was merged into this one, which is the older of the two.
    Into(ReadId),
    /// Both ids already meant this read.
    Already(ReadId),
}

impl Store {
    /// Hides a shown read from everybody, or shows it again. Returns the read's own id, or `None`
    /// if there is nothing to change.
    pub async fn withdraw(
        &self,
        read: ReadId,
        hide: bool,
        now: Timestamp,
    ) -> Result<Option<ReadId>, StoreError> {
        self.retry("hiding a read from everybody", || async {
            let mut tx = self.database.begin().await?;
            let changed = match existing(&mut tx, read).await? {
                Some(read) if hide => try_hide(&mut tx, read, now).await?.then_some(read),
                Some(read) => try_show(&mut tx, read).await?.then_some(read),
                None => None,
            };
            match changed {
                Some(_) => tx.commit().await?,
                None => tx.abandon().await?,
            }
            Ok(changed)
        })
        .await
    }

    /// The reads that are hidden from everybody, the last hidden first.
    pub async fn withdrawn(&self, limit: u32) -> Result<Vec<Withdrawn>, StoreError> {
        let query = withdrawn_reads("ORDER BY r.withdrawn_at DESC, r.id DESC LIMIT $1");
        self.list("listing hidden reads", sql_of(query).bind(limit), withdrawn_of_row).await
    }

    /// The read with this id, if it is hidden from everybody.
    pub async fn withdrawn_read(&self, id: ReadId) -> Result<Option<Withdrawn>, StoreError> {
        let query = withdrawn_reads("AND r.id = $1");
        self.one("looking up a hidden read", sql_of(query).bind(id.0), withdrawn_of_row).await
    }

    /// Merges two shown reads that a person says are the same article, as the archive does when it
    /// detects this itself. Returns `None` if one of them is not shown. It cannot be undone.
    pub async fn unite(&self, one: ReadId, other: ReadId) -> Result<Option<United>, StoreError> {
        self.retry("merging two reads", || self.try_unite(one, other)).await
    }

    async fn try_unite(&self, one: ReadId, other: ReadId) -> Tried<Option<United>> {
        let mut tx = self.database.begin_admission().await?;
        let (one, other) = (existing(&mut tx, one).await?, existing(&mut tx, other).await?);
        let (Some(one), Some(other)) = (one, other) else {
            tx.abandon().await?;
            return Ok(None);
        };
        let mut ids = vec![one, other];
        ids.sort_unstable();
        ids.dedup();
        let rows = lock_reads(&mut tx, &ids).await?;
        let shown = |row: &Row| row.parsed::<Stage>("stage").is_ok_and(|stage| stage == Stage::Annotated);
        let (Some(into), true) = (ids.first().copied(), rows.len() == ids.len() && rows.iter().all(shown))
        else {
            tx.abandon().await?;
            return Ok(None);
        };
        let [_, from] = ids[..] else {
            tx.abandon().await?;
            return Ok(Some(United::Already(into)));
        };
        touch(&mut tx).await?;
        count(&mut tx, &Which::These(ids), Sign::Less).await?;
        if absorb(&mut tx, into, from).await? {
            corrections::apply(&mut tx, into, &self.zone).await?;
        }
        list_on_sources(&mut tx, &[into]).await?;
        count(&mut tx, &Which::These(vec![into]), Sign::More).await?;
        tx.commit().await?;
        Ok(Some(United::Into(into)))
    }
}

async fn try_hide(tx: &mut Tx, read: ReadId, now: Timestamp) -> Tried<bool> {
    lock(tx, read).await?;
    let query = sql("SELECT id FROM read WHERE id = $1 AND stage = 'annotated'").bind(read.0);
    if tx.row(query).await?.is_none() {
        return Ok(false);
    }
    touch(tx).await?;
    count(tx, &Which::These(vec![read]), Sign::Less).await?;
    mark_gone(tx, "$1", read.0).await?;
    tx.run(sql("DELETE FROM listing WHERE read_id = $1").bind(read.0)).await?;
    let update =
        sql("UPDATE read SET stage = 'extracted', due_at = NULL, ask = NULL, held = 0, claim = claim + 1,
            attempts = 0, error = NULL, failed_at = NULL, practisable = 0, withdrawn_at = $2
         WHERE id = $1");
    tx.run(update.bind(read.0).bind(millis(now))).await?;
    Ok(true)
}

async fn try_show(tx: &mut Tx, read: ReadId) -> Tried<bool> {
    lock(tx, read).await?;
    let update = sql("UPDATE read SET stage = 'annotated', withdrawn_at = NULL
         WHERE id = $1 AND withdrawn_at IS NOT NULL");
    if tx.run(update.bind(read.0)).await? == 0 {
        return Ok(false);
    }
    touch(tx).await?;
    tx.run(sql("DELETE FROM gone WHERE read_id = $1").bind(read.0)).await?;
    show_corrected(tx, read).await?;
    count(tx, &Which::These(vec![read]), Sign::More).await?;
    Ok(true)
}

fn withdrawn_reads(rest: &str) -> String {
    format!(
        "SELECT r.id, coalesce(r.corrected_title, r.title) AS title, {TITLE} AS source, r.withdrawn_at
         FROM read r JOIN source s ON s.id = r.source_id WHERE r.withdrawn_at IS NOT NULL {rest}"
    )
}

fn withdrawn_of_row(row: &Row) -> Tried<Withdrawn> {
    Ok(Withdrawn {
        id: ReadId(row.int("id")?),
        title: row.short("title", MAX_TITLE)?,
        source: row.text("source")?,
        since: row.moment("withdrawn_at")?,
    })
}

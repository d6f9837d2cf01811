//! Retention: removes the HTML of old articles. Everything else of a read stays.
//!
//! A pass visits all reads with HTML in steps, newest first. So if the limit is a size, the oldest
//! HTML is removed. A read that somebody keeps, noted, labelled, highlighted, answered, rated or
//! corrected is never changed, and its bytes are not counted.

use std::collections::HashMap;

use backissue_model::{Days, Limit};
use jiff::{SignedDuration, Timestamp};

use crate::archive::touch;
use crate::database::{Row, Tried, placeholders, sql, sql_listing, sql_of};
use crate::marks::is_held;
use crate::times::millis;
use crate::{Store, StoreError};

/// Number of reads per step.
const STEP: u32 = 500;

/// The archive's limits, for all sources without own limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// How long the HTML of an article is kept after its publication.
    pub days: Option<Days>,
    /// The maximum bytes of HTML of all articles together.
    pub bytes: Option<u64>,
}

/// The result of a pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Number of reads whose HTML was removed, or would be.
    pub reads: u64,
    /// The bytes of this HTML.
    pub bytes: u64,
}

/// A pass through the archive.
#[derive(Debug)]
pub struct Pruning {
    archive: Retention,
    sources: HashMap<i64, OfSource>,
    now: Timestamp,
    /// Whether the pass only counts and removes nothing.
    dry_run: bool,
    /// The date and id of the last read that was visited.
    before: Option<(i64, i64)>,
    /// The bytes of the HTML of newer reads.
    newer: u64,
    pruned: Pruned,
}

/// The limits of a source, and the bytes of the HTML of its newer reads.
#[derive(Debug)]
struct OfSource {
    days: Limit<Days>,
    bytes: Limit<u64>,
    newer: u64,
}

impl OfSource {
    fn of_row(row: &Row) -> Tried<(i64, Self)> {
        let days = limit_of(row.opt_int("keep_days")?, |days| u32::try_from(days).map(Days).ok());
        let bytes = limit_of(row.opt_int("keep_bytes")?, |bytes| u64::try_from(bytes).ok());
        Ok((row.int("id")?, Self { days, bytes, newer: 0 }))
    }
}

/// A limit of a source, from its column.
pub(crate) fn limit_of<T>(column: Option<i64>, of: impl Fn(i64) -> Option<T>) -> Limit<T> {
    match column {
        None => Limit::AsArchive,
        Some(0) => Limit::Unlimited,
        Some(number) => of(number).map_or(Limit::Unlimited, Limit::At),
    }
}

/// The column of a limit.
pub(crate) fn column_of<T>(limit: Limit<T>, number: impl Fn(T) -> i64) -> Option<i64> {
    match limit {
        Limit::AsArchive => None,
        Limit::Unlimited => Some(0),
        Limit::At(limit) => Some(number(limit)),
    }
}

impl Pruning {
    /// Whether the HTML of the next read must be removed.
    fn goes(&mut self, source: i64, filed_at: i64, bytes: u64) -> bool {
        let own = self.sources.get_mut(&source);
        let days = own.as_ref().map_or(self.archive.days, |own| own.days.in_force(self.archive.days));
        let is_old = days.is_some_and(|days| {
            let age = SignedDuration::from_hours(24 * i64::from(days.0));
            filed_at < self.now.checked_sub(age).map_or(i64::MIN, millis)
        });
        if is_old {
            return true;
        }
        let over = |newer: &mut u64, limit: Option<u64>| {
            *newer += bytes;
            limit.is_some_and(|limit| *newer > limit)
        };
        let of_source = own.as_ref().map_or(Limit::AsArchive, |own| own.bytes);
        let is_over = own.is_some_and(|own| over(&mut own.newer, own.bytes.in_force(None)));
        // A source without a limit takes nothing of the archive's.
        is_over || of_source != Limit::Unlimited && over(&mut self.newer, self.archive.bytes)
    }
}

impl Store {
    /// Starts a pass. Returns `None` if there are no limits. With `dry_run`, the pass only counts.
    pub async fn begin_pruning(
        &self,
        archive: Retention,
        dry_run: bool,
        now: Timestamp,
    ) -> Result<Option<Pruning>, StoreError> {
        let query = sql("SELECT id, keep_days, keep_bytes FROM source");
        let sources = self.list("reading limits", query, OfSource::of_row).await?;
        let limits_nothing =
            |own: &OfSource| !matches!(own.days, Limit::At(_)) && !matches!(own.bytes, Limit::At(_));
        if archive == Retention::default() && sources.iter().all(|(_, own)| limits_nothing(own)) {
            return Ok(None);
        }
        let sources = sources.into_iter().collect();
        let (newer, pruned) = (0, Pruned::default());
        Ok(Some(Pruning { archive, sources, now, dry_run, before: None, newer, pruned }))
    }

    /// Runs one step of a pass. Returns the result after the last step, otherwise `None`.
    pub async fn prune(&self, pass: &mut Pruning) -> Result<Option<Pruned>, StoreError> {
        let (filed_at, id) = pass.before.unwrap_or((i64::MAX, i64::MAX));
        let held = is_held("r.id");
        let query = sql_of(format!(
            "SELECT r.id, r.filed_at, r.source_id, CAST(octet_length(a.html) AS BIGINT) AS bytes,
                CAST(CASE WHEN {held} THEN 1 ELSE 0 END AS BIGINT) AS held
             FROM read r JOIN article a ON a.read_id = r.id
             WHERE r.html_gone_at IS NULL AND r.stage = 'annotated' AND (r.filed_at, r.id) < ($1, $2)
             ORDER BY r.filed_at DESC, r.id DESC LIMIT {STEP}"
        ));
        let row = |row: &Row| {
            Ok((
                row.int("id")?,
                row.int("filed_at")?,
                row.int("source_id")?,
                row.count("bytes")?,
                row.yes("held")?,
            ))
        };
        let found = self.list("looking for old articles", query.bind(filed_at).bind(id), row).await?;
        let mut going = Vec::new();
        for (id, filed_at, source, bytes, is_held) in &found {
            pass.before = Some((*filed_at, *id));
            if !is_held && pass.goes(*source, *filed_at, *bytes) {
                going.push((*id, *bytes));
            }
        }
        if !going.is_empty() && !pass.dry_run {
            let gone = self.remove_html(&going, pass.now).await?;
            going.retain(|(id, _)| gone.contains(id));
        }
        pass.pruned.reads += going.len() as u64;
        pass.pruned.bytes += going.iter().map(|(_, bytes)| bytes).sum::<u64>();
        Ok((found.len() < STEP as usize).then_some(pass.pruned))
    }

    /// Removes the HTML of these reads, with its bytes, unless somebody holds one of them by now.
    /// Returns those whose HTML it removed.
    pub(crate) async fn remove_html(
        &self,
        reads: &[(i64, u64)],
        now: Timestamp,
    ) -> Result<Vec<i64>, StoreError> {
        self.retry("removing old articles", || async {
            let mut tx = self.database.begin().await?;
            let ids: Vec<i64> = reads.iter().map(|(id, _)| *id).collect();
            // A reader who keeps or notes one of them right now has locked it too
            // (`marks::existing`). After the wait, the next statement sees what the reader did.
            let lock = format!(
                "SELECT id FROM read WHERE id IN ({}) ORDER BY id {}",
                placeholders(1, ids.len()),
                tx.for_update()
            );
            tx.rows(sql_listing(lock, ids.len()).bind_all(ids.iter().copied())).await?;
            let update = format!(
                "UPDATE read SET html_gone_at = $1 WHERE id IN ({}) AND html_gone_at IS NULL AND NOT {}
                 RETURNING id",
                placeholders(2, ids.len()),
                is_held("read.id")
            );
            let update = sql_listing(update, ids.len()).bind(millis(now)).bind_all(ids);
            let gone: Vec<i64> =
                tx.rows(update).await?.iter().map(|row| row.int("id")).collect::<Tried<_>>()?;
            let update =
                format!("UPDATE article SET html = '' WHERE read_id IN ({})", placeholders(1, gone.len()));
            tx.run(sql_listing(update, gone.len()).bind_all(gone.iter().copied())).await?;
            touch(&mut tx).await?;
            tx.commit().await?;
            Ok(gone)
        })
        .await
    }
}

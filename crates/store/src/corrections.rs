//! Corrections of reads by persons: table `correction`, and the columns that are computed from it.
//!
//! `precis.body` and the columns of `read` have the shown values; `precis.said`, `read.title` and
//! `read.published` have the program's own values. So lists and pages need no join. When the
//! program stores a new value, the same transaction applies the corrections again.

use std::collections::HashMap;

use backissue_model::{Correction, Precis, ReadField, ReadId, Stage};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::archive::touch;
use crate::cards::Corrected;
use crate::counters::{Sign, Which, count, list_on_sources};
use crate::database::{Row, Tried, Tx, sql, sql_of};
use crate::error::Failure;
use crate::marks::existing;
use crate::rows::to_json;
use crate::shown::{list_precis, show_precis};
use crate::sources::{TITLE, company_of};
use crate::times::{filed, millis, opt_millis};
use crate::{Store, StoreError};

impl Store {
    /// Corrects fields of a read, and removes the corrections of the fields in `undo`. A correction
    /// that is equal to the program's own value removes an earlier one. The id of a merged read
    /// means the read into which it was merged. Returns the corrections that the read then has.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such read; otherwise if the database fails.
    pub async fn correct(
        &self,
        read: ReadId,
        corrections: &[Correction],
        undo: &[ReadField],
        now: Timestamp,
    ) -> Result<Vec<Corrected>, StoreError> {
        let done = self.retry("correcting a read", || async {
            let mut tx = self.database.begin().await?;
            let Some(read) = existing(&mut tx, read).await? else {
                tx.abandon().await?;
                return Ok(None);
            };
            lock(&mut tx, read).await?;
            let before = of(&mut tx, read).await?;
            for field in undo {
                take_back(&mut tx, read, *field).await?;
            }
            for correction in corrections {
                put(&mut tx, read, correction, now).await?;
            }
            let said = said(&mut tx, read, &self.zone).await?;
            for correction in corrections.iter().filter(|one| said.get(one.field()) == one.text()) {
                take_back(&mut tx, read, correction.field()).await?;
            }
            let after = of(&mut tx, read).await?;
            if after == before {
                tx.abandon().await?;
            } else {
                show_again(&mut tx, read, &self.zone, now).await?;
                tx.commit().await?;
            }
            Ok(Some(with_said(after, &said)))
        });
        done.await?.ok_or_else(|| self.not_found(format!("read {read}")))
    }

    /// The corrections of a read, in the order of [`ReadField::ALL`]. Empty if there is no such
    /// read.
    pub async fn corrections(&self, read: ReadId) -> Result<Vec<Corrected>, StoreError> {
        self.run("looking up corrections", self.try_corrections(read)).await
    }

    pub(crate) async fn try_corrections(&self, read: ReadId) -> Tried<Vec<Corrected>> {
        let rows = self.database.rows(sql(OF_READ).bind(read.0)).await?;
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let corrections = of_rows(&rows)?;
        let row = self.database.row(sql_of(said_query()).bind(read.0)).await?;
        let said = row.map(|row| Said::of(&row, &self.zone)).transpose()?.unwrap_or_default();
        Ok(with_said(corrections, &said))
    }

    /// The reads with a corrected précis and a page, at most `limit` after a read, by number.
    pub async fn corrected_reads(&self, after: ReadId, limit: u32) -> Result<Vec<ReadId>, StoreError> {
        let query = sql("SELECT DISTINCT c.read_id FROM correction c JOIN read r ON r.id = c.read_id
             WHERE c.read_id > $1 AND r.stage = 'annotated'
                AND c.field IN ('problem', 'approach', 'outcome', 'kind', 'concepts')
             ORDER BY c.read_id LIMIT $2");
        let query = query.bind(after.0).bind(limit);
        self.list("listing corrected reads", query, |row| row.int("read_id").map(ReadId)).await
    }

    /// All corrections, by read, for an export.
    pub(crate) async fn all_corrections(&self) -> Tried<HashMap<i64, Vec<(Correction, Timestamp)>>> {
        let mut all: HashMap<i64, Vec<(Correction, Timestamp)>> = HashMap::new();
        let query = sql("SELECT read_id, field, text, made_at FROM correction ORDER BY read_id, field");
        for row in self.database.rows(query).await? {
            all.entry(row.int("read_id")?).or_default().push(of_row(&row)?);
        }
        Ok(all)
    }
}

async fn take_back(tx: &mut Tx, read: ReadId, field: ReadField) -> Tried<()> {
    let delete = sql("DELETE FROM correction WHERE read_id = $1 AND field = $2");
    tx.run(delete.bind(read.0).bind(field.as_str())).await.map(|_| ())
}

const OF_READ: &str = "SELECT field, text, made_at FROM correction WHERE read_id = $1 ORDER BY field";

/// The program's own values for one read.
#[derive(Default)]
struct Said {
    precis: Option<Precis>,
    title: String,
    company: String,
    published: Option<Date>,
}

fn said_query() -> String {
    format!(
        "SELECT r.title, r.published, s.company, {TITLE} AS source_title, p.body, p.said
         FROM read r JOIN source s ON s.id = r.source_id LEFT JOIN precis p ON p.read_id = r.id WHERE r.id = $1"
    )
}

impl Said {
    fn of(row: &Row, zone: &TimeZone) -> Tried<Self> {
        let body = if row.opt_text("said")?.is_some() { "said" } else { "body" };
        let day = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date();
        Ok(Self {
            precis: row.opt_json(body)?,
            title: row.text("title")?,
            company: company_of(row.text("company")?, &row.text("source_title")?),
            published: row.opt_moment("published")?.map(day),
        })
    }

    /// The value of a field, as a correction would have it.
    fn get(&self, field: ReadField) -> String {
        match field {
            ReadField::Title => self.title.clone(),
            ReadField::Company => self.company.clone(),
            ReadField::Date => self.published.map(|date| date.to_string()).unwrap_or_default(),
            field => self.precis.as_ref().map(|precis| precis.text_of(field)).unwrap_or_default(),
        }
    }
}

async fn said(tx: &mut Tx, read: ReadId, zone: &TimeZone) -> Tried<Said> {
    let row = tx.row(sql_of(said_query()).bind(read.0)).await?;
    Ok(row.map(|row| Said::of(&row, zone)).transpose()?.unwrap_or_default())
}

fn with_said(mut corrections: Vec<(Correction, Timestamp)>, said: &Said) -> Vec<Corrected> {
    corrections.sort_by_key(|(correction, _)| correction.field());
    let with = |(correction, at): (Correction, Timestamp)| Corrected {
        said: said.get(correction.field()),
        correction,
        at,
    };
    corrections.into_iter().map(with).collect()
}

fn of_rows(rows: &[Row]) -> Tried<Vec<(Correction, Timestamp)>> {
    rows.iter().map(of_row).collect()
}

fn of_row(row: &Row) -> Tried<(Correction, Timestamp)> {
    let field = row.parsed::<ReadField>("field")?;
    let correction = Correction::of(field, &row.text("text")?);
    let correction = correction.map_err(|error| Failure::Unreadable(format!("a correction: {error}")))?;
    Ok((correction, row.moment("made_at")?))
}

async fn of(tx: &mut Tx, read: ReadId) -> Tried<Vec<(Correction, Timestamp)>> {
    of_rows(&tx.rows(sql(OF_READ).bind(read.0)).await?)
}

/// Stores a correction. If it is equal to the stored one, that keeps its time.
async fn put(tx: &mut Tx, read: ReadId, correction: &Correction, at: Timestamp) -> Tried<()> {
    let upsert = sql("INSERT INTO correction (read_id, field, text, made_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (read_id, field) DO UPDATE SET text = excluded.text,
            made_at = CASE WHEN correction.text = excluded.text THEN correction.made_at ELSE excluded.made_at END");
    let upsert = upsert.bind(read.0).bind(correction.field().as_str()).bind(correction.text());
    tx.run(upsert.bind(millis(at))).await?;
    Ok(())
}

/// The précis with the read's corrections applied. Also returns the annotator's own précis, if that
/// differs.
pub(crate) async fn shown(tx: &mut Tx, read: ReadId, said: &Precis) -> Tried<(Precis, Option<String>)> {
    let mut corrections: Vec<Correction> =
        of(tx, read).await?.into_iter().map(|(correction, _)| correction).collect();
    corrections.retain(|correction| correction.field().is_in_precis());
    if corrections.is_empty() {
        return Ok((said.clone(), None));
    }
    Ok((said.corrected(&corrections), Some(to_json(said)?)))
}

/// Moves the corrections of a read to the one it is merged into. Of two for a field, the later one
/// stays. Returns whether there were any.
pub(crate) async fn hand_over(tx: &mut Tx, into: ReadId, from: ReadId) -> Tried<bool> {
    let moved = sql("INSERT INTO correction (read_id, field, text, made_at)
         SELECT $1, field, text, made_at FROM correction WHERE read_id = $2
         ON CONFLICT (read_id, field) DO UPDATE SET
            text = CASE WHEN excluded.made_at > correction.made_at THEN excluded.text ELSE correction.text END,
            made_at = CASE WHEN excluded.made_at > correction.made_at THEN excluded.made_at ELSE correction.made_at END");
    let moved = tx.run(moved.bind(into.0).bind(from.0)).await?;
    tx.run(sql("DELETE FROM correction WHERE read_id = $1").bind(from.0)).await?;
    Ok(moved > 0)
}

pub(crate) async fn lock(tx: &mut Tx, read: ReadId) -> Tried<()> {
    let lock = format!("SELECT id FROM read WHERE id = $1 {}", tx.for_update());
    tx.row(sql_of(lock).bind(read.0)).await?;
    Ok(())
}

/// Adds corrections from another archive. Existing corrections stay.
pub(crate) async fn add(
    tx: &mut Tx,
    read: ReadId,
    corrections: &[(Correction, Timestamp)],
    zone: &TimeZone,
    now: Timestamp,
) -> Tried<()> {
    lock(tx, read).await?;
    let mut added = 0;
    for (correction, at) in corrections {
        let insert = sql("INSERT INTO correction (read_id, field, text, made_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (read_id, field) DO NOTHING");
        let insert = insert.bind(read.0).bind(correction.field().as_str()).bind(correction.text());
        added += tx.run(insert.bind(millis(*at))).await?;
    }
    if added > 0 { show_again(tx, read, zone, now).await } else { Ok(()) }
}

/// Computes all that follows from a locked read's corrections, and counts it again.
async fn show_again(tx: &mut Tx, read: ReadId, zone: &TimeZone, now: Timestamp) -> Tried<()> {
    touch(tx).await?;
    tx.run(sql("UPDATE read SET revised_at = $2 WHERE id = $1").bind(read.0).bind(millis(now))).await?;
    let which = Which::These(vec![read]);
    count(tx, &which, Sign::Less).await?;
    apply(tx, read, zone).await?;
    count(tx, &which, Sign::More).await
}

/// Computes everything that depends on a read's corrections. The caller has locked the read and
/// updates the counters.
pub(crate) async fn apply(tx: &mut Tx, read: ReadId, zone: &TimeZone) -> Tried<()> {
    let corrections = of(tx, read).await?;
    let of_field = |field: ReadField| {
        corrections.iter().map(|(correction, _)| correction).find(|correction| correction.field() == field)
    };
    let text = |field| of_field(field).map(|correction| correction.text().to_owned());
    let published = of_field(ReadField::Date).and_then(Correction::date).and_then(|date| noon(date, zone));
    let query = sql("SELECT stage, published, first_seen FROM read WHERE id = $1").bind(read.0);
    let Some(row) = tx.row(query).await? else { return Ok(()) };
    let (filed_at, week) = filed_by(published, row.opt_moment("published")?, row.moment("first_seen")?, zone);
    let update =
        sql("UPDATE read SET corrected_title = $2, corrected_company = $3, corrected_published = $4,
            filed_at = $5, week = $6
         WHERE id = $1");
    let update = update.bind(read.0).bind(text(ReadField::Title)).bind(text(ReadField::Company));
    tx.run(update.bind(opt_millis(published)).bind(filed_at).bind(week)).await?;
    let update = sql("UPDATE listing SET filed_at = $2 WHERE read_id = $1");
    tx.run(update.bind(read.0).bind(filed_at)).await?;
    if row.parsed::<Stage>("stage")? == Stage::Annotated {
        show_corrected(tx, read).await?;
    }
    Ok(())
}

/// Shows the précis of an annotated read with its corrections, in the read's row and on its lists.
pub(crate) async fn show_corrected(tx: &mut Tx, read: ReadId) -> Tried<()> {
    let query = sql("SELECT coalesce(said, body) AS said FROM precis WHERE read_id = $1").bind(read.0);
    let Some(row) = tx.row(query).await? else { return Ok(()) };
    let (precis, said) = shown(tx, read, &row.json("said")?).await?;
    let update = sql("UPDATE precis SET body = $2, said = $3 WHERE read_id = $1");
    tx.run(update.bind(read.0).bind(to_json(&precis)?).bind(said)).await?;
    show_precis(tx, read, &precis).await?;
    tx.run(sql("DELETE FROM listing WHERE read_id = $1").bind(read.0)).await?;
    list_on_sources(tx, &[read]).await?;
    list_precis(tx, read, &precis).await
}

/// Noon of this day, so that the day is the same in most other time zones.
fn noon(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    date.at(12, 0, 0, 0).to_zoned_datetime(zone.clone()).ok().map(|at| at.timestamp())
}

/// The time under which a read is filed, and its week. A date that a person gave is used unchanged.
pub(crate) fn filed_by(
    corrected: Option<Timestamp>,
    published: Option<Timestamp>,
    first_seen: Timestamp,
    zone: &TimeZone,
) -> (i64, String) {
    match corrected {
        Some(at) => filed(Some(at), at, zone),
        None => filed(published, first_seen, zone),
    }
}

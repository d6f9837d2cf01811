//! Stores an article, and merges its read with another one that is the same article (tables
//! `article`, `address`).
//!
//! Two reads are the same if a fetch of one ends at an address under which the other was admitted,
//! or if their texts have the same fingerprint and their titles agree. Weaker signs are not enough:
//! all deleted pages may redirect to one front page, a consent page gives all pages of a blog the
//! same text, and on some sites all pages claim the same address (`rel=canonical`). Each of these
//! would merge a whole archive.

use std::collections::BTreeSet;

use backissue_model::bounds::{MAX_NAME, MAX_TITLE, cut};
use backissue_model::{Article, Blocks, CanonicalUrl, Fingerprint, ReadId, Stage};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::archive::touch;
use crate::budget::size;
use crate::corrections::{self, filed_by};
use crate::counters::{Sign, Which, count, list_on_sources};
use crate::database::{Row, Sql, Tried, Tx, insertion, sql, sql_of};
use crate::keys::address_key;
use crate::merge::absorb;
use crate::polls::lock_reads;
use crate::times::{millis, opt_millis};
use crate::titles::Titles;
use crate::{ClaimedRead, Store, StoreError};

/// Maximum characters of a read's description in lists.
const DESCRIPTION_MAX: usize = 300;

/// The result of storing an article.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extracted {
    /// It is stored.
    Stored,
    /// An older read has the same article, so this read was merged into it. The older read now has
    /// this one's addresses and places, and its article if it had none. This row is gone.
    MergedInto(ReadId),
    /// The lease had ended and another worker has taken over. Nothing was changed.
    LeaseLost,
}

impl Store {
    /// Stores the article of a read whose page was at `final_url`. If an older read has the same
    /// article, merges the two.
    pub async fn finish_extract(
        &self,
        read: &ClaimedRead,
        article: &Article,
        final_url: &CanonicalUrl,
        now: Timestamp,
    ) -> Result<Extracted, StoreError> {
        self.retry("storing an article", || async {
            let mut tx = self.database.begin_admission().await?;
            let canonical = article.canonical_url.as_ref().and_then(|url| CanonicalUrl::of(url).ok());
            let mut ids = same_article(&mut tx, read, article, final_url, canonical.as_ref()).await?;
            ids.insert(read.id);
            let ids: Vec<ReadId> = ids.into_iter().collect();
            let rows = lock_reads(&mut tx, &ids).await?;
            let Some(oldest) = rows.first().filter(|_| is_held(read, &rows)) else {
                tx.abandon().await?;
                return Ok(Extracted::LeaseLost);
            };
            let survivor = ReadId(oldest.int("id")?);
            let absorbed: Vec<ReadId> = ids.into_iter().filter(|id| *id != survivor).collect();
            let addresses = recording_addresses(survivor, final_url, canonical.as_ref());
            if absorbed.is_empty() {
                let mut kept = keeping_article(oldest, Said::By(read), article, &self.zone, now)?;
                kept.push(addresses);
                tx.together(kept).await?;
            } else {
                self.make_one(&mut tx, read, &rows, &absorbed, article, now).await?;
                tx.run(addresses).await?;
            }
            tx.commit().await?;
            Ok(if survivor == read.id { Extracted::Stored } else { Extracted::MergedInto(survivor) })
        })
        .await
    }

    /// Moves addresses and places of the younger reads to the first of `rows`. It keeps its
    /// article, or gets the new one if it has none.
    async fn make_one(
        &self,
        tx: &mut Tx,
        read: &ClaimedRead,
        rows: &[Row],
        absorbed: &[ReadId],
        article: &Article,
        now: Timestamp,
    ) -> Tried<()> {
        let survivor = &rows[0];
        let id = ReadId(survivor.int("id")?);
        let all = Which::These(rows.iter().map(|row| row.int("id").map(ReadId)).collect::<Tried<_>>()?);
        touch(tx).await?;
        count(tx, &all, Sign::Less).await?;
        let mut corrected = false;
        for from in absorbed {
            corrected |= absorb(tx, id, *from).await?;
        }
        if id == read.id {
            tx.together(keeping_article(survivor, Said::By(read), article, &self.zone, now)?).await?;
        } else if survivor.parsed::<Stage>("stage")? == Stage::Discovered {
            tx.together(keeping_article(survivor, Said::InRow, article, &self.zone, now)?).await?;
        } else if survivor.opt_int("published")?.is_none() {
            let published = read.entry.published.or(article.published).or(read.entry.updated);
            file(tx, survivor, published, &self.zone).await?;
        }
        if corrected {
            corrections::apply(tx, id, &self.zone).await?;
        }
        list_on_sources(tx, &[id]).await?;
        count(tx, &Which::These(vec![id]), Sign::More).await
    }
}

/// Whether this worker still holds the lease, by rows that are locked already.
fn is_held(read: &ClaimedRead, rows: &[Row]) -> bool {
    let is = |row: &Row, column, value: i64| row.int(column).is_ok_and(|found| found == value);
    rows.iter().any(|row| is(row, "id", read.id.0) && is(row, "claim", read.claim) && is(row, "held", 1))
}

/// Other reads of the same article.
async fn same_article(
    tx: &mut Tx,
    read: &ClaimedRead,
    article: &Article,
    final_url: &CanonicalUrl,
    canonical: Option<&CanonicalUrl>,
) -> Tried<BTreeSet<ReadId>> {
    let titles = Titles::of(read.entry.title.as_deref(), article.title.as_deref());
    let print = article.fingerprint.map(|print| print.to_string());
    let short = print.is_none();
    let query = sql(if short { SAME_SHORT_TEXT } else { SAME_FINGERPRINT });
    let query = query.bind(address_key(final_url)).bind(read.id.0);
    let query = match print {
        Some(print) => query.bind(print),
        None => query.bind(address_key(canonical.unwrap_or(final_url))).bind(article.text.as_str()),
    };
    let mut same = BTreeSet::new();
    for row in tx.rows(query).await? {
        let others = Titles {
            entry: row.opt_text("title_key")?,
            ..Titles::of(None, row.opt_text("title")?.as_deref())
        };
        let has_its_title = if short { titles.same_as(&others) } else { titles.agree_with(&others) };
        if row.yes("by_address")? || has_its_title {
            same.insert(ReadId(row.int("id")?));
        }
    }
    Ok(same)
}

/// Whether another read was admitted under an address.
pub(crate) const ADMITTED_BY_ANOTHER: &str =
    "SELECT read_id FROM address WHERE how = 'admitted' AND key = $1 AND read_id <> $2";

/// The same, and other reads with the same text.
pub(crate) const SAME_FINGERPRINT: &str =
    "SELECT read_id AS id, NULL AS title_key, NULL AS title, CAST(1 AS BIGINT) AS by_address
     FROM address WHERE how = 'admitted' AND key = $1 AND read_id <> $2
     UNION ALL
     SELECT r.id, r.title_key, a.title, CAST(0 AS BIGINT) FROM read r LEFT JOIN article a ON a.read_id = r.id
     WHERE r.fingerprint = $3 AND r.id <> $2";

/// The same, and other reads whose text is too short for a fingerprint: with a common address and
/// exactly the same text.
pub(crate) const SAME_SHORT_TEXT: &str =
    "SELECT read_id AS id, NULL AS title_key, NULL AS title, CAST(1 AS BIGINT) AS by_address
     FROM address WHERE how = 'admitted' AND key = $1 AND read_id <> $2
     UNION ALL
     SELECT r.id, r.title_key, a.title, CAST(0 AS BIGINT)
     FROM address d JOIN read r ON r.id = d.read_id JOIN article a ON a.read_id = r.id
     WHERE d.key IN ($1, $3) AND d.read_id <> $2 AND a.text = $4";

/// A statement that stores the fetch's final address and the page's own address, in addition to the
/// one under which the read was admitted.
fn recording_addresses(id: ReadId, final_url: &CanonicalUrl, canonical: Option<&CanonicalUrl>) -> Sql {
    let reached = address_key(final_url);
    let claimed = canonical.map(|url| (address_key(url), url, "claimed")).filter(|(key, ..)| *key != reached);
    let rows: Vec<_> = [(reached, final_url, "reached")].into_iter().chain(claimed).collect();
    let into = insertion("address (key, url, read_id, how)", rows.len());
    let mut insert = sql_of(format!("{into} ON CONFLICT (key, read_id) DO NOTHING"));
    for (key, url, how) in rows {
        insert = insert.bind(key).bind(url.as_str()).bind(id.0).bind(how);
    }
    insert
}

/// The origin of a publication date, in order of preference: the feed, the page, the feed's date of
/// change.
enum Said<'a> {
    By(&'a ClaimedRead),
    InRow,
}

/// The statements that store the article and move its read to `extracted`.
fn keeping_article(
    row: &Row,
    said: Said<'_>,
    article: &Article,
    zone: &TimeZone,
    now: Timestamp,
) -> Tried<Vec<Sql>> {
    let id = row.int("id")?;
    let published = match said {
        Said::By(read) if read.is_own => read.entry.published.or(article.published).or(read.entry.updated),
        Said::By(read) => article.published.or(read.entry.published).or(read.entry.updated),
        Said::InRow => row.opt_moment("published")?.or(article.published),
    };
    let (filed_at, week) =
        filed_by(row.opt_moment("corrected_published")?, published, row.moment("first_seen")?, zone);
    let title = article.title.as_deref().map(str::trim).filter(|t| !t.is_empty());
    let title = title.map(|title| cut(title, MAX_TITLE));
    let author = article.author.as_deref().map(|author| cut(author, MAX_NAME));
    let update = sql(
        "UPDATE read SET stage = 'extracted', due_at = $2, held = 0, claim = claim + 1, attempts = 0, error = NULL,
            failed_at = NULL, published = $3, filed_at = $4, week = $5, title = coalesce($6, title),
            author = coalesce($7, author), description = $8, minutes = $9, fingerprint = $10,
            html_gone_at = NULL
         WHERE id = $1",
    );
    let update = update
        .bind(id)
        .bind(millis(now))
        .bind(opt_millis(published))
        .bind(filed_at)
        .bind(week)
        .bind(title.as_deref())
        .bind(author.as_deref())
        .bind(description(article))
        .bind(article.minutes)
        .bind(article.fingerprint.as_ref().map(Fingerprint::to_string));
    let bytes = size(article.html.len() + article.text.len());
    let taken = sql("UPDATE source SET taken_bytes = taken_bytes + $2
         WHERE id = (SELECT source_id FROM read WHERE id = $1)");
    Ok(vec![update, storing_article(id, article, now), taken.bind(id).bind(bytes)])
}

fn storing_article(id: i64, article: &Article, now: Timestamp) -> Sql {
    let upsert = sql(
        "INSERT INTO article (read_id, canonical_url, title, author, published, site_name, description, language, words,
                              minutes, fetched_at, html, text, blocks)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (read_id) DO UPDATE SET canonical_url = excluded.canonical_url, title = excluded.title,
            author = excluded.author, published = excluded.published, site_name = excluded.site_name,
            description = excluded.description, language = excluded.language, words = excluded.words,
            minutes = excluded.minutes, fetched_at = excluded.fetched_at, html = excluded.html,
            text = excluded.text, blocks = excluded.blocks",
    );
    // The body is not bounded here, and not copied.
    let told = told_of(article);
    upsert
        .bind(id)
        .bind(told.canonical_url.as_ref().map(url::Url::as_str))
        .bind(told.title.as_deref())
        .bind(told.author.as_deref())
        .bind(opt_millis(article.published))
        .bind(told.site_name.as_deref())
        .bind(told.description.as_deref())
        .bind(told.language.as_deref())
        .bind(article.words)
        .bind(article.minutes)
        .bind(millis(now))
        .bind(article.html.as_str())
        .bind(article.text.as_str())
        .bind(article.blocks.to_string())
}

/// The metadata of an article, cut to the maximum lengths.
fn told_of(article: &Article) -> Article {
    Article {
        canonical_url: article.canonical_url.clone(),
        title: article.title.clone(),
        author: article.author.clone(),
        site_name: article.site_name.clone(),
        description: article.description.clone(),
        language: article.language.clone(),
        html: String::new(),
        text: String::new(),
        blocks: Blocks::default(),
        ..*article
    }
    .bounded()
}

/// Files a read under the date that its page gave, if the read had none.
async fn file(tx: &mut Tx, row: &Row, published: Option<Timestamp>, zone: &TimeZone) -> Tried<()> {
    let id = row.int("id")?;
    let (filed_at, week) =
        filed_by(row.opt_moment("corrected_published")?, published, row.moment("first_seen")?, zone);
    let update = sql("UPDATE read SET published = $2, filed_at = $3, week = $4 WHERE id = $1");
    tx.run(update.bind(id).bind(opt_millis(published)).bind(filed_at).bind(week)).await?;
    let update = sql("UPDATE listing SET filed_at = $2 WHERE read_id = $1");
    tx.run(update.bind(id).bind(filed_at)).await?;
    Ok(())
}

/// The page's description, or else the start of its text, cut after a word.
fn description(article: &Article) -> Option<String> {
    let own = article.description.as_deref().map(str::trim).filter(|d| !d.is_empty());
    let text = own.or_else(|| article.text.split("\n\n").map(str::trim).find(|block| !block.is_empty()))?;
    Some(cut(&backissue_model::collapsed(text), DESCRIPTION_MAX).into_owned())
}

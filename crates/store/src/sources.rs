//! Followed blogs: table `source`.

use backissue_model::bounds::{MAX_NAME, MAX_TITLE, cut};
use backissue_model::{
    Days, Health, Limit, Moved, Moving, NewSource, Slug, Source, SourceId, Standing, company_of_title,
};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::archive::touch;
use crate::counters::{Sign, Which, count, mark_changed, mark_gone};
use crate::database::{Row, Sql, Tried, Tx, sql, sql_listing, sql_of};
use crate::due::not_among;
use crate::error::Failure;
use crate::hubs::hub_of_row;
use crate::keys::{source_list, url_key};
use crate::marks::is_held;
use crate::retention::{column_of, limit_of};
use crate::times::millis;
use crate::{Store, StoreError};

/// The result of following a blog.
#[derive(Clone, Debug, PartialEq)]
pub struct Follow {
    /// The source, new or already followed.
    pub source: Source,
    /// Whether it was not followed before.
    pub is_new: bool,
}

/// What to do with the reads of an unfollowed blog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfollow {
    /// Reads that no other source names leave the archive, except those that a reader keeps, noted,
    /// labelled, highlighted, answered or rated, and those that were corrected.
    DropReads,
    /// All reads stay.
    KeepReads,
}

/// The result of unfollowing a blog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfollowed {
    /// Number of reads that stay: because they have another source, because of a reader's marks,
    /// notes or labels, or because all must stay.
    pub reads_kept: u64,
    /// Reads that left the archive.
    pub reads_dropped: u64,
}

/// A change of a source by a person. `None` leaves a field unchanged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceChange {
    /// Its title. If empty, the next poll stores the feed's own title.
    pub title: Option<String>,
    /// Its company. If empty, the company is derived from the title.
    pub company: Option<String>,
    /// Its group. If empty, it has none.
    pub group: Option<String>,
    /// Whether it is paused.
    pub paused: Option<bool>,
    /// How long the HTML of its articles is kept.
    pub keep_articles: Option<Limit<Days>>,
    /// The maximum bytes of this HTML.
    pub keep_articles_size: Option<Limit<u64>>,
}

impl SourceChange {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Which sources to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceFilter {
    /// Only those with this standing.
    pub standing: Option<Standing>,
    /// Only those whose last poll failed.
    pub troubled_only: bool,
}

/// Which sources may be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those whose next poll is due.
    Due,
    /// All active sources that were not polled since the round began, whatever their schedule.
    AllNow {
        /// When the round began.
        since: Timestamp,
    },
}

/// A claimed source. Only this worker may poll it until the lease ends.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedSource {
    /// The source.
    pub source: Source,
    /// The host of its feed, or else of its sitemap, listing or site. Pauses between requests are
    /// counted per host.
    pub host: String,
    /// Proof of the lease.
    pub(crate) claim: i64,
}

/// The title of source `s`. Before its feed gave one, the host.
pub(crate) const TITLE: &str = "CASE WHEN s.title = '' THEN s.host ELSE s.title END";

/// The company behind a source: as a person set it, or else from its title.
pub(crate) fn company_of(named: String, title: &str) -> String {
    if named.is_empty() { company_of_title(title) } else { named }
}

/// The columns of a source in lists. The title falls back to the host.
pub(crate) const SOURCE: &str = "SELECT s.id, s.slug, s.title, s.host, s.company, s.site_url, s.feed_url, s.sitemap_url,
    s.listing_url, s.in_group, s.keep_days, s.keep_bytes, s.followed_at, s.unfollowed_at, s.last_poll,
    s.last_success, s.next_poll, s.last_error, s.failures, s.failing_since, s.last_new, s.pace, s.wishes,
    s.moving_to, s.moving_since, s.moved_from, s.moved_at, s.etag, s.last_modified, t.reads AS shown,
    CASE WHEN s.standing = 'active' AND s.paused_at IS NOT NULL THEN 'paused' ELSE s.standing END AS standing_now,
    h.hub AS hub_url, h.ends_at AS hub_ends_at, h.told_at AS hub_told_at, h.error AS hub_error,
    (SELECT max(filed_at) FROM listing l WHERE l.list = 'source/' || s.id AND l.has_problem = 0) AS newest_plain,
    (SELECT max(filed_at) FROM listing l WHERE l.list = 'source/' || s.id AND l.has_problem = 1) AS newest_problem
    FROM source s LEFT JOIN tally t ON t.list = 'all' AND t.facet = 'source/' || s.id
    LEFT JOIN subscription h ON h.source_id = s.id";

impl Store {
    /// Follows a blog, like [`Store::follow`]. A new source comes into this group.
    pub async fn follow_in_group(
        &self,
        new: &NewSource,
        group: Option<&str>,
        now: Timestamp,
    ) -> Result<Follow, StoreError> {
        let follow = self.follow(new, now).await?;
        if follow.is_new && group.is_some() {
            let change = SourceChange { group: group.map(str::to_owned), ..SourceChange::default() };
            self.change_source(follow.source.id, &change, now).await?;
        }
        Ok(follow)
    }

    /// Follows a blog. A source that is followed already, by another spelling of its address or by
    /// its feed's former address, stays unchanged. The site's address is stored only if it is a web
    /// address.
    pub async fn follow(&self, new: &NewSource, now: Timestamp) -> Result<Follow, StoreError> {
        self.retry("following a blog", || async {
            let mut tx = self.database.begin_admission().await?;
            let (id, is_new) = follow_in(&mut tx, new, now).await?;
            let source = source_in(&mut tx, id).await?;
            if is_new {
                touch(&mut tx).await?;
                tx.commit_work().await?;
            } else {
                tx.abandon().await?;
            }
            Ok(Follow { source, is_new })
        })
        .await
    }

    /// Changes a source. If its name changes, its reads are indexed again. A resumed source is due
    /// immediately. Returns `None` if there is no such source.
    pub async fn change_source(
        &self,
        id: SourceId,
        change: &SourceChange,
        now: Timestamp,
    ) -> Result<Option<Source>, StoreError> {
        self.retry("changing a source", || async {
            let trimmed =
                |text: &Option<String>, most| text.as_ref().map(|text| cut(text.trim(), most).into_owned());
            let mut tx = self.database.begin_admission().await?;
            let update =
                sql("UPDATE source SET title = coalesce($2, title), company = coalesce($3, company),
                    in_group = coalesce($4, in_group)
                 WHERE id = $1");
            let update = update
                .bind(id.0)
                .bind(trimmed(&change.title, MAX_TITLE))
                .bind(trimmed(&change.company, MAX_NAME))
                .bind(trimmed(&change.group, MAX_NAME));
            if tx.run(update).await? == 0 {
                tx.abandon().await?;
                return Ok(None);
            }
            if change.title.as_deref().is_some_and(|title| title.trim().is_empty()) {
                // The feed's own title is read again only if the whole feed is fetched.
                tx.run(sql("UPDATE source SET etag = NULL, last_modified = NULL WHERE id = $1").bind(id.0))
                    .await?;
            }
            if let Some(limit) = change.keep_articles {
                let days = column_of(limit, |days| i64::from(days.0));
                tx.run(sql("UPDATE source SET keep_days = $2 WHERE id = $1").bind(id.0).bind(days)).await?;
            }
            if let Some(limit) = change.keep_articles_size {
                let bytes = column_of(limit, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
                tx.run(sql("UPDATE source SET keep_bytes = $2 WHERE id = $1").bind(id.0).bind(bytes)).await?;
            }
            if let Some(paused) = change.paused {
                let statement = if paused {
                    sql("UPDATE source SET paused_at = coalesce(paused_at, $2) WHERE id = $1")
                } else {
                    sql("UPDATE source SET paused_at = NULL, next_poll = CASE
                            WHEN standing = 'active' AND paused_at IS NOT NULL THEN $2 ELSE next_poll END
                         WHERE id = $1")
                };
                tx.run(statement.bind(id.0).bind(millis(now))).await?;
            }
            touch(&mut tx).await?;
            if change.title.is_some() || change.company.is_some() {
                mark_changed(&mut tx, &Which::OfSource(id.0)).await?;
            }
            let source = source_in(&mut tx, id).await?;
            tx.commit_work().await?;
            Ok(Some(source))
        })
        .await
    }

    /// Makes all polled sources due at `now`, whatever their schedule.
    pub async fn poll_all_at(&self, now: Timestamp) -> Result<(), StoreError> {
        self.retry("making every source due", || async {
            let mut tx = self.database.begin().await?;
            let update = sql("UPDATE source SET next_poll = $1
                 WHERE standing = 'active' AND paused_at IS NULL AND (next_poll IS NULL OR next_poll > $1)");
            tx.run(update.bind(millis(now))).await?;
            touch(&mut tx).await?;
            tx.commit_work().await
        })
        .await
    }

    /// Makes one source due at `now`, if it is polled. Returns whether it is.
    pub async fn poll_at(&self, id: SourceId, now: Timestamp) -> Result<bool, StoreError> {
        self.retry("making a source due", || async {
            let mut tx = self.database.begin().await?;
            let update =
                sql("UPDATE source SET next_poll = CASE WHEN next_poll < $2 THEN next_poll ELSE $2 END
                 WHERE id = $1 AND standing = 'active' AND paused_at IS NULL");
            let is_polled = tx.run(update.bind(id.0).bind(millis(now))).await? > 0;
            touch(&mut tx).await?;
            tx.commit_work().await?;
            Ok(is_polled)
        })
        .await
    }

    /// Unfollows a blog. If reads without another source stay, the source's row stays too, and is
    /// not polled any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such source; otherwise if the database fails.
    pub async fn unfollow(
        &self,
        id: SourceId,
        what: Unfollow,
        now: Timestamp,
    ) -> Result<Unfollowed, StoreError> {
        let gone = self
            .retry("unfollowing a blog", || async {
                let mut tx = self.database.begin_admission().await?;
                let lock = format!("SELECT id FROM source WHERE id = $1 {}", tx.for_update());
                if tx.row(sql_of(lock).bind(id.0)).await?.is_none() {
                    tx.abandon().await?;
                    return Ok(None);
                }
                let lock = format!(
                    "SELECT id FROM read WHERE id IN (SELECT read_id FROM place WHERE source_id = $1)
                     ORDER BY id {}",
                    tx.for_update()
                );
                tx.rows(sql_of(lock).bind(id.0)).await?;
                touch(&mut tx).await?;
                let which = Which::OfSource(id.0);
                count(&mut tx, &which, Sign::Less).await?;
                let reads_dropped = match what {
                    Unfollow::DropReads => drop_reads(&mut tx, id).await?,
                    Unfollow::KeepReads => 0,
                };
                // Its remaining reads are those that stay with it, and those with another source.
                let listing = format!("DELETE FROM listing WHERE list = $2 AND read_id NOT IN ({ONLY_HERE})");
                tx.run(sql_of(listing).bind(id.0).bind(source_list(id))).await?;
                tx.run(sql(HAND_OVER_READS).bind(id.0)).await?;
                count(&mut tx, &which, Sign::More).await?;
                let elsewhere = format!(
                    "DELETE FROM place WHERE source_id = $1 AND read_id NOT IN
                ({ONLY_HERE})"
                );
                let mut reads_kept = tx.run(sql_of(elsewhere).bind(id.0)).await?;
                let left = sql("SELECT count(*) AS reads FROM place WHERE source_id = $1").bind(id.0);
                let staying = tx.row(left).await?.map_or(Ok(0), |row| row.count("reads"))?;
                if staying > 0 {
                    reads_kept += staying;
                    keep_without_asking(&mut tx, id, now).await?;
                } else {
                    tx.run(sql("DELETE FROM tally WHERE list = $1 OR facet = $1").bind(source_list(id)))
                        .await?;
                    tx.run(sql("DELETE FROM source WHERE id = $1").bind(id.0)).await?;
                }
                tx.commit().await?;
                Ok(Some(Unfollowed { reads_kept, reads_dropped }))
            })
            .await?;
        gone.ok_or_else(|| StoreError::NotFound {
            location: (*self.location).clone(),
            what: format!("source {}", id.0),
        })
    }

    /// The followed blogs, sorted by title.
    pub async fn sources(&self, filter: &SourceFilter) -> Result<Vec<Source>, StoreError> {
        let standing = filter.standing.map(standing_name);
        let query = sql_of(format!(
            "{SOURCE} WHERE s.unfollowed_at IS NULL AND ($1 IS NULL OR $1 =
                CASE WHEN s.standing = 'active' AND s.paused_at IS NOT NULL THEN 'paused' ELSE s.standing END)
             AND ($2 = 0 OR s.last_error IS NOT NULL)"
        ))
        .bind(standing)
        .bind(filter.troubled_only);
        let mut sources = self.list("listing sources", query, source_of_row).await?;
        // Not in SQL, because the two databases fold case differently.
        sources.sort_by_cached_key(|source| (source.title.to_lowercase(), source.id));
        Ok(sources)
    }

    /// A followed blog.
    pub async fn source(&self, id: SourceId) -> Result<Option<Source>, StoreError> {
        self.one_source(sql_of(format!("{SOURCE} WHERE s.id = $1")).bind(id.0)).await
    }

    /// The followed blog with this slug.
    pub async fn source_by_slug(&self, slug: &str) -> Result<Option<Source>, StoreError> {
        // PostgreSQL refuses texts with this character.
        if slug.contains('\0') {
            return Ok(None);
        }
        self.one_source(sql_of(format!("{SOURCE} WHERE s.slug = $1")).bind(slug)).await
    }

    async fn one_source(&self, query: Sql) -> Result<Option<Source>, StoreError> {
        self.one("looking up a source", query, source_of_row).await
    }

    /// Claims the source that has been due for longest, on a host that is not busy, for `lease`.
    pub async fn claim_source(
        &self,
        now: Timestamp,
        lease: SignedDuration,
        busy_hosts: &[String],
        scope: Scope,
    ) -> Result<Option<ClaimedSource>, StoreError> {
        self.retry("claiming a source", || async {
            let (due, moment) = match scope {
                Scope::Due => ("next_poll <= $3", now),
                Scope::AllNow { since } => ("(last_poll IS NULL OR last_poll < $3)", since),
            };
            let busy_condition = not_among("host", 4, busy_hosts);
            let within = self.within_limit("id");
            let candidate = format!(
                "SELECT id FROM source WHERE standing = 'active' AND paused_at IS NULL AND {due} {busy_condition}
                 {within}
                 AND (leased_until IS NULL OR leased_until <= $1) ORDER BY coalesce(next_poll, 0), id LIMIT 1"
            );
            let moments = |statement: Sql| {
                let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
                statement
                    .bind(millis(now))
                    .bind(millis(until))
                    .bind(millis(moment))
                    .bind_all(busy_hosts.iter().cloned())
            };
            let look = format!("SELECT c.id, CAST($2 AS BIGINT) AS until FROM ({candidate}) AS c");
            let look = moments(sql_listing(look, busy_hosts.len()));
            let take = |lock: &str| {
                let take = format!(
                    "UPDATE source SET claim = claim + 1, leased_until = $2 WHERE id = ({candidate} {lock})
                     RETURNING id, host, claim"
                );
                moments(sql_listing(take, busy_hosts.len()))
            };
            let Some((mut tx, taken)) = self.database.begin_claim(look, take).await? else { return Ok(None) };
            let query = sql_of(format!("{SOURCE} WHERE s.id = $1")).bind(taken.int("id")?);
            let row = tx
                .row(query)
                .await?
                .ok_or_else(|| Failure::Unreadable("a claimed source without a row".into()))?;
            let claimed = ClaimedSource {
                source: source_of_row(&row)?,
                host: taken.text("host")?,
                claim: taken.int("claim")?,
            };
            tx.commit().await?;
            Ok(Some(claimed))
        })
        .await
    }
}

/// A source, inside a transaction.
pub(crate) async fn source_in(tx: &mut Tx, id: SourceId) -> Tried<Source> {
    let row = tx.row(sql_of(format!("{SOURCE} WHERE s.id = $1")).bind(id.0)).await?;
    source_of_row(&row.ok_or_else(|| Failure::Unreadable(format!("no source {}", id.0)))?)
}

/// Reads without another source.
const ONLY_HERE: &str = "SELECT p.read_id FROM place p WHERE p.source_id = $1
    AND NOT EXISTS (SELECT 1 FROM place o WHERE o.read_id = p.read_id AND o.source_id <> $1)";

/// Drops the reads without another source, unless somebody holds them ([`is_held`]).
async fn drop_reads(tx: &mut Tx, id: SourceId) -> Tried<u64> {
    let dropped = format!("{ONLY_HERE} AND NOT {}", is_held("p.read_id"));
    mark_gone(tx, &dropped, id.0).await?;
    // Rows of removed notes and highlights, and of cards that were turned over and left.
    for table in ["note", "card_answer", "highlight"] {
        tx.run(sql_of(format!("DELETE FROM {table} WHERE read_id IN ({dropped})")).bind(id.0)).await?;
    }
    tx.run(sql_of(format!("DELETE FROM read WHERE id IN ({dropped})")).bind(id.0)).await
}

/// Keeps the row of an unfollowed source for the reads that stay with it, and stops polling it.
async fn keep_without_asking(tx: &mut Tx, id: SourceId, now: Timestamp) -> Tried<()> {
    let update = sql(
        "UPDATE source SET unfollowed_at = $2, standing = 'retired', next_poll = NULL, leased_until = NULL,
            claim = claim + 1, etag = NULL, last_modified = NULL WHERE id = $1",
    );
    tx.run(update.bind(id.0).bind(millis(now))).await?;
    for statement in
        ["DELETE FROM backfill WHERE source_id = $1", "DELETE FROM subscription WHERE source_id = $1"]
    {
        tx.run(sql(statement).bind(id.0)).await?;
    }
    Ok(())
}

/// Follows a source, inside a transaction of admission. Returns whether it was not followed before.
pub(crate) async fn follow_in(tx: &mut Tx, new: &NewSource, now: Timestamp) -> Tried<(SourceId, bool)> {
    let site_url = on_the_web(new.site_url.as_ref());
    let key = source_key(new, site_url);
    if let Some(id) = followed_as(tx, &key).await? {
        return Ok((SourceId(id), follow_again(tx, id, now).await?));
    }
    let slug = free_slug(tx, new).await?;
    let active = [&new.feed_url, &new.listing_url, &new.sitemap_url].into_iter().any(Option::is_some);
    let insert = sql(
        "INSERT INTO source (slug, key, title, company, host, site_url, feed_url, sitemap_url, listing_url,
                             followed_at, standing, next_poll)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
    );
    let insert = insert
        .bind(slug.as_str())
        .bind(key)
        .bind(cut(new.title.trim(), MAX_TITLE).as_ref())
        .bind(cut(new.company.as_deref().unwrap_or_default().trim(), MAX_NAME).as_ref())
        .bind(host_of(new))
        .bind(site_url.map(Url::as_str))
        .bind(new.feed_url.as_ref().map(Url::as_str))
        .bind(new.sitemap_url.as_ref().map(Url::as_str))
        .bind(new.listing_url.as_ref().map(Url::as_str))
        .bind(millis(now))
        .bind(standing_name(if active { Standing::Active } else { Standing::Waiting }))
        .bind(active.then_some(millis(now)));
    let row = tx.row(insert).await?;
    let row = row.ok_or_else(|| Failure::Unreadable("a new source without a row".into()))?;
    Ok((SourceId(row.int("id")?), true))
}

/// Follows an unfollowed source again. Returns whether it was unfollowed.
async fn follow_again(tx: &mut Tx, id: i64, now: Timestamp) -> Tried<bool> {
    let update = sql("UPDATE source SET unfollowed_at = NULL, next_poll = $2,
            standing = CASE WHEN coalesce(feed_url, listing_url, sitemap_url) IS NULL THEN 'waiting' ELSE 'active' END
         WHERE id = $1 AND unfollowed_at IS NOT NULL");
    Ok(tx.run(update.bind(id).bind(millis(now))).await? > 0)
}

/// For the reads that a source named first, makes the next source with a place the first one.
const HAND_OVER_READS: &str = "UPDATE read SET source_id = (
        SELECT p.source_id FROM place p WHERE p.read_id = read.id AND p.source_id <> $1
        ORDER BY p.seen_at, p.source_id LIMIT 1)
    WHERE source_id = $1
        AND EXISTS (SELECT 1 FROM place o WHERE o.read_id = read.id AND o.source_id <> $1)";

/// The source with this key, now or before its feed's address changed.
async fn followed_as(tx: &mut Tx, key: &str) -> Tried<Option<i64>> {
    let query = sql("SELECT id FROM source WHERE key = $1
         UNION ALL SELECT source_id AS id FROM former_feed WHERE key = $1 LIMIT 1");
    tx.row(query.bind(key)).await?.map(|row| row.int("id")).transpose()
}

/// The address, if it is a web address. Some feeds name other texts as their sites.
pub(crate) fn on_the_web(url: Option<&Url>) -> Option<&Url> {
    url.filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn source_key(new: &NewSource, site_url: Option<&Url>) -> String {
    let addresses = [new.feed_url.as_ref(), site_url, new.sitemap_url.as_ref(), new.listing_url.as_ref()];
    addresses.into_iter().flatten().next().map_or_else(|| format!("title: {}", new.title.trim()), url_key)
}

fn host_of(new: &NewSource) -> String {
    let addresses = [&new.feed_url, &new.listing_url, &new.sitemap_url, &new.site_url];
    addresses.into_iter().flatten().find_map(|url| url.host_str()).unwrap_or_default().to_owned()
}

/// A slug of the title (or else the company, or else the host) that no other source has.
async fn free_slug(tx: &mut Tx, new: &NewSource) -> Tried<Slug> {
    let host = host_of(new);
    let named = [new.title.trim(), new.company.as_deref().unwrap_or_default().trim(), host.as_str()];
    let base = Slug::of(named.into_iter().find(|name| !name.is_empty()).unwrap_or_default());
    let mut slug = base.clone();
    let mut number = 1u32;
    while tx.row(sql("SELECT id FROM source WHERE slug = $1").bind(slug.as_str())).await?.is_some() {
        number += 1;
        let room: String = base.as_str().chars().take(Slug::MAX - 11).collect();
        slug = Slug::of(&format!("{room}-{number}"));
    }
    Ok(slug)
}

pub(crate) fn standing_name(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Retired => "retired",
        Standing::Waiting => "waiting",
        Standing::Paused => "paused",
    }
}

fn standing_of(row: &Row) -> Tried<Standing> {
    let name = row.text("standing_now")?;
    [Standing::Active, Standing::Retired, Standing::Waiting, Standing::Paused]
        .into_iter()
        .find(|standing| standing_name(*standing) == name)
        .ok_or_else(|| Failure::Unreadable(format!("`standing` is `{name}`")))
}

pub(crate) fn source_of_row(row: &Row) -> Tried<Source> {
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    let title = or(row.short("title", MAX_TITLE)?, &row.text("host")?);
    let newest = row.opt_moment("newest_plain")?.max(row.opt_moment("newest_problem")?);
    let shown = row.opt_int("shown")?.unwrap_or(0);
    Ok(Source {
        id: SourceId(row.int("id")?),
        slug: Slug::of(&row.text("slug")?),
        company: company_of(row.short("company", MAX_NAME)?, &title),
        title,
        site_url: row.opt_parsed("site_url")?,
        feed_url: row.opt_parsed("feed_url")?,
        sitemap_url: row.opt_parsed("sitemap_url")?,
        listing_url: row.opt_parsed("listing_url")?,
        group: Some(row.text("in_group")?).filter(|group| !group.is_empty()),
        keep_articles: limit_of(row.opt_int("keep_days")?, |days| u32::try_from(days).map(Days).ok()),
        keep_articles_size: limit_of(row.opt_int("keep_bytes")?, |bytes| u64::try_from(bytes).ok()),
        followed_at: row.moment("followed_at")?,
        unfollowed_at: row.opt_moment("unfollowed_at")?,
        reads: u64::try_from(shown).unwrap_or(0),
        newest,
        health: Health {
            standing: standing_of(row)?,
            last_poll: row.opt_moment("last_poll")?,
            last_success: row.opt_moment("last_success")?,
            next_poll: row.opt_moment("next_poll")?,
            last_error: row.opt_text("last_error")?,
            failures: row.small("failures")?,
            failing_since: row.opt_moment("failing_since")?,
            last_new: row.opt_int("last_new")?.map(|new| u64::try_from(new).unwrap_or(0)),
            pace: row.opt_json("pace")?,
            polling_hints: row.json("wishes")?,
            moving: moving_of(row)?,
            moved: moved_of(row)?,
            hub: hub_of_row(row)?,
            etag: row.opt_text("etag")?,
            last_modified: row.opt_text("last_modified")?,
        },
    })
}

fn moving_of(row: &Row) -> Tried<Option<Moving>> {
    let (to, since) = (row.opt_parsed("moving_to")?, row.opt_moment("moving_since")?);
    Ok(to.zip(since).map(|(to, since)| Moving { to, since }))
}

fn moved_of(row: &Row) -> Tried<Option<Moved>> {
    let (from, at) = (row.opt_parsed("moved_from")?, row.opt_moment("moved_at")?);
    Ok(from.zip(at).map(|(from, at)| Moved { from, at }))
}

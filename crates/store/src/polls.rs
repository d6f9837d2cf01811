//! Records the result of a poll and admits its entries, so that a read has one row, however many
//! sources name it.

use std::collections::{HashMap, HashSet};

use backissue_model::bounds::{MAX_ADDRESS, MAX_ERROR, MAX_LANGUAGE, MAX_NAME, MAX_TITLE, cut};
use backissue_model::without_credentials;
use backissue_model::{CanonicalUrl, Entry, Moving, Pace, PollingHints, ReadId, SourceId, Stage, owns};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use crate::archive::touch;
use crate::asking::OWNER_CHANGED;
use crate::budget::size;
use crate::corrections::filed_by;
use crate::counters::{Sign, Which, count, list_on_sources, mark_changed};
use crate::database::{Row, Tried, Tx, insertion, placeholders, sql, sql_listing, sql_of, sql_once};
use crate::error::Failure;
use crate::hubs::settle_hub;
use crate::keys::{address_key, url_key};
use crate::rows::to_json;
use crate::sources::{TITLE, on_the_web};
use crate::times::{filed, millis, opt_millis};
use crate::titles::title_key;
use crate::webhooks::tell_failing;
use crate::{ClaimedSource, Store, StoreError, clock};

/// The result of a poll.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one a poll, and never a list of them")]
pub enum PollOutcome {
    /// The feed was fetched and parsed.
    Fetched {
        /// Its title of the blog, used if the source has none.
        feed_title: Option<String>,
        /// The blog's front page, used if the source has none and it is on the web.
        site_url: Option<Url>,
        /// Its declared language (BCP 47).
        language: Option<String>,
        /// Whether the feed's address has changed.
        address: Address,
        /// The feed's hints about polling.
        polling_hints: PollingHints,
        /// `ETag` of the response.
        etag: Option<String>,
        /// `Last-Modified` of the response.
        last_modified: Option<String>,
        /// Its articles.
        articles: Vec<Admission>,
        /// Other pages that it names. Each is an article only if its page is one.
        doubtful: Vec<Admission>,
    },
    /// The server answered 304 Not Modified.
    NotModified {
        /// `ETag` of the response. Without one, the known one stays.
        etag: Option<String>,
        /// `Last-Modified` of the response. Without one, the known one stays.
        last_modified: Option<String>,
        /// Whether the feed's address has changed.
        address: Address,
    },
    /// The request failed, or the document is no feed.
    Failed {
        /// The error, in plain words.
        error: String,
    },
    /// The server answered 410 Gone, so the source is not polled any more.
    Gone {
        /// The message, in plain words.
        error: String,
    },
}

/// The change of a feed's address, according to a successful response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Address {
    /// The address has not changed.
    #[default]
    Stays,
    /// The feed redirects permanently. Later polls must confirm this.
    Moves(Moving),
    /// The address has changed to this one, which includes the credentials for further requests.
    Moved(Url),
}

/// The time of a source's next poll.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextPoll {
    /// The time. `None` if no poll is planned.
    pub at: Option<Timestamp>,
    /// The reason.
    pub pace: Option<Pace>,
}

impl From<Option<Timestamp>> for NextPoll {
    fn from(at: Option<Timestamp>) -> Self {
        Self { at, pace: None }
    }
}

/// Number of newest reads that determine how often a source publishes.
pub const APPEARED: u32 = 10;

/// An entry to admit: it becomes a new read, or matches a known one.
#[derive(Clone, Debug, PartialEq)]
pub struct Admission {
    /// The read's identity.
    pub url: CanonicalUrl,
    /// The feed's entry.
    pub entry: Entry,
}

/// How a read of a source was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// A feed, or an equally reliable list, names it, so it is an article.
    Feed,
    /// A backfill found its address, or a feed that also names other pages. It is an article only
    /// if its page is one.
    Backfill,
}

backissue_model::names! { FoundBy, (), |_| (), Feed = "feed", Backfill = "backfill" }

/// The result of admitting entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// New reads.
    pub new: u64,
    /// Entries that were known already.
    pub known: u64,
    /// New entries that were not admitted because too many hosts wait for this source already.
    pub left: u64,
}

impl Store {
    /// Records the result of a poll and admits its entries, in one transaction. A known entry gets
    /// a place on this source; another one becomes a new read. Does nothing if the source was
    /// unfollowed in the meantime.
    ///
    /// `next` decides the time of the next poll. It gets the times at which the newest reads
    /// appeared, including those of this poll: at most [`APPEARED`], newest first.
    pub async fn record_poll(
        &self,
        claimed: &ClaimedSource,
        outcome: PollOutcome,
        now: Timestamp,
        next: impl Fn(&[Timestamp]) -> NextPoll + Sync,
    ) -> Result<Admitted, StoreError> {
        let outcome = &outcome;
        let next = &next;
        self.retry("recording a poll", || async {
            let source = claimed.source.id;
            let mut tx = self.database.begin_admission().await?;
            let lock =
                format!("SELECT id, claim, title FROM source WHERE id = $1 {}", tx.for_update_but_its_key());
            let Some(row) = tx.row(sql_of(lock).bind(source.0)).await? else {
                tx.abandon().await?;
                return Ok(Admitted::default());
            };
            clock::judge(&mut tx, now, &self.zone).await?;
            let admitted = match outcome {
                PollOutcome::Fetched { articles, doubtful, .. } => {
                    let zone = &self.zone;
                    let articles =
                        admit(&mut tx, source, articles, FoundBy::Feed, Room::default(), now, zone).await?;
                    let doubtful =
                        admit(&mut tx, source, doubtful, FoundBy::Backfill, Room::default(), now, zone)
                            .await?;
                    Admitted {
                        new: articles.new + doubtful.new,
                        known: articles.known + doubtful.known,
                        left: articles.left + doubtful.left,
                    }
                }
                _ => Admitted::default(),
            };
            // A worker whose lease has ended still admits its entries, which is idempotent, but
            // does not change the source's state.
            if row.int("claim")? == claimed.claim {
                let next = next(&appeared(&mut tx, source).await?);
                record_health(&mut tx, source, outcome, admitted, now, &next).await?;
            }
            touch(&mut tx).await?;
            if row.text("title")?.is_empty() && matches!(outcome, PollOutcome::Fetched { .. }) {
                // Its reads are shown with its current title.
                mark_changed(&mut tx, &Which::OfSource(source.0)).await?;
            }
            if admitted.new > 0 {
                tx.commit_work().await?;
            } else {
                tx.commit().await?;
            }
            Ok(admitted)
        })
        .await
    }

    /// Whether one of these entries belongs to this source: the archive has its address for the
    /// source, or its title, if that is long enough to be distinctive.
    pub async fn has_any_of(&self, source: SourceId, entries: &[Admission]) -> Result<bool, StoreError> {
        self.run("comparing a feed with what is known", async {
            let entries = &entries[..entries.len().min(BATCH)];
            let query = format!(
                "SELECT a.read_id FROM address a JOIN place p ON p.read_id = a.read_id AND p.source_id = $1
                 WHERE a.how = 'admitted' AND a.key IN ({}) LIMIT 1",
                placeholders(2, entries.len())
            );
            let query = sql_once(query).bind(source.0).bind_all(entries.iter().map(|e| address_key(&e.url)));
            if self.database.row(query).await?.is_some() {
                return Ok(true);
            }
            let titles: Vec<String> = entries
                .iter()
                .filter_map(|admission| title_key(admission.entry.title.as_deref()))
                .filter(|key| key.chars().count() >= TELLING_TITLE)
                .collect();
            let query = format!(
                "SELECT id FROM read WHERE source_id = $1 AND title_key IN ({}) LIMIT 1",
                placeholders(2, titles.len())
            );
            Ok(self.database.row(sql_once(query).bind(source.0).bind_all(titles)).await?.is_some())
        })
        .await
    }
}

/// Minimum letters and digits of a distinctive title. "Hello, world" has ten.
const TELLING_TITLE: usize = 16;

/// When the newest reads that a source named first appeared: their publication date, or when they
/// were first seen.
pub(crate) const NEWEST_APPEARED: &str =
    "SELECT filed_at FROM read WHERE source_id = $1 ORDER BY filed_at DESC LIMIT $2";

async fn appeared(tx: &mut Tx, source: SourceId) -> Tried<Vec<Timestamp>> {
    let rows = tx.rows(sql(NEWEST_APPEARED).bind(source.0).bind(APPEARED)).await?;
    rows.iter().map(|row| row.moment("filed_at")).collect()
}

async fn record_health(
    tx: &mut Tx,
    source: SourceId,
    outcome: &PollOutcome,
    admitted: Admitted,
    now: Timestamp,
    next: &NextPoll,
) -> Tried<()> {
    let moment = millis(now);
    let pace = next.pace.as_ref().map(to_json).transpose()?;
    let planned = |text| sql(text).bind(source.0).bind(moment).bind(opt_millis(next.at)).bind(pace);
    let statement = match outcome {
        PollOutcome::Fetched {
            feed_title,
            site_url,
            language,
            address,
            polling_hints,
            etag,
            last_modified,
            ..
        } => {
            let (to, since) = moving(address);
            // What was left is only seen again if the whole feed comes again.
            let whole = admitted.left == 0;
            let (etag, last_modified) =
                (etag.as_ref().filter(|_| whole), last_modified.as_ref().filter(|_| whole));
            planned(
                "UPDATE source SET last_poll = $2, last_success = $2, next_poll = $3, pace = $4,
                    leased_until = NULL, last_error = NULL, failures = 0, failing_since = NULL,
                    moving_to = $5, moving_since = $6, etag = $7, last_modified = $8,
                    title = CASE WHEN title = '' THEN $9 ELSE title END, site_url = coalesce(site_url, $10),
                    language = coalesce($11, language), wishes = $12, last_new = $13
                 WHERE id = $1",
            )
            .bind(to)
            .bind(since)
            .bind(validator(etag))
            .bind(validator(last_modified))
            .bind(cut(feed_title.as_deref().unwrap_or_default().trim(), MAX_TITLE).as_ref())
            .bind(on_the_web(site_url.as_ref()).map(Url::as_str))
            .bind(language.as_deref().filter(|tag| tag.len() <= MAX_LANGUAGE))
            .bind(to_json(polling_hints)?)
            .bind(i64::try_from(admitted.new).unwrap_or(i64::MAX))
        }
        PollOutcome::NotModified { etag, last_modified, address } => {
            let (to, since) = moving(address);
            planned(
                "UPDATE source SET last_poll = $2, last_success = $2, next_poll = $3, pace = $4,
                    leased_until = NULL, last_error = NULL, failures = 0, failing_since = NULL,
                    moving_to = $5, moving_since = $6, last_new = NULL,
                    etag = coalesce($7, etag), last_modified = coalesce($8, last_modified)
                 WHERE id = $1",
            )
            .bind(to)
            .bind(since)
            .bind(validator(etag.as_ref()))
            .bind(validator(last_modified.as_ref()))
        }
        // The request failed, so there is no evidence about the feed's address.
        PollOutcome::Failed { error } => planned(
            "UPDATE source SET last_poll = $2, next_poll = $3, pace = $4, leased_until = NULL,
                last_error = $5, failures = failures + 1, failing_since = coalesce(failing_since, $2)
             WHERE id = $1",
        )
        .bind(cut(error, MAX_ERROR).as_ref()),
        PollOutcome::Gone { error } => sql("UPDATE source SET last_poll = $2, next_poll = NULL, pace = NULL,
                leased_until = NULL, standing = 'retired', last_error = $3, failures = failures + 1,
                failing_since = coalesce(failing_since, $2)
             WHERE id = $1")
        .bind(source.0)
        .bind(moment)
        .bind(cut(error, MAX_ERROR).as_ref()),
    };
    tx.run(statement).await?;
    if matches!(outcome, PollOutcome::Failed { .. } | PollOutcome::Gone { .. }) {
        tell_failing(tx, source, now).await?;
    }
    if let PollOutcome::Fetched { polling_hints, .. } = outcome {
        settle_hub(tx, source, polling_hints, now).await?;
    }
    match outcome {
        PollOutcome::Fetched { address: Address::Moved(to), .. }
        | PollOutcome::NotModified { address: Address::Moved(to), .. } => {
            move_feed(tx, source, to, now).await
        }
        _ => Ok(()),
    }
}

/// A validator of a response. Returns `None` if it is longer than any real one.
fn validator(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| value.len() <= MAX_ADDRESS)
}

/// An entry, as it is stored with its place.
fn entry_json(entry: &Entry) -> Tried<String> {
    to_json(&entry.clone().bounded())
}

/// The columns of an unconfirmed address.
fn moving(address: &Address) -> (Option<&str>, Option<i64>) {
    match address {
        Address::Moves(Moving { to, since }) => (Some(to.as_str()), Some(millis(*since))),
        Address::Stays | Address::Moved(_) => (None, None),
    }
}

/// Stores the feed's new address. The source can still be found by the old one. If another source
/// follows the new address already, this one retires, because otherwise two sources would poll one
/// feed.
async fn move_feed(tx: &mut Tx, source: SourceId, to: &Url, now: Timestamp) -> Tried<()> {
    let query = sql("SELECT key, feed_url FROM source WHERE id = $1").bind(source.0);
    let row =
        tx.row(query).await?.ok_or_else(|| Failure::Unreadable("a polled source without a row".into()))?;
    let (old_key, new_key) = (row.text("key")?, url_key(to));
    let other = format!("SELECT s.slug, {TITLE} AS title FROM source s WHERE s.key = $1 AND s.id <> $2");
    if let Some(other) = tx.row(sql_of(other).bind(new_key.as_str()).bind(source.0)).await? {
        let why = format!(
            "its feed has moved to the one that {} ({}) follows already",
            other.text("title")?,
            other.text("slug")?
        );
        let retire = sql(
            "UPDATE source SET standing = 'retired', next_poll = NULL, pace = NULL, last_error = $2 WHERE id = $1",
        );
        tx.run(retire.bind(source.0).bind(why)).await?;
        return Ok(());
    }
    tx.run(sql("DELETE FROM former_feed WHERE key = $1").bind(new_key.as_str())).await?;
    let update = sql("UPDATE source SET feed_url = $2, host = $3, key = $4, moved_from = $5, moved_at = $6
         WHERE id = $1");
    let update = update.bind(source.0).bind(to.as_str()).bind(to.host_str().unwrap_or_default());
    let from = row.opt_parsed::<Url>("feed_url")?.map(|url| without_credentials(&url));
    let update = update.bind(new_key.as_str()).bind(from.as_ref().map(Url::as_str));
    tx.run(update.bind(millis(now))).await?;
    if old_key != new_key {
        let keep = sql("INSERT INTO former_feed (key, source_id) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE SET source_id = excluded.source_id");
        tx.run(keep.bind(old_key).bind(source.0)).await?;
    }
    Ok(())
}

/// Reads admitted per statement. With at most 12 values each, this is far below the limits of both
/// databases.
const BATCH: usize = 200;

/// Admits the entries of a source, with at most `room` new reads.
pub(crate) async fn admit(
    tx: &mut Tx,
    source: SourceId,
    admissions: &[Admission],
    found_by: FoundBy,
    room: Room,
    now: Timestamp,
    zone: &TimeZone,
) -> Tried<Admitted> {
    let mut seen = HashSet::new();
    let keyed: Vec<(String, &Admission)> = admissions
        .iter()
        .map(|admission| (address_key(&admission.url), admission))
        .filter(|(key, _)| seen.insert(key.clone()))
        .collect();
    let mut admitted = Admitted { new: 0, known: (admissions.len() - keyed.len()) as u64, left: 0 };
    let mut waiting: Option<HashSet<String>> = None;
    for batch in keyed.chunks(BATCH) {
        let known = known_reads(tx, batch).await?;
        let (old, mut new): (Vec<_>, Vec<_>) = batch.iter().partition(|(key, _)| known.contains_key(key));
        if let Some(room) = room.pages {
            new.truncate(usize::try_from(room.saturating_sub(admitted.new)).unwrap_or(usize::MAX));
        }
        if !new.is_empty() && !room.is_of_any_hosts {
            if waiting.is_none() {
                waiting = Some(waiting_hosts(tx, source).await?);
            }
            if let Some(waiting) = &mut waiting {
                let before = new.len();
                new.retain(|(_, admission)| may_wait(waiting, admission.url.host()));
                admitted.left += (before - new.len()) as u64;
            }
        }
        admitted.new += new.len() as u64;
        admitted.known += old.len() as u64;
        let mut placed = insert_reads(tx, source, &new, now, zone).await?;
        add_places(tx, source, &placed, found_by, now).await?;
        placed = old.into_iter().map(|(key, admission)| (known[key], *admission)).collect();
        let unconfirmed = match found_by {
            FoundBy::Feed => unconfirmed(tx, &placed).await?,
            FoundBy::Backfill => HashSet::new(),
        };
        place_known(tx, source, &placed, found_by, now, zone).await?;
        placed.retain(|(id, _)| unconfirmed.contains(&id.0));
        placed.sort_by_key(|(id, _)| *id);
        confirm(tx, source, &placed, now).await?;
    }
    Ok(admitted)
}

/// How many pages an admission may add.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Room {
    /// Maximum new pages.
    pub(crate) pages: Option<u64>,
    /// Whether pages of any number of hosts may wait, because a person names them and not a feed.
    pub(crate) is_of_any_hosts: bool,
}

/// Maximum hosts whose pages wait to be fetched for one source. A feed can name any number of hosts
/// that lead to a single server, and each host would get requests for robots.txt and for pages.
const MAX_WAITING_HOSTS: usize = 200;

async fn waiting_hosts(tx: &mut Tx, source: SourceId) -> Tried<HashSet<String>> {
    let query = sql(
        "SELECT DISTINCT host FROM read WHERE source_id = $1 AND stage = 'discovered' AND due_at IS NOT NULL",
    );
    tx.rows(query.bind(source.0)).await?.iter().map(|row| row.text("host")).collect()
}

/// Whether a page of this host may wait beside those of `waiting`, to which the host is added then.
fn may_wait(waiting: &mut HashSet<String>, host: &str) -> bool {
    waiting.contains(host) || waiting.len() < MAX_WAITING_HOSTS && waiting.insert(host.to_owned())
}

async fn known_reads(tx: &mut Tx, batch: &[(String, &Admission)]) -> Tried<HashMap<String, ReadId>> {
    let query = sql_once(admitted_as(batch.len())).bind_all(batch.iter().map(|(key, _)| key.as_str()));
    let rows = tx.rows(query).await?;
    rows.iter().map(|row| Ok((row.text("key")?, ReadId(row.int("read_id")?)))).collect()
}

/// Finds the reads that were admitted under these addresses. Addresses that another read redirected
/// to or claimed do not count: deleted pages redirect to a front page, and pages claim wrong
/// addresses.
pub(crate) fn admitted_as(addresses: usize) -> String {
    format!(
        "SELECT key, read_id FROM address WHERE how = 'admitted' AND key IN ({})",
        placeholders(1, addresses)
    )
}

/// The read that was admitted under this address.
pub(crate) async fn admitted(tx: &mut Tx, url: &CanonicalUrl) -> Tried<Option<ReadId>> {
    let row = tx.row(sql_of(admitted_as(1)).bind(address_key(url))).await?;
    row.map(|row| row.int("read_id").map(ReadId)).transpose()
}

/// Inserts new rows with their addresses; places are inserted later.
async fn insert_reads<'a>(
    tx: &mut Tx,
    source: SourceId,
    new: &[&(String, &'a Admission)],
    now: Timestamp,
    zone: &TimeZone,
) -> Tried<Vec<(ReadId, &'a Admission)>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let into = "read (url, host, source_id, first_seen, published, filed_at, week, title, title_key, author, stage, due_at)";
    let mut statement = sql_once(insertion(into, new.len()) + " RETURNING id, url");
    for (_, Admission { url, entry }) in new {
        let published = entry.published.or(entry.updated);
        let (filed_at, week) = filed(published, now, zone);
        let title = entry.title.as_deref().map(str::trim).filter(|t| !t.is_empty()).unwrap_or(url.as_str());
        statement = statement
            .bind(url.as_str())
            .bind(url.host())
            .bind(source.0)
            .bind(millis(now))
            .bind(opt_millis(published))
            .bind(filed_at)
            .bind(week)
            .bind(cut(title, MAX_TITLE).as_ref())
            .bind(title_key(entry.title.as_deref()))
            .bind(entry.author.as_deref().map(|author| cut(author, MAX_NAME)).as_deref())
            .bind(Stage::Discovered.as_str())
            .bind(millis(now));
    }
    // Databases do not guarantee the order of RETURNING, so rows are matched by key.
    let rows = tx.rows(statement).await?;
    let ids: HashMap<String, i64> =
        rows.iter().map(|row| Ok((row.text("url")?, row.int("id")?))).collect::<Tried<_>>()?;
    let mut statement = sql_once(insertion("address (key, url, read_id, how)", new.len()));
    let mut placed = Vec::with_capacity(new.len());
    for (key, admission) in new {
        let id = *ids
            .get(admission.url.as_str())
            .ok_or_else(|| Failure::Unreadable(format!("a new read lost its address {}", admission.url)))?;
        statement = statement.bind(key.as_str()).bind(admission.url.as_str()).bind(id).bind("admitted");
        placed.push((ReadId(id), *admission));
    }
    tx.run(statement).await?;
    Ok(placed)
}

/// Adds a place on this source to known reads without one, and adds shown reads to its list.
async fn place_known(
    tx: &mut Tx,
    source: SourceId,
    known: &[(ReadId, &Admission)],
    found_by: FoundBy,
    now: Timestamp,
    zone: &TimeZone,
) -> Tried<()> {
    if known.is_empty() {
        return Ok(());
    }
    let query = format!(
        "SELECT read_id FROM place WHERE source_id = $1 AND read_id IN ({})",
        placeholders(2, known.len())
    );
    let rows = tx.rows(sql_once(query).bind(source.0).bind_all(known.iter().map(|(id, _)| id.0))).await?;
    let mut there: HashSet<i64> = rows.iter().map(|row| row.int("read_id")).collect::<Tried<_>>()?;
    let missing: Vec<(ReadId, &Admission)> =
        known.iter().filter(|(id, _)| there.insert(id.0)).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut ids: Vec<ReadId> = missing.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    lock_reads(tx, &ids).await?;
    touch(tx).await?;
    let which = Which::These(ids.clone());
    count(tx, &which, Sign::Less).await?;
    add_places(tx, source, &missing, found_by, now).await?;
    if found_by == FoundBy::Feed {
        take_over(tx, source, &missing, now, zone).await?;
    }
    list_on_sources(tx, &ids).await?;
    count(tx, &which, Sign::More).await
}

/// Moves reads to this source if they are on its site and the source that named them first is on
/// another site. Any feed may name another blog's articles before that blog does. The data from
/// that feed are no longer used.
async fn take_over(
    tx: &mut Tx,
    source: SourceId,
    placed: &[(ReadId, &Admission)],
    now: Timestamp,
    zone: &TimeZone,
) -> Tried<()> {
    let query = sql("SELECT host, site_url FROM source WHERE id = $1").bind(source.0);
    let Some(new) = tx.row(query).await? else { return Ok(()) };
    let (new_host, new_site) = (new.text("host")?, new.opt_parsed::<Url>("site_url")?);
    let query = format!(
        "SELECT r.id, r.host, r.first_seen, r.corrected_published, s.host AS owner_host, s.site_url AS owner_site,
            a.title AS page_title, a.author AS page_author, a.published AS page_published
         FROM read r JOIN source s ON s.id = r.source_id LEFT JOIN article a ON a.read_id = r.id
         WHERE r.id IN ({})",
        placeholders(1, placed.len())
    );
    let rows = tx.rows(sql_listing(query, placed.len()).bind_all(placed.iter().map(|(id, _)| id.0))).await?;
    let entries: HashMap<i64, &Entry> = placed.iter().map(|(id, named)| (id.0, &named.entry)).collect();
    let mut taken = Vec::new();
    for row in &rows {
        let (id, host) = (row.int("id")?, row.text("host")?);
        let owner_site = row.opt_parsed::<Url>("owner_site")?;
        let owner = row.text("owner_host")?;
        let is_ours = owns(&new_host, new_site.as_ref(), &host) && !owns(&owner, owner_site.as_ref(), &host);
        if let Some(entry) = entries.get(&id).filter(|_| is_ours) {
            give(tx, source, row, entry, now, zone).await?;
            taken.push(ReadId(id));
        }
    }
    if !taken.is_empty() {
        mark_changed(tx, &Which::These(taken)).await?;
    }
    Ok(())
}

/// Moves one read to a source, with the data of its page and of this source's entry. If its page
/// could not be fetched, it is tried again, because this source's entry may have its text. A shown
/// read gets a new précis, because that depends on the company.
async fn give(
    tx: &mut Tx,
    source: SourceId,
    row: &Row,
    entry: &Entry,
    now: Timestamp,
    zone: &TimeZone,
) -> Tried<()> {
    let published = entry.published.or(row.opt_moment("page_published")?).or(entry.updated);
    let corrected = row.opt_moment("corrected_published")?;
    let (filed_at, week) = filed_by(corrected, published, row.moment("first_seen")?, zone);
    let told = |page: Option<String>, own: &Option<String>| {
        page.or_else(|| own.clone()).filter(|text| !text.trim().is_empty())
    };
    let title = told(row.opt_text("page_title")?, &entry.title);
    let author = told(row.opt_text("page_author")?, &entry.author);
    let update = sql("UPDATE read SET source_id = $2, published = $4, filed_at = $5, week = $6,
            title = coalesce($7, title), author = $8, title_key = coalesce($9, title_key),
            attempts = CASE WHEN due_at IS NULL THEN 0 ELSE attempts END,
            ask = CASE WHEN stage = 'annotated' THEN coalesce(ask, $10) END, due_at = CASE WHEN withdrawn_at IS NULL THEN coalesce(due_at, $3) END
         WHERE id = $1");
    let id = row.int("id")?;
    let update = update
        .bind(id)
        .bind(source.0)
        .bind(millis(now))
        .bind(opt_millis(published))
        .bind(filed_at)
        .bind(week)
        .bind(title.as_deref().map(|title| cut(title.trim(), MAX_TITLE)).as_deref())
        .bind(author.as_deref().map(|author| cut(author, MAX_NAME)).as_deref())
        .bind(title_key(entry.title.as_deref()))
        .bind(OWNER_CHANGED);
    tx.run(update).await?;
    let list = sql("UPDATE listing SET filed_at = $2 WHERE read_id = $1").bind(id).bind(filed_at);
    tx.run(list).await?;
    Ok(())
}

/// Those of these reads that no feed has named so far.
async fn unconfirmed(tx: &mut Tx, known: &[(ReadId, &Admission)]) -> Tried<HashSet<i64>> {
    if known.is_empty() {
        return Ok(HashSet::new());
    }
    // 'backfill' sorts before 'feed'.
    let query = format!(
        "SELECT read_id FROM place WHERE read_id IN ({}) GROUP BY read_id HAVING max(found_by) = 'backfill'",
        placeholders(1, known.len())
    );
    let rows = tx.rows(sql_once(query).bind_all(known.iter().map(|(id, _)| id.0))).await?;
    rows.iter().map(|row| row.int("read_id")).collect()
}

/// Records that a feed names reads that only backfills had found. This source stores its feed's
/// entry. A read that was set aside because its page was no article is tried again.
async fn confirm(
    tx: &mut Tx,
    source: SourceId,
    confirmed: &[(ReadId, &Admission)],
    now: Timestamp,
) -> Tried<()> {
    for (id, admission) in confirmed {
        let place = sql("UPDATE place SET found_by = 'feed', entry = $3, updated = $4
             WHERE read_id = $1 AND source_id = $2");
        let place = place.bind(id.0).bind(source.0).bind(entry_json(&admission.entry)?);
        tx.run(place.bind(opt_millis(admission.entry.updated))).await?;
        let again = sql("UPDATE read SET due_at = $2, attempts = 0, error = NULL, failed_at = NULL
             WHERE id = $1 AND stage = 'discovered' AND due_at IS NULL");
        tx.run(again.bind(id.0).bind(millis(now))).await?;
    }
    Ok(())
}

/// Locks these reads in order of id, like all transactions. Returns what merging and filing need of
/// them.
pub(crate) async fn lock_reads(tx: &mut Tx, ids: &[ReadId]) -> Tried<Vec<Row>> {
    let query = format!(
        "SELECT id, claim, held, stage, first_seen, published, corrected_published FROM read
         WHERE id IN ({}) ORDER BY id {}",
        placeholders(1, ids.len()),
        tx.for_update()
    );
    tx.rows(sql_listing(query, ids.len()).bind_all(ids.iter().map(|id| id.0))).await
}

async fn add_places(
    tx: &mut Tx,
    source: SourceId,
    placed: &[(ReadId, &Admission)],
    found_by: FoundBy,
    now: Timestamp,
) -> Tried<()> {
    if placed.is_empty() {
        return Ok(());
    }
    let into = "place (read_id, source_id, url, seen_at, updated, entry, found_by)";
    let mut statement = sql_once(insertion(into, placed.len()));
    let mut taken = 0;
    for (id, admission) in placed {
        let entry = entry_json(&admission.entry)?;
        taken += entry.len();
        statement = statement
            .bind(id.0)
            .bind(source.0)
            .bind(admission.url.as_str())
            .bind(millis(now))
            .bind(opt_millis(admission.entry.updated))
            .bind(entry)
            .bind(found_by.as_str());
    }
    tx.run(statement).await?;
    let update = sql("UPDATE source SET taken_bytes = taken_bytes + $2 WHERE id = $1");
    tx.run(update.bind(source.0).bind(size(taken))).await?;
    Ok(())
}

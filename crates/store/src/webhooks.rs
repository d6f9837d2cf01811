//! Webhooks and their messages: tables `webhook` and `webhook_call`.
//!
//! An event and the messages about it are stored in one transaction. So no message is lost if the
//! process dies, and none is sent about an event that was rolled back. A message is claimed for a
//! lease before it is sent, and its result is stored afterwards. One process delivers it; if that
//! process dies, another one delivers it again. Receivers recognise a repeated message by its id.

use std::fmt;

use backissue_model::{Event, ReadId, ReaderId, SourceId, Week};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::cards::ReadSummary;
use crate::database::{Row, Sql, Tried, Tx, placeholders, sql, sql_listing, sql_of};
use crate::times::millis;
use crate::{Store, StoreError};

/// Maximum webhooks of an archive.
pub const WEBHOOKS_MAX: u64 = 20;
/// Number of failed polls in a row after which a source is failing.
pub const FAILING_AFTER: u32 = 3;
/// How long delivered messages are stored.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);
/// The name of the event of a test message.
const TEST: &str = "webhook.test";
/// The condition that a webhook's reader is an operator. Otherwise it gets no messages.
const OPEN: &str = "JOIN reader o ON o.id = w.reader_id AND o.role = 'operator' AND o.closed_at IS NULL";

/// A program that is notified of events.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: i64,
    /// The operator who added it.
    pub reader: ReaderId,
    /// Its address, which is secret.
    pub url: String,
    /// The key that signs messages, which is secret.
    pub key: String,
    /// The events of which it is notified. Empty if it was stopped.
    pub events: Vec<Event>,
    /// When it was added. It is notified of later events only.
    pub made_at: Timestamp,
    /// Number of messages that are not delivered yet.
    pub waiting: u64,
    /// The result of the last attempt.
    pub last: Option<LastAnswer>,
}

impl Webhook {
    /// The scheme, host and port of its address. The rest of the address is secret.
    pub fn server(&self) -> String {
        self.url.parse::<Url>().map_or_else(|_| String::new(), |url| url.origin().ascii_serialization())
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook").field("id", &self.id).field("events", &self.events).finish_non_exhaustive()
    }
}

/// The result of the last attempt at a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAnswer {
    /// The time of the attempt.
    pub at: Timestamp,
    /// The webhook's answer, or the reason why there was none, in words.
    pub text: String,
    /// Whether the message was accepted.
    pub accepted: bool,
}

/// A webhook to add.
#[derive(Clone, Copy)]
pub struct NewWebhook<'w> {
    /// Its address.
    pub url: &'w str,
    /// The key that signs messages.
    pub key: &'w str,
    /// The events of which it is notified.
    pub events: &'w [Event],
}

impl fmt::Debug for NewWebhook<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewWebhook").field("events", &self.events).finish_non_exhaustive()
    }
}

/// The result of [`Store::add_webhook`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookAdded {
    /// It was added with this id.
    Added(i64),
    /// The webhook with this id has the same address.
    AddressTaken(i64),
    /// There are [`WEBHOOKS_MAX`].
    TooMany,
}

/// The right to deliver a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its id.
    pub id: i64,
    /// The webhook that is told.
    pub webhook: i64,
    /// What happened.
    pub subject: Subject,
    /// When the event happened.
    pub happened_at: Timestamp,
    /// Number of attempts, including this one.
    pub attempts: u32,
    claim: i64,
}

/// An event with its subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A read is shown.
    Read(ReadId),
    /// A week is over.
    Week(Week),
    /// A read answers the saved search with this id.
    Hit(i64, ReadId),
    /// A source is failing.
    Source(SourceId),
    /// No event: a person tests the webhook.
    Test,
}

impl Subject {
    /// The name of the event.
    pub fn event(self) -> &'static str {
        match self {
            Self::Read(_) => Event::ReadAnnotated.as_str(),
            Self::Week(_) => Event::WeekClosed.as_str(),
            Self::Hit(..) => Event::SearchHit.as_str(),
            Self::Source(_) => Event::SourceFailing.as_str(),
            Self::Test => TEST,
        }
    }

    fn of(event: &str, subject: &str) -> Option<Self> {
        let (first, second) = subject.split_once('/').unwrap_or((subject, ""));
        let number = |text: &str| text.parse::<i64>().ok();
        Some(match event.parse() {
            Ok(Event::ReadAnnotated) => Self::Read(ReadId(number(first)?)),
            Ok(Event::WeekClosed) => Self::Week(first.parse().ok()?),
            Ok(Event::SearchHit) => Self::Hit(number(first)?, ReadId(number(second)?)),
            Ok(Event::SourceFailing) => Self::Source(SourceId(number(first)?)),
            Err(_) => return (event == TEST).then_some(Self::Test),
        })
    }
}

/// The result of an attempt to deliver a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallResult {
    /// The webhook accepted it, with this answer.
    Accepted(String),
    /// It failed and is due again at this moment.
    Again(Timestamp, String),
    /// It failed and is given up.
    GivenUp(String),
    /// It is given up, and the webhook wants nothing more.
    Gone(String),
}

impl Store {
    /// Adds a webhook of this operator, unless another one has its address.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such reader; otherwise if the database fails.
    pub async fn add_webhook(
        &self,
        reader: ReaderId,
        new: NewWebhook<'_>,
        now: Timestamp,
    ) -> Result<WebhookAdded, StoreError> {
        let address = new.url.parse::<Url>().ok();
        // A caller may name an event twice.
        let is_first = |(n, event): &(usize, &Event)| !new.events[..*n].contains(event);
        let events = new.events.iter().enumerate().filter(is_first);
        let events: String = events.map(|(_, event)| format!(" {} ", event.as_str())).collect();
        let added = self.retry("adding a webhook", || async {
            // One at a time, so that two requests cannot add one address, or exceed the maximum.
            let mut tx = self.database.begin_admission().await?;
            if tx.row(sql("SELECT id FROM reader WHERE id = $1").bind(reader.0)).await?.is_none() {
                tx.abandon().await?;
                return Ok(None);
            }
            let rows = tx.rows(sql("SELECT id, url FROM webhook ORDER BY id")).await?;
            let mut there = Vec::new();
            for row in &rows {
                there.push((row.int("id")?, row.text("url")?));
            }
            let is_same = |url: &str| url == new.url || (address.is_some() && url.parse().ok() == address);
            let taken = there.iter().find(|(_, url)| is_same(url));
            let refused = match taken {
                Some((id, _)) => Some(WebhookAdded::AddressTaken(*id)),
                None => (there.len() as u64 >= WEBHOOKS_MAX).then_some(WebhookAdded::TooMany),
            };
            if refused.is_some() {
                tx.abandon().await?;
                return Ok(refused);
            }
            let insert = sql("INSERT INTO webhook (reader_id, url, signing_key, events, made_at)
                 VALUES ($1, $2, $3, $4, $5) RETURNING id");
            let insert = insert.bind(reader.0).bind(new.url).bind(new.key).bind(events.as_str());
            let id = tx.row(insert.bind(millis(now))).await?.map(|row| row.int("id")).transpose()?;
            tx.commit().await?;
            Ok(id.map(WebhookAdded::Added))
        });
        added.await?.ok_or_else(|| self.no_reader(reader))
    }

    /// All webhooks, the oldest first, with their last answers.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        self.list("listing webhooks", webhooks("", ""), webhook_of_row).await
    }

    /// The webhook with this id.
    pub async fn webhook(&self, id: i64) -> Result<Option<Webhook>, StoreError> {
        self.one("looking up a webhook", webhooks("", "WHERE w.id = $1").bind(id), webhook_of_row).await
    }

    /// The webhooks that have a message to be delivered now.
    pub async fn webhooks_due(&self, now: Timestamp) -> Result<Vec<Webhook>, StoreError> {
        const DUE: &str =
            "WHERE EXISTS (SELECT 1 FROM webhook_call d WHERE d.webhook_id = w.id AND d.due_at <= $1)";
        self.list("looking for due webhooks", webhooks(OPEN, DUE).bind(millis(now)), webhook_of_row).await
    }

    /// Removes a webhook, with what it is still to be told. Returns whether there was one.
    pub async fn remove_webhook(&self, id: i64) -> Result<bool, StoreError> {
        let delete = sql("DELETE FROM webhook WHERE id = $1");
        Ok(self.change("removing a webhook", delete.bind(id)).await? > 0)
    }

    /// Stores a test message for a webhook.
    pub async fn test_webhook(&self, id: i64, now: Timestamp) -> Result<(), StoreError> {
        let insert = sql("INSERT INTO webhook_call (webhook_id, event, subject, happened_at, due_at)
             SELECT id, $2, $3, $4, $4 FROM webhook WHERE id = $1
             ON CONFLICT (webhook_id, event, subject) DO NOTHING");
        let insert = insert.bind(id).bind(TEST).bind(millis(now).to_string()).bind(millis(now));
        self.change("testing a webhook", insert).await.map(|_| ())
    }

    /// Stores the messages about a week that is over since `ended_at`, unless they are stored
    /// already. Deletes old messages.
    pub async fn close_week(
        &self,
        week: Week,
        ended_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.retry("closing a week", || async {
            let known = sql_of(format!(
                "SELECT w.id FROM webhook w {OPEN} WHERE w.events LIKE $1 AND w.made_at <= $2 AND NOT EXISTS
                    (SELECT 1 FROM webhook_call c WHERE c.webhook_id = w.id AND c.event = $3 AND c.subject = $4)"
            ));
            let known = known.bind(like(Event::WeekClosed)).bind(millis(ended_at));
            let known = known.bind(Event::WeekClosed.as_str()).bind(week.to_string());
            if self.database.row(known).await?.is_none() {
                return Ok(());
            }
            let mut tx = self.database.begin().await?;
            let told = sql_of(telling("$4", "FROM webhook w", "AND w.made_at <= $5"));
            let told = about(told, Event::WeekClosed, now);
            tx.run(told.bind(week.to_string()).bind(millis(ended_at))).await?;
            let forget = sql("DELETE FROM webhook_call WHERE due_at IS NULL AND happened_at < $1");
            tx.run(forget.bind(millis(now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN)))).await?;
            tx.commit().await
        })
        .await
    }

    /// Claims the message to this webhook that has been due for longest, for `lease`.
    pub async fn claim_call(
        &self,
        webhook: i64,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Call>, StoreError> {
        self.retry("claiming a message", || async {
            loop {
                let due = sql("SELECT id, event, subject, happened_at, attempts, claim FROM webhook_call
                     WHERE webhook_id = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT 1");
                let Some(row) = self.database.row(due.bind(webhook).bind(millis(now))).await? else {
                    return Ok(None);
                };
                let (id, claim, attempts) = (row.int("id")?, row.int("claim")?, row.small("attempts")?);
                let subject = Subject::of(&row.text("event")?, &row.text("subject")?);
                // What an older program does not know is nothing that it could tell.
                let until = subject.map(|_| millis(now.saturating_add(lease).unwrap_or(Timestamp::MAX)));
                let mut tx = self.database.begin().await?;
                let take =
                    sql("UPDATE webhook_call SET claim = claim + 1, attempts = attempts + 1, due_at = $3
                     WHERE id = $1 AND claim = $2 AND due_at IS NOT NULL");
                let taken = tx.run(take.bind(id).bind(claim).bind(until)).await?;
                tx.commit().await?;
                if let (1, Some(subject)) = (taken, subject) {
                    return Ok(Some(Call {
                        id,
                        webhook,
                        subject,
                        happened_at: row.moment("happened_at")?,
                        attempts: attempts + 1,
                        claim: claim + 1,
                    }));
                }
            }
        })
        .await
    }

    /// Stores the result of an attempt. A webhook that wants nothing more is stopped with it: it
    /// stays in the list. Returns false and stores nothing if the lease was lost.
    pub async fn finish_call(
        &self,
        call: &Call,
        result: &CallResult,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (due_at, answer, accepted) = match result {
            CallResult::Accepted(answer) => (None, answer, true),
            CallResult::Again(at, answer) => (Some(millis(*at)), answer, false),
            CallResult::GivenUp(answer) | CallResult::Gone(answer) => (None, answer, false),
        };
        let update = sql("UPDATE webhook_call SET due_at = $3, answered_at = $4, answer = $5, accepted = $6
             WHERE id = $1 AND claim = $2");
        let update = update.bind(call.id).bind(call.claim).bind(due_at).bind(millis(now));
        let update = update.bind(answer.as_str()).bind(i64::from(accepted));
        self.retry("storing a webhook's answer", || async {
            let mut tx = self.database.begin().await?;
            let is_stored = tx.run(update.clone()).await? > 0;
            if is_stored && matches!(result, CallResult::Gone(_)) {
                stop(&mut tx, call.webhook).await?;
            }
            tx.commit().await?;
            Ok(is_stored)
        })
        .await
    }

    /// A new answer to a saved search: the read, and the search's name and question. Returns `None`
    /// if the read no longer answers it, or its reader hid the read.
    pub async fn hit(
        &self,
        search: i64,
        read: ReadId,
    ) -> Result<Option<(ReadSummary, String, String)>, StoreError> {
        let query =
            sql("SELECT s.name, s.question FROM search_hit h JOIN saved_search s ON s.id = h.search_id
                LEFT JOIN mark m ON m.read_id = h.read_id AND m.reader_id = s.reader_id
             WHERE h.search_id = $1 AND h.read_id = $2 AND h.holds = 1 AND m.hidden_at IS NULL");
        let found = self.one("looking up an answer", query.bind(search).bind(read.0), |row| {
            Ok((row.text("name")?, row.text("question")?))
        });
        let Some((name, question)) = found.await? else { return Ok(None) };
        let read = self.summaries_of_reads(&[read]).await?.pop();
        Ok(read.map(|read| (read, name, question)))
    }
}

/// Stops a webhook: it is told nothing more.
async fn stop(tx: &mut Tx, id: i64) -> Tried<()> {
    tx.run(sql("UPDATE webhook SET events = '' WHERE id = $1").bind(id)).await?;
    let rest = sql("UPDATE webhook_call SET due_at = NULL WHERE webhook_id = $1 AND due_at IS NOT NULL");
    tx.run(rest.bind(id)).await.map(|_| ())
}

/// A statement that stores that the webhooks are to be told that a read is shown.
pub(crate) fn telling_annotated(read: ReadId, now: Timestamp) -> Sql {
    let told = about(sql_of(telling("$4", "FROM webhook w", "")), Event::ReadAnnotated, now);
    told.bind(read.0.to_string())
}

/// Stores the messages about new answers to a saved search, for the webhooks of its reader. Only
/// reads among these that were found at this moment and that a feed named: a backfill finds old
/// reads, and the source of saved pages, which has no address, is what readers chose for
/// themselves.
pub(crate) async fn tell_hits(tx: &mut Tx, search: i64, reads: &[ReadId], now: Timestamp) -> Tried<()> {
    let rows = "FROM search_hit h JOIN saved_search q ON q.id = h.search_id JOIN webhook w ON w.reader_id = q.reader_id";
    let these = placeholders(5, reads.len());
    let which = format!(
        "AND h.search_id = $4 AND h.found_at = $3 AND h.read_id IN ({these}) AND EXISTS
            (SELECT 1 FROM place p JOIN source s ON s.id = p.source_id
             WHERE p.read_id = h.read_id AND p.found_by = 'feed'
                AND coalesce(s.feed_url, s.listing_url, s.sitemap_url) IS NOT NULL)"
    );
    let subject = "CAST(h.search_id AS TEXT) || '/' || CAST(h.read_id AS TEXT)";
    let told = sql_listing(telling(subject, rows, &which), reads.len());
    let told = about(told, Event::SearchHit, now).bind(search).bind_all(reads.iter().map(|id| id.0));
    tx.run(told).await.map(|_| ())
}

/// Stores the messages about a failing source, once per series of failures.
pub(crate) async fn tell_failing(tx: &mut Tx, source: SourceId, now: Timestamp) -> Tried<()> {
    let which = format!(
        "AND s.id = $4 AND s.failing_since IS NOT NULL AND (s.failures >= {FAILING_AFTER} OR s.standing = 'retired')"
    );
    let subject = "CAST(s.id AS TEXT) || '/' || CAST(s.failing_since AS TEXT)";
    let told = sql_of(telling(subject, "FROM source s CROSS JOIN webhook w", &which));
    tx.run(about(told, Event::SourceFailing, now).bind(source.0)).await.map(|_| ())
}

/// A statement that stores messages for the webhooks `w` that want an event. Its first values are
/// those of [`about`].
fn telling(subject: &str, rows: &str, which: &str) -> String {
    format!(
        "INSERT INTO webhook_call (webhook_id, event, subject, happened_at, due_at)
         SELECT w.id, CAST($1 AS TEXT), {subject}, CAST($3 AS BIGINT), CAST($3 AS BIGINT) {rows} {OPEN}
         WHERE w.events LIKE $2 {which}
         ON CONFLICT (webhook_id, event, subject) DO NOTHING"
    )
}

/// Binds an event, the pattern for webhooks that want it, and the time.
fn about(told: Sql, event: Event, now: Timestamp) -> Sql {
    told.bind(event.as_str()).bind(like(event)).bind(millis(now))
}

/// The pattern that the events of a webhook match if it wants this one.
fn like(event: Event) -> String {
    format!("% {} %", event.as_str())
}

fn webhooks(join: &str, which: &str) -> Sql {
    sql_of(format!(
        "SELECT w.id, w.reader_id, w.url, w.signing_key, w.events, w.made_at, l.answered_at, l.answer, l.accepted,
            (SELECT count(*) FROM webhook_call c WHERE c.webhook_id = w.id AND c.due_at IS NOT NULL) AS waiting
         FROM webhook w {join} LEFT JOIN webhook_call l ON l.id =
            (SELECT c.id FROM webhook_call c WHERE c.webhook_id = w.id AND c.answered_at IS NOT NULL
             ORDER BY c.answered_at DESC, c.id DESC LIMIT 1)
         {which} ORDER BY w.id"
    ))
}

fn webhook_of_row(row: &Row) -> Tried<Webhook> {
    let last = match row.opt_moment("answered_at")? {
        Some(at) => Some(LastAnswer {
            at,
            text: row.opt_text("answer")?.unwrap_or_default(),
            accepted: row.yes("accepted")?,
        }),
        None => None,
    };
    Ok(Webhook {
        id: row.int("id")?,
        reader: ReaderId(row.int("reader_id")?),
        url: row.text("url")?,
        key: row.text("signing_key")?,
        // An event that a newer program knows is left out.
        events: row.text("events")?.split_whitespace().filter_map(|name| name.parse().ok()).collect(),
        made_at: row.moment("made_at")?,
        waiting: row.count("waiting")?,
        last,
    })
}
